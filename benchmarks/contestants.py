"""The contestants of `compare.py`: one model in TensorFlow, PyTorch and JAX; its products alone.

Each class takes a configuration, the dtype's name and options of its own. `loss` is the first
window's cost without dropout, None where there is none; `step` makes one step of training.
"""

import dataclasses
import functools
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from program import tensorflow_import  # noqa: E402

NUM_WINDOWS = 40


def cell_name(layer):
    """What the names of a layer's kernel and bias begin with."""
    return f"RNN/multi_rnn_cell/cell_{layer}/basic_lstm_cell"


def random_weights(config):
    """Canonical name to array, uniform as in training."""
    rng = np.random.default_rng(0)
    size = config.hidden_size
    shapes = {
        "embedding": (config.vocab_size, size),
        "softmax_w": (size, config.vocab_size),
        "softmax_b": (config.vocab_size,),
    }
    for layer in range(config.num_layers):
        cell = cell_name(layer)
        shapes |= {f"{cell}/kernel": (2 * size, 4 * size), f"{cell}/bias": (4 * size,)}
    scale = config.init_scale
    return {n: rng.uniform(-scale, scale, s).astype(np.float32) for n, s in shapes.items()}


def random_words(config):
    """Word ids, the frequent ones first as in a text, enough for NUM_WINDOWS windows."""
    frequency = 1 / np.arange(1, config.vocab_size + 1)
    count = config.batch_size * (NUM_WINDOWS * config.num_steps + 1)
    rng = np.random.default_rng(1)
    return rng.choice(config.vocab_size, count, p=frequency / frequency.sum()).astype(np.int32)


def set_weights(session, config, weights):
    """Gives the variables of a session's graph their values, in every rnn_mode.

    Args:
      session: a `Session` of a graph with a `PTBModel`.
      config: the model's.
      weights: canonical name to array, see `random_weights`.
    """
    import tensorflow as tf

    from model import lstm

    cells = [cell_name(layer) for layer in range(config.num_layers)]
    for variable in tf.compat.v1.trainable_variables():
        name = variable.op.name.removeprefix("Model/")
        if name == "lstm_params":
            parts = ([weights[f"{cell}/{what}"] for cell in cells] for what in ("kernel", "bias"))
            value = session.run(lstm.canonical_to_cudnn(*parts))
        else:
            value = weights[name]
        session.run(variable.initializer, {variable.initial_value: value})


class TensorFlowContestant:
    """This project's PTBModel, through run_epoch's own way to feed and fetch."""

    def __init__(self, config, dtype, rnn_mode):
        tensorflow_import.import_tensorflow()
        import tensorflow as tf

        import ptb_word_lm
        import reader
        from model import devices

        tf1 = tf.compat.v1
        self._flatten = tf.nest.flatten
        config = dataclasses.replace(config, rnn_mode=rnn_mode)
        words = random_words(config)
        tf1.disable_eager_execution()
        models = ptb_word_lm.build_models(
            config,
            reader.Corpus(words, words, words, None),
            devices.precision_for(dtype),
        )
        self._model, self._evaluated = models["Train"], models["Valid"]
        self._session = tf1.Session(config=devices.session_config())
        self._session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        reader.load_texts(self._session)
        set_weights(self._session, config, random_weights(config))
        self._model.assign_lr(self._session, 1.0)
        self._state = self._session.run(self._model.initial_state)
        self._position = 0

    def loss(self):
        """The first window's, without dropout."""
        return self._session.run(self._evaluated.cost, {self._evaluated.positions[0]: 0})

    def step(self):
        model = self._model
        feed_dict = dict(zip(self._flatten(model.initial_state), self._flatten(self._state)))
        feed_dict[model.positions[0]] = self._position
        fetches = (model.cost, model.final_state, model.train_op)
        _, self._state, _ = self._session.run(fetches, feed_dict)
        self._position = (self._position + 1) % NUM_WINDOWS


class TorchContestant:
    """The same arithmetic with PyTorch's nn.LSTM, which is cuDNN's on a GPU; 16 bit by autocast.

    Eager but for the softmax and the loss, which torch.compile makes one of if asked to. It leaves
    nn.LSTM as it is. On a GPU it multiplies float32 as TensorFlow does there by default, as TF32.

    With `cutoffs` it has PyTorch's adaptive softmax, whose weights are drawn by PyTorch.
    """

    def __init__(self, config, dtype, compiled=False, device="cpu", cutoffs=None):
        import torch

        self._torch, self._config, self._device = torch, config, device
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        size, keep_prob, weights = config.hidden_size, config.keep_prob, random_weights(config)
        self._autocast = {} if dtype == "float32" else {"dtype": getattr(torch, dtype)}
        self._embedding = torch.nn.Embedding(config.vocab_size, size, sparse=True)
        self._lstm = torch.nn.LSTM(size, size, config.num_layers, dropout=1 - keep_prob)
        if cutoffs:
            self._linear = torch.nn.AdaptiveLogSoftmaxWithLoss(size, config.vocab_size, cutoffs)
        else:
            self._linear = torch.nn.Linear(size, config.vocab_size)
        self._dropout = torch.nn.Dropout(1 - keep_prob)
        softmax = self._adaptive_softmax if cutoffs else self._eager_softmax
        self._softmax = torch.compile(softmax) if compiled else softmax
        self._modules = torch.nn.ModuleList(
            [self._embedding, self._lstm, self._linear, self._dropout]
        )
        with torch.no_grad():
            self._embedding.weight.copy_(torch.from_numpy(weights["embedding"]))
            if not cutoffs:
                self._linear.weight.copy_(torch.from_numpy(weights["softmax_w"].T))
                self._linear.bias.copy_(torch.from_numpy(weights["softmax_b"]))
            for layer in range(config.num_layers):
                self._copy_cell(weights, layer)
        self._modules.to(device)
        streams = random_words(config).reshape(config.batch_size, -1)
        self._streams = torch.from_numpy(np.ascontiguousarray(streams.T)).long().to(device)
        self._state, self._position = self._zero_state(), 0
        parameters = [p for p in self._modules.parameters() if p.requires_grad]
        self._parameters = parameters
        self._optimizer = torch.optim.SGD(parameters, lr=1.0)

    def _copy_cell(self, weights, layer):
        cell, size = cell_name(layer), self._config.hidden_size

        def reordered(array):  # from i, j, f, o to PyTorch's i, f, g, o
            i, j, f, o = np.split(array, 4, axis=-1)
            return self._torch.from_numpy(np.concatenate([i, f, j, o], axis=-1).T.copy())

        kernel = weights[f"{cell}/kernel"]
        getattr(self._lstm, f"weight_ih_l{layer}").copy_(reordered(kernel[:size]))
        getattr(self._lstm, f"weight_hh_l{layer}").copy_(reordered(kernel[size:]))
        getattr(self._lstm, f"bias_ih_l{layer}").copy_(reordered(weights[f"{cell}/bias"]))
        recurrent_bias = getattr(self._lstm, f"bias_hh_l{layer}")
        recurrent_bias.zero_()
        recurrent_bias.requires_grad_(False)

    def _zero_state(self):
        shape = (self._config.num_layers, self._config.batch_size, self._config.hidden_size)
        return tuple(self._torch.zeros(shape, device=self._device) for _ in range(2))

    def _cost(self, position, state):
        start, steps = position * self._config.num_steps, self._config.num_steps
        x = self._streams[start : start + steps]
        y = self._streams[start + 1 : start + 1 + steps]
        with self._torch.autocast(self._device, enabled=bool(self._autocast), **self._autocast):
            outputs, state = self._lstm(self._dropout(self._embedding(x)), state)
            cost = self._softmax(outputs, y)
        return cost / self._config.batch_size, tuple(s.detach() for s in state)

    def _eager_softmax(self, outputs, y):
        logits = self._linear(self._dropout(outputs))
        logits = logits.reshape(-1, self._config.vocab_size).float()
        return self._torch.nn.functional.cross_entropy(logits, y.reshape(-1), reduction="sum")

    def _adaptive_softmax(self, outputs, y):
        rows = self._dropout(outputs).reshape(-1, self._config.hidden_size)
        return -self._linear(rows, y.reshape(-1)).output.sum()

    def loss(self):
        """The first window's, without dropout."""
        self._modules.eval()
        with self._torch.no_grad():
            cost, _ = self._cost(0, self._zero_state())
        self._modules.train()
        return cost.item()

    def step(self):
        torch = self._torch
        self._optimizer.zero_grad()
        cost, self._state = self._cost(self._position, self._state)
        cost.backward()
        # As TensorFlow's global norm does it: the embedding's by the rows that were read.
        gradients = [p.grad._values() if p.grad.is_sparse else p.grad for p in self._parameters]
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(g) for g in gradients])
        )
        torch._foreach_mul_(gradients, torch.clamp(self._config.max_grad_norm / norm, max=1.0))
        self._optimizer.step()
        cost.item()
        self._position = (self._position + 1) % NUM_WINDOWS


class JaxContestant:
    """The same arithmetic in JAX: a step is one jitted function, which scans the time steps.

    The buffers of weights and state are donated. As in TensorFlow, the embedding's gradient is that
    of the rows read, and only they are updated.
    """

    def __init__(self, config, dtype):
        import jax

        self._jax, self._config = jax, config
        weights = {name: jax.numpy.asarray(v, dtype) for name, v in random_weights(config).items()}
        self._embedding, self._weights = weights.pop("embedding"), weights
        streams = random_words(config).reshape(config.batch_size, -1)
        self._streams = jax.numpy.asarray(streams.T)
        self._state, self._count = self._zero_state(), 0
        self._train = jax.jit(self._step, donate_argnums=(0, 1, 2))

    def _zero_state(self):
        shape = (self._config.batch_size, self._config.hidden_size)
        zeros = self._jax.numpy.zeros
        return [(zeros(shape), zeros(shape)) for _ in range(self._config.num_layers)]

    def _window(self, start):
        steps = self._config.num_steps
        window = self._jax.lax.dynamic_slice_in_dim(self._streams, start, steps + 1)
        return window[:-1], window[1:]

    def _cell(self, kernel, state, gates):
        jax, (c, h) = self._jax, state
        i, j, f, o = jax.numpy.split(gates + h @ kernel, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(j)
        h = jax.nn.sigmoid(o) * jax.numpy.tanh(c)
        return (c, h), h

    def _drop_out(self, x, key, layer):
        keep_prob = self._config.keep_prob
        if key is None or keep_prob == 1:
            return x
        random = self._jax.random
        kept = random.bernoulli(random.fold_in(key, layer), keep_prob, x.shape)
        return self._jax.numpy.where(kept, x / keep_prob, 0)

    def _cost(self, weights, vectors, state, targets, key=None):
        jax, size, last = self._jax, self._config.hidden_size, []
        x = self._drop_out(vectors, key, 0)
        for layer in range(self._config.num_layers):
            kernel, bias = (weights[f"{cell_name(layer)}/{name}"] for name in ("kernel", "bias"))
            cell = functools.partial(self._cell, kernel[size:])
            layer_state, x = jax.lax.scan(cell, state[layer], x @ kernel[:size] + bias)
            x = self._drop_out(x, key, layer + 1)
            last.append(layer_state)
        log_p = jax.nn.log_softmax(x @ weights["softmax_w"] + weights["softmax_b"])
        chosen = jax.numpy.take_along_axis(log_p, targets[..., None], axis=-1)
        return -chosen.sum() / self._config.batch_size, last

    def _step(self, embedding, weights, state, count):
        jax, config = self._jax, self._config
        x, y = self._window(count % NUM_WINDOWS * config.num_steps)
        cost_and_gradients = jax.value_and_grad(self._cost, argnums=(0, 1), has_aux=True)
        key = jax.random.fold_in(jax.random.key(0), count)
        (cost, state), gradients = cost_and_gradients(weights, embedding[x], state, y, key)
        squares = sum((g * g).sum() for g in jax.tree.leaves(gradients))
        scale = jax.numpy.minimum(config.max_grad_norm / jax.numpy.sqrt(squares), 1.0)
        weights = jax.tree.map(lambda w, g: w - scale * g, weights, gradients[0])
        return embedding.at[x].add(-scale * gradients[1]), weights, state, cost

    def loss(self):
        x, y = self._window(0)
        return float(self._cost(self._weights, self._embedding[x], self._zero_state(), y)[0])

    def step(self):
        self._embedding, self._weights, self._state, cost = self._train(
            self._embedding, self._weights, self._state, self._count
        )
        float(cost)
        self._count += 1


def products(config):
    """The matrix products of a training step: `(what, count, in a row, (m, k, n), transposed)`.

    Those of the four gates from h count as the one product that they make up: one after another,
    as the limit computes them, that is faster.
    """
    steps, batch, size, words = (
        config.num_steps,
        config.batch_size,
        config.hidden_size,
        config.vocab_size,
    )
    rows, layers = steps * batch, config.num_layers
    return [
        ("gates from inputs", layers, 1, (rows, size, 4 * size), {}),
        ("gates from h", layers, steps, (batch, size, 4 * size), {}),
        ("logits", 1, 1, (rows, size, words), {}),
        ("gradient of outputs", 1, 1, (rows, words, size), {"transpose_b": True}),
        ("gradient of softmax_w", 1, 1, (size, rows, words), {"transpose_a": True}),
        ("gradient of h", layers, steps, (batch, 4 * size, size), {}),
        ("gradient of inputs", layers, 1, (rows, 4 * size, size), {"transpose_b": True}),
        ("gradient of kernel", layers, 1, (2 * size, rows, 4 * size), {"transpose_a": True}),
    ]


class ProductsContestant:
    """The step's matrix products and nothing else, one after another."""

    def __init__(self, config, dtype):
        tensorflow_import.import_tensorflow()
        import tensorflow as tf

        from model import devices

        tf1 = tf.compat.v1
        tf1.disable_eager_execution()
        previous = tf.no_op()
        precision = devices.precision_for(dtype)
        for _, layers, steps, (m, k, n), transposed in products(config):
            a, b = (k, m) if "transpose_a" in transposed else (m, k), (k, n)
            b = (n, k) if "transpose_b" in transposed else b
            factors = [tf.cast(tf.random.uniform(shape, -1, 1), dtype) for shape in (a, b)]
            # In the dtype in which the step multiplies them, and without what converting costs it.
            a, b = (tf1.Variable(precision.widen(x), use_resource=False) for x in factors)
            for _ in range(layers * steps):
                with tf.control_dependencies([previous]):
                    previous = tf.matmul(a, b, **transposed).op
        self._last = previous
        # The products' results are not used, and must be computed all the same.
        options = tf1.ConfigProto()
        options.graph_options.rewrite_options.disable_meta_optimizer = True
        self._session = tf1.Session(config=options)
        self._session.run(tf1.global_variables_initializer())

    def loss(self):
        return None

    def step(self):
        self._session.run(self._last)
