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
"""

if __name__ == "__main__":
    from program import command_line

    command_line.import_tensorflow()

import time

import numpy as np
import tensorflow as tf
from absl import flags

import configs
import reader
import util
from model import devices, lstm, softmax
from program import command_line
from saved import checkpoints, run_directory, trained
from training import cluster, guard

tf1 = tf.compat.v1

get_config = configs.get_config

# A 16-bit gradient of a rare word's logit would vanish; a power of two costs no accuracy.
LOSS_SCALE_16_BIT = 128.0

# On a CPU, one stream is a chain of small products that keeps one core busy; the softmax of a
# window is another's work while the LSTM reads the next. More windows take longer to build.
TEST_WINDOWS_AT_ONCE = 3


class PTBInput:
    """The windows of one text, and their sizes.

    Attributes:
      batch_size: int, streams a replica reads side by side.
      num_steps: int, unrolled steps.
      num_replicas: int, model replicas that share the text; 1 unless `util.auto_parallel` ran.
      epoch_size: int, windows a replica reads in an epoch.
      windows: `reader.Windows`, the current one.
      input_data, targets: int32 `[batch_size, num_steps]`, its words and those to predict.
    """

    def __init__(self, config, data, name=None, keep_remainder=False):
        """Adds the input to the current graph.

        Args:
          config: has `batch_size` and `num_steps`.
          data: word ids, a list or an int array `[num_words]`.
          name: the operations' name scope.
          keep_remainder: read the text to its last word, in a partial window if need be.

        Raises:
          reader.CorpusError: the text is too short for one window.
        """
        self.batch_size = config.batch_size
        self.num_steps = config.num_steps
        self.windows = reader.window_producer(
            data, self.batch_size, self.num_steps, name, keep_remainder
        )
        self.input_data, self.targets = self.windows.x, self.windows.y
        self.set_replicas(1)

    def set_replicas(self, num_replicas):
        """Sizes the epoch for several replicas, each with streams of its own."""
        self.num_replicas = num_replicas
        self.epoch_size = self.windows.count(num_replicas)


class PTBModel:
    """The language model: embedding, stacked LSTM, softmax; and, in training, its gradients.

    Attributes:
      input: the `PTBInput`.
      initial_state: tuple of `lstm.LSTMStateTuple`, one a layer (with cuDNN one for all), replica
        by replica.
      final_state: the state after the window, to be fed as the next one's initial state.
      cost: float32 scalar in nats, summed over the time steps and averaged over the batch.
      positions: int64 scalars, one a replica: the window to read, see `reader.Windows`.
      lr: float32 scalar, the learning rate (training only, like all that follow).
      train_op: makes one step of gradient descent; None if not training.
      grad_norm: float32 scalar, the gradients' global norm before clipping (the replicas' mean).
    """

    def __init__(self, is_training, config, input_, dtype=tf.float32, seed=0, num_parts=1):
        """Adds the model to the current graph and variable scope.

        Args:
          is_training: bool, drop out and build the train op.
          config: as `configs.SmallConfig` describes.
          input_: a `PTBInput`.
          dtype: of activations and matrix products: float32, float16 or bfloat16. Variables,
            gates, states and loss are float32.
          seed: int, of dropout; the same seed drops the same values in the same global step.
          num_parts: int, of equal length, in which to read a window, one after another.
        """
        self.input = input_
        self.positions = [input_.windows.position]
        self.initial_state_name = self.final_state_name = None  # see export_ops
        self.train_op = None
        self._is_training = is_training
        self._config = config
        scope = tf1.get_variable_scope()
        uniform = tf1.random_uniform_initializer(-config.init_scale, config.init_scale)
        # Grappler's autoparallel divides the gradients of reference variables alone.
        with tf1.variable_scope(
            scope,
            initializer=scope.initializer or uniform,
            use_resource=False,
            auxiliary_name_scope=False,
        ):
            self._add_variables()
            dropout = lstm.Dropout(1.0)
            if is_training:
                replica = input_.windows.replica
                dropout = lstm.Dropout(config.keep_prob, seed, self._global_step, replica)
            vectors = tf.nn.embedding_lookup(self._embedding, tf.transpose(input_.input_data))
            vectors = dropout(tf.cast(vectors, dtype), layer=0)
            self.initial_state = state = self._stack.zero_state(input_.batch_size)
            parts = tf.split(vectors, num_parts), tf.split(tf.transpose(input_.targets), num_parts)
            costs = []
            for part_vectors, part_targets in zip(*parts):
                outputs, state = self._stack.add_layers(part_vectors, state, dropout)
                costs.append(self._add_cost(outputs, part_targets))
            self.final_state, self.cost = state, tf.add_n(costs)
            if is_training:
                self._add_training(LOSS_SCALE_16_BIT if dtype.size == 2 else 1.0)

    def _add_variables(self):
        config, size = self._config, self._config.hidden_size
        if config.rnn_mode not in configs.RNN_MODES:
            raise ValueError(f"rnn_mode {config.rnn_mode!r} is none of {configs.RNN_MODES}")
        self._embedding = tf1.get_variable("embedding", [config.vocab_size, size])
        self._softmax_w = tf1.get_variable("softmax_w", [size, config.vocab_size])
        self._softmax_b = tf1.get_variable("softmax_b", [config.vocab_size])
        initial_step = tf.constant(0, tf.int64)
        if config.rnn_mode == configs.CUDNN:
            self._stack = lstm.CudnnStack(config.num_layers, size, self._is_training)
            # Its vector is no global variable, yet whoever initializes those initializes it too.
            with tf.control_dependencies([self._stack.opaque_params.initializer]):
                initial_step = tf.identity(initial_step)
        else:
            layers = {configs.BASIC: lstm.basic_layer, configs.BLOCK: lstm.block_layer}
            self._stack = lstm.CellStack(config.num_layers, size, layers[config.rnn_mode])
        if self._is_training:
            self._global_step = tf1.get_variable(
                "global_step",
                initializer=initial_step,
                trainable=False,
                collections=[tf1.GraphKeys.GLOBAL_VARIABLES, tf1.GraphKeys.GLOBAL_STEP],
            )

    def _add_cost(self, outputs, targets):
        outputs = tf.reshape(outputs, [-1, self._config.hidden_size])
        targets = tf.reshape(targets, [-1])
        losses = softmax.cross_entropy(outputs, self._softmax_w, self._softmax_b, targets)
        return tf.reduce_sum(losses) / self.input.batch_size

    def _add_training(self, scale):
        self.lr = tf1.get_variable(
            "lr",
            initializer=0.0,
            trainable=False,
            collections=[tf1.GraphKeys.LOCAL_VARIABLES],  # not saved: it follows from the epoch
        )
        self._new_lr = tf1.placeholder(tf.float32, shape=[], name="new_learning_rate")
        self._lr_update = tf1.assign(self.lr, self._new_lr)

        variables = tf1.trainable_variables()
        gradients = tf.gradients(scale * self.cost, variables)
        self.grad_norm = tf.linalg.global_norm(gradients) / scale
        # Clipping scales all gradients alike: scaling the learning rate does the same, for less.
        max_norm = self._config.max_grad_norm
        clipped_lr = self.lr * max_norm / tf.maximum(self.grad_norm, max_norm)
        # Locked, or two replicas that update one row at the same moment would lose one update.
        optimizer = tf1.train.GradientDescentOptimizer(clipped_lr / scale, use_locking=True)
        update = optimizer.apply_gradients(zip(gradients, variables), global_step=self._global_step)
        # Autoparallel replicates what the train op depends on, and nothing else.
        self.train_op = tf.group(update, self.cost, tf.nest.flatten(self.final_state))

    def assign_lr(self, session, lr_value):
        """Sets the learning rate in a session."""
        session.run(self._lr_update, feed_dict={self._new_lr: lr_value})

    def export_ops(self, name):
        """Adds the model's operations to the current graph's collections.

        Args:
          name: the prefix of their keys, such as `Train`.
        """
        self._name = name
        self.initial_state_name = util.with_prefix(name, "initial")
        self.final_state_name = util.with_prefix(name, "final")
        exported = {
            util.with_prefix(name, "cost"): self.cost,
            util.with_prefix(name, "position"): self.positions[0],
        }
        states = self.initial_state_name, self.final_state_name
        self.replicated_collections = (*exported, "grad_norm", *states)
        if self._is_training:
            exported.update(train_op=self.train_op, lr=self.lr, grad_norm=self.grad_norm)
            exported.update(new_lr=self._new_lr, lr_update=self._lr_update)
        if self._stack.opaque_params is not None:
            exported.update(rnn_params=self._stack.opaque_params)
            self._stack.forget_saveables()
        for key, operation in exported.items():
            tf1.get_collection_ref(key)[:] = [operation]
        util.export_state_tuples(self.initial_state, self.initial_state_name)
        util.export_state_tuples(self.final_state, self.final_state_name)

    def import_ops(self):
        """Takes the model's operations, of all its replicas, from the current graph's collections.

        Raises:
          ValueError: a collection is missing or does not fit.
        """
        costs = util.get_tensors(util.with_prefix(self._name, "cost"))
        self.cost = tf.add_n(costs) / len(costs)
        self.positions = util.get_tensors(util.with_prefix(self._name, "position"))
        self.input.set_replicas(len(costs))
        self.initial_state = util.import_state_tuples(
            self.initial_state, self.initial_state_name, len(costs)
        )
        self.final_state = util.import_state_tuples(
            self.final_state, self.final_state_name, len(costs)
        )
        if self._is_training:
            for attribute in ("train_op", "lr", "_new_lr", "_lr_update"):
                setattr(self, attribute, util.get_tensors(attribute.lstrip("_"))[0])
            self.grad_norm = tf.add_n(util.get_tensors("grad_norm")) / len(costs)
        if self._stack.opaque_params is not None:
            self._stack.save_canonically(util.get_tensors("rnn_params")[0])


def run_epoch(session, model, eval_op=None, verbose=False, progress=None, after_window=None):
    """Runs a model over its text once, from the first window to the last.

    Truncated back-propagation: the final state of a window is fed as the initial state of the
    next, where no gradient flows back through it.

    Args:
      session: a `Session` with the model's variables initialized.
      model: a `PTBModel`.
      eval_op: an operation to run with every window, such as the model's `train_op`.
      verbose: print perplexity and speed about ten times.
      progress: a `checkpoints.Progress` to go on from, or None to begin at the first window.
      after_window: called after each window with a `checkpoints.Progress` to go on from, the
        perplexity so far, the words per second, and the norm of the gradients if there are any.

    Returns:
      The perplexity, `exp(sum of costs / number of time steps)`.
    """
    windows, num_replicas = model.input.windows, model.input.num_replicas
    epoch_size = model.input.epoch_size
    interval = max(epoch_size // 10, 1)
    fetches = {"cost": model.cost, "state": tf.nest.flatten(model.final_state)}
    if eval_op is not None:
        fetches["eval_op"] = eval_op
        if eval_op is model.train_op:
            fetches["grad_norm"] = model.grad_norm
    initial_state = tf.nest.flatten(model.initial_state)
    if not (progress and progress.state):
        progress = (progress or checkpoints.Progress())._replace(state=session.run(initial_state))
    first_step = windows.steps_until(progress.window, num_replicas)
    start_time = time.monotonic()
    live_line = command_line.LiveLine(epoch_size)
    for window in range(progress.window, epoch_size):
        feed_dict = dict(zip(initial_state, progress.state))
        feed_dict.update((position, window) for position in model.positions)
        values = session.run(fetches, feed_dict)
        total_cost = progress.total_cost + float(values["cost"])
        progress = progress._replace(
            window=window + 1, total_cost=total_cost, state=values["state"]
        )
        steps = windows.steps_until(window + 1, num_replicas)
        perplexity = _perplexity(total_cost, steps)
        words = (steps - first_step) * model.input.batch_size * num_replicas
        speed = words / (time.monotonic() - start_time)
        try:
            if verbose and window % interval == min(10, interval - 1):
                done = window / epoch_size
                print(f"{done:.3f} perplexity: {perplexity:.3f} speed: {speed:.0f} wps", flush=True)
        finally:  # who cannot print a line can save all the same
            if after_window:
                after_window(progress, perplexity, speed, values.get("grad_norm"))
        live_line.show(window + 1)
    live_line.clear()
    return _perplexity(progress.total_cost, windows.steps_until(epoch_size, num_replicas))


def _perplexity(total_cost, steps):
    with np.errstate(over="ignore"):  # infinite is what it is
        return np.exp(np.float64(total_cost / steps))


def build_models(config, corpus, dtype=tf.float32, seed=0, names=("Train", "Valid", "Test")):
    """Adds the training, validation and test models to the current graph.

    They share the variables, in the scope `Model`; the operations of each are under a name scope.

    Args:
      config: see `get_config`.
      corpus: a `reader.Corpus`.
      dtype, seed: as for `PTBModel`.
      names: which of the three.

    Returns:
      Dict of name scope (`Train`, `Valid`, `Test`) to `PTBModel`.
    """
    models = {}
    for name in names:
        is_test = name == "Test"
        parts = TEST_WINDOWS_AT_ONCE if is_test and config.rnn_mode != configs.CUDNN else 1
        text_config = configs.with_one_stream(config, parts) if is_test else config
        text = getattr(corpus, name.lower())
        with tf.name_scope(name):
            input_ = PTBInput(text_config, text, f"{name}Input", keep_remainder=is_test)
            with tf1.variable_scope("Model", reuse=tf1.AUTO_REUSE):
                models[name] = PTBModel(name == "Train", text_config, input_, dtype, seed, parts)
    return models


def train(session, watch, config, models):
    """Trains, validates and tests, as the configuration says.

    Args:
      session: a `Session` with the models' variables initialized or restored.
      watch: the session's `guard.Guard`, which knows where to go on.
      config: see `get_config`.
      models: the models of the session's graph, see `build_models`.
    """
    model = models["Train"]
    for epoch in range(watch.progress.epoch, config.max_max_epoch + 1):
        model.assign_lr(session, configs.learning_rate(config, epoch))
        watch.learning_rate = session.run(model.lr)
        print(f"Epoch: {epoch} Learning rate: {watch.learning_rate:.3f}", flush=True)
        train_perplexity = run_epoch(
            session, model, model.train_op, True, watch.progress, watch.after_training_window
        )
        print(f"Epoch: {epoch} Train Perplexity: {train_perplexity:.3f}", flush=True)
        valid_perplexity = run_epoch(session, models["Valid"], after_window=watch.heed_signal)
        print(f"Epoch: {epoch} Valid Perplexity: {valid_perplexity:.3f}", flush=True)
        watch.after_epoch(train_perplexity, valid_perplexity)
    test_perplexity = run_epoch(session, models["Test"], after_window=watch.heed_signal)
    print(f"Test Perplexity: {test_perplexity:.3f}", flush=True)
    watch.after_training(test_perplexity)


def evaluate(save_path, data_path, dtype, session_config):
    """Prints the validation and test perplexity of a trained model; see `trained.find`."""
    model = trained.find(save_path, data_path)
    with tf.Graph().as_default(), tf1.Session(config=session_config) as session:
        corpus = reader.read_held_out(data_path, model.words)
        models = build_models(model.config, corpus, dtype, names=("Valid", "Test"))
        trained.restore(session, model)
        for name, each in models.items():
            print(f"{name} Perplexity: {run_epoch(session, each):.3f}", flush=True)


def define_flags():
    """Defines the command line's flags, in absl's own registry."""
    flags.DEFINE_string("data_path", None, "Directory of ptb.train.txt, .valid.txt, .test.txt.")
    flags.register_validator("data_path", bool, "name the directory of ptb.train.txt and so on")
    flags.DEFINE_enum("model", "small", list(configs.CONFIGS), "Which configuration to train.")
    flags.DEFINE_string("save_path", None, "Directory to save the run to, or to continue it from.")
    flags.DEFINE_float("save_every_secs", 600, "Seconds between saves within an epoch.", 0)
    flags.register_validator("save_every_secs", lambda s: s >= 0, "must be a number, not nan")
    flags.DEFINE_integer("summary_steps", 100, "Steps between summaries within an epoch.", 1)
    flags.DEFINE_integer("sample_words", 50, "Text sampled after each epoch, for TensorBoard.", 0)
    flags.DEFINE_bool("eval_only", False, "Valid and test perplexity of what is in --save_path.")
    flags.DEFINE_bool("use_fp16", False, "Activations and matrix products in float16.")
    flags.DEFINE_bool("use_bf16", False, "Likewise in bfloat16, where the machine supports it.")
    flags.DEFINE_integer("seed", 0, "Of initial weights and dropout.", 0, 2**31 - 2)
    rnn_mode_help = "basic: one cell, unrolled; block: fast, on CPU and GPU; cudnn: GPU only."
    flags.DEFINE_enum("rnn_mode", None, configs.RNN_MODES, f"How to compute. {rnn_mode_help}")
    flags.DEFINE_integer("num_gpus", None, "GPUs, a replica on each; 0: none. By default one.", 0)
    schedule_help = "When the learning rate falls; paper: an epoch later, and medium's by less."
    flags.DEFINE_enum("schedule", "tutorial", configs.SCHEDULES, schedule_help)


def main():
    """Reads, builds, exports, imports, trains: all that the flags ask for.

    Raises:
      command_line.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    config = get_config(arguments.model, arguments.schedule, arguments.rnn_mode)
    num_replicas = devices.count_replicas(arguments.num_gpus, config.rnn_mode == configs.CUDNN)
    session_config = devices.session_config(arguments.num_gpus, num_replicas)
    dtype = devices.choose_dtype(arguments.use_fp16, arguments.use_bf16)
    if arguments.eval_only:
        return evaluate(arguments.save_path, arguments.data_path, dtype, session_config)
    machines = cluster.join(session_config, arguments.flag_values_dict(), config)
    if machines is None:  # this one was lent to another, which is done
        return
    corpus = reader.read_corpus(arguments.data_path, config.vocab_size)
    config.vocab_size = len(corpus.words)

    tf1.disable_eager_execution()  # Supervisor's threads fail where it is on
    with tf.Graph().as_default():
        tf1.set_random_seed(arguments.seed)
        models = build_models(config, corpus, dtype, arguments.seed)
        metagraph = util.export_models(models)
    machines.replicate(metagraph, models["Train"], num_replicas)
    description = run_directory.describe(config, dtype, arguments.seed, corpus)
    how_often = arguments.save_every_secs, arguments.summary_steps, arguments.sample_words
    options = session_config, *how_often, machines.target

    def train_on():
        """Trains from the newest checkpoint on, in the current graph, which is empty."""
        imported = util.import_models(metagraph, models)
        saver = guard.saver_for(arguments.save_path, description, corpus.words, imported["Train"])
        with guard.guarded_session(arguments.save_path, saver, *options) as guarded:
            train(*guarded, config, imported)

    with run_directory.locked(arguments.save_path):
        machines.drive(train_on)


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
