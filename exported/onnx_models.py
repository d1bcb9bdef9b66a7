"""The signatures of `signatures.py` as ONNX: small graphs of ONNX's own LSTM operation.

The graphs are written as text, which `onnx.parser` reads. They need no loop: an LSTM operation
reads a whole sequence.
"""

import os

import numpy as np

from exported import files, layouts
from program import errors, optional_packages, whole_files
from trained import trained_model

FLAG = "--format=onnx"
# Old enough for every onnxruntime from 1.13 on.
HEADER = '<ir_version: 8, opset_import: ["" : 17]>'
MAX_BYTES = 2**31  # of a file, a limit of its format

NEXT_WORD = """
next_word (int32[batch] words, float[batch, {twice_layers}, {hidden}] state)
    => (float[batch, {vocabulary}] probabilities, float[batch, {twice_layers}, {hidden}] next_state)
{{
   step = Unsqueeze (words, axis_0)
   known = Max (step, zero)
   inputs_0 = Gather (embedding, known)
   states = Transpose <perm = [1, 0, 2]> (state)
   {states_before} = Split <axis = 0> (states)
   {layers}
   states_after = Concat <axis = 0> ({states_after})
   state_after = Transpose <perm = [1, 0, 2]> (states_after)
   are_words = GreaterOrEqual (words, zero)
   is_word = Unsqueeze (are_words, axes_1_2)
   next_state = Where (is_word, state_after, state)
   outputs = Gather <axis = 1> (next_state, last)
   products = MatMul (outputs, softmax_w)
   logits = Add (products, softmax_b)
   probabilities = Softmax <axis = 1> (logits)
}}
"""
# As in `signatures.add_score`, words are moved to the left of what fills up, and one more step is
# filled up, so that there is at least one.
SCORE = """
score (int32[batch, num_words] words) => (float[batch, num_words] log_probabilities)
{{
   padded = Pad (words, one_column, minus_one)
   shape = Shape <start = 1> (padded)
   num_steps = Squeeze (shape)
   columns = Range (zero_64, num_steps, one_64)
   is_word = GreaterOrEqual (padded, zero)
   behind = Where (is_word, zero_64, num_steps)
   keys = Add (behind, columns)
   sorted_keys, order = TopK <axis = 1, largest = 0> (keys, shape)
   ordered = GatherElements <axis = 1> (padded, order)
   targets = Transpose <perm = [1, 0]> (ordered)
   all_but_last = Slice (targets, at_0, at_minus_1, axis_0)
   first = Slice (targets, at_0, at_1, axis_0)
   shape_of_first = Shape (first)
   before = Expand (end_of_sentence, shape_of_first)
   read = Concat <axis = 0> (before, all_but_last)
   known = Max (read, zero)
   inputs_0 = Gather (embedding, known)
   {layers}
   products = MatMul ({outputs}, softmax_w)
   logits = Add (products, softmax_b)
   log_softmax = LogSoftmax <axis = 2> (logits)
   known_targets = Max (targets, zero)
   places = Cast <to = 7> (known_targets)
   columns_of_targets = Unsqueeze (places, axis_2)
   of_targets = GatherElements <axis = 2> (log_softmax, columns_of_targets)
   by_step = Squeeze (of_targets, axis_2)
   has_target = GreaterOrEqual (targets, zero)
   scores = Where (has_target, by_step, nothing)
   by_text = Transpose <perm = [1, 0]> (scores)
   sorted_order, place = TopK <axis = 1, largest = 0> (order, shape)
   in_place = GatherElements <axis = 1> (by_text, place)
   log_probabilities = Slice (in_place, at_0, at_minus_1, axis_1)
}}
"""
LAYER = """
   steps_{n}, h_after_{n}, c_after_{n} = LSTM <hidden_size = {hidden}>
       (inputs_{n}, lstm_{n}_W, lstm_{n}_R, lstm_{n}_B{state})
   inputs_{next} = Squeeze (steps_{n}, axis_1)"""
CONSTANTS = {
    "zero": np.int32(0),
    "minus_one": np.int32(-1),
    "zero_64": np.int64(0),
    "one_64": np.int64(1),
    "nothing": np.float32(0),
    "last": np.int64(-1),
    **{f"axis_{n}": np.array([n], np.int64) for n in range(3)},
    "axes_1_2": np.array([1, 2], np.int64),
    "at_0": np.array([0], np.int64),
    "at_1": np.array([1], np.int64),
    "at_minus_1": np.array([-1], np.int64),
    "one_column": np.array([0, 0, 0, 1], np.int64),
}


def write(trained: trained_model.TrainedModel, directory: str) -> None:
    """Writes `next_word.onnx`, `score.onnx` and the vocabulary to a new directory.

    Args:
      trained: the model.
      directory: where nothing is yet.

    Raises:
      errors.RequestError: the package onnx is missing, or the model is too large for one file.
    """
    files.refuse_old_cell(trained, FLAG)
    optional_packages.import_package("onnx.parser", FLAG)
    onnx = optional_packages.import_package("onnx", FLAG)
    arrays = layouts.lay_out(trained_model.read_weights(trained), layouts.LAYOUTS["onnx"])
    if sum(array.nbytes for array in arrays.values()) > 0.99 * MAX_BYTES:
        raise errors.RequestError(f"{FLAG}: the weights take more than 2 GiB, the most of one file")
    config = trained.config
    constants = {
        **{name.replace("/", "_"): array for name, array in arrays.items()},
        **CONSTANTS,
        "end_of_sentence": np.array([[trained.end_of_sentence]], np.int32),
    }
    graphs = {"next_word": _next_word(config), "score": _score(config)}
    with whole_files.new_directory(directory) as unfinished:
        for name, text in graphs.items():
            model = onnx.parser.parse_model(HEADER + text)
            used = {each for node in model.graph.node for each in node.input}
            model.graph.initializer.extend(
                onnx.numpy_helper.from_array(np.asarray(array), each)
                for each, array in constants.items()
                if each in used
            )
            onnx.checker.check_model(model)
            onnx.save(model, os.path.join(unfinished, f"{name}.onnx"))
        files.write_vocabulary(trained, unfinished)


def _next_word(config):
    """The text of the graph `next_word`."""
    layers = range(config.num_layers)
    return NEXT_WORD.format(
        vocabulary=config.vocab_size,
        hidden=config.hidden_size,
        twice_layers=2 * config.num_layers,
        states_before=", ".join(f"c_{n}, h_{n}" for n in layers),
        states_after=", ".join(f"c_after_{n}, h_after_{n}" for n in layers),
        layers="".join(_layer(config, n, f", , h_{n}, c_{n}") for n in layers),
    )


def _score(config):
    """The text of the graph `score`; without a state an LSTM begins with zeros."""
    layers = "".join(_layer(config, n, "") for n in range(config.num_layers))
    return SCORE.format(layers=layers, outputs=f"inputs_{config.num_layers}")


def _layer(config, n, state):
    return LAYER.format(n=n, next=n + 1, hidden=config.hidden_size, state=state)
