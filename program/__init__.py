"""What the scripts share.

* `command_line.py`: a quiet start with oneDNN turned on, and mistakes answered in one line.
* `training_flags.py`: the flags of training; each field of a configuration is one.
* `path_flags.py`: flags whose values are paths.
* `tf_config.py`: the environment variable that names several machines.
"""
