"""An LSTM language model of the Penn Treebank, trained as in Zaremba et al. 2014.

"Recurrent Neural Network Regularization" (https://arxiv.org/abs/1409.2329), in the TF1 style of the
TensorFlow tutorial (graphs, name scopes, collections, metagraphs, Supervisor), on today's
TensorFlow through `tf.compat.v1`.

Three models, and the perplexities documented for them (the README says what came out here):

    model    epochs   train    valid    test
    small      13     37.99   121.39   115.91
    medium     39     48.45    86.16    82.07
    large      55     37.87    82.62    78.29

To train:

    python ptb_word_lm.py --data_path=DIR --model=small --save_path=RUN

DIR holds `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`. The same command again continues
where it stopped. `--help` explains every flag.

Read on as the data flows: `PTBInput` (windows of a text), `PTBModel` (the graph that computes with
them), `build_models` (three of them that share weights), `build_metagraph` (the graph as a
metagraph), `run_epoch` and `train` (the session), `train_model` and `main` (all of it). Why it is
built so is answered, question by question, in docs/understanding.md; docs/tour.ipynb shows it.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import training as script_flags

    command_line.start(script_flags.define, script_flags.check)

import dataclasses
import os
from operator import attrgetter
from typing import Any

import numpy as np
import tensorflow as tf

import configs
import reader
import training
import util
from model import dropout, gradients, network
from program import command_line, messages
from saved.tf1_checkpoints import Answers, Cell
from trained import language_model, trained_model
from training import continued_words, learning_rate

tf1 = tf.compat.v1
# Where the tutorial's script had them, for programs that import it.
get_config = configs.get_config
SmallConfig, MediumConfig = configs.SmallConfig, configs.MediumConfig
LargeConfig, TestConfig = configs.LargeConfig, configs.TestConfig
BASIC, BLOCK, CUDNN = configs.RNN_MODES


class PTBInput:
    """The windows of one text, and their sizes.

    Attributes:
      batch_size: int, streams that are read side by side.
      num_steps: int, unrolled steps.
      epoch_size: int, windows in an epoch.
      windows: `reader.Windows`, the current one.
      input_data, targets: int32 `[batch_size, num_steps]`, the words to read and to predict.
      vocab_size: int, one more than the largest word id in the text.
    """

    def __init__(
        self, config: Any, data: Any, name: str | None = None, keep_remainder: bool = False
    ):
        """Adds the input to the current graph.

        Args:
          config: has `batch_size` and `num_steps`.
          data: word ids, a list or an int array `[num_words]`.
          name: the operations' name scope.
          keep_remainder: read the text to its last word; the last window may be partial.

        Raises:
          reader.CorpusError: the text is too short for one window.
        """
        self.batch_size, self.num_steps = sizes = config.batch_size, config.num_steps
        self.windows = reader.window_producer(data, *sizes, name, keep_remainder)
        self.input_data, self.targets = self.windows.x, self.windows.y
        self.epoch_size = self.windows.streams.epoch_size
        self.vocab_size = int(np.max(data)) + 1


class PTBModel:
    """The language model: embedding, stacked LSTM, softmax; and, in training, its gradients.

    Attributes:
      input: the `PTBInput`.
      name: str, the prefix of the model's collections; empty before `export_ops`, as are
        `initial_state_name` and `final_state_name`, the keys of the states' collections.
      built_ops: `util.ModelOps`, the operations in the graph that the model was built in.
      ops: `util.ModelOps`, those in use: `built_ops`, until `import_ops` finds the operations in
        another graph. The attributes below are taken from it.
    """

    initial_state = property(attrgetter("ops.initial_state"))
    final_state = property(attrgetter("ops.final_state"))
    cost = property(attrgetter("ops.cost"))
    lr = property(attrgetter("ops.lr"))
    train_op = property(attrgetter("ops.train_op"))
    grad_norm = property(attrgetter("ops.grad_norm"))
    positions = property(attrgetter("ops.positions"))
    streams = property(attrgetter("ops.streams"))

    def __init__(
        self,
        is_training: bool,
        config: Any,
        input_: PTBInput,
        dtype: Any = tf.float32,
        seed: int = 0,
        cell: Cell = language_model.TODAYS,
    ):
        """Adds the model to the current graph and variable scope.

        Args:
          is_training: drop out, and build the train op.
          config: a `configs.SmallConfig`, or any object with its fields, see `configs.as_config`.
          dtype: of activations and matrix products: float32, float16, bfloat16, or a
            `precision.Precision`. Variables, gates, states and loss are float32.
          seed: int, of dropout and sampled words: the same seed draws the same in the same step.
          cell: how the cell computes; only today's can be trained.

        Raises:
          configs.ConfigError: a field is missing or out of its bound, or the vocabulary too small.
        """
        config = configs.as_config(config)
        if config.vocab_size < input_.vocab_size:
            raise configs.ConfigError(
                f"vocab_size is {config.vocab_size}, but must be at least {input_.vocab_size}, "
                "one more than the largest word id of the text"
            )
        self.input, self._config = input_, config
        self.name = self.initial_state_name = self.final_state_name = ""
        scope, scale = tf1.get_variable_scope(), config.init_scale
        initializer = scope.initializer or tf1.random_uniform_initializer(-scale, scale)
        # Grappler's autoparallel divides only the gradients of reference variables.
        with tf1.variable_scope(
            scope, initializer=initializer, use_resource=False, auxiliary_name_scope=False
        ):
            layer = language_model.clipping(None, cell)
            self._network = network.Network(config, is_training, dtype, layer)
            self._has_one_state = cell.one_state
            self.built_ops = self.ops = self._forward(is_training, seed)
            if is_training:
                self.built_ops = self.ops = self._with_training(self.ops)

    def _forward(self, is_training, seed):
        """Adds what computes the cost from the window's words; returns the `util.ModelOps`."""
        windows, draws, drop = self.input.windows, None, dropout.Dropout()
        if is_training:
            draws = dropout.Draws(seed, self._network.global_step, windows.replica)
            drop = dropout.Dropout(self._config.keep_prob, draws)
        initial_state = self._network.zero_state(self.input.batch_size)
        if self._has_one_state:  # fed once for each layer, so that the last one's counts
            initial_state = initial_state[-1:] * len(initial_state)
        with tf.device("/cpu:0"):  # which the text is on; a GPU would send them back for a reshape
            words, targets = map(tf.transpose, (self.input.input_data, self.input.targets))
        outputs, final_state = self._network.read(words, initial_state, drop)
        losses = self._network.losses(outputs, targets, draws)
        return util.ModelOps(
            initial_state=initial_state,
            final_state=final_state,
            cost=tf.reduce_sum(losses) / self.input.batch_size,
            positions=(windows.position,),
            streams=windows.streams,
            text=windows.text,
            **self._network.saved_otherwise,
        )

    def _with_training(self, ops):
        """Adds the gradients and the train op; returns the `util.ModelOps` with them."""
        local = [tf1.GraphKeys.LOCAL_VARIABLES]  # not saved: the epoch determines the value
        lr = tf1.get_variable("lr", initializer=0.0, trainable=False, collections=local)
        new_lr = tf1.placeholder(tf.float32, shape=[], name="new_learning_rate")
        lr_update = tf1.assign(lr, new_lr)
        max_norm, step = self._config.max_grad_norm, self._network.global_step
        update, grad_norm = gradients.add_update(
            ops.cost, lr, max_norm, self._network.precision, step
        )
        # Autoparallel replicates only what the train op depends on.
        train_op = tf.group(update, ops.cost, tf.nest.flatten(ops.final_state))
        return ops._replace(
            train_op=train_op, lr=lr, new_lr=new_lr, lr_update=lr_update, grad_norm=grad_norm
        )

    def assign_lr(self, session: tf.compat.v1.Session, lr_value: float) -> None:
        """Sets the learning rate in a session."""
        self.ops.assign_lr(session, lr_value)

    def export_ops(self, name: str) -> None:
        """Adds the model's operations to the current graph's collections; see `util.export_ops`."""
        self.name = name
        self.initial_state_name = util.with_prefix(name, "initial")
        self.final_state_name = util.with_prefix(name, "final")
        util.export_ops(self.built_ops, name)

    def import_ops(self) -> None:
        """Finds the operations in the current graph's collections; see `util.import_ops`."""
        self.ops = util.import_ops(self.built_ops, self.name)
        self.input.epoch_size = self.streams.epoch_size  # fewer steps, if there are replicas


def build_evaluation_models(
    config: Any, corpus: reader.Corpus, dtype: Any = tf.float32, cell: Cell = language_model.TODAYS
) -> dict[str, PTBModel]:
    """Adds the validation model, and the test model of one stream; see `build_models`."""
    one_stream = configs.with_one_stream(config)
    if cell.one_state:  # then windows matter, and the script's were of one word
        one_stream = dataclasses.replace(one_stream, num_steps=1)
    with tf.name_scope("Valid"):
        input_ = PTBInput(config, corpus.valid, "ValidInput")
        with tf1.variable_scope("Model", reuse=tf1.AUTO_REUSE):
            valid = PTBModel(False, config, input_, dtype, cell=cell)
    with tf.name_scope("Test"):
        input_ = PTBInput(one_stream, corpus.test, "TestInput", keep_remainder=True)
        with tf1.variable_scope("Model", reuse=tf1.AUTO_REUSE):
            test = PTBModel(False, one_stream, input_, dtype, cell=cell)
    return {"Valid": valid, "Test": test}


def build_models(
    config: Any, corpus: reader.Corpus, dtype: Any = tf.float32, seed: int = 0
) -> dict[str, PTBModel]:
    """Adds the training, validation and test models to the current graph.

    Training, validation and test differ in dropout, batch size and text. Each has operations of its
    own, under a name scope: a prefix of the operations' names. The variable scope `Model` is a
    prefix of the variables' names. It is the same for all three, so they share their variables:
    `Model/embedding` exists once. (AUTO_REUSE makes the missing ones: any model may be the first.)

    Arguments are those of `PTBModel`. The result's keys are the name scopes.
    """
    config = configs.as_config(config)
    with tf.name_scope("Train"):
        input_ = PTBInput(config, corpus.train, "TrainInput")
        with tf1.variable_scope("Model", reuse=tf1.AUTO_REUSE):
            train_model = PTBModel(True, config, input_, dtype, seed)
    return {"Train": train_model, **build_evaluation_models(config, corpus, dtype)}


def build_metagraph(
    config: Any, corpus: reader.Corpus, dtype: Any = tf.float32, seed: int = 0
) -> tuple[tf.compat.v1.MetaGraphDef, dict[str, PTBModel]]:
    """Builds the models in a graph of their own; returns the exported graph, and the models.

    Arguments are those of `build_models`; `seed` also determines the initial weights.
    """
    with tf.Graph().as_default():
        tf1.set_random_seed(seed)
        models = build_models(config, corpus, dtype, seed)
        return util.export_models(models), models


def run_epoch(
    session: tf.compat.v1.Session, model: Any, eval_op: Any = None, verbose: bool = False
) -> float:
    """Runs a model over its text once, and returns the perplexity; `train` has its own loop.

    Args:
      session, model, eval_op: as for `training.run_windows`.
      verbose: print perplexity and speed about ten times.
    """
    for result in training.run_windows(session, model, eval_op):
        if verbose:
            training.print_now_and_then(result, model.streams.epoch_size)
    return result.perplexity


def train(
    session: tf.compat.v1.Session, guard: Any, config: configs.SmallConfig, models: dict
) -> tuple:
    """Trains, validates and tests, as the configuration says.

    Args:
      session: a `Session` with the models' variables initialized or restored.
      guard: the session's `saves_and_signals.Guard`; its progress says where to go on.
      config: says how many epochs to train, and at which learning rates.
      models: dict of name scope to the `util.ModelOps` of the session's graph.

    Returns:
      `(epochs, test_perplexity)`: list of `training.EpochResult`, of the epochs run, and a float.
    """
    model, epochs = models["Train"], []
    if config.sampled_softmax and guard.progress.epoch <= config.max_max_epoch:
        messages.say("training's perplexity is an estimate, those of Valid and Test are exact")
    with training.bar_of_all_epochs(config, model, guard.progress) as bar:
        for epoch in range(guard.progress.epoch, config.max_max_epoch + 1):
            model.assign_lr(session, learning_rate.of_epoch(config, epoch))
            lr = float(session.run(model.lr))
            messages.report(f"Epoch: {epoch} Learning rate: {lr:.3f}")
            for result in training.run_windows(session, model, model.train_op, guard.progress):
                guard.note(result, lr)
                training.print_now_and_then(result, model.streams.epoch_size)
                guard.write_summary(result)
                guard.heed_signal()
                guard.save_if_due()
                bar.update()
            train_perplexity = training.perplexity(guard.progress, model.streams)
            messages.report(f"Epoch: {epoch} Train Perplexity: {train_perplexity:.3f}")
            valid_perplexity = _evaluate(session, guard, models["Valid"])
            messages.report(f"Epoch: {epoch} Valid Perplexity: {valid_perplexity:.3f}")
            perplexities = train_perplexity, valid_perplexity
            epochs.append(training.EpochResult(epoch, lr, *perplexities))
            guard.end_epoch(epochs[-1])
    test_perplexity = _evaluate(session, guard, models["Test"])
    messages.report(f"Test Perplexity: {test_perplexity:.3f}")
    guard.end_training(test_perplexity)
    return epochs, test_perplexity


def _evaluate(session, guard, model):
    """The perplexity of a model's text; a signal stops it after a window."""
    for result in training.run_windows(session, model):
        guard.check_held_out(result)
        guard.heed_signal()
    return result.perplexity


def run_metagraph(
    metagraph: tf.compat.v1.MetaGraphDef,
    models: dict[str, PTBModel],
    config: configs.SmallConfig,
    run: training.Run,
    session_config: tf.compat.v1.ConfigProto | None = None,
    server: training.Server = training.HERE,
) -> tuple:
    """Trains a metagraph's models in a second graph, from the run's newest checkpoint; see `train`.

    Args:
      metagraph, models: of `build_metagraph`, perhaps rewritten by `util.auto_parallel`.
      config, run: the hyperparameters; what to save and report.
      session_config: a `ConfigProto`, or None for one that uses a GPU if there is one.
      server: runs the session.
    """
    with tf.Graph().as_default(), tf.device(server.device):
        imported = util.import_models(metagraph, models)
        with training.open_run(imported["Train"], run, session_config, server) as (session, guard):
            return train(session, guard, config, imported)


def train_model(
    config: Any,
    corpus: reader.Corpus,
    save_path: str | os.PathLike | None = None,
    dtype: Any = tf.float32,
    seed: int = 0,
    num_replicas: int = 1,
    session_config: tf.compat.v1.ConfigProto | None = None,
    **options: Any,
) -> tuple:
    """Trains a model, or continues the run in a directory, as the command line does.

    But the `rnn_mode` is the configuration's, on a GPU, too. It returns what `train` does. A
    process may call it many times: only saved files remain.

    Args:
      config: see `PTBModel`. Its `vocab_size` may be above the corpus's, or 0.
      save_path: str or `os.PathLike`, the directory to save the run to, or None.
      dtype, seed: as for `build_metagraph`.
      num_replicas: int, replicas of the model, one on each GPU; see `util.auto_parallel`.
      session_config: as for `run_metagraph`.
      **options: fields of `training.RunOptions`.

    Raises:
      errors.UserError: it cannot be done; the message says what to do.
    """
    save_path = None if save_path is None else os.fspath(save_path)
    max_words = configs.as_config(config).vocab_size
    config = configs.with_vocabulary(config, corpus.words)
    config = continued_words.with_rows(config, max_words, save_path)
    metagraph, models = build_metagraph(config, corpus, dtype, seed)
    util.auto_parallel(metagraph, models["Train"], num_replicas)
    how_often = training.RunOptions(**options)
    run = training.describe_run(save_path, config, dtype, seed, corpus, how_often)
    return run_metagraph(metagraph, models, config, run, session_config)


def evaluate(
    save_path: str | os.PathLike | None,
    data_path: str | os.PathLike,
    dtype: Any = tf.float32,
    session_config: Any = None,
    asked: dict | None = None,
    answers: Answers = Answers(),  # noqa: B008  it never changes
    leave_out: bool | None = None,
) -> dict[str, float]:
    """Prints and returns the validation and test perplexity of a trained model.

    Args:
      save_path, data_path, answers: see `trained_model.read`.
      dtype, session_config: as for `run_metagraph`.
      asked: fields of the configuration. `batch_size` and `num_steps` are used for the validation
        text, instead of the run's; `hidden_size`, `num_layers` and `vocab_size` must fit.
      leave_out: leave unknown words out, as the TF1 script did; see `reader.read_held_out`.

    Raises:
      errors.UserError: there is no such model, or the configuration is of another one.
    """
    data_path = os.fspath(data_path)
    trained = trained_model.read(save_path, data_path, answers)
    config = trained_model.as_asked(trained, asked or {})
    return evaluate_trained(
        trained._replace(config=config), data_path, dtype, session_config, leave_out
    )


def evaluate_trained(
    trained: trained_model.TrainedModel,
    data_path: str,
    dtype: Any = tf.float32,
    session_config: Any = None,
    leave_out: bool | None = None,
) -> dict[str, float]:
    """Prints and returns the perplexities of a model that has been read; see `evaluate`."""
    session_config = session_config or training.default_session_config()
    perplexities = {}
    graph = language_model.new_graph()
    with graph.as_default(), tf1.Session(config=session_config) as session:
        corpus = reader.read_held_out(data_path, trained.words, trained.line_ends, leave_out)
        trained_model.say_other_texts(trained, corpus)
        models = build_evaluation_models(trained.config, corpus, dtype, trained.cell)
        trained_model.restore_weights(session, trained)
        reader.load_texts(session)
        for name, model in models.items():
            perplexity = perplexities[name] = run_epoch(session, model)
            if np.isnan(perplexity):
                raise trained_model.TrainedModelError(
                    f"{trained.path}: {name} Perplexity is {perplexity}: the weights are too "
                    "large; use an earlier checkpoint, or float32 if this is 16 bit"
                )
            messages.report(f"{name} Perplexity: {perplexity:.3f}")
    return perplexities


def main() -> None:
    """Trains or evaluates, as the flags ask for; UserError if it cannot be done."""
    request = training.read_request()
    if request.evaluation is not None:
        evaluate(request.save_path, request.data_path, **request.hardware, **request.evaluation)
        return
    max_words = request.config.vocab_size
    corpus = continued_words.read_corpus(
        request.save_path, request.data_path, max_words, request.answers
    )
    train_model(
        request.config,
        corpus,
        request.save_path,
        seed=request.seed,
        num_replicas=request.num_replicas,
        **request.hardware,
        **request.options._asdict(),
    )


if __name__ == "__main__":
    command_line.run(main)
