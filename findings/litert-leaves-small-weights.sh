#!/usr/bin/env bash
# tensorflow 2.21.0. `Optimize.DEFAULT` converts weights to 8 bits ("dynamic range").
#
# One would guess: all matrices, or those of the kinds that have an 8-bit kernel; a larger model
# gives a larger file.
#
# What happens: only those of 1,024 numbers and more, and nothing says which were left. A layer of
# 32 inputs stays in floats with 31 units and is converted with 32: the larger model has the
# smaller file, by half. A model of many small layers (32 x 31, such as per-head projections) is
# "quantized" and has all its floats.
#
# To do: count the int8 tensors of the file, as below.
#
# Seen:
#     31 units: float32, 4968 bytes
#     32 units: int8, 2472 bytes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0 keras==3.15.1
cat >"$folder/run.py" <<'PYTHON'
import contextlib
import sys

import keras
import tensorflow as tf

seen = {}
for units in (31, 32):
    model = keras.Sequential([keras.Input([32]), keras.layers.Dense(units, use_bias=False)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with contextlib.redirect_stdout(sys.stderr):
        content = converter.convert()
    tensors = tf.lite.Interpreter(model_content=content).get_tensor_details()
    (kind,) = {each["dtype"].__name__ for each in tensors if list(each["shape"]) == [units, 32]}
    seen[units] = kind, len(content)
    print(f"{units} units: {kind}, {len(content)} bytes")
assert seen[31][0] == "float32" and seen[32][0] == "int8" and seen[32][1] < 0.6 * seen[31][1]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
