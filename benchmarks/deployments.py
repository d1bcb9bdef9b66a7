"""Size, perplexity and speed of a model in the programs that may run it: which one to take?

    pip install -r requirements-extras.txt -r benchmarks/requirements.txt
    python benchmarks/deployments.py --save_path=RUN --text=FILE

Every format computes one step for a batch, words and state in, probabilities and state out, with
one thread. The perplexity is that of the text's first lines, as one stream. The times are medians
of rounds in which the formats take turns, divided by TensorFlow's of the same rounds. A format
whose package is missing is left out, with a line that says so. Prints Markdown.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import neighbour_readers  # noqa: E402
import numpy as np  # noqa: E402
from arguments import path, positive  # noqa: E402

from program import messages, tensorflow_import  # noqa: E402

BATCHES = (1, 128)


class Deployment(NamedTuple):
    """A model opened by a program.

    Attributes:
      size: in bytes, of its weights as they are stored.
      step: takes int32 [batch] and float32 [batch, 2 * layers, hidden]; returns the probabilities
        of the next word, float32 [batch, vocabulary], and the state after the word.
    """

    size: int
    step: object


def size_of(place):
    """The bytes of a file, or of the files in a directory."""
    if os.path.isfile(place):
        return os.path.getsize(place)
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, names in os.walk(place) for f in names)


def tensorflow(trained, directory):
    """A SavedModel in TensorFlow."""
    from exported import saved_model

    saved_model.write(trained, directory)
    run, _ = neighbour_readers.open_tensorflow(directory, threads=1)

    def step(words, state):
        result = run("next_word", words=words, state=state)
        return result["probabilities"], result["next_state"]

    return Deployment(size_of(os.path.join(directory, "variables")), step)


def litert(trained, directory, quantize=None):
    """LiteRT, in float32 or with its matrices in 8 bit."""
    import ai_edge_litert  # noqa: F401  before the work

    from exported import files, lite, saved_model

    saved_model.write(trained, directory)
    file = f"{directory}.tflite"
    files.write_whole(file, lite.convert(directory, quantize))
    runner, _ = neighbour_readers.open_litert(file, threads=1)

    def step(words, state):
        result = runner(words=words, state=state)
        return result["probabilities"], result["next_state"]

    return Deployment(size_of(file), step)


def onnx(trained, directory, quantize=False):
    """ONNX in onnxruntime, in float32 or with its matrices in 8 bit, a scale for each column."""
    import onnxruntime  # noqa: F401  before the work

    from exported import onnx_models

    onnx_models.write(trained, directory)
    file = os.path.join(directory, "next_word.onnx")
    if quantize:
        from onnxruntime import quantization

        small = os.path.join(directory, "small.onnx")
        quantization.quantize_dynamic(
            file, small, per_channel=True, weight_type=quantization.QuantType.QInt8
        )
        file = small
    session, _ = neighbour_readers.open_onnx(file, threads=1)

    def step(words, state):
        return session.run(["probabilities", "next_state"], {"words": words, "state": state})

    return Deployment(size_of(file), step)


def openvino(trained, directory, precision):
    """A SavedModel in OpenVINO."""
    import openvino  # noqa: F401  before the work

    from exported import saved_model

    saved_model.write(trained, directory)
    properties = {"INFERENCE_PRECISION_HINT": precision} if precision else {}
    model, _ = neighbour_readers.open_openvino(directory, INFERENCE_NUM_THREADS=1, **properties)

    def step(words, state):
        result = model({"words": words, "state": state})
        return result["probabilities"], result["next_state"]

    return Deployment(size_of(os.path.join(directory, "variables")), step)


def torch(trained, directory):
    """PyTorch's nn.LSTM."""
    import torch

    from exported import arrays

    torch.set_num_threads(1)
    arrays.write_safetensors(trained, directory)
    model = neighbour_readers.open_torch(directory)

    def step(words, state):
        layers = torch.tensor(state).transpose(0, 1)
        c, h = layers[0::2].contiguous(), layers[1::2].contiguous()
        with torch.no_grad():
            inputs = model["embedding"](torch.tensor(words)[:, None])
            outputs, (h, c) = model["lstm"](inputs, (h, c))
            probabilities = model["linear"](outputs[:, 0]).softmax(-1)
        after = torch.stack([c, h], dim=1).flatten(0, 1).transpose(0, 1)
        return probabilities.numpy(), after.contiguous().numpy()

    return Deployment(size_of(os.path.join(directory, arrays.SAFETENSORS_FILE)), step)


DEPLOYMENTS = {
    "SavedModel, TensorFlow": tensorflow,
    "LiteRT": litert,
    "LiteRT, dynamic range": lambda *where: litert(*where, quantize="dynamic_range"),
    "ONNX, onnxruntime": onnx,
    "ONNX, 8 bit by column": lambda *where: onnx(*where, quantize=True),
    "OpenVINO, float32": lambda *where: openvino(*where, "f32"),
    "OpenVINO, as it comes": lambda *where: openvino(*where, ""),
    "PyTorch": torch,
}


def perplexity(step, words, state):
    """The perplexity of a stream of words, of which the first is read and not predicted."""
    total = 0.0
    for before, word in zip(words[:-1], words[1:]):
        probabilities, state = step(np.array([before], np.int32), state)
        with np.errstate(divide="ignore"):
            total -= np.log(np.float64(probabilities[0, word]))
    return np.exp(total / (len(words) - 1))


def time_steps(deployments, words, state, rounds):
    """Dict of name to the seconds of a step: the medians of rounds in which all take turns."""
    seconds = {name: [] for name in deployments}
    for _ in range(rounds + 1):
        for name, deployment in deployments.items():
            count, start = 0, time.perf_counter()
            while count < 3 or time.perf_counter() - start < 0.1:
                deployment.step(words, state)
                count += 1
            seconds[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}  # first: warm-up


def open_all(trained, temporary):
    """Dict of name to `Deployment`; says whose package is missing."""
    opened = {}
    for number, (name, make) in enumerate(DEPLOYMENTS.items()):
        try:
            opened[name] = make(trained, os.path.join(temporary, str(number)))
        except ImportError as error:
            messages.say(f"{name} is left out: {error}")
    return opened


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save_path", type=path, required=True)
    parser.add_argument("--text", type=path, required=True, help="a sentence a line")
    parser.add_argument("--lines", type=positive, default=400)
    parser.add_argument("--rounds", type=positive, default=9)
    arguments = parser.parse_args()
    tensorflow_import.import_tensorflow()
    import reader
    from trained import trained_model

    trained = trained_model.read(arguments.save_path)
    with open(arguments.text, encoding="utf-8") as file:
        lines = [[*line.split(), reader.END_OF_SENTENCE] for line in file][: arguments.lines]
    words, _, _ = reader.words_to_ids(lines, trained.word_to_id)
    state = np.zeros([1, 2 * trained.config.num_layers, trained.config.hidden_size], np.float32)
    with tempfile.TemporaryDirectory() as temporary:
        opened = open_all(trained, temporary)
        times = {}
        for batch in BATCHES:
            many = np.resize(np.asarray(words, np.int32), batch)
            times[batch] = time_steps(opened, many, state.repeat(batch, 0), arguments.rounds)
        print(f"{len(words) - 1} words of {arguments.text}. TensorFlow's step: ", end="")
        ours = {batch: next(iter(times[batch].values())) for batch in BATCHES}
        print(
            ", ".join(f"{t * 1e3:.2f} ms at batch {batch}" for batch, t in ours.items()),
            end=".\n\n",
        )
        print(f"| format | MB | perplexity | time, batch {' / '.join(map(str, BATCHES))} |")
        print("|---|---|---|---|")
        for name, deployment in opened.items():
            value = perplexity(deployment.step, words, state)
            ratios = " / ".join(f"{times[batch][name] / ours[batch]:.2f}" for batch in BATCHES)
            megabytes = deployment.size / 1e6
            print(f"| {name} | {megabytes:.2f} | {value:.3f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
