"""What a terminal shows of work that takes long, and that nothing else is told."""

import contextlib
import io
import re
import subprocess
import sys

import pytest

import inspection
import prepare_text
import reader
from graphs import ROOT, shown_on_a_terminal
from program import messages, progress_bar
from text import preparation


@pytest.fixture(autouse=True)
def no_delay(monkeypatch):
    for seconds in ("DELAY_SECS", "REFRESH_SECS"):
        monkeypatch.setattr(progress_bar, seconds, 0)


def build_nest(total, done):
    """Shows a bar, half of which is done, and says a line."""
    with progress_bar.progress_bar(total, "Nest", done) as bar:
        bar.update(total // 2)
        bar.refresh()
        messages.say("an owl")


def test_share_done_and_time_left():
    shown = shown_on_a_terminal(build_nest, 200, 50)
    assert re.search(r"\rNest: 75%, 00:00 left", shown)


def test_lines_are_printed_above_it():
    shown = shown_on_a_terminal(build_nest, 2, 0)
    assert re.search(r"\rNest: 50%, 00:00 left *\r *\ran owl\r\n\rNest: 50%", shown)
    assert re.search(r"\r *\r$", shown)  # it is gone


def test_nothing_of_it_is_in_a_file():
    file = io.StringIO()
    with contextlib.redirect_stderr(file):
        build_nest(2, 0)
    assert file.getvalue() == "an owl\n"


def test_what_cannot_be_known_is_not_shown(tmp_path):
    assert progress_bar.size_of_files([__file__, str(tmp_path)]) == 0
    assert shown_on_a_terminal(build_nest, 0, 0) == "an owl\r\n"


def test_standard_input_may_be_a_file(tmp_path):
    (tmp_path / "text").write_text("an owl\n")
    code = "from program.progress_bar import size_of_files; print(size_of_files(['-']))"
    command = [sys.executable, "-c", code]
    with open(tmp_path / "text") as file:
        assert subprocess.check_output(command, stdin=file, cwd=ROOT) == b"7\n"
    assert subprocess.check_output(command, input=b"an owl\n", cwd=ROOT) == b"0\n"


def write_texts(directory):
    for split in reader.SPLITS:
        (directory / f"ptb.{split}.txt").write_text("the owl sleeps élan \n" * 150_000)


def test_a_corpus_that_is_read(tmp_path):
    write_texts(tmp_path)
    shown = shown_on_a_terminal(reader.read_corpus, str(tmp_path))
    shares = [int(share) for share in re.findall(r"ptb\.train\.txt: (\d+)%", shown)]
    assert shares[0] == 0 and 0 < shares[-1] <= 100


def test_a_text_that_is_prepared(tmp_path):
    write_texts(tmp_path)
    path = str(tmp_path / "ptb.train.txt")
    sentences = preparation.TOKENIZED.sentences_of(inspection.read_blocks(path))
    arguments = sentences, str(tmp_path / "out"), preparation.TOKENIZED
    shown = shown_on_a_terminal(prepare_text.write_corpus, *arguments)
    assert re.search(r"ptb\.train\.txt: [1-9]\d*%", shown)
    assert re.search(r"ptb\.train\.txt: rare tokens: \d+%", shown)
