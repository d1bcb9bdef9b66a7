import subprocess
import sys

import pytest

import prepare_text
import python_docs


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Mr. Vinken isn't 61, is he?", "mr . vinken is n't N , is he ?"),
        ("It’s the well-known 3.5-inch disk's 1,000 bytes.",
         "it 's the well-known N - inch disk 's N bytes ."),
        ("call __init__(self) in utf8", "call __init__ ( self ) in utf8"),
        ("", ""),
    ],
)  # fmt: skip
def test_tokens(text, tokens):
    assert " ".join(prepare_text.tokenize(text)) == tokens


def test_case_is_kept_on_request():
    assert prepare_text.tokenize("The End", keep_case=True) == ["The", "End"]


def test_sentences():
    text = 'One is here. Two (2.5 of\nthem) too! "Three?" Asks e.g. four\n\nA new paragraph'
    assert prepare_text.split_sentences(text) == [
        "One is here.", "Two (2.5 of them) too!", '"Three?', "Asks e.g. four", "A new paragraph",
    ]  # fmt: skip


def test_rare_words_become_unk(tmp_path):
    splits = {"train": [["a", "b", "a"], ["c", "b"]], "valid": [["a", "c"]], "test": [["d"]]}
    prepare_text.write_corpus(splits, tmp_path)
    assert (tmp_path / "ptb.train.txt").read_text() == " a b a \n <unk> b \n"
    assert (tmp_path / "ptb.valid.txt").read_text() == " a <unk> \n"
    assert (tmp_path / "ptb.test.txt").read_text() == " <unk> \n"
    prepare_text.write_corpus(splits, tmp_path, max_words=3)
    assert (tmp_path / "ptb.train.txt").read_text() == " a <unk> a \n <unk> <unk> \n"


def test_every_sentence_is_in_one_split():
    splits = prepare_text.split_corpus(list(range(100)))
    assert sorted(splits["train"] + splits["valid"] + splits["test"]) == list(range(100))
    assert (len(splits["valid"]), len(splits["test"])) == (5, 5)


def test_python_docs_are_prose_and_the_same_each_time(tmp_path):
    for name in ("first", "second"):
        subprocess.run([sys.executable, python_docs.__file__, tmp_path / name], check=True)
    for split in ("train", "valid", "test"):
        first = (tmp_path / "first" / f"ptb.{split}.txt").read_text()
        assert first == (tmp_path / "second" / f"ptb.{split}.txt").read_text()
    words = (tmp_path / "first" / "ptb.train.txt").read_text().split()
    assert len(words) > 40000
    assert words.count("the") > 2000
    assert words.count("<unk>") < 0.05 * len(words)


def test_prepare_text_command(tmp_path):
    source = tmp_path / "text"
    source.write_text("This is a sentence. " * 40)
    command = [sys.executable, prepare_text.__file__, "--out", tmp_path / "out", source]
    subprocess.run(command, check=True)
    assert (tmp_path / "out" / "ptb.test.txt").read_text() == " this is a sentence . \n" * 2
    source.write_text("Too short.")
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == "prepare_text.py: 1 sentences are too few to hold some out\n"
