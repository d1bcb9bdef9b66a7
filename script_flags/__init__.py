"""The flags of each script, and what is refused before TensorFlow is imported.

Each module has `define`, which defines the flags, and `check`, which refuses what cannot be done as
far as it can be told without TensorFlow. Nothing here imports TensorFlow: its import takes seconds,
in which a mistyped flag would not be answered.

* `training.py`, `cluster.py`: of `ptb_word_lm.py` and `train_cluster.py`; `hyperparameters.py`:
  those of a configuration, and which of several values wins.
* `generate.py`, `score.py`, `export.py`, `import_checkpoint.py`, `curves.py`: of the scripts of the
  same names.
* `trained.py`: what those of a trained model share; `old_checkpoints.py`: what a checkpoint of the
  TF1 script does not say itself.
"""
