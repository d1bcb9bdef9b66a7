#!/usr/bin/env bash
# torch 2.13.0. `nn.Embedding(..., max_norm=1)` and `tf.nn.embedding_lookup(..., max_norm=1)` limit
# the length of the vectors that are looked up.
#
# One would guess: they are the same operation, and a lookup in evaluation, without gradients,
# changes nothing.
#
# What happens: PyTorch's writes the shortened vectors into the table, also under `eval()` and
# `no_grad()`. Whatever is read is changed: a validation text changes the weights that training
# goes on with, the order of evaluation and saving decides what is in the file, and a table shared
# with the output layer (tied weights) changes its logits. TensorFlow's leaves the table, and
# differentiates through the shortening.
#
# To do: shorten after the lookup: `v * (max_norm / v.norm(dim=-1, keepdim=True)).clamp(max=1)`.
#
# Seen:
#     rows after evaluation read row 1: lengths 2.0, 1.0, 2.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    torch==2.13.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import torch

embedding = torch.nn.Embedding(3, 4, max_norm=1.0)
embedding.weight.data.fill_(1.0)
tied = torch.nn.Linear(4, 3, bias=False)
tied.weight = embedding.weight
embedding.eval()
with torch.no_grad():
    before = tied(torch.ones(4))
    embedding(torch.tensor([1]))
    after = tied(torch.ones(4))
lengths = embedding.weight.norm(dim=1).tolist()
print("lengths", *(f"{each:.1f}" for each in lengths), "logits", before.tolist(), after.tolist())
torch.testing.assert_close(torch.tensor(lengths), torch.tensor([2.0, 1.0, 2.0]))
torch.testing.assert_close(after, torch.tensor([4.0, 2.0, 4.0]))
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
