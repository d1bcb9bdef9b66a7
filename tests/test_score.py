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
from text import files, nbest, preparation, sentences
from trained import scoring, trained_model

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

    def function(text, by_itself=False, block_bytes=1 << 16, verbose=False, **options):
        monkeypatch.setattr(files, "BLOCK_BYTES", block_bytes)
        paths = []
        for number, each in enumerate([text] if isinstance(text, (str, bytes)) else text):
            paths.append(str(tmp_path / f"text{number}"))
            content = each if isinstance(each, bytes) else each.encode()
            (tmp_path / paths[-1]).write_bytes(content)
        text_reader = score.TextReader(WORD_TO_ID, **options)
        blocks = text_reader.read(paths, complete_last_line=by_itself)
        pieces = score.score_pieces(blocks, scorer, WORD_TO_ID, by_itself)
        result = list(score.rows(pieces, WORD_TO_ID, verbose))
        text_reader.report()
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
        (b"word4\n\0\n", "line 2 contains a NUL byte"),
        (b"", "no word to predict"),
        (b"word4", "no word to predict"),
    ],
)
def test_what_is_no_text_is_refused(scored, text, message):
    with pytest.raises(errors.RequestError, match=message):
        scored(text)


def test_a_long_line_is_not_held_in_memory(scorer, monkeypatch, tmp_path):
    """Neither the pieces of a line nor its scores are as long as the line."""
    monkeypatch.setattr(files, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(sentences, "MAX_LENGTH", 1000)
    (tmp_path / "text").write_text("word4 " * 5000)
    for by_itself in (False, True):
        blocks = score.TextReader(WORD_TO_ID).read([str(tmp_path / "text")], by_itself)
        pieces = list(score.score_pieces(blocks, scorer, WORD_TO_ID, by_itself))
        assert max(len(piece.words) for piece, _ in pieces) < 350
        words = [word for piece, _ in pieces for word in piece.words]
        assert words == ["word4"] * 5000 + ["<eos>"] * by_itself


def test_lists_come_out_best_first(run):
    lists = [["word4 word5 word6", "word4", "odd word9"], ["word7 word7", "word8 word3"]]
    text = "\n\n\n".join("\n".join(lines) for lines in lists)
    status, out, err = run_here(score, f"--save_path={run[0]}", "--nbest", input=text)
    assert (status, err) == (0, "1 words are not in the vocabulary and became <unk>\n")
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
    with pytest.raises(errors.RequestError, match="has another vocabulary than"):
        score.open_models([run[0], str(tmp_path)], None)


def test_without_unk_unknown_words_are_left_out(tmp_path, scorer):
    (tmp_path / "text").write_text("nonsense word4 nonsense\nnonsense nonsense")
    word_to_id = {word: i for word, i in WORD_TO_ID.items() if word != reader.UNKNOWN}
    for by_itself in (False, True):
        blocks = score.TextReader(word_to_id).read([str(tmp_path / "text")], by_itself)
        pieces = score.score_pieces(blocks, scorer, word_to_id, by_itself)
        rows = list(score.rows(pieces, word_to_id, verbose=True))
        words = [row["word"] for row in rows if "word" in row]
        assert words == ["word4", "<eos>"] + ["<eos>"] * by_itself
        assert rows[-1]["unknown"] == 4


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


HYPOTHESES = [["word4  word5", "word6\tword7 ", "odd word9 word4"], ["word3 word3", "word8"]]
SCORES = [[-1.5, -2.5, 0.25], [-7.0, 3.0]]


def as_list(form, empty=False):
    """The hypotheses in a format, and a scores file for them."""
    lines, scores = [], []
    for number, (group, group_scores) in enumerate(zip(HYPOTHESES, SCORES)):
        for i, (words, value) in enumerate(zip(group, group_scores)):
            words = "" if empty and i == 1 else words
            lines.append(
                {
                    "lines": words,
                    "kaldi": f"utt-{number} {words}",
                    "kaldi_n": f"utt-{number}-{i + 1} {words}",
                    "moses": f"{number} ||| {words} ||| d: 0 lm: -3 ||| {value}",
                }[form]
            )
            scores.append(f"id {value}\n")
        lines += [""] if form == "lines" else []
    return "\n".join(lines), "".join(scores)


@pytest.fixture
def ranked(scorer, tmp_path):
    """A function that ranks hypotheses: a list of rows for each list."""

    def function(text, form, word_to_id=WORD_TO_ID, **options):
        (tmp_path / "text").write_text(text)
        reader_ = score.TextReader(word_to_id, nbest_format=form)
        blocks = reader_.read([str(tmp_path / "text")], complete_last_line=True)
        scored = score.score_pieces(blocks, scorer, word_to_id, True)
        lists = [rows for _, rows in score.ranked_rows(scored, score.Ranking(**options))]
        reader_.report()
        return lists

    return function


@pytest.mark.parametrize("form", nbest.FORMATS)
def test_every_format_gives_the_same_order(ranked, form):
    expected = ranked(as_list("lines")[0], "lines")
    order = [[HYPOTHESES[i].index(row["text"]) for row in rows] for i, rows in enumerate(expected)]
    text, _ = as_list(form)
    result = ranked(text, form)
    lines = [line for line in text.split("\n") if line]
    assert [len(rows) for rows in result] == [3, 2]
    for rows, places, first in zip(result, order, (0, 3)):
        assert [row["text"] for row in rows] == [lines[first + place] for place in places]
    if form == "moses":
        assert ranked(text, score.GUESS) == result


@pytest.mark.parametrize("form", ["kaldi", "kaldi_n", "moses"])
def test_an_empty_hypothesis_is_ranked(ranked, form):
    rows = [row for rows in ranked(as_list(form, empty=True)[0], form) for row in rows]
    assert len(rows) == 5
    assert sum(row["words"] == 1 for row in rows) == 2  # <eos> alone


def test_scores_are_combined(ranked):
    text, _ = as_list("moses")
    plain = {row["text"]: row for rows in ranked(text, "moses") for row in rows}
    options = {"lm_weight": 0.5, "word_penalty": 0.25}
    result = ranked(text, "moses", **options)
    values = dict(zip(text.split("\n"), [value for values in SCORES for value in values]))
    for rows in result:
        for row in rows:
            log_probability = plain[row["text"]]["log_probability"]
            num_words = len(row["text"].split("|||")[1].split())
            by_hand = values[row["text"]] + 0.5 * log_probability - 0.25 * num_words
            assert row["combined"] == pytest.approx(by_hand, rel=1e-5)
        combined = [row["combined"] for row in rows]
        assert combined == sorted(combined, reverse=True)
    scores = list(values.values())
    apart = ranked(as_list("kaldi")[0], "kaldi", scores=scores, **options)
    assert [[r["combined"] for r in rows] for rows in apart] == [
        [pytest.approx(r["combined"]) for r in rows] for rows in result
    ]
    for wrong, message in ((scores[:-1], "line 5 of --text has no score"), ([*scores, 1], "more")):
        with pytest.raises(errors.RequestError, match=message):
            ranked(as_list("kaldi")[0], "kaldi", scores=wrong, **options)


def test_hypotheses_that_lose_words_come_last(ranked, capsys):
    without_unk = {word: i for word, i in WORD_TO_ID.items() if word != "<unk>"}
    text = "odd strange\nodd word4\nword4 word5 word6 word7 word8\n"
    (rows,) = ranked(text, "lines", without_unk, leaves_out=True)
    assert [row["line"] for row in rows] == [3, 2, 1]
    assert capsys.readouterr().err == (
        "2 hypotheses have words that were left out, and come last in their lists\n"
        "3 words are not in the vocabulary and were left out\n"
    )


@pytest.mark.parametrize(
    "text, form, message",
    [
        ("", "lines", "holds no hypothesis"),
        ("\n\n", "kaldi", "holds no hypothesis"),
        ("utt-1 a\nutt b\n", "kaldi_n", "line 2 utt does not end with - and"),
        ("0 ||| a\nb\n", "moses", r"line 2 has no \|\|\| after its number"),
    ],
)
def test_what_is_no_list_is_refused(ranked, text, form, message):
    with pytest.raises(errors.RequestError, match=message):
        ranked(text, form)


def test_the_scripts_lists(run, tmp_path):
    text, scores = as_list("kaldi_n")
    (tmp_path / "scores").write_text(scores)
    flags = ["--nbest_format=kaldi_n", "--lm_weight=2", f"--scores={tmp_path}/scores"]
    status, out, _ = run_here(score, f"--save_path={run[0]}", *flags, input=text)
    assert status == 0
    assert sorted(line.split("\t", 6)[6] for line in out.splitlines() if line) == sorted(
        text.split("\n")
    )
    _, out, _ = run_here(score, f"--save_path={run[0]}", *flags, "--json", input=text)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["list"] for row in rows] == ["utt-0"] * 3 + ["utt-1"] * 2
    for scores in ("1 x\n", "\n", "nan\n", "1e999\n"):
        (tmp_path / "scores").write_text(scores)
        status, out, err = run_here(score, f"--save_path={run[0]}", *flags, input=text)
        assert (status, err.count("\n")) == (1, 1)
        assert "line 1 does not end with a number" in err


@pytest.mark.parametrize("field", [".", "1.2.3", "-", "LM:", "1 2", "1e999", "x-1"])
def test_what_is_no_score_of_moses(field):
    assert nbest.parse(f"0 ||| a ||| {field}", nbest.MOSES).score is None
    assert nbest.parse(f"0 ||| a ||| -2.5e-1 ||| {field}", nbest.MOSES).score == -0.25


def test_raw_text_needs_to_know_how(run, tmp_path):
    command = [f"--save_path={run[0]}", "--raw_text"]
    status, out, err = run_here(score, *command, input="word4 word5\n")
    assert status == 0
    assert err.startswith("--raw_text: the model's corpus does not say how it was prepared")
    shutil.copytree(run[0], tmp_path / "run")
    preparation.write(PREPARED, tmp_path / "run")
    command = [f"--save_path={tmp_path}/run", "--raw_text"]
    assert run_here(score, *command, input="Word4 word5\n") == (0, out, "")
