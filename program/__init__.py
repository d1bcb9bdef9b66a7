"""What the scripts share.

* `command_line.py`: how a script runs, from its flags to its exit status.
* `path_flags.py`: flags whose values are paths.
* `errors.py`, `messages.py`: mistakes of the user's, and what the user is told, in one line.
* `signals.py`: Ctrl-C and the like.
* `tensorflow_start.py`: a quiet start with oneDNN turned on.
* `standard_streams.py`: standard streams that are closed.
* `whole_files.py`: files written whole or not at all.
* `live_line.py`: how much is done, on a terminal.
* `tf_config.py`: whether TF_CONFIG names several machines. (Their addresses:
  `training/cluster.py`.)
"""
