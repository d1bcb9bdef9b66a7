#!/usr/bin/env bash
# tensorflow 2.21.0. Numbers are fed to an int32 placeholder.
#
# One would guess: what tf.constant(value, tf.int32) refuses, a feed refuses, too.
#
# What happens: a number by itself is checked (2**33 is a TypeError), an array or a list is not: it
# is cast as C casts. 2**33 + 5 becomes 5, 1.7 becomes 1, "3" becomes 3. So ids of a larger table, or
# ids times a stride, come out as other, valid ids, and the lookup goes well.
#
# To do: check the dtype before the feed, np.can_cast(array.dtype, placeholder.dtype.as_numpy_dtype,
# "same_kind"), or feed int64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0
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
assert seen == EXPECTED, seen
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/run.py"
