#!/usr/bin/env bash
# torch 2.13.0. The largest of [2, 2, 1] is there twice. What is its gradient?
#
# One would guess: one rule for the library: all of it to the first, or shares for both.
#
# What happens: it depends on which function took the maximum. `max()`, `amax` and `maximum` give
# each half; `max(dim=0)`, `topk` and max pooling give all to the first; `cummax` and `sort` give
# all to the last. Rewriting one as the other changes training where ties are usual: after a ReLU
# (zeros), for numbers of few bits, for repeated rows. TensorFlow 2.21 has other rules: its
# `maximum` gives all to its first argument, where torch's gives halves. And the rule may change:
# `clamp` gives a value at its bound the whole gradient in 2.13.0, and none in 2.14.1.
#
# To do: a gradient check by finite differences does not show it; compare gradients on ties.
#
# Seen:
#     max, amax, maximum: half each
#     max(dim), topk, max_pool1d: the first
#     cummax, sort: the last
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    torch==2.13.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import torch

functions = {
    "max": lambda w: w.max(),
    "amax": lambda w: w.amax(),
    "maximum": lambda w: torch.maximum(w[0], w[1]),
    "max(dim)": lambda w: w.max(dim=0).values,
    "topk": lambda w: w.topk(1).values.sum(),
    "max_pool1d": lambda w: torch.nn.functional.max_pool1d(w[None], 3).sum(),
    "cummax": lambda w: w.cummax(0).values[-1],
    "sort": lambda w: w.sort().values[-1],
}
seen = {}
for name, function in functions.items():
    w = torch.tensor([2.0, 2.0, 1.0], requires_grad=True)
    function(w).backward()
    seen[name] = tuple(w.grad.tolist()[:2])
    print(name, *seen[name])
expected = 3 * [(0.5, 0.5)] + 3 * [(1.0, 0.0)] + 2 * [(0.0, 1.0)]
assert list(seen.values()) == expected
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
