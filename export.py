"""Exports a trained model for other programs.

    python export.py --save_path=RUN --out=DIR
    python export.py --save_path=RUN --out=DIR --format=onnx|pytorch|npz|word2vec

DIR is a new directory. Beside what is below, it has the vocabulary, `vocab.txt`, one word a line,
the first of which has id 0; and `ptb.preparation.json`, if it is known how the corpus was made of
text (a SavedModel has both in `assets/`).

    saved_model  for TensorFlow Serving and any TensorFlow from 1.15 on: the signatures `next_word`
                 (which is `serving_default`, too) and `score`, see `exported/signatures.py`
    onnx         `next_word.onnx` and `score.onnx`, the same for ONNX
    pytorch      `model.safetensors`, with the names of nn.Embedding, nn.LSTM and nn.Linear
    npz          `model.npz`: the weights for NumPy, as `--layout` says: like this project's
                 checkpoints (tf1) or like another library's
    word2vec     `vectors.txt`, each word's row of the embedding, for gensim and others

With `--tflite=FILE`, the SavedModel's signature next_word is written for LiteRT (TensorFlow Lite),
too; with `--tflite_quantize=dynamic_range` in a quarter of the size.
"""

if __name__ == "__main__":
    from program import tensorflow_start

    tensorflow_start.import_tensorflow()

import os

import tensorflow as tf
from absl import flags

from exported import (
    arrays,
    files,
    layouts,
    lite,
    onnx_models,
    saved_model,
    signatures,
    word_vectors,
)
from program import command_line, errors, path_flags, tensorflow_start
from saved import checkpoints, run_directory
from trained import trained_model

SAVED_MODEL, NPZ = "saved_model", "npz"
# The signature's output of the state was once called like its input.
OLD_STATE = "state"
# The formats without flags of their own, and what writes them.
WRITERS = {
    "onnx": onnx_models.write,
    "pytorch": arrays.write_safetensors,
    "word2vec": word_vectors.write,
}
FILE_ENDINGS = (".npz", ".onnx", ".pb", ".safetensors", ".tflite", ".txt")


def define_flags():
    """Defines the command line's flags, in absl's own registry."""
    path_flags.define_path("save_path", None, "What training saved, or DIR/model.ckpt-STEP.")
    path_flags.define_path("data_path", None, trained_model.DATA_PATH_HELP)
    path_flags.define_path("out", None, "The directory to write; it must not be there yet.")
    formats = [SAVED_MODEL, NPZ, *WRITERS]
    flags.DEFINE_enum("format", SAVED_MODEL, formats, "What to write; see above.")
    flags.DEFINE_enum(
        "layout", "tf1", layouts.LAYOUTS, "The library that --format=npz lays the weights out for."
    )
    flags.DEFINE_enum(
        "next_state_name",
        signatures.NEXT_STATE,
        [signatures.NEXT_STATE, OLD_STATE],
        "The name of a SavedModel's output of the state; `state` was its name once.",
    )
    path_flags.define_path("tflite", None, "A file to write for LiteRT, too.")
    flags.DEFINE_string(
        "tflite_quantize", None, f"{lite.DYNAMIC_RANGE}: the matrices of --tflite in 8 bit."
    )


def _check_apart(tflite, out):
    if not os.path.basename(tflite):
        raise errors.RequestError(f"--tflite={tflite}: ends as a directory; name a file")
    paths = os.path.abspath(tflite), os.path.abspath(out)
    if os.path.commonpath(paths) in paths:  # one of them would be in the other's way
        raise errors.RequestError(f"--tflite={tflite}: name a file outside --out, {out}")


def _check_together(arguments):
    """Refuses flags of one format beside another."""
    format_ = arguments.format
    if arguments["layout"].present and format_ != NPZ:
        raise errors.RequestError(f"--layout: goes with --format={NPZ}, not with {format_}")
    for name in ("tflite", "next_state_name"):
        if arguments[name].present and format_ != SAVED_MODEL:
            raise errors.RequestError(f"--{name}: goes with --format={SAVED_MODEL}")
    quantize = arguments.tflite_quantize
    if quantize == "int8":
        raise errors.RequestError(
            "--tflite_quantize=int8: its probabilities are multiples of 1/256, so that most words "
            f"would have none; choose {lite.DYNAMIC_RANGE}"
        )
    if quantize not in (None, lite.DYNAMIC_RANGE):
        raise errors.RequestError(
            f"--tflite_quantize={quantize}: is unknown; choose {lite.DYNAMIC_RANGE}"
        )
    if quantize and not arguments.tflite:
        raise errors.RequestError("--tflite_quantize: name the file to write with --tflite")


def _check_paths(arguments):
    """Refuses places that are missing, taken, or in each other's way."""
    for name in ("save_path", "out"):
        if not arguments[name].value:
            raise errors.RequestError(f"--{name}: name a directory")
    for name in ("out", "tflite"):
        path = arguments[name].value
        if path and os.path.lexists(path):
            raise errors.RequestError(
                f"--{name}={path}: is there already; remove it, or name another"
            )
    if arguments.out.endswith(FILE_ENDINGS):
        raise errors.RequestError(f"--out={arguments.out}: name a directory, to write files in")
    run_directory.check_name(arguments.out, "--out")
    if arguments.tflite:
        run_directory.check_name(arguments.tflite, "--tflite")
        _check_apart(arguments.tflite, arguments.out)


def _write(trained, arguments):
    """Writes `--out` in its format."""
    if arguments.format == SAVED_MODEL:
        saved_model.write(trained, arguments.out, arguments.next_state_name)
    elif arguments.format == NPZ:
        arrays.write_npz(trained, arguments.out, arguments.layout)
    else:
        WRITERS[arguments.format](trained, arguments.out)


def main():
    """Exports what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    _check_together(arguments)
    _check_paths(arguments)
    trained = trained_model.read(arguments.save_path, arguments.data_path)
    name, done = "tflite", ""
    try:
        if arguments.tflite:
            os.makedirs(os.path.dirname(os.path.abspath(arguments.tflite)), exist_ok=True)
        name = "out"
        _write(trained, arguments)
        if arguments.tflite:
            name, done = "tflite", f"; --out={arguments.out} is complete"
            model = lite.convert(arguments.out, arguments.tflite_quantize)
            files.write_whole(arguments.tflite, model)
    except (tf.errors.OpError, OSError) as error:
        message = f"cannot be written: {checkpoints.reason(error)}{done}"
        raise errors.RequestError(f"--{name}={arguments[name].value}: {message}") from None


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
