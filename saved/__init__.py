"""What a run saves, and how it is read back.

* `checkpoints.py`: the weights and the position in training; which checkpoint a run continues from.
* `description.py`: what `config.json` says: what a run's numbers depend on, such as the
  seed. Another run is refused.
* `run_directory.py`: the files beside the checkpoints, and the lock.
* `trained_model.py`: a finished model, or one of the TF1 script, read back.
* `inference.py`: the graphs that score words and choose words with it. (Sentences: `score.py`.)
"""
