"""What the scripts share.

* `command_line.py`: how a script runs, from its flags on; `exit_status.py`: how it ends.
* `path_flags.py`: flags whose values are paths. (The scripts' flags: `script_flags/`.)
* `paths.py`: names of files, as a user writes them, and what is wrong with them.
* `errors.py`, `messages.py`: mistakes of the user's, and what the user is told, in one line.
* `progress_bar.py`: how much is done, on a terminal.
* `signals.py`: Ctrl-C and the like.
* `tensorflow_import.py`: a quiet start with oneDNN turned on.
* `whole_files.py`: files and directories written whole or not at all.
* `standard_streams.py`: standard streams that are closed, or have another encoding.
* `hardware.py`: memory and processor, as far as they can be told without TensorFlow.
* `optional_packages.py`: packages that only some requests need.
* `tf_config.py`: whether TF_CONFIG names several machines. (Their addresses:
  `training/cluster.py`.)
"""
