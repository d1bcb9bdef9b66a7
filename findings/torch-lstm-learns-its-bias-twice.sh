#!/usr/bin/env bash
# torch 2.13.0. nn.LSTM adds two biases, `bias_ih` and `bias_hh`. The paper's LSTM, and
# TensorFlow's, has one.
#
# One would guess: that is a matter of layout. Their sum computes what one bias computes, so with
# plain SGD the same weights train alike.
#
# What happens: both get the whole gradient, so their sum takes steps of twice the learning rate.
# And the norm of all gradients, by which one clips, has the bias's part twice: the same model with
# the same weights is clipped more. Weights carried over from TensorFlow compute the same, and
# train otherwise. Under Adam the sum's steps are doubled as well.
#
# To do: freeze one of the two: `lstm.bias_hh_l0.requires_grad_(False)`.
#
# Seen:
#     the sum of the biases moved by 2.000 times rate times gradient
#     norm of the bias's gradient: 1.414 times that of one bias
#     with one frozen: 1.000, 1.000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    torch==2.13.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import torch

seen = []
for frozen in (False, True):
    torch.manual_seed(0)
    lstm, x = torch.nn.LSTM(3, 2), torch.randn(5, 1, 3)
    biases = [lstm.bias_ih_l0, lstm.bias_hh_l0]
    biases[1].requires_grad_(not frozen)
    before = sum(each.detach().clone() for each in biases)
    lstm(x)[0].sum().backward()
    gradient = biases[0].grad.clone()  # that of one bias
    torch.optim.SGD(lstm.parameters(), lr=0.1).step()
    moved = (before - sum(each.detach() for each in biases)) / (0.1 * gradient)
    norm = torch.nn.utils.get_total_norm([b.grad for b in biases if b.grad is not None])
    seen.append((moved.mean().item(), (norm / gradient.norm()).item()))
    print("one frozen:" if frozen else "both:", "moved {:.3f}, norm {:.3f}".format(*seen[-1]))
expected = torch.tensor([[2, 2**0.5], [1, 1]])
torch.testing.assert_close(torch.tensor(seen), expected, rtol=1e-3, atol=0)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
