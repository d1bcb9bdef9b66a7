#!/usr/bin/env bash
# tensorflow 2.21.0. A Saver with `sharded=True` saves variables of two devices, and the file of one
# device is lost, as on a copy that was broken off.
#
# One would guess: each file's name ends with -of-00002, so `checkpoint_exists` is false, and
# `load_checkpoint` says which file is missing.
#
# What happens: `checkpoint_exists` is true, and `latest_checkpoint` names it. In the format of
# before TensorFlow 0.12, a name with ????? for the number is a pattern, and what matches it is the
# checkpoint: the reader lists the variables of the file that is left, and nothing is amiss. In
# today's format it lists all, and only reading one says that its file is missing.
#
# To do: before such a checkpoint is read, look for each of the files that -of-NNNNN promises, and
# read every variable once.
#
# Seen:
#     V1: exists True, latest True, listed ['v0'], v0 read, v1 NotFoundError
#     V2: exists True, latest True, listed ['v0', 'v1'], v0 read, v1 OpError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0
cat >"$folder/run.py" <<'PYTHON'
import glob
import os
import sys

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
SaverDef = tf1.train.SaverDef


def save(directory, version):
    two_devices = tf1.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), tf1.Session(config=two_devices) as session:
        variables = []
        for number in range(2):
            with tf.device("/cpu:{}".format(number)):
                variables.append(tf1.Variable(np.ones(3, np.float32), name="v{}".format(number)))
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(variables, sharded=True, write_version=version)
        return saver.save(session, os.path.join(directory, "run"))


def outcome(reader, name):
    try:
        return "read" if (reader.get_tensor(name) == 1).all() else "other numbers"
    except Exception as error:
        return type(error).__name__


seen = []
for name, version in (("V1", SaverDef.V1), ("V2", SaverDef.V2)):
    directory = os.path.join(sys.argv[1], name)
    os.mkdir(directory)
    path = save(directory, version)
    (lost,) = glob.glob(os.path.join(directory, "*-00001-of-00002"))
    os.remove(lost)
    reader = tf.train.load_checkpoint(path)
    exists = tf1.train.checkpoint_exists(path)
    is_latest = tf1.train.latest_checkpoint(directory) == path
    listed = sorted(reader.get_variable_to_shape_map())
    seen.append([exists, is_latest, listed, *(outcome(reader, each) for each in ("v0", "v1"))])
    print("{}: exists {}, latest {}, listed {}, v0 {}, v1 {}".format(name, *seen[-1]))
assert seen == [
    [True, True, ["v0"], "read", "NotFoundError"],
    [True, True, ["v0", "v1"], "read", "OpError"],
], seen
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" "$folder" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
