"""The run of the TF1 script whose numbers are in `golden/`: its words, weights and results."""

import json
import os

import numpy as np
import tensorflow as tf

import configs
import ptb_word_lm
import reader
from training import learning_rate

GOLDEN = os.path.join(os.path.dirname(__file__), "golden")
tf1 = tf.compat.v1


def load(name):
    """The configuration, the numbers to be expected and the arrays; `name` is basic or block."""
    with open(os.path.join(GOLDEN, f"{name}.json")) as file:
        golden = json.load(file)
    # The TF1 script called the cell of its BLOCK mode lstm_cell.
    arrays = {
        key.replace("/lstm_cell/", "/basic_lstm_cell/"): value
        for key, value in np.load(os.path.join(GOLDEN, f"{name}.npz")).items()
    }
    return configs.SmallConfig(**golden["config"]), golden["expected"], arrays


def corpus(arrays):
    return reader.Corpus(arrays["train"], arrays["valid"], arrays["test"], None)


def set_initial_weights(session, arrays):
    for variable in tf1.trainable_variables():
        value = arrays[f"init/{variable.op.name}"]
        session.run(variable.initializer, {variable.initial_value: value})


def train(session, models, config):
    """Trains as the TF1 script did; dict of figure to numbers, as in the expected ones."""
    model, epoch_size = models["Train"], models["Train"].streams.epoch_size
    found = {"train_costs": [], "grad_norms": [], "train_ppl": [], "valid_ppl": []}
    for epoch in range(1, config.max_max_epoch + 1):
        model.assign_lr(session, learning_rate.of_epoch(config, epoch))
        state = session.run(model.initial_state)
        for _ in range(epoch_size):
            feed = dict(zip(tf.nest.flatten(model.initial_state), tf.nest.flatten(state)))
            cost, norm, state, _ = session.run(
                (model.cost, model.grad_norm, model.final_state, model.train_op), feed
            )
            found["train_costs"].append(cost)
            found["grad_norms"].append(norm)
        cost = np.sum(found["train_costs"][-epoch_size:])
        found["train_ppl"].append(np.exp(cost / (epoch_size * config.num_steps)))
        found["valid_ppl"].append(ptb_word_lm.run_epoch(session, models["Valid"]))
    found["test_ppl"] = ptb_word_lm.run_epoch(session, models["Test"])
    found["final_state"] = [[layer.c, layer.h] for layer in state]
    return found
