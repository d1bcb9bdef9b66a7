"""What a `--save_path` directory holds beside the checkpoints.

`vocab.txt` (one word a line, the first has id 0) and `config.json` (the hyperparameters, and what
else the numbers depend on) say what a checkpoint means. `ptb.preparation.json` says how the corpus
was made of text. While a process trains, it holds `lock`, and `process` has its number. No other
module writes these files.
"""

import collections
import contextlib
import errno
import json
import os
import re
import warnings
from collections.abc import Iterator

with warnings.catch_warnings():  # a lock that any system has is not worth a warning
    warnings.simplefilter("ignore")
    import filelock

from program import paths
from program.errors import UserError
from program.messages import say
from program.whole_files import write_whole
from saved import finding, run_identity
from text import preparation
from text.preparation import Preparation
from text.tokenizer import END_OF_SENTENCE

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
LOCK_FILE, PROCESS_FILE = "lock", "process"
# The errors of file systems that have no locks.
WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
# In a vocabulary in its order, how much of the rarer half of the words ascends, if it is not small.
MIN_RARER_WORDS, MIN_ASCENDING = 100, 0.7
MIN_FREQUENT_WORDS, ALPHABETICAL = 30, 0.9
# With what other programs begin a vocabulary.
OF_OTHER_TOOLS = re.compile(r"(?i)\[\w+\]|<(?:blank|pad|s|/s|eps|bos|cls|mask)>|\d+|<\|\w+\|>")
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
    try:
        write_whole(path, text)
    except OSError as error:
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
    if _bad_word(words) is not None:
        raise RunDirectoryError(f"{path}: is not one different word a line; restore the file")
    return words


def _bad_word(words):
    """The first word that is there twice, or is none, and so cannot be a line of a vocabulary."""
    counts = collections.Counter(words)
    return next((word for word in words if counts[word] > 1 or word.split() != [word]), None)


def check_vocabulary(save_path: str, words: list) -> None:
    """Checks that a directory has this vocabulary, a list of str, or none yet.

    Raises:
      RunDirectoryError: it has another, or one that cannot be read; or it could not be read back.
    """
    if (bad := _bad_word(words)) is not None:
        raise RunDirectoryError(
            f"{save_path}: {bad!r} cannot be saved as a word: {VOCABULARY_FILE} has one different "
            "word a line, without white space"
        )
    known = read_words(save_path)
    if known not in (None, words):
        order = " (the same words in another order)" if sorted(known) == sorted(words) else ""
        raise RunDirectoryError(
            f"{save_path}/{VOCABULARY_FILE}: is another vocabulary than that of "
            f"--data_path{order}; continue with the old data, or choose another --save_path"
        )


def say_order(path: str, words: list) -> None:
    """Says if words, a list of str, seem to be in another order than training gives them.

    Words are ordered by falling count, then by the word. In the rarer half many counts are equal,
    so most words there come after the one before. Other programs order equal counts otherwise.
    Among the most frequent, few counts are equal, unless the list was sorted.

    Args:
      path: of the file they were read from.
      words: in the order of their ids.
    """
    rarer = words[len(words) // 2 :]
    num_ascending = sum(word < following for word, following in zip(rarer, rarer[1:]))
    if len(rarer) >= MIN_RARER_WORDS and num_ascending < MIN_ASCENDING * len(rarer):
        say(
            f"{path}: its words are not ordered by falling count and then by the word, as in "
            "training; with ids of another program the results are wrong, and the checkpoint does "
            "not say which ids are its own"
        )
    frequent = words[: len(words) // 8]
    num_ascending = sum(word < following for word, following in zip(frequent, frequent[1:]))
    if len(frequent) >= MIN_FREQUENT_WORDS and num_ascending > ALPHABETICAL * len(frequent):
        say(
            f"{path}: its words are in alphabetical order, unlike those of training, whose first "
            "is the most frequent one of the text; with ids of another order the results are wrong"
        )
    strange = [word for word in words[:2] if OF_OTHER_TOOLS.fullmatch(word)]
    has_end = any(END_OF_SENTENCE in word for word in words)
    if strange or not has_end:
        what = f"begins with {strange[0]}" if strange else f"has no {END_OF_SENTENCE}"
        say(
            f"{path}: {what}, unlike the words of training, whose first is the most frequent one "
            "of the text; with ids of another program the results are wrong"
        )


def say_what_is_unknown(run: dict, checkpoint: str, saved_run: dict | None) -> None:
    """Says what of a run cannot be compared with that of the checkpoint to continue.

    Args:
      run: see `run_identity.describe`.
      checkpoint: the checkpoint's path.
      saved_run: what the checkpoint says of its run, which has been compared; or None.
    """
    if saved_run is None:
        words = os.path.join(os.path.dirname(checkpoint), VOCABULARY_FILE)
        same = "run is" if os.path.exists(words) else "run and its words' ids are"
        say(
            f"{checkpoint}: does not say which run it is of; that the {same} the same cannot be "
            "checked"
        )
    elif missing := run_identity.names_missing(saved_run, run):
        say(f"{checkpoint}: that these are the same cannot be checked: {missing}")


def write(save_path: str, run: dict, words: list, how: Preparation | None = None) -> None:
    """Writes `config.json`, `vocab.txt`, `projector_config.pbtxt` and `ptb.preparation.json`.

    Args:
      save_path: the directory.
      run: see `run_identity.describe`.
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
      RunDirectoryError: the path is not UTF-8, names another file system, or TensorFlow's
        checkpoint reader would take it for a pattern.
    """
    try:
        paths.refuse_scheme(path)
    except ValueError as error:
        raise RunDirectoryError(f"{flag}={path}: {error}") from None
    if fault := paths.name_fault(path):
        raise RunDirectoryError(f"{flag}={path}: {fault}")


@contextlib.contextmanager
def locked(save_path: str) -> Iterator[None]:
    """Makes a directory, and keeps other processes from training in it while the context lasts.

    The operating system removes the lock when the process ends, even if it is killed. Where a file
    system has no locks, that is said, and nothing is locked.

    Raises:
      RunDirectoryError: the directory cannot be made or read back, or another process is training
        in it.
      finding.FindingError: the name is that of a checkpoint.
    """
    check_name(save_path)
    finding.refuse_checkpoint(save_path)
    lock = filelock.FileLock(os.path.join(save_path, LOCK_FILE), timeout=0)
    try:
        os.makedirs(save_path, exist_ok=True)
        _acquire(lock, save_path)
    except OSError as error:
        raise RunDirectoryError(
            f"--save_path={save_path}: {error.strerror}; name a directory to write to"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _acquire(lock, save_path):
    """Takes a lock, and writes down which process has it."""
    path = os.path.join(save_path, PROCESS_FILE)
    try:
        lock.acquire()
    except filelock.Timeout:
        number = (_read(path) or "another").strip()
        raise RunDirectoryError(
            f"--save_path={save_path}: process {number} is training in it; wait for it, or choose "
            "another --save_path"
        ) from None
    except (OSError, NotImplementedError) as error:
        if getattr(error, "errno", errno.ENOSYS) not in WITHOUT_LOCKS:
            raise
        say(f"{save_path}: cannot be locked here: let no other process train in it")
    with contextlib.suppress(RunDirectoryError):  # on a full disk, the lock holds without it
        _write(path, f"{os.getpid()}\n")
