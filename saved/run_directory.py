"""What a `--save_path` directory holds beside the checkpoints.

`vocab.txt` (one word a line, the first has id 0) and `config.json` (the hyperparameters, and what
else the numbers depend on) say what a checkpoint means. `ptb.preparation.json` says how the corpus
was made of text. `lock` names the process that trains. No other module writes these files.
"""

import contextlib
import json
import os
from collections.abc import Iterator

from program.errors import UserError
from program.messages import say
from saved import description, finding
from text import preparation
from text.preparation import Preparation

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
LOCK_FILE = "lock"
# Tells TensorBoard's projector which variable to show, and which words label its rows.
PROJECTOR_FILE = "projector_config.pbtxt"
PROJECTOR_CONFIG = f"""embeddings {{
  tensor_name: "Model/embedding"
  metadata_path: "{VOCABULARY_FILE}"
}}
"""


class RunDirectoryError(UserError):
    """A directory cannot be read or saved to; the message says what to do."""


def _write(path, text):
    """Writes a file whole or not at all."""
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise RunDirectoryError(f"{path}: cannot be written: {error.strerror}") from None


def _read(path):
    """A file's text, without a byte order mark at its beginning; or None if there is no file."""
    try:
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunDirectoryError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None


def read_config(directory: str) -> dict | None:
    """The content of `config.json`, a dict; None if there is no such file.

    Raises:
      RunDirectoryError: it cannot be read, or is not a description of a run.
    """
    path = os.path.join(directory, CONFIG_FILE)
    text = _read(path)
    if text is None:
        return None
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise RunDirectoryError(
            f"{path}: is not a description of a run ({error}); remove it or restore it"
        ) from None


def read_words(directory: str) -> list | None:
    """The words of `vocab.txt`, a list of str; None if there is no such file.

    Raises:
      RunDirectoryError: it cannot be read, or is not one different word a line.
    """
    path = os.path.join(directory, VOCABULARY_FILE)
    text = _read(path)
    if text is None:
        return None
    words = text.removesuffix("\n").split("\n")
    if len(set(words)) < len(words) or any(word.split() != [word] for word in words):
        raise RunDirectoryError(f"{path}: is not one different word a line; restore the file")
    return words


def check_vocabulary(save_path: str, words: list) -> None:
    """Checks that a directory has this vocabulary, a list of str, or none yet.

    Raises:
      RunDirectoryError: it has another, or one that cannot be read.
    """
    if read_words(save_path) not in (None, words):
        raise RunDirectoryError(
            f"{save_path}/{VOCABULARY_FILE}: is another vocabulary than that of --data_path; "
            "continue with the old data, or choose another --save_path"
        )


def check_config(
    save_path: str, run: dict, checkpoint: str | None = None, saved_run: dict | None = None
) -> None:
    """Checks that `config.json` describes this run; says of a checkpoint what cannot be checked.

    Args:
      save_path: the directory.
      run: see `description.describe`.
      checkpoint: the path of the checkpoint to continue, or None if there is none.
      saved_run: what the checkpoint itself says of its run, or None. It has been compared; where
        `config.json` says something else, that is only said.

    Raises:
      RunDirectoryError: it cannot be read, or belongs to another run.
    """
    path = os.path.join(save_path, CONFIG_FILE)
    beside = read_config(save_path)
    if beside and (name := description.first_difference(beside, run)):
        change = description.change(name, beside, run)
        if saved_run is None:
            raise RunDirectoryError(
                f"{path}: {change}; continue with the old one, or choose another --save_path"
            )
        say(f"{path}: is of another run than {checkpoint}, which counts: {change}")
    if checkpoint is None:
        return
    known = dict(saved_run or beside or {})
    if saved_run is None and read_words(save_path) is not None:
        known["vocabulary"] = run["vocabulary"]
    missing = description.names_missing(known, run)
    if saved_run is None and beside is None:
        say(
            f"{checkpoint}: does not say which run it is of, and has no {CONFIG_FILE} beside it; "
            "that the run is the same cannot be checked"
        )
    elif saved_run is None:
        say(
            f"{checkpoint}: does not say which run it is of; that it is that of {CONFIG_FILE} "
            f"beside it cannot be checked{missing and ', nor '}{missing}"
        )
    elif missing:
        say(f"{checkpoint}: that these are the same cannot be checked: {missing}")


def write(save_path: str, run: dict, words: list, how: Preparation | None = None) -> None:
    """Writes `config.json`, `vocab.txt`, `projector_config.pbtxt` and `ptb.preparation.json`.

    Args:
      save_path: the directory.
      run: see `description.describe`.
      words: list of str, the vocabulary.
      how: the corpus's `preparation.Preparation`; None, which writes no file, if it is not known.

    Raises:
      RunDirectoryError: they cannot be written.
    """
    _write(os.path.join(save_path, VOCABULARY_FILE), _lines(words))
    if how:
        _write(os.path.join(save_path, preparation.FILE), how.to_json())
    _write(os.path.join(save_path, PROJECTOR_FILE), PROJECTOR_CONFIG)
    _write(os.path.join(save_path, CONFIG_FILE), json.dumps(run, indent=2) + "\n")


def _lines(words):
    return "".join(f"{word}\n" for word in words)


def check_name(path: str, flag: str = "--save_path") -> None:
    """Checks that TensorFlow can read back what it saves to a directory.

    Raises:
      RunDirectoryError: the path is not UTF-8, or TensorFlow's checkpoint reader would take it
        for a pattern.
    """
    for sign in ("[", "\\"):
        if sign in path and sign != os.sep:
            raise RunDirectoryError(
                f"{flag}={path}: TensorFlow cannot read checkpoints where a name has {sign}; "
                "choose another"
            )
    try:
        path.encode()
    except UnicodeEncodeError:
        raise RunDirectoryError(
            f"{flag}={path}: is not UTF-8, or the locale is not; choose another name"
        ) from None


@contextlib.contextmanager
def locked(save_path: str) -> Iterator[None]:
    """Makes a directory, and keeps other processes from training in it while the context lasts.

    The operating system removes the lock when the process ends, even if it is killed.

    Raises:
      RunDirectoryError: the directory cannot be made or read back, or another process is training
        in it.
      finding.FindingError: the name is that of a checkpoint.
    """
    check_name(save_path)
    finding.refuse_checkpoint(save_path)
    path = os.path.join(save_path, LOCK_FILE)
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(save_path, exist_ok=True)
            file = stack.enter_context(open(path, "a+", encoding="utf-8"))
        except OSError as error:
            raise RunDirectoryError(
                f"--save_path={save_path}: {error.strerror}; name a directory to write to"
            ) from None
        _lock(file, save_path)
        yield


def _lock(file, save_path):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise RunDirectoryError(
            f"--save_path={save_path}: process {file.read().strip()} is training in it; wait for "
            "it, or choose another --save_path"
        ) from None
    except (OSError, AttributeError):
        return  # a file system without locks, or a system (Windows) without fcntl
    with contextlib.suppress(OSError):  # on a full disk, the lock holds without the number in it
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
