#!/usr/bin/env bash
# tensorflow 2.21.0. Numbers are fed to an int32 placeholder.
#
# One would guess: a number that an int32 cannot hold is refused, as NumPy 2 refuses
# np.int32(2**33).
#
# What happens: a number by itself is checked, one in a list or an array is cast as C casts: 2**33
# + 5 becomes 5, 1.7 becomes 1, "3" becomes 3. In a graph, `tf.constant([2**33 + 5], tf.int32)` is
# 5, too. So the ids of a larger table, or ids times a stride, come out as other ids that exist,
# and the lookup goes well. A float by itself is cut off even there.
#
# To do: before the feed, `np.can_cast(array.dtype, placeholder.dtype.as_numpy_dtype,
# "same_kind")`; or placeholders of int64.
#
# Seen:
#     8589934597: constant [5], fed TypeError, fed in a list [5], array [5]
#     1.7: constant TypeError, fed 1, fed in a list [1], array [1]
#     '3': constant TypeError, fed 3, fed in a list [3], array [3]
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


def outcome(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__


seen = []
with tf.Graph().as_default(), tf1.Session() as session:
    number, row = tf1.placeholder(tf.int32, []), tf1.placeholder(tf.int32, [None])
    for value in (2**33 + 5, 1.7, "3"):
        constant = outcome(lambda: session.run(tf.constant([value], tf.int32)).tolist())
        alone = outcome(lambda: int(session.run(number + 0, {number: value})))
        listed = outcome(lambda: session.run(row + 0, {row: [value]}).tolist())
        array = outcome(lambda: session.run(row + 0, {row: np.array([value])}).tolist())
        seen.append((constant, alone, listed, array))
        print(f"{value!r}: constant {constant}, fed {alone}, fed in a list {listed}, array {array}")
assert seen == [
    ([5], "TypeError", [5], [5]),
    ("TypeError", 1, [1], [1]),
    ("TypeError", 3, [3], [3]),
], seen
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
