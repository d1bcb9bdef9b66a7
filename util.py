"""Graph surgery: collections to carry a model from one graph to another, and its replication.

A metagraph is a graph and its collections, as protocol buffers. `export_state_tuples` and
`import_state_tuples` put LSTM states into a collection and take them out of it in another graph;
`auto_parallel` rewrites a metagraph in between.
"""

import copy
import re

import tensorflow as tf
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python.framework import ops, tensor_util
from tensorflow.python.grappler import tf_optimizer

from model import lstm


def with_prefix(prefix, name):
    """`prefix/name`: the key of a model's collection, such as `Train/cost`."""
    return f"{prefix}/{name}"


def get_tensors(key):
    """What a collection of the current graph holds; ValueError if that is nothing."""
    tensors = tf.compat.v1.get_collection(key)
    if not tensors:
        raise ValueError(f"the graph has no collection {key}: was the model exported to it?")
    return tensors


def export_state_tuples(state_tuples, name):
    """Makes LSTM states a collection of the current graph, in place of what was in it.

    Args:
      state_tuples: sequence of `LSTMStateTuple`.
      name: the collection's key.
    """
    tf.compat.v1.get_collection_ref(name)[:] = tf.nest.flatten(list(state_tuples))


def import_state_tuples(state_tuples, name, num_replicas=1):
    """Takes LSTM states out of a collection of the current graph.

    Args:
      state_tuples: the states that were exported from the first graph.
      name: the collection's key.
      num_replicas: how many replicas of them the current graph holds.

    Returns:
      Tuple of `len(state_tuples) * num_replicas` `LSTMStateTuple`, replica by replica.

    Raises:
      ValueError: the collection holds another number of states. Whoever fed back too few would
        train without carrying state, and notice nothing but worse numbers.
    """
    tensors = tf.compat.v1.get_collection(name)
    expected = len(state_tuples) * num_replicas
    if expected < 1 or len(tensors) != 2 * expected:
        raise ValueError(
            f"collection {name} holds {len(tensors)} tensors, but {expected} LSTM states of two "
            f"tensors each are expected ({len(state_tuples)} layers, {num_replicas} replicas)"
        )
    return tuple(lstm.LSTMStateTuple(c=c, h=h) for c, h in zip(tensors[0::2], tensors[1::2]))


def export_models(models):
    """Exports models, in collections, and the current graph that they are in.

    Args:
      models: dict of name scope to `PTBModel`.

    Returns:
      The `MetaGraphDef`.
    """
    for name, model in models.items():
        model.export_ops(name)
    return tf.compat.v1.train.export_meta_graph()


def import_models(metagraph, models):
    """Imports a metagraph into the current graph; returns copies of its models, which are there."""
    tf.compat.v1.train.import_meta_graph(metagraph)
    imported = {name: copy.copy(model) for name, model in models.items()}
    for model in imported.values():
        model.import_ops()
    return imported


def auto_parallel(metagraph, model, num_replicas):
    """Rewrites a metagraph, in place, to train several replicas of the model side by side.

    Grappler's `autoparallel` pass copies what the train op depends on, once for each replica and
    onto its own GPU where there is one, all sharing the variables. It does not yet make one step
    of N replicas equal one step with N times the batch, which it does if no gradient is clipped
    (each replica clips its own). What it leaves out is done here:

      * every replica reads streams of its own;
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
    if not model.initial_state_name:
        raise ValueError("the model is in no collection: call its export_ops before this")
    if num_replicas == 1:
        return
    model.input.windows.count(num_replicas)  # raises if there would be none
    old_names = {node.name for node in metagraph.graph_def.node}
    graph = _optimize(metagraph, num_replicas)
    nodes = {node.name: node for node in graph.node}
    _cut_streams(nodes, model.input.windows, num_replicas)
    _divide_sparse_updates(graph, nodes, num_replicas)
    _update_after_all_gradients(graph)
    _update_in_turn(graph)
    metagraph.graph_def.CopyFrom(graph)
    replicated = {name for name in old_names - nodes.keys() if _in_replica(name, 0) in nodes}
    _rename_collections(metagraph, model, replicated, num_replicas)


def _in_replica(name, replica):
    return f"AutoParallel-Replica-{replica}/{name}"


def _replica_of(name):
    """The number of the replica that a node belongs to, or None."""
    found = re.match(r"AutoParallel-Replica-(\d+)/", name)
    return found and int(found[1])


def _optimize(metagraph, num_replicas):
    """Runs Grappler's pass alone; returns a `GraphDef` without duplicate nodes."""
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.optimizers.append("autoparallel")
    options.auto_parallel.enable = True
    options.auto_parallel.num_replicas = num_replicas
    # Twice, which is the default, would run the pass on its own output.
    options.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    optimized = tf_optimizer.OptimizeGraph(config, metagraph)
    graph = tf.compat.v1.GraphDef(versions=optimized.versions, library=optimized.library)
    seen = set()
    for node in optimized.node:
        if node.name not in seen:  # the pass writes the final no-op twice
            seen.add(node.name)
            graph.node.append(node)
    return graph


def _cut_streams(nodes, windows, num_replicas):
    """Tells each replica's input which of how many replicas it is."""

    def set_constant(name, value):
        tensor = tensor_util.make_tensor_proto(value, tf.int32)
        nodes[name].attr["value"].tensor.CopyFrom(tensor)

    for replica in range(num_replicas):
        set_constant(_in_replica(windows.replica.op.name, replica), replica)
        set_constant(_in_replica(windows.num_replicas.op.name, replica), num_replicas)


def _divide_sparse_updates(graph, nodes, num_replicas):
    """Divides what `ScatterSub` subtracts by the number of replicas, which the pass does not."""
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

    The replicas share the variables' buffers: an update that is early changes the weights with
    which another replica is still computing.
    """
    updates = _replicated(graph, "ApplyGradientDescent", "ScatterSub")
    barrier = graph.node.add(op="NoOp", name="AutoParallel-AllGradients")
    # Whatever an update takes except the variable itself, the first input.
    operands = {_node_name(name) for update in updates for name in update.input[1:]}
    barrier.input.extend(f"^{name}" for name in sorted(operands))
    for update in updates:
        update.input.append(f"^{barrier.name}")


def _update_in_turn(graph):
    """Makes each replica's update of a variable wait for that of the replica before.

    Side by side, two increments of the global step may become one, and the weights' sums are
    rounded in another order each time.
    """
    last = {}
    updates = _replicated(graph, "ApplyGradientDescent", "ScatterSub", "AssignAdd")
    for update in sorted(updates, key=lambda update: _replica_of(update.name)):
        variable = update.input[0]
        if variable in last:
            update.input.append(f"^{last[variable]}")
        last[variable] = update.name


def _replicated(graph, *types):
    """The replicas' nodes of some types of operation."""
    return [n for n in graph.node if n.op in types and _replica_of(n.name) is not None]


def _node_name(tensor_name):
    return tensor_name.lstrip("^").split(":")[0]


def _rename_collections(metagraph, model, replicated, num_replicas):
    """Points the collections to the replicas' tensors.

    A tensor of the model that is one a replica, such as its cost, becomes one for each replica;
    of any other that was replicated, replica 0's is named.
    """

    def renamed(name, replica=0):
        return _in_replica(name, replica) if _node_name(name) in replicated else name

    for key, collection in metagraph.collection_def.items():
        if ops.get_collection_proto_type(key) is variable_pb2.VariableDef:
            protos = collection.bytes_list.value
            protos[:] = [_rename_variable(proto, renamed) for proto in protos]
        elif collection.HasField("node_list"):
            names = collection.node_list.value
            replicas = range(num_replicas) if key in model.replicated_collections else range(1)
            names[:] = [renamed(name, replica) for replica in replicas for name in names]


def _rename_variable(serialized, renamed):
    variable = variable_pb2.VariableDef.FromString(serialized)
    for field in ("variable_name", "initial_value_name", "initializer_name", "snapshot_name"):
        setattr(variable, field, renamed(getattr(variable, field)))
    return variable.SerializeToString()
