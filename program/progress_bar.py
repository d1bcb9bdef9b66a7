"""How much is done, and the time left: a line on a terminal, nothing in a file or a pipe."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator

import tqdm

DELAY_SECS = 0.5  # what is done sooner shows none
REFRESH_SECS = 0.1


def progress_bar(total: int, name: str, done: int = 0) -> tqdm.tqdm:
    """A bar on standard error, if that is a terminal: a context, whose `update(n)` counts.

    Args:
      total: how much there is to do; 0: not known, and nothing is shown.
      name: what is being done.
      done: how much was done before.
    """
    columns, lines = _size_of_terminal()
    return tqdm.tqdm(
        total=total,
        desc=name,
        initial=done,
        disable=None if total else True,  # None: on a terminal alone
        file=sys.stderr,
        bar_format="{desc}: {percentage:.0f}%, {remaining} left",
        ncols=columns,
        nrows=lines,
        leave=False,
        delay=DELAY_SECS,
        mininterval=REFRESH_SECS,
        smoothing=0,
    )


def _size_of_terminal():
    """Columns and lines; usual ones if the terminal does not tell, where tqdm shows nothing."""
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        columns = lines = 0
    return columns or 80, lines or 24


def printing() -> contextlib.AbstractContextManager:
    """A context in which lines can be printed: the bars make room for them."""
    return tqdm.tqdm.external_write_mode()


def size_of_files(paths: Iterable[str]) -> int:
    """The bytes of files in all; 0 if one is no regular file, so that it is not known.

    Standard input, `-`, may have been redirected from a file.
    """
    sizes = list(map(_size_of_file, paths))
    return 0 if None in sizes else sum(sizes)


def _size_of_file(path):
    try:
        status = os.fstat(sys.stdin.fileno()) if path == "-" else os.stat(path)
    except (OSError, ValueError, AttributeError):  # of standard input, if it is closed
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def with_bar(blocks: Iterable[str], path: str, name: str) -> Iterator[str]:
    """Yields a file's text block by block, and shows how much of the file is done."""
    with progress_bar(size_of_files([path]), name) as bar:
        for block in blocks:
            yield block
            bar.update(len(block.encode()))
