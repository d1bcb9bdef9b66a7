"""What a run saves, and how it is read back.

* `checkpoints.py`: saves the weights and the position in training.
* `finding.py`: which checkpoints there are, and which one a name means.
* `newest_checkpoint.py`: which one a run goes on from; a damaged one, or another run's, is none.
* `reading.py`, `restoring.py`: what is in a checkpoint; the graph's variables set from it.
* `progress.py`: how far training has come.
* `tf1_checkpoints.py`: what the TF1 script wrote on each TensorFlow, read under today's names.
* `run_identity.py`: what a run's numbers depend on, such as the seed; how two runs differ.
* `run_directory.py`: the files beside the checkpoints, `config.json` and `vocab.txt`, written and
  read; the lock.
"""
