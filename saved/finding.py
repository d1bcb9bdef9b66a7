"""Finds checkpoints, whatever they are called: which there are, and which one is meant.

The TF1 script's `--save_path=RUN` left the end of training as `RUN-STEP.*` beside the directory
RUN, which has the beginning. Before TensorFlow 0.12 a checkpoint was one file without a suffix.
People rename and copy. So no pattern of names decides, but what the files are.
"""

import glob
import os
import re

import tensorflow as tf

from program.errors import UserError

PREFIX = "model.ckpt"
STATE_FILE = "checkpoint"
PARTS = re.compile(r"(.*)\.(index|meta|data-\d{5}-of-\d{5})")
# Before TensorFlow 0.12, `Saver(sharded=True)` wrote a file for each device. TensorFlow names them
# all by a pattern.
SHARD = re.compile(r"(.*)-(?:\d{5}|\?{5})-of-(\d{5})")
STEPS = ("Model/global_step", "model/global_step", "global_step")
# The end of a table, TensorFlow's format of a checkpoint in one file and of a `.index`.
TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
TABLE_BEGIN = b"\x00\x00"
# How files end in which programs save models, and in which people pack them.
MODEL_FILE = re.compile(
    r".+\.(?:index|meta|data-\d+-of-\d+|ckpt|pb|h5|hdf5|keras|npz|npy|safetensors|pth?|bin|onnx"
    r"|tflite|pkl|pickle|joblib|msgpack|pdparams|zip|tar|t?gz|bz2|xz|7z)",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\..*|.*_temp_.*|.*\.tempstate.*")  # what a killed save leaves, too
MAX_DEPTH, MAX_LOOKED_AT = 4, 1000

tf1 = tf.compat.v1


class FindingError(UserError):
    """No checkpoint is where one is looked for; the message says what is there."""


def number_in(path: str) -> int:
    """The number at the end of a checkpoint's name; -1 if there is none."""
    match = re.search(r"-(\d+)$", os.path.basename(without_shard(path)))
    return int(match[1]) if match else -1


def without_shard(path: str) -> str:
    """The name that the files of a checkpoint of several devices have in common."""
    match = SHARD.fullmatch(path)
    return match[1] if match else path


def _whole_of(path):
    """The name of the checkpoint that a file of the oldest format is, or is a part of."""
    match = SHARD.fullmatch(path)
    return f"{match[1]}-?????-of-{match[2]}" if match and int(match[2]) > 1 else path


def missing_shards(path: str) -> list[str]:
    """The files that are missing of a checkpoint of several devices."""
    match = SHARD.fullmatch(path)
    if match is None or "?" not in os.path.basename(path):
        return []
    files = [f"{match[1]}-{number:05}-of-{match[2]}" for number in range(int(match[2]))]
    return [file for file in files if not os.path.isfile(file)]


def saved_step(path: str) -> int | None:
    """The global step that a checkpoint holds; None if it has none, or cannot be read."""
    try:
        checkpoint = tf1.train.NewCheckpointReader(path)
        for name in STEPS:
            if checkpoint.has_tensor(name):
                return int(checkpoint.get_tensor(name))
    except Exception:  # noqa: BLE001  whoever reads it says what is wrong with it
        return None
    return None


def step_of(path: str) -> int:
    """The global step that a checkpoint holds, or else the number in its name, or else -1."""
    step = saved_step(path)
    return number_in(path) if step is None else step


def is_single_file(path: str) -> bool:
    """Whether a file looks like a checkpoint in one file, whole or cut off."""
    name = os.path.basename(path)
    if PARTS.fullmatch(name) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            begin = file.read(len(TABLE_BEGIN))
            file.seek(max(os.path.getsize(path) - len(TABLE_END), 0))
            is_whole = file.read() == TABLE_END
    except OSError:
        return False
    return is_whole or (begin == TABLE_BEGIN and number_in(path) >= 0)


def _list(directory, pattern=".*"):
    """The checkpoints in a directory, and the names of which there are only parts."""
    whole: set[str] = set()
    parts: set[str] = set()
    try:
        names = os.listdir(directory or ".")
    except OSError:
        return whole, parts
    for name in names:
        if name.startswith("._"):  # what macOS copies beside a file
            continue
        match = PARTS.fullmatch(name)
        stem, path = match[1] if match else without_shard(name), os.path.join(directory, name)
        # A link counts even if what it names is gone: it is no reason to begin anew.
        if not re.fullmatch(pattern, stem) or not (os.path.isfile(path) or os.path.islink(path)):
            continue
        if match:
            (whole if match[2] == "index" else parts).add(os.path.join(directory, stem))
        elif is_single_file(path):
            whole.add(_whole_of(path))
    return whole, parts - whole


def _beside(save_path):
    """Where the end of a TF1 run lies: the folder, and a pattern of the names there.

    A directory may be named as `.`, or by a link. The step is missing where a program saved without
    one.
    """
    directory, name = os.path.split(os.path.realpath(save_path))
    given = os.path.dirname(os.path.normpath(save_path))
    if os.path.realpath(given) == directory and name == os.path.basename(save_path.rstrip(os.sep)):
        directory = given
    return directory, rf"{re.escape(name)}(?:-\d+)?"


def list_newest_first(save_path: str) -> list[str]:
    """The checkpoints in a directory, and those called like it beside it, the newest first.

    Of a checkpoint in several files, `.index` is what counts here.
    """
    paths = _list(save_path)[0] | _list(*_beside(save_path))[0]
    return sorted(paths, key=lambda path: (_order(path), is_usual(path), path), reverse=True)


def _order(path):
    number = number_in(path)
    return step_of(path) if number < 0 else number


def is_usual(path: str) -> bool:
    """Whether a checkpoint is called as this program calls those that it saves."""
    return bool(re.fullmatch(rf"{re.escape(PREFIX)}-\d+", os.path.basename(path)))


def list_parts(save_path: str) -> list[str]:
    """The checkpoints in and beside a directory of which `.index` is missing."""
    return sorted(_list(save_path)[1] | _list(*_beside(save_path))[1])


def list_other_models(directory: str) -> list[str]:
    """What may be models in a directory and those in it, but is no checkpoint to continue.

    Returns:
      Their paths from the directory; of a few levels, and of the first thousand files there.
    """
    found: list[str] = []
    looked_at = 0
    for place, directories, names in os.walk(directory):
        relative = os.path.relpath(place, directory)
        depth = 0 if relative == os.curdir else relative.count(os.sep) + 1
        kept = [] if depth == MAX_DEPTH else sorted(directories)
        directories[:] = [name for name in kept if not UNFINISHED.fullmatch(name)]
        found += [
            os.path.normpath(os.path.join(relative, name))
            for name in sorted(names)
            if MODEL_FILE.fullmatch(name)
            and not UNFINISHED.fullmatch(name)
            and not (depth == 0 and PARTS.fullmatch(name))  # `list_parts` has those
        ]
        looked_at += len(names)
        if looked_at > MAX_LOOKED_AT:
            break
    return found


def describe_choice(save_path: str, taken: str, others: list) -> str:
    """Says which checkpoint is taken, and what else there is; empty if nobody needs to be told."""
    usual = os.path.normpath(save_path)
    paths = [os.path.normpath(path) for path in (taken, *others)]
    named = _what_is_named(save_path, others)
    if not named and all(is_usual(p) and os.path.dirname(p) == usual for p in paths):
        return ""
    said = f"{save_path}: takes {taken}, {in_words(taken)}"
    if others:
        also = ", ".join(f"{os.path.relpath(path, usual)} ({in_words(path)})" for path in others)
        said += f"; also there: {also}"
    return said + named


def _what_is_named(directory, others):
    """What to say of the checkpoint that a file `checkpoint` names; empty if it is the newest.

    One that is damaged is none of the others; whoever reads it says so.
    """
    name = without_shard(_without_folder(_path_in_state(directory)))
    path = os.path.join(directory, name)
    names = f"; the file {STATE_FILE} names {name}"
    if any(os.path.basename(without_shard(other)) == name for other in others):
        return f"{names}; to go back to it, move the later ones away"
    if not name or os.path.lexists(f"{path}.index") or is_single_file(path) or _shards(path):
        return ""
    has_part = bool(glob.glob(f"{glob.escape(path)}*"))
    return f"{names}, {'of which .index is missing' if has_part else 'which is not there'}"


def _path_in_state(directory):
    """The path that a directory's file `checkpoint` names; empty if it names none."""
    try:
        state = tf1.train.get_checkpoint_state(directory or ".")
    except Exception:  # noqa: BLE001  TensorFlow raises what its parser does
        state = None
    return state.model_checkpoint_path if state else ""


def _without_folder(path):
    return re.split(r"[/\\]", path)[-1]  # the machine that wrote it may have had Windows


def in_words(path: str) -> str:
    """The step of a checkpoint, in words."""
    step = saved_step(path)
    return "of an unknown step" if step is None else f"step {step}"


def find(save_path: str) -> list[str]:
    """The checkpoints that a name can mean, the one that is meant first.

    Args:
      save_path: a directory, a checkpoint's prefix, a checkpoint in one file, one of a checkpoint's
        files, or a file `checkpoint`.

    Raises:
      FindingError: there is none.
    """
    if os.path.isdir(save_path):
        if paths := list_newest_first(save_path):
            return paths
        if parts := list_parts(save_path):
            raise FindingError(f"--save_path={save_path}: {_name_parts(parts)}")
        if os.path.isfile(os.path.join(save_path, STATE_FILE)):
            raise FindingError(f"--save_path={save_path}: no checkpoint is whole")
        others = list_other_models(save_path)
        raise FindingError(
            f"--save_path={save_path}: holds no {PREFIX}-STEP, nor another checkpoint"
            + (f"; there is {others[0]}" if others else "")
        )
    if os.path.isfile(f"{save_path}.index"):
        return [save_path]
    if os.path.isfile(save_path):
        return [_of_file(save_path)]
    if paths := list_newest_first(save_path) or _shards(save_path):
        return paths
    raise FindingError(f"--save_path={save_path}: {_what_is_near(save_path)}")


def _shards(path):
    """The checkpoint of several devices, or of one, with that name; an empty list if none is so."""
    name = without_shard(path)
    paths = sorted(glob.glob(f"{glob.escape(name)}-*-of-*"))
    return [_whole_of(p) for p in paths if without_shard(p) == name and is_single_file(p)][:1]


def _of_file(path):
    """The checkpoint that a file is a part of, or names."""
    directory, name = os.path.split(path)
    if name == STATE_FILE:
        return _named_in(path)
    if match := PARTS.fullmatch(path):
        if os.path.isfile(f"{match[1]}.index") or is_single_file(match[1]):
            return match[1]
        raise FindingError(f"--save_path={path}: {_name_parts([match[1]])}")
    if is_single_file(path):
        return _whole_of(path)
    raise FindingError(f"--save_path={path}: is not a checkpoint")


def _named_in(path):
    """The checkpoint that a file `checkpoint` names, here or where the file was written."""
    directory = os.path.dirname(path)
    named = _path_in_state(directory)
    if not named:
        raise FindingError(f"--save_path={path}: does not name a checkpoint")
    for place in (os.path.join(directory, _without_folder(named)), named):
        if os.path.isfile(f"{place}.index") or is_single_file(place):
            return place
        if shards := _shards(place):
            return shards[0]
    raise FindingError(f"--save_path={path}: names {named}, which is neither there nor beside it")


def _name_parts(parts):
    names = ", ".join(parts)
    return f"of {names} only a part is there, without .index; copy the other files, too"


def _what_is_near(save_path):
    """Says what a name could have meant."""
    directory, name = os.path.split(save_path.rstrip(os.sep))
    if parts := [path for path in list_parts(directory or ".") if os.path.basename(path) == name]:
        return _name_parts(parts)
    stem = re.sub(r"\d+$", "", name)
    near = []
    if stem != name and stem.endswith("-"):
        near = [p for p in list_newest_first(directory) if os.path.basename(p).startswith(stem)]
    if near or name.startswith(f"{PREFIX}-"):
        newest = os.path.basename(near[0]) if near else None
        hint = f"the newest there is {newest}" if newest else "there is none at all"
        return f"there is no such checkpoint; {hint}"
    return "no such directory, nor a checkpoint's prefix such as DIR/model.ckpt-123"


def refuse_checkpoint(save_path: str) -> None:
    """Refuses the name of a checkpoint where a directory is meant.

    Raises:
      FindingError: it is a checkpoint, one of its files, or a name like that of one beside it.
    """
    if os.path.isdir(save_path):
        return
    if os.path.isfile(f"{save_path}.index") or _shards(save_path):
        raise FindingError(
            f"--save_path={save_path}: is a checkpoint; name its directory to continue the run"
        )
    if os.path.isfile(save_path):
        kind = "is a file of a checkpoint"
        if not PARTS.fullmatch(save_path):
            kind = "is a checkpoint" if is_single_file(save_path) else "is a file"
        raise FindingError(f"--save_path={save_path}: {kind}; name the directory")
    hint = _what_is_near(save_path)
    if not hint.startswith("no such directory"):
        raise FindingError(f"--save_path={save_path}: {hint}")
