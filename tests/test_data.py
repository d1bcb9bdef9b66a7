"""Texts of every kind made into corpora, by the functions and by the scripts in processes."""

import collections
import functools
import itertools
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import inspection
import prepare_text
import python_docs
import reader
from program import errors
from text import files, preparation, sentences

SPLITS = ("train", "valid", "test")
TEXT = "".join(f"This is sentence {i}, the {'abcdefg'[i % 7]} one. " for i in range(40))
SENTENCE = " this is sentence N , the {} one . \n"
WORDS = preparation.Preparation()
CHARACTERS = preparation.Preparation(level="char")
CHARACTERS_AS_THEY_ARE = preparation.Preparation(level="char", case="kept")
examples = settings(max_examples=100, deadline=None)
# Any characters, and often those that the rules are about.
characters = st.characters(
    exclude_categories=["Cs"], exclude_characters="\0\ufeff"
) | st.sampled_from("\t\n\r\x0b\x85\u2028\xa0   ..!?\"')](['’-__,019nt'saAİßé")
texts = st.text(characters)


def script(module, *arguments, **options):
    """Starts a script in a process of its own."""
    pipes = {pipe: subprocess.PIPE for pipe in ("stdin", "stdout", "stderr")}
    command = [sys.executable, module.__file__, *map(str, arguments)]
    return subprocess.Popen(command, **{**pipes, **options})


def run(module, *arguments, text=b"", **options):
    process = script(module, *arguments, **options)
    out, err = process.communicate(text, timeout=300)
    return process.returncode, out.decode(), err.decode()


def read_files(directory):
    return {path.name: path.read_bytes() for path in pathlib.Path(directory).iterdir()}


def prepare(text, how, **options):
    """The corpus of a text: dict of split to the list of its lines."""
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "source")
        with open(source, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        sentences = prepare_text.read_sentences([inspection.read_blocks(source)], how)
        prepare_text.write_corpus(sentences, directory, how, **{"held_out": "fixed", **options})
        corpus = {}
        for split in SPLITS:
            with open(os.path.join(directory, f"ptb.{split}.txt"), encoding="utf-8") as file:
                corpus[split] = [line.split() for line in file]
        return corpus


def in_order(corpus):
    """Puts what was held out back where it was."""
    train, valid, test = (iter(corpus[split]) for split in SPLITS)
    turns = itertools.cycle([train] * 18 + [valid, test])
    return [next(turn) for turn in itertools.islice(turns, sum(map(len, corpus.values())))]


@given(st.lists(texts, min_size=20, max_size=50))
@examples
def test_characters_go_there_and_back(lines):
    lines = [unicodedata.normalize("NFC", line) for line in lines]
    alphabet = " ".join(sorted(set("".join(lines))))
    lines = [*["x" + alphabet] * 18, *lines]  # valid and test have no character beyond training's
    text = "\n".join(lines) + "\n"
    corpus = prepare(text, CHARACTERS_AS_THEY_ARE, min_count=1, max_words=10**6)
    spelling = {"_": " ", "<underscore>": "_"}
    read = ["".join(spelling.get(token, token) for token in line) for line in in_order(corpus)]
    lines = re.sub("\r+\n", "\n", text).split("\n")[:-1]
    assert read == ["".join(" " if c.isspace() else c for c in line) for line in lines]


@given(st.lists(texts, min_size=20, max_size=50), st.integers(1, 4), st.integers(3, 12))
@examples
def test_rare_tokens_become_unk_and_nothing_changes_place(lines, min_count, max_words):
    text = "\n".join(lines) + "\n"
    limits = {"min_count": min_count, "max_words": max_words}
    whole = prepare(text, CHARACTERS, min_count=1, max_words=10**6)
    counts = collections.Counter(token for line in whole["train"] for token in line)
    assume(not counts or max(counts.values()) >= min_count)
    corpus = prepare(text, CHARACTERS, **limits)
    assert corpus == prepare(text, CHARACTERS, **limits)
    kept = {token for line in in_order(corpus) for token in line} - {"<unk>"}
    for line, all_tokens in zip(in_order(corpus), in_order(whole), strict=True):
        for token, original in zip(line, all_tokens, strict=True):
            assert token == (original if original in kept else "<unk>")
    assert len(kept) <= max_words - 2
    frequent = [token for token, count in counts.items() if count >= min_count]
    assert kept <= set(frequent)
    assert len(kept) == min(len(frequent), max_words - 2)
    least = min((counts[token] for token in kept), default=0)
    assert all(counts[token] <= least for token in set(frequent) - kept)


def test_rare_words_become_unk(tmp_path):
    tokens = [["a", "b", "a"], ["c", "b"], *[[]] * 16, ["a", "c"], ["d"]]
    sentences = [(each, True) for each in tokens]
    prepare_text.write_corpus(sentences, tmp_path, WORDS, held_out="fixed")
    assert (tmp_path / "ptb.train.txt").read_text() == " a b a \n <unk> b \n" + 16 * "  \n"
    assert (tmp_path / "ptb.valid.txt").read_text() == " a <unk> \n"
    assert (tmp_path / "ptb.test.txt").read_text() == " <unk> \n"
    prepare_text.write_corpus(sentences, tmp_path, WORDS, max_words=3, held_out="fixed")
    assert (tmp_path / "ptb.train.txt").read_text().startswith(" a <unk> a \n <unk> <unk> \n")


@pytest.mark.parametrize("how", [WORDS, CHARACTERS])
def test_the_reader_takes_the_corpus_as_it_is(tmp_path, capsys, how):
    source = tmp_path / "source"
    source.write_text(TEXT.replace(". ", ".\n") * 3)
    sentences = prepare_text.read_sentences([inspection.read_blocks(str(source))], how)
    prepare_text.write_corpus(sentences, tmp_path, how, max_words=15)
    corpus = reader.read_corpus(tmp_path)
    assert len(corpus.words) == 15
    assert {"<unk>", "<eos>"} < set(corpus.words)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("end", [".\n", ", ", "。"])
@pytest.mark.parametrize("how", [WORDS, CHARACTERS, preparation.TOKENIZED])
def test_memory_does_not_grow_with_the_text_or_a_line(tmp_path, monkeypatch, how, end):
    monkeypatch.setattr(sentences, "MAX_LENGTH", 1000)
    monkeypatch.setattr(files, "BLOCK_BYTES", 1000)

    def peak(num_blocks):
        lines = ["a line\n\n"] * 20
        blocks = itertools.chain(
            lines, itertools.repeat(f"Some words, never more{end}", num_blocks)
        )
        tracemalloc.start()
        prepare_text.write_corpus(how.sentences_of(blocks), tmp_path, how)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(100)  # compiles the regular expressions
    assert peak(5000) < peak(1000) + 50_000


def test_python_docs_are_prose_and_the_same_each_time(tmp_path):
    for name, seed in (("first", "1"), ("second", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        for flags in ([], ["--overwrite"]):
            assert run(python_docs, tmp_path / name, *flags, env=environment) == (0, "", "")
    assert read_files(tmp_path / "first") == read_files(tmp_path / "second")
    words = (tmp_path / "first" / "ptb.train.txt").read_text().split()
    assert len(words) > 40000
    assert words.count("the") > 2000
    assert words.count("<unk>") < 0.05 * len(words)


def test_python_docs_leave_another_corpus_alone(tmp_path):
    text = tmp_path / "ptb.train.txt"
    text.write_text("precious\n")
    status, out, err = run(python_docs, tmp_path)
    assert (status, out, text.read_text()) == (1, "", "precious\n")
    assert err.startswith(f"python_docs.py: {text}: exists") and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--out=x"]])
def test_python_docs_wants_one_directory(tmp_path, arguments):
    status, out, err = run(python_docs, *arguments, cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith("python_docs.py: ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_prepare_text_takes_files_and_standard_input(tmp_path):
    source = tmp_path / "text"
    source.write_text(TEXT)
    assert run(prepare_text, f"--out={tmp_path / 'a'}", source) == (0, "", "")
    corpus = read_files(tmp_path / "a")
    assert corpus["ptb.test.txt"].decode() == SENTENCE.format("a") + SENTENCE.format("d")
    assert sorted(corpus) == [
        "ptb.preparation.json", "ptb.test.txt", "ptb.train.txt", "ptb.valid.txt",
    ]  # fmt: skip
    for number, text in enumerate((TEXT, "\ufeff" + TEXT, TEXT.replace(" ", "\r\n"))):
        directory = tmp_path / str(number)
        environment = {**os.environ, "PYTHONHASHSEED": str(number)}
        command = [f"--out={directory}", "-"]
        assert run(prepare_text, *command, text=text.encode(), env=environment)[0] == 0
        assert read_files(directory) == corpus


def test_sentences_end_with_their_file(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text("a sentence without an end\n" + "\nmore of it\n" * 9)
    command = [f"--out={tmp_path / 'out'}", "--min_count=1", tmp_path / "a", tmp_path / "b"]
    assert run(prepare_text, *command) == (0, "", "")
    assert (
        read_files(tmp_path / "out")["ptb.train.txt"].count(b" a sentence without an end \n") == 2
    )


def test_prepare_text_in_characters(tmp_path):
    text = "Ab_c\t\n\n" * 10
    command = [f"--out={tmp_path}", "--level=char", "--held_out=fixed", "-"]
    status, *_ = run(prepare_text, *command, text=text.encode())
    assert status == 0
    assert read_files(tmp_path)["ptb.valid.txt"] == b" a b <underscore> c _ \n"
    assert read_files(tmp_path)["ptb.test.txt"] == b"  \n"


def test_a_corpus_is_replaced_only_on_request(tmp_path):
    command = [f"--out={tmp_path}", "-"]
    assert run(prepare_text, *command, text=TEXT.encode())[0] == 0
    corpus = read_files(tmp_path)
    (tmp_path / "ptb.train.txt").unlink()
    status, out, err = run(prepare_text, *command, text=b"other " + TEXT.encode())
    assert (status, out) == (1, "")
    message = f"{tmp_path}/ptb.valid.txt: exists; --overwrite replaces the corpus it belongs to\n"
    assert err == f"prepare_text.py: {message}"
    assert run(prepare_text, "--overwrite", *command, text=TEXT.encode()) == (0, "", "")
    assert read_files(tmp_path) == corpus


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"One.\nTw\xff.\n", r"standard input: line 2 is not UTF-8 text \(byte 0xff\); .*"),
        (TEXT.encode() + b"\n\n\xe2\x82", r"standard input: line 3 is not UTF-8 text .*0xe2.*"),
        (TEXT.encode("utf-16"), "standard input: is UTF-16 text; save it as UTF-8"),
        (TEXT.encode("utf-16-le"), "standard input: line 1 contains a NUL byte; .*"),
        (b"One.\n" * 100 + b"T\0wo.", "standard input: line 101 contains a NUL byte; .*"),
        (b"Too short.", "1 sentence is too few .*, 20 are enough; .* --sentence_per_line"),
        (b"", "0 sentences are too few .*; there is no text"),
        (b"\n\n", "0 sentences are too few .*; there is no text"),
        (b"owl|NN sleeps|VBZ\n" * 40, r"-: has words with factors, as its owl\|NN shows; .*"),
        (b"owl/NN sleeps/VBZ ./.\n" * 40, "-: has words with tags, as its owl/NN shows; .*"),
        (b"owl_NN sleeps_VBZ ._.\n" * 40, "-: has words with tags, as its owl_NN shows; .*"),
        (b"(S (NP (NN owl)) (VP (VBZ sleeps)))\n" * 40, r"-: has parse trees, as its \(S .*"),
        (b"an owl sleeps ||| eine Eule\n" * 40, r"-: has several columns, as its \|\|\| .*"),
    ],
)
def test_a_text_that_cannot_be_used_changes_nothing(tmp_path, text, message):
    assert run(prepare_text, f"--out={tmp_path}", "-", text=TEXT.encode())[0] == 0
    corpus = read_files(tmp_path)
    status, out, err = run(prepare_text, f"--out={tmp_path}", "--overwrite", "-", text=text)
    assert (status, out) == (1, "")
    assert re.fullmatch(f"prepare_text.py: {message}\n", err)
    assert read_files(tmp_path) == corpus


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max_words=2"], "argument --max_words: 2 is too small, the least is 3 "),
        (["--max_words=-5"], "argument --max_words: -5 is too small, the least is 3 "),
        (["--max_words=many"], "argument --max_words: invalid int value: 'many' "),
        (["--min_count=0"], "argument --min_count: 0 is too small, the least is 1 "),
        (["--level=byte"], "argument --level: invalid choice: 'byte' "),
        (["--keep"], "unrecognized arguments: --keep "),
        (["--out=file"], "file: is a file; name a directory\n"),
        (["--out=file/below"], "file/below: Not a directory\n"),
        (["missing"], "missing: No such file or directory\n"),
        (["."], ".: Is a directory\n"),
        (["a\nb"], r"a\nb: No such file or directory" + "\n"),
        (["--min_count=99999"], "no token occurs 99999 times; choose a smaller --min_count\n"),
    ],
)
def test_mistakes_are_answered_in_one_line(tmp_path, arguments, message):
    (tmp_path / "file").write_text(TEXT)
    status, out, err = run(prepare_text, "--out=out", "file", *arguments, cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith(f"prepare_text.py: {message}") and err.count("\n") == 1
    assert not list(tmp_path.glob("out/*"))


def test_advice_fits_how_sentences_end(tmp_path):
    for flags in (["--level=char"], ["--sentence_per_line"]):
        status, _, err = run(prepare_text, f"--out={tmp_path}", *flags, "-", text=b"A line.\n")
        message = "1 sentence is too few to hold some out, 20 are enough"
        assert (status, err) == (1, f"prepare_text.py: {message}\n")


def test_closed_standard_streams(tmp_path):
    (tmp_path / "file").write_text(TEXT)
    closed_input = {"stdin": None, "preexec_fn": functools.partial(os.close, 0), "cwd": tmp_path}
    command = [sys.executable, prepare_text.__file__]
    process = subprocess.run([*command, "--out=out", "file"], capture_output=True, **closed_input)
    assert (process.returncode, process.stderr) == (0, b"")
    process = subprocess.run([*command, "--out=new", "-"], capture_output=True, **closed_input)
    message = b"prepare_text.py: standard input: Bad file descriptor\n"
    assert (process.returncode, process.stderr) == (1, message)
    closed_output = {"stderr": subprocess.PIPE, "preexec_fn": functools.partial(os.close, 1)}
    process = subprocess.run([*command, "--tokenize"], input=b"A word.\n", **closed_output)
    assert (process.returncode, process.stderr) == (1, b"prepare_text.py: Bad file descriptor\n")


def test_a_full_disk_changes_nothing(tmp_path):
    command = [f"--out={tmp_path}", "--overwrite", "-"]
    assert run(prepare_text, *command, text=TEXT.encode())[0] == 0
    corpus = read_files(tmp_path)
    full = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2000, 2000))
    text = 100 * TEXT.encode()
    status, out, err = run(prepare_text, *command, text=text, preexec_fn=full)
    assert (status, out, err) == (1, "", f"prepare_text.py: {tmp_path}: File too large\n")
    assert read_files(tmp_path) == corpus


def test_old_and_new_files_are_never_taken_for_one_corpus(tmp_path):
    command = [f"--out={tmp_path}", "--overwrite", "-"]
    assert run(prepare_text, *command, text=TEXT.encode())[0] == 0
    (tmp_path / "ptb.valid.txt").unlink()
    (tmp_path / "ptb.valid.txt").mkdir()  # no file can be moved there
    status, out, err = run(prepare_text, *command, text=TEXT.encode())
    assert (status, out) == (1, "")
    assert err == f"prepare_text.py: {tmp_path}/ptb.valid.txt: Is a directory\n"
    assert sorted(os.listdir(tmp_path)) == [preparation.FILE, "ptb.train.txt", "ptb.valid.txt"]


def test_an_interrupt_leaves_no_half_corpus(tmp_path):
    process = script(prepare_text, f"--out={tmp_path}", "-")
    process.stdin.write(100 * TEXT.encode())  # more than the sample
    process.stdin.flush()
    while process.poll() is None and not list(tmp_path.glob(".unfinished-*/all_tokens/*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out, err) == (130, b"", b"prepare_text.py: interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", [prepare_text, python_docs])
def test_help_is_the_docstring(module):
    status, out, err = run(module, "--help")
    assert (status, err) == (0, "")
    assert module.__doc__ in out


def corpus_of(tmp_path, text, *flags):
    """The words of the corpus that the script makes of a text, line by line, and what it says."""
    command = [f"--out={tmp_path}", "--overwrite", "--min_count=1", "--held_out=fixed", *flags, "-"]
    status, out, err = run(prepare_text, *command, text=text.encode())
    assert (status, out) == (0, ""), err
    splits = {}
    for split in SPLITS:
        lines = (tmp_path / f"ptb.{split}.txt").read_text(encoding="utf-8").splitlines()
        splits[split] = [line.split() for line in lines]
    return in_order(splits), err


def test_a_text_in_decomposed_form_makes_the_same_corpus(tmp_path):
    text = "Das Mädchen fährt. Việt Nam là đây. " * 10
    composed, _ = corpus_of(tmp_path, text)
    assert corpus_of(tmp_path, unicodedata.normalize("NFD", text))[0] == composed
    assert composed[0] == ["das", "mädchen", "fährt", "."]


@pytest.mark.parametrize(
    "sentences",
    ["Он пришёл домой. Она ушла?", "यह किताब है। वह घर है।", "我去学校。你好！", "Ναι; Όχι."],
)
def test_sentences_end_in_any_script(tmp_path, sentences):
    for separator in ("\n\n", " "):
        assert len(corpus_of(tmp_path, f"{sentences}{separator}" * 20)[0]) == 40


def test_each_line_is_a_sentence_on_request(tmp_path):
    text = "one two. Three\n" * 1000
    assert run(prepare_text, "-", f"--out={tmp_path}", text=b"one two\n" * 1000)[2] == (
        "prepare_text.py: 1 sentence is too few to hold some out, 20 are enough; if the text has "
        "one sentence a line, add --sentence_per_line\n"
    )
    corpus, _ = corpus_of(tmp_path, text, "--sentence_per_line")
    assert corpus == [["one", "two", ".", "three"]] * 1000


TOKENIZED = [
    " the <unk> rose N N from N mr. roe said it 's n't so in the u.s. \n",
    " = Senjō = \n The 1 @,@ 000 well @-@ known <unk> ( , . ) \n \n It 's \n",
]


# Without a period that decides what is held out.
NOT_PERIODIC = ["".join(text + " more .\n" * (i % 3) for i in range(40)) for text in TOKENIZED]


@pytest.mark.parametrize("text", NOT_PERIODIC)
def test_what_is_tokenized_stays_so(tmp_path, text):
    corpus, err = corpus_of(tmp_path, text)
    assert corpus == [line.split() for line in text.splitlines()]
    assert err.startswith("prepare_text.py: -: is tokenized already")
    assert err.count("tokenized already") == 1
    assert preparation.read(tmp_path) == preparation.TOKENIZED
    assert corpus_of(tmp_path, text, "--level=token")[0] == corpus
    cut, _ = corpus_of(tmp_path, text, "--level=word", "--sentence_per_line")
    assert cut == [[word if word == "N" else word.lower() for word in line]
                   for line in (line.replace("1", "N").replace("000", "N").split()
                                for line in text.splitlines()) if line]  # fmt: skip


def test_marks_of_sentences_become_their_ends(tmp_path):
    text = "<s> a b </s>\na b <eos> c\n" * 20
    corpus, err = corpus_of(tmp_path, text, "--level=token")
    assert corpus == [["a", "b"], ["a", "b"], ["c"]] * 20
    assert err == (
        "prepare_text.py: taken for a sentence's beginning or end, not for words: <s> (20), "
        "</s> (20), <eos> (20)\n"
    )


def test_a_story_ends_at_its_mark(tmp_path):
    text = "The owl sleeps. It flew.\n<|endoftext|>\n" * 20
    corpus, err = corpus_of(tmp_path, text)
    assert corpus == [["the", "owl", "sleeps", "."], ["it", "flew", "."]] * 20
    assert "for a sentence's beginning or end, not for words: <|endoftext|> (20)" in err


def test_a_description_goes_with_the_corpus(tmp_path):
    for flags, expected in (
        ([], WORDS),
        (["--level=char"], CHARACTERS),
        (["--level=token"], preparation.TOKENIZED),
        (["--drop_punctuation", "--keep_case", "--keep_numbers", "--sentence_per_line"],
         preparation.Preparation("word", "kept", "kept", "dropped", "lines")),
    ):  # fmt: skip
        corpus_of(tmp_path, TEXT.replace(". ", ".\n"), *flags)
        assert preparation.read(tmp_path) == expected


def tokenize(text, *flags):
    status, out, err = run(prepare_text, "--tokenize", *flags, text=text.encode())
    assert status == 0
    return out, err


def test_lines_are_tokenized_for_other_programs(tmp_path):
    text = "It isn’t 5. Is it?\n\nЁлка"
    assert tokenize(text) == ("it is n't N . is it ?\n\nёлка\n", "")
    assert tokenize(text, "--keep_case", "--keep_numbers")[0].startswith("It is n't 5 . Is it ?\n")
    preparation.write(preparation.PENN_TREEBANK, tmp_path)
    assert tokenize(text, f"--like={tmp_path}")[0] == "it is n't N is it\n\nёлка\n"
    assert tokenize("a_b c\n", "--level=char")[0] == "a <underscore> b _ c\n"
    (tmp_path / "tokenized").write_text(TOKENIZED[1])
    as_it_is = TOKENIZED[1].replace(" \n", "\n").replace("\n ", "\n")[1:]
    assert tokenize("", tmp_path / "tokenized")[0] == as_it_is
    assert tokenize(TOKENIZED[1], "--level=token")[0] == as_it_is
    status, _, err = run(prepare_text, "--tokenize", text=TOKENIZED[1].encode())  # at once
    assert status == 1 and "as its 's, <unk> and @,@ show, and was cut into words" in err


def test_markup_is_refused_however_it_comes(tmp_path):
    (tmp_path / "a.html").write_text("<p>It is an owl.</p>\n" * 30)
    preparation.write(preparation.Preparation(), tmp_path)
    for arguments in (
        ["--tokenize", tmp_path / "a.html"],
        ["--tokenize", f"--like={tmp_path}", tmp_path / "a.html"],
        [f"--out={tmp_path / 'out'}", f"--like={tmp_path}", tmp_path / "a.html"],
    ):
        status, _, err = run(prepare_text, *arguments)
        assert status == 1 and "has tags of XML or HTML" in err
    process = script(prepare_text, "--tokenize")
    _, err = process.communicate((tmp_path / "a.html").read_bytes(), timeout=300)
    assert process.returncode == 1 and b"has tags of XML or HTML" in err


def test_lines_are_tokenized_as_they_come():
    process = script(prepare_text, "--tokenize")
    process.stdin.write(b"One line.\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"one line .\n"
    process.stdout.close()
    process.stdin.write(b"And another.\n")
    process.stdin.close()
    assert (process.wait(timeout=300), process.stderr.read()) == (1, b"")


def test_a_preparation_that_is_not_known_is_no_example(tmp_path):
    status, out, err = run(prepare_text, "--tokenize", f"--like={tmp_path}")
    assert (status, out) == (1, "")
    assert err.startswith(f"prepare_text.py: --like={tmp_path}: has no ptb.preparation.json")


def corpus_here(directory, text, how, **options):
    """The lines of each split of the corpus that is made of a text in this process."""
    seen = inspection.Seen()
    pieces = seen.sentences(prepare_text.read_sentences([seen.text([text])], how))
    prepare_text.write_corpus(pieces, directory, how, min_count=1, **options)
    corpus = {}
    for split in SPLITS:
        corpus[split] = (directory / f"ptb.{split}.txt").read_text(encoding="utf-8").splitlines()
    return corpus, seen


VERSE = "".join(f"one {i}\ntwo\nthree\nfour\n" for i in range(40))
LINES = preparation.Preparation(numbers="kept", sentences="lines")


def test_no_period_of_the_text_decides_what_is_held_out(tmp_path, capsys):
    corpus, _ = corpus_here(tmp_path, VERSE, LINES)
    for split in ("valid", "test"):
        assert len(corpus[split]) == 8 and len({line.split()[0] for line in corpus[split]}) > 2
    assert capsys.readouterr().err == ""
    again, _ = corpus_here(tmp_path, VERSE, LINES)
    assert again == corpus
    with pytest.raises(errors.UserError, match="ptb.valid.txt: its 8 lines .* the same: three;"):
        corpus_here(tmp_path, VERSE, LINES, held_out="fixed")
    corpus, _ = corpus_here(tmp_path, "four\n" * 100, LINES)  # the whole text is of one line
    assert corpus["test"] == [" four "] * 5
    said = capsys.readouterr().err
    assert "ptb.test.txt: its 5 lines with words are all the same: four;" in said


@pytest.mark.parametrize("how", [CHARACTERS, preparation.TOKENIZED])
def test_blank_lines_stay_with_the_line_before(tmp_path, how):
    text = "".join(f"owl {i}\n \n\n" for i in range(10, 50))
    corpus, _ = corpus_here(tmp_path, text, how)
    for split, number in (("train", 36), ("valid", 2), ("test", 2)):
        lines = [line.replace("_", "").strip() for line in corpus[split]]
        assert [bool(line) for line in lines] == [True, False, False] * number


def test_every_twenty_sentences_hold_two_out():
    turns = list(itertools.islice(prepare_text.turns(), 20000))
    for start in range(0, len(turns), 20):
        assert sorted(turns[start : start + 20]) == ["test"] + ["train"] * 18 + ["valid"]
    for split in ("valid", "test"):
        numbers = [i % 20 for i, turn in enumerate(turns) if turn == split]
        assert min(collections.Counter(numbers).values()) > 30  # of 50 on average


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("the owl woke .\nit flew off .\n\n" * 40, "40 sentences were found, but 80 lines end"),
        ("the owl woke and flew off\nit flew\n" * 300 + "\nIt is.\n" * 25, "of .* on average"),
        ("the owl woke. it flew. who knows?\n\n" * 40, "40 sentences were found, but 120 marks"),
        ("The owl woke. It flew off.\n" * 40, ""),
        ("The owl, which\nslept by day,\nwoke.\n" * 40, ""),
    ],
)
def test_line_ends_that_ended_no_sentence_are_said(tmp_path, text, doubt):
    _, seen = corpus_here(tmp_path, text, WORDS)
    assert re.search(doubt, seen.doubt()) and bool(doubt) == bool(seen.doubt())


@pytest.mark.parametrize("how", [WORDS, CHARACTERS, preparation.TOKENIZED])
def test_advice_for_a_text_on_one_line_works(tmp_path, how):
    text = "the owl woke and flew off " * 40
    seen = inspection.Seen()
    with pytest.raises(prepare_text.TooFewError):
        pieces = prepare_text.read_sentences([seen.text([text])], how)
        prepare_text.write_corpus(pieces, tmp_path, how)
    command = re.search("`(fold .*) FILE`", seen.advice(how))[1]
    folded = subprocess.run(command.split(), input=text, capture_output=True, text=True).stdout
    how = how if how != WORDS else LINES
    corpus, _ = corpus_here(tmp_path, folded, how)
    assert all(corpus.values())


@pytest.mark.parametrize("cut_by", ["<UNK>", "ow@@"])
def test_how_fast_a_pipe_is_does_not_matter(tmp_path, cut_by):
    text = f"A Title\n{f'Some {cut_by} made Nest' + chr(10)}".encode() + b"more Text\n" * 40
    corpora = []
    for name, pause in (("fast", 0), ("slow", 0.3)):
        process = script(prepare_text, f"--out={tmp_path / name}", "--min_count=1", "-")
        for part in (text[:8], text[8:]):
            process.stdin.write(part)
            process.stdin.flush()
            time.sleep(pause)
        _, err = process.communicate(timeout=300)
        corpora.append((read_files(tmp_path / name), err))
    assert corpora[0] == corpora[1]
    assert b"tokenized already" in corpora[0][1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out=o", "--level=token", "--drop_punctuation", "-"], "--drop_punctuation: is for "),
        (["--out=o", "--level=char", "--drop_punctuation", "-"], "--drop_punctuation: is for "),
        (["--tokenize", "--min_count=3"], "--min_count: is for a corpus, with --out"),
        (["--tokenize", "--held_out=fixed"], "--held_out: is for a corpus, with --out"),
    ],
)
def test_flags_that_would_do_nothing_are_refused(monkeypatch, flags, message):
    monkeypatch.setattr(sys, "argv", ["prepare_text.py", *flags])
    with pytest.raises(SystemExit, match=re.escape(message)):
        prepare_text.main()


@pytest.mark.parametrize("character", [*"!.'\"<(\\&@+_-a1鹰あアเ😀🇩`¹[", "\u0301"])
@pytest.mark.parametrize("how", [LINES, CHARACTERS, preparation.TOKENIZED])
def test_a_long_run_of_one_character_is_kept(how, character):
    text = character * 20000  # which would take minutes if the time grew with its square
    tokens = "".join(token for tokens, _ in how.sentences_of([text]) for token in tokens)
    assert tokens.replace("<underscore>", "_") == text


def test_ids_and_very_long_signs_are_said_briefly(tmp_path):
    text = "".join(f"the owl sleeps (utt-{i})\n" for i in range(40))
    assert (
        "its lines end with ids, it seems, such as (utt-0),"
        in corpus_of(tmp_path, text, "--sentence_per_line")[1]
    )
    ids_of_words = "".join(f"{i} 40 73\n" for i in range(40))
    assert "begin with ids" not in corpus_of(tmp_path, ids_of_words)[1]
    _, err = corpus_of(tmp_path, f"an {'x' * 9000}@@ l\n" * 40)
    assert "tokenized already" in err and "x" * 41 not in err.splitlines()[0]
