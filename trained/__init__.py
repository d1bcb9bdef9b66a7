"""A trained model in use.

* `trained_model.py`: a finished model, or one of the TF1 script, read back.
* `inference.py`: the graphs that score words and choose words with it. (Sentences: `score.py`.)
"""
