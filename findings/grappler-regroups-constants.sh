#!/usr/bin/env bash
# tensorflow 2.21.0. Adding a large number and taking it away again rounds: (x + 12582912) -
# 12582912 is the whole number nearest to x, in float32.
#
# One would guess: the same in a session or a tf.function as eagerly, up to the last digit.
# Compilers do not regroup sums of floats unless they are asked to.
#
# What happens: Grappler does, in every session and tf.function, without being asked. It brings the
# constants together, whatever they then do to each other. x + 0 is left, and nothing is rounded.
# By the same rule x * 1e30 * 1e30 * 1e-30 is infinite eagerly and in a tf.function, and finite in
# a session; and x * 1e-30 * 1e-30 * 1e30 * 1e30 is 0 eagerly, x in a session, and NaN in a
# tf.function.
#
# To do: where the order of operations on floats matters (compensated sums, rounding, scaling
# against overflow), make the constant a variable, or turn Grappler off (`disable_meta_optimizer`).
#
# Seen (x = 1.25, 2, 2):
#     eager 1, function 1.25, session 1.25, session without Grappler 1
#     eager inf, function inf, session 2e+30, session without Grappler inf
#     eager 0, function nan, session 2, session without Grappler 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0
cat >"$folder/run.py" <<'PYTHON'
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def four_ways(function, value):
    """Eagerly, in a tf.function, in a session, and in a session without Grappler."""
    value = np.float32(value)
    results = [function(tf.constant(value)), tf.function(function)(tf.constant(value))]
    results = [each.numpy() for each in results]
    with tf.Graph().as_default():
        x = tf1.placeholder(tf.float32, [])
        y = function(x)
        for off in (False, True):
            config = tf1.ConfigProto()
            config.graph_options.rewrite_options.disable_meta_optimizer = off
            with tf1.Session(config=config) as session:
                results.append(session.run(y, {x: value}))
    return [float(each) for each in results]


seen = [
    four_ways(lambda x: (x + 12582912.0) - 12582912.0, 1.25),
    four_ways(lambda x: x * 1e30 * 1e30 * 1e-30, 2.0),
    four_ways(lambda x: x * 1e-30 * 1e-30 * 1e30 * 1e30, 2.0),
]
for each in seen:
    print("eager %g, function %g, session %g, session without Grappler %g" % tuple(each))
inf, nan = np.inf, np.nan
expected = [[1.0, 1.25, 1.25, 1.0], [inf, inf, 2e30, inf], [0.0, nan, 2.0, 0.0]]
np.testing.assert_allclose(seen, expected, rtol=1e-5)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
