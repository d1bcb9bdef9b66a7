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

With `--tf1=DIR`, a checkpoint is written that the tutorial's TF1 script restores; `--out` may then
be left out. With `--tflite=FILE`, the SavedModel's signature next_word is written for LiteRT
(TensorFlow Lite), too; with `--tflite_quantize=dynamic_range` in a quarter of the size.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import export as script_flags

    command_line.start(script_flags.define, script_flags.check)

import os

import tensorflow as tf
from absl import flags

from exported import arrays, lite, onnx_models, saved_model, word_vectors
from program import command_line, errors, whole_files
from saved import reading, tf1_checkpoints
from script_flags import export as export_flags
from script_flags import old_checkpoints
from trained import tf1_writer, trained_model

# The formats without flags of their own, and what writes them.
WRITERS = {
    "onnx": onnx_models.write,
    "pytorch": arrays.write_safetensors,
    "word2vec": word_vectors.write,
}


def _write(trained, arguments):
    """Writes `--out` in its format."""
    if arguments.format == export_flags.SAVED_MODEL:
        saved_model.write(trained, arguments.out, arguments.next_state_name)
    elif arguments.format == export_flags.NPZ:
        arrays.write_npz(trained, arguments.out, arguments.layout)
    else:
        WRITERS[arguments.format](trained, arguments.out)


def main():
    """Exports what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    trained = trained_model.read(
        arguments.save_path,
        arguments.data_path,
        tf1_checkpoints.Answers(**old_checkpoints.values()),
    )
    name, done = "tf1", ""
    try:
        if arguments.tf1:
            tf1_writer.write(trained, arguments.tf1)
        if not arguments.out:
            return
        name = "tflite"
        if arguments.tflite:
            os.makedirs(os.path.dirname(os.path.abspath(arguments.tflite)), exist_ok=True)
        name = "out"
        _write(trained, arguments)
        if arguments.tflite:
            name, done = "tflite", f"; --out={arguments.out} is complete"
            model = lite.convert(arguments.out, quantize=bool(arguments.tflite_quantize))
            whole_files.write_whole(arguments.tflite, model)
    except (tf.errors.OpError, OSError) as error:
        message = f"cannot be written: {reading.reason(error)}{done}"
        raise errors.RequestError(f"--{name}={arguments[name].value}: {message}") from None


if __name__ == "__main__":
    command_line.run(main)
