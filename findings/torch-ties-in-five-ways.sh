#!/usr/bin/env bash
# torch 2.13.0. The largest of [2, 2, 1] is there twice. What is its gradient?
#
# One would guess: one rule for the library: all of it to the first, or shares for both.
#
# What happens: it depends on which function took the maximum. `max()`, `amax` and `maximum` give
# each half; `max(dim=0)`, `topk` and max pooling give all to the first; `cummax` and `sort` give
# all to the last. Rewriting one as the other changes training where ties are usual: after a ReLU
# (zeros), for numbers of few bits, for repeated rows. `clamp` to a bound that a value equals gives
# it none; TensorFlow's `clip_by_value` gives it all, and its `maximum` gives all to its first
# argument.
#
# To do: a gradient check by finite differences does not show it; compare gradients on ties.
#
# Seen:
#     max, amax, maximum: half each
#     max(dim), topk, max_pool1d: the first
#     cummax, sort: the last
#     clamp at its bound: none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile torch==2.13.0 numpy==2.4.6
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
    "clamp": lambda w: w[:2].clamp(min=2.0, max=3.0).sum(),
}
seen = {}
for name, function in functions.items():
    w = torch.tensor([2.0, 2.0, 1.0], requires_grad=True)
    function(w).backward()
    seen[name] = tuple(w.grad.tolist()[:2])
    print(name, *seen[name])
expected = 3 * [(0.5, 0.5)] + 3 * [(1.0, 0.0)] + 2 * [(0.0, 1.0)] + [(0.0, 0.0)]
assert list(seen.values()) == expected
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
