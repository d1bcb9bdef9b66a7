#!/usr/bin/env bash
# tensorflow 2.21.0, tf_keras 2.21.0, keras 3.15.1, ai-edge-litert 2.3.0. A Keras LSTM that is not
# stateful starts each call from zeros. It is converted to a .tflite file, and the same input is
# given to it twice.
#
# One would guess: the same output twice; or, with another Keras, the same behaviour.
#
# What happens: it depends on which Keras made the layer. That of Keras 2 becomes one operation,
# UNIDIRECTIONAL_SEQUENCE_LSTM, which keeps its state from call to call: the first output is right,
# the second is not, until `reset_all_variables()`. That of Keras 3 becomes a loop, and starts from
# zeros each time. A test with one input per interpreter sees no difference.
#
# To do: call `reset_all_variables()` before each sequence, or pass the state in and out yourself.
#
# Seen (largest difference from Keras, at the first call, the second, and after a reset):
#     tf_keras 0.0000 0.0509 0.0000
#     keras 0.0000 0.0000 0.0000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0 tf_keras==2.21.0 keras==3.15.1 ai-edge-litert==2.3.0
cat >"$folder/run.py" <<'PYTHON'
import contextlib
import sys

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from ai_edge_litert.interpreter import Interpreter

x = np.ones([1, 5, 3], np.float32)


def differences(library):
    library.utils.set_random_seed(1)
    model = library.Sequential([library.layers.Input([5, 3], batch_size=1), library.layers.LSTM(4)])
    expected = np.asarray(model(x))
    with contextlib.redirect_stdout(sys.stderr):
        if library is keras:
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
        else:
            step = tf.function(model).get_concrete_function(tf.TensorSpec([1, 5, 3], tf.float32))
            converter = tf.lite.TFLiteConverter.from_concrete_functions([step], model)
        content = converter.convert()
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()

    def difference():
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        actual = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        return float(np.abs(actual - expected).max())

    seen = [difference(), difference()]
    interpreter.reset_all_variables()
    seen.append(difference())
    print(library.__name__, *(f"{value:.4f}" for value in seen))
    return [value > 1e-3 for value in seen]


assert differences(tf_keras) == [False, True, False]
assert differences(keras) == [False, False, False]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
