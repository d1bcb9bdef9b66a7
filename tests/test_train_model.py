"""The library's entry: training from Python, again and again in one process."""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_encoding

import configs
import ptb_word_lm
import reader
from graphs import ROOT, as_text, random_corpus, text_corpus, tiny_config
from program.errors import UserError
from trained import trained_model

CONFIG = tiny_config(max_max_epoch=2, keep_prob=0.8)


def test_calls_repeat_and_leave_nothing_behind():
    handler = signal.getsignal(signal.SIGINT)
    assert tf.executing_eagerly()
    results = [ptb_word_lm.train_model(CONFIG, random_corpus(), seed=3) for _ in range(2)]
    with concurrent.futures.ThreadPoolExecutor() as threads:
        results.append(
            threads.submit(ptb_word_lm.train_model, CONFIG, random_corpus(), seed=3).result()
        )
    assert results[0] == results[1] == results[2]
    assert [epoch.epoch for epoch in results[0][0]] == [1, 2]
    assert results[0] != ptb_word_lm.train_model(CONFIG, random_corpus(), seed=4)
    assert tf.executing_eagerly()
    assert signal.getsignal(signal.SIGINT) is handler
    assert not tf.compat.v1.get_default_graph().get_operations()


def test_a_run_is_continued(tmp_path, capsys):
    whole = ptb_word_lm.train_model(CONFIG, random_corpus())
    one_epoch = tiny_config(max_max_epoch=1, keep_prob=0.8)
    (first,), _ = ptb_word_lm.train_model(one_epoch, random_corpus(), str(tmp_path / "run"))
    (second,), test = ptb_word_lm.train_model(CONFIG, random_corpus(), str(tmp_path / "run"))
    assert ([first, second], test) == whole
    assert "continued after epoch 1" in capsys.readouterr().err


def test_a_path_may_be_a_path_of_pathlib(tmp_path):
    as_path, as_str = tmp_path / "a", str(tmp_path / "b")
    results = [ptb_word_lm.train_model(CONFIG, text_corpus(), path) for path in (as_path, as_str)]
    assert results[0] == results[1]
    assert trained_model.read(as_path).words == trained_model.read(as_str).words


WITHOUT_V2 = """
import sys
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
import ptb_word_lm, util
from graphs import random_corpus, tiny_config
config = tiny_config(max_max_epoch=1, sampled_softmax=5)
print(ptb_word_lm.train_model(config, random_corpus())[1])
metagraph, models = ptb_word_lm.build_metagraph(tiny_config(rnn_mode="cudnn"), random_corpus())
with tf.Graph().as_default():
    print(*util.import_models(metagraph, models))
"""


def test_a_program_without_tensorflow_2_s_behaviour_computes_the_same():
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_V2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, f"{ROOT}/tests"])},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    *_, test, names = process.stdout.splitlines()
    config = tiny_config(max_max_epoch=1, sampled_softmax=5)
    assert float(test) == ptb_word_lm.train_model(config, random_corpus())[1]
    assert names == "Train Valid Test"


def varint(number):
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


def test_no_file_of_a_run_holds_the_text(tmp_path):
    ids = np.random.default_rng(0).integers(20_000, 30_000, 300).astype(np.int32)
    corpus = reader.Corpus(ids, ids[100:], ids[200:], [f"word{i}" for i in range(30_000)])
    config = tiny_config(vocab_size=30_000, hidden_size=2, max_max_epoch=1)
    ptb_word_lm.train_model(config, corpus, str(tmp_path), summary_steps=1)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    kinds = {"index", "meta", "data-00000-of-00001", "pbtxt"} | {"txt", "json"}
    assert kinds <= {name.rpartition(".")[2] for name in files}
    assert any(name.startswith("events") for name in files)
    for start in range(0, 297, 3):  # three words next to one another, in any window
        words = ids[start : start + 3]
        forms = (
            words.tobytes(),
            words.astype(np.int64).tobytes(),
            b"".join(varint(int(word)) for word in words),
            b" ".join(b"%d" % word for word in words),
            text_encoding.CEscape(words.tobytes(), as_utf8=False).encode(),
        )
        assert not [name for name, text in files.items() if any(form in text for form in forms)]


def test_a_meta_file_is_evaluated_as_the_page_says(tmp_path, capsys):
    (tmp_path / "ptb").mkdir()
    made = text_corpus()
    for split in reader.SPLITS:
        text = as_text(getattr(made, split), made.words)
        (tmp_path / "ptb" / f"ptb.{split}.txt").write_text(text)
    corpus = reader.read_corpus(str(tmp_path / "ptb"))
    config = tiny_config(vocab_size=0, num_steps=20, max_max_epoch=1, batch_size=2)
    _, perplexity = ptb_word_lm.train_model(config, corpus, str(tmp_path / "run"))
    with open(os.path.join(ROOT, "docs", "understanding.md"), encoding="utf-8") as page:
        (program,) = re.findall(r"```python\n(import numpy.*?)```", page.read(), re.DOTALL)
    (path,) = tmp_path.glob("run/*.meta")
    for old, new in (
        ("runs/small/model.ckpt-30199", str(path.with_suffix(""))),
        ("runs/small", str(tmp_path / "run")),
        ("data/ptb", str(tmp_path / "ptb")),
    ):
        assert old in program
        program = program.replace(old, new)
    capsys.readouterr()
    exec(program, {})
    assert float(capsys.readouterr().out) == pytest.approx(perplexity, rel=1e-6)


def test_long_texts_leave_no_descriptor_and_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    corpus = random_corpus(num_words=2_000)
    before = os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else []
    for _ in range(3):
        ptb_word_lm.train_model(tiny_config(max_max_epoch=1), corpus)
    assert (os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else []) == before
    assert not list(tmp_path.iterdir())


def test_replicas_and_16_bits():
    epochs, test = ptb_word_lm.train_model(
        CONFIG, random_corpus(), dtype=tf.bfloat16, num_replicas=2, sample_words=0
    )
    assert len(epochs) == 2
    assert 25 < test < 35  # random words: nothing to learn


def test_a_vocabulary_below_the_ids_is_refused():
    with pytest.raises(configs.ConfigError, match="vocab_size is 20, but must be at least 30"):
        ptb_word_lm.train_model(tiny_config(vocab_size=20), random_corpus())


def test_a_class_of_the_tutorials_kind_trains():
    fields = {
        name: getattr(CONFIG, name) for name in vars(configs.SmallConfig()) if name != "rnn_mode"
    }
    assert ptb_word_lm.train_model(type("Old", (), fields), random_corpus()) == (
        ptb_word_lm.train_model(CONFIG, random_corpus())
    )


def test_a_text_too_short_is_one_line():
    corpus = random_corpus()._replace(valid=np.zeros(3, np.int32))
    with pytest.raises(UserError, match="ValidInput: a text of 3 words is too short"):
        ptb_word_lm.train_model(CONFIG, corpus)


def readme_block():
    """The Python lines of the README's section on a model of one's own."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        section = re.search(r"## A model of your own\n(.*?)\n## ", file.read(), re.DOTALL)[1]
    return re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]


def test_the_readmes_lines_give_the_same_numbers_each_time(tmp_path, monkeypatch, capsys):
    code = readme_block()
    path = re.search(r'read_corpus\("(.*?)"', code)[1]
    (tmp_path / path).mkdir(parents=True)
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(20)]
    for split, count in (("train", 300), ("valid", 80), ("test", 20)):
        lines = (" ".join(rng.choice(words, 6)) + " \n" for _ in range(count))
        (tmp_path / path / f"ptb.{split}.txt").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    printed = []
    for _ in range(2):
        exec(code, {})
        out = capsys.readouterr().out
        printed.append([line for line in out.splitlines() if "speed" not in line])
    assert printed[0] == printed[1]
    assert len(printed[0]) > 5
