"""What looks like a text and is none: markup, tables, words with more written to them."""

import bz2
import gzip
import lzma

import other_formats
import pytest

import inspection
from text import files, preparation, tokenizer


def each(line, number=60):
    """Lines of one form, with other words in each."""
    owls = ["The owl sleeps.", "It doesn't fly, she said.", "The nest is open.", "Who knows it?"]
    return "".join(f"{line.format(i=i, s=owls[i % 4], t=owls[i % 3])}\n" for i in range(number))


OTHER_FORMATS = {
    "<page><title>Owl</title><id>{i}</id>\n{s}</page>": "tags of XML or HTML",  # enwik8
    '<SPEAKER ID={i} NAME="A">\n{s}\n<P>\n{t}': "tags of XML or HTML",  # Europarl
    '<doc id="{i}" url="https://x.org">\n{s}\n</doc>': "tags of XML or HTML",  # WikiExtractor
    "\\section{{Owl {i}}}\n{s} \\emph{{{t}}}": "commands of TeX",
    "{i}\n00:00:{i},000 --> 00:00:{i},500\n{s}\n": "subtitles",
    "0:00:{i}.000,0:01:{i}.000\n{s}\n": "subtitles",
    "[00:{i}:00.000 --> 00:{i}:02.000]  {s}": "subtitles",
    '{{"content": "{s}", "metadata": {{}}}}': "JSON",
    '  {{\n    "text": "{s}"\n  }},': "JSON",
    'msgid "{s}"\nmsgstr "Le hibou"\n': "messages of gettext",
    "| {s} | {t} |": "tables",
    "+---+---+\n| {s} | {t} |": "tables",
    "{i}\t{s}": "columns with tabs between them",  # Leipzig's, GLUE's
    "1\tThe\tDET\t_\n2\towl\tNOUN\t_\n": "columns with tabs between them",  # CoNLL-U
    "LJ001-{i}|{s}|{s}": "columns with bars between them",
    "{i};{s};pos": "columns with semicolons between them",
    '{i},"{s}"': "columns with commas between them",
    "L{i} +++$+++ u0 +++$+++ {s}": "several columns",  # Cornell's dialogues
    "The DT B-NP O\nowl NN I-NP B-ORG\n. . O O\n": "columns",  # CoNLL-2003
    "The O\nowl B-ORG\n. O\n": "columns",
    "1   The  the  DT  _  2  NMOD\n2   owl  owl  NN  _  3  SBJ\n": "columns",
    "猫\tネコ\t猫\nEOS": "columns with tabs between them",
    "sw2001A-ms98-a-{i} {i}.000000 {i}.977625 the owl": "a number in each line",
    "utt{i} 1 {i}.00 0.30 the 0.9": "a number in each line",  # CTM
    "owl{i} 0.1 -0.2 0.3": "a number in each line",  # GloVe
    "The\nowl\nsleeps\n.": "one word a line",
    "The/at owl/nn sleeps/vbz ./.": "words with tags",  # Brown's
    "猫头鹰/n 白天/t 睡觉/v 。/x": "words with tags",
    "The#DT owl#NN sleeps#VBZ .#.": "words with tags",
    "the￨C owl￨L sleeps￨L .￨N": "words with factors",  # OpenNMT's
    "__label__{i} {s}": "labels of fastText",
    "_the _ow l _sleep s": "pieces of words",
    "the_ ow l_ sleep s_": "pieces of words",
    "the ow @@l sleep @@s": "pieces of words",
    "ow+ +l sleep+ +s by day": "pieces of words",  # Morfessor's
}


@pytest.mark.parametrize(("line", "what"), OTHER_FORMATS.items())
def test_what_is_no_text_is_refused(line, what):
    assert other_formats.what_it_has(each(line))[0] == f"has {what}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{\\rtf1\\ansi The owl sleeps.}", "is RTF"),
        ("\n<?xml version='1.0'?><a>The owl</a>", "is XML or HTML"),
        ("\\data\\\nngram 1=5\n", "is an n-gram model"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n", "is a file of subtitles"),
        ("-DOCSTART- -X- -X- O\n\nThe DT B-NP O\n", "is a table, a word a line"),
    ],
)
def test_files_are_known_by_their_beginnings(text, what):
    assert other_formats.what_it_has(text)[0] == what


@pytest.mark.parametrize(
    "text",
    [
        each("{s} {t}"),
        each("THE OWL SLEEPS"),
        each("- {s}"),
        each('"{s}" he said.'),
        each("In {i} there were 1,000 owls and/or nests; {s}"),
        each("He wrote <b>once</b> of C++, a_b and x < y.\n" + "The owl sleeps by day. " * 20),
        each("the owl &apos;s nest &amp; den"),
        each("我不知道你在哪里", 100),
        each("Owl {i}\n\n{s}\n{t}\n"),
        each("ROMEO:\nBut soft, what light?\n\nJULIET:\n{s}\n"),
        "The owl sleeps by day and the old one sees it. " * 50,
    ],
)
def test_text_has_nothing_else(text):
    assert other_formats.what_it_has(text) is None


@pytest.mark.parametrize(
    "text", ["<a " + "=" * 65000, "00:00.0 " * 8000, "[[" * 30000, "(A-" * 20000, "{'" * 30000]
)
def test_no_text_takes_long(text):  # which would be minutes if the time grew with the square
    assert other_formats.what_it_has(text) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[2020-01-01 10:{i}] <nick> {s}", "its lines begin with dates or times"),
        ("12/01/20, 10:{i} - Bob: {s}", "its lines begin with dates or times"),
        ("Bob: {s}\nAl: {t}", "its lines begin with names"),
        ("1 {s}\n2 {t}", "its lines begin with numbers"),  # bAbI's
        ("{i}. {s}", "its lines begin with ids"),
        ("The owl&#39;s nest&nbsp;is {s}", "has escapes of HTML, such as &#39;"),
    ],
)
def test_what_is_taken_for_words_is_said(capsys, line, said):
    for say in (inspection.say_ids, inspection.say_escapes):
        say({"a": each(line), "b": each("{s} {t}")})
    assert [f"a: {said}" in text for text in capsys.readouterr().err.splitlines()] == [True]


@pytest.mark.parametrize(
    "line",
    [
        "猫头鹰 白天 睡觉 。 它 老 了 。",
        "フクロウ は 昼 に 眠る 。 それ は 古い 。",
        "我们 在 北京 学习",
    ],
)
def test_chinese_and_japanese_words_with_spaces_between_them_stay(line):
    assert tokenizer.signs_of_tokens(f"{line}\n" * 20)
    assert not tokenizer.signs_of_tokens(f"{line.replace(' ', '')}\n" * 60)


@pytest.mark.parametrize(
    ("pack", "what"),
    [
        (gzip.compress, "gzip"),
        (bz2.compress, "bzip2"),
        (lzma.compress, "xz"),
        (lambda data: b"PK\3\4\x14\0\0\0\x08\0" + data, "zip"),
        (lambda data: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + data, "PDF"),
        (lambda data: b"PAR1\x15\4\x15 " + data + b"\xff", "Parquet"),
        (lambda data: data.decode().encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_packed_is_named(tmp_path, pack, what):
    (tmp_path / "text").write_bytes(pack(b"The owl sleeps by day.\n" * 40))
    with pytest.raises(files.TextError, match=what):
        list(files.read_blocks(str(tmp_path / "text")))


def test_what_stands_for_a_byte_or_a_document_stays_one_word():
    tokens = preparation.Preparation().tokens(
        "The owl<0x0A> sleeps.<|endoftext|>Who <0xE2> <|x knows"
    )
    assert tokens == [
        *("the", "owl", "<0x0A>", "sleeps", ".", "<|endoftext|>", "who", "<0xE2>"),
        *("<", "|", "x", "knows"),
    ]
