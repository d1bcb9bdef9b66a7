"""What all formats have in common: the vocabulary beside the model, and what none can say."""

import os

from program.errors import RequestError
from saved import run_directory
from text import preparation
from trained import trained_model


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
