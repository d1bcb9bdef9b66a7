"""A trained model in use.

* `trained_model.py`: a finished model, or one of the TF1 script, read back.
* `language_model.py`: its network, with a state in one tensor.
* `weights.py`: its weights as NumPy arrays, and the words of similar vectors.
* `scoring.py`: the log-probabilities of given words. (Sentences: `score.py`.)
* `mixing.py`, `mixing_flags.py`: its probabilities mixed with those of another model.
* `generation.py`: the next words, drawn.
"""
