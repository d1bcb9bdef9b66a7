#!/usr/bin/env bash
# tensorflow 2.21.0, keras 3.15.1. `tf.compat.v1.train.MomentumOptimizer` and Keras's
# `SGD(momentum=)` are the same method, with the same defaults, and take the same steps.
#
# One would guess: so the one replaces the other when a TF1 script is ported.
#
# What happens: only while the learning rate stays. TF1 (as PyTorch) adds up gradients, and
# multiplies the sum by the rate of today. Keras adds up steps, each with the rate of its day. When
# the rate falls, Keras goes on for some ten steps as fast as before. With a rate of 0, TF1's
# weight stands still, and Keras's moves on: freezing weights by the rate, or a decay by the epoch,
# is another training.
#
# To do: a decayed rate needs TF1's rule written out, or a fresh optimizer at each step of the
# schedule.
#
# Seen (gradient 1, rates 0.1, 0.1, 0, 0):
#     TF1    0.9000 0.7100 0.7100 0.7100
#     Keras  0.9000 0.7100 0.5390 0.3851
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0 keras==3.15.1
cat >"$folder/run.py" <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
rates = [0.1, 0.1, 0.0, 0.0]
variable, optimizer, by_keras = keras.Variable([1.0]), keras.optimizers.SGD(0.1, momentum=0.9), []
for rate in rates:
    optimizer.learning_rate = rate
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    by_keras.append(float(variable.numpy()[0]))
with tf.Graph().as_default(), tf1.Session() as session:
    variable, rate, by_tf1 = tf1.Variable([1.0]), tf1.placeholder(tf.float32, []), []
    optimizer = tf1.train.MomentumOptimizer(rate, 0.9)
    step = optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    session.run(tf1.global_variables_initializer())
    for each in rates:
        session.run(step, {rate: each})
        by_tf1.append(float(session.run(variable)[0]))
print("TF1   ", *(f"{value:.4f}" for value in by_tf1))
print("Keras ", *(f"{value:.4f}" for value in by_keras))
np.testing.assert_allclose(by_tf1, [0.9, 0.71, 0.71, 0.71], rtol=1e-6)
np.testing.assert_allclose(by_keras, [0.9, 0.71, 0.539, 0.3851], rtol=1e-5)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
