"""The weights alone, laid out as another library has them: for PyTorch, or for NumPy."""

import os

import numpy as np

from exported import files, layouts
from program import optional_packages, whole_files
from trained import trained_model

SAFETENSORS_FILE = "model.safetensors"
NPZ_FILE = "model.npz"


def write_npz(trained: trained_model.TrainedModel, directory: str, layout: str) -> None:
    """Writes `model.npz` and the vocabulary to a new directory.

    Args:
      trained: the model.
      directory: where nothing is yet.
      layout: a key of `layouts.LAYOUTS`.
    """
    files.refuse_old_cell(trained, f"--layout={layout}")
    arrays = layouts.lay_out(trained_model.read_weights(trained), layouts.LAYOUTS[layout])
    with whole_files.new_directory(directory) as unfinished:
        np.savez(os.path.join(unfinished, NPZ_FILE), **arrays)  # type: ignore[arg-type]
        files.write_vocabulary(trained, unfinished)


def write_safetensors(trained: trained_model.TrainedModel, directory: str) -> None:
    """Writes `model.safetensors`, with PyTorch's names, and the vocabulary to a new directory.

    Raises:
      errors.RequestError: the package safetensors is missing.
    """
    files.refuse_old_cell(trained, "--format=pytorch")
    safetensors = optional_packages.import_package("safetensors.numpy", "--format=pytorch")
    arrays = layouts.lay_out(trained_model.read_weights(trained), layouts.LAYOUTS["torch"])
    with whole_files.new_directory(directory) as unfinished:
        safetensors.save_file(arrays, os.path.join(unfinished, SAFETENSORS_FILE))
        files.write_vocabulary(trained, unfinished)
