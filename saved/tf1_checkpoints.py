"""What the tutorial's script wrote on each TensorFlow, and how it is read under today's names.

The script was changed, and TensorFlow's LSTM cells were renamed, but the numbers mean the same in
all versions: gates in the order i, j, f, o, and no forget bias in the weights. `ERAS` is the table
of what differs. Some of it is not in the weights; the `.meta` file beside them has it. That file is
a program, perhaps a stranger's, so it is only looked at, and never run.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

import configs
from model import lstm
from program.errors import UserError
from program.messages import say
from saved import finding, tensors

tf1 = tf.compat.v1

SCOPE = "Model"
# In what this project saves, and in nothing that the script or a version of it saved.
OURS = PROGRESS, RUN = ("Training/progress", "Training/run")
OUR_TEXT = "set_by_reader.load_texts"  # in the name of a variable of `reader`
# What the script wrote before October 2016; from then on the scope was `Model`.
FIRST_SCOPE = "model"
# What optimizers call a variable beside a weight; a moving average or a mask is something else.
SLOT = re.compile(
    r"(?:\w*Adam\w*|Momentum\w*|RMSProp|Adagrad\w*|\w*Adagrad|Adadelta|Ftrl|Yogi|LAMB|lars|Lars\w*)"
    r"(?:_\d+)?|[vm]|part_\d+"
)


class EraError(UserError):
    """A checkpoint is not one of the script's, or does not say what is needed to read it."""


class Era(NamedTuple):
    """How the script wrote an LSTM layer.

    Attributes:
      tensorflow: str, the versions of TensorFlow.
      mode: str, the script's `--rnn_mode`.
      cell: str, a pattern of the variables' names, with the layer's number and the parameter.
      may_share: bool, several layers may use the variables of `cell_0`: from August to November
        2017 the script had one cell object for all layers.
      clip: float, what c may have been clipped to; 0: nothing.
    """

    tensorflow: str
    mode: str
    cell: str
    may_share: bool = False
    clip: float = 0.0


_CELL = r"(?:RNN/)?(?:rnn/)?multi_rnn_cell/cell_(\d+)"
ERAS = (
    Era("1.2 or later", configs.BASIC, rf"{_CELL}/basic_lstm_cell/(kernel|bias)", True),
    Era("1.2 or later", configs.BLOCK, rf"{_CELL}/lstm_cell/(kernel|bias)", True, 3.0),
    Era("1.3 or later", configs.CUDNN, rf"{_CELL}/cudnn_compatible_lstm_cell/(kernel|bias)"),
    Era("1.0 or 1.1", configs.BASIC, rf"{_CELL}/basic_lstm_cell/(weights|biases)"),
    Era("1.0 or 1.1", configs.BLOCK, rf"{_CELL}/lstm_cell/(weights|biases)", False, 3.0),
    Era(
        "0.12 or earlier",
        configs.BASIC,
        r"(?:RNN/)?MultiRNNCell/Cell(\d+)/BasicLSTMCell/Linear/(Matrix|Bias)",
    ),
)


class Layout(NamedTuple):
    """Where a checkpoint has what.

    Attributes:
      era: the `Era`.
      scope: str, the prefix of its variables' names.
      names: dict of each weight's name today to its name in the checkpoint.
      num_cells: int, the layers that have variables.
      sizes: `(vocab_size, hidden_size)`.
      step: str, the name of the global step; None before October 2016.
      is_ours: bool, this project wrote it.
    """

    era: Era
    scope: str
    names: dict
    num_cells: int
    sizes: tuple
    step: str | None
    is_ours: bool

    @property
    def may_share(self) -> bool:
        """Whether several layers may use the variables of the only cell."""
        return self.num_cells == 1 and self.era.may_share


class Cell(NamedTuple):
    """How an old cell computed otherwise than today's; the default is today's.

    Attributes:
      clip: float, c is clipped to [-clip, clip] at each step; 0: it is not.
      one_state: bool, all layers begin each window with the state of the last one. (TensorFlow 1.5
        gave one cell object's layers one initial state, which was fed several times.)
    """

    clip: float = 0.0
    one_state: bool = False


class Answers(NamedTuple):
    """What a user says of a checkpoint that does not say it itself; None: nothing.

    Attributes:
      num_layers: int.
      cell_clip: float, see `Cell`.
      one_state: bool, see `Cell`.
      line_ends: str, one of `lines.LINE_ENDS`.
    """

    num_layers: int | None = None
    cell_clip: float | None = None
    one_state: bool | None = None
    line_ends: str | None = None


class Facts(NamedTuple):
    """What a `.meta` file says; None where it does not.

    Attributes:
      tensorflow: str, the version that wrote it.
      num_layers: int.
      cell: a `Cell`.
      batch_size, num_steps: int, of the windows of training.
      keep_prob: float, of dropout.
      forget_bias: float, what the cells add to the forget gate; the script's added 0.
      train_text: str, `run_identity.text_sum` of the training text's ids.
      has_reader: bool, the text was read by this project's `reader`, not by the script's.
    """

    tensorflow: str
    num_layers: int | None = None
    cell: Cell = Cell()
    batch_size: int | None = None
    num_steps: int | None = None
    keep_prob: float | None = None
    forget_bias: float = 0.0
    train_text: str | None = None
    has_reader: bool = False


def expected_shapes(vocab_size: int, hidden_size: int, num_layers: int) -> dict:
    """The weights of a model under today's names: a dict of name to shape, a list of int."""
    shapes = {
        f"{SCOPE}/embedding": [vocab_size, hidden_size],
        f"{SCOPE}/softmax_w": [hidden_size, vocab_size],
        f"{SCOPE}/softmax_b": [vocab_size],
    }
    for kernel, bias in map(lstm.canonical_names, range(num_layers)):
        shapes[f"{SCOPE}/{kernel}"] = [2 * hidden_size, 4 * hidden_size]
        shapes[f"{SCOPE}/{bias}"] = [4 * hidden_size]
    return shapes


def _find_cells(shapes, scope):
    """`(era, cells)`: the first era of which there are cells; their names, by those of today."""
    for era in ERAS:
        cells, num_cells = {}, 0
        for name in shapes:
            if match := re.fullmatch(f"{scope}/{era.cell}", name):
                layer, is_bias = int(match[1]), match[2].lower().startswith("bias")
                cells[f"{SCOPE}/{lstm.canonical_names(layer)[is_bias]}"] = name
                num_cells = max(num_cells, layer + 1)
        if cells:
            return era, cells, num_cells
    return ERAS[0], {}, 1


def _without_embedding(path, shapes, scope):
    """Why a checkpoint without an embedding of that scope is refused, in words."""
    near = next((name for name in sorted(shapes) if "embedding" in name), None)
    hint = "" if near is None else f", only {near}; save its variables as {scope}/..."
    return (
        f"{path}: is not a checkpoint of this language model: has no matrix {scope}/embedding{hint}"
    )


def refuse_other_cells(path: str, shapes: dict, scope: str = SCOPE) -> None:
    """Refuses cells that compute with more than a kernel and a bias, such as peepholes.

    What belongs to a kernel or a bias, such as an optimizer's slot, is called like it.

    Args:
      path, shapes: as for `match`.
      scope: the prefix of the variables' names.

    Raises:
      EraError: there is such a cell.
    """
    known = [f"{scope}/{era.cell}(?:[/_:].*)?" for era in ERAS]
    for name in sorted(shapes):
        is_of_cell = re.match(rf"{scope}/.*\b[cC]ell_?\d+/", name)
        is_known = any(re.fullmatch(each, name) for each in known) or is_slot(name, shapes)
        if is_of_cell and not is_known:
            raise EraError(
                f"{path}: {name} is of a cell that the TF1 script never had, and it would be left "
                "out; only LSTM cells of a kernel and a bias can be read"
            )


def match(path: str, shapes: dict) -> Layout:
    """Finds a language model's weights in a checkpoint.

    Args:
      path: for messages.
      shapes: dict of the name to the shape of each variable in it.

    Raises:
      EraError: it is not a checkpoint of this language model, or not a whole one.
    """
    scope = SCOPE if f"{SCOPE}/embedding" in shapes else FIRST_SCOPE
    if f"{scope}/embedding" not in shapes:
        scope = SCOPE
    era, cells, num_cells = _find_cells(shapes, scope)
    if not cells and f"{scope}/lstm_params" in shapes:
        raise EraError(
            f"{path}: holds the LSTM as cuDNN's opaque {scope}/lstm_params, which cannot be read; "
            "save it under the canonical names of CudnnLSTMSaveable"
        )
    embedding = shapes.get(f"{scope}/embedding")
    if embedding is None or len(embedding) != 2:
        raise EraError(_without_embedding(path, shapes, scope))
    refuse_other_cells(path, shapes, scope)
    vocab_size, hidden_size = embedding
    expected = expected_shapes(vocab_size, hidden_size, num_cells)
    names = {name: cells.get(name, name.replace(SCOPE, scope, 1)) for name in expected}
    for name, shape in expected.items():
        found = shapes.get(names[name])
        if found != shape:
            raise EraError(
                f"{path}: is not a checkpoint of this language model: {name} "
                + ("is missing" if found is None else f"has shape {found}, not {shape}")
            )
    steps = (f"{scope}/global_step", "global_step")
    return Layout(
        era,
        scope,
        names,
        num_cells,
        tuple(embedding),
        next((step for step in steps if shapes.get(step) == []), None),
        is_ours(shapes),
    )


def is_ours(names: Iterable[str]) -> bool:
    """Whether this project wrote a checkpoint with these variables."""
    return not set(OURS).isdisjoint(names)


def count_layers(path: str, shapes: dict, layout: Layout | None) -> int | None:
    """How many layers a checkpoint's model has; None if that is not known.

    Args:
      path, shapes: as for `match`.
      layout: what `match` found, or None for variables of today's names.
    """
    if layout is None:
        return _find_cells(shapes, SCOPE)[2]
    if not layout.may_share:
        return layout.num_cells
    facts = read_facts(path)
    if facts is None:
        return None
    return 1 if facts.has_reader else facts.num_layers


def is_slot(name: str, shapes: dict) -> bool:
    """Whether a variable belongs to another one in `shapes`, as an optimizer's does.

    It is called like that one, and also like the variable scope that the optimizer was made in:
    `Model/Model/embedding/Adam`.
    """
    parts = name.split("/")[:-1]
    return any("/".join(parts[start:]) in shapes for start in range(len(parts)))


def left_out(shapes: dict, layout: Layout) -> list[str]:
    """The names of a model's arrays that the script never had, and that are not read.

    So are moving averages of its weights, which may be what the user wants, and masks of pruning.

    Args:
      shapes: as for `match`.
      layout: what `match` found.
    """
    # A checkpoint may have the same weights for several eras.
    cells = [f"{layout.scope}/{era.cell}" for era in ERAS if era != layout.era]

    def is_known(name: str) -> bool:
        last = name.rpartition("/")[2]
        if is_slot(name, shapes):
            return bool(SLOT.fullmatch(last))
        of_cell = any(re.fullmatch(cell, name) for cell in cells)
        return of_cell or last == "lstm_params" or name in layout.names.values()

    return [
        name
        for name, shape in sorted(shapes.items())
        if shape and name.startswith(f"{layout.scope}/") and not is_known(name)
    ]


def with_layers(layout: Layout, num_layers: int) -> Layout:
    """The layout of a model whose layers all use the variables of the first."""
    names = dict(layout.names)
    for layer in range(1, num_layers):
        for name, first in zip(lstm.canonical_names(layer), lstm.canonical_names(0)):
            names[f"{SCOPE}/{name}"] = layout.names[f"{SCOPE}/{first}"]
    return layout._replace(names=names)


def read_weights(path: str, names: dict) -> dict:
    """Reads weights as today's graphs have them.

    Args:
      path: a whole checkpoint's.
      names: see `Layout.names`.

    Returns:
      Dict of each name today to a float32 array.
    """
    values = dict(tensors.read(path, set(names.values())))
    return {name: values[old].astype(np.float32) for name, old in names.items()}


def read_step(path: str, layout: Layout) -> int | None:
    """The global step in a checkpoint; None if it has none."""
    if layout.step is None:
        return None
    return int(tf1.train.NewCheckpointReader(path).get_tensor(layout.step))


def decide(path: str, layout: Layout, facts: Facts | None, answers: Answers) -> tuple:
    """Decides how a checkpoint of the script is read.

    Args:
      path: the checkpoint's.
      layout: of `match`.
      facts: of `read_facts`.
      answers: what the user says. It must not contradict the files.

    Returns:
      `(layout, cell, decided)`: the `Layout` with all layers, the `Cell`, and a list of str, what
      was decided and why.

    Raises:
      EraError: the files do not tell, and neither do the answers; or they contradict each other.
    """
    refuse_forget_bias(path, facts)
    num_layers, decided = _decide_layers(path, layout, facts, answers.num_layers)
    cell = facts.cell if facts else Cell()
    is_shared = num_layers > layout.num_cells
    if is_shared:
        layout = with_layers(layout, num_layers)
        # TensorFlow 1.5 was the first that shared this cell, and gave it one state.
        if facts is None and layout.era.mode == configs.BLOCK:
            cell = cell._replace(one_state=True)
        cell = cell._replace(one_state=_pick(cell.one_state, answers.one_state))
        at = "begin each window with the last one's state" if cell.one_state else "have states"
        unknown = "" if facts else ", as far as can be told (--[no]one_state)"
        decided.append(f"the layers {at}{'' if cell.one_state else ' of their own'}{unknown}")
    elif answers.one_state:
        raise EraError(f"--one_state: {path}: each layer has weights of its own, so also a state")
    cell = cell._replace(clip=_pick(cell.clip, answers.cell_clip))
    if cell.clip:
        decided.append(f"c is clipped to [-{cell.clip:g}, {cell.clip:g}]")
    elif facts is None and answers.cell_clip is None and layout.era.clip:
        decided.append(
            "c is not clipped; that it was not cannot be told without the .meta file: TensorFlow "
            f"1.3 and earlier did (--cell_clip={layout.era.clip:g})"
        )
    return layout, cell, decided


def refuse_forget_bias(path: str, facts: Facts | None) -> None:
    """Refuses cells that add something to the forget gate: the weights alone do not tell it.

    Raises:
      EraError: they do.
    """
    if facts and facts.forget_bias:
        raise EraError(
            f"{path}.meta: its cells add {facts.forget_bias:g} to the forget gate, which the "
            "script's did not; add it to the third quarter of each bias, and save that without the "
            ".meta file"
        )


def _pick(found, answer):
    return found if answer is None else answer


def _decide_layers(path, layout, facts, answer):
    """How many layers there are, and a list of why, in words."""
    num_layers = layout.num_cells
    if not layout.may_share or (facts and facts.has_reader):
        if answer not in (None, num_layers):
            raise EraError(f"--num_layers={answer}: {path}: has {num_layers}")
        return num_layers, []
    known = facts.num_layers if facts else None
    if answer is not None and known not in (None, answer):
        raise EraError(f"--num_layers={answer}: {path}.meta: has {known}")
    if known is None and answer is None:
        raise EraError(
            f"{path}: has variables for one layer, but the scripts of August to November 2017 used "
            "them for all layers; say how many: --num_layers=2, or --num_layers=1 if it has one"
        )
    num_layers = answer if known is None else known
    if num_layers == 1:
        return 1, []
    return num_layers, [f"its {num_layers} layers share one cell's weights"]


def read_facts(path: str) -> Facts | None:
    """Reads what the `.meta` file beside a checkpoint says; None if there is none to be read."""
    file = f"{finding.without_shard(path)}.meta"
    try:
        with open(file, "rb") as content:
            metagraph = tf1.MetaGraphDef.FromString(content.read())
    except FileNotFoundError:
        return None
    except (OSError, DecodeError) as error:
        say(f"{file}: cannot be read, so it is not used: {error}")
        return None
    return _facts(metagraph) if metagraph.graph_def.node else None


def _facts(metagraph):
    nodes = {node.name: node for node in metagraph.graph_def.node}
    cells = _nodes_of_cells(nodes)
    # The test model reads one word at a time, so it has each layer once. Without it, the layers
    # cannot be told from the time steps.
    has_test = "Test" in cells or "Train" not in cells
    num_layers = min(map(len, cells.values()), default=None) if has_test else None
    most = max(map(len, cells.values()), default=0)
    states = _initial_states(metagraph)
    clips = [node.attr["cell_clip"].f for each in cells.values() for node in each]
    text = nodes.get("Train/TrainInput/raw_data")
    keep_prob = _number(nodes, r"Train/.*dropout/keep_prob")
    rate = _number(nodes, r"Train/.*dropout/rate")
    batch_size = _number(nodes, r"Train/TrainInput/Reshape/shape/0")
    return Facts(
        metagraph.meta_info_def.tensorflow_version,
        num_layers,
        Cell(max([0.0, *clips]), len(set(states)) < len(states)),
        None if batch_size is None else int(batch_size),
        most // num_layers if num_layers and most > num_layers else None,
        keep_prob if rate is None else 1 - rate,
        _forget_bias(nodes, cells),
        None if text is None else _sum_of(text),
        any(OUR_TEXT in name for name in nodes),
    )


def _nodes_of_cells(nodes):
    """The nodes that multiply by a layer's weights: dict of a model's name scope to a list."""
    kernel = re.compile(r".*/(?:multi_rnn_cell/cell_|MultiRNNCell/Cell)\d+/.*/\w+/read")
    found: dict = {}
    for node in nodes.values():
        if node.op not in ("MatMul", "LSTMBlockCell") or "gradients/" in node.name:
            continue
        if any(kernel.fullmatch(name.split(":")[0]) for name in node.input):
            found.setdefault(node.name.split("/")[0], []).append(node)
    return found


def _forget_bias(nodes, cells):
    """What is added to the forget gate: by an LSTMBlockCell, or to the third of four parts."""
    blocks = [node for each in cells.values() for node in each if node.op == "LSTMBlockCell"]
    found = [node.attr["forget_bias"].f if "forget_bias" in node.attr else 1.0 for node in blocks]
    for node in nodes.values():
        names = list(node.input) if node.op in ("Add", "AddV2") else []
        if any(re.fullmatch(r".*/split(?:_\d+)?:2", name) for name in names):
            constants = [nodes[name] for name in names if name in nodes]
            found += [_scalar(each) or 0.0 for each in constants if each.op == "Const"]
    return max(found, key=abs, default=0.0)


def _initial_states(metagraph):
    """The names of the tensors that a model's initial state is in, c and h of each layer."""
    collections = metagraph.collection_def
    for name in ("Test/initial", "Valid/initial", "Train/initial"):
        if name in collections:
            return list(collections[name].node_list.value)
    return []


def _number(nodes, pattern):
    """The value of the first scalar constant with such a name; None if there is none."""
    for name, node in nodes.items():
        if node.op == "Const" and re.fullmatch(pattern, name):
            return _scalar(node)
    return None


def _scalar(constant):
    value = tf.make_ndarray(constant.attr["value"].tensor)
    return round(float(value), 6) if value.ndim == 0 else None


def _sum_of(text):
    ids = tf.make_ndarray(text.attr["value"].tensor).astype(np.int32)
    return hashlib.sha256(ids).hexdigest()


def save_as_the_script(path: str, weights: dict, step: int, learning_rate: float) -> None:
    """Saves weights so that the script's last version restores them in both of its CPU modes.

    Args:
      path: the checkpoint's prefix. `checkpoint` is written beside it.
      weights: of `read_weights`.
      step: the global step.
      learning_rate: what the script's variable holds until it assigns it.
    """
    block = {name.replace("basic_lstm_cell", "lstm_cell"): w for name, w in weights.items()}
    values = {
        **block,
        **weights,
        f"{SCOPE}/global_step": np.int64(step),
        "Train/Model/Variable": np.float32(learning_rate),
    }
    save(path, values)


def save(path: str, values: dict) -> None:
    """Saves a dict of name to array as a checkpoint, `.index` and `.data`, and `checkpoint`.

    Raises:
      tf.errors.OpError: it cannot be written.
    """
    with tf.Graph().as_default(), tf1.Session() as session:
        placeholders = {
            name: tf1.placeholder(tf.as_dtype(np.asarray(value).dtype), np.shape(value))
            if not isinstance(value, (bytes, str))
            else tf1.placeholder(tf.string, [])
            for name, value in values.items()
        }
        operation = tf.raw_ops.SaveV2(
            prefix=path,
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(placeholders.values()),
        )
        session.run(operation, {placeholders[name]: value for name, value in values.items()})
    directory, name = os.path.split(path)
    tf1.train.update_checkpoint_state(directory, name, [name])
