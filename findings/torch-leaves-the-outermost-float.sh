#!/usr/bin/env bash
# torch 2.13.0, on a CPU. `quantize_dynamic` gives back a model whose LSTM and linear layers hold
# integers of 8 bits.
#
# One would guess: so does it for an LSTM that is the whole model.
#
# What happens: only what lies within the given module is replaced. An LSTM or a linear layer that
# is given itself comes back in float32, and nothing is said. Its numbers are exact and its file has
# the old size, so that a comparison finds 8 bits to cost no accuracy and to gain no time.
#
# To do: wrap it (`torch.nn.Sequential(lstm)`), or look at the type of what came back.
#
# Seen:
#     the LSTM itself        torch.nn.modules.rnn, largest difference 0
#     the LSTM in Sequential torch.ao.nn.quantized.dynamic.modules.rnn, differs
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    torch==2.13.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import torch

torch.manual_seed(0)
lstm, x = torch.nn.LSTM(16, 16), torch.randn(5, 1, 16)
exact = lstm(x)[0]
itself = torch.ao.quantization.quantize_dynamic(lstm, {torch.nn.LSTM})
(within,) = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(lstm), {torch.nn.LSTM})
differences = [(model(x)[0] - exact).abs().max().item() for model in (itself, within)]
print(f"the LSTM itself        {type(itself).__module__}, largest difference {differences[0]:g}")
print(f"the LSTM in Sequential {type(within).__module__}, differs")
assert type(itself) is torch.nn.LSTM and differences[0] == 0
assert "quantized" in type(within).__module__ and 0 < differences[1] < 0.1
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
