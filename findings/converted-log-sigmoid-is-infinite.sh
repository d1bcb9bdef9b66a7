#!/usr/bin/env bash
# tensorflow 2.21.0 and its LiteRT (`tf.lite`); torch 2.13.0, its exporter to ONNX (onnxscript
# 0.7.2) and onnxruntime 1.32.0. All is float32, nothing quantized. Log probabilities are computed
# by functions that exist to be right for large and for small numbers.
#
# One would guess: so they are after the conversion.
#
# What happens: both converters write out the textbook definitions of some. log_sigmoid(-100) is
# -infinity, not -100, and log1p(1e-8) is 0, in both. softplus(100) is infinite in LiteRT only; so
# is, in ONNX from PyTorch, logaddexp(100, 0), which mixes two models. `log_softmax` and `logsumexp`
# stay right in both.
#
# To do: write log_sigmoid as a log_softmax of [x, 0], softplus and logaddexp as a logsumexp of a
# stack, and compute log1p outside.
#
# Seen:
#     log_sigmoid(-100)    TensorFlow -100   LiteRT -inf   PyTorch -100   ONNX Runtime -inf
#     softplus(100)        TensorFlow 100    LiteRT inf    PyTorch 100    ONNX Runtime 100
#     log1p(1e-8)          TensorFlow 1e-08  LiteRT 0      PyTorch 1e-08  ONNX Runtime 0
#     log_softmax(-100, 0) TensorFlow -100   LiteRT -100   PyTorch -100   ONNX Runtime -100
#     logsumexp(100, 0)    TensorFlow 100    LiteRT 100    PyTorch 100    ONNX Runtime 100
#     logaddexp(100, 0)                                    PyTorch 100    ONNX Runtime inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0 torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 \
    numpy==2.4.6 protobuf==7.36.2
cat >"$folder/run.py" <<'PYTHON'
import sys

import numpy as np
import onnxruntime
import tensorflow as tf
import torch
from torch.nn import functional

FILE, INF = sys.argv[1], np.inf
# What, its argument, TensorFlow's and PyTorch's functions; what they give, LiteRT and ONNX Runtime.
CASES = [
    ("log_sigmoid(-100)", [-100], tf.math.log_sigmoid, functional.logsigmoid, -100, *2 * [-INF]),
    ("softplus(100)", [100], tf.math.softplus, functional.softplus, 100, INF, 100),
    ("log1p(1e-8)", [1e-8], tf.math.log1p, torch.log1p, 1e-8, 0, 0),
    ("log_softmax(-100, 0)", [-100, 0], tf.nn.log_softmax, lambda x: x.log_softmax(0), *3 * [-100]),
    ("logsumexp(100, 0)", [100, 0], tf.reduce_logsumexp, lambda x: x.logsumexp(0), *3 * [100]),
    ("logaddexp(100, 0)", [100, 0], None, lambda x: torch.logaddexp(x[0], x[1]), 100, None, INF),
]


class Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def by_litert(function, x):
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(function).get_concrete_function(tf.TensorSpec(x.shape, x.dtype))]
    )
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def by_onnx_runtime(function, x):
    arguments = (torch.from_numpy(x),)
    torch.onnx.export(Module(function), arguments, FILE, input_names=["x"], verbose=False)
    return onnxruntime.InferenceSession(FILE).run(None, {"x": x})[0]


for what, argument, of_tensorflow, of_torch, right, litert, onnx in CASES:
    x = np.array(argument, np.float32)
    seen = {}
    if of_tensorflow:
        seen["TensorFlow"] = of_tensorflow(x).numpy(), right
        seen["LiteRT"] = by_litert(of_tensorflow, x), litert
    seen["PyTorch"] = of_torch(torch.from_numpy(x)).numpy(), right
    seen["ONNX Runtime"] = by_onnx_runtime(of_torch, x), onnx
    seen = {name: (result.ravel()[0], expected) for name, (result, expected) in seen.items()}
    print(f"{what:20}", *(f"{name} {result:.6g}" for name, (result, _) in seen.items()), flush=True)
    for result, expected in seen.values():
        np.testing.assert_allclose(result, expected, rtol=1e-6)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" "$folder/model.onnx" \
    2>"$folder/errors" | grep -v "^\[torch.onnx\]" || { cat "$folder/errors"; exit 1; }
