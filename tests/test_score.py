import json
import math
import subprocess
import sys

import numpy as np
import pytest

import reader
import score
from graphs import (
    ROOT,
    as_text,
    clean_environment,
    run_here,
    run_program,
    save_run,
    text_corpus,
)
from program import command_line
from saved import inference, trained_model

CORPUS = text_corpus()
WORD_TO_ID = {word: i for i, word in enumerate(CORPUS.words)}
TEXT = as_text(CORPUS.test, CORPUS.words)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    return str(directory), save_run(directory)


@pytest.fixture(scope="module")
def scorer(run):
    return inference.Scorer(trained_model.read(run[0]))


@pytest.fixture
def scored(scorer, tmp_path, monkeypatch):
    """A function that scores a text, read in blocks of a given size; returns all rows."""

    def function(text, by_itself=False, block_bytes=1 << 16, verbose=False):
        monkeypatch.setattr(score, "BLOCK_BYTES", block_bytes)
        (tmp_path / "text").write_bytes(text if isinstance(text, bytes) else text.encode())
        pieces = score.score_files([str(tmp_path / "text")], scorer, WORD_TO_ID, by_itself)
        return list(score.rows(pieces, WORD_TO_ID, verbose))

    return function


def assert_same_rows(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected):
        assert one.pop("line") == other["line"]
        assert one == pytest.approx({k: other[k] for k in one}, rel=1e-4, nan_ok=True)


def test_the_total_is_the_perplexity_of_training(scored, run):
    *lines, total = scored(TEXT)
    assert total["perplexity"] == pytest.approx(run[1], rel=1e-5)
    assert total["words"] == len(CORPUS.test) - 1
    assert len(lines) == len(TEXT.splitlines())
    assert sum(line["words"] for line in lines) == total["words"]
    assert sum(line["log_probability"] for line in lines) == pytest.approx(total["log_probability"])


@pytest.mark.parametrize("by_itself", [False, True])
@pytest.mark.parametrize("block_bytes", [1, 7, 100])
def test_how_the_text_arrives_does_not_matter(scored, by_itself, block_bytes):
    text = TEXT.replace("\n", "\r\n") + "\n\nword3 wörd " + "word4 " * 50
    expected = scored(text, by_itself)
    assert_same_rows(scored(text, by_itself, block_bytes), expected)


def test_lines_by_themselves_do_not_depend_on_one_another(scored):
    lines = ["word4 word5\n", "\n", "word6 " * 40 + "\n", "word4 word5"]
    first, empty, _, last, total = scored("".join(lines), by_itself=True)
    assert {**first, "line": 4} == pytest.approx(last, rel=1e-5)
    assert (first["words"], empty["words"], total["words"]) == (3, 1, 48)
    carried = scored("".join(lines))
    assert (carried[0]["words"], carried[3]["words"]) == (2, 2)  # no <eos> where no line ends
    assert carried[3]["log_probability"] != pytest.approx(last["log_probability"])
    np.testing.assert_allclose(
        scored(lines[2], by_itself=True)[0]["log_probability"],
        scored("".join(lines), by_itself=True)[2]["log_probability"],
        rtol=1e-5,
    )


@pytest.mark.parametrize("by_itself", [False, True])
def test_words_sum_up_to_their_line(scored, by_itself):
    total, num_words, texts = 0.0, 0, []
    for row in scored(TEXT, by_itself, verbose=True)[:-1]:
        if "word" in row:
            texts.append(row["word"])
            if not math.isnan(row["log_probability"]):
                total, num_words = total + row["log_probability"], num_words + 1
        else:
            assert (row["log_probability"], row["words"]) == pytest.approx((total, num_words))
            assert row["perplexity"] == pytest.approx(np.exp(-total / num_words))
            total, num_words = 0.0, 0
    assert texts[: len(CORPUS.test)] == [CORPUS.words[i] for i in CORPUS.test]


def test_unknown_words_become_unk(scored, capsys):
    known, _ = scored("word4 <unk> word5\n")
    capsys.readouterr()
    unknown, _ = scored("word4 nonsense word5\n")
    assert {**unknown, "unknown": 0} == known
    assert unknown["unknown"] == 1
    assert capsys.readouterr().err == "1 words are not in the vocabulary and became <unk>\n"


@pytest.mark.parametrize(
    "text, message",
    [
        (b"word4\nword5 \xff\n", r"line 2 is not UTF-8 text \(byte 0xff\)"),
        (b"word4\n\0\n", "contains NUL bytes"),
        (b"", "no word to predict"),
        (b"word4", "no word to predict"),
    ],
)
def test_what_is_no_text_is_refused(scored, text, message):
    with pytest.raises(command_line.RequestError, match=message):
        scored(text)


def test_a_long_word_is_unknown(scored, monkeypatch):
    monkeypatch.setattr(score, "MAX_WORD_LENGTH", 20)
    line, _ = scored("word4 " + 100 * "word5" + " word6\n", block_bytes=7)
    assert_same_rows([line], scored("word4 nonsense word6\n")[:1])


def test_a_long_line_is_not_held_in_memory(scorer, monkeypatch, tmp_path):
    """Neither the pieces of a line nor its scores are as long as the line."""
    monkeypatch.setattr(score, "BLOCK_BYTES", 1000)
    (tmp_path / "text").write_text("word4 " * 5000)
    for by_itself in (False, True):
        pieces = score.score_files([str(tmp_path / "text")], scorer, WORD_TO_ID, by_itself)
        assert max(len(piece.words) for piece, _ in pieces) < 300


def test_lists_come_out_best_first(run):
    lists = [["word4 word5 word6", "word4", "odd word9"], ["word7 word7", "word8 word3"]]
    text = "\n\n\n".join("\n".join(lines) for lines in lists)
    status, out, err = run_here(score, f"--save_path={run[0]}", "--nbest", input=text)
    assert (status, err) == (0, "")
    groups = [[line.split("\t") for line in group.splitlines()] for group in out.split("\n\n")]
    assert [sorted(row[5] for row in group) for group in groups] == [sorted(g) for g in lists]
    for group in groups:
        scores = [float(row[1]) for row in group]
        assert scores == sorted(scores, reverse=True)


def test_a_mixture_of_a_model_with_itself_is_the_model(run):
    arguments = [f"--save_path={run[0]},{run[0]}", "--json", "--verbose"]
    status, out, err = run_program("score.py", *arguments, input=TEXT)
    assert (status, err) == (0, "")
    first, second, *_, total = map(json.loads, out.splitlines())
    assert first == {"line": 1, "word": CORPUS.words[CORPUS.test[0]], "log_probability": None}
    assert second["word"] == CORPUS.words[CORPUS.test[1]]
    assert total["perplexity"] == pytest.approx(run[1], rel=1e-5)


def test_a_pipe_that_closes_early_is_no_mistake(run):
    process = subprocess.Popen(
        [sys.executable, f"{ROOT}/score.py", f"--save_path={run[0]}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    )
    process.stdin.write(b"word4 word5\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b"1\t-")  # at once, though the input is not over
    process.stdout.close()
    process.stdin.write(b"word4 word5\n" * 10000)
    process.stdin.close()
    assert (process.wait(timeout=300), process.stderr.read()) == (1, b"")


def test_mistakes_are_answered_in_one_line(run, tmp_path):
    status, out, err = run_here(score, f"--save_path={run[0]}", f"--text={tmp_path}/none")
    assert (status, out) == (1, "")
    assert err == f"score.py: --text={tmp_path}/none: cannot be read: No such file or directory\n"


def test_models_of_other_words_are_not_mixed(run, tmp_path):
    corpus = text_corpus()
    corpus.words[5] = "other"
    save_run(tmp_path, corpus)
    with pytest.raises(command_line.RequestError, match="has another vocabulary than"):
        score.open_models([run[0], str(tmp_path)], None)


def test_without_unk_unknown_words_are_left_out(tmp_path, scorer):
    (tmp_path / "text").write_text("nonsense word4 nonsense\nnonsense nonsense")
    word_to_id = {word: i for word, i in WORD_TO_ID.items() if word != reader.UNKNOWN}
    for by_itself in (False, True):
        pieces = score.score_files([str(tmp_path / "text")], scorer, word_to_id, by_itself)
        rows = list(score.rows(pieces, word_to_id, verbose=True))
        words = [row["word"] for row in rows if "word" in row]
        assert words == ["word4", "<eos>"] + ["<eos>"] * by_itself
        assert rows[-1]["unknown"] == 4
