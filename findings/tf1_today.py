"""Finds out what TensorFlow 1's interfaces do today, and writes the table of docs/tf1-today.md.

    python3 findings/tf1_today.py --python37=python3.7     # TensorFlow 1.15.5 needs Python 3.7

It makes an environment for each of three TensorFlows in a temporary folder, and runs each example
below in each of them, in a process of its own. An example does what tutorials did, and returns a
value. TensorFlow 1.15.5 says what is expected: a value that differs from its is "silently other".
Each example has the guess that was written down before anything was run.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback

EXAMPLES = []
SECTIONS = {}  # from title to the number of examples before it
OLD, SECOND, NEWEST = "1.15.5", "2.16.2", "2.21.0"
HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(os.path.dirname(HERE), "docs", "tf1-today.md")
# What the guess about loops over time overlooked.
NO_LAYER = (
    "the loops do not need Keras; only the cells that come with TensorFlow do. Any object with "
    "`state_size`, `output_size`, `zero_state` and a call is a cell."
)
OBSERVATIONS = os.path.join(HERE, "tf1_today.out")
BEGIN, END = "<!-- written by findings/tf1_today.py -->\n", "<!-- end -->\n"


def section(title):
    """Begins a group of examples."""
    SECTIONS[title] = len(EXAMPLES)


def example(interface, guess, instead="", why=""):
    """Registers an example: what it is of, the guess for 2.x, and the line that replaces it.

    `why` says in a sentence what a wrong guess overlooked.
    """

    def register(function):
        EXAMPLES.append((interface, guess, instead, why, function))
        return function

    return register


def run(tf, fetches, feed=None):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        value = session.run(fetches, feed)
    return value


section("Graphs and sessions")


@example("`placeholder`, `Session`, `feed_dict`", "works")
def _(tf):
    x = tf.placeholder(tf.float32, [None])
    return run(tf, tf.reduce_sum(x * 2), {x: [1, 2]})


@example("`InteractiveSession`, `Tensor.eval`", "works")
def _(tf):
    tf.InteractiveSession()
    return tf.constant(3.0).eval()


@example(
    "`tf.initialize_all_variables`",
    "raises",
    "`tf.global_variables_initializer()`",
    why="it was to be removed after March 2017, and is still there.",
)
def _(tf):
    v = tf.Variable(1.5)
    with tf.Session() as session:
        session.run(tf.initialize_all_variables())
        return session.run(v)


@example("`tf.Graph.finalize`, then a new operation: a `RuntimeError`", "works")
def _(tf):
    tf.get_default_graph().finalize()
    try:
        tf.constant(1)
    except RuntimeError:
        return "RuntimeError"


@example(
    "`tensor.shape[0].value`",
    "raises",
    "`tensor.shape[0]`",
    why="`disable_v2_behavior` brings back TF1's `Dimension`.",
)
def _(tf):
    return tf.zeros([3, 2]).shape[0].value


@example("`tensor == tensor`, a tensor as a key", "works")
def _(tf):
    a, b = tf.constant(1), tf.constant(1)
    return [a == b, a == a, {a: 5}[a]]


@example("`tf.to_float`, `tf.div` of integers", "works")
def _(tf):
    return run(tf, [tf.to_float(3), tf.div(-7, 2)])


@example("`tf.Print`, `tf.py_func`", "works")
def _(tf):
    return run(tf, tf.Print(tf.py_func(lambda x: x + x, [2.0], tf.float32), ["seen"]))


@example("`tf.cond` with an assignment in a branch", "works")
def _(tf):
    v = tf.Variable(1.0)
    with tf.control_dependencies([tf.cond(v > 0, lambda: tf.assign(v, 5.0), lambda: v + 0)]):
        after = v + 0
    return run(tf, after)


@example("`tf.RunOptions(FULL_TRACE)`, `RunMetadata`, `timeline`", "works")
def _(tf):
    from tensorflow.python.client import timeline

    options, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
    with tf.Session() as session:
        session.run(tf.random_normal([9, 9]) + 1, options=options, run_metadata=metadata)
    return "traceEvents" in timeline.Timeline(metadata.step_stats).generate_chrome_trace_format()


@example("`tf.profiler.profile`, floating-point operations", "works")
def _(tf):
    tf.matmul(tf.zeros([2, 3]), tf.ones([3, 4]))
    options = tf.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.profiler.profile(tf.get_default_graph(), options=options).total_float_ops


@example("`device_lib.list_local_devices`", "works", "`tf.config.list_physical_devices()`")
def _(tf):
    from tensorflow.python.client import device_lib

    return "CPU" in [each.device_type for each in device_lib.list_local_devices()]


@example("Grappler turned off in `ConfigProto`", "works")
def _(tf):
    from tensorflow.core.protobuf import rewriter_config_pb2 as rewriter

    config = tf.ConfigProto()
    config.graph_options.rewrite_options.constant_folding = rewriter.RewriterConfig.OFF
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    with tf.Session(config=config) as session:
        return session.run(tf.constant(2) * 3)


@example(
    "`tf.train.Server`, `replica_device_setter`",
    "works",
    "`/job:localhost`",
    why="the only job of `create_local_server` was called `local`, now `localhost`.",
)
def _(tf):
    server = tf.train.Server.create_local_server()
    setter = tf.train.replica_device_setter(1, "/job:local", "/job:local")
    with tf.device(setter):
        v = tf.Variable(1.0)
    with tf.Session(server.target) as session:
        session.run(v.initializer)
        return [session.run(v), v.device]


section("Variables, scopes, collections")


@example("`variable_scope`, `get_variable`, `reuse=True`", "works")
def _(tf):
    with tf.variable_scope("a"):
        v = tf.get_variable("v", [2])
    with tf.variable_scope("a", reuse=True):
        return [tf.get_variable("v", [2]) is v, v.name]


@example("`name_scope` does not rename `get_variable`", "works")
def _(tf):
    with tf.name_scope("s"):
        return [tf.get_variable("v", [2]).name, tf.Variable(1.0).name]


@example("the kind of `tf.Variable`, `get_variable`", "works")
def _(tf):
    return [type(tf.Variable(1.0)).__name__, type(tf.get_variable("v", [2])).__name__]


@example("collections: `add_to_collection`, `GraphKeys`", "works")
def _(tf):
    v = tf.get_variable("v", [2])
    tf.add_to_collection("mine", v)
    return [v.name, len(tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)),
            tf.get_collection("mine")[0] is v]  # fmt: skip


@example("`tf.make_template`", "works")
def _(tf):
    f = tf.make_template(
        "t", lambda x: x * tf.get_variable("w", [], initializer=tf.ones_initializer())
    )
    f(1.0), f(2.0)
    return len(tf.global_variables())


@example("`partitioner=tf.fixed_size_partitioner(2)`, restored whole", "works")
def _(tf):
    with tempfile.TemporaryDirectory() as folder:
        init = tf.random_uniform_initializer(seed=1)
        tf.get_variable("v", [3], initializer=init, partitioner=tf.fixed_size_partitioner(2))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            path = tf.train.Saver().save(session, folder + "/m")
        with tf.Graph().as_default(), tf.Session() as session:
            whole = tf.get_variable("v", [3])
            tf.train.Saver().restore(session, path)
            return session.run(whole).tolist()


@example("`tf.assign(v[0:2], ...)`", "works")
def _(tf):
    v = tf.Variable([1.0, 2.0, 3.0])
    return run(tf, tf.assign(v[0:2], [8.0, 9.0])).tolist()


@example("`embedding_lookup` in several shards", "works")
def _(tf):
    shards = [tf.constant([[0.0], [2.0]]), tf.constant([[1.0], [3.0]])]
    return run(tf, tf.nn.embedding_lookup(shards, [0, 1, 2, 3])).tolist()


@example("`scatter_sub`, rows named twice", "works")
def _(tf):
    return run(tf, tf.scatter_sub(tf.Variable([5.0, 5.0]), [0, 0], [1.0, 2.0])).tolist()


section("Random numbers")


@example("`set_random_seed`, then `random_uniform`", "silently other",
         "a seed for the operation: `tf.random_uniform([2], seed=1)`")  # fmt: skip
def _(tf):
    tf.set_random_seed(1)
    tf.constant(0.0)
    return run(tf, tf.random_uniform([2])).tolist()


@example("`random_uniform(seed=)`", "works")
def _(tf):
    return run(tf, tf.random_uniform([2], seed=3)).tolist()


@example("`get_variable` without an initializer, `seed` in the scope's initializer", "works")
def _(tf):
    return run(tf, tf.get_variable("v", [2], initializer=tf.glorot_uniform_initializer(5))).tolist()


@example(
    "`tf.nn.dropout(x, keep_prob=, seed=)`",
    "silently other",
    "`rate=1 - keep_prob`",
    why="from its own seed it drops the same values.",
)
def _(tf):
    return run(tf, tf.nn.dropout(tf.ones([8]), keep_prob=0.5, seed=3)).tolist()


@example("`tf.multinomial(seed=)`", "works", "`tf.random.categorical`")
def _(tf):
    return run(tf, tf.multinomial([[0.0, 0.0, 0.0]], 6, seed=2)).tolist()


@example("`log_uniform_candidate_sampler(seed=)`", "works")
def _(tf):
    sampled = tf.nn.log_uniform_candidate_sampler([[7]], 1, 4, True, 100, seed=3)
    return [each.tolist() for each in run(tf, sampled)]


@example("`sampled_softmax_loss`, `nce_loss`", "works")
def _(tf):
    args = tf.ones([50, 2]), tf.zeros([50]), tf.constant([[7]], tf.int64), tf.ones([1, 2]), 4, 50
    candidates = tf.nn.log_uniform_candidate_sampler([[7]], 1, 4, True, 50, seed=3)
    losses = [
        f(*args, sampled_values=candidates) for f in (tf.nn.sampled_softmax_loss, tf.nn.nce_loss)
    ]
    return [each.tolist() for each in run(tf, losses)]


@example("`tf.random_shuffle(seed=)`", "works")
def _(tf):
    return run(tf, tf.random_shuffle(tf.range(9), seed=4)).tolist()


@example("`set_random_seed` and `seed=` together", "works")
def _(tf):
    tf.set_random_seed(1)
    return run(tf, tf.truncated_normal([2], seed=2)).tolist()


@example(
    "`Dataset.shuffle(seed=)`",
    "works",
    "`RandomState(1).permutation(n)` of NumPy, and `tf.gather`",
    why="unlike operations with a seed of their own, a seeded dataset draws other numbers.",
)
def _(tf):
    data = tf.data.Dataset.range(6).shuffle(6, seed=1).repeat(2)
    number = tf.data.make_one_shot_iterator(data).get_next()
    with tf.Session() as session:
        return [int(session.run(number)) for _ in range(12)]


@example("`RandomShuffleQueue(seed=)`", "works")
def _(tf):
    queue = tf.RandomShuffleQueue(9, 0, tf.int32, seed=1)
    with tf.Session() as session:
        for i in range(6):
            session.run(queue.enqueue(i))
        return [int(session.run(queue.dequeue())) for _ in range(6)]


section("Loops and recurrent networks")


@example("`while_loop` and its gradient", "works")
def _(tf):
    x = tf.constant(2.0)
    y = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * x), [0, tf.constant(1.0)])[1]
    return run(tf, [y, tf.gradients(y, x)[0]])


@example("a second derivative through `while_loop` (which TF1 refuses)", "works")
def _(tf):
    x = tf.constant(2.0)
    y = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * x), [0, tf.constant(1.0)])[1]
    return run(tf, tf.gradients(tf.gradients(y, x)[0], x)[0])


@example("`nn.rnn_cell.LSTMStateTuple`", "raises", "a `NamedTuple` of your own")
def _(tf):
    return list(tf.nn.rnn_cell.LSTMStateTuple(1, 2))


@example("`nn.rnn_cell.BasicLSTMCell`", "raises",
         "`tf.keras.layers.LSTMCell`, or `TF_USE_LEGACY_KERAS=1` and `tf_keras`")  # fmt: skip
def _(tf):
    cell = tf.nn.rnn_cell.BasicLSTMCell(2)
    cell(tf.ones([1, 2]), cell.zero_state(1, tf.float32))
    return [v.name for v in tf.global_variables()]


@example("`MultiRNNCell`, `DropoutWrapper`", "raises", "a loop over layers")
def _(tf):
    cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.GRUCell(2), output_keep_prob=0.5)
    return tf.nn.rnn_cell.MultiRNNCell([cell]).state_size


@example("`dynamic_rnn` with a cell from `rnn_cell`", "raises", "`tf.keras.layers.RNN`")
def _(tf):
    cell = tf.nn.rnn_cell.BasicRNNCell(2)
    return str(tf.nn.dynamic_rnn(cell, tf.ones([1, 3, 2]), dtype=tf.float32)[0].shape)


def own_cell(tf):
    class Cell:
        state_size = output_size = 2

        def zero_state(self, batch_size, dtype):
            return tf.zeros([batch_size, 2], dtype)

        def __call__(self, x, state, scope=None):
            return x + state, x + state

    return Cell()


@example(
    "`dynamic_rnn` with a cell of your own that is no Keras layer",
    "raises",
    why=NO_LAYER,
)
def _(tf):
    outputs, _ = tf.nn.dynamic_rnn(own_cell(tf), tf.ones([1, 3, 2]), dtype=tf.float32)
    return run(tf, outputs).tolist()


@example(
    "`static_rnn` with such a cell",
    "raises",
    why=NO_LAYER,
)
def _(tf):
    outputs, _ = tf.nn.static_rnn(own_cell(tf), [tf.ones([1, 2])] * 3, dtype=tf.float32)
    return run(tf, outputs[-1]).tolist()


@example(
    "`bidirectional_dynamic_rnn` with such cells",
    "raises",
    why=NO_LAYER,
)
def _(tf):
    cells = own_cell(tf), own_cell(tf)
    outputs, _ = tf.nn.bidirectional_dynamic_rnn(*cells, tf.ones([1, 3, 2]), dtype=tf.float32)
    return run(tf, outputs[1]).tolist()


@example("`tf.contrib.rnn.LSTMBlockFusedCell`", "raises", "`tf.raw_ops.BlockLSTM`")
def _(tf):
    import tensorflow

    cell = tensorflow.contrib.rnn.LSTMBlockFusedCell(2)
    return str(cell(tf.ones([3, 1, 2]), dtype=tf.float32)[0].shape)


@example("the gradient of `tf.raw_ops.BlockLSTM`", "works")
def _(tf):
    w = tf.fill([4, 8], 0.1)
    zero = tf.zeros([1, 2])
    peephole = tf.zeros([2])
    results = tf.raw_ops.BlockLSTM(
        seq_len_max=3, x=tf.ones([3, 1, 2]), cs_prev=zero, h_prev=zero, w=w, wci=peephole,
        wcf=peephole, wco=peephole, b=tf.zeros([8]), forget_bias=0.0, cell_clip=-1.0,
    )  # fmt: skip
    return run(tf, tf.reduce_sum(tf.gradients(results.h, w)[0]))


@example("the gradient of `tf.raw_ops.LSTMBlockCell`", "raises", "`tf.raw_ops.BlockLSTM`")
def _(tf):
    w = tf.fill([4, 8], 0.1)
    zero = tf.zeros([1, 2])
    peephole = tf.zeros([2])
    results = tf.raw_ops.LSTMBlockCell(
        x=tf.ones([1, 2]), cs_prev=zero, h_prev=zero, w=w, wci=peephole, wcf=peephole,
        wco=peephole, b=tf.zeros([8]), forget_bias=0.0, cell_clip=-1.0,
    )  # fmt: skip
    import tensorflow

    if hasattr(tensorflow, "contrib"):  # which registers the gradient
        assert tensorflow.contrib.rnn.LSTMBlockCell
    return run(tf, tf.reduce_sum(tf.gradients(results.h, w)[0]))


@example("`tf.contrib.seq2seq.sequence_loss`", "raises",
         "`tf.nn.sparse_softmax_cross_entropy_with_logits`, and a mean")  # fmt: skip
def _(tf):
    import tensorflow

    loss = tensorflow.contrib.seq2seq.sequence_loss
    return run(tf, loss(tf.zeros([1, 2, 4]), tf.zeros([1, 2], tf.int32), tf.ones([1, 2])))


section("Layers, losses, optimizers")


@example("`tf.layers.dense`", "raises", "`tf.get_variable`, and `tf.matmul(x, w) + b`")
def _(tf):
    tf.layers.dense(tf.ones([1, 2]), 3)
    return [v.name for v in tf.global_variables()]


@example(
    "`tf.layers.batch_normalization`, `UPDATE_OPS`",
    "raises",
    "`tf.nn.moments`, `tf.nn.batch_normalization`",
)
def _(tf):
    tf.layers.batch_normalization(tf.ones([4, 2]), training=True)
    return len(tf.get_collection(tf.GraphKeys.UPDATE_OPS))


@example(
    "`tf.keras.layers.Dense` on a placeholder",
    "raises",
    "`tf.get_variable`, `tf.matmul`",
    why="Keras 3 runs in a graph; `global_variables_initializer` knows its variables.",
)
def _(tf):
    import tensorflow

    x = tf.placeholder(tf.float32, [1, 2])
    y = tensorflow.keras.layers.Dense(1, kernel_initializer="ones")(x)
    return run(tf, y, {x: [[1.0, 2.0]]}).tolist()


@example(
    "the names of its variables, in a checkpoint",
    "silently other",
    why="the variable in the graph still has its path as its name.",
)
def _(tf):
    import tensorflow

    with tf.variable_scope("scope"):
        tensorflow.keras.layers.Dense(1, name="mine")(tf.ones([1, 2]))
    return sorted(v.op.name for v in tf.global_variables())


@example("`MomentumOptimizer` on a gathered row, then on another", "works")
def _(tf):
    v, row = tf.Variable([[1.0], [1.0]]), tf.placeholder(tf.int32, [1])
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(tf.gather(v, row)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {row: [0]})
        session.run(train, {row: [1]})
        return session.run(v).tolist()


@example("`tf.keras` model, `compile` and `fit`", "raises", "eager execution left on")
def _(tf):
    import tensorflow

    dense = tensorflow.keras.layers.Dense(1, kernel_initializer="zeros", input_shape=(1,))
    model = tensorflow.keras.Sequential([dense])
    model.compile(tensorflow.keras.optimizers.SGD(0.1), "mse")
    zeros = tensorflow.keras.backend.get_value(model.weights[0])
    model.fit(zeros + 1.0, zeros + 1.0, verbose=0)
    return model.get_weights()[0].tolist()


@example("`tf.keras.backend.get_session`", "raises", "`tf.compat.v1.Session()` of your own")
def _(tf):
    import tensorflow

    return tensorflow.keras.backend.get_session().run(tf.constant(2)).tolist()


@example("names of a small network's operations", "silently other",
         "names that you give: `tf.identity(x, name=...)`")  # fmt: skip
def _(tf):
    table = tf.get_variable("table", [5, 3])
    x = tf.nn.dropout(tf.nn.embedding_lookup(table, [1, 2]), keep_prob=0.5)
    y = tf.nn.xw_plus_b(x, tf.get_variable("w", [3, 4]), tf.get_variable("b", [4]))
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=y)
    tf.reduce_mean(tf.where(loss > 0, loss, loss))
    ops = tf.get_default_graph().get_operations()
    return [op.name for op in ops if "nitializer" not in op.name and op.type != "Const"]


@example("the names of `AdamOptimizer`'s variables", "works")
def _(tf):
    tf.train.AdamOptimizer().minimize(tf.get_variable("v", []))
    return sorted(v.name for v in tf.global_variables())


@example("`tf.metrics.auc`", "works")
def _(tf):
    return run(tf, tf.metrics.auc(tf.constant([0, 0, 1, 1]), tf.constant([0.1, 0.4, 0.35, 0.8]))[1])


@example(
    "`tf.cast(1.005, tf.bfloat16)`",
    "silently other",
    why="1.15.5 rounds to the nearest already.",
)
def _(tf):
    x = tf.placeholder_with_default(1.005, [])
    return run(tf, tf.cast(tf.cast(x, tf.bfloat16), tf.float32))


@example("1.7 fed to an integer placeholder", "works")
def _(tf):
    x = tf.placeholder(tf.int32, [])
    return run(tf, x + 0, {x: 1.7})


@example(
    "`tf.distributions.Normal`",
    "raises",
    "`tf.random.normal`",
    why="`tf.distributions` left TensorFlow 2, but not `tf.compat.v1`.",
)
def _(tf):
    return run(tf, tf.distributions.Normal(0.0, 1.0).log_prob(0.0))


@example(
    "`tf.feature_column.input_layer`",
    "raises",
    "`tf.feature_column` is gone with Keras 2: `tf.gather`",
    why="only what was made of Keras 2 layers is gone.",
)
def _(tf):
    column = tf.feature_column.numeric_column("x")
    return run(
        tf, tf.feature_column.input_layer({"x": tf.constant([[1.0], [2.0]])}, [column])
    ).tolist()


@example("`tf.estimator.Estimator`", "raises", "`model.fit` of Keras, or a session's loop")
def _(tf):
    return tf.estimator.Estimator.__name__


@example("`tf.losses.mean_squared_error`, `get_total_loss`", "works")
def _(tf):
    tf.losses.mean_squared_error([1.0, 2.0], [1.0, 4.0])
    return run(tf, tf.losses.get_total_loss())


@example("`get_variable(regularizer=)`, the collection of losses", "works")
def _(tf):
    tf.get_variable("v", initializer=[1.0, 2.0], regularizer=lambda w: tf.reduce_sum(w * w))
    return run(tf, tf.losses.get_regularization_loss())


@example("`tf.metrics.accuracy`", "works")
def _(tf):
    value, update = tf.metrics.accuracy([1, 1], [1, 0])
    return run(tf, update)


@example("`AdamOptimizer.minimize`, ten steps", "works")
def _(tf):
    v = tf.Variable([1.0, -2.0])
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(v * v))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(10):
            session.run(train)
        return session.run(v).tolist()


@example("`exponential_decay`, `ExponentialMovingAverage`", "works")
def _(tf):
    rate = tf.train.exponential_decay(1.0, 7, 5, 0.5, staircase=True)
    v = tf.Variable(1.0)
    average = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies([average.apply([v])]):
        after = average.average(v) + 0
    return run(tf, [rate, after])


@example("`clip_by_global_norm`", "works")
def _(tf):
    return run(tf, tf.clip_by_global_norm([tf.constant([3.0]), tf.constant([4.0])], 1.0)[1])


section("Input")


@example("`train.range_input_producer`, `start_queue_runners`", "works", "`tf.data`")
def _(tf):
    number = tf.train.range_input_producer(3, shuffle=False).dequeue()
    with tf.Session() as session:
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        values = [int(session.run(number)) for _ in range(5)]
        coordinator.request_stop()
        coordinator.join(threads)
    return values


@example(
    "`string_input_producer`, `TextLineReader`, `train.batch`", "works", "`tf.data.TextLineDataset`"
)
def _(tf):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/f", "w") as file:
            file.write("a\nb\n")
        queue = tf.train.string_input_producer([folder + "/f"], num_epochs=1)
        batch = tf.train.batch([tf.TextLineReader().read(queue)[1]], 2)
        with tf.Session() as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            coordinator = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(session, coordinator)
            values = [each.decode() for each in session.run(batch)]
            coordinator.request_stop()
            coordinator.join(threads)
    return values


@example(
    "`Dataset.make_one_shot_iterator`",
    "works",
    "`tf.compat.v1.data.make_one_shot_iterator(dataset)`",
)
def _(tf):
    number = tf.data.Dataset.range(3).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        return [int(session.run(number)) for _ in range(3)]


@example("`tf.string_split`, `sparse_tensor_to_dense`", "works")
def _(tf):
    return run(tf, tf.sparse_tensor_to_dense(tf.string_split(["a b", "c"]), "-"))[1][1].decode()


@example("`tf.contrib.lookup.index_table_from_tensor`", "raises", "`tf.lookup.StaticHashTable`")
def _(tf):
    import tensorflow

    table = tensorflow.contrib.lookup.index_table_from_tensor(["a", "b"])
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        return int(session.run(table.lookup(tf.constant("b"))))


section("Saving, restoring, exporting")


@example("`Saver` of format V2, `latest_checkpoint`", "works")
def _(tf):
    return save_and_restore(tf)


@example("`Saver(write_version=SaverDef.V1)`", "works", "leave `write_version` out")
def _(tf):
    return save_and_restore(tf, write_version=tf.train.SaverDef.V1)


def save_and_restore(tf, **options):
    with tempfile.TemporaryDirectory() as folder:
        v = tf.Variable(4.0)
        saver = tf.train.Saver(**options)
        with tf.Session() as session:
            session.run(v.initializer)
            saver.save(session, folder + "/m", global_step=7)
        with tf.Session() as session:
            saver.restore(session, tf.train.latest_checkpoint(folder))
            return [session.run(v), sorted(os.listdir(folder))]


@example("`export_meta_graph`, `import_meta_graph`, trained on", "works")
def _(tf):
    v = tf.Variable(2.0)
    tf.add_to_collection("train", tf.train.GradientDescentOptimizer(0.1).minimize(v * v))
    meta = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(meta)
        session.run(tf.global_variables_initializer())
        session.run(tf.get_collection("train")[0])
        return session.run(tf.trainable_variables()[0])


@example("`train.init_from_checkpoint`", "works")
def _(tf):
    with tempfile.TemporaryDirectory() as folder:
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.get_variable("old", initializer=6.0).initializer)
            path = tf.train.Saver().save(session, folder + "/m")
        v = tf.get_variable("new", [])
        tf.train.init_from_checkpoint(path, {"old": v})
        return run(tf, v)


@example("`saved_model.simple_save`, `loader.load`", "works", "`tf.saved_model.save`")
def _(tf):
    with tempfile.TemporaryDirectory() as folder:
        x = tf.placeholder(tf.float32, [], name="x")
        y = tf.multiply(x, tf.Variable(3.0), name="y")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            tf.saved_model.simple_save(session, folder + "/m", {"x": x}, {"y": y})
        with tf.Graph().as_default(), tf.Session() as session:
            tf.saved_model.loader.load(session, ["serve"], folder + "/m")
            return session.run("y:0", {"x:0": 2.0})


@example("`graph_util.convert_variables_to_constants`", "works")
def _(tf):
    tf.identity(tf.Variable(3.0) * 2, name="y")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        graph_def = tf.get_default_graph().as_graph_def()
        frozen = tf.graph_util.convert_variables_to_constants(session, graph_def, ["y"])
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(tf.import_graph_def(frozen, return_elements=["y:0"])[0])


section("Loops around training")


@example("`Supervisor.managed_session`", "works", "`tf.train.MonitoredTrainingSession`")
def _(tf):
    return supervise(tf)


@example("`Supervisor` in `tf.Graph().as_default()`, v2 behaviour left on", "raises",
         "`tf.compat.v1.disable_eager_execution()` first")  # fmt: skip
def _(tf):
    if hasattr(tf, "enable_v2_behavior") and tf.__version__.startswith("2"):
        tf.enable_v2_behavior()
    with tf.Graph().as_default():
        return supervise(tf)


def supervise(tf):
    with tempfile.TemporaryDirectory() as folder:
        step = tf.train.get_or_create_global_step()
        add = tf.assign_add(step, 1)
        tf.summary.scalar("step", step)
        supervisor = tf.train.Supervisor(logdir=folder, save_model_secs=1, save_summaries_secs=1)
        with supervisor.managed_session() as session:
            import time

            for _ in range(3):
                session.run(add)
            time.sleep(2.5)
            stopped = supervisor.should_stop()
        return [stopped, any(name.startswith("events") for name in os.listdir(folder))]


@example("`MonitoredTrainingSession`, `StopAtStepHook`", "works")
def _(tf):
    with tempfile.TemporaryDirectory() as folder:
        add = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        hooks = [tf.train.StopAtStepHook(3), tf.train.LoggingTensorHook({"step": add}, 1)]
        count = 0
        with tf.train.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks) as session:
            while not session.should_stop():
                session.run(add)
                count += 1
        return [count, "model.ckpt-3.index" in os.listdir(folder)]


@example("`tf.summary.scalar`, `merge_all`, `FileWriter`", "works")
def _(tf):
    with tempfile.TemporaryDirectory() as folder:
        tf.summary.scalar("loss", 1.5)
        tf.summary.histogram("h", [1.0, 2.0])
        writer = tf.summary.FileWriter(folder)
        writer.add_summary(run(tf, tf.summary.merge_all()), 3)
        writer.close()
        events = tf.train.summary_iterator(os.path.join(folder, os.listdir(folder)[0]))
        return [[v.tag, v.simple_value] for e in events for v in e.summary.value]


@example("`tf.flags`, `tf.app.run`", "works", "`absl.flags`, `absl.app`")
def _(tf):
    tf.flags.DEFINE_integer("size", 3, "a size")
    sys.argv = ["program", "--size=4"]
    seen = []
    try:
        tf.app.run(lambda argv: seen.append([tf.flags.FLAGS.size, len(argv)]))
    except SystemExit as end:
        seen.append(end.code)
    return seen


@example("`tf.logging`, `tf.gfile`", "works", "`absl.logging`, `tf.io.gfile`")
def _(tf):
    tf.logging.info("said")
    with tempfile.TemporaryDirectory() as folder:
        with tf.gfile.Open(folder + "/f", "w") as file:
            file.write("a")
        return tf.gfile.GFile(folder + "/f").read()


@example("`tf.test.TestCase.test_session`", "works")
def _(tf):
    case = tf.test.TestCase()
    with case.test_session():
        return tf.constant(2).eval().tolist()


# --- Running them ---


def observe():
    """Runs each example in a child process; prints the observations as JSON."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow.compat.v1 as tf

    if tf.__version__.startswith("2"):
        tf.disable_v2_behavior()
    results = []
    for *_, function in EXAMPLES:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            signal.alarm(120)
            try:
                result = {"value": json.loads(json.dumps(function(tf), default=float))}
            except BaseException as error:
                where = traceback.extract_tb(error.__traceback__)[-1].name
                # An error of a session begins with where the operation was made.
                skipped = ("Graph execution", "Detected at", "Node:", " ", "\t")
                lines = [each for each in str(error).splitlines() if each.strip()]
                lines = [each for each in lines if not each.startswith(skipped)] or [""]
                result = {"raises": type(error).__name__, "says": lines[0][:300], "in": where}
            os.write(write, json.dumps(result).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        results.append(json.loads(answer) if answer else {"raises": f"signal {status & 127}"})
    print(json.dumps({"version": tf.__version__, "results": results}))


def alike(value, expected):
    """Whether two values are the same, but for rounding."""
    if isinstance(value, list):
        return (
            isinstance(expected, list)
            and len(value) == len(expected)
            and all(map(alike, value, expected))
        )
    if isinstance(value, float) and isinstance(expected, (int, float)):
        return abs(value - expected) <= 1e-5 * max(1, abs(expected))
    return value == expected


def shortened(text, length):
    text = " ".join(text.split()).replace("|", "/")
    return text if len(text) <= length else text[: length - 3] + "..."


def verdict(result, expected):
    """Returns a cell's verdict, and the cell's text."""
    if result == expected:
        return "works", "works"
    if "raises" in result:
        says = result.get("says", "")
        if result["raises"] == "AttributeError":
            return "raises", "raises `AttributeError`" + " (Keras 3)" * says.endswith("Keras 3.")
        return "raises", f"raises `{result['raises']}`: {shortened(says, 64)}"
    if alike(result["value"], expected.get("value")):
        return "works", "works"
    values = from_first_difference(result["value"], expected.get("value"))
    shown = [shortened(json.dumps(each), 48) for each in values]
    return "silently other", "silently other: `{}` for `{}`".format(*shown)


def from_first_difference(value, expected):
    """Two values to show, floats rounded; of two lists, without what they begin with alike."""
    if not (isinstance(value, list) and isinstance(expected, list)):
        return value, expected
    start = 0
    while value[start] == expected[start]:
        start += 1
    return [
        [round(x, 4) if isinstance(x, float) else x for x in each[start:]]
        for each in (value, expected)
    ]


def table(observed):
    """The page's lines, from dict of version to results: what is other than it was, then the rest.

    What works, and was guessed to, is only named. Examples of one cell share a row. Where the guess
    was wrong, the cell is bold.
    """
    rows, named, counts = {}, {}, {}
    for number, (interface, guess, instead, why, _) in enumerate(EXAMPLES):
        expected = observed[OLD][number]
        verdicts = [verdict(observed[each][number], expected) for each in (SECOND, NEWEST)]
        kinds, texts = zip(*verdicts)
        counts[kinds[-1]] = counts.get(kinds[-1], 0) + 1
        if set(kinds) == {guess} == {"works"}:
            title = [title for title, start in SECTIONS.items() if start <= number][-1]
            named.setdefault(title, []).append(interface)
            continue
        text = texts[0] if texts[0] == texts[1] else f"{SECOND}: {texts[0]}; {NEWEST}: {texts[1]}"
        if set(kinds) != {guess}:
            assert why, interface
            text = f"**{text}**: {why}"
        row = (text, instead if set(kinds) != {"works"} else "")
        rows.setdefault(row, []).append(interface)
    says = {"works": "work", "raises": "raise", "silently other": "are silently other"}
    counted = ", ".join(f"{n} {says[kind]}" for kind, n in counts.items())
    yield f"Of {len(EXAMPLES)} in {NEWEST}, {counted}."
    yield ""
    yield f"| in TensorFlow 1.15 | in {SECOND} and {NEWEST} | write instead |"
    yield "|---|---|---|"
    for (text, instead), interfaces in rows.items():
        yield f"| {'; '.join(interfaces)} | {text} | {instead} |"
    yield ""
    yield "These work, as was guessed:"
    yield ""
    for title, interfaces in named.items():
        yield f"* {title}: {'; '.join(interfaces)}"


def observe_in(folder, version, python):
    """The observations in a fresh environment."""
    environment = os.path.join(folder, version)
    subprocess.run([python, "-m", "venv", environment], check=True)
    python = os.path.join(environment, "bin", "python")
    others = ["protobuf<3.21"] if version == OLD else []
    install = [python, "-m", "pip", "install", "--quiet", "tensorflow==" + version, *others]
    subprocess.run(install, check=True)
    return observe_with(python)


def observe_with(python):
    command = [python, os.path.abspath(__file__), "--observe"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode().splitlines()[-1])


def read_observations():
    observed = {}
    with open(OBSERVATIONS) as file:
        for line in file:
            _, version, result = line.split("\t")
            observed.setdefault(version, []).append(json.loads(result))
    return observed


def write_observations(observed):
    with open(OBSERVATIONS, "w") as file:
        for number, (interface, *_) in enumerate(EXAMPLES):
            for version, results in observed.items():
                file.write(f"{interface}\t{version}\t{json.dumps(results[number])}\n")


def write_page(observed):
    with open(PAGE, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n".join(table(observed)) + "\n" + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--observe", action="store_true", help="only in this environment")
    parser.add_argument("--again", action="store_true", help="write the page from tf1_today.out")
    parser.add_argument("--python37", default="python3.7", help="runs TensorFlow 1.15.5")
    parser.add_argument("--have", nargs=3, help="interpreters that have the three TensorFlows")
    arguments = parser.parse_args()
    if arguments.observe:
        return observe()
    if arguments.again:
        return write_page(read_observations())
    with tempfile.TemporaryDirectory() as folder:
        if arguments.have:
            observed = [observe_with(python) for python in arguments.have]
        else:
            pythons = {OLD: arguments.python37}
            observed = [
                observe_in(folder, version, pythons.get(version, sys.executable))
                for version in (OLD, SECOND, NEWEST)
            ]
    write_observations({each["version"]: each["results"] for each in observed})
    return write_page(read_observations())


if __name__ == "__main__":
    main()
