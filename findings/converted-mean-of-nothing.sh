#!/usr/bin/env bash
# tensorflow 2.21.0 and its LiteRT (`tf.lite`), tf2onnx 1.17.0, onnxruntime 1.32.0. A cost is the
# mean over the words of a batch that are not padding; perplexity is its exponential.
#
# One would guess: where all is padding, the mean is 0 / 0, NaN, as TensorFlow, NumPy and PyTorch
# have it, also after the conversion.
#
# What happens: in LiteRT and in ONNX Runtime it is 0. So a batch without a word has the best cost
# that there is, a perplexity of 1, and draws the average of the batches down.
#
# To do: give the sum and the number of words out of the graph, and divide outside.
#
# Seen (words with a cost of 2, then none):
#     TensorFlow 2 nan, LiteRT 2 0, ONNX Runtime 2 0
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

CONCRETE = tf.TensorSpec([4], tf.float32)


@tf.function
def mean_cost(costs):
    return tf.reduce_mean(tf.boolean_mask(costs, costs > 0))  # 0 is padding


def by_tensorflow(costs):
    return mean_cost(tf.constant(costs)).numpy()


def by_litert(costs):
    function = mean_cost.get_concrete_function(CONCRETE)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], costs)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def by_onnx_runtime(costs):
    model, _ = tf2onnx.convert.from_function(mean_cost, [CONCRETE], opset=17)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: costs})[0]


batches = [np.array(costs, np.float32) for costs in ([1, 3, 2, 0], [0, 0, 0, 0])]
seen = {
    name: [float(function(costs)) for costs in batches]
    for name, function in (
        ("TensorFlow", by_tensorflow),
        ("LiteRT", by_litert),
        ("ONNX Runtime", by_onnx_runtime),
    )
}
print(", ".join(f"{name} {words:g} {none:g}" for name, (words, none) in seen.items()))
np.testing.assert_equal(seen, {"TensorFlow": [2, np.nan], "LiteRT": [2, 0], "ONNX Runtime": [2, 0]})
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
