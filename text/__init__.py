"""Text to tokens and tokens to text, the same way for training, scoring and generating.

* `sentences.py`: where a sentence ends.
* `words.py`: where a word ends. (Which words a model knows: `reader.py` for a corpus,
  `saved/run_directory.py` for a saved run's `vocab.txt`.)
* `joining.py`: the way back, from tokens to readable text.
* `preparation.py`: how a corpus was made, so that other text can be prepared alike.
* `nbest.py`: the lists of hypotheses that speech recognition and translation write.
* `files.py`: text to prepare or to score, decoded block by block; bad UTF-8 is refused. (The
  corpus's own files: `reader.py`.)
"""
