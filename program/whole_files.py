"""What is written whole or not at all, even if the disk is full or the program is killed."""

import contextlib
import os
import tempfile
from collections.abc import Iterator


def write_whole(path: str, content: str | bytes) -> None:
    """Writes a file, or replaces it; text in UTF-8, with its line ends as they are.

    Raises:
      OSError: it cannot be written; nothing of it is left, and an older file stays.
    """
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise


@contextlib.contextmanager
def new_directory(directory: str) -> Iterator[str]:
    """Yields an empty directory to write to, which becomes `directory` if nothing fails.

    Raises:
      OSError: it cannot be made, or something is there already.
    """
    parent = os.path.dirname(os.path.abspath(directory))
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as temporary:
        unfinished = os.path.join(temporary, "whole")
        os.mkdir(unfinished)
        yield unfinished
        os.rename(unfinished, directory)
