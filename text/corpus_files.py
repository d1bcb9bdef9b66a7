"""The files of a corpus: which there must be, and whether they can be read."""

import os
from collections.abc import Iterable

from program import paths
from program.errors import UserError

SPLITS = ("train", "valid", "test")


class CorpusError(UserError):
    """A corpus cannot be used; the message names the file and says what to do."""


def path_of(directory: str, split: str) -> str:
    """The path of the text `train`, `valid` or `test`."""
    return os.path.join(directory, f"ptb.{split}.txt")


def check(directory: str, splits: Iterable[str] = SPLITS) -> None:
    """Notices a missing file before a long one is read. A pipe is not opened: it would lose text.

    Raises:
      CorpusError: a file is missing or cannot be read.
    """
    for split in splits:
        path = path_of(directory, split)
        if fault := paths.reading_fault(path):
            if not os.path.lexists(path):
                raise CorpusError(
                    f"{path}: no such file; a data directory holds ptb.train.txt, ptb.valid.txt "
                    "and ptb.test.txt"
                )
            raise CorpusError(f"{path}: cannot be read: {fault}")
