"""What a `--save_path` directory holds beside the checkpoints.

`vocab.txt` (one word a line, the first has id 0) and `config.json` (the hyperparameters, and what
else the numbers depend on) say what a checkpoint means; `lock` names the process that trains;
event files are for TensorBoard.
"""

import contextlib
import hashlib
import json
import os
import socket
import textwrap
import time

import tensorflow as tf

import configs
from program.command_line import UserError, say

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

tf1 = tf.compat.v1

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
LOCK_FILE = "lock"
# Where TensorBoard's projector looks for what to show, and the words to label it with.
PROJECTOR_FILE = "projector_config.pbtxt"
PROJECTOR_CONFIG = f"""embeddings {{
  tensor_name: "Model/embedding"
  metadata_path: "{VOCABULARY_FILE}"
}}
"""
# What a run may change when it is continued: how long it lasts, and how the same LSTM is computed.
CHANGEABLE = ("max_max_epoch", "rnn_mode")


class RunDirectoryError(UserError):
    """A directory that this run cannot be saved to; the message says what to do."""


def _write(path, text):
    """Writes a file whole or not at all."""
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise RunDirectoryError(f"{path}: cannot be written: {error.strerror}") from None


def _read(path):
    """A file's text, or None if there is none."""
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunDirectoryError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None


def describe(config, dtype, seed, corpus):
    """What a run must have in common with the one that it continues.

    Args:
      config: the run's configuration.
      dtype: of activations and matrix products, a `tf.DType`.
      seed: int.
      corpus: a `reader.Corpus`.

    Returns:
      Dict for `config.json`: the configuration's fields, and what else the numbers depend on.
    """
    data = {
        f"{name} text": hashlib.sha256(getattr(corpus, name)).hexdigest()
        for name in ("train", "valid", "test")
    }
    return {**configs.as_dict(config), "dtype": dtype.name, "seed": seed, **data}


def check(save_path, description, words):
    """Checks that a directory is this run's, or nobody's yet.

    Args:
      save_path: the directory.
      description: see `describe`.
      words: list of str, the vocabulary.

    Returns:
      Whether there is a `config.json`, and the run is known to be this one.

    Raises:
      RunDirectoryError: it cannot be read, or belongs to another run.
    """
    old_words = _read(os.path.join(save_path, VOCABULARY_FILE))
    if old_words not in (None, _lines(words)):
        raise RunDirectoryError(
            f"{save_path}/{VOCABULARY_FILE}: is another vocabulary than that of --data_path; "
            "continue with the old data, or choose another --save_path"
        )
    path = os.path.join(save_path, CONFIG_FILE)
    old_text = _read(path)
    if old_text is None:
        return False
    try:
        old = dict(json.loads(old_text))
    except (ValueError, TypeError, RecursionError) as error:
        raise RunDirectoryError(
            f"{path}: is no description of a run ({error}); remove it or restore it"
        ) from None
    for name, value in description.items():
        if name not in CHANGEABLE and old.get(name, value) != value:
            raise RunDirectoryError(
                f"{path}: {name} was {old[name]!r} and now is {value!r}; continue with the old "
                "one, or choose another --save_path"
            )
    return True


def write(save_path, description, words):
    """Writes `config.json`, `vocab.txt` and `projector_config.pbtxt`.

    Raises:
      RunDirectoryError: they cannot be written.
    """
    _write(os.path.join(save_path, VOCABULARY_FILE), _lines(words))
    _write(os.path.join(save_path, PROJECTOR_FILE), PROJECTOR_CONFIG)
    _write(os.path.join(save_path, CONFIG_FILE), json.dumps(description, indent=2) + "\n")


def _lines(words):
    return "".join(f"{word}\n" for word in words)


def check_name(path, flag="--save_path"):
    """Checks that TensorFlow will find again what it saves to a directory.

    Raises:
      RunDirectoryError: its checkpoint reader would take the name for a pattern, or it is not
        UTF-8, which all of TensorFlow's names are.
    """
    for sign in ("[", "\\"):
        if sign in path and sign != os.sep:
            raise RunDirectoryError(
                f"{flag}={path}: TensorFlow cannot read checkpoints where a name has {sign}; "
                "choose another"
            )
    try:
        path.encode()
    except UnicodeEncodeError:
        raise RunDirectoryError(
            f"{flag}={path}: is no UTF-8, or the locale is not; choose another name"
        ) from None


@contextlib.contextmanager
def locked(save_path):
    """Makes a directory, and keeps other processes from training in it for a while.

    The lock goes with the process, however that ends. It does nothing where `save_path` is None.

    Raises:
      RunDirectoryError: the directory cannot be made or read back, or another process is training
        in it.
    """
    if save_path is None:
        yield
        return
    check_name(save_path)
    if os.path.isfile(f"{save_path}.index"):
        raise RunDirectoryError(
            f"--save_path={save_path}: is a checkpoint; name its directory to continue the run"
        )
    path = os.path.join(save_path, LOCK_FILE)
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(save_path, exist_ok=True)
            file = stack.enter_context(open(path, "a+", encoding="utf-8"))
        except OSError as error:
            raise RunDirectoryError(
                f"--save_path={save_path}: {error.strerror}; name a directory to write to"
            ) from None
        _lock(file, save_path)
        yield


def _lock(file, save_path):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise RunDirectoryError(
            f"--save_path={save_path}: process {file.read().strip()} is training in it; wait for "
            "it, or choose another --save_path"
        ) from None
    except (OSError, AttributeError):
        return  # a file system without locks, or a system (Windows) without fcntl
    with contextlib.suppress(OSError):  # full: the lock holds without the number in it
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()


class Summaries:
    """Writes scalars for TensorBoard: values at hand, so that no window is read for them.

    It writes records itself, for a `FileWriter` does so in a thread, where a full disk cannot be
    answered. Here a failure is said once, and training goes on without.
    """

    def __init__(self, save_path, step):
        """Opens an event file; steps after `step`, of a run that was cut off, are overridden.

        Args:
          save_path: the directory, or None to write nothing.
          step: the global step.
        """
        self._writer = None
        if save_path is None:
            return
        with self._said():
            self._writer = tf.io.TFRecordWriter(self._path(save_path))
            self._write(file_version="brain.Event:2")
            start = tf1.SessionLog(status=tf1.SessionLog.START)
            self._write(step=step + 1, session_log=start)
            if step == 0:
                graph_def = tf1.get_default_graph().as_graph_def(add_shapes=True)
                self._write(graph_def=graph_def.SerializeToString())

    def _path(self, save_path):
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}"
        return os.path.join(save_path, name)

    @contextlib.contextmanager
    def _said(self):
        try:
            yield
        except tf.errors.OpError as error:
            say(f"no more summaries: {error.message}; training goes on")
            self._writer = None

    def _write(self, **fields):
        self._writer.write(tf1.Event(wall_time=time.time(), **fields).SerializeToString())

    def _write_summary(self, step, values):
        if self._writer:
            with self._said():
                self._write(step=step, summary=tf1.Summary(value=values))
                self._writer.flush()

    def write(self, step, **values):
        """Writes tag and float of each value, for everybody to read at once."""
        scalars = [tf1.Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()]
        self._write_summary(step, scalars)

    def write_text(self, step, tag, text):
        """Writes a text, to be shown as it is."""
        # TensorBoard reads it as Markdown, where `__init__` is a bold "init", and shows code,
        # which is what is indented, unchanged, but cuts off long lines of it.
        wrapper = textwrap.TextWrapper(100, initial_indent="    ", subsequent_indent="    ")
        text = "\n".join(wrapper.fill(line) for line in text.splitlines())
        plugin = tf1.SummaryMetadata.PluginData(plugin_name="text")
        value = tf1.Summary.Value(
            tag=tag,
            tensor=tf.make_tensor_proto(text.encode()),
            metadata=tf1.SummaryMetadata(plugin_data=plugin),
        )
        self._write_summary(step, [value])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._writer:
            with self._said():
                self._writer.close()
