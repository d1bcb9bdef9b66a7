#!/usr/bin/env bash
# torch 2.13.0, on a CPU. In bfloat16, an embedding's gradient adds up a row for each time that a
# word occurs.
#
# One would guess: it is added up in float32 and rounded once, as sums, matrix products and a
# bias's gradient are in PyTorch.
#
# What happens: it is added up in bfloat16, where 256 + 1 is 256. A word that occurs 4,096 times
# with a gradient of 1 gets 256, a sixteenth. The bias of a linear layer on the same batch gets
# 4,096. `index_add` stops, too, and `scatter_add`, which adds the same numbers to the same place,
# does not. Only frequent words are hit, so the loss still falls.
#
# To do: keep the embedding in float32 (autocast does), or embed by a product with one-hot rows.
#
# Seen:
#     embedding 256, index_add 256, scatter_add 4096, linear bias 4096, sum 4096
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    torch==2.13.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import torch

kind, count = torch.bfloat16, 4096
zeros, ones = torch.zeros(count, dtype=torch.long), torch.ones(count, dtype=kind)
embedding = torch.nn.Embedding(2, 1, dtype=kind)
embedding(zeros).sum().backward()
linear = torch.nn.Linear(1, 1, dtype=kind)
linear(ones[:, None]).sum().backward()
seen = {
    "embedding": embedding.weight.grad[0, 0],
    "index_add": torch.zeros(1, dtype=kind).index_add(0, zeros, ones),
    "scatter_add": torch.zeros(1, dtype=kind).scatter_add(0, zeros, ones),
    "linear bias": linear.bias.grad,
    "sum": ones.sum(),
}
seen = {name: value.item() for name, value in seen.items()}
print(", ".join(f"{name} {value:g}" for name, value in seen.items()))
assert list(seen.values()) == [256, 256, 4096, 4096, 4096]
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
