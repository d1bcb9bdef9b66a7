"""What the scripts share.

* `command_line.py`: a quiet start with oneDNN turned on, and mistakes answered in one line.
* `standard_streams.py`: standard streams that are closed; messages of one line.
* `path_flags.py`: flags whose values are paths.
* `tf_config.py`: whether TF_CONFIG names several machines. (Their addresses:
  `training/cluster.py`.)
"""
