"""Files that are there whole or not at all, even if the disk is full or the program is killed."""

import contextlib
import os


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
