"""The file that TensorBoard reads: how numbers and texts are written to it."""

import contextlib
import os
import socket
import textwrap
import time
from typing import Any

import tensorflow as tf

from program.messages import say

tf1 = tf.compat.v1


class EventFile:
    """Writes scalars and texts to an event file. It gets values, so that it reads no window.

    A `FileWriter` writes in a thread, where an error such as a full disk cannot be caught. This
    class writes the records itself. A failure is reported once; training goes on without summaries.
    """

    def __init__(self, save_path: str | None, step: int):
        """Opens an event file.

        Args:
          save_path: the directory, or None to write nothing.
          step: the global step. Later steps in older event files, of a run that was interrupted,
            no longer count.
        """
        self._writer: Any = None
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

    def write(self, step: int, **values: float) -> None:
        """Writes each value under its name, and flushes."""
        scalars = [tf1.Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()]
        self._write_summary(step, scalars)

    def write_text(self, step: int, tag: str, text: str) -> None:
        """Writes a text so that TensorBoard shows it unchanged."""
        # TensorBoard reads Markdown: `__init__` would be a bold "init". It shows indented lines
        # unchanged, but cuts off long ones.
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
