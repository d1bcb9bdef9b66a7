#!/usr/bin/env bash
# safetensors 0.8.0 with NumPy 2.4.6. `safetensors.numpy.save_file` writes a dict of arrays. Weights
# that go from TensorFlow to PyTorch are transposed on the way: `{"weight": kernel.T}`.
#
# One would guess: that the transpose is written, as `numpy.save` does; or that it is refused, as
# `safetensors.torch.save_file` does with a tensor that is not contiguous.
#
# What happens: the file has the transpose's shape, and the numbers in the order of the array that
# was transposed. Of a square matrix, that is the matrix itself, so that no shape tells.
#
# To do: `numpy.ascontiguousarray(kernel.T)`.
#
# Seen:
#     given 0 2 / 1 3, read back 0 1 / 2 3; of a contiguous copy 0 2 / 1 3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    safetensors==0.8.0 numpy==2.4.6
cat >"$folder/run.py" <<'PYTHON'
import sys

import numpy as np
from safetensors.numpy import load_file, save_file


def text(matrix):
    return " / ".join(" ".join(f"{x:g}" for x in row) for row in matrix)


kernel = np.array([[0, 1], [2, 3]], np.float32)
save_file({"given": kernel.T, "copied": np.ascontiguousarray(kernel.T)}, sys.argv[1])
read = load_file(sys.argv[1])
print(f"given {text(kernel.T)}, read back {text(read['given'])};", end=" ")
print(f"of a contiguous copy {text(read['copied'])}")
np.testing.assert_array_equal(read["given"], kernel)
np.testing.assert_array_equal(read["copied"], kernel.T)
PYTHON
"$folder/venv/bin/python" "$folder/run.py" "$folder/weights.safetensors"
