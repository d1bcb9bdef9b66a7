"""The program as a user starts it: what it prints, what it saves, how it fails.

In real processes where that makes a difference (signals, streams, a lock), else in this one.
"""

import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import test_util

import curves
import ptb_word_lm
import score
from graphs import ROOT, clean_environment, run_here
from program import tensorflow_import
from saved import finding, progress

NUMBER = r"\d+\.\d{3}"
PROGRESS = rf"{NUMBER} perplexity: {NUMBER} speed: \d+ wps"
VOCABULARY = [f"word{i}" for i in range(20)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    for split, sentences in (("train", 300), ("valid", 20), ("test", 20)):
        lines = (" ".join(rng.choice(VOCABULARY, 6)) + " \n" for _ in range(sentences))
        (directory / f"ptb.{split}.txt").write_text("".join(lines))
    return directory


def program(*arguments, config=None, **options):
    """Runs the command line; `config` holds hyperparameters to change."""
    command = [sys.executable, "ptb_word_lm.py", *arguments, *as_flags(config)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), **options)


def as_flags(config):
    return [f"--{name}={value}" for name, value in (config or {}).items()]


def ignore_hangup():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def run(*arguments, **options):
    process = program(*arguments, **options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def here(*arguments, config=None):
    """As `run`, in this process."""
    return run_here(ptb_word_lm, *arguments, *as_flags(config))


def test_a_whole_run(corpus, tmp_path):
    save_path = tmp_path / "run"
    status, out, err = run(f"--data_path={corpus}", "--model=test", f"--save_path={save_path}")
    assert (status, err) == (0, "")
    first, *progress, train, valid, test = out.splitlines()
    assert first == "Epoch: 1 Learning rate: 1.000"
    assert 10 <= len(progress) <= 11
    assert all(re.fullmatch(PROGRESS, line) for line in progress)
    assert re.fullmatch(f"Epoch: 1 Train Perplexity: {NUMBER}", train)
    assert re.fullmatch(f"Epoch: 1 Valid Perplexity: {NUMBER}", valid)
    assert re.fullmatch(f"Test Perplexity: {NUMBER}", test)

    step = (300 * 7 // 20 - 1) // 2
    files = set(os.listdir(save_path))
    assert {"checkpoint", "graph.pbtxt", "vocab.txt", "config.json"} <= files
    assert f"model.ckpt-{step}.index" in files
    words = (save_path / "vocab.txt").read_text().splitlines()
    assert sorted(words) == sorted([*VOCABULARY, "<eos>"])
    assert words[0] == "<eos>"
    config = json.loads((save_path / "config.json").read_text())
    assert (config["hidden_size"], config["vocab_size"]) == (2, 21)
    scalars = read_scalars(save_path)
    assert f"{scalars['train_perplexity', step]:.3f}" == train.split()[-1]
    assert f"{scalars['valid_perplexity', step]:.3f}" == valid.split()[-1]
    assert f"{scalars['test_perplexity', step]:.3f}" == test.split()[-1]
    assert scalars["learning_rate", step] == 1.0


def read_scalars(save_path):
    return {
        (value.tag, event.step): value.simple_value
        for path in save_path.glob("events.out.tfevents.*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }


def epoch_lines(out):
    return [line for line in out.splitlines() if "speed" not in line]


def test_a_second_start_continues_as_if_it_had_been_one(corpus, tmp_path):
    epochs = {"max_epoch": 1, "max_max_epoch": 3, "keep_prob": 0.5, "hidden_size": 8}
    arguments = [f"--data_path={corpus}", "--model=test", "--seed=3"]
    _, whole, _ = here(*arguments, f"--save_path={tmp_path / 'whole'}", config=epochs)
    save_path = tmp_path / "in_parts"
    arguments.append(f"--save_path={save_path}")
    _, first, err = here(*arguments, config={**epochs, "max_max_epoch": 2})
    assert err == ""
    status, second, err = here(*arguments, config=epochs)
    assert status == 0
    assert re.fullmatch(rf"{save_path}/model\.ckpt-\d+: continued after epoch 2\n", err)
    assert epoch_lines(second)[0] == "Epoch: 3 Learning rate: 0.250"
    assert epoch_lines(first)[:-1] + epoch_lines(second) == epoch_lines(whole)
    _, third, _ = here(*arguments, config=epochs)
    assert epoch_lines(third) == epoch_lines(whole)[-1:]

    status, _, err = here(*arguments, config={**epochs, "hidden_size": 9})
    assert status == 1
    assert err == (
        f"ptb_word_lm.py: {finding.list_newest_first(str(save_path))[0]}: hidden_size was 8 "
        "and now is 9; continue with the old one, or choose another --save_path\n"
    )


FOUR_EPOCHS = {"max_max_epoch": 4, "keep_prob": 0.5, "hidden_size": 8}


@pytest.fixture(scope="module")
def whole_run(corpus, tmp_path_factory):
    """What a run of four epochs that nothing interrupts saves, and prints."""
    save_path = tmp_path_factory.mktemp("whole")
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={save_path}"]
    return save_path, here(*arguments, config=FOUR_EPOCHS)[1]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_after_a_signal_the_next_start_goes_on_as_if_there_had_been_none(
    corpus, whole_run, tmp_path, name
):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    arguments.append("--save_every_secs=0.1")
    # Without a buffer: `communicate` would miss what `readline` has left in it.
    process = program(*arguments, config=FOUR_EPOCHS, text=False, bufsize=0)
    first = [process.stdout.readline() for _ in range(16)]  # amid the second epoch
    process.send_signal(getattr(signal, name))
    rest, err = process.communicate(timeout=300)
    first, rest, err = b"".join(first).decode(), rest.decode(), err.decode()
    newest = finding.list_newest_first(str(tmp_path))[0]
    if name == "SIGKILL":
        assert (process.returncode, err) == (-signal.SIGKILL, "")
    else:
        assert process.returncode == 128 + getattr(signal, name)
        expected = f"ptb_word_lm.py: stopped by {name}; the newest checkpoint is {newest}\n"
        assert err == expected
    status, second, err = here(*arguments, config=FOUR_EPOCHS)
    assert status == 0
    assert err.startswith(f"{newest}: continued after epoch ")
    whole_path, whole = whole_run
    assert lines_without_speed(first + rest + second) == lines_without_speed(whole)
    assert_same_weights(whole_path, tmp_path)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_nohup_is_respected(corpus):
    arguments = [f"--data_path={corpus}", "--model=test"]
    process = program(*arguments, config={"max_max_epoch": 3}, preexec_fn=ignore_hangup)
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")


def lines_without_speed(out):
    """Without the lines, too, that a continued epoch prints again."""
    return list(dict.fromkeys(line.split(" speed")[0] for line in out.splitlines()))


def assert_same_weights(one, other):
    paths = [finding.list_newest_first(str(path))[0] for path in (one, other)]
    readers = [tf.train.load_checkpoint(path) for path in paths]
    names = readers[0].get_variable_to_shape_map()
    assert names == readers[1].get_variable_to_shape_map()
    for name in names:
        values = [reader.get_tensor(name) for reader in readers]
        if name == progress.PROGRESS:
            values = [progress.Progress.from_bytes(value) for value in values]
            assert values[0] == values[1]
        else:
            np.testing.assert_array_equal(*values, err_msg=name)


def test_many_signals_at_once_are_answered_by_one_line(corpus):
    name = "SIGHUP" if hasattr(signal, "SIGHUP") else "SIGTERM"
    process = program(f"--data_path={corpus}", "--model=test", config={"max_max_epoch": 1000})
    process.stdout.readline()
    for _ in range(200):
        process.send_signal(getattr(signal, name))
        time.sleep(0.0005)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + getattr(signal, name)
    assert err == f"ptb_word_lm.py: stopped by {name}; nothing is saved without --save_path\n"


@pytest.mark.parametrize(
    ("machine", "chosen", "expected"),
    [
        ("x86_64", None, "1"),
        ("AMD64", None, "1"),
        ("x86_64", "0", "0"),
        ("aarch64", None, None),
        ("aarch64", "1", "1"),
    ],
)
def test_onednn_is_on_where_it_was_measured(monkeypatch, machine, chosen, expected):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen or "")
    if chosen is None:
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    tensorflow_import.turn_on_onednn()
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == expected


def test_tensorflow_computes_with_the_kernels_that_were_chosen():
    chosen = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    if chosen is None:
        pytest.skip("TensorFlow chooses by itself on this kind of processor")
    assert test_util.IsMklEnabled() == (chosen == "1")


def test_an_interrupt_that_the_import_would_take_for_an_error_ends_the_program(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os, signal\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    while True: pass\n"
        "except KeyboardInterrupt:\n"
        "    raise ImportError('initialization failed')\n"
    )
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "from program import tensorflow_import; tensorflow_import.import_tensorflow()",
        ],
        env=clean_environment() | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert (process.returncode, process.stdout, process.stderr) == (130, "", "")


def test_an_interrupt_before_training_is_one_line(tmp_path):
    os.mkfifo(tmp_path / "ptb.train.txt")
    for split in ("valid", "test"):
        (tmp_path / f"ptb.{split}.txt").touch()
    process = program(f"--data_path={tmp_path}")
    # Waits until the program reads it. The text goes on and on: a signal that comes right before
    # the system is asked for more is noticed when that returns, and not before.
    with (
        open(tmp_path / "ptb.train.txt", "wb", buffering=0) as text,
        contextlib.suppress(BrokenPipeError),
    ):
        process.send_signal(signal.SIGINT)
        for _ in range(100):
            text.write(b"word " * 100_000)
    _, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (130, "ptb_word_lm.py: stopped by SIGINT\n")


def test_a_second_process_in_the_same_directory_is_refused(corpus, tmp_path):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    process = program(*arguments, config={"max_max_epoch": 1000})
    process.stdout.readline()
    status, _, err = here(*arguments)
    assert status == 1
    assert f"process {process.pid} is training in it" in err
    assert err.count("\n") == 1
    process.kill()
    process.communicate()
    assert here(*arguments)[0] == 0  # the dead one's lock does not block


def test_numbers_that_go_wrong_stop_the_run(corpus, tmp_path):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    change = {"max_grad_norm": 1e38, "lr_decay": 1e30}
    assert here(*arguments, config=change)[0] == 0
    newest = finding.list_newest_first(str(tmp_path))[0]
    status, out, err = here(*arguments, config={**change, "max_max_epoch": 3})
    assert status == 1
    assert "Epoch: 2 Train" not in out
    *_, message = err.splitlines()
    assert re.match(r"ptb_word_lm.py: epoch 2, step \d+, learning rate 1e\+30: ", message)
    assert f"the newest checkpoint is {newest};" in message
    assert finding.list_newest_first(str(tmp_path))[0] == newest


def test_a_perplexity_that_explodes_is_warned_of_once(corpus):
    change = {"max_max_epoch": 4, "max_grad_norm": 100, "lr_decay": 30.0}
    status, _, err = here(f"--data_path={corpus}", "--model=test", config=change)
    assert status == 0
    assert err.count("\n") == 1
    assert re.match(r"Epoch: [234] (Train|Valid) Perplexity: .* is far above", err)


def test_first_steps_that_are_too_long_are_warned_of_at_once(corpus):
    change = {"learning_rate": 30.0, "max_grad_norm": 100}
    status, _, err = here(f"--data_path={corpus}", "--model=test", config=change)
    assert (status, err.count("\n")) == (0, 1)
    first = r"Epoch: 1 Train Perplexity: .* is far above .* with a smaller --max_grad_norm"
    assert re.match(first, err)


@pytest.mark.parametrize("arguments", [["--use_fp16"], ["--rnn_mode=basic"], ["--schedule=paper"]])
def test_variants_run(corpus, arguments):
    status, out, err = here(f"--data_path={corpus}", "--model=test", *arguments)
    assert (status, err) == (0, "")
    assert float(out.split()[-1]) == pytest.approx(19.8, abs=0.2)  # of 21 words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=tiny"], "flag --model=tiny: value should be one of <small|medium|large|test>"),
        (["--num_gpus=two"], "flag --num_gpus=two"),
        (["--num_gpus=-1"], "flag --num_gpus=-1"),
        (["--no_such_flag"], "Unknown command line flag 'no_such_flag'"),
        (["--data_path={corpus}", "text"], "text is not a flag"),
        (["--model=test"], "--data_path=None: name the directory"),
        (["--data_path={corpus}", "--eval_only"], "--save_path: name what training saved"),
        (["--data_path={corpus}", "--eval_only", "--save_path=/nowhere"], "/nowhere: no such"),
        (["--data_path=/nowhere"], "/nowhere/ptb.train.txt: no such file"),
        (["--data_path={corpus}", "--num_gpus=64"], "--num_gpus=64: TensorFlow can use "),
        (["--data_path={corpus}", "--use_fp16", "--use_bf16"], "choose one of the two"),
        (["--data_path={corpus}", "--rnn_mode=cudnn", "--num_gpus=0"], "--rnn_mode=cudnn: needs"),
        (["--data_path={corpus}", "--model=medium"], "ValidInput: a text of 140 words is too"),
        (["--data_path={corpus}", "--model=test", "--save_path={corpus}/ptb.test.txt"], "File exi"),
        (["--data_path={corpus}", "--model=test", "--save_path={corpus}/[1]"], "name has [;"),
        (["--data_path={corpus}", "--eval_only", "--save_path={corpus}/a[1]"], "name has [;"),
        (
            ["--data_path={corpus}", "--model=test", "--save_path=\udce9"],
            "--save_path=\\udce9: is not UTF-8",
        ),
        (["--data_path={corpus}", "--save_every_secs=nan"], "must be a number"),
        (["--data_path={corpus}", "--seed=2147483647"], "flag --seed=2147483647"),
    ],
)
def test_a_request_that_cannot_be_met_gets_one_line(corpus, arguments, message):
    status, out, err = here(*(argument.format(corpus=corpus) for argument in arguments))
    assert status == 1
    assert out == ""
    assert err.startswith("ptb_word_lm.py: ")
    assert message in err
    assert err.count("\n") == 1


def test_another_vocabulary_is_refused(corpus, tmp_path):
    data, save_path = tmp_path / "data", tmp_path / "run"
    shutil.copytree(corpus, data)
    arguments = [f"--data_path={data}", "--model=test", f"--save_path={save_path}"]
    assert here(*arguments)[0] == 0
    checkpoint = (save_path / "checkpoint").read_text()
    for path in data.iterdir():
        path.write_text(path.read_text().replace("word1 ", "other "))
    status, _, err = here(*arguments)
    assert status == 1
    assert "vocab.txt: is another vocabulary" in err
    assert err.count("\n") == 1
    assert (save_path / "checkpoint").read_text() == checkpoint


@pytest.fixture(scope="module")
def finished_run(corpus, tmp_path_factory):
    """A run of two epochs, saved, and what its continuation to three prints."""
    save_path = tmp_path_factory.mktemp("finished") / "run"
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={save_path}"]
    assert here(*arguments, config={"max_max_epoch": 2})[0] == 0
    return save_path


def test_eval_only_prints_what_training_printed_last(corpus, finished_run, tmp_path):
    save_path, held_out = tmp_path / "run", tmp_path / "held_out"
    shutil.copytree(finished_run, save_path)
    arguments = [f"--data_path={corpus}", f"--save_path={save_path}"]
    *_, valid, test = epoch_lines(here(*arguments, "--model=test", config={"max_max_epoch": 3})[1])
    shutil.copytree(corpus, held_out)
    (held_out / "ptb.train.txt").unlink()
    arguments = [f"--data_path={held_out}", f"--save_path={save_path}", "--eval_only"]
    status, out, err = here(*arguments)
    assert (status, err) == (0, "")
    assert out.splitlines() == [valid.removeprefix("Epoch: 3 "), test]


@pytest.mark.parametrize(
    ("flag", "answer"),
    [
        ("--batch_size=1", 0),  # it changes Valid's streams
        ("--num_steps=99", "ValidInput: a text of 140 words is too short for one window"),
        ("--vocab_size=3", "has vocab_size 21"),
        ("--hidden_size=3", "has hidden_size 2"),
        ("--learning_rate=3", "--eval_only does not use --learning_rate"),
    ],
)
def test_eval_only_uses_a_flag_or_says_that_it_does_not(corpus, finished_run, flag, answer):
    arguments = [f"--data_path={corpus}", f"--save_path={finished_run}", "--eval_only"]
    _, expected, _ = here(*arguments)
    status, out, err = here(*arguments, flag)
    if answer:
        assert answer in err and err.count("\n") == 1
    else:
        assert (status, err) == (0, "") and out != expected


def test_a_text_that_writes_its_eos_is_read_alike_by_all(corpus, tmp_path):
    data = shutil.copytree(corpus, tmp_path / "data")
    for path in data.iterdir():
        path.write_text(path.read_text().replace("\n", "<eos>\n"))
    arguments = ["--model=test", f"--save_path={tmp_path / 'run'}"]
    _, out, _ = here(f"--data_path={corpus}", *arguments)
    status, again, err = here(f"--data_path={data}", *arguments)
    assert (status, again.splitlines()[-1]) == (0, out.splitlines()[-1])
    assert "taken for a sentence's beginning or end, not for words: <eos> (300)" in err
    flags = [f"--save_path={tmp_path / 'run'}", f"--text={data / 'ptb.test.txt'}"]
    status, scored, _ = run_here(score, *flags)
    assert f"{float(scored.split()[-1]):.3f}" == out.split()[-1]


def test_the_events_have_what_was_printed_and_a_text_of_each_epoch(corpus, tmp_path):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    outs = [here(*arguments, config={"max_max_epoch": epochs})[1] for epochs in (1, 2)]
    printed = [float(line.split()[-1]) for line in "".join(outs).splitlines() if "Perp" in line]
    curve = curves.read_curve(str(tmp_path))  # of a run that was continued
    train_1, valid_1, _, train_2, valid_2, test = printed
    expected = [train_1, train_2, valid_1, valid_2, test]
    assert [*curve.train, *curve.valid, curve.test] == pytest.approx(expected, abs=1e-3)
    paths = sorted(tmp_path.glob("events.*"))
    events = [event for path in paths for event in curves.read_events(str(path))]
    values = [value for event in events for value in event.summary.value]
    texts = [tf.make_ndarray(v.tensor).item() for v in values if v.tag == "sample"]
    assert len(texts) == 2 and all(text.startswith(b"    ") for text in texts)


def test_a_text_without_line_ends_is_trained_on_and_not_sampled(tmp_path):
    for split, count in (("train", 400), ("valid", 60), ("test", 20)):
        (tmp_path / f"ptb.{split}.txt").write_text("one two " * count)
    arguments = [f"--data_path={tmp_path}", "--model=test", f"--save_path={tmp_path / 'run'}"]
    status, out, err = here(*arguments, config={"max_max_epoch": 2})
    assert status == 0
    assert epoch_lines(out)[-1].startswith("Test Perplexity")
    said, samples = err.splitlines()
    assert "ptb.train.txt: has no line ends" in said
    assert re.fullmatch("no more samples: .* has no <eos>.*; training goes on", samples)


def newest(save_path, suffix):
    paths = save_path.glob(f"model.ckpt-*{suffix}")
    return max(paths, key=lambda path: int(re.search(r"ckpt-(\d+)", path.name)[1]))


def damage_data(save_path):
    path = newest(save_path, ".data-00000-of-00001")
    path.write_bytes(path.read_bytes()[:100])


def damage_index(save_path):
    path = newest(save_path, ".index")
    path.write_bytes(path.read_bytes()[:20])


def lose_data(save_path):
    newest(save_path, ".data-00000-of-00001").unlink()


@pytest.mark.parametrize("damage", [damage_data, damage_index, lose_data])
def test_a_damaged_checkpoint_is_named_and_the_one_before_continued(
    corpus, finished_run, tmp_path, damage
):
    save_path = tmp_path / "run"
    shutil.copytree(finished_run, save_path)
    damaged = newest(save_path, ".index").with_suffix("")
    older = finding.list_newest_first(str(save_path))[1]
    damage(save_path)
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={save_path}"]
    status, out, err = here(*arguments, config={"max_max_epoch": 2})
    assert status == 0
    assert epoch_lines(out)[0].startswith("Epoch: 2 ")
    first, second = err.splitlines()
    assert first.startswith(f"{damaged}: is damaged: ")
    assert first.endswith("; trying the one before")
    assert second == f"{older}: continued after epoch 1"


@pytest.mark.parametrize("content", ["", 'model_checkpoint_path: "model.ckpt-7"', "nonsense"])
def test_the_checkpoint_file_is_not_needed(corpus, finished_run, tmp_path, content):
    save_path = tmp_path / "run"
    shutil.copytree(finished_run, save_path)
    (save_path / "checkpoint").write_text(content)
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={save_path}"]
    status, _, err = here(*arguments, config={"max_max_epoch": 2})
    path = finding.list_newest_first(str(save_path))[0]
    *said, continued = err.splitlines()
    assert (status, continued) == (0, f"{path}: continued after epoch 2")
    is_named = "ckpt-7" in content
    assert ["names model.ckpt-7, which is not there" in line for line in said] == [True] * is_named


def test_a_lost_vocabulary_is_made_again_as_the_run_had_it(corpus, tmp_path):
    save_path = tmp_path / "run"
    arguments = [f"--data_path={corpus}", f"--save_path={save_path}"]
    status, out, _ = here(*arguments, "--model=test", "--vocab_size=7")
    assert status == 0
    (save_path / "vocab.txt").unlink()
    status, evaluated, err = here(*arguments, "--eval_only")
    assert status == 0, err
    assert evaluated.splitlines()[-1] == out.splitlines()[-1]


def test_lost_and_foreign_checkpoints_are_refused(corpus, finished_run, tmp_path):
    save_path = tmp_path / "run"
    shutil.copytree(finished_run, save_path)
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={save_path}"]
    (save_path / "config.json").unlink()
    checkpoint = str(next(save_path.glob("*.index"))).removesuffix(".index")
    status, _, err = here(*arguments[:2], f"--save_path={checkpoint}")
    assert status == 1
    assert f"--save_path={checkpoint}: is a checkpoint; name its directory" in err
    assert not os.path.exists(checkpoint)
    status, _, err = here(*arguments, config={"hidden_size": 3})
    assert status == 1
    newest = finding.list_newest_first(str(save_path))[0]
    assert f"{newest}: hidden_size was 2 and now is 3; continue" in err
    assert err.count("\n") == 1
    for path in save_path.glob("model.ckpt-*"):
        path.unlink()
    assert not (save_path / "config.json").exists()  # the refused run did not claim the directory
    status, _, err = here(*arguments)
    assert status == 1
    assert err == (
        f"ptb_word_lm.py: {save_path}: no checkpoint is whole; restore one, or choose another "
        "--save_path\n"
    )


def test_a_save_that_fails_is_said_and_training_goes_on(corpus, tmp_path):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    step = (300 * 7 // 20 - 1) // 2
    blocked = tmp_path / f"model.ckpt-{step}.index" / "in the way"
    blocked.mkdir(parents=True)
    status, out, err = here(*arguments, config={"max_max_epoch": 2})
    assert status == 0
    assert epoch_lines(out)[-1].startswith("Test Perplexity")
    assert f"model.ckpt-{step}: cannot be written: " in err
    assert err.endswith("; training goes on\n")
    assert (tmp_path / f"model.ckpt-{2 * step}.index").is_file()


@pytest.mark.parametrize("interrupted", [False, True])
def test_all_is_saved_when_the_reader_leaves(corpus, whole_run, tmp_path, interrupted):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    process = program(*arguments, config=FOUR_EPOCHS)
    first = [process.stdout.readline() for _ in range(5)]  # amid the first epoch
    process.stdout.close()
    if interrupted:  # as `| tee log` is together with the program
        process.send_signal(signal.SIGINT)
    err = process.stderr.read()
    status = process.wait(timeout=300)
    newest = finding.list_newest_first(str(tmp_path))[0]
    outputs = {
        1: f"ptb_word_lm.py: standard output: Broken pipe; the newest checkpoint is {newest}\n",
        130: f"ptb_word_lm.py: stopped by SIGINT; the newest checkpoint is {newest}\n",
    }
    assert err == outputs[status]
    assert interrupted or status == 1  # the reader's end may be noticed first
    _, second, err = here(*arguments, config=FOUR_EPOCHS)
    assert err.startswith(f"{newest}: continued after ")
    whole_path, whole = whole_run
    lines, whole_lines = lines_without_speed("".join(first) + second), lines_without_speed(whole)
    assert set(lines) <= set(whole_lines)
    assert lines[-1] == whole_lines[-1]
    assert_same_weights(whole_path, tmp_path)


def test_results_are_not_lost_in_a_closed_standard_output(corpus):
    options = {"stdout": None, "preexec_fn": lambda: os.close(1)}
    status, _, err = run(f"--data_path={corpus}", "--model=test", **options)
    message = "standard output: Bad file descriptor; nothing is saved without --save_path"
    assert (status, err) == (1, f"ptb_word_lm.py: {message}\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_under_the_log(corpus, tmp_path):
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={tmp_path}"]
    with open("/dev/full", "w") as full:
        status, _, err = run(*arguments, stdout=full)
        assert (status, err.count("\n")) == (1, 1)
        assert re.match("ptb_word_lm.py: standard output: No space left on device; nothing is", err)
        assert here(*arguments)[0] == 0
        # Now it has something to say: that it continues.
        status, out, _ = run(*arguments, config={"max_max_epoch": 2}, stderr=full)
        assert status == 0
        assert epoch_lines(out)[-1].startswith("Test Perplexity")


def test_a_run_is_known_without_its_config_json(finished_run, corpus, tmp_path):
    save_path = tmp_path / "copy"
    shutil.copytree(finished_run, save_path)
    os.remove(save_path / "config.json")
    arguments = [f"--data_path={corpus}", "--model=test", f"--save_path={save_path}"]
    status, _, err = here(*arguments)
    assert status == 0
    assert "continued after" in err and err.count("\n") == 1  # the checkpoint knows


def test_a_checkpoint_of_another_seed_is_refused(finished_run, corpus, tmp_path):
    save_path = tmp_path / "copy"
    shutil.copytree(finished_run, save_path)
    arguments = [f"--data_path={corpus}", "--model=test"]
    other = {"max_max_epoch": 3}
    assert here(*arguments, "--seed=3", f"--save_path={tmp_path / 'other'}", config=other)[0] == 0
    newest = finding.list_newest_first(str(tmp_path / "other"))[0]
    for path in (tmp_path / "other").glob(f"{os.path.basename(newest)}.*"):
        shutil.copy(path, save_path)
    status, out, err = here(*arguments, f"--save_path={save_path}")
    assert (status, out) == (1, "")
    assert err == (
        f"ptb_word_lm.py: {save_path}/{os.path.basename(newest)}: seed was 3 and now is 0; "
        "continue with the old one, or choose another --save_path\n"
    )


def test_a_terminal_shows_progress_and_whole_lines(corpus):
    ours, theirs = pytest.importorskip("pty").openpty()
    arguments = [f"--data_path={corpus}", "--model=test", "--seed=5"]
    process = program(*arguments, config={"max_max_epoch": 9}, stdout=theirs, stderr=theirs)
    os.close(theirs)
    received = b""
    with contextlib.suppress(OSError):  # that is how a terminal ends
        while block := os.read(ours, 1 << 16):
            received += block
    os.close(ours)
    assert process.wait() == 0
    out = received.decode()
    assert re.search(r"\rAll epochs: \d+%, 00:\d\d left", out)
    assert re.search(r"\r(Train|Valid|Test): \d+%, 00:\d\d left", out)
    _, expected, _ = here(*arguments, config={"max_max_epoch": 9})
    assert lines_without_speed(screen(out)) == lines_without_speed(expected)


def screen(out):
    """What a terminal shows in the end, apart from blanks at the ends of lines."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[A|[^\x1b]", out, re.DOTALL):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\r":
            column = 0
        elif part == "\x1b[A":
            row -= 1
        else:
            line = lines[row].ljust(column)
            lines[row], column = line[:column] + part + line[column + 1 :], column + 1
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())


def test_help_explains_each_flag():
    status, out, err = run("--help")
    assert status == 0
    flags = ["data_path", "model", "save_path", "rnn_mode", "num_gpus", "schedule", "seed"]
    for flag in [*flags, "[no]use_fp16"]:
        assert f"--{flag}:" in out
    assert "Traceback" not in out + err
