"""Text to tokens and tokens to text, the same way for training, scoring and generating.

* `sentences.py`: where a sentence ends.
* `words.py`: where a word ends. (Which words a model knows is the vocabulary: `reader.py`.)
* `joining.py`: the way back, from tokens to readable text.
* `preparation.py`: how a corpus was made, so that other text can be prepared alike.
* `nbest.py`: the lists of hypotheses that speech recognition and translation write.
* `files.py`: files, read block by block.
"""
