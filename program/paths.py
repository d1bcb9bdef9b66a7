"""Names of files and directories, as a user writes them."""

import errno
import os
import re
import stat

# `file:` and `gs://`, but not Windows's `C:\\`.
SCHEME = re.compile(r"file:|[a-z][a-z0-9+.-]+:(?=/)", re.IGNORECASE)


def expand(path: str) -> str:
    """Expands the `~` or `~user` that a path begins with.

    Raises:
      ValueError: there is no such user; or the path is of another file system, such as `gs://...`.
        TensorFlow would write its part there, and the rest would go into a local folder `gs:`.
    """
    refuse_scheme(path)
    expanded = os.path.expanduser(path)
    if path.startswith("~") and expanded == path:
        user = re.split(r"[/\\]", path[1:])[0]
        raise ValueError(f"there is no user {user}; write ./ before a name that begins with ~")
    return expanded


def refuse_scheme(path: str) -> None:
    """Refuses a path that begins with the scheme of an address, such as `gs://`; ValueError."""
    if found := SCHEME.match(path):
        raise ValueError(
            f"{found[0]} names another file system; name a local path (mount it, or copy the "
            "files), or write ./ before a name that begins so"
        )


def reading_fault(path: str) -> str | None:
    """Why a file cannot be read, in the system's words; None if it can, as far as is known.

    A pipe is not opened: what is read of it is gone.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            open(path, "rb").close()
    except OSError as error:
        return error.strerror
    return None


def directory_fault(path: str) -> str | None:
    """Why nothing can be saved to a directory, in the system's words; None if nothing is known."""
    try:
        is_directory = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError as error:
        return None if path else error.strerror
    except OSError as error:
        return error.strerror
    return None if is_directory else os.strerror(errno.EEXIST)


def name_fault(path: str) -> str | None:
    """Why TensorFlow cannot read back what it saves under a name; None if it can."""
    for sign in ("[", "\\"):  # its checkpoint reader takes the name for a pattern
        if sign in path and sign != os.sep:
            return f"TensorFlow cannot read checkpoints where a name has {sign}; choose another"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8, or the locale is not; choose another name"
    return None
