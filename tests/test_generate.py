import numpy as np
import pytest

import generate
from graphs import run_here, run_program, save_run, text_corpus
from text import preparation
from trained import trained_model

WORD_TO_ID = {word: i for i, word in enumerate(text_corpus().words)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory)
    return f"--save_path={directory}"


def test_a_prompt_is_read_word_by_word(capsys):
    ids = generate.read_prompt(" word4 nonsense\nword5  nonsense odd ", WORD_TO_ID)
    assert list(ids) == [4, 1, 2, 5, 1, 1]
    assert capsys.readouterr().err == (
        "--prompt: not in the vocabulary, and read as <unk>: nonsense odd\n"
    )
    without_unk = {word: i for word, i in WORD_TO_ID.items() if word != "<unk>"}
    assert list(generate.read_prompt("nonsense word4", without_unk)) == [4]
    assert "left out: nonsense" in capsys.readouterr().err


def test_samples_follow_one_another(capsys):
    steps = [[3, 4], [2, 5], [3, 2]]
    generate.print_batch(["a", "b"], steps, ["w0", "w1", "<eos>", "w3", "w4", "w5"])
    assert capsys.readouterr().out == "a b w3\nw3\n\na b w4 w5\n"


def test_words_come_as_they_are_chosen(capsys):
    def steps():
        yield [0]
        assert capsys.readouterr().out == "a w0"
        yield [0]
        assert capsys.readouterr().out == " w0"

    generate.print_batch(["a"], steps(), ["w0"])


@pytest.mark.parametrize("how", [None, preparation.TOKENIZED, preparation.Preparation()])
def test_marks_of_sentences_in_a_prompt_are_no_words(capsys, how):
    vocabulary = {"the": 0, "owl": 1, "<eos>": 2, "<unk>": 3}
    for prompt, ids in {
        "<s> the owl": [0, 1],
        "<S> the owl </S> <bos> the": [0, 1, 2, 0],
        "the owl <eos>": [0, 1, 2],
        "<s> the </s>\n<s> owl": [0, 2, 1],
        "the\n\nowl\n": [0, 2, 2, 1, 2],
        "": [],
    }.items():
        assert list(generate.read_prompt(prompt, vocabulary, how)) == ids
    assert capsys.readouterr().err == ""
    vocabulary["<s>"] = 4
    assert list(generate.read_prompt("<s> the", vocabulary, how)) == [4, 0]


WORDS = preparation.Preparation()


def test_a_raw_prompt_is_prepared_as_the_corpus_was():
    vocabulary = ["he", "said", ":", "“", ".", "N", "<eos>", "n't", "do"]
    word_to_id = {word: i for i, word in enumerate(vocabulary)}
    ids = generate.read_prompt("Don’t. He said:\n“12", word_to_id, WORDS)
    words = ["do", "n't", ".", "<eos>", "he", "said", ":", "<eos>", "“", "N"]
    assert [vocabulary[i] for i in ids] == words


@pytest.mark.parametrize(
    "how, vocabulary, text",
    [
        (WORDS, ["he", "does", "n't", "like", "it", ",", "she", "said", ".", "<eos>"],
         "he doesn't like it, she said.\n"),
        (preparation.Preparation(level="char"), ["我", "_", "<underscore>", "b", "<eos>"],
         "我 _b\n"),
    ],
)  # fmt: skip
def test_words_are_joined_into_text(capsys, how, vocabulary, text):
    steps = [[i, i] for i in range(1, len(vocabulary))]
    generate.print_batch(vocabulary[:1], steps, vocabulary, how.joiner)
    assert capsys.readouterr().out == f"{text}\n{text}"


def test_a_raw_prompt_is_noticed(tmp_path):
    save_run(tmp_path)
    preparation.write(preparation.Preparation(numbers="kept"), tmp_path)
    arguments = [f"--save_path={tmp_path}", "--num_words=3", "--seed=2"]
    status, _, err = run_here(generate, *arguments, "--prompt=Word4 word5")
    assert (status, err.splitlines()[0]) == (
        0, "--prompt: is not tokenized, it seems; --raw_text prepares it",
    )  # fmt: skip
    expected = run_here(generate, *arguments, "--prompt=word4 word5")
    assert run_here(generate, *arguments, "--prompt=Word4 word5", "--raw_text") == expected


def test_the_nearest_words_point_in_the_same_direction(run):
    status, out, err = run_here(generate, run, "--nearest=word5", "--num_words=28")
    assert (status, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    vectors = trained_model.read_weights(trained_model.read(run.split("=")[1]))[
        trained_model.EMBEDDING
    ]
    vectors = dict(zip(text_corpus().words, vectors / np.linalg.norm(vectors, axis=1)[:, None]))
    expected = {word: vectors[word] @ vectors["word5"] for word in vectors if word != "word5"}
    assert [word for word, _ in rows] == sorted(expected, key=lambda word: -expected[word])[:28]
    assert float(rows[0][1]) == pytest.approx(max(expected.values()), abs=1e-4)
    message = "generate.py: --nearest=nonsense: is not in the model's vocabulary\n"
    assert run_here(generate, run, "--nearest=nonsense") == (1, "", message)


def test_the_program(run):
    arguments = [run, "--prompt=word4 nonsense", "--num_words=30", "--num_samples=130"]
    status, out, err = run_program("generate.py", *arguments, "--seed=5")
    assert status == 0
    assert err == "--prompt: not in the vocabulary, and read as <unk>: nonsense\n"
    assert out.count("word4 <unk>") >= 130
    assert out.count("<unk>") == 130  # the prompts' alone
    assert set(out.split()) <= set(WORD_TO_ID) - {"<eos>"}
    assert run_here(generate, *arguments, "--seed=5")[1] == out
    _, out, _ = run_here(generate, run, "--num_words=1000", "--unknown")
    assert "<unk>" in out.split()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--save_path=none"], "--save_path=none: no such directory, nor a checkpoint's prefix"),
        (["--save_path=none", "--temperature=nan"], "--temperature: must be a finite number"),
    ],
)
def test_mistakes_are_answered_in_one_line(arguments, message):
    status, out, err = run_here(generate, *arguments)
    assert (status, out) == (1, "")
    assert err.startswith(f"generate.py: {message}")
    assert err.count("\n") == 1
