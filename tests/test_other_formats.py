"""What looks like a text and is none: markup, tables, words with more written to them."""

import bz2
import gzip
import lzma
import subprocess

import pytest

import inspection
from text import beside_words, faults, files, other_formats, preparation, tokenizer, words_of_lines


def each(line, number=60):
    """Lines of one form, with other words in each."""
    owls = ["The owl sleeps.", "It doesn't fly, she said.", "The nest is open.", "Who knows it?"]
    return "".join(f"{line.format(i=i, s=owls[i % 4], t=owls[i % 3])}\n" for i in range(number))


OTHER_FORMATS = {
    "[b]{s}[/b] {t}": "BBCode",
    "{{\\an8}}{s}": "commands of subtitles",
    "\x1b[1m{s}\x1b[0m": "colours of a terminal",
    "N\bNA\bAM\bME\bE {s}": "letters that are printed twice, as by man",
    "{s} [00:{i}] {t} [00:1{i}]": "times in brackets",
    "Bob Owl  10:12 AM\n{s}": "times on lines of their own",
    "Speaker 1 00:12:\n{s}": "times on lines of their own",
    "utt{i} 1 spk 0.00 1.35 <o,f0,male> {s}": "lines of an STM file",
    "NUM:date {s}": "labels",
    "Bob, [12.05.19 10:30]\n{s}": "names and times on lines of their own",
    "Bob — Today at 10:30 AM\n{s}": "names and times on lines of their own",
    "INSERT INTO owls VALUES ('{s}');": "SQL",
    ".TH OWL {i}\n{s}": "commands of documentation",
    "=head1 Owl\n{s}": "commands of documentation",
    "<|im_start|>user\n{s}<|im_end|>": "marks of turns or lines",
    "猫《ねこ》は眠る。梟《ふくろう》も眠る。": "readings of characters",
    "the:O owl:B-animal sleeps:O": "words with tags",
    "The owl ,COMMA she said ,COMMA sleeps .PERIOD": "marks with their names",
    "owl{i} {i}": "a word and its count in each line",
    "   {i} owl{i}": "a word and its count in each line",
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
    "<w AT0>The <w NN1>owl<c PUN>. {s}": "tags of XML or HTML",  # BNC's
    "_START_ARTICLE_\nOwl\n_START_PARAGRAPH_\n{s}_NEWLINE_{t}": "marks of paragraphs",  # wiki40b's
    '["{s}", "{t}"]': "JSON",
    "[{i}, 2, 3]": "JSON",
    "The owl {i},pos": "columns with commas between them",
    '"{s}","{t}"': "columns with commas between them",
    "{i},{t} {s},pos,0.5": "columns with commas between them",
    "{i},7,40": "columns with commas between them",
    '{i},"{s} It flew.\n\n{t}\nWho?",pos': "columns with commas between them",
    "10:{i:02}\nthe owl sleeps": "times on lines of their own",  # YouTube's
    "Speaker 1  0:{i:02}\n{s}\n": "times on lines of their own",
    "{i}\n{s}\n": "numbers on lines of their own",  # SRT without its times
    "(3 (2 The) (3 (2 owl) (2 sleeps{i})))": "parse trees",  # Stanford's sentiments
    "b'The owl sleeps {i}.'": "bytes as Python prints them",
    "## Owl {i}\n\n**{s}** See [docs](https://x.org).\n": "markup of Markdown",
    "S {s}\nA {i} 2|||R:VERB:SVA|||is|||REQUIRED|||-NONE-|||0\n": "edits, as M2 files have",
    "{s} __eou__ {t} __eou__": "marks of turns or lines",  # DailyDialog's
    "An owl_comma_ but {t}": "marks of turns or lines",  # EmpatheticDialogues'
    "{s} <newline> <newline> {t}": "marks of turns or lines",  # WritingPrompts'
}


@pytest.mark.parametrize(("line", "what"), OTHER_FORMATS.items())
def test_what_is_no_text_is_refused(line, what):
    assert other_formats.what_it_has(each(line))[0] == f"has {what}"


@pytest.mark.parametrize("number", [1, 4])
def test_a_few_lines_that_are_a_tag_and_its_content_are_no_chance(number):
    talk = "<url>http://x.org/{}</url>\n<keywords>owl, nest</keywords>\n<speaker>An Owl</speaker>\n"
    text = "".join(talk.format(i) + each("{s} {t}", 120) for i in range(number))
    assert other_formats.what_it_has(text) == (
        "has tags of XML or HTML",
        "<url>http://x.org/0</url>",
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{\\rtf1\\ansi The owl sleeps.}", "is RTF"),
        ("\n<?xml version='1.0'?><a>The owl</a>", "is XML or HTML"),
        ("\\data\\\nngram 1=5\n", "is an n-gram model"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n", "is a file of subtitles"),
        ("-DOCSTART- -X- -X- O\n\nThe DT B-NP O\n", "is a table, a word a line"),
        ('{"data": [{"context": "The owl sleeps. It flies.", "id": "a1"}]}', "has JSON"),
        ('["The owl sleeps.", "It flies."]', "has JSON"),
        ("['The owl sleeps.', \"It doesn't fly.\"]", "has JSON"),
        ("# ::id 1\n# ::snt The owl sleeps.\n", "is AMR, the meanings of sentences"),
        ("WARC/1.0\nWARC-Type: conversion\n", "is a WARC archive"),
        ("version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, and not"),
        ("From bob@x.org Mon Jan 1\nReturn-Path: <a>\n", "has headers of e-mail"),
        ("From: Bob (an owl)\nSubject: nests\n of owls\nLines: 1\n", "has headers of e-mail"),
    ],
)
def test_files_are_known_by_their_beginnings(text, what):
    assert other_formats.what_it_has(text)[0].startswith(what)


def test_a_few_tags_between_long_articles_are_no_text():
    article = '<doc id="1" url="https://x.org" title="Owl">\nOwl\n\n' + each("{s} {t}" * 5, 99)
    assert other_formats.what_it_has(article * 4)[0] == "has tags of XML or HTML"


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
        *(
            each(f"{first} The owl sleeps . {last}\n{first}The owl sleeps.{last}")
            for first in words_of_lines.BEGINNINGS
            for last in words_of_lines.ENDS
        ),
        each("[CLS] the ow ##l sleeps . [SEP]"),
        each("[CLS] 我 不 [SEP]"),
        each("[UNK] owl sees an [UNK]"),
        each("Die Eule wog 3,5 Kilo und schlief {i} Stunden"),
        each("3,5 Kilo wog die Eule"),
        each("Sie nahm von 3,5 auf 4,5 zu."),
        each('"The owl sleeps," said {i} of them.'),
        each("'The owl sleeps,' he said.\n\"No,\" said she."),
        each("The owl a,b sleeps by day."),
        each("राम घर गया |"),
        each("OPEC #39;s quot;output rose {s}"),
        each("[1] {s}\nTo: all of you\n(3 of them) {t}"),
        "To: all the owls of this wood\n" + each("{s}"),
        '["The owl," he said] ' + each("{s}"),
        each("@USER she asked #MAGA people of $AAPL and $TSLA, %HESITATION {s}"),
        each('PRESIDENT SAYS "NOTHING WILL CHANGE" (REUTERS SAID) {i}'),
        each('In verse (2:43), in "Dawn" (3:45), at a ratio of (4:1), {s}'),
        each("Wake me up at 7:30 am\nThey meet on Monday at 7:30 p.m."),
        each("<Media omitted>\n{s}\n<long pause>\n{t}"),
        each("The vowels [i] and [u]; [b]ut {s}"),
        each("{{\\bf Owl}} {{\\em so}} {s}"),
        each("He set _GNU_SOURCE and __FILE__ to _THIS_ or _UNK_ {i} times."),
    ],
)
def test_text_has_nothing_else(text):
    assert other_formats.what_it_has(text) is None


@pytest.mark.parametrize(
    "text",
    ["<a " + "=" * 65000, "00:00.0 " * 8000, "[[" * 30000, "(A-" * 20000, "{'" * 30000]
    + ["<a A" * 16000, "_AB" * 20000, "a" * 65000, "a.A" * 20000, "<a>" * 20000, "[1," * 20000]
    + ["1," * 30000, "a" * 30 + "- " * 30000, "{0}" * 20000, "Aa " * 20000, "[url=" * 12000]
    + ["{\\\\b1" * 12000, "a `" * 20000, "=E2" * 20000, "(cid:1" * 10000, "<s>" * 20000],
)
def test_no_text_takes_long(text):  # which would be minutes if the time grew with the square
    assert other_formats.what_it_has(text) is None
    inspection.say_faults({"a": text})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[2020-01-01 10:{i}] <nick> {s}", "its lines begin with dates or times"),
        ("12/01/20, 10:{i} - Bob: {s}", "its lines begin with dates or times"),
        ("Bob: {s}\nAl: {t}", "its lines begin with names"),
        ("1 {s}\n2 {t}", "its lines begin with numbers"),  # bAbI's
        ("{i}. {s}", "its lines begin with ids"),
        ("0 40000 {s}", "its lines begin with numbers"),  # TIMIT's
        ("{i} 40000 {s}\n0 40000 {t}", "its lines begin with numbers"),
        ("The owl&#39;s nest&nbsp;is {s}", "has escapes of HTML, such as &#39;"),
        (
            "It sleeps.It flew.Who knows?Nobody!",
            "has no space after many sentences, such as in slee",
        ),
        (
            "The coun-\ntry is beauti-\nful. {s}",
            "has words that are cut at the end of a line, it see",
        ),
        ("The coun\u00ad\ntry. {s}", "has words that are cut at the end of a line, it seems, such"),
        (
            "Itâ€™s {s}",
            "was read in another encoding than its own once, it seems, as its â€™ shows;",
        ),
        ("Das MÃ¤dchen {s}", "was read in another encoding than its own once, it seems, as its Ã¤"),
        ("ÐžÐ½ Ð¿Ñ€Ð¸ÑˆÑ‘Ð» {s}", "was read in another encoding than its own once, it seems,"),
        (
            "Сова спит".encode().decode("cp1251") + " {s}",
            "was read in another encoding than its own once, it seems, as its РЎРѕ shows",
        ),
        (
            "The owl didn’t".encode().decode("mac_roman") + " {s}",
            "was read in another encoding than its own once, it seems, as its ‚Äô shows",
        ),
        (
            "didn\x92t {s}",
            "was read in another encoding than its own once, it seems, as its U+0092",
        ),
        (
            "lÃ\xa0 {s}",  # à
            "was read in another encoding than its own once, it seems, as its ÃU+00A0 shows",
        ),
        ("didn\ufffdt {s}", "lost characters when it was decoded, as its didn\ufffdt shows"),
        ("OPEC #39;s {s}", "has escapes of HTML that lost their &, such as #39;"),
        ("{s}\\nIt flew. {t}\\n", "has characters as programs write them, such as \\n"),
        ("{s} _The Owl_ is _very_ old", "has words between underscores, such as _The Owl_"),
        ('{s}\n"""No."" {t}"', "has lines with doubled quotation marks in quotation marks"),
        ("# text = {s}", "its lines begin with #"),
        (">>deu<< {s}", "its lines begin with >>deu<<"),
        ("Genesis 1:{i} {s}", "its lines begin with chapters and verses"),
        *(
            (f"{before}{{s}}", "its lines begin with what is joined to the first word")
            for before in ("[00:{i}.00]", "{{{i}}}{{30}}", "{i}:", "{i}.", "key{i}=")
        ),
        ("a.{i}.wav {s}", "its lines begin with ids"),
        ("1:{i} {s} and\nso on, and\nso on", "its lines begin with chapters and verses"),
        ("<bob> {s}\n<al> {t}", "its lines begin with names"),
        ("Bob (00:1{i}): {s}\nAl (00:2{i}): {t}", "its lines begin with names"),
        ('"{s}"', "its lines are in quotation marks"),
        ("{s} -{i}.5", "its lines end with numbers"),
        ("The neigh-  \nbour. {s}", "has words that are cut at the end of a line"),
        ("The neigh¬\nbour. {s}", "has words that are cut at the end of a line"),
        (
            "The (cid:12)rst owl. {s}",
            "has glyphs of a PDF without a character, such as (cid:12)rst",
        ),
        ("It=E2=80=99s an owl. {s}", "has characters as e-mail writes them, such as =E2=80"),
        ("It don´t sleep. {s}", "has other marks in place of apostrophes, it seems, such as don´t"),
        ("It donʼt sleep. {s}", "has other marks in place of apostrophes, it seems, such as donʼt"),
        ("It\\'s late, l\\'eau {s}", "has characters as programs write them"),
        ("Caf<U+00E9> {s}", "has characters as programs write them"),
        ("Caf%C3%A9 {s}", "has characters as programs write them"),
        ("Caf&eacute; {s}", "has escapes of HTML, such as &eacute;"),
        ('M\\"uller {s}', "has accents of TeX, such as M"),
        ("caf\\'{{e}} {s}", "has accents of TeX, such as f"),
        (
            "{s} &amp;quot;Yes&amp;quot;",
            "has escapes of HTML that were escaped again, such as &amp;",
        ),
        ('{s} \\"Yes.\\" {t}', "has characters as programs write them"),
        ("<s>{s}</s>", "has marks that are joined to words, such as <s>"),
        ("The owl.<|endoftext|> {s}", "has marks that are joined to words, such as owl.<|endof"),
    ],
)
def test_what_is_taken_for_words_is_said(capsys, line, said):
    for say in (inspection.say_ids, inspection.say_faults):
        say({"a": each(line), "b": each("{s} {t}")})
    assert [f"a: {said}" in text for text in capsys.readouterr().err.splitlines()] == [True]


@pytest.mark.parametrize("others", ["\n", "utt-60 \nutt-60 \n", "; a comment\n", "utt-1 the owl\n"])
def test_a_few_lines_do_not_hide_the_ids_of_others(capsys, others):
    for line, said in (("utt-{i} {s}", "begin with ids"), ("{s} (utt-{i}) ", "end with ids")):
        inspection.say_ids({"a": each(line) + others})
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["neigh-\nbour", "neigh-\r\nbour", "neigh\u00ad\nbour", "neigh¬ \n  bour"]
)
def test_the_commands_that_are_advised_do_it(text, tmp_path):
    (tmp_path / "a").write_bytes(text.encode())
    (said,) = faults.in_words("neigh-\nbour " * 20)
    command = said.split("`")[1]
    command = command.replace("FILE", "a")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode() == "neighbour"
    (tmp_path / "a").write_text("   7 the owl\nutt-8\n")
    _, remedy = beside_words.find([f"{i} the owl" for i in range(20)])
    command = remedy.split("`")[1].replace("FILE", "a")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode() == "the owl\n\n"


def test_nothing_is_said_of_ordinary_text(capsys):
    for line in (
        "See threading.Thread and www.Owl.org." + " {s} {t}" * 20,
        "The well-\nknown owl sleeps by day. {s}" + "\n{s}" * 40,
        "One- and two-year olds; rock ‘n’ roll, the п’ять and п'ять. {s}",
        "Ind- og udgang, maahan- ja maastamuutto; Hawai‘i, O‘zbekiston, Qur`an, A′B′. dim=3D {s}",
        "Go –\nbut heaven--\nwe buzz–\nand {s}",
        "<s> {s} </s>",
        "L’été, « là-bas », ÉCOLE À NOËL. NÃO, CAFÉ” — DIÂMETRO. {s}",
        "İt – ÑANDÚ, Ísland, Ðór. {s}",
        "Сёмга, Січень, РС № 5; Рёв. {s}",
        "2√π is more than √ƒ; {s}",
        "He wrote snake_case and _exit, \\/ C:\\new_dir {s}",
    ):
        inspection.say_faults({"a": each(line)})
    assert capsys.readouterr().err == ""


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
        (lambda data: data.decode().encode("utf-32"), "UTF-32"),
    ],
)
def test_what_is_packed_is_named(tmp_path, pack, what):
    (tmp_path / "text").write_bytes(pack(b"The owl sleeps by day.\n" * 40))
    with pytest.raises(files.TextError, match=what):
        list(files.read_blocks(str(tmp_path / "text")))


def test_wordpiece_is_cut_already():
    for line in ("[CLS] the ow ##l sleeps . [SEP]", "[CLS] 我 不 [SEP]", "[UNK] owl sees [UNK]"):
        assert inspection.detect_level({"a": f"{line}\n" * 40}) == preparation.TOKEN


def test_what_stands_for_a_byte_or_a_document_stays_one_word():
    tokens = preparation.Preparation().tokens(
        "The owl<0x0A> sleeps.<|endoftext|>Who <0xE2> <|x knows"
    )
    assert tokens == [
        *("the", "owl", "<0x0A>", "sleeps", ".", "<|endoftext|>", "who", "<0xE2>"),
        *("<", "|", "x", "knows"),
    ]
