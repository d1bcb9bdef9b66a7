"""A trained model in use.

* `trained_model.py`: a finished model, or one of the TF1 script, read back.
* `tf1_vocabulary.py`: the words of a checkpoint of the TF1 script, made of its training text.
* `tf1_writer.py`: a model written for the TF1 script.
* `similar_words.py`: the words whose vectors are similar.
* `language_model.py`: its network in a graph. `numpy_model.py`: its step without one.
* `text_reader.py`: texts and lists as its words.
* `scoring.py`: the log-probabilities of these words, of which `prefix_tree.py` finds what several
  lines have in common.
* `ensemble.py`: several models, averaged. `mixing.py`: a model mixed with n-grams, or others.
* `results.py`, `ranking.py`: the rows that `score.py` prints: in order, or the best first.
* `generation.py`: the next words, drawn.
"""
