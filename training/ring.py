"""A ring of machines: each has its own copy of the weights, and all add up their gradients.

Each of N machines packs its gradients into one vector, and cuts the vector into N parts. In each
round, every machine sends one part to the next machine, and the last sends to the first. With three
machines, whose vectors are `a0 b0 c0`, `a1 b1 c1` and `a2 b2 c2`:

    round    machine 0 has      machine 1 has      machine 2 has
      1      c2 + c0            a0 + a1            b1 + b2
      2      b1 + b2 + b0       c2 + c0 + c1       a0 + a1 + a2
      3      the sum of a       the sum of b       the sum of c
      4      the sum of c       the sum of a       the sum of b

In the first N-1 rounds, the receiver adds its own part. In the other N-1, whole sums are passed on.
In all, a machine sends `2 (N-1) / N` times the bytes of a vector: less than twice, whatever N is.
If one machine held the weights, its link would carry N-1 times as much in each direction.

Then every machine subtracts the same sums from the same weights. So the copies stay equal, bit for
bit. Of an embedding, only the rows of the words that were read change. They are not added up: every
machine gets those of all machines, and subtracts them in the same order.

All of it is made of ordinary operations, each placed on its machine, in one graph. (TensorFlow has
an operation for such sums, `CollectiveReduceV2`. But once a machine is lost, it works no more until
all machines start their servers anew.) The driver keeps the original weights, which are
initialized, saved and restored. Each session that is opened copies them to the other machines.
"""

import itertools
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.framework import variable_pb2

import util
from model import gradients

tf1 = tf.compat.v1

# The collection of the machines' fingerprints: uint8 tensors, equal if their weights are equal.
FINGERPRINTS = "fingerprints"
# The optimizer's operations: they subtract a gradient times the learning rate, or some rows.
DENSE, SPARSE = "ApplyGradientDescent", "ScatterSub"


class Update(NamedTuple):
    """What a machine subtracts from its weights in a step.

    Attributes:
      vector: float32 `[B]`, for the weights that change as a whole, one after another.
      rows: list of pairs, for the weights of which a few rows change: int32 `[k]`, the rows'
        numbers, all different, and float32 `[k, width]`.
    """

    vector: tf.Tensor
    rows: list


def exchange(updates: list, devices: list) -> list:
    """Adds up the machines' updates.

    Args:
      updates: list of `Update`, each on its machine.
      devices: list of str, the machines' devices.

    Returns:
      List of `Update`, the same on each machine: the sum of the vectors; and the rows of machine 0,
      then those of machine 1, and so on.
    """
    count, (size,) = len(devices), updates[0].vector.shape
    sizes = [(size + part) // count for part in range(count)]
    parts = []
    for update, device in zip(updates, devices):
        with tf.device(device):
            parts.append(tf.split(update.vector, sizes))
    rows = [
        tuple(pass_on(tensor, start, devices) for tensor in pair)
        for start, update in enumerate(updates)
        for pair in update.rows
    ]
    sums = []
    for machine, whole in enumerate(sums_of_parts(parts, devices)):
        with tf.device(devices[machine]):
            vector = tf.concat(whole, axis=0)
        sums.append(Update(vector, [(words[machine], each[machine]) for words, each in rows]))
    return sums


def sums_of_parts(parts: list, devices: list) -> list:
    """Adds up vectors of which each machine has one, in the rounds above.

    Every `+` has one input from the machine before, and so its place in the order. `tf.add_n` would
    choose another order each time, and round the sum in another way.

    Args:
      parts: list of lists; `parts[m][p]` is the part `p` of the vector of machine `m`, on it.
      devices: list of str, the machines' devices, N of them.

    Returns:
      List of lists; `sums[m][p]` is the sum of the parts `p`, on machine `m`.
    """
    count = len(devices)
    sums: list[list] = [[None] * count for _ in devices]
    for part in range(count):
        total = sums[part][part] = parts[part][part]
        for place in range(part + 1, part + 2 * count - 1):
            machine, is_whole = place % count, place >= part + count
            with tf.device(devices[machine]):
                total = tf.identity(total) if is_whole else total + parts[machine][part]
            sums[machine][part] = total
    return sums


def pass_on(tensor: tf.Tensor, start: int, devices: list) -> list:
    """Passes a tensor from machine to machine.

    Args:
      tensor: on machine `start`.
      start: int, the machine's number.
      devices: list of str, the machines' devices.

    Returns:
      List of tensors, the same on each machine.
    """
    copies = [tensor] * len(devices)
    for place in range(start + 1, start + len(devices)):
        machine = place % len(devices)
        with tf.device(devices[machine]):
            copies[machine] = tensor = tf.identity(tensor)
    return copies


def replicate(
    metagraph: tf.compat.v1.MetaGraphDef,
    model: Any,
    per_machine: int,
    devices: list,
    max_norm: float | None = None,
) -> None:
    """Rewrites a metagraph, in place, to train a model on several machines.

    Args:
      metagraph: of `util.export_models`; if a machine computes several replicas, rewritten by
        `util.auto_parallel`.
      model: the `PTBModel` to replicate.
      per_machine: int, how many replicas each machine computes.
      devices: list of str, `/job:NAME/task:NUMBER` of each machine, the driver first.
      max_norm: clip the norm of the mean gradient to this; then the model must clip nothing. None:
        each replica clips its own gradient, before the mean.

    Raises:
      reader.CorpusError: the text is too short for that many replicas.
    """
    windows, total = model.input.windows, per_machine * len(devices)
    _ = windows.streams._replace(num_replicas=total).epoch_size  # raises if there is none
    util.number_replicas(metagraph.graph_def, windows, total)
    with tf.Graph().as_default(), tf.device(devices[0]):
        tf1.train.import_meta_graph(metagraph)
        plan = _Plan(metagraph, model, len(devices), per_machine)
        machines = [_Machine(*each, plan) for each in enumerate(devices)]
        for number, machine in enumerate(machines[1:], start=1):
            util.number_replicas(metagraph.graph_def, windows, total, number * per_machine)
            machine.import_replicas(metagraph.graph_def, devices[0])
        _copy_weights(machines, plan)
        updates = exchange([machine.update() for machine in machines], devices)
        if max_norm is not None:
            updates, norm = _clip(machines, plan, updates, max_norm)
        done = [o for machine, update in zip(machines, updates) for o in machine.subtract(update)]
        _export(machines, plan, done)
        if max_norm is not None:
            tf1.get_collection_ref(util.GRAD_NORM)[:] = [norm]
        metagraph.CopyFrom(tf1.train.export_meta_graph())


class _Plan:
    """What each machine computes, by the names that it has on the driver.

    Attributes:
      machines, replicas: int, how many there are in all.
      weights: dict of the names of the trainable variables, by reference, to those of their values.
      dense: list of a list for each replica of a machine, of its updates of weights that change as
        a whole: the names of weights, learning rate and gradient.
      sparse: list of the updates of a few rows: the names of weights, rows' numbers and rows.
      collections: dict of a collection's key to the names of the tensors in it.
      text_scope: str, the prefix of what reads the text.
    """

    def __init__(self, metagraph, model, machines, per_machine):
        """Looks the names up in the metagraph, which the current graph was imported from."""
        self.machines, self.replicas = machines, machines * per_machine
        self.weights = {each.name: each.value().name for each in tf1.trainable_variables()}
        found: dict = {DENSE: {}, SPARSE: {}}
        for node in sorted(metagraph.graph_def.node, key=lambda node: node.name):
            if node.op in found:
                replica = util.split_replica(node.name)[0] or 0
                inputs = [name if ":" in name else f"{name}:0" for name in node.input[:3]]
                found[node.op].setdefault(replica, []).append(inputs)
        self.dense = [updates for _, updates in sorted(found[DENSE].items())]
        self.sparse = [each for _, updates in sorted(found[SPARSE].items()) for each in updates]
        self.collections = {
            key: list(metagraph.collection_def[key].node_list.value)
            for key in util.replicated_keys(model.name)
        }
        self.text_scope = model.input.windows.x.op.name.rpartition("/")[0] + "/"

    def names(self):
        """The names of all tensors that a machine has itself, a set."""
        updates = itertools.chain(*self.dense, self.sparse)
        lists = (self.weights.keys(), self.weights.values(), *updates, *self.collections.values())
        return {*itertools.chain(*lists)}


class _Machine:
    """One machine's part of the current graph: its replicas, and its copy of the weights.

    Attributes:
      device: str, the machine's.
      vectors: list of float32 `[B]`, one for each replica: its share of the `Update`.
    """

    def __init__(self, number, device, plan):
        """Describes machine `number`, of which 0 is the driver; `plan` is the `_Plan`."""
        self.device, self._plan = device, plan
        self._scope = f"Machine-{number}/" if number else ""

    def find(self, name):
        """The machine's tensor that has this name on the driver."""
        return tf1.get_default_graph().get_tensor_by_name(self._scope + name)

    def import_replicas(self, graph_def, driver):
        """Adds the replicas to the graph, and with them the machine's copy of the weights.

        What reads the text stays on the driver. So do the variables that are no weights: learning
        rate and global step.

        Args:
          graph_def: the driver's `GraphDef`, with the numbers of this machine's replicas in it.
          driver: str, its device.
        """
        weights = {name.partition(":")[0] for name in self._plan.weights}
        others = {node.name for node in graph_def.node if node.op == "VariableV2"} - weights
        reads = {n.name for n in graph_def.node if n.op == "Identity" and n.input[0] in others}
        part, inputs = util.part_of(graph_def, self._plan.names(), reads)
        for node in part.node:
            _, name = util.split_replica(node.name)
            device = driver if name.startswith(self._plan.text_scope) else self.device
            own = tf.DeviceSpec.from_string(node.device)
            node.device = tf.DeviceSpec.from_string(device).make_merged_spec(own).to_string()
        graph = tf1.get_default_graph()
        shared = {name: graph.get_tensor_by_name(f"{name}:0") for name in inputs}
        tf1.import_graph_def(part, input_map=shared, name=self._scope.rstrip("/"))

    def update(self):
        """What the machine's replicas subtract from the weights: their share of the mean."""
        with tf.device(self.device):
            self.vectors = [self._vector(updates) for updates in self._plan.dense]
            vector = self.vectors[0]
            if len(self.vectors) > 1:
                vector = tf.reduce_sum(tf.stack(self.vectors), axis=0)
            return Update(vector, [self._rows(*names) for names in self._plan.sparse])

    def _vector(self, updates):
        """What a replica subtracts from the weights that change as a whole."""
        changes = [
            self.find(rate) / self._plan.machines * tf.reshape(self.find(gradient), [-1])
            for _, rate, gradient in updates
        ]
        return tf.concat(changes, axis=0)

    def _rows(self, _, numbers, rows):
        """The numbers and rows of a sparse update, each number once.

        A GPU subtracts the rows of one number in any order, and rounds accordingly: then the copies
        would differ.
        """
        rows = self.find(rows) / self._plan.machines
        once = gradients.each_row_once(tf.IndexedSlices(rows, self.find(numbers)), at_least=0)
        return once.indices, once.values

    def subtract(self, update):
        """Subtracts an `Update` from the machine's weights; returns the operations."""
        plan, last = self._plan, dict[str, list]()
        weights = [name for name, _, _ in plan.dense[0]]
        sizes = [self.find(name).shape.num_elements() for name in weights]
        with tf.device(self.device), tf.control_dependencies(self._readers()):
            for name, piece in zip(weights, tf.split(update.vector, sizes)):
                weight = self.find(name)
                last[name] = [tf1.assign_sub(weight, tf.reshape(piece, weight.shape))]
            for (name, _, _), (numbers, rows) in zip(itertools.cycle(plan.sparse), update.rows):
                with tf.control_dependencies(last.get(name, [])):
                    last[name] = [tf1.scatter_sub(self.find(name), numbers, rows)]
        return [*itertools.chain(*last.values())]

    def _readers(self):
        """What must be done before the weights may change: all that reads them."""
        results = itertools.chain(*self._plan.collections.values())
        return [*self.vectors, *map(self.find, results)]

    def fingerprint(self):
        """A number for each of the machine's weights, uint8 `[weights, 8]`.

        Two copies that differ in a bit have another one, with near certainty.
        """
        with tf.device(f"{self.device}/device:CPU:0"):
            values = [tf.reshape(self.find(name), [1, -1]) for name in self._plan.weights.values()]
            return tf.concat([tf.fingerprint(value) for value in values], axis=0)


def _copy_weights(machines, plan):
    """Makes the initialization of local variables copy the driver's weights to all machines.

    A session initializes them after the driver's weights are initialized or restored. Each machine
    gets its copy from the one before, so that no link carries the weights twice.
    """
    for name, value_name in plan.weights.items():
        value = machines[0].find(value_name)
        for machine in machines[1:]:
            weights = machine.find(name)
            with tf.device(machine.device):
                copied = tf1.assign(weights, value)
                definition = variable_pb2.VariableDef(
                    variable_name=weights.name,
                    initial_value_name=value.name,
                    initializer_name=copied.op.name,
                    snapshot_name=machine.find(value_name).name,
                )
                value = tf.identity(copied)
            variable = tf1.Variable.from_proto(definition)
            tf1.add_to_collection(tf1.GraphKeys.LOCAL_VARIABLES, variable)


def _clip(machines, plan, updates, max_norm):
    """Clips the mean gradient as one machine does that computes all replicas' windows.

    Returns:
      `(updates, norm)`: the `Update` of each machine, and the gradient's norm.
    """
    (lr,) = tf1.get_collection("lr")
    # On the driver alone: another machine may add up in another order, and get another factor.
    squares = [2 * tf.nn.l2_loss(updates[0].vector)]
    for machine in machines:
        norms = map(machine.find, plan.collections[util.GRAD_NORM])
        for vector, norm in zip(machine.vectors, norms):
            # The rows count as they were before those of one number were added up: as what a
            # replica's norm has beside the vector.
            with tf.device(machine.device):
                vector_square = 2 * tf.nn.l2_loss(vector)
            squares.append(tf.square(lr * norm / plan.replicas) - vector_square)
    norm = tf.sqrt(tf.abs(tf.reduce_sum(tf.stack(squares))))  # if 0, perhaps rounded below it
    most = lr * max_norm
    factor = tf.math.divide_no_nan(most, tf.maximum(norm, most))
    clipped = []
    for machine, (vector, rows) in zip(machines, updates):
        with tf.device(machine.device):
            clipped.append(Update(factor * vector, [(n, factor * each) for n, each in rows]))
    return clipped, tf.math.divide_no_nan(norm, lr)


def _export(machines, plan, updates):
    """Puts what a session runs into the collections that have it for one machine.

    Args:
      machines: list of `_Machine`.
      plan: the `_Plan`.
      updates: list of the operations that change the weights.
    """
    results = []
    for key, names in plan.collections.items():
        tensors = [machine.find(name) for machine in machines for name in names]
        tf1.get_collection_ref(key)[:] = tensors
        results += tensors
    with tf.control_dependencies(updates):
        step = tf1.assign_add(tf1.train.get_global_step(), plan.replicas)
    tf1.get_collection_ref("train_op")[:] = [tf.group(step, *updates, *results)]
    tf1.get_collection_ref(FINGERPRINTS)[:] = [machine.fingerprint() for machine in machines]
