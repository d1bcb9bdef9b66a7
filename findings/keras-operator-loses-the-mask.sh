#!/usr/bin/env bash
# keras 3.15.1, tensorflow 2.21.0. `Embedding(mask_zero=True)` masks padding, and the layers pass the
# mask on, so that loss and metrics are of the words alone. A layer that does not pass it on warns.
#
# One would guess: that `logits / temperature` and a residual `x + h` pass it on, as the layers
# `Rescaling` and `Add` do, or warn.
#
# What happens: an operator, or a function of `keras.ops`, drops the mask, and nothing is said. From
# there on loss and metrics count the padding. `x + h` and `Add()([x, h])` are the same numbers, and
# train with different losses.
#
# To do: use the layers, or mask in the loss (`ignore_class`), or compare the loss with one that is
# computed by hand.
#
# Seen (two words of loss 0.0067, two of padding of loss 5.0067):
#     logits                   0.0067
#     Rescaling(1.0)(logits)   0.0067
#     Lambda(...)(logits)      2.5067, with a warning
#     logits * 1.0             2.5067
#     keras.ops.multiply       2.5067
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import warnings

import keras
import numpy as np

words, targets = np.array([[1, 1, 0, 0]]), np.zeros([1, 4])
table = np.array([[0, 5], [5, 0]])  # logits: padding is wrong, the word is right
CASES = {
    "logits": lambda logits: logits,
    "Rescaling(1.0)(logits)": keras.layers.Rescaling(1.0),
    "Lambda(...)(logits)": keras.layers.Lambda(lambda logits: logits * 1.0),
    "logits * 1.0": lambda logits: logits * 1.0,
    "keras.ops.multiply": lambda logits: keras.ops.multiply(logits, 1.0),
}


def loss_of(finish):
    """The loss of a model, and whether making or evaluating it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inputs = keras.Input([4], dtype="int32")
        embedding = keras.layers.Embedding(2, 2, mask_zero=True)
        model = keras.Model(inputs, finish(embedding(inputs)))
        embedding.set_weights([table])
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        loss = model.evaluate(words, targets, verbose=0)
    return loss, any("mask" in str(each.message) for each in caught)


seen = {what: loss_of(finish) for what, finish in CASES.items()}
for what, (loss, warned) in seen.items():
    print(f"{what:24} {loss:.4f}{', with a warning' if warned else ''}")
losses, warned = zip(*seen.values())
np.testing.assert_allclose(losses, [0.0067, 0.0067, 2.5067, 2.5067, 2.5067], atol=1e-4)
assert warned == (False, False, True, False, False)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/run.py" 2>"$folder/errors" ||
    { cat "$folder/errors"; exit 1; }
