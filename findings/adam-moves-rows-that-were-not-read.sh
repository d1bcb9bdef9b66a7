#!/usr/bin/env bash
# tensorflow 2.21.0. An embedding's gradient is sparse (`IndexedSlices`): it has the rows that the
# batch read. TF1's optimizers update a variable by it.
#
# One would guess: all of them touch only those rows. Or, if one keeps moving the others by its
# momentum, all with a momentum do.
#
# What happens: MomentumOptimizer, RMSPropOptimizer (with momentum), AdagradOptimizer and
# FtrlOptimizer leave the other rows. AdamOptimizer moves each row that was ever read, in each
# later step, by its decaying mean. So under Adam a rare word's vector goes on in the direction of
# its last batch, and the cost of a step grows with the vocabulary; under Momentum it does not.
# PyTorch's SparseAdam leaves them, its Adam does not.
#
# To do: choose by it; to compare optimizers for embeddings, compare them on dense gradients.
#
# Seen (row 0 read in step 1, row 1 in step 2; row 0 before and after step 2):
#     MomentumOptimizer 0.9000 0.9000
#     RMSPropOptimizer 0.9000 0.9000
#     AdagradOptimizer 0.9047 0.9047
#     FtrlOptimizer 0.6031 0.6031
#     AdamOptimizer 0.9000 0.8330
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0
cat >"$folder/run.py" <<'PYTHON'
import tensorflow as tf

tf1 = tf.compat.v1
moved = {}
with tf.Graph().as_default(), tf1.Session() as session:
    for optimizer in (
        tf1.train.MomentumOptimizer(0.1, 0.9),
        tf1.train.RMSPropOptimizer(0.1, momentum=0.9),
        tf1.train.AdagradOptimizer(0.1),
        tf1.train.FtrlOptimizer(0.1),
        tf1.train.AdamOptimizer(0.1),
    ):
        table, row = tf1.Variable([[1.0], [1.0]]), tf1.placeholder(tf.int32, [1])
        step = optimizer.minimize(tf.reduce_sum(tf.gather(table, row)))
        session.run(tf1.global_variables_initializer())
        session.run(step, {row: [0]})
        before = session.run(table)[0, 0]
        session.run(step, {row: [1]})
        after = session.run(table)[0, 0]
        name = type(optimizer).__name__
        moved[name] = abs(after - before) > 0.01
        print(name, f"{before:.4f} {after:.4f}")
assert [name for name in moved if moved[name]] == ["AdamOptimizer"]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
