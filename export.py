"""Exports a trained model as a SavedModel, for TensorFlow Serving and for any TensorFlow program.

    python export.py --save_path=RUN --out=DIR

DIR holds a SavedModel with two signatures; `assets/vocab.txt`, one word a line, the first of which
has id 0; and `assets/ptb.preparation.json`, if it is known how the corpus was made of text:

    next_word (and serving_default)
        words          int32 [batch], the last word of each text; -1 for none, which changes nothing
        state          float32 [batch, 2 * num_layers, hidden_size], zeros before the first word
      -> probabilities float32 [batch, vocab_size], of every next word
         state         like the one above, to be given back with the next word

    score
        words               int32 [batch, num_words], sentences with `<eos>`, filled up with -1 on
                            either side or between the words
      -> log_probabilities  float32 [batch, num_words], each word's given those before it, natural;
                            0 where there is none. An `<eos>` is read before each sentence.

With `--tf1=DIR`, a checkpoint is written that the tutorial's TF1 script restores; `--out` may then
be left out. With `--tflite=FILE`, the signature next_word is written for LiteRT (TensorFlow Lite),
too.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import export as script_flags

    command_line.start(script_flags.define, script_flags.check)

import os
import tempfile

import tensorflow as tf
from absl import flags

from model import devices, lstm
from program import command_line, errors, tensorflow_start, whole_files
from saved import checkpoints, eras, run_directory
from script_flags import old_checkpoints
from text import preparation
from trained import language_model, to_tf1, trained_model

tf1 = tf.compat.v1


def dynamic_layer(inputs, state, kernel, bias, precision, cell_clip=0.0):
    """`lstm.basic_layer` for as many steps as the inputs turn out to have, at least one."""

    def step(state, x):
        return lstm.basic_cell(x, state, kernel, bias, precision, cell_clip)

    states = tf.scan(step, inputs, state)
    return states.h, lstm.LSTMStateTuple(c=states.c[-1], h=states.h[-1])


def add_next_word(config, cell=language_model.TODAYS):
    """Adds the signature `next_word` to the current graph; returns `(inputs, outputs)`."""
    model = language_model.LanguageModel(config, cell)
    words = tf1.placeholder(tf.int32, [None], "words")
    state = model.state_placeholder()
    _, next_state = model.read(tf.maximum(words, 0)[None], state)
    final_state = tf.where(words[:, None, None] >= 0, next_state, state)
    probabilities = tf.nn.softmax(model.logits(final_state[:, -1]))  # of the last layer's h
    inputs = {"words": words, "state": state}
    return inputs, {"probabilities": probabilities, "state": final_state}


def add_score(config, end_of_sentence, cell=language_model.TODAYS):
    """Adds the signature `score` to the current graph; returns `(inputs, outputs)`.

    Args:
      config: the model's configuration.
      end_of_sentence: int, the id of `<eos>`.
      cell: how the model's cell computes, see `eras.Cell`.
    """
    model = language_model.LanguageModel(config, cell, dynamic_layer)
    words = tf1.placeholder(tf.int32, [None, None], "sentences")
    batch_size, num_words = tf.unstack(tf.shape(words))
    # The words to the left, and what fills up to the right of them; there is at least one step.
    order = tf.argsort(tf.where(words < 0, num_words, 0) + tf.range(num_words), axis=1)
    ordered = tf.pad(tf.gather(words, order, batch_dims=1), [[0, 0], [0, 1]], constant_values=-1)
    targets = tf.transpose(ordered)
    before = tf.fill([1, batch_size], end_of_sentence)
    state = tf.zeros([batch_size, 2 * config.num_layers, config.hidden_size])
    outputs, _ = model.read(tf.maximum(tf.concat([before, targets[:-1]], axis=0), 0), state)
    log_probabilities = tf.transpose(model.log_probabilities(outputs, targets))
    places = tf.argsort(order, axis=1)
    log_probabilities = tf.gather(log_probabilities, places, batch_dims=1)
    return {"words": words}, {"log_probabilities": log_probabilities}


def export(trained, directory):
    """Writes a trained model as a SavedModel, whole or not at all.

    Args:
      trained: a `trained_model.TrainedModel`.
      directory: str, where nothing is yet.
    """
    parent = os.path.dirname(os.path.abspath(directory))
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as temporary:
        paths = [os.path.join(temporary, run_directory.VOCABULARY_FILE)]
        with open(paths[0], "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{word}\n" for word in trained.words)
        if trained.preparation:
            paths.append(preparation.write(trained.preparation, temporary))
        unfinished = os.path.join(temporary, "model")
        config = devices.session_config(0, 1)
        with tf.Graph().as_default(), tf1.Session(config=config) as session:
            signatures = _add_signatures(trained)
            trained_model.restore_weights(session, trained)
            assets = [tf.constant(path) for path in paths]
            for asset in assets:
                tf1.add_to_collection(tf1.GraphKeys.ASSET_FILEPATHS, asset)
            builder = tf1.saved_model.Builder(unfinished)
            builder.add_meta_graph_and_variables(
                session,
                [tf1.saved_model.tag_constants.SERVING],
                signatures,
                assets_collection=assets,
                strip_default_attrs=True,
            )
            builder.save()
        os.rename(unfinished, directory)


def _add_signatures(trained):
    """Adds the signatures to the current graph; returns a dict of name to `SignatureDef`."""
    signature = tf1.saved_model.predict_signature_def
    next_word = signature(*add_next_word(trained.config, trained.cell))
    score = signature(*add_score(trained.config, trained.start, trained.cell))
    return {"serving_default": next_word, "next_word": next_word, "score": score}


def convert(directory):
    """The signature `next_word` of an exported model as a LiteRT model, bytes.

    It needs LiteRT's built-in operations alone; the loop in `score` would need TensorFlow's.
    """
    with tensorflow_start.no_standard_error():  # the converter chatters at every log level
        converter = tf.lite.TFLiteConverter.from_saved_model(
            directory, signature_keys=["next_word"]
        )
        return converter.convert()


def main():
    """Exports what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    trained = trained_model.read(
        arguments.save_path, arguments.data_path, eras.Answers(**old_checkpoints.values())
    )
    name, done = "tf1", ""
    try:
        if arguments.tf1:
            to_tf1.write(trained, arguments.tf1)
        if not arguments.out:
            return
        name = "tflite"
        if arguments.tflite:
            os.makedirs(os.path.dirname(os.path.abspath(arguments.tflite)), exist_ok=True)
        name = "out"
        export(trained, arguments.out)
        if arguments.tflite:
            name, done = "tflite", f"; --out={arguments.out} is complete"
            whole_files.write_whole(arguments.tflite, convert(arguments.out))
    except (tf.errors.OpError, OSError) as error:
        message = f"cannot be written: {checkpoints.reason(error)}{done}"
        raise errors.RequestError(f"--{name}={arguments[name].value}: {message}") from None


if __name__ == "__main__":
    command_line.run(main)
