"""Collections and metagraphs: how a model is carried from one graph to another, and replicated.

A metagraph is a graph and its collections, as protocol buffers. A collection is a list of tensors
of a graph, under an agreed key. `export_ops` puts a model's tensors into collections. `import_ops`
finds them again in another graph, into which the metagraph was imported. `auto_parallel` rewrites
a metagraph in between. docs/understanding.md says why there are two graphs, and what would break
with one.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python.framework import ops, tensor_util
from tensorflow.python.grappler import tf_optimizer

import reader
from model import lstm, saved_layouts, softmax

# The collections of the model in training, as in the tutorial; each holds one tensor or operation.
TRAINING_KEYS = ("train_op", "lr", "new_lr", "lr_update")
GRAD_NORM = "grad_norm"
# The collections of variables that are saved in another layout, see `model/saved_layouts.py`.
RNN_PARAMS = "rnn_params"
SOFTMAX_BY_WORD = "softmax_by_word"


class ModelOps(NamedTuple):
    """What a session runs, feeds and fetches of one model, in one graph.

    Attributes:
      initial_state: tuple of `lstm.LSTMStateTuple`, one for each layer, replica by replica.
      final_state: likewise, the state after the window, to be fed as the next initial state.
      cost: float32 scalar in nats, summed over the time steps and averaged over the batch.
      positions: tuple of int64 scalars, one for each replica: which window to read.
      streams: `reader.Streams`, how the text is cut.
      text: `reader.Text`, which a session must load.
      train_op: makes one step of gradient descent. It and the next four are None if the model is
        not in training.
      lr: float32 scalar, the learning rate.
      new_lr, lr_update: a float32 scalar to feed, and the operation that assigns it to `lr`.
      grad_norm: float32 scalar, the gradients' global norm before clipping (the replicas' mean).
      rnn_params: cuDNN's vector; None in other modes.
      softmax_by_word: the softmax's weights, `[vocab_size, hidden_size]`; None without sampling.
    """

    initial_state: tuple
    final_state: tuple
    cost: tf.Tensor
    positions: tuple
    streams: reader.Streams
    text: reader.Text
    train_op: Any = None
    lr: Any = None
    new_lr: Any = None
    lr_update: Any = None
    grad_norm: Any = None
    rnn_params: Any = None
    softmax_by_word: Any = None

    def assign_lr(self, session: tf.compat.v1.Session, lr_value: float) -> None:
        """Sets the learning rate in a session."""
        session.run(self.lr_update, feed_dict={self.new_lr: lr_value})


def with_prefix(prefix: str, name: str) -> str:
    """`prefix/name`: the key of a model's collection, such as `Train/cost`."""
    return f"{prefix}/{name}"


def get_tensors(key: str) -> list:
    """What a collection of the current graph holds; ValueError if it is empty or missing."""
    tensors = tf.compat.v1.get_collection(key)
    if not tensors:
        raise ValueError(f"the graph has no collection {key}: was the model exported to it?")
    return tensors


def _set_collection(key, tensors):
    """Makes tensors a collection of the current graph; replaces what was in it."""
    tf.compat.v1.get_collection_ref(key)[:] = tensors


def export_state_tuples(state_tuples: Sequence, name: str) -> None:
    """Makes LSTM states a collection of the current graph; replaces what was in it.

    Args:
      state_tuples: sequence of `LSTMStateTuple`.
      name: the collection's key.
    """
    _set_collection(name, tf.nest.flatten(list(state_tuples)))


def import_state_tuples(state_tuples: Sequence, name: str, num_replicas: int = 1) -> tuple:
    """Finds LSTM states in a collection of the current graph.

    Args:
      state_tuples: the states that were exported from the first graph.
      name: the collection's key.
      num_replicas: how many replicas of them the current graph holds.

    Returns:
      Tuple of `len(state_tuples) * num_replicas` `LSTMStateTuple`, replica by replica.

    Raises:
      ValueError: the collection holds another number of states. With too few, training would not
        carry its state, and only worse numbers would show it.
    """
    tensors = tf.compat.v1.get_collection(name)
    expected = len(state_tuples) * num_replicas
    if expected < 1 or len(tensors) != 2 * expected:
        raise ValueError(
            f"collection {name} holds {len(tensors)} tensors, but {expected} LSTM states of two "
            f"tensors each are expected ({len(state_tuples)} layers, {num_replicas} replicas)"
        )
    return tuple(lstm.LSTMStateTuple(c=c, h=h) for c, h in zip(tensors[0::2], tensors[1::2]))


def replicated_keys(name: str) -> tuple:
    """The keys of a model's collections that hold tensors of every replica."""
    return (
        *(with_prefix(name, what) for what in ("cost", "position", "initial", "final")),
        GRAD_NORM,
    )


def export_ops(model_ops: ModelOps, name: str) -> None:
    """Adds a model's operations to the collections of the current graph.

    A Saver of this graph no longer saves cuDNN's vector and the weights of a sampled softmax: see
    `canonical.forget_saveables`.

    Args:
      model_ops: the operations, in the current graph.
      name: the prefix of the keys, such as `Train`.
    """
    _set_collection(with_prefix(name, "cost"), [model_ops.cost])
    _set_collection(with_prefix(name, "position"), model_ops.positions)
    _set_collection(with_prefix(name, "text"), model_ops.text[1:])
    export_state_tuples(model_ops.initial_state, with_prefix(name, "initial"))
    export_state_tuples(model_ops.final_state, with_prefix(name, "final"))
    for key in (*TRAINING_KEYS, GRAD_NORM, RNN_PARAMS, SOFTMAX_BY_WORD):
        if getattr(model_ops, key) is not None:
            _set_collection(key, [getattr(model_ops, key)])
    saved_layouts.forget_saveables()


def import_ops(exported: ModelOps, name: str) -> ModelOps:
    """Finds a model's operations, of all its replicas, in the current graph's collections.

    Args:
      exported: the operations in the first graph. They tell which collections there must be, how
        many states there are, and how the text is cut.
      name: the prefix of the keys, such as `Train`.

    Raises:
      ValueError: a collection is missing or does not fit.
    """
    costs = get_tensors(with_prefix(name, "cost"))
    num_replicas = len(costs)
    initial_state = import_state_tuples(
        exported.initial_state, with_prefix(name, "initial"), num_replicas
    )
    found: dict[str, Any] = {
        key: get_tensors(key)[0]
        for key in (*TRAINING_KEYS, RNN_PARAMS, SOFTMAX_BY_WORD)
        if getattr(exported, key) is not None
    }
    if exported.grad_norm is not None:
        found[GRAD_NORM] = _mean(get_tensors(GRAD_NORM))
    if RNN_PARAMS in found:
        hidden_size = int(exported.initial_state[0].c.shape[1])
        lstm.save_canonically(found[RNN_PARAMS], len(exported.initial_state), hidden_size)
    if SOFTMAX_BY_WORD in found:
        softmax.save_canonically(found[SOFTMAX_BY_WORD])
    text = reader.Text(exported.text.ids, *get_tensors(with_prefix(name, "text")))
    reader.add_text(text)
    return ModelOps(
        initial_state=initial_state,
        final_state=import_state_tuples(
            exported.final_state, with_prefix(name, "final"), num_replicas
        ),
        cost=_mean(costs),
        positions=tuple(get_tensors(with_prefix(name, "position"))),
        streams=exported.streams._replace(num_replicas=num_replicas),
        text=text,
        **found,
    )


def _mean(scalars):
    """The mean of the replicas' scalars; `add_n` would round it in another order each time."""
    return tf.reduce_sum(tf.stack(scalars)) / len(scalars)


def export_models(models: dict) -> tf.compat.v1.MetaGraphDef:
    """Exports the current graph, and in its collections the models that were built in it.

    Args:
      models: dict of name scope to `PTBModel`.
    """
    for name, model in models.items():
        model.export_ops(name)
    return tf.compat.v1.train.export_meta_graph()


def import_models(metagraph: tf.compat.v1.MetaGraphDef, models: dict) -> dict:
    """Imports a metagraph into the current graph, and finds its models there.

    Args:
      metagraph: of `export_models`, perhaps rewritten by `auto_parallel`.
      models: what was exported.

    Returns:
      Dict of name scope to `ModelOps`.
    """
    tf.compat.v1.train.import_meta_graph(metagraph)
    return {name: import_ops(model.built_ops, name) for name, model in models.items()}


def auto_parallel(metagraph: tf.compat.v1.MetaGraphDef, model: Any, num_replicas: int) -> None:
    """Rewrites a metagraph, in place, to train several replicas of the model side by side.

    Grappler's `autoparallel` pass copies what the train op depends on, once for each replica, all
    sharing the variables. It does not yet make one step of N replicas equal one step with N times
    the batch, as it should if no gradient is clipped (each replica clips its own). What it leaves
    out is done here:

      * replica `i` is on GPU `i`, which is the CPU where there is no such GPU (in a session with
        `allow_soft_placement`);
      * every replica reads streams of its own, and has a random seed of its own for cuDNN;
      * the sparse update of the embedding is divided by N, as the dense updates are;
      * no variable is updated while another replica may still read it, or update it.

    Args:
      metagraph: a `MetaGraphDef` with the collections of `PTBModel.export_ops`, built on
        reference variables (resource variables would not be divided).
      model: the `PTBModel` to replicate.
      num_replicas: int, how many.

    Raises:
      ValueError: `num_replicas` < 1, the text is too short for that many replicas, or the model
        was not exported.
    """
    if num_replicas < 1:
        raise ValueError(f"num_replicas is {num_replicas}, but must be at least 1")
    if not model.name:
        raise ValueError("the model is in no collection: call its export_ops before this")
    if num_replicas == 1:
        return
    windows = model.input.windows
    _ = windows.streams._replace(num_replicas=num_replicas).epoch_size  # raises if there is none
    devices = {node.name: node.device for node in metagraph.graph_def.node}
    graph = _optimize(metagraph, num_replicas)
    _place_replicas(graph, devices)
    nodes = {node.name: node for node in graph.node}
    number_replicas(graph, windows, num_replicas)
    _seed_cudnn(graph)
    _divide_sparse_updates(graph, nodes, num_replicas)
    _update_after_all_gradients(graph)
    _update_in_turn(graph)
    metagraph.graph_def.CopyFrom(graph)
    replicated = {name for name in devices.keys() - nodes.keys() if _in_replica(name, 0) in nodes}
    _rename_collections(metagraph, replicated_keys(model.name), replicated, num_replicas)


def _in_replica(name, replica):
    return f"AutoParallel-Replica-{replica}/{name}"


def split_replica(name: str) -> tuple[int | None, str]:
    """Splits the name of a node of a rewritten graph.

    Returns:
      `(replica, name)`: the number of its replica, None for a node that all replicas share; and
      the node's name in the first graph.
    """
    found = re.match(r"AutoParallel-Replica-(\d+)/(.*)", name)
    return (int(found[1]), found[2]) if found else (None, name)


def part_of(
    graph_def: tf.compat.v1.GraphDef, tensors: set, inputs: set
) -> tuple[tf.compat.v1.GraphDef, set]:
    """Cuts out the part of a graph that computes some tensors from others.

    Args:
      graph_def: a `GraphDef`.
      tensors: set of str, the names of tensors or nodes to compute.
      inputs: set of str, the names of nodes to stop at.

    Returns:
      `(part, found)`: a `GraphDef`, and which of the `inputs` it needs.
    """
    nodes = {node.name: node for node in graph_def.node}
    needed, left = set(), {_node_name(name) for name in tensors}
    while left:
        needed |= left
        found = [nodes[name] for name in left - inputs]
        names = (name for node in found for name in (*node.input, *_beside(node)))
        left = {_node_name(name) for name in names} - needed
    part = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    part.node.extend(node for node in graph_def.node if node.name in needed - inputs)
    return part, needed & inputs


def _beside(node):
    """The names of the nodes that a node must be on the same device as."""
    names = node.attr["_class"].list.s if "_class" in node.attr else ()
    return [name.decode().removeprefix("loc:@") for name in names]


def _optimize(metagraph, num_replicas):
    """Runs Grappler's pass alone; returns a `GraphDef` without duplicate nodes."""
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.optimizers.append("autoparallel")
    options.auto_parallel.enable = True
    options.auto_parallel.num_replicas = num_replicas
    # By default the pass would run twice, the second time on its own output.
    options.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    optimized = tf_optimizer.OptimizeGraph(config, metagraph)
    graph = tf.compat.v1.GraphDef(versions=optimized.versions, library=optimized.library)
    seen = set()
    for node in optimized.node:
        if node.name not in seen:  # the pass writes the final no-op twice
            seen.add(node.name)
            graph.node.append(node)
    return graph


def _place_replicas(graph, devices):
    """Puts each replica on its GPU, except for nodes that had a device in the first graph.

    The pass puts all nodes there, the text included, which would be copied to the GPU in every
    step. And it counts the cards, so that two virtual GPUs of one card would be one.
    """
    for node in graph.node:
        replica, name = split_replica(node.name)
        if replica is not None:
            node.device = devices.get(name) or f"/device:GPU:{replica}"


def number_replicas(
    graph_def: tf.compat.v1.GraphDef, windows: reader.Windows, num_replicas: int, first: int = 0
) -> None:
    """Tells each replica's input the replica's number, and how many replicas there are.

    From these, `reader.py` cuts out the replica's own streams.

    Args:
      graph_def: a `GraphDef` of one replica, or of several; it is changed in place.
      windows: the `reader.Windows` of the replicated model.
      num_replicas: int, how many there are in all.
      first: int, the number of the graph's first replica.
    """
    for node in graph_def.node:
        replica, name = split_replica(node.name)
        values = {
            windows.replica.op.name: first + (replica or 0),
            windows.num_replicas.op.name: num_replicas,
        }
        if name in values:
            tensor = tensor_util.make_tensor_proto(values[name], tf.int32)
            node.attr["value"].tensor.CopyFrom(tensor)


def _seed_cudnn(graph):
    """Makes the dropout between cuDNN's layers another one in each replica."""
    for node in graph.node:
        replica, _ = split_replica(node.name)
        if replica is not None and node.op.startswith("CudnnRNN"):
            node.attr["seed2"].i = replica


def _divide_sparse_updates(graph, nodes, num_replicas):
    """Divides what `ScatterSub` subtracts by the number of replicas; the pass leaves that out."""
    for update in [node for node in nodes.values() if node.op == "ScatterSub"]:
        count = graph.node.add(op="Const", name=f"{update.name}/num_replicas")
        count.attr["dtype"].type = tf.float32.as_datatype_enum
        count.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(num_replicas, tf.float32))
        mean = graph.node.add(op="RealDiv", name=f"{update.name}/mean")
        mean.attr["T"].type = tf.float32.as_datatype_enum
        mean.input.extend([update.input[2], count.name])
        for node in (count, mean):
            node.device = update.device
        update.input[2] = mean.name


def _update_after_all_gradients(graph):
    """Makes every update wait for every replica's gradients.

    The replicas share the variables' buffers: an early update would change weights that another
    replica is still computing with.
    """
    updates = _replicated(graph, "ApplyGradientDescent", "ScatterSub")
    barrier = graph.node.add(op="NoOp", name="AutoParallel-AllGradients")
    # The inputs of an update, without the first, which is the variable itself.
    operands = {_node_name(name) for update in updates for name in update.input[1:]}
    barrier.input.extend(f"^{name}" for name in sorted(operands))
    for update in updates:
        update.input.append(f"^{barrier.name}")


def _update_in_turn(graph):
    """Makes each replica's update of a variable wait for the previous replica's.

    At the same time, two increments of the global step could become one, and the weights would be
    added up, and so rounded, in another order each time.
    """
    last: dict[str, str] = {}
    updates = _replicated(graph, "ApplyGradientDescent", "ScatterSub", "AssignAdd")
    for update in sorted(updates, key=lambda update: split_replica(update.name)[0] or 0):
        variable = update.input[0]
        if variable in last:
            update.input.append(f"^{last[variable]}")
        last[variable] = update.name


def _replicated(graph, *types):
    """The replicas' nodes of some types of operation."""
    return [n for n in graph.node if n.op in types and split_replica(n.name)[0] is not None]


def _node_name(tensor_name):
    return tensor_name.lstrip("^").split(":")[0]


def _rename_collections(metagraph, keys, replicated, num_replicas):
    """Points the collections to the replicas' tensors.

    Args:
      metagraph: the rewritten `MetaGraphDef`.
      keys: of the collections that get a tensor of each replica. Others get replica 0's.
      replicated: set of the names of the nodes that were replicated.
      num_replicas: int.
    """

    def renamed(name, replica=0):
        return _in_replica(name, replica) if _node_name(name) in replicated else name

    for key, collection in metagraph.collection_def.items():
        if ops.get_collection_proto_type(key) is variable_pb2.VariableDef:
            protos = collection.bytes_list.value
            protos[:] = [_rename_variable(proto, renamed) for proto in protos]
        elif collection.HasField("node_list"):
            names = collection.node_list.value
            replicas = range(num_replicas) if key in keys else range(1)
            names[:] = [renamed(name, replica) for replica in replicas for name in names]


def _rename_variable(serialized, renamed):
    variable = variable_pb2.VariableDef.FromString(serialized)
    for field in ("variable_name", "initial_value_name", "initializer_name", "snapshot_name"):
        setattr(variable, field, renamed(getattr(variable, field)))
    return variable.SerializeToString()
