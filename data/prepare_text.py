"""Turns any UTF-8 text into a corpus in the style of the Penn Treebank's.

    python data/prepare_text.py --out=DIR FILE...

writes `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`, one sentence a line, tokens separated
by spaces. FILE may be `-`, standard input.

--level=word ends sentences at `.`, `!` or `?` before a capital, and at blank lines; splits off
punctuation; turns numbers into `N`, and words into lower case unless --keep_case. --level=char
takes every line for a sentence and every character for a token: a space or tab is `_`, and an
underscore `<underscore>`. Tokens that the training text has fewer than --min_count times become
`<unk>`, and the rarest too if there are more than --max_words.

Of every 20 sentences the 19th goes to valid, the 20th to test, the others to train, in the text's
order and unshuffled. What is held out is therefore surrounded by sentences that are trained on,
and easier to predict than another book: for that, put files of your own in the place of the two.

The text may be larger than memory, which holds the sentence and line at hand and a count for every
distinct token; the disk holds the corpus twice while it is made. The three files appear when all
are complete.
"""

import collections
import contextlib
import os
import re
import tempfile

import shared

SPLITS = ("train", "valid", "test")
HELD_OUT = {18: "valid", 19: "test"}  # of every 20 sentences, counted from 0
UNKNOWN = "<unk>"
SPACE, UNDERSCORE = "_", "<underscore>"  # as characters
TOKEN = re.compile(
    r"""
    \d+(?:[.,]\d+)*(?!\w)            # a number
    | \w+?(?=n't\b) | n't\b          # do n't
    | '(?:s|re|ve|ll|d|m)\b          # it 's
    | \w+(?:-\w+)*                   # a word, well-known ones among them
    | [^\w\s]                        # a punctuation mark
    """,
    re.VERBOSE,
)
CLOSING = "\"')]"  # what may stand between a sentence's last mark and the space
SENTENCE_START = re.compile(r"""["'(\[]*[A-Z]""")


def read_lines(path):
    """Yields the lines of UTF-8 text, without a byte order mark; path `-` is standard input.

    Raises:
      UserError: a line is not UTF-8, or contains a NUL byte; the message has its number.
      OSError: the file cannot be read.
    """
    standard_input = path == "-"
    name = "standard input" if standard_input else path
    with (
        shared.naming(name),
        open(
            0 if standard_input else path,
            encoding="utf-8-sig",
            errors="surrogateescape",  # what is not UTF-8 becomes what cannot be encoded again
            closefd=not standard_input,
        ) as file,
    ):
        for number, line in enumerate(file, start=1):
            try:
                line.encode()
            except UnicodeEncodeError as error:
                byte = ord(line[error.start]) - 0xDC00
                raise shared.UserError(
                    f"{name}: line {number} is not UTF-8 text (byte {byte:#04x}); save it as UTF-8"
                ) from None
            if "\0" in line:
                raise shared.UserError(
                    f"{name}: line {number} contains a NUL byte; save it as plain UTF-8 text"
                )
            yield line


def split_sentences(lines):
    """Cuts text into sentences, which end at blank lines too.

    Quotes and brackets that close right after a sentence's end are left out, unless the paragraph
    ends there.

    Args:
      lines: iterable of str, the text's lines.

    Yields:
      Str, words separated by one space each.
    """
    sentence = []
    for line in lines:
        words = line.split()
        for word in words:
            last_word = sentence[-1].rstrip(CLOSING) if sentence else ""
            if last_word.endswith((".", "!", "?")) and SENTENCE_START.match(word):
                yield " ".join([*sentence[:-1], last_word])
                sentence = []
            sentence.append(word)
        if sentence and not words:
            yield " ".join(sentence)
            sentence = []
    if sentence:
        yield " ".join(sentence)


def tokenize(sentence, keep_case=False):
    """Splits a sentence into words and punctuation marks; numbers become `N`.

    Returns:
      List of str, none empty or with white space in it.
    """
    tokens = TOKEN.findall(sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return [
        "N" if token[0].isdigit() and not re.search("[^\\d.,]", token)
        else token if keep_case else token.lower()
        for token in tokens
    ]  # fmt: skip


def split_characters(line, keep_case=False):
    """Splits a line into its characters, white space as `_` and `_` as `<underscore>`.

    Returns:
      List of str, without the line's end.
    """
    line = line.removesuffix("\n")
    return [
        SPACE if character.isspace() else UNDERSCORE if character == "_" else character
        for character in (line if keep_case else line.lower())
    ]


def read_tokens(paths, level="word", keep_case=False):
    """Reads files as sentences of tokens; no sentence goes on in the next file.

    Args:
      paths: list of str, as in `read_lines`.
      level: `word` or `char`.
      keep_case: do not turn into lower case.

    Yields:
      List of str, one a sentence.
    """
    for path in paths:
        lines = read_lines(path)
        if level == "char":
            yield from (split_characters(line, keep_case) for line in lines)
        else:
            yield from (tokenize(sentence, keep_case) for sentence in split_sentences(lines))


def _file_in(directory, split):
    return os.path.join(directory, f"ptb.{split}.txt")


def _write_all_tokens(sentences, directory):
    """Writes the three files with all their tokens; returns the training text's `Counter`."""
    counts = collections.Counter()
    with contextlib.ExitStack() as stack:
        files = {
            split: stack.enter_context(
                open(_file_in(directory, split), "w", encoding="utf-8", newline="\n")
            )
            for split in SPLITS
        }
        number = 0
        for number, tokens in enumerate(sentences, start=1):
            split = HELD_OUT.get((number - 1) % 20, "train")
            files[split].write(f"{' '.join(tokens)}\n")
            if split == "train":
                counts.update(tokens)
    if number < 20:
        raise shared.UserError(
            f"{number} sentences are too few to hold some out, 20 are enough; --help says where a "
            "sentence ends"
        )
    return counts


def choose_vocabulary(counts, min_count=2, max_words=10000):
    """Chooses the tokens that are not replaced by `<unk>`.

    Args:
      counts: dict of str to int, how often the training text has each token.
      min_count: tokens that the training text has less often are rare.
      max_words: so are all but this many of the most frequent ones, `<unk>` and `<eos>` among them.

    Returns:
      Set of str.
    """
    frequent = [token for token, count in counts.items() if count >= min_count]
    frequent.sort(key=lambda token: (-counts[token], token))
    return set(frequent[: max_words - 2])


def _replace_rare_tokens(source, target, vocabulary):
    with (
        open(source, encoding="utf-8", newline="\n") as lines,
        open(target, "w", encoding="utf-8", newline="\n") as file,
    ):
        for line in lines:
            tokens = (token if token in vocabulary else UNKNOWN for token in line.split())
            file.write(f" {' '.join(tokens)} \n")


def write_corpus(sentences, directory, min_count=2, max_words=10000):
    """Writes the three files, with the training text's rare tokens as `<unk>` in all of them.

    The files take their place in `directory`, or that of an older corpus, once they are complete.

    Args:
      sentences: iterable of lists of str, tokens without white space.
      directory: where to; made if need be.
      min_count, max_words: which tokens are rare, as in `choose_vocabulary`.

    Raises:
      UserError: `directory` is a file, or the sentences are too few.
      OSError: something cannot be written.
    """
    shared.make_directory(directory)
    unfinished = tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory)
    with shared.naming(directory), unfinished as aside:
        all_tokens, corpus = os.path.join(aside, "all_tokens"), os.path.join(aside, "corpus")
        os.mkdir(all_tokens)
        os.mkdir(corpus)
        counts = _write_all_tokens(sentences, all_tokens)
        vocabulary = choose_vocabulary(counts, min_count, max_words)
        for split in SPLITS:
            _replace_rare_tokens(_file_in(all_tokens, split), _file_in(corpus, split), vocabulary)
        # The last one goes first and comes last: there are three files only if they are of a piece.
        with contextlib.suppress(FileNotFoundError):
            os.remove(_file_in(directory, SPLITS[-1]))
        for split in SPLITS:
            os.replace(_file_in(corpus, split), _file_in(directory, split))


def add_overwrite_flag(parser):
    """Adds the flag that `check_no_corpus` names."""
    parser.add_argument("--overwrite", action="store_true", help="replace the corpus in DIR")


def check_no_corpus(directory, overwrite):
    """Refuses, with a UserError, a directory that has a corpus which is not to be overwritten."""
    for split in SPLITS:
        path = _file_in(directory, split)
        if os.path.lexists(path) and not overwrite:
            raise shared.UserError(f"{path}: exists; --overwrite replaces the corpus it belongs to")


def _parse_flags():
    parser = shared.FlagParser(__doc__)
    parser.add_argument(
        "files", nargs="+", type=shared.path, metavar="FILE", help="UTF-8 text; -: standard input"
    )
    parser.add_argument(
        "--out", required=True, type=shared.path, metavar="DIR", help="where the corpus goes"
    )
    add_overwrite_flag(parser)
    parser.add_argument(
        "--level", choices=("word", "char"), default="word", help="what a token is (word)"
    )
    parser.add_argument("--keep_case", action="store_true", help="do not turn into lower case")
    parser.add_argument(
        "--min_count",
        type=shared.at_least(1),
        default=2,
        metavar="N",
        help="how often the training text must have a token for it not to become <unk> (2)",
    )
    parser.add_argument(
        "--max_words",
        type=shared.at_least(3),
        default=10000,
        metavar="N",
        help="size of the vocabulary not to exceed, <unk> and <eos> among them (10000)",
    )
    return parser.parse_args()


def main():
    """Runs the command line."""
    flags = _parse_flags()
    check_no_corpus(flags.out, flags.overwrite)
    sentences = read_tokens(flags.files, flags.level, flags.keep_case)
    write_corpus(sentences, flags.out, flags.min_count, flags.max_words)


if __name__ == "__main__":
    shared.run(main)
