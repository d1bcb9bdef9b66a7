import itertools
import json
import os
import re
import threading

import pytest

import score
from graphs import run_here, save_run, text_corpus
from program import errors
from text import nbest_lines, nbest_reader
from text.nbest_scores import Scores
from trained import ranking, scoring, text_reader, trained_model

CORPUS = text_corpus()
WORD_TO_ID = {word: i for i, word in enumerate(CORPUS.words)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory)
    return str(directory)


@pytest.fixture(scope="module")
def scorer(run):
    return scoring.Scorer(trained_model.read(run))


def test_lists_come_out_best_first(run):
    lists = [["word4 word5 word6", "word4", "odd word9"], ["word7 word7", "word8 word3"]]
    text = "\n\n\n".join("\n".join(lines) for lines in lists)
    status, out, err = run_here(score, f"--save_path={run}", "--nbest", input=text)
    assert status == 0
    assert err == (
        "--nbest: the text is taken as a hypothesis a line, with an empty line between two lists "
        "(--nbest_format=lines)\n1 words are not in the vocabulary and became <unk>\n"
    )
    groups = [[line.split("\t") for line in group.splitlines()] for group in out.split("\n\n")]
    assert [sorted(row[5] for row in group) for group in groups] == [sorted(g) for g in lists]
    for group in groups:
        scores = [float(row[1]) for row in group]
        assert scores == sorted(scores, reverse=True)


HYPOTHESES = [["word4  word5", "word6\tword7 ", "odd word9 word4"], ["word3 word3", "word8"]]
SCORES = [[-1.5, -2.5, 0.25], [-7.0, 3.0]]


def as_list(form, empty=False):
    """The hypotheses in a format, and a scores file for them."""
    lines, scores = [], []
    for number, (group, group_scores) in enumerate(zip(HYPOTHESES, SCORES)):
        for i, (words, value) in enumerate(zip(group, group_scores), start=1):
            words = "" if empty and i == 2 else words
            in_json = json.dumps({"id": number, "text": words, "score": value})
            lines += {
                "lines": [words],
                "kaldi": [f"utt-{number} {words}"],
                "kaldi_n": [f"utt-{number}-{i} {words}"],
                "moses": [f"{number} ||| {words} ||| d: 0 lm: -3 ||| {value}"],
                "fairseq": [f"S-{number}\tsource", f"H-{number}\t{value}\t{words}"],
                "jsonl": [in_json],
            }[form]
            name = {"kaldi": f"utt-{number}", "kaldi_n": f"utt-{number}-{i}"}.get(form, number)
            scores.append(f"{name} {value}\n")
        lines += [""] if form == "lines" else []
    return "\n".join(lines), "".join(scores)


@pytest.fixture
def ranked(scorer, tmp_path):
    """A function that ranks hypotheses: a list of rows for each list."""

    def function(text, form=nbest_reader.GUESS, word_to_id=WORD_TO_ID, scores=None, **options):
        (tmp_path / "text").write_text(text, newline="")
        text_ = text_reader.TextReader(word_to_id, nbest_format=form)
        blocks = text_.read([str(tmp_path / "text")], complete_last_line=True)
        scored = scoring.score_pieces(blocks, scorer, word_to_id, True)
        if scores is not None:
            scores = Scores(scores.splitlines(), "--scores=FILE")
        how = ranking.Ranking(scores=scores, **options)
        lists = [each for _, each in ranking.ranked_rows(scored, how)]
        text_.report()
        return lists

    return function


@pytest.mark.parametrize("form", nbest_lines.FORMATS)
def test_every_format_gives_the_same_order(ranked, form):
    expected = ranked(as_list("lines")[0], "lines")
    order = [[HYPOTHESES[i].index(row["text"]) for row in each] for i, each in enumerate(expected)]
    text, _ = as_list(form)
    result = ranked(text, form)
    lines = [line for line in text.split("\n") if line and not line.startswith("S-")]
    assert [len(each) for each in result] == [3, 2]
    for each, places, first in zip(result, order, (0, 3)):
        assert [row["text"] for row in each] == [lines[first + place] for place in places]
    assert ranked(text) == result  # guessed


@pytest.mark.parametrize("form", ["kaldi", "kaldi_n", "moses", "fairseq", "jsonl"])
def test_an_empty_hypothesis_is_ranked(ranked, form):
    result = [row for each in ranked(as_list(form, empty=True)[0], form) for row in each]
    assert len(result) == 5
    assert sum(row["words"] == 1 for row in result) == 2  # <eos> alone


def test_scores_are_combined(ranked):
    text, _ = as_list("moses")
    plain = {row["text"]: row for each in ranked(text) for row in each}
    options = {"lm_weight": 0.5, "word_penalty": 0.25}
    result = ranked(text, **options)
    values = dict(zip(text.split("\n"), [value for values in SCORES for value in values]))
    for each in result:
        for row in each:
            log_probability = plain[row["text"]]["log_probability"]
            num_words = len(row["text"].split("|||")[1].split())
            by_hand = values[row["text"]] + 0.5 * log_probability - 0.25 * num_words
            assert row["combined"] == pytest.approx(by_hand, rel=1e-5)
        combined = [row["combined"] for row in each]
        assert combined == sorted(combined, reverse=True)
    expected = [[pytest.approx(row["combined"]) for row in each] for each in result]
    for form in nbest_lines.FORMATS:  # the lines' own scores, or those of a file
        text, scores = as_list(form)
        apart = ranked(text, form, scores=scores, **options)
        assert [[row["combined"] for row in each] for each in apart] == expected
        if form in ("moses", "fairseq", "jsonl"):
            within = ranked(text, form, **options)
            assert [[row["combined"] for row in each] for each in within] == expected


KALDI_N = "q1-1 word4 word5\nq1-2 word4\nq2-1 word6\n"


@pytest.mark.parametrize(
    "scores",
    [
        "q1-2 -50\nq2-1 -3\nq1-1 -2\n",  # in any order, by their ids
        "q1-1 -2.0\n\nq1-2 -5E+1\nq2-1 -3\n",  # an empty line between lists
        "-2\n-50\n\n-3\n",  # without ids: in order
    ],
)
def test_scores_are_joined_by_their_ids(ranked, scores):
    first, second = ranked(KALDI_N, "kaldi_n", scores=scores, lm_weight=0)
    assert [(row["text"][:4], row["combined"]) for row in [*first, *second]] == [
        ("q1-1", -2),
        ("q1-2", -50),
        ("q2-1", -3),
    ]


@pytest.mark.parametrize(
    "scores, message",
    [
        ("q1-1 -2\nq1-2 -1\n", "has no score of q2-1 for line 3 of --text"),
        ("-2\n-1\n", "has too few scores: 2 lines, and none for line 3 of --text"),
        ("-2\n-1\n", "has too few scores: 2 lines, and none for line 3 of --text"),
        ("-2\n-1\n-3\n-4\n", "more scores than --text has hypotheses; of the last ones"),
        ("q1-1 -2\nq1-2 -1\nq2-1 -1\nq1-1 -2\n", "more scores.*of q1-1"),
        ("q1-1 -2 -3 -0.5\n", "line 1 has 4 columns"),
        ("q1-1 -2\n-0.5\n", "line 2 has no id, unlike others"),
        ("-2\nq1-1 -2\n", "line 2 has an id, unlike others"),
        ("q1-1 -2\nq1-2 tensor(-1.5)\n", "line 2 does not end with a number"),
        ("q1-1 nan\n", "line 1 does not end with a number"),
        ("q1-1 -inf\n", "line 1 does not end with a number"),
        ("q1-1 1,5\n", "line 1 does not end with a number"),
        ("q1-1 1_0\n", "line 1 does not end with a number"),
    ],
)  # fmt: skip
def test_scores_that_do_not_fit_are_refused(ranked, scores, message):
    with pytest.raises(errors.UserError, match=f"--scores=FILE: .*{message}"):
        ranked(KALDI_N, "kaldi_n", scores=scores, lm_weight=1)


def test_scores_of_lines_without_ids(ranked, capsys):
    (rows,) = ranked("word4\nword5\n", "lines", scores="a 2\nb 3\n", lm_weight=0)
    assert [row["combined"] for row in rows] == [3, 2]
    assert "no score is negative, as no cost is" in capsys.readouterr().err
    ranked("word4\nword5\n", "lines", scores="a 0\nb 3\n", lm_weight=0)
    assert "no score is negative, as no cost is" in capsys.readouterr().err
    for scores, is_probability in (("a 0.9\nb 0.1\n", True), ("a 0.9\nb 1.1\n", False)):
        ranked("word4\nword5\n", "lines", scores=scores, lm_weight=0)
        assert ("take the logarithm" in capsys.readouterr().err) == is_probability
    ranked("0 ||| word4 ||| 3.5\n0 ||| word5 ||| 4.5\n", lm_weight=0)  # Nematus's
    assert "--text: no score is negative, as no cost is" in capsys.readouterr().err
    for first in ("-1.5", "-5"):
        message = f"line 1 has two scores, {first} before the last"
        with pytest.raises(errors.UserError, match=message):
            ranked("word4\nword5\n", "lines", scores=f"{first} 2\n-2.5 3\n", lm_weight=0)


@pytest.mark.parametrize(
    "fields, total",
    [
        ("lm= -7.5E0 words= -3 ||| -2.5E1", -25),
        ("lm= -7.5 ||| -1.2E+01", -12),
        ("lm= -7.5 ||| 1e-100", 1e-100),
        ("lm= -7.5 ||| -5.1 ||| 0-0 1-1", -5.1),
        ("0-0 1-1 ||| F0= -0.5 ||| -0.5", -0.5),  # Marian's
        ("WordScores= -0.1 -0.2 ||| F0= -1.3 ||| -0.65", -0.65),
        ("lm_0=-7.5 tm_1=-2 ||| .5", 0.5),  # Joshua's
        ("0 -3.5 -1 ||| -4", -4),
        ("-2.5e-1", -0.25),
        ("lm: -3.2", None),
        *(
            (f"lm: -3.2 ||| {total}", None)
            for total in ("-inf", "nan", "", ".", "1.2.3", "LM:", "1 2", "1e999", "x-1", "-1,5")
        ),
    ],
)
def test_the_total_of_moses(ranked, fields, total):
    text = f"0 ||| word4 word5 ||| {fields}\n0 ||| word6 ||| lm: 0 ||| -1000\n"
    if total is None:
        with pytest.raises(errors.RequestError, match="line 1 of --text has"):
            ranked(text, lm_weight=0)
    else:
        ((row, _),) = ranked(text, lm_weight=0)
        assert row["combined"] == total


@pytest.mark.parametrize(
    "words, number",
    [
        ("word4 |0-1| word5 |2-2|", 2),
        ("word4 |0-1,wa=0-0,total=-1.5| word5 |2-2,total=-2|", 2),
        ("word4|DT word5|NN", 2),
        ("word4|DT|x word5|NN|y", 2),
        ("word4 |0,wa=0-0 1-1 , total=-2| word5 |1|", 2),
        ("word4 <eps> word5 <eps>", 2),
        ("word4 word5|UNK|UNK|UNK", 2),
        ("word4|DT word5|UNK|UNK|UNK", 2),
        ("word4(2) <sil> word5(3)", 2),
        ("!SENT_START word4 ++NOISE++ word5 !NULL !SENT_END", 2),
        ("<|en|><|NEUTRAL|>word4 word5 <|2.00|>", 2),
        ("word4 <eos> word5", 2),  # the penalty is of words
        ("<s> word4 word5 </s>", 2),
    ],
)
def test_what_is_no_word_takes_nothing_off(ranked, capsys, words, number):
    plain = "word4 <eos> word5" if "<eos>" in words else "word4 word5"
    for form in ("0 ||| {} ||| -1", "{}"):
        text = f"{form.format(words)}\n{form.format(plain)}\n"
        capsys.readouterr()
        ((first, second),) = ranked(text, word_penalty=1)
        assert first["combined"] == second["combined"] == first["log_probability"] - number
        assert ("which are no words, were left out" in capsys.readouterr().err) == (
            any(mark in words for mark in ("|", "<eps>", "(2)", "!NULL"))
        )


@pytest.mark.parametrize("word", ["(" * 30000 + "a", "[1" * 30000, "a=" * 30000])
def test_no_word_takes_long(ranked, word):  # which would be minutes if it grew with the square
    ranked(f"word4 word5 word6 word7 {word}\nword4 word5 word4 word5 word6 {word}\n")


@pytest.mark.parametrize("form", nbest_lines.FORMATS)
def test_no_list_is_cut(tmp_path, monkeypatch, form):
    """However the lines come, a list's hypotheses come together, unless it is a long one."""
    path = str(tmp_path / "text")
    (tmp_path / "text").write_text(as_list(form)[0])

    def blocks():
        text = text_reader.TextReader(WORD_TO_ID, nbest_format=form)
        read = text.read([path], complete_last_line=True)
        return [[piece.hypothesis.line for piece in b if piece.hypothesis] for b in read]

    together = [line for block in blocks() for line in block]
    for size in (1, 7, 30, 1 << 18):
        monkeypatch.setattr(text_reader, "BLOCK_BYTES", size)
        lists = [block for block in blocks() if block]
        assert [line for block in lists for line in block] == together
        sizes = list(itertools.accumulate(map(len, lists), initial=0))
        assert set(sizes) <= {0, 3, 5}  # where lists end
    monkeypatch.setattr(text_reader, "MAX_LIST_WORDS", 3)
    monkeypatch.setattr(text_reader, "BLOCK_BYTES", 1)
    assert max(map(len, blocks())) < 3  # of the first list


@pytest.mark.parametrize("form", nbest_lines.FORMATS)
def test_a_list_is_answered_when_it_has_ended(scorer, form):
    """From a pipe that stays open; it ends with an empty line, or with the next list's first."""
    lines = as_list(form)[0].split("\n")
    last = next(i for i, line in enumerate(lines) if not line or re.match(r".*1\b.*word3", line))
    receiver, sender = os.pipe()
    os.write(sender, "".join(f"{line}\n" for line in lines[: last + 1]).encode())
    stopped = threading.Event()
    too_late = threading.Timer(60, lambda: (stopped.set(), os.close(sender)))
    too_late.start()
    text = text_reader.TextReader(WORD_TO_ID, nbest_format=form)
    scored = scoring.score_pieces(text.read([f"/dev/fd/{receiver}"]), scorer, WORD_TO_ID, True)
    _, rows = next(ranking.ranked_rows(scored))
    too_late.cancel()
    assert len(rows) == 3 and not stopped.is_set()
    os.close(sender)
    os.close(receiver)


@pytest.mark.parametrize("form", ["0 ||| {} ||| -1", "utt1 {}", "{}"])
def test_escapes_are_undone(ranked, capsys, form):
    names = {"word5": "'s", "word6": '"', "word7": "&amp;"}
    word_to_id = {names.get(word, word): i for word, i in WORD_TO_ID.items()}
    escaped, plain = "word4 &apos;s &quot; &amp; &#91;", "word4 's \" &amp; ["
    ((first, second),) = ranked(
        f"{form.format(escaped)}\n{form.format(plain)}\n",
        "kaldi" if form.startswith("utt") else "guess",
        word_to_id,
    )
    assert first["log_probability"] == second["log_probability"]
    assert first["unknown"] == second["unknown"] == 1
    assert "escapes were undone in 3 words, such as &apos;s" in capsys.readouterr().err


def test_pieces_of_words_are_said(ranked, capsys):
    ranked("0 ||| ▁word4 ▁wo rd5 ||| -1\n0 ||| ▁word4 ||| -2\n")
    assert "pieces of words, such as ▁word4 (SentencePiece)" in capsys.readouterr().err


def test_a_carriage_return_is_white_space(ranked):
    ((row,),) = ranked("0 ||| word4 word5\rword6 ||| -1\n")
    assert (row["words"], row["unknown"]) == (4, 0)


LONG = "word4 word5 word6 word7 word8 word9 word4 word5 word6 word7"


@pytest.mark.parametrize(
    "lines, form",
    [
        (["", "0 ||| word4 ||| -1"], "moses"),
        (["utt1 word4", "utt1 word5", "utt2 word4"], "kaldi"),
        (["a-1-1 word4", "a-1-2 word5", "a-2-1 word4"], "kaldi_n"),
        (["1089-134-0000 word4", "1089-134-0000 word5", "1089-134-0001 word5"], "kaldi"),
        (["1089-134-0-1 word4", "1089-134-0-2 word5", "1089-134-1-1 word5"], "kaldi_n"),
        (["data/a/b.wav word4", "data/a/c.wav word5"], "kaldi"),
        (["запись1 word4", "запись2 word5"], "kaldi"),
        (["10:30 word4", "10:31 word5"], "lines"),
        (["he/she word4", "his/her word5"], "lines"),
        (["F-16 16 word4", "F-16 60 word4"], "lines"),
        (["word4 word5", "word5"], "lines"),
        (["10-year word4", "10-year word5"], "lines"),
        (["", "0 ||| word4 word5 ||| -1"], "moses"),
        (["S-8\tsource", "H-8\t-0.25\tword4 word5", "P-8\t-0.1 -0.2"], "fairseq"),
        (["2026-01-02 10:11:12 | INFO | fairseq", "H-8\t-0.25\tword4"], "fairseq"),
        (["W-8\t0.1\tseconds", "H-8\t-0.25\tword4", "E-8_0\tword5", "I-8\t3"], "fairseq"),
        (['{"id": "a", "text": "word4 ||| word5"}'], "jsonl"),
        (['{"id": "a", "text": "word4"},', '{"id": "a", "text": "word5"}'], "jsonl"),
        (["0 ||| 25 ||| lm= -5.1 ||| -3", "0 ||| 26 ||| -4"], "moses"),
        (["word4x word5", "word4 word5", "word5 word6"], "lines"),
        (["word4-x1 word5", "word4 word5", "word4-x2 word5"], "kaldi"),  # by chance, a word
        (["word4 </s>", "word5 </s>", "word6 word7 </s>"], "lines"),
        (["<s> word4 word5 </s>"], "lines"),
        (["utt1-1 word4 word5 </s>", "utt1-2 word4 </s>"], "kaldi_n"),
        (["[laughter]", "word4"], "lines"),
        (["“Yes,” word4", "“Yes,” word5"], "lines"),
        (["1,000 word4", "1,500 word5"], "lines"),
        (["a|b word4|c", "d|e word4|f"], "lines"),
        (["utt1-1 25 word4", "utt1-2 25 word5"], "kaldi_n"),
        (["word4|a", "b|c"], "lines"),
        (["word4 word5 word6", "...", "word4 word5"], "lines"),
        (["25", "word4 word5", "20 5", "2005"], "lines"),
        (["okay", "word4 word5 word6", "", "yeah", "word5 word6 word7"], "lines"),
        (["`` word4 word5 ''", "`` word4 ''"], "lines"),
        (["word4 3,500", "word5 3,600"], "lines"),
        (["word4\t", "word5\t"], "lines"),
        (["track 1 word4", "track 2 word4"], "lines"),
        (["<|en|>word4 word5", "<|en|> word4"], "lines"),
        (["<|0.00|> word4 word5 <|1.00|>", "<|0.00|> word4 <|0.50|>"], "lines"),
        (["9/11 word4 word5 word6 word7", "9/11 word5 word6 word7 word7"], "lines"),
        (["#1 word4", "#1 word5"], "lines"),
        (["word4 word5 word6 word7 24/7", "word4 word5 word6 word6 24/7"], "lines"),
        (["word4 in 1990", "word4 in 1992", "word5 in 1991"], "lines"),
        (['"word4?" word5. "word6"', '"word4" word5 "word5."'], "lines"),
        (['{"id": "a", "text": "word4 word5", "beam": 3, "label": true, "refs": []}'], "jsonl"),
        (['{"id": "a", "text": "word4 word5", "speaker": "word4 bob", "output": "en"}'], "jsonl"),
        (["word4 word5 1984", "word4 word6 1985"], "lines"),
        (['{"id": "a", "text": "word4 word5", "speaker": "Old Owl", "ref": null}'], "jsonl"),
        (['{"id": "a", "text": "word4 word5", "source": "die alte Eule"}'], "jsonl"),
        (['{"id": "a", "text": ["word4", "word5"], "score": null}'], "jsonl"),
    ],
)
def test_a_format_is_guessed_from_several_lines(ranked, capsys, monkeypatch, lines, form):
    for block_bytes in (1 << 18, 1, 7):  # however they come
        monkeypatch.setattr(text_reader, "BLOCK_BYTES", block_bytes)
        result = ranked("\n".join(lines))
        assert capsys.readouterr().err.count(f"(--nbest_format={form})") == 1
        assert result == ranked("\n".join(lines), form)


@pytest.mark.parametrize(
    "text, form, message",
    [
        ("", "lines", "holds no hypothesis"),
        ("\n\n", "kaldi", "holds no hypothesis"),
        ("utt-1 a\nutt b\n", "kaldi_n", "line 2 utt does not end with - and"),
        ("0 ||| a\nb\n", "moses", r"line 2 has no \|\|\| after its number"),
        ("\a0 ||| a ||| -1\n0 ||| b ||| -2\n", "guess", r"line 1 begins with \\x070, where Moses"),
        ("A title\n0 ||| a ||| -1\n", "guess", "the first lines are in different formats"),
        ("a b\n\n0 ||| a ||| -1\n", "guess", "line 3 seems to be of Moses's lists"),
        ("0 ||| a ||| -1\n", "kaldi", "line 1 seems to be of Moses's lists"),
        ("H-8\t-0.25\ta b\n", "kaldi", "line 1 seems to be of fairseq's lists"),
        ("H-8\t-0.25 a b\n", "fairseq", "line 1 has no tab between the score and the words"),
        ("H-8\t-0.25\ta b\nc d\n", "fairseq", "line 2 does not begin as fairseq's lines do"),
        ("q1-1 a\nq2-1 b\nq1-2 c\n", "kaldi_n", "line 3 is of the list q1, which ended before"),
        ("utt1 a\nutt2 b\nutt1 c\n", "kaldi", "line 3 is of the list utt1, which ended before"),
        ("0 ||| a\n1 ||| b\n0 ||| c\n", "guess", "line 3 is of the list 0, which ended before"),
        ("q1-1 a\nq1-2 b\nq1-1 c\n", "kaldi_n", "line 3 is a second hypothesis called q1-1"),
        ("q1-1 12.5 a b\nq1-2 13.25 a\n", "kaldi_n", "a number before the words, such as 12.5"),
        ("-12.5 a b\n-13.5 a\n", "guess", "a number before the words, such as -12.5"),
        ("a b\t-12.5\na\t-1.3e1\n", "guess", "a number after the words, such as -12.5"),
        ("utt1 17 4 9\nutt1 17 4\n", "kaldi", "numbers in place of words"),
        ("wav utt1\ncandidate -12.34 a b\ncandidate -13.2 a\n", "guess", "seems to be of WeNet"),
        ("ID: utt1\n  1 a b\n  2 a\nID: utt2\n  1 a\n", "guess", "seems to be the name of a list"),
        ("Hypothesis 1: a b\nHypothesis 2: a\n", "guess", "have Hypothesis 1: before the words"),
        ("a b,-12.3\na c,-13.4\n", "guess", "have b,-12.3 beside the words"),
        ('"a b",-12.3\n"a c",-13.4\n', "guess", 'have b",-12.3 beside the words'),
        ("a b\nc\n--\na b\n", "guess", "line 3 is -- alone, between hypotheses"),
        ('{"id": 1, "text": ["a b", "a c"]}\n', "guess", "has several hypotheses as .text.; write"),
        ('{"id": 1, "text": "a", "alternatives": ["b"]}\n', "guess", "and .alternatives.; leave"),
        ("NBestList1.0\n(-1534) a b\n", "guess", "line 1 seems to be the header.*SRILM"),
        ("NBestList2.0\n(-1534) a ( st: 1 et: 2 g: 0 a: 0 )\n", "guess", "SRILM"),
        ("(-1534) a b\n(-1600) a\n", "guess", "line 1 seems to be of an n-best list of SRILM"),
        ("-1234.5 -45.6 2 a b\n-1235.5 -40.1 1 a\n", "guess", "n-best list of SRILM"),
        ("utt1 1 0.00 0.35 the 0.9\nutt1 1 0.35 0.30 owl 0.9\n", "guess", "of a CTM file"),
        ("#!MLF!#\n", "guess", "a label file of HTK"),
        ("utt1 1 speaker 0.00 1.35 <o,f0> the owl\n", "guess", "of an STM file"),
        ("H-1 -0.25 a b\nH-1 -0.5 a\n", "guess", "of fairseq's lists, of which the tabs are"),
        ("a b (spk-utt1)\na (spk-utt1)\nc (spk-utt2)\n", "guess", "in brackets after the words"),
        ("a b (utt1 -5234)\na (utt1 -5300)\n", "guess", "a name in brackets after the words"),
        ("id\ttext\nu1\ta b\n", "guess", "line 1 seems to be a table's header"),
        ("0\ta b\n0\tb\n1\tb\n", "guess", "the first lines begin with 0 and 1"),
        ("a\tb\na\tb c\n", "guess", "columns, with tabs between them"),
        ("0 word4\n0 word5\n1 word6\n", "guess", "if that is an id, say --nbest_format=kaldi"),
        ("1. word4\n2. word5\n\n1. word4\n", "guess", r"the first lines begin with 1\. and 2\."),
        ("bo a\nbo b\nal a\nal b\n", "guess", "begin with bo and al, which the model does not"),
        ("utt1 word4 [ 1 2 ]\nutt1 word5 [ 3 4 ]\n", "kaldi", r"more than words, such as \["),
        ("0 46797 word4\n0 35000 word5\n", "guess", "the first lines|two numbers before"),
        ("utt1 | word4\nutt2 | word5\n", "guess", r"have \| before the words"),
        ("the 12\nowl 40\n", "guess", "others are a word and a number"),
        ('utt1,"a b",-1.5\nutt1,"c d",-1.7\n', "guess", "have , within their first words"),
        ("[05/01/17 12:00:00 INFO] PRED 1: a\n[05/01/17 12:00:00 INFO] b\n", "guess", "more than"),
        ("0 a [-1.2]  b [-3.4] \n1 c [-1]  d [-3] \n", "guess", "begin with 0 and 1"),
        ("a.nbest -1234.5 -20.3 3 a b\na.nbest -1250.5 -22.3 5 c\n", "guess", "more than words"),
        ("0 1000 the -123.4\n///\n0 900 an -12\n", "guess", "line 2 is /// alone"),
        ("# frames 123\n T -1234 A -1200 0 <s> 10 -3 -3 the\n", "guess", "more than words"),
        ("utt1-0:\thyp=['a', 'b']\nutt2-1:\thyp=['c', 'd']\n", "guess", "more than words"),
        ("('a b', None, [('a', (0, 3))], -1.2)\n('c', None, [('c', (0, 3))], -1.4)\n", "guess",
         "more than words"),
        ('<nbest><hyp score="-1">a b</hyp></nbest>\n', "guess", "more than words, such as <nbest>"),
        ("| id | hyp |\n|----|-----|\n| 1 | a b |\n", "guess", "more than words|before the words"),
        ("[00:00.000 --> 00:02.000]  a b\n[00:02.000 --> 00:04.000]  c\n", "guess", "more than"),
        ("[00:00.00]a b\n[00:02.00]a c d\n", "guess", r"more than words, such as \[00"),
        ("0:00:00.000,0:00:02.000\na b\n", "guess", "of subtitles"),
        ("numaligns 2\nalign 0 a 0.9 b 0.1\n", "guess", "confusion network"),
        ("[utt1] a b\n[utt2] a c\n", "guess", r"have \[utt1\] beside the words"),
        ("(utt1) a b\n(utt1) a c\n", "guess", r"have \(utt1\) beside the words"),
        ("HYP: a b\nHYP: a c\n", "guess", "have HYP: beside the words"),
        ("utt1 rec_text[1]: a b\nutt1 rec_text[2]: c d\n", "guess", r"have rec_text\[1\]: beside"),
        ("95% a b c\n5% a b d\n", "guess", "have 95% beside the words"),
        ("a b c (0.95)\na b d (0.05)\n", "guess", r"have \(0.95\) beside the words"),
        ("a b c d [-12.3]\na b d e f [-13.3]\n", "guess", r"have \[-12.3\] beside the words"),
        ("<0.1> a <0.3> b\n<0.1> c <0.3> d\n", "guess", "more than words|beside the words"),
        ("LOG (lattice-to-nbest[5.5]:main()) Done\nutt1-1 a\n", "guess", "of a log of Kaldi"),
        ("ID,hyp\nutt1,a b\n", "guess", "a table's header"),
        ("id: (utt1-1)\nREF:  a\n", "guess", "of a table of errors"),
        ("utt1 ref  a b\nutt1 hyp  a b\n", "guess", "of a table of errors"),
        ("id,text,score\nu1,a b,-1\n", "guess", "line 1 seems to be a table's header"),
        ("1\n00:00:01,000 --> 00:00:02,000\na b\n", "guess", "line 2 seems to be of subtitles"),
        ('{\n  "utts": {\n', "guess", "line 1 seems to be JSON over several lines"),
        ('{"utts": {"a": {"output": []}}}\n', "guess", "JSON over several lines"),
        ('{"id": 1, "hyp": "a"}\n', "guess", 'line 1 has not the keys "id" and "text"'),
        ('{"id": 1, "text": "a", "pred_text": "b"}\n', "guess", 'has "text" and "pred_text"'),
        ('{"id": 1, "text": "a"\n', "jsonl", "line 1 is no JSON object"),
        ('<?xml version="1.0"?>\n', "guess", "XML or SGML"),
        ('[{"id": "a", "text": "b"},\n{"id": "a", "text": "c"}]\n', "guess", "a list in JSON"),
        (f"[00:00.000 --> 00:02.000]  {LONG}\n[00:02.000 --> 00:04.000]  {LONG}\n", "guess",
         r"have \[00:00.000 --> 00:02.000\] before the words"),
        (f"utt1 [0.00s -> 2.00s] {LONG}\nutt1 [0.00s -> 2.10s] {LONG}\n", "kaldi",
         r"have \[0.00s -> 2.00s\] before the words"),
        (f"[0.00s -> 2.00s] {LONG}\n", "guess", r"of one line, which has \[0.00s -> 2.00s\]"),
        *(
            (f"{first}\n{LONG}\nword4\n\n{second}\n{LONG}\n", "guess",
             f"line 6 ends a list that begins with {re.escape(second)} alone, as the one before")
            for first, second in (
                ("utt1", "utt2"), ("# utt1", "# utt2"), ("[utt1]", "[utt2]"), ("2", "1"),
                ("REF", "REF"),
            )
        ),
        (f"utt1\n{LONG}\nutt2\n{LONG}\n", "guess", "line 3 is utt2 alone, between hypotheses"),
        *(
            (f"word4\n{line}\nword6\n{line}\n", "guess", f"is {re.escape(line)} alone, between")
            for line in ("---", "////", "####", "* * *", ".", "___")
        ),
        ("word4\n" * 100 + "---\nword5\n", "guess", "line 101 is --- alone.*--nbest_format=lines"),
        (f"{LONG}\n-12.5\n{LONG}\n-12.75\n", "guess", "line 4 is -12.75 alone"),
        (f"12\n{LONG}\n13\n{LONG}\n", "guess", "line 3 is 13 alone"),
        ("utt1 1 -12.3 a b\nutt1 2 -12.4 a c\n", "kaldi", "after the id, such as 1, which"),
        ("utt1 1 a b\nutt1 2 a c\nutt2 1 a\n", "guess", "after the id, such as 1, which"),
        ("u-1-1 12 a b\nu-1-2 13.5 a c\nu-2-1 3 a\n", "guess", "after the id, such as 12, which"),
        ("u-1-1 12 a b\nu-1-2 13 a c\n", "kaldi_n", "after the id, such as 12, which"),
        *(
            (f"utt1{joint}a b\nutt1{joint}c b\nutt2{joint}a\n", "guess",
             f"have {re.escape(joint)} within their first words, such as utt1{re.escape(joint)}a")
            for joint in ",;|"
        ),
        ("-1.234500e+01 a b\n-1.244500e+01 a c\n", "guess", "before the words, such as -1.2345"),
        ("1e-1 a b\n1e-2 a c\n", "guess", "before the words, such as 1e-1"),
        ("0 ||| 1 ||| a b ||| -5\n0 ||| 2 ||| a c ||| -6\n", "guess", "has only the number 1"),
        ("0 ||| -5.1 ||| a b\n", "moses", "has only the number -5.1 where its words should be"),
        ("a b\ta c\n", "guess", "line 1 ends a list of one line, which has columns, with tabs"),
        ("-12.3\ta b\n\n-12.4\ta c\n", "guess", "of one line, which has columns"),
        *(
            (text, "guess", "a number before the words, such as -")
            for text in (
                "-12.3 word4\n-14.0 word5\n-20.5\n", "-20.5\n-12.3 word4\n",
                "-1.5 word4\n-inf word5\n", "-1.5 word4\n0 word5\n", "-1.5 word4\n-1.5 word5\n",
                "-12,30 word4\n-13,40 word5\n",
            )
        ),
        *(
            (text, "guess", "a number after the words, such as")
            for text in (
                "word4 12.5\nword5 13\n", "utt1 word4 12.5\nutt1 word5 13\nutt2 word5 7.25\n",
                "word4 5234\nword5 5241\nword6 5350\n", "word4 \u221212.3\nword5 \u221214\n",
                "word4 -3.1\n\nword4 word5 -12.3\nword4 word5 word6 -14.0\n",
                "word4\n\nword4 word5 -12.3\nword4 word6 -14.0\n\nword5 -3.25\n",
            )
        ),
        ("-12.3\tword4\n-20.5\t\n", "guess", "a number before|columns, with tabs"),
        ("u1\tword4\tword5\nu2\tword5\tword6\n", "guess", "have columns, with tabs"),
        ("u1\tword4\tword5\nu2\tword5\t\n", "guess", "have columns, with tabs"),
        ('"word4 word5"\n"word4 word6"\n', "guess", 'in quotation marks, such as "word4'),
        ('u1 "word4 word5"\nu2 "word4 word6"\n', "guess", 'in quotation marks, such as "word4'),
        *(
            (f"{mark} word4 word5\n{other} word4 word6\n", "guess", "have .* beside|before the")
            for mark, other in (
                ("#1", "#2"), ("a)", "b)"), ("1/3", "2/3"), ("1>", "2>"), ("hyp 1 :", "hyp 2 :"),
                ("score=-12.3", "score=-13"), ("-12.3:", "-13.0:"),
            )
        ),
        ("word4 word5|-12.3\nword4 word6|-13.4\n", "guess", "have word5.-12.3 beside"),
        ("word4 word5:0.9\nword4 word6:0.8\n", "guess", "have word5:0.9 beside"),
        ('{"id": "a", "text": "word4 word5", "what": "word4 word5 word7"}\n', "guess", "what"),
        ("|T|: word4 word5\n|P|: word4\n[sample: u1, WER: 50%]\n", "guess", "of wav2letter"),
        ("Rank 1 (-1.5): word4\nRank 2 (-2.5): word5\n", "guess", "have .* beside the words"),
        ("utt1 S 0 T -123 A -120 L -3 0 <sil> 3 word4\n", "guess", "segments of PocketSphinx"),
        *(
            (f'{{"id": "a", "text": "word4 word5", "{key}": "word4 word6"}}\n', "guess", key)
            for key in ("pred", "target", "gold", "Label")
        ),
        ('{"id": "a", "text": "word4", "beams": ["word4"]}\n', "guess", "beams"),
        *(
            (text, "guess", f"have {mark} before the words.*or say --nbest_format=lines if all of")
            for text, mark in (
                ("( applause )\n( laughter )\n", r"\("), ("— word4\n— word5\n", "—"),
                ("¿ word4 ?\n¿ word5 ?\n", "¿"),
            )
        ),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(ranked, text, form, message):
    with pytest.raises(errors.RequestError) as refused:
        ranked(text, form)
    assert re.search(message, str(refused.value))
    assert str(refused.value).count("\n") == 0


def test_one_long_list_is_said(ranked, capsys):
    hypotheses = [f"word4 word{i}\n" for i in range(25)]
    ranked("".join(hypotheses))
    assert "no line is empty, so that all 25 lines are one list" in capsys.readouterr().err
    ranked("".join(f"{each}\n" for each in hypotheses))
    assert "one list" not in capsys.readouterr().err


def test_words_that_look_like_ids_are_said(ranked, capsys):
    ranked("G7 word4\nG7 word5\n")
    assert "each line begins with G7; if that is an id, say --nbest_format=kaldi" in (
        capsys.readouterr().err
    )
    ranked("25 word4\n25 word5\n")
    assert "--nbest_format=lines" in capsys.readouterr().err
    ranked("utt1 word4\nutt2 word5\n")
    assert "every list has one hypothesis only" in capsys.readouterr().err


def test_words_that_look_like_columns_are_words_if_the_user_says_so(ranked):
    ((first, _),) = ranked("word4 12.5\nword4 word5 13.5 ||| a\n", "lines")
    assert first["unknown"] > 0


def test_verbose_shows_what_was_taken(run):
    text = "0 ||| word4 odd |0-1| ||| lm: -3 ||| -2.5E0\n0 ||| word5 ||| lm: -1 ||| -1\n"
    flags = [f"--save_path={run}", "--nbest", "--verbose"]
    status, out, _ = run_here(score, *flags, "--lm_weight=0", input=text)
    rows = [line.split("\t") for line in out.splitlines()]
    assert status == 0
    assert rows[0] == ["", "0", "-1.0000", "word5"]
    assert rows[2] == ["", "0", "-2.5000", "word4 odd"]
    _, out, _ = run_here(score, *flags, "--json", input=text)
    taken = [row for row in map(json.loads, out.splitlines()) if "taken" in row]
    assert {"list": "0", "line": 1, "id": "0", "score": "-2.5E0", "taken": "word4 odd"} in taken


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--lm_weight=0"], "--lm_weight: sorts hypotheses"),
        (["--word_penalty=0"], "--word_penalty: sorts hypotheses"),
        (["--scores=none", "--lm_weight=0"], "sorts hypotheses"),
        (["--nbest", "--scores=none"], "--scores: are used with --lm_weight alone"),
        (["--nbest", "--lm_weight=nan"], "--lm_weight: must be a finite number"),
        (["--nbest", "--carry_state"], "--carry_state: hypotheses are scored each by itself"),
    ],
)
def test_flags_that_would_be_ignored_are_refused(flags, message):
    status, _, err = run_here(score, "--save_path=none", *flags, input="word4\n")
    assert status == 1
    assert message in err


def test_hypotheses_that_lose_words_come_last(ranked, capsys):
    without_unk = {word: i for word, i in WORD_TO_ID.items() if word != "<unk>"}
    text = "odd strange\nodd word4\nword4 word5 word6 word7 word8\n"
    (rows,) = ranked(text, "lines", without_unk, leaves_out=True)
    assert [row["line"] for row in rows] == [3, 2, 1]
    assert capsys.readouterr().err == (
        "2 hypotheses have words that were left out, and come last in their lists\n"
        "3 words are not in the vocabulary and were left out\n"
    )


def test_the_scripts_lists(run, tmp_path):
    text, scores = as_list("kaldi_n")
    (tmp_path / "scores").write_text(scores)
    flags = ["--nbest_format=kaldi_n", "--lm_weight=2", f"--scores={tmp_path}/scores"]
    status, out, _ = run_here(score, f"--save_path={run}", *flags, input=text)
    assert status == 0
    assert sorted(line.split("\t", 6)[6] for line in out.splitlines() if line) == sorted(
        text.split("\n")
    )
    _, out, _ = run_here(score, f"--save_path={run}", *flags, "--json", input=text)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["list"] for row in rows] == ["utt-0"] * 3 + ["utt-1"] * 2
    for scores in ("1 x\n", "nan\n", "1e999\n"):
        (tmp_path / "scores").write_text(scores)
        status, out, err = run_here(score, f"--save_path={run}", *flags, input=text)
        assert (status, err.count("\n")) == (1, 1)
        assert "line 1 does not end with a number" in err
