"""Text to tokens and tokens to text, the same way for training, scoring and generating.

* `sentences.py`: where a sentence ends.
* `words.py`: where a word ends. (Which words a model knows: `reader.py` for a corpus,
  `saved/run_directory.py` for a saved run's `vocab.txt`.)
* `joining.py`: the way back, from tokens to readable text.
* `preparation.py`: how a corpus was made, so that other text can be prepared alike.
* `nbest.py`: the lists of hypotheses that speech recognition and translation write.
* `files.py`: what a file's text is: UTF-8 decoded block by block, line ends, byte order marks.
* `lines.py`: what a text's words are, and which of them only mark a sentence's beginning or end.
"""
