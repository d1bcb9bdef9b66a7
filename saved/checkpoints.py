"""What a run saves to continue as if it had never stopped.

A checkpoint holds the variables and two strings beside them. `Training/progress` is the `Progress`:
how far training has come, and what it carries from window to window. `Training/run` says which run
it is of, see `description`.
"""

import contextlib
import functools
import glob
import json
import os
from typing import Any

import tensorflow as tf

from program.whole_files import write_whole
from saved import finding, newest_checkpoint, restoring
from saved.finding import PREFIX
from saved.progress import PROGRESS, Progress, read_progress
from saved.reading import RUN, CheckpointError, read_run, reason

GRAPH_FILE = "graph.pbtxt"

tf1 = tf.compat.v1


def remove_unfinished(save_path: str) -> None:
    """Removes the files that an interrupted save left behind."""
    patterns = [
        f"{PREFIX}-*.tempstate*",
        f"{PREFIX}-*.meta.tmp*",
        "checkpoint.tmp*",
        f"{GRAPH_FILE}.tmp*",
    ]
    for pattern in patterns:
        for path in glob.glob(os.path.join(glob.escape(save_path), pattern)):
            with contextlib.suppress(OSError):
                os.remove(path)


def _is_own(path, save_path):
    """Whether this run wrote a checkpoint, so that it may also delete it in time.

    A copy under another name, or beside the directory, is the user's.
    """
    directory = os.path.dirname(path)
    if not finding.is_usual(path) or os.path.normpath(directory) != os.path.normpath(save_path):
        return False
    try:
        return tf1.train.NewCheckpointReader(path).has_tensor(PROGRESS)
    except Exception:  # noqa: BLE001  TensorFlow raises many kinds of errors for damaged files
        return False


def _forget_shapes(graph_def):
    for node in graph_def.node:
        node.attr.pop("_output_shapes", None)


def write_graph(save_path: str) -> None:
    """Writes the current graph as text, `graph.pbtxt`, as a Supervisor does.

    Raises:
      CheckpointError: it cannot be written.
    """
    path = os.path.join(save_path, GRAPH_FILE)
    try:
        write_whole(path, str(tf1.get_default_graph().as_graph_def()))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror}") from None


class Checkpoints:
    """Finds and saves the current graph's checkpoints: its variables, `Progress` and description.

    Attributes:
      progress: the `Progress` to go on from.
      newest: path of the newest checkpoint that is whole, or None.
      saved_run: the description in the checkpoint to go on from, see `read_run`; or None.
      restorer: a `Saver` of only the variables, or the like for an old checkpoint, with which a
        Supervisor restores.
    """

    def __init__(self, save_path: str, model: Any, run: dict | None = None):
        """Chooses the checkpoint to go on from, and adds to the graph what saving needs.

        Args:
          save_path: the directory.
          model: the `util.ModelOps` of the model in training, in the current graph.
          run: the description of the run; None to save none.

        Raises:
          CheckpointError: there are checkpoints, but none can be continued.
        """
        self._prefix = os.path.join(save_path, PREFIX)
        remove_unfinished(save_path)
        paths = newest_checkpoint.choose(save_path, run)
        self.progress = Progress()
        self.newest: str | None = None
        self.saved_run: dict | None = None
        if paths:
            self.newest = paths[-1]
            self.saved_run = read_run(self.newest)
            state = tf.nest.flatten(model.initial_state)
            self.progress = read_progress(self.newest, model.streams, state)
        self.restorer = restoring.restorer_of(self.newest)
        # In no collection, so that it is not one of the model's variables for other Savers.
        self._content = tf1.placeholder(tf.string, shape=[])
        values = {PROGRESS: self._content}
        if run is not None:
            values[RUN] = json.dumps(run)
        strings = [
            tf1.Variable(value, trainable=False, collections=[], use_resource=False, name=name)
            for name, value in values.items()
        ]
        self._assign = [variable.initializer for variable in strings]
        saveables = tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS)
        variables = [*tf1.global_variables(), *saveables, *strings]
        self._saver = tf1.train.Saver(variables, save_relative_paths=True)
        # It deletes them when there are five newer ones: only its own.
        own = [path for path in paths if _is_own(path, save_path)]
        self._saver.recover_last_checkpoints(own)

    @functools.cache  # noqa: B019  it lives as long as the run
    def _metagraph(self):
        """The graph as TensorFlow's Saver writes it, but without what an import works out again."""
        metagraph = self._saver.export_meta_graph(strip_default_attrs=True)
        _forget_shapes(metagraph.graph_def)
        return metagraph.SerializeToString()

    def save(self, session: tf.compat.v1.Session, step: int, progress: Progress) -> None:
        """Saves a session's variables, and the progress, as `model.ckpt-STEP`.

        Raises:
          CheckpointError: it cannot be written. The checkpoints saved before are unchanged.
        """
        session.run(self._assign, {self._content: progress.to_bytes()})
        try:
            self.newest = self._saver.save(
                session, self._prefix, global_step=step, write_meta_graph=False
            )
            write_whole(f"{self.newest}.meta", self._metagraph())
        except (tf.errors.OpError, ValueError, OSError) as error:
            remove_unfinished(os.path.dirname(self._prefix))
            message = f"{self._prefix}-{step}: cannot be written: {reason(error)}"
            raise CheckpointError(message) from None
