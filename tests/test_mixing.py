import math
import re

import numpy as np
import pytest

import score
from graphs import as_text, run_here, save_run, text_corpus
from program.errors import RequestError
from trained import mixing

ARPA = """\\data\\
ngram 1=6
ngram 2=3

\\1-grams:
-1.0\t<unk>\t0
-99\t<s>\t-0.3
-0.5\t</s>\t0
-0.4\ta\t-0.2
-0.6\tb\t0
-0.9\tUNKNOWN\t0

\\2-grams:
-0.1\t<s> a
-0.2\ta b
-0.3\tb </s>

\\end\\
"""


def log_probabilities(seed, count=500):
    return np.log(np.random.default_rng(seed).uniform(0.001, 0.3, count))


def test_the_best_weight_is_that_of_a_search():
    ours, theirs = log_probabilities(1), log_probabilities(2)
    ours[3], theirs[5] = np.nan, -np.inf
    totals = [np.nansum(mixing.mix(ours, theirs, w)) for w in np.arange(0.001, 1, 0.001)]
    best = (1 + np.argmax(totals)) / 1000
    assert mixing.best_weight(ours, theirs) == pytest.approx(best, abs=0.001)


def test_the_better_of_two_models_may_get_all_the_weight():
    ours = log_probabilities(1)
    assert mixing.best_weight(ours, ours - 1) == pytest.approx(1)
    assert mixing.best_weight(ours - 2000, ours) == pytest.approx(0)


def test_a_mixture_is_a_mean_of_probabilities():
    mixture = mixing.mix(np.log([0.5, 0.2, np.nan]), np.array([math.log(0.1), -np.inf, 0]), 0.25)
    np.testing.assert_allclose(np.exp(mixture), [0.25 * 0.5 + 0.75 * 0.1, 0.25 * 0.2, np.nan])
    assert mixing.mix(np.log([0.5]), np.log([0.1]), 1)[0] == pytest.approx(math.log(0.5))


SRILM = """a b
\tp( a | <s> ) \t= [2gram] 0.5 [ -0.30103 ]
\tp( b | a ...) \t= [1gram] 0.25 [ -0.60206 ]
\tp( <unk> | b ...) \t= [OOV] 0 [ -inf ]
\tp( </s> | b ...) \t= [1gram] 0.125 [ -0.90309 ]
1 sentences, 3 words, 1 OOVs
0 zeroprobs, logprob= -1.80618 ppl= 4 ppl1= 8

file text: 1 sentences, 3 words, 1 OOVs
"""
KENLM = "a=3 2 -0.30103\tb=4 1 -0.60206\t</s>=2 1 -0.90309\tTotal: -1.80618 OOV: 0\n\nPerplexity\n"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0.5\n0.25\n\n1.25e-1\n0\n", [0.5, 0.25, 0.125, 0]),
        (SRILM, [0.5, 0.25, 0, 0.125]),
        (KENLM, [0.5, 0.25, 0.125]),
        # Sentences of one word, of which one is a number.
        (SRILM.replace("a b", "1987"), [0.5, 0.25, 0, 0.125]),
        (SRILM.replace("a b", "<unk>"), [0.5, 0.25, 0, 0.125]),
        # With what KenLM says on standard error.
        (f"This binary file contains probing hash tables.\n{KENLM}", [0.5, 0.25, 0.125]),
    ],
)
def test_probabilities_are_read_as_programs_print_them(text, expected):
    values = list(mixing.read_probabilities(text.splitlines(), "--flag=file"))
    np.testing.assert_allclose(np.exp(values), expected, rtol=1e-5)


@pytest.mark.parametrize("line", ["-0.3", "1.5", "nan", "0.5,", "inf"])
def test_what_is_no_probability_is_refused(line):
    with pytest.raises(RequestError, match=rf"--flag=file: line 2 has no probability .*: {line}"):
        list(mixing.read_probabilities(["0.5", line], "--flag=file"))


@pytest.mark.parametrize(
    "text, message",
    [
        ("the 0.1\na 0.2\n", "line 1 has more than a probability: the 0.1; leave one"),
        ("0.0012  -  0.0000  -  the\n", "line 1 has more than a probability"),  # of RNNLM
        ("# probabilities\n0.5\n", "line 1 has more than a probability"),
        ("0.5\n0.5 0.25 0.1\n", "line 2 has more than a probability"),
        ("[0.5, 0.25]\n", "line 1 has more than a probability"),
        ("Total: -4.2 OOV: 0\n", "line 1 has more than a probability"),  # query -v sentence
        ("\tthe\t-2.5\n1\t-2.5\t1\t0\t12.2\n", "line 1 has more than a prob"),  # score.py
        ("probability\n0.5\n", "line 1 has no probability from 0 to 1: probability"),
    ],
)
def test_other_files_are_refused(text, message):
    with pytest.raises(RequestError, match=f"--flag=file: {message}"):
        list(mixing.read_probabilities(text.splitlines(), "--flag=file"))


@pytest.mark.parametrize("count, message", [(2, "fewer"), (4, "more")])
def test_there_is_a_probability_for_each_word(count, message):
    file = mixing.ProbabilityFile("p.txt", "mix_probabilities", ["0.5"] * count)
    with pytest.raises(RequestError, match=f"--mix_probabilities=p.txt: has {message} "):
        file.score([1, 2])
        file.score([3])
        file.finish()


def test_an_ngram_model_predicts_each_word_and_the_end_of_a_line(tmp_path, capsys):
    pytest.importorskip("kenlm")
    (tmp_path / "x.arpa").write_text(ARPA)
    words = ["<eos>", "a", "b", "<unk>"]
    model = mixing.NgramModel(str(tmp_path / "x.arpa"), words, "UNKNOWN")
    scores = np.concatenate([model.score([1, 2]), model.score([0, 1, 3, 0])])
    np.testing.assert_allclose(scores / math.log(10), [-0.1, -0.2, -0.3, -0.1, -1.1, -0.5], 1e-5)
    assert capsys.readouterr().err == ""
    mixing.NgramModel(str(tmp_path / "x.arpa"), [*words, "c"])
    unknown, strange = capsys.readouterr().err.splitlines()
    assert "--mix_unknown" in unknown and "does not know 1 of the 5 words, such as c" in strange


def test_an_ngram_model_that_knows_unk_or_eos_as_words(tmp_path, capsys):
    pytest.importorskip("kenlm")
    with_unknown = ARPA.replace("-0.2\ta b", "-0.2\ta <unk>")
    (tmp_path / "x.arpa").write_text(with_unknown)
    mixing.NgramModel(str(tmp_path / "x.arpa"), ["<eos>", "a", "<unk>"])
    assert capsys.readouterr().err == ""
    (tmp_path / "x.arpa").write_text(ARPA.replace("UNKNOWN", "<eos>"))
    mixing.NgramModel(str(tmp_path / "x.arpa"), ["<eos>", "a"])
    assert "has the word <eos>, which is not asked for" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "No such file"),
        ("", "kenlm finds no n-gram model in it"),
        ("no model", 'kenlm says: first non-empty line was "no model" not'),
        (b"\xd6\xfd\xb2\x7e\x06\0\0\0vector\x08\0", "kenlm finds no n-gram model in it"),  # OpenGrm
        (f"iARPA\n\n{ARPA}", "kenlm says: This looks like an IRSTLM iARPA file. You need an ARPA"),
        (ARPA.replace("\t", " "), "kenlm says: Expected tab after probability in the 1-gram"),
        (ARPA.replace("2=3", "2=4"), 'kenlm says: Could not parse ".end." into a float'),
        (ARPA.replace("-0.5\t</s>", "-0.5\tc"), "kenlm says: The ARPA file is missing </s>"),
        (
            ARPA[: ARPA.index("\\2-grams")].replace("ngram 2=3\n", "") + "\\end\\\n",
            "kenlm says: This ngram implementation assumes at least a bigram model",
        ),
    ],
)
def test_a_file_that_is_no_ngram_model_is_refused(tmp_path, content, reason):
    pytest.importorskip("kenlm")
    if content is not None:
        content = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "x.arpa").write_bytes(content)
    with pytest.raises(RequestError, match=f"x.arpa: cannot be read: {reason}"):
        mixing.NgramModel(str(tmp_path / "x.arpa"), ["a"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory)
    return directory


def words_scored(*arguments):
    """The log-probability of each word that `score.py` prints, and what it says."""
    status, out, err = run_here(score, *arguments, "--verbose")
    assert status == 0, err
    rows = [line.split("\t") for line in out.splitlines()]
    return np.array([float(row[2]) for row in rows if not row[0]]), rows[-1], err


@pytest.mark.parametrize("by_itself", [[], ["--nocarry_state"]])
def test_a_text_is_scored_with_the_mixture(run, tmp_path, by_itself):
    corpus = text_corpus()
    (tmp_path / "text").write_text(as_text(corpus.test, corpus.words))
    others = np.random.default_rng(3).uniform(0.01, 0.3, len(corpus.test) + 1)
    flags = [f"--save_path={run}", f"--text={tmp_path}/text", *by_itself]
    ours, _, _ = words_scored(*flags)
    is_scored = ~np.isnan(ours)
    others = others[: len(ours)]
    (tmp_path / "p").write_text("".join(f"{p:.9f}\n" for p in others))
    mix = [f"--mix_probabilities={tmp_path}/p"]
    mixture, total, _ = words_scored(*flags, *mix, "--mix_weight=0.25")
    expected = np.log(0.25 * np.exp(ours) + 0.75 * others)
    np.testing.assert_allclose(mixture, expected, atol=2e-4)
    assert float(total[1]) == pytest.approx(expected[is_scored].sum(), abs=0.01)
    held_out = [f"--mix_valid={tmp_path}/text", f"--mix_valid_probabilities={tmp_path}/p"]
    _, best, err = words_scored(*flags, *mix, *held_out)
    weight = mixing.best_weight(ours, np.log(others))
    assert f"--mix_weight={weight:.4f} makes {tmp_path}/text most probable" in err
    assert float(best[1]) >= float(total[1])


def test_lists_are_sorted_by_the_mixture(run, tmp_path):
    pytest.importorskip("kenlm")
    (tmp_path / "x.arpa").write_text(
        re.sub(r"\b[ab]\b", lambda m: {"a": "word3", "b": "word4"}[m[0]], ARPA)
    )
    flags = [f"--save_path={run}", "--nbest", f"--mix_arpa={tmp_path}/x.arpa"]
    flags += ["--mix_weight=0", "--mix_unknown=UNKNOWN"]
    status, out, _ = run_here(score, *flags, input="word4\nword3\n")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (status, [row[-1] for row in rows]) == (0, ["word3", "word4"])
    totals = [(-0.1 - 0.2 - 0.5) * math.log(10), (-0.3 - 0.6 - 0.3) * math.log(10)]
    assert [float(row[1]) for row in rows] == pytest.approx(totals, abs=1e-3)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--mix_weight=0.5"], "--mix_weight: name a model with --mix_arpa, for example"),
        (["--mix_arpa=a"], "--mix_arpa: give either --mix_weight, or --mix_valid to find it on"),
        (["--mix_arpa=a", "--mix_weight=1", "--mix_valid=v"], "--mix_arpa: give either"),
        (["--mix_arpa=a", "--mix_probabilities=p"], "choose one of the two"),
        (["--mix_arpa=a", "--mix_weight=nan"], "--mix_weight: must be a number from 0 to 1"),
        (["--mix_arpa=a", "--mix_weight=1.5"], "--mix_weight"),
        (
            ["--mix_probabilities=p", "--mix_weight=1", "--nbest"],
            "are a text's, not those of lists",
        ),
        (["--mix_probabilities=p", "--mix_valid=v"], "--mix_valid_probabilities: go with"),
        (["--mix_probabilities=no", "--mix_weight=1"], "--mix_probabilities=no: cannot be read"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(run, flags, message):
    status, out, err = run_here(score, f"--save_path={run}", *flags, input="word3\n")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message in err
