"""What other programs can ask an exported model: two signatures, in the current graph.

    next_word
        words          int32 [batch], the last word of each text; -1 for none, which changes nothing
        state          float32 [batch, 2 * num_layers, hidden_size], zeros before the first word
      -> probabilities float32 [batch, vocab_size], of every next word
         next_state    like `state`, to be given back with the next word

    score
        words               int32 [batch, num_words], sentences with `<eos>`, filled up with -1 on
                            either side or between the words
      -> log_probabilities  float32 [batch, num_words], each word's given those before it, natural;
                            0 where there is none. An `<eos>` is read before each sentence.

They are made of plain operations and reference variables, which converters and TensorFlow from 1.15
on know.
"""

from typing import Any

import tensorflow as tf

from model import lstm
from saved.tf1_checkpoints import Cell
from trained import language_model

tf1 = tf.compat.v1

NEXT_STATE = "next_state"


def dynamic_layer(
    inputs: tf.Tensor,
    state: lstm.LSTMStateTuple,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    precision: Any,
    cell_clip: float = 0.0,
) -> tuple[tf.Tensor, lstm.LSTMStateTuple]:
    """`lstm.basic_layer` for as many steps as the inputs turn out to have, at least one."""

    def step(state, x):
        return lstm.basic_cell(x, state, kernel, bias, precision, cell_clip)

    states = tf.scan(step, inputs, state)
    return states.h, lstm.LSTMStateTuple(c=states.c[-1], h=states.h[-1])


def add_next_word(
    config: Any, next_state: str = NEXT_STATE, cell: Cell = language_model.TODAYS
) -> tuple[dict, dict]:
    """Adds the signature `next_word` to the current graph; returns `(inputs, outputs)`.

    Args:
      config: the model's configuration.
      next_state: the name of the output that is the state after the words.
      cell: how the model's cell computes, see `tf1_checkpoints.Cell`.
    """
    model = language_model.LanguageModel(config, cell, lstm.basic_layer, use_resource=False)
    words = tf1.placeholder(tf.int32, [None], "words")
    state = tf1.placeholder(tf.float32, [None, 2 * config.num_layers, config.hidden_size])
    _, state_after = model.read(tf.maximum(words, 0)[None], language_model.unpack(state))
    final_state = tf.where(words[:, None, None] >= 0, language_model.pack(state_after), state)
    probabilities = tf.nn.softmax(model.logits(final_state[:, -1]))  # of the last layer's h
    inputs = {"words": words, "state": state}
    return inputs, {"probabilities": probabilities, next_state: final_state}


def add_score(
    config: Any, end_of_sentence: int, cell: Cell = language_model.TODAYS
) -> tuple[dict, dict]:
    """Adds the signature `score` to the current graph; returns `(inputs, outputs)`.

    Args:
      config: the model's configuration.
      end_of_sentence: the id of `<eos>`.
      cell: as in `add_next_word`.
    """
    model = language_model.LanguageModel(config, cell, dynamic_layer, use_resource=False)
    words = tf1.placeholder(tf.int32, [None, None], "sentences")
    batch_size, num_words = tf.unstack(tf.shape(words))
    # The words to the left, and what fills up to the right of them; there is at least one step.
    order = tf.argsort(tf.where(words < 0, num_words, 0) + tf.range(num_words), axis=1)
    ordered = tf.pad(tf.gather(words, order, batch_dims=1), [[0, 0], [0, 1]], constant_values=-1)
    targets = tf.transpose(ordered)
    before = tf.fill([1, batch_size], end_of_sentence)
    state = tf.zeros([batch_size, 2 * config.num_layers, config.hidden_size])
    inputs = tf.maximum(tf.concat([before, targets[:-1]], axis=0), 0)
    outputs, _ = model.read(inputs, language_model.unpack(state))
    log_probabilities = tf.transpose(model.log_probabilities(outputs, targets))
    places = tf.argsort(order, axis=1)
    log_probabilities = tf.gather(log_probabilities, places, batch_dims=1)
    return {"words": words}, {"log_probabilities": log_probabilities}
