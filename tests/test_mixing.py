import math

import numpy as np
import pytest

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
    ],
)
def test_probabilities_are_read_as_programs_print_them(text, expected):
    values = list(mixing.read_probabilities(text.splitlines(), "--flag=file"))
    np.testing.assert_allclose(np.exp(values), expected, rtol=1e-5)


@pytest.mark.parametrize("line", ["-0.3", "1.5", "nan", "0.5,", "inf"])
def test_what_is_no_probability_is_refused(line):
    with pytest.raises(RequestError, match=rf"--flag=file: line 2 has no probability .*: {line}"):
        list(mixing.read_probabilities(["0.5", line], "--flag=file"))


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


def test_a_file_that_is_no_ngram_model_is_refused(tmp_path):
    pytest.importorskip("kenlm")
    (tmp_path / "x.arpa").write_text("no model")
    for name, reason in (("x.arpa", "finds no n-gram model"), ("y.arpa", "No such file")):
        with pytest.raises(RequestError, match=f"{name}: cannot be read: .*{reason}"):
            mixing.NgramModel(str(tmp_path / name), ["a"])
