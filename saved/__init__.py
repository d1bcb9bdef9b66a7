"""What a run saves, and how it is read back.

* `checkpoints.py`: the weights and the position in training; which checkpoint a run continues from,
  and that a checkpoint of another run is refused.
* `finding.py`: which checkpoints there are, and which one a name means.
* `eras.py`: what the TF1 script wrote on each TensorFlow, read under today's names.
* `description.py`: what a run's numbers depend on, such as the seed; how two runs differ.
* `run_directory.py`: the files beside the checkpoints, `config.json` and `vocab.txt`, written and
  read; the lock.
"""
