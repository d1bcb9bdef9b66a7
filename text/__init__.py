"""Text to tokens and tokens to text, the same way for training, scoring and generating.

* `sentences.py`: where a sentence ends.
* `tokenizer.py`: where a word ends. (Which words a model knows: `reader.py` for a corpus,
  `saved/run_directory.py` for a saved run's `vocab.txt`.)
* `detokenizer.py`: the way back, from tokens to readable text.
* `preparation.py`: how a corpus was made, so that other text can be prepared alike.
* `nbest_lines.py`: a line of the lists that speech recognition and translation write: its id, its
  words; `nbest_format.py`: which format the lists are in; `nbest_checks.py`: lines that are
  refused; `nbest_reader.py`: all of these together.
* `nbest_scores.py`: scores of hypotheses in a file of their own.
* `files.py`: what a file's text is: UTF-8 decoded block by block, line ends, byte order marks.
* `words_of_lines.py`: what a text's words are, and which of them only mark a sentence's beginning
  or end.
"""
