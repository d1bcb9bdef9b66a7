import json
import math
import shutil
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
from program import errors
from text import preparation, sentences
from trained import results, scoring, text_reader, trained_model

CORPUS = text_corpus()
WORD_TO_ID = {word: i for i, word in enumerate(CORPUS.words)}
TEXT = as_text(CORPUS.test, CORPUS.words)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    return str(directory), save_run(directory)


@pytest.fixture(scope="module")
def scorer(run):
    return scoring.Scorer(trained_model.read(run[0]))


@pytest.fixture
def scored(scorer, tmp_path, monkeypatch):
    """A function that scores a text, read in blocks of a given size; returns all rows."""

    def function(
        text, by_itself=False, block_bytes=1 << 16, reads_ahead=False, verbose=False, **options
    ):
        monkeypatch.setattr(text_reader, "BLOCK_BYTES", block_bytes)
        paths = []
        for number, each in enumerate([text] if isinstance(text, (str, bytes)) else text):
            paths.append(str(tmp_path / f"text{number}"))
            content = each if isinstance(each, bytes) else each.encode()
            (tmp_path / paths[-1]).write_bytes(content)
        text_ = text_reader.TextReader(WORD_TO_ID, **options)
        blocks = text_.read(paths, complete_last_line=by_itself)
        pieces = scoring.score_pieces(blocks, scorer, WORD_TO_ID, by_itself, reads_ahead)
        result = list(results.rows(pieces, WORD_TO_ID, verbose))
        text_.report()
        return result

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
@pytest.mark.parametrize("reads_ahead", [False, True])
def test_how_the_text_arrives_does_not_matter(
    scored, monkeypatch, by_itself, block_bytes, reads_ahead
):
    text = TEXT.replace("\n", "\r\n") + "\n\nword3 wörd " + "word4 " * 50
    expected = scored(text, by_itself)
    monkeypatch.setattr(sentences, "MAX_LENGTH", 100)  # so that the last line comes in pieces
    assert_same_rows(scored(text, by_itself, block_bytes, reads_ahead), expected)


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
        (b"word4\n\0\n", "line 2 contains a NUL byte"),
        (b"", "no word to predict"),
        (b"word4", "no word to predict"),
    ],
)
def test_what_is_no_text_is_refused(scored, text, message):
    with pytest.raises(errors.RequestError, match=message):
        scored(text)


@pytest.mark.parametrize(
    "lines, said",
    [
        (["word4 word5"] * 20, None),
        ([f"{i} word4" for i in range(20)], "its lines begin with ids, it seems, such as 0"),
        (
            [f"word4 word5 word6 -{i}.25" for i in range(20)],
            "its lines end with numbers, it seems, such",
        ),
        (['"word4 word5"'] * 20, 'its lines are in quotation marks, such as "word4'),
        ([f"Bob{'by' * (i % 2)}: word4 word5" for i in range(20)], "its lines begin with names"),
        (["word4 word5", "", "word5", *["word4 2.5"] * 20], None),
        (
            [f"utt-{i} word4 word5" for i in range(20)],
            "its lines begin with ids, it seems, such as",
        ),
        (
            ["0 ||| word4 ||| d: 0 ||| -5"] * 2,
            "seems to be Moses's lists, and all of it was scored",
        ),
        (['{"id": "u1", "text": "word4"}'], "seems to be lists of JSON, an object a line, and all"),
        (
            ["1", "00:00:01,000 --> 00:00:02,000", "word4", ""] * 5,
            "its lines seem to be of subtitle",
        ),
    ],
)
def test_what_a_text_has_beside_words_is_said(scored, capsys, lines, said):
    scored("".join(f"{line}\n" for line in lines), by_itself=True)
    err = capsys.readouterr().err
    assert ("--text: " in err) == (said is not None) and (said or "") in err
    assert "--raw_text" not in err


def test_a_long_line_is_not_held_in_memory(scorer, monkeypatch, tmp_path):
    """Neither the pieces of a line nor its scores are as long as the line."""
    monkeypatch.setattr(text_reader, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(sentences, "MAX_LENGTH", 1000)
    (tmp_path / "text").write_text("word4 " * 5000)
    for by_itself in (False, True):
        blocks = text_reader.TextReader(WORD_TO_ID).read([str(tmp_path / "text")], by_itself)
        pieces = list(scoring.score_pieces(blocks, scorer, WORD_TO_ID, by_itself))
        assert max(len(piece.words) for piece, _ in pieces) < 350
        words = [word for piece, _ in pieces for word in piece.words]
        assert words == ["word4"] * 5000 + ["<eos>"] * by_itself


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
    with pytest.raises(errors.RequestError, match="has another vocabulary than"):
        score.open_models([run[0], str(tmp_path)], None)


def test_without_unk_unknown_words_are_left_out(tmp_path, scorer):
    (tmp_path / "text").write_text("nonsense word4 nonsense\nnonsense nonsense")
    word_to_id = {word: i for word, i in WORD_TO_ID.items() if word != reader.UNKNOWN}
    for by_itself in (False, True):
        blocks = text_reader.TextReader(word_to_id).read([str(tmp_path / "text")], by_itself)
        pieces = scoring.score_pieces(blocks, scorer, word_to_id, by_itself)
        all_rows = list(results.rows(pieces, word_to_id, verbose=True))
        words = [row["word"] for row in all_rows if "word" in row]
        assert words == ["word4", "<eos>"] + ["<eos>"] * by_itself
        assert all_rows[-1]["unknown"] == 4


def test_marks_at_a_lines_ends_are_no_words(scored, capsys):
    plain = scored("word4 word5\nword6\n", by_itself=True)
    marked = "<s> word4 word5 <eos>\nword6 </s>\n"
    assert scored(marked, by_itself=True) == plain
    assert capsys.readouterr().err == (
        "taken for a sentence's beginning or end, not for words: <s> (1), <eos> (1), </s> (1)\n"
    )
    assert scored("word4 word5 <eos>") == scored("word4 word5\n")


def test_the_last_line_of_each_file_but_the_last_ends(scored):
    parts = ["word4 word5", "word6\n", "word7"]
    assert_same_rows(scored(parts), scored("word4 word5\nword6\nword7"))


PREPARED = preparation.Preparation(numbers="kept")


def test_raw_text_is_prepared_as_the_corpus_was(scored, capsys):
    tokens = scored("word4 word5\nword6 <eos> word7 word8\n")[:2]
    raw = scored("Word4 WORD5\nWord6? Word7\xad word8\n", how=PREPARED, raw=True)
    assert raw[0] == tokens[0]
    how = preparation.Preparation(numbers="kept", punctuation="dropped")
    assert_same_rows(
        scored("Word4 WORD5\n“Word6?” Word7\xad word8\n", how=how, raw=True)[:2], tokens
    )


def test_raw_text_is_noticed(scored, capsys):
    text = "Word4, Word5\nword6 word7 Word8\n"
    scored(text, how=preparation.Preparation(punctuation="dropped", numbers="kept"))
    hint = "3 words are unknown only for their case or punctuation: "
    assert f"{hint}--raw_text prepares the text as the corpus was\n" in capsys.readouterr().err
    for how in (None, preparation.TOKENIZED):
        scored("Word4 Word5\nword6 word7 Word8\n", how=how)
        assert f"{hint}prepare the text as the corpus was, which" in capsys.readouterr().err
    scored("nonsense Odd " * 10 + text.lower().replace(",", ""), how=PREPARED)
    assert "--raw_text" not in capsys.readouterr().err


def test_raw_text_needs_to_know_how(run, tmp_path):
    command = [f"--save_path={run[0]}", "--raw_text"]
    status, out, err = run_here(score, *command, input="word4 word5\n")
    assert status == 0
    assert err.startswith("--raw_text: the model's corpus does not say how it was prepared")
    shutil.copytree(run[0], tmp_path / "run")
    preparation.write(PREPARED, tmp_path / "run")
    command = [f"--save_path={tmp_path}/run", "--raw_text"]
    assert run_here(score, *command, input="Word4 word5\n") == (0, out, "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("word4@@ word5 wo@@ rd6", "has pieces of words, such as word4@@ (subword-nmt)"),
        ("▁word4 ▁wo rd5", "has pieces of words, such as ▁word4 (SentencePiece)"),
        ("{i}\tword4 word5", "has columns with tabs between them, as its 0\tword4 word5 shows"),
        ("<p>word4 word5</p>", "has tags of XML or HTML"),
        ("word4/DT word5/NN", "has words with tags, as its word4/DT shows"),
        ("word4 word5 (spk-{i})", "its lines end with ids, it seems, such as (spk-0)"),
        ('{{"text": "word4", "segments": [{i}]}}', "seems to be lists of JSON"),
        ("word4 word5 word{i}x", None),
    ],
)
def test_other_formats_and_pieces_of_words_are_said(scored, capsys, line, said):
    text = "".join(line.format(i=i) + "\n" for i in range(12))
    for raw in (False, True):
        scored(text, how=PREPARED, raw=raw)
        err = capsys.readouterr().err
        assert (f"--text: {said}" in err) if said else "--text" not in err


@pytest.mark.parametrize("end", ["", "\n"])
def test_json_in_one_line_is_said(scored, capsys, end):
    text = '{"text": "word4 word5 word6", "segments": [{"text": "word4"}]}'
    scored(text + end, how=PREPARED, raw=True)
    err = capsys.readouterr().err
    assert "JSON" in err and "all of it was scored as words" in err
