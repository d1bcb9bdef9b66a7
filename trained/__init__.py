"""A trained model in use.

* `trained_model.py`: a finished model, or one of the TF1 script, read back.
* `vocabulary.py`: the words of a checkpoint of the TF1 script, made of its training text.
* `to_tf1.py`: a model written for the TF1 script.
* `language_model.py`: its network, with a state in one tensor.
* `scoring.py`: the log-probabilities of given words. (Sentences: `score.py`.)
* `generation.py`: the next words, drawn.
"""
