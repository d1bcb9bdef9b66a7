#!/usr/bin/env bash
# tf2onnx 1.17.0, tensorflow 2.21.0, onnxruntime 1.32.0. A graph of integers is converted: x // 2
# and x % 3, as in positions counted from a window's end, or in a ring of states.
#
# One would guess: that ONNX Runtime gives TensorFlow's integers, as it gives its floats.
#
# What happens: nothing is said, and below zero the results differ. `FloorDiv` of integers becomes
# ONNX's `Div`, which cuts toward zero, and `FloorMod` is built on it: -2 % 3 is -2, not 1. As an
# index, -2 is another place, and still a valid one.
#
# To do: keep integers from falling below zero (`(x + 3) % 3`), or divide as floats and cast.
#
# Seen, for x of -3 to 3:
#     x // 2       TensorFlow -2 -1 -1 0 0 1 1    ONNX Runtime -1 -1 0 0 0 1 1
#     x % 3        TensorFlow 0 1 2 0 1 2 0       ONNX Runtime 0 -2 -1 0 1 2 0
#     x % 3, float TensorFlow 0 1 2 0 1 2 0       ONNX Runtime 0 1 2 0 1 2 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 \
    protobuf==7.36.2
cat >"$folder/run.py" <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


@tf.function
def halved(x):
    return x // 2


@tf.function
def modulo(x):
    return x % 3


def both(function, x):
    """What TensorFlow and ONNX Runtime give for `function(x)`, each as a list of int."""
    model, _ = tf2onnx.convert.from_function(function, [tf.TensorSpec(x.shape, x.dtype)], opset=17)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (converted,) = session.run(None, {session.get_inputs()[0].name: x})
    return [result.astype(int).tolist() for result in (function(tf.constant(x)).numpy(), converted)]


x = np.arange(-3, 4, dtype=np.int32)
seen = {
    "x // 2": both(halved, x),
    "x % 3": both(modulo, x),
    "x % 3, float": both(modulo, x.astype(np.float32)),
}
for what, (ours, theirs) in seen.items():
    print(f"{what:12} TensorFlow", *ours, "   ONNX Runtime", *theirs)
assert seen["x // 2"] == [[-2, -1, -1, 0, 0, 1, 1], [-1, -1, 0, 0, 0, 1, 1]]
assert seen["x % 3"] == [[0, 1, 2, 0, 1, 2, 0], [0, -2, -1, 0, 1, 2, 0]]
assert seen["x % 3, float"] == [[0, 1, 2, 0, 1, 2, 0]] * 2
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
