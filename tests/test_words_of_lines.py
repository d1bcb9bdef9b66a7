"""The same text has the same words, whoever reads it: training, scoring and preparing."""

import io
import itertools
import os
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import inspection
import prepare_text
import reader
from text import files, preparation, sentences, words_of_lines
from trained import text_reader

EOS = "<eos>"


@pytest.fixture
def read(tmp_path, monkeypatch):
    return lambda content, **options: read_everywhere(tmp_path, monkeypatch, content, **options)


def read_everywhere(directory, monkeypatch, content, block_bytes=1 << 16, by_itself=False):
    """The words of a text, after all its readers have agreed on them."""
    monkeypatch.setattr(files, "BLOCK_BYTES", block_bytes)
    path = os.path.join(directory, "text")
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    trained_on = list(itertools.chain(*reader._blocks_of_words(path, (), block_bytes)))
    pieces = itertools.chain(*text_reader.TextReader({}).read([path], by_itself))
    scored = [word for piece in pieces for word in piece.words]
    assert scored in ([trained_on, [*trained_on, EOS]] if by_itself else [trained_on])
    prepared = []
    blocks = inspection.read_blocks(path)
    for tokens, ends in prepare_text.read_sentences([blocks], preparation.TOKENIZED):
        prepared += [*tokens, EOS] if ends else tokens
    assert prepared in (trained_on, [*trained_on, EOS])  # whose last line ends
    return trained_on


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a b\r\nc\n", "a b <eos> c <eos>"),
        ("a\rb\nc\n", "a b <eos> c <eos>"),
        ("a\r\r\nb\r", "a <eos> b"),
        ("\ra b\n\n", "a b <eos> <eos>"),
        ("a\rb\r\rc\r", "a <eos> b <eos> <eos> c <eos>"),
        ("\ufeffa\n\ufeffb \ufeff\n", "a <eos> b <eos>"),
        ("a\u3000b\xa0c\x0bd\u2028e\x85f\x1cg\n", "a b c d e f g <eos>"),
        ("a\u200bb\n", "a\u200bb <eos>"),
        ("<s> a b </s>\n<s> c </s>\n", "a b <eos> c <eos>"),
        ("<S> a </S>\n<bos> b <EOS>\n", "a <eos> b <eos>"),
        ("a <eos>\nb </s> <eos>\n", "a <eos> b <eos>"),
        ("<s> a </s> <s> b </s>\n", "a <eos> b <eos>"),
        ("a <eos> b <eos> <eos> c\n", "a <eos> b <eos> c <eos>"),
        ("<s> a </s>", "a <eos>"),
        ("a <eos> b", "a <eos> b"),
        ("<s>\n</s>\n<s> </s>\n\n", "<eos> <eos> <eos> <eos>"),
        ("a<s> <s>b </s>.\n", "a<s> <s>b </s>. <eos>"),
        ("a", "a"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 5, 1000])
def test_words_and_sentence_ends(read, content, words, block_bytes):
    assert read(content, block_bytes=block_bytes) == words.split()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "bb", "<s>", "</s>", EOS, " ", "\n", "\r", "\r\n", "\ufeff", "\x85"])
    ),
    st.integers(1, 12),
    st.booleans(),
)
def test_every_reader_takes_a_text_alike(tmp_path_factory, parts, block_bytes, by_itself):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sentences, "MAX_LENGTH", 16)
        monkeypatch.setattr(files, "MAX_UNDECIDED", 10)
        text = "".join(parts)
        assume(max(map(len, text.split()), default=0) < 16)  # a longer word comes in pieces
        directory = tmp_path_factory.mktemp("text")
        read_everywhere(directory, monkeypatch, text, block_bytes, by_itself)


def test_marks_are_said(read, capsys):
    read("<s> a </s>\n<s> b </s>\n")
    assert capsys.readouterr().err.count("not for words: <s> (2), </s> (2)\n") == 2


def test_marks_that_a_vocabulary_has_are_words():
    marks = words_of_lines.Marks({"</s>", EOS})
    assert marks.words(["<s>", "a", "</s>", EOS], True) == ["a", "</s>", EOS]
    assert marks.counts == {"<s>": 1, EOS: 1}


def test_a_long_line_keeps_its_marks(read):
    text = "<s> " + "the owl " * 20000 + "</s>"
    assert read(f"{text}\n", by_itself=True) == ["the", "owl"] * 20000 + [EOS]
    assert read(text) == ["the", "owl"] * 20000 + [EOS]


def test_raw_text_on_one_long_line_is_prepared_as_a_corpus_is(tmp_path):
    how = preparation.Preparation()
    text = "It sees Dr. Smith. " * 40000  # longer than a block
    (tmp_path / "text").write_text(f"{text}\n")
    score_reader = text_reader.TextReader({}, how, raw=True)
    pieces = list(itertools.chain(*score_reader.read([str(tmp_path / "text")])))
    expected = [[*tokens, EOS] for tokens, _ in prepare_text.read_sentences([[text]], how)]
    assert [word for piece in pieces for word in piece.words] == list(itertools.chain(*expected))
    assert [piece.ends_line for piece in pieces].count(True) == 1
    assert max(len(piece.words) for piece in pieces) == 5


def test_lines_of_old_macs_are_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\rb\r")))
    assert "".join(files.read_blocks("-")) == "a\nb\n"
    assert capsys.readouterr().err == (
        "standard input: has carriage returns and no line feeds; each ends a line, as on old Macs\n"
    )
