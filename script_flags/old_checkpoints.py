"""Flags that answer what a checkpoint of the TF1 script does not say itself."""

from absl import flags

from text import words_of_lines

NAMES = ("num_layers", "cell_clip", "one_state", "line_ends")


def define() -> None:
    """Defines the flags that are not defined yet."""
    if "num_layers" not in flags.FLAGS:
        flags.DEFINE_integer(
            "num_layers",
            None,
            "Layers of a TF1 checkpoint that has the variables of one cell: layers may share them.",
            1,
            100,
        )
    flags.DEFINE_float(
        "cell_clip",
        None,
        "What the cells of a TF1 checkpoint clipped c to; 3: of LSTMBlockCell, up to TensorFlow "
        "1.3; 0: nothing. By default what the .meta file says.",
        0,
        1e30,
    )
    flags.DEFINE_bool(
        "one_state",
        None,
        "The layers of a TF1 checkpoint, which share a cell, share its initial state, too: "
        "TensorFlow 1.5. By default what the .meta file says.",
    )
    flags.DEFINE_enum(
        "line_ends",
        None,
        words_of_lines.LINE_ENDS,
        "How a TF1 checkpoint's texts are read. joined: as the script did, without spaces around "
        "<eos>; apart: as here. By default what fits the checkpoint.",
    )


def values() -> dict:
    """The values of the parsed flags by name; None for those that were not given."""
    return {name: getattr(flags.FLAGS, name) for name in NAMES}
