#!/usr/bin/env bash
# onnx 1.23.2, onnxruntime 1.32.0. `onnx.reference.ReferenceEvaluator` is there to say what a model
# means: one checks exporters and runtimes against it.
#
# One would guess: what it has no code for, it refuses.
#
# What happens: its LSTM, GRU and RNN leave out, without a word, the input `sequence_lens` and the
# attribute `clip`; LSTM also `input_forget` and `activations`. Padded sequences are read to the
# padding's end, so the last state is that of the padding. onnxruntime does as the operators' text
# says: outputs after a sequence's end are 0. The plain operators agree to 1e-6, so a first check
# passes.
#
# To do: where a model has such an input or attribute, check against a loop of your own.
#
# Seen (largest difference of the outputs):
#     LSTM plain 0.0000, sequence_lens 0.3041, clip 0.5396, input_forget 0.1328, activations 0.0351
#     GRU plain 0.0000, sequence_lens 0.8983, clip 0.8104
#     RNN plain 0.0000, sequence_lens 0.9346, clip 0.8350
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(0)
steps, batch, size, units = 4, 2, 3, 2
gates = {"LSTM": 4, "GRU": 3, "RNN": 1}
w = rng.normal(size=(1, 4 * units, size)).astype(np.float32)
r = rng.normal(size=(1, 4 * units, units)).astype(np.float32)
x = rng.normal(size=(steps, batch, size)).astype(np.float32)


def difference(kind, lengths=False, **attributes):
    values = {"w": w[:, : gates[kind] * units], "r": r[:, : gates[kind] * units]}
    values["lengths"] = np.array([4, 2], np.int32)
    inputs = ["x", "w", "r", "", "lengths" if lengths else ""]
    node = helper.make_node(kind, inputs, ["y"], hidden_size=units, **attributes)
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [steps, 1, batch, units])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    by_runtime = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    if lengths:
        assert not by_runtime[2:, 0, 1].any()  # as the operator's text says
    return np.abs(by_runtime - ReferenceEvaluator(model).run(None, {"x": x})[0]).max()


for kind in gates:
    seen = {
        "plain": difference(kind),
        "sequence_lens": difference(kind, lengths=True),
        "clip": difference(kind, clip=0.1),
    }
    if kind == "LSTM":
        seen["input_forget"] = difference(kind, input_forget=1)
        seen["activations"] = difference(kind, activations=["HardSigmoid", "Tanh", "Tanh"])
    print(kind, ", ".join(f"{name} {value:.4f}" for name, value in seen.items()))
    assert seen.pop("plain") < 1e-6 and min(seen.values()) > 0.01
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
