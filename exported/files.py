"""What is written is whole or not there, and has the vocabulary with it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from program.errors import RequestError
from saved import run_directory
from text import preparation
from trained import trained_model


@contextlib.contextmanager
def new_directory(directory: str) -> Iterator[str]:
    """Yields an empty directory to write to, which becomes `directory` if nothing fails."""
    parent = os.path.dirname(os.path.abspath(directory))
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as temporary:
        unfinished = os.path.join(temporary, "model")
        os.mkdir(unfinished)
        yield unfinished
        os.rename(unfinished, directory)


def refuse_old_cell(trained: trained_model.TrainedModel, flag: str) -> None:
    """Refuses a model of the TF1 script whose cell other programs do not have; RequestError."""
    if any(trained.cell):
        raise RequestError(
            f"{flag}: {trained.path} computes as an old version of the TF1 script did (it clips c, "
            "or its layers share a state), which this format cannot say; --format=saved_model can"
        )


def write_vocabulary(trained: trained_model.TrainedModel, directory: str) -> list[str]:
    """Writes `vocab.txt`, and `ptb.preparation.json` if it is known; returns their paths."""
    paths = [os.path.join(directory, run_directory.VOCABULARY_FILE)]
    with open(paths[0], "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{word}\n" for word in trained.words)
    if trained.preparation:
        paths.append(str(preparation.write(trained.preparation, directory)))
    return paths
