"""What is answered before TensorFlow is imported, and on systems other than Linux."""

import ntpath
import os
import signal
import subprocess
import sys

import pytest
from absl import flags
from absl.testing import flagsaver

import stress
from graphs import ROOT, clean_environment
from program import command_line, errors, hardware, messages, signals
from script_flags import export

SCRIPTS = (
    *("ptb_word_lm", "train_cluster", "generate", "score", "export", "curves"),
    "import_checkpoint",
)
CLUSTER = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'


def run(script, *arguments, path, cwd=None, **environment):
    """Runs a script with a directory in front of Python's path, and there if none is named."""
    process = subprocess.run(
        [sys.executable, os.path.join(ROOT, script), *arguments],
        capture_output=True,
        env=clean_environment() | {"PYTHONPATH": str(path), **environment},
        cwd=cwd or path,
        timeout=300,
    )
    return process.returncode, process.stdout.decode(), process.stderr.decode()


@pytest.fixture
def without_tensorflow(tmp_path):
    """A directory whose tensorflow ends the program."""
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')\n")
    return tmp_path


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_and_a_mistyped_flag_need_no_tensorflow(without_tensorflow, script):
    environment = {"TF_CONFIG": CLUSTER} if script == "train_cluster" else {}
    status, out, err = run(f"{script}.py", "--help", path=without_tensorflow, **environment)
    assert (status, err) == (0, "")
    assert f"\n{script}.py:\n  --" in out.replace(f"{ROOT}/", "")
    status, out, err = run(f"{script}.py", "--owl=1", path=without_tensorflow, **environment)
    assert (status, out) == (1, "")
    assert err == (
        f"{script}.py: Unknown command line flag 'owl' (--help explains the flags)\n"
    ) or err.startswith(f"{script}.py: Unknown command line flag 'owl'. Did you mean: ")


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("ptb_word_lm", "--data_path=none", "none/ptb.train.txt: no such file"),
        ("ptb_word_lm", "--data_path=. --keep_prob=2", "--keep_prob=2.0: must be a number"),
        ("ptb_word_lm", "--data_path=. --config=none", "--config=none: No such file"),
        ("ptb_word_lm", "--data_path=. --hidden_size=100000000", "the LSTM's weights need"),
        ("ptb_word_lm", "--data_path=. --save_path=here.txt", "here.txt: File exists; name"),
        ("ptb_word_lm", "--data_path=. --eval_only --save_path=none", "none: no such directory"),
        ("train_cluster", "--data_path=none", "none/ptb.train.txt: no such file"),
        ("train_cluster", "--data_path=none --seed=-1", "flag --seed=-1"),
        ("generate", "--save_path=none", "--save_path=none: no such directory"),
        ("generate", "--save_path=. --temperature=nan", "must be a finite number"),
        ("score", "--save_path=none", "--save_path=none: no such directory"),
        ("score", "--save_path=.,none", "--save_path=none: no such directory"),
        ("score", "--save_path=. --text=none", "--text=none: cannot be read: No such file"),
        ("score", "--save_path=. --nbest --lm_weight=1 --scores=none", "--scores=none: cannot"),
        ("export", "--save_path=none --out=out", "--save_path=none: no such directory"),
        ("export", "--save_path=. --out=here.txt", "--out=here.txt: is there already"),
        ("curves", "--run=none", "--run=none: no such directory"),
        ("curves", "--run=. --out=x.gif", "must end with one of"),
    ],
)
def test_missing_files_and_impossible_values_need_no_tensorflow(
    without_tensorflow, script, arguments, message
):
    (without_tensorflow / "here.txt").touch()
    before = sorted(os.listdir(without_tensorflow))
    environment = {"TF_CONFIG": CLUSTER} if script == "train_cluster" else {}
    path = without_tensorflow
    status, out, err = run(f"{script}.py", *arguments.split(), path=path, **environment)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"{script}.py: ") and message in err
    assert sorted(os.listdir(without_tensorflow)) == before


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("ptb_word_lm", "--data_path=S3://nest"),
        ("ptb_word_lm", "--data_path=. --save_path=gs://nest/run"),
        ("ptb_word_lm", "--data_path=. --save_path=file:nest"),
        ("ptb_word_lm", "--data_path=. --config=http://nest/config.json"),
        ("train_cluster", "--data_path=. --save_path=hdfs://nest/run"),
        ("generate", "--save_path=gs://nest/run"),
        ("generate", "--save_path=. --data_path=file:///nest"),
        ("score", "--save_path=.,gs://nest/run"),
        ("score", "--save_path=. --text=s3://nest/a.txt"),
        ("score", "--save_path=. --lm_weight=1 --nbest --scores=ram://scores"),
        ("export", "--save_path=. --out=gs://nest/m/1"),
        ("export", "--save_path=. --out=out --tflite=s3:/nest/m"),
        ("curves", "--run=gs://nest/run"),
        ("curves", "--run=. --out=gs://nest/a.png"),
        ("data/prepare_text", "--out=gs://nest/owl here.txt"),
        ("data/prepare_text", "--out=owl https://nest/owl.txt"),
        ("data/prepare_text", "--tokenize --like=gs://nest"),
        ("data/python_docs", "abfs://nest@owl/docs"),
        ("data/download_ptb", "--out=FILE:/nest"),
    ],
)
def test_paths_of_other_file_systems_are_refused(without_tensorflow, script, arguments):
    before = os.listdir(without_tensorflow)
    status, out, err = run(f"{script}.py", *arguments.split(), path=without_tensorflow)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "names another file system; name a local path" in err
    assert os.listdir(without_tensorflow) == before


def test_where_nothing_is_as_on_linux_training_works_all_the_same(tmp_path):
    stress.write_corpus(tmp_path)
    arguments = f"--data_path={tmp_path}", "--model=test", "--use_bf16", f"--save_path={tmp_path}/r"
    environment = {"PYTHONIOENCODING": "cp1252"}
    elsewhere = os.path.join(ROOT, "tests", "elsewhere")
    status, out, err = run("ptb_word_lm.py", *arguments, path=elsewhere, **environment)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("Test Perplexity")


def test_a_file_has_utf_8_and_line_feeds_whatever_the_encoding(tmp_path):
    script = (
        "from program import command_line, messages\n"
        "command_line.start(lambda: None, lambda arguments: None)\n"
        "command_line.run(lambda: messages.report('owl čeština 鹰'))\n"
    )
    (tmp_path / "tensorflow.py").touch()
    (tmp_path / "show.py").write_text(script, encoding="utf-8")
    path = f"{ROOT}{os.pathsep}{tmp_path}"
    for encoding in ("cp1252", "utf-16", "ascii"):
        environment = {"PYTHONIOENCODING": encoding, "TF_CPP_MIN_LOG_LEVEL": "0"}
        process = subprocess.run(
            [sys.executable, str(tmp_path / "show.py")],
            capture_output=True,
            env=clean_environment() | {"PYTHONPATH": path, **environment},
        )
        assert process.stdout.decode() == "owl čeština 鹰\n", process.stderr


def test_tensorflow_is_imported_without_what_it_would_only_wait_for(tmp_path):
    (tmp_path / "matplotlib.py").write_text("print('there')\n")
    try_it = "try: import matplotlib\nexcept ImportError: print('missing')\n"
    (tmp_path / "tensorflow.py").write_text(try_it)
    (tmp_path / "show.py").write_text(
        f"from program import tensorflow_import\ntensorflow_import.import_tensorflow()\n{try_it}"
    )
    path, environment = f"{ROOT}{os.pathsep}{tmp_path}", {"TF_CPP_MIN_LOG_LEVEL": "0"}
    status, out, err = run(str(tmp_path / "show.py"), path=path, cwd=tmp_path, **environment)
    assert (status, out.split(), err) == (0, ["missing", "there"], "")


def test_where_memory_is_not_told_only_the_impossible_is_refused(monkeypatch):
    monkeypatch.setattr(hardware, "memory", lambda: None)
    hardware.check_memory(10, 100_000)
    with pytest.raises(errors.RequestError, match="weights need 320,000,000 GB"):
        hardware.check_memory(1, 100_000_000)


@pytest.mark.parametrize(
    ("tflite", "out", "fits"),
    [
        ("D:\\nest\\m.tflite", "C:\\nest", True),
        ("C:\\nest2", "C:\\nest", True),
        ("D:", "C:", False),
        ("c:\\Nest\\m.tflite", "C:\\nest", False),
        ("C:\\nest", "C:\\nest\\1", False),
    ],
)
def test_places_on_several_drives_of_windows_can_be_compared(monkeypatch, tflite, out, fits):
    monkeypatch.setattr(export.os, "path", ntpath)
    monkeypatch.setattr(export.os, "sep", "\\")
    if fits:
        export.check_apart(tflite, out)
    else:
        with pytest.raises(errors.RequestError, match="--tflite="):
            export.check_apart(tflite, out)


@pytest.fixture
def run_main(monkeypatch, capsys):
    """Runs a function as a script's main; returns its status and standard error."""
    monkeypatch.setattr(sys, "argv", ["owl.py"])
    kept = {number: signal.getsignal(number) for number in signals.SIGNALS}

    def run(main):
        with flagsaver.flagsaver(), pytest.raises(SystemExit) as end:
            command_line.start(lambda: None, lambda arguments: None)
            command_line.run(main)
        return end.value.code or 0, capsys.readouterr().err

    yield run
    flags.FLAGS.unparse_flags()
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file", "nest/\nowl"), "owl.py: nest/\\nowl: No such file\n"),
        (OSError(5, "Input/output error"), "owl.py: Input/output error\n"),
        (
            messages.OutputError(28, "No space left on device", "standard output"),
            "owl.py: standard output: No space left on device\n",
        ),
        (messages.OutputError(32, "Broken pipe", "standard output"), ""),
    ],
)
def test_an_error_of_a_file_is_not_blamed_on_standard_output(run_main, error, message):
    def main():
        raise error

    assert run_main(main) == (1, message)


def test_signals_that_a_program_in_c_handles_are_left_to_it(run_main, monkeypatch):
    """`signal.getsignal` then is None, which `signal.signal` would not take."""
    getsignal, number, during = signal.getsignal, signal.SIGTERM, []
    handler = getsignal(number)
    monkeypatch.setattr(signal, "getsignal", lambda n: None if n == number else getsignal(n))
    assert run_main(lambda: during.append(getsignal(number))) == (0, "")
    assert during == [handler]


def test_a_signal_while_an_object_is_deleted_ends_the_program():
    program = """
import signal, time
from absl import flags
from program import command_line

class Owl:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

def main():
    Owl()  # what the handler raises here is dropped
    time.sleep(60)

flags.FLAGS(["owl"])
command_line.run(main)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "")
    assert done.stderr == "-c: stopped by SIGTERM\n"


def test_scripts_may_follow_one_another_in_a_process(without_tensorflow):
    """As by IPython's `%run`, where each defines flags, of which some have the same names."""
    pytest.importorskip("IPython")
    scripts = ("curves", "curves", "score", "ptb_word_lm")
    program = "".join(f"%run {os.path.join(ROOT, each)}.py --owl=1\n" for each in scripts)
    program += "import signal\nprint(signal.getsignal(signal.SIGINT))"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", program],
        capture_output=True,
        text=True,
        env=clean_environment() | {"PYTHONPATH": str(without_tensorflow)},
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert said.count("Unknown command line flag 'owl'") == len(scripts)
    assert "default_int_handler" in said
