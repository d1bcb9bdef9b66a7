#!/usr/bin/env bash
# tensorflow 2.21.0. A partitioned variable is saved in both formats of a Saver, and read by its name.
#
# One would guess: what a Saver restores, `tf.train.load_checkpoint` reads, in either format; or the
# shape map, which lists the whole variable, says that it cannot be read.
#
# What happens: in the format of before TensorFlow 0.12 the shape map lists the variable with its
# whole shape, and `get_tensor` says that slices are not supported. The op RestoreV2, with an empty
# slice, puts the slices of both formats together. In today's format, the reader does, too.
#
# To do: read old checkpoints with `tf.raw_ops.RestoreV2(shape_and_slices=[""])`.
#
# Seen:
#     V1: listed [6, 2], load_checkpoint UnimplementedError, RestoreV2 the same numbers
#     V2: listed [6, 2], load_checkpoint the same numbers, RestoreV2 the same numbers
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0
cat >"$folder/run.py" <<'PYTHON'
import os
import sys

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
SaverDef = tf1.train.SaverDef


def read_by_name(path, _):
    return tf.train.load_checkpoint(path).get_tensor("table")


def restore(path, dtype):
    with tf.Graph().as_default(), tf1.Session() as session:
        (tensor,) = tf.raw_ops.RestoreV2(
            prefix=path, tensor_names=["table"], shape_and_slices=[""], dtypes=[dtype]
        )
        return session.run(tensor)


def outcome(read, path, expected):
    try:
        return "the same numbers" if (read(path, tf.float32) == expected).all() else "others"
    except Exception as error:
        return type(error).__name__


numbers = np.arange(12, dtype=np.float32).reshape(6, 2)
seen = []
for name, version in (("V1", SaverDef.V1), ("V2", SaverDef.V2)):
    with tf.Graph().as_default(), tf1.Session() as session:
        halves = tf1.get_variable("table", [6, 2], partitioner=tf1.fixed_size_partitioner(2))
        assigned = [half.assign(n) for half, n in zip(halves, np.split(numbers, 2))]
        session.run(tf1.global_variables_initializer())
        session.run(assigned)
        path = tf1.train.Saver(write_version=version).save(session, os.path.join(sys.argv[1], name))
    shape = tf.train.load_checkpoint(path).get_variable_to_shape_map()["table"]
    seen.append([shape, *(outcome(read, path, numbers) for read in (read_by_name, restore))])
    print("{}: listed {}, load_checkpoint {}, RestoreV2 {}".format(name, *seen[-1]))
same = "the same numbers"
assert seen == [[[6, 2], "UnimplementedError", same], [[6, 2], same, same]], seen
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" "$folder" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
