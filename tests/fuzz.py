"""Gives everything that reads files, answers or TF_CONFIG damaged and foreign ones, at random.

    make fuzz
    python tests/fuzz.py --seconds=600 config archive

Each reader gets a minute in a process of its own, with little memory. An error that tells the user
what is wrong is what each is for. Anything else is a fault: another exception, a crash, an input
that takes seconds, memory beyond the bound. Hypothesis shrinks the input of an exception; that of
a crash is kept in a file. A fault that is mended goes into a test.
"""

import argparse
import contextlib
import functools
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import pathlib
import resource
import shutil
import signal
import socketserver
import sys
import tarfile
import tempfile
import threading
import time

import hypothesis
import numpy as np
from hypothesis import strategies

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "data")]
from program import errors, tensorflow_import  # noqa: E402

tensorflow_import.import_tensorflow()

import tensorflow as tf  # noqa: E402

import curves  # noqa: E402
import download_ptb  # noqa: E402
import graphs  # noqa: E402
import inspection  # noqa: E402
import prepare_text  # noqa: E402
import reader  # noqa: E402
import score  # noqa: E402
import shared  # noqa: E402
from saved import newest_checkpoint, reading, run_directory  # noqa: E402
from saved.progress import Progress  # noqa: E402
from text import nbest_lines, nbest_reader, preparation  # noqa: E402
from trained import (  # noqa: E402
    ranking,
    results,
    scoring,
    text_reader,
    trained_model,
)
from training import cluster, event_file  # noqa: E402

MEMORY = 1 << 30  # bytes more than at the start
LONGEST_SECS = 5  # for one input
MAX_LENGTH = 1 << 16  # of an input, bytes
EXAMPLES_AT_ONCE = 500
EXPECTED = (errors.UserError, shared.UserError, download_ptb.MirrorError)
CORPUS = graphs.text_corpus()
TOKENS = [
    *(b"", b"\0", b"\n", b"\r\n", b" ", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
    *(
        b".",
        b"-",
        b" ||| ",
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b"null",
        b'"',
        b"{",
        b"[",
        b"}",
        b"]",
        b",",
    ),
    *(b"<eos>", b"<unk>", "\u00a0\u0130".encode(), b"\x7f" * 8, b"\x80" * 8, b"9" * 5000),
]


class HangError(BaseException):
    """An input that takes too long; nothing but the fuzzer catches it."""


def damaged(*seeds):
    """A strategy of the seeds, bytes each, cut, doubled, overwritten, and with bytes put in."""
    edit = strategies.tuples(
        strategies.sampled_from(["cut", "double", "put", "overwrite"]),
        strategies.floats(0, 1),
        strategies.integers(0, 64) | strategies.integers(0, MAX_LENGTH),
        strategies.sampled_from(TOKENS) | strategies.binary(max_size=16),
    )

    def apply(seed, edits):
        for kind, place, length, new in edits:
            start = int(place * len(seed))
            piece = seed[start : start + length]
            if kind == "double":
                new = piece * 2
            elif kind == "put":
                piece = b""
            elif kind == "overwrite":
                piece = piece[: len(new)]
            seed = seed[:start] + (b"" if kind == "cut" else new) + seed[start + len(piece) :]
        return seed[: max(MAX_LENGTH, len(seeds[0]))]

    few = strategies.lists(edit, max_size=6)
    return strategies.builds(apply, strategies.sampled_from(seeds), few)


def json_values(*keys):
    """A strategy of JSON, bytes, whose objects have these keys and others."""
    scalars = strategies.one_of(
        strategies.none(),
        strategies.booleans(),
        strategies.integers(),
        strategies.floats(),
        strategies.text(max_size=8),
        strategies.sampled_from(["worker", "chief", "127.0.0.1:2222", "h:1", "float32", *keys]),
    )
    names = strategies.sampled_from(keys) | strategies.text(max_size=4)
    return strategies.recursive(
        scalars,
        lambda inner: strategies.lists(inner) | strategies.dictionaries(names, inner),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())


def saved_run(directory):
    """A run as training saves it: its files, name to bytes, and its description."""
    graphs.save_run(directory)
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    return files, reading.read_run(str(directory / "model.ckpt-7"))


def try_all(*functions):
    """Calls functions, any of which may say what is wrong."""
    for function in functions:
        with contextlib.suppress(*EXPECTED):
            function()


def corpus(directory):
    """The corpus of a training."""

    def attempt(content):
        for split in reader.SPLITS:
            (directory / f"ptb.{split}.txt").write_bytes(content)
        reader.read_corpus(directory, max_words=5)

    return damaged(b" a b <unk> N c \n d e \n" * 9, "\ufeffà b\r\n\r\n".encode(), b"a"), attempt


def prepare(directory):
    """Any text that is made a corpus."""
    source, out = directory / "source", str(directory / "out")

    def attempt(content):
        source.write_bytes(content)
        for level in (preparation.WORD, preparation.CHARACTER, None):
            with contextlib.suppress(*EXPECTED):
                sample, blocks = inspection.take_sample(str(source))
                if level is None:
                    level = inspection.detect_level({"source": sample})
                how = preparation.Preparation(level)
                prepare_text.write_corpus(prepare_text.read_sentences([blocks], how), out, how)
                reader.read_corpus(out)

    seeds = b'He said: "It\'s 1,000.5 (or so)." Then\n\n' * 30, b"a_b \t <s> <eos>\n" * 30
    other = (
        "\u0939\u093f\u0928\u094d\u0926\u0940\u0964 \u4e2d\u6587\u3002 e\u0301 \u0e44\u0e17\u0e22 "
    )
    return damaged(*seeds, other.encode() * 9), attempt


def prepared(directory):
    """The `ptb.preparation.json` of a corpus or a run."""
    how = preparation.Preparation(case="kept")
    preparation.write(how, directory)

    def attempt(content):
        (directory / preparation.FILE).write_bytes(content)
        found = preparation.read(directory)
        if found is not None:
            found.join(found.tokens_of_line("It's 1,000 of them."))

    keys = how.to_dict()
    with_rules = json_values(*keys).map(lambda value: b'{"rules": 1, ' + value.lstrip(b"{ "))
    return damaged(how.to_json().encode()) | json_values(*keys) | with_rules, attempt


def vocabulary(directory):
    """The `vocab.txt` of a run."""
    files, _ = saved_run(directory)

    def attempt(content):
        (directory / "vocab.txt").write_bytes(content)
        try_all(
            lambda: trained_model.read(str(directory)),
            lambda: run_directory.check_vocabulary(str(directory), CORPUS.words),
        )

    return damaged(files["vocab.txt"]), attempt


def config(directory):
    """The `config.json` of a run, beside a checkpoint that knows its run and one that does not."""
    files, run = saved_run(directory)
    path = str(directory / "model.ckpt-7")

    def attempt(content):
        (directory / "config.json").write_bytes(content)
        try_all(
            lambda: trained_model.read(str(directory)),
            lambda: run_directory.check_config(str(directory), run, path, run),
            lambda: run_directory.check_config(str(directory), run, path, None),
        )

    keys = json.loads(files["config.json"])
    return damaged(files["config.json"]) | json_values(*keys), attempt


def description(directory):
    """What a checkpoint says of its run, and `config.json` where it says nothing."""
    _, run = saved_run(directory)
    path = str(directory / "model.ckpt-7")
    saved = tf.train.load_checkpoint(path)
    values = {n: tf.constant(saved.get_tensor(n)) for n in saved.get_variable_to_shape_map()}

    def attempt(content):
        values[reading.RUN] = tf.constant(content)
        tf.raw_ops.SaveV2(
            prefix=path,
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(values.values()),
        )
        (directory / "config.json").write_bytes(content)
        try_all(
            lambda: trained_model.read(str(directory)),
            lambda: newest_checkpoint.choose(str(directory), run),
            lambda: reading.read_run(path),
        )

    seed = json.dumps(run).encode()
    return damaged(seed) | json_values(*run), attempt


def checkpoint(directory):
    """A checkpoint's two files; and checkpoints that are whole, with tensors of any kind."""
    files, _ = saved_run(directory)
    path = str(directory / "model.ckpt-7")
    names = ["model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"]
    variables = reading.read_shapes(path)
    arrays = strategies.builds(
        lambda dtype, shape: np.zeros(shape, dtype),
        strategies.sampled_from(["float32", "float16", "int64", "bool", "complex64", "S1"]),
        strategies.lists(strategies.integers(0, 9), max_size=3)
        | strategies.sampled_from([s for s in variables.values() if None not in s]),
    )
    tensors = strategies.dictionaries(
        strategies.sampled_from([*variables, "Model/lstm_params", "x"]), arrays, min_size=1
    )

    def attempt(content):
        if isinstance(content, dict):
            tf.raw_ops.SaveV2(
                prefix=path,
                tensor_names=list(content),
                shape_and_slices=[""] * len(content),
                tensors=[tf.constant(value) for value in content.values()],
            )
        else:
            for name, damage in zip(names, content):
                (directory / name).write_bytes(damage)
        reading.read_shapes(path)
        trained_model.read(str(directory))

    whole = [strategies.just(files[name]) for name in names]
    index = strategies.tuples(damaged(files[names[0]]), whole[1])
    data = strategies.tuples(whole[0], damaged(files[names[1]]))
    return index | data | tensors, attempt


def progress(_):
    """The string in a checkpoint that says how far training has come."""
    state = [np.full([4, 8], value, np.float32) for value in (0.1, -2, 1e-30, 3)]
    seeds = [Progress(3, 17, 0.3, state).to_bytes(), Progress().to_bytes()]
    numbers = strategies.floats() | strategies.integers(-9, 9)
    arrays = strategies.lists(
        strategies.builds(np.full, strategies.lists(strategies.integers(0, 9), max_size=3), numbers)
        | strategies.lists(numbers, min_size=3, max_size=3).map(np.array)
    )

    def saved(values):
        file = io.BytesIO()
        np.savez(file, *values)
        return file.getvalue()

    return damaged(*seeds) | arrays.map(saved), Progress.from_bytes


FILES = {f"ptb.{split}.txt": f" {split} \n".encode() * 99 for split in reader.SPLITS}
KNOWN = {
    name: download_ptb.File(len(content), hashlib.sha256(content).hexdigest())
    for name, content in FILES.items()
}


def tar_of_files(file_format=tarfile.USTAR_FORMAT, **options):
    """An archive, not compressed, of the three files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=file_format, **options) as tar:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"{'x' * 120}/data/{name}" if options else f"data/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def archive(directory):
    """The archive of a download."""
    out, part = directory / "out", directory / "part"
    tars = [
        tar_of_files(),
        tar_of_files(tarfile.GNU_FORMAT, encoding="utf-8"),
        tar_of_files(tarfile.PAX_FORMAT, pax_headers={"comment": "x", "GNU.sparse.size": "9"}),
    ]

    def attempt(content):
        part.write_bytes(content)
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        download_ptb._unpack(part, out, KNOWN)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == FILES

    return damaged(*map(gzip.compress, tars)) | damaged(*tars).map(gzip.compress), attempt


def answer(directory):
    """What a server of a download answers."""
    current = [b""]

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            with contextlib.suppress(OSError):
                self.wfile.write(current[0])

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/ptb"
    body = FILES["ptb.train.txt"]
    chunks = b"3\r\n tr\r\n5;x=y\r\nain \n\r\n0\r\nX: y\r\n\r\n"

    def attempt(content):
        current[0] = content.replace(b"PORT", str(server.server_address[1]).encode())
        for path in directory.iterdir():
            path.unlink()
        download_ptb.download(str(directory), [url, f"{url}.tgz"], KNOWN, window=2)

    return damaged(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
        b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:PORT/ptb\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3-9/10\r\n\r\nx",
        b"HTTP/1.1 416 Range Not Satisfiable\r\n\r\n",
    ), attempt


def events(directory):
    """The event files of a run, as `curves.py` reads them."""
    with tf.Graph().as_default(), event_file.EventFile(str(directory), 0) as written:
        for step in (1, 2):
            written.write(step, train_perplexity=9.0, valid_perplexity=8.0, test_perplexity=7.0)
    (path,) = directory.glob("events*")

    def attempt(content):
        path.write_bytes(content)
        curves.read_curve(str(directory))

    return damaged(path.read_bytes()), attempt


def tf_config(_):
    """`TF_CONFIG`."""
    seed = {
        "cluster": {"chief": ["10.0.0.1:2222"], "worker": ["10.0.0.2:2222", "[::1]:2222"]},
        "task": {"type": "worker", "index": 0},
        "environment": "cloud",
    }
    keys = ("cluster", "task", "type", "index", "worker", "chief", "ps", "rpc_layer", "0")

    def attempt(content):
        environment = content.replace(b"\0", b"").decode(errors="surrogateescape")
        os.environ["TF_CONFIG"] = environment
        cluster.from_environment()

    tasks = json_values(*keys).map(lambda task: json.dumps(seed)[:-1].encode() + task[1:])
    return damaged(json.dumps(seed).encode()) | json_values(*keys) | tasks, attempt


class UniformScorer:
    """Gives every word the same probability."""

    def score(self, first, targets, state=None):
        assert np.shape(first) == targets.shape[1:]
        return np.where(targets >= 0, np.float32(-1), np.float32(0)), state

    def begin_tree(self, tree):
        return lambda: np.full(len(tree.nodes), -1, np.float32)


def score_formats(directory):
    """The texts, lists and scores that `score.py` reads, and the rows that it writes of them."""
    path, word_to_id = directory / "text", {"<unk>": 0, "<eos>": 1, "a": 2, "b": 3}

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    def check(lists, as_json):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            score.write_lists(lists, as_json)
        if as_json:
            for line in out.getvalue().split("\n")[:-1]:
                json.loads(line, parse_constant=refuse)

    def try_text(by_itself, raw):
        how = preparation.Preparation()
        text = text_reader.TextReader(word_to_id, how, raw)
        blocks = text.read([str(path)] * 2, by_itself)
        scored = scoring.score_pieces(blocks, UniformScorer(), word_to_id, by_itself)
        check([(None, results.rows(scored, word_to_id, verbose=True))], as_json=True)
        text.report()

    def try_lists(form, weight):
        text = text_reader.TextReader(word_to_id, None, False, form)
        blocks = text.read([str(path)], True)
        scored = scoring.score_pieces(blocks, UniformScorer(), word_to_id, True)
        scores = score.read_scores(str(path)) if form == nbest_lines.KALDI and weight else None
        how = ranking.Ranking(lm_weight=weight, scores=scores)
        check(ranking.ranked_rows(scored, how), as_json=True)

    def attempt(content):
        path.write_bytes(content)
        try_all(
            lambda: try_text(False, True),
            lambda: try_text(True, False),
            *(
                functools.partial(try_lists, form, weight)
                for form in (*nbest_lines.FORMATS, nbest_reader.GUESS)
                for weight in (None, 0.5)
            ),
        )

    return damaged(
        b"a b c\n\na <unk> \n\xc3\xa4 b",
        b"a" * 70_000,
        b"0 ||| a b ||| LM: -1.5 TM: 2e3 ||| -3.25\n0 ||| b ||| -1\n1 ||| a ||| 7",
        b"utt-1-1 a b 3\nutt-1-2 b 0.5\nutt-2-1 a -1e3",
        b"S-0\ta\nH-0\t-0.5\ta b\nD-0\t-0.5\ta b\nH-0\t-1e1\tb",
        b'{"id": "u", "text": "a b", "score": -1.5}\n{"id": "u", "text": ["b"], "score": null}',
    ), attempt


READERS = {
    function.__name__: function
    for function in (
        *(corpus, prepare, prepared, vocabulary, config, description, checkpoint, progress),
        *(archive, answer, events, tf_config, score_formats),
    )
}


def _stop(*_):
    raise HangError(f"more than {LONGEST_SECS} seconds")


def _limit_memory():
    with open("/proc/self/statm") as file:
        in_use = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))


def run(name, seconds, directory, kept):
    """Tries a reader; called in a process of its own.

    Args:
      name: which of `READERS`.
      seconds: for how long.
      directory: a `pathlib.Path` for it to work in.
      kept: path of the file that holds the current input.
    """
    strategy, attempt = READERS[name](directory)
    signal.signal(signal.SIGALRM, _stop)
    num_inputs = 0

    @hypothesis.settings(
        max_examples=EXAMPLES_AT_ONCE,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @hypothesis.given(strategy)
    def try_one(content):
        nonlocal num_inputs
        num_inputs += 1
        kept.write_bytes(content if isinstance(content, bytes) else repr(content).encode())
        signal.alarm(LONGEST_SECS)
        try:
            attempt(content)
        except EXPECTED as error:
            assert "\n" not in str(error), f"more than one line: {error}"
        finally:
            signal.alarm(0)

    _limit_memory()
    started = time.monotonic()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        while time.monotonic() < started + seconds:
            try_one()
    print(f"{name}: {num_inputs} inputs in {time.monotonic() - started:.0f} s", flush=True)


def main():
    """Runs the command line; the exit status is the number of readers with a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", help=f"which of {', '.join(READERS)}; else all")
    parser.add_argument("--seconds", type=float, default=60, help="for each")
    arguments = parser.parse_args()
    if unknown := set(arguments.readers) - set(READERS):
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(READERS)}")
    faults = 0
    for name in arguments.readers or READERS:
        with tempfile.TemporaryDirectory() as directory:
            (kept := pathlib.Path(directory, "input")).touch()
            (place := pathlib.Path(directory, "place")).mkdir()
            process = multiprocessing.get_context("fork").Process(
                target=run, args=(name, arguments.seconds, place, kept)
            )
            process.start()
            process.join(arguments.seconds + 120)
            if process.exitcode != 0:
                faults += 1
                process.kill()
                path = os.path.join(tempfile.gettempdir(), f"fuzz-{name}")
                shutil.copy(kept, path)
                ending = "went on and on" if process.exitcode is None else f"{process.exitcode}"
                print(f"{name}: FAULT: status {ending}; the last input is {path}", flush=True)
    sys.exit(faults)


if __name__ == "__main__":
    main()
