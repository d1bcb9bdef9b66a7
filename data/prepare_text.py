"""Turns any UTF-8 text, in any language, into a corpus in the style of the Penn Treebank's.

    python data/prepare_text.py --out=DIR FILE...
    python data/prepare_text.py --tokenize [--like=DIR] < in > out

The first writes `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`, one sentence a line, tokens
separated by spaces; and `ptb.preparation.json`, which says how they were made. FILE may be `-`,
standard input. The second writes the tokens of each line of standard input, for other programs;
with --like as in that corpus or trained model.

--level=word is for text as people write it. A sentence ends at `.`, `!`, `?` or `…` before a
capital, a number or a letter of a script without case, at other scripts' marks such as `。` and
`।`, and at blank lines; with --sentence_per_line, each line is a sentence. The words are Unicode's,
with the Penn Treebank's conventions: `do n't`, `company 's`, `mr.`, `well-known`. They become lower
case unless --keep_case, and numbers `N` unless --keep_numbers. Punctuation marks are words, unless
--drop_punctuation. Thai, Lao, Khmer and Burmese need spaces between their words.

--level=token is for text whose words are separated by spaces already, a sentence a line; they are
taken as they are. It is the default for text that holds `<unk>`, `n't` or `@-@` as words.

--level=char takes every line for a sentence and every character for a token: a space or tab is
`_`, and an underscore `<underscore>`.

Tokens that the training text has fewer than --min_count times become `<unk>`, and the rarest too if
there are more than --max_words.

Of every 20 sentences the 19th goes to valid, the 20th to test, the others to train, in the text's
order and unshuffled. What is held out is therefore surrounded by sentences that are trained on,
and easier to predict than another book: for that, put files of your own in the place of the two.

The text may be larger than memory, which holds a part of it and a count for every distinct token;
the disk holds the corpus twice while it is made. The three files appear when all are complete.
"""

import collections
import contextlib
import itertools
import os
import sys
import tempfile

import shared
from program.progress_bar import with_bar
from text import files, preparation, sentences, words

SPLITS = ("train", "valid", "test")
HELD_OUT = {18: "valid", 19: "test"}  # of every 20 sentences, counted from 0
STARTS, ENDS = ("<s>",), ("</s>", words.END_OF_SENTENCE)


def read_blocks(path):
    """Yields a file's text, see `files.read_blocks`; UserError if it is none."""
    name = "standard input" if path == files.STANDARD_INPUT else path
    with shared.naming(name):
        try:
            yield from with_bar(files.read_blocks(path), path, name)
        except files.TextError as error:
            raise shared.UserError(f"{name}: {error}") from None


def end_at_marks(pieces, found):
    """Ends sentences where a text has `<eos>` or `</s>` as a word, and leaves out `<s>`.

    Args:
      pieces: iterable of `(tokens, ends)`, see `Preparation.sentences_of`.
      found: a `Counter`, to which those words are added.

    Yields:
      Likewise, without those words.
    """
    for tokens, ends in pieces:
        if found.keys().isdisjoint(tokens):
            yield tokens, ends
            continue
        found.update(token for token in tokens if token in found)
        sentence = []
        for token in tokens:
            if token in ENDS and sentence:
                yield sentence, True
                sentence = []
            elif token not in found:
                sentence.append(token)
        if sentence:
            yield sentence, ends


def read_sentences(texts, how):
    """Reads texts as sentences of tokens; no sentence goes on in the next text.

    What becomes of `<s>`, `</s>` and `<eos>` that the texts have as words is said at the end.

    Args:
      texts: iterable of texts, each an iterable of str, one block of it after another.
      how: a `preparation.Preparation`.

    Yields:
      `(tokens, ends)`, see `Preparation.sentences_of`.
    """
    found = collections.Counter({mark: 0 for mark in (*STARTS, *ENDS)})
    for blocks in texts:
        yield from end_at_marks(how.sentences_of(blocks), found)
    if found.total():
        counts = ", ".join(f"{mark} ({count})" for mark, count in found.items() if count)
        shared.say(
            f"the text has the words {counts}: {STARTS[0]} is left out, {' and '.join(ENDS)} end a "
            "sentence"
        )


def detect_level(blocks, name):
    """Tells whether a text is tokenized, from its beginning.

    Args:
      blocks: iterator of str, the text one after another.
      name: str, of the text.

    Returns:
      `(level, blocks)`: `token`, which is said, or `word`; and the same text.
    """
    first = next(blocks, "")
    level = preparation.WORD
    if words.looks_tokenized(first):
        level = preparation.TOKEN
        shared.say(
            f"{name}: is tokenized already, as its <unk>, n't or @-@ show; taken as it is, a "
            "sentence a line (--level=token; --level=word cuts it into words)"
        )
    return level, itertools.chain([first], blocks)


def _file_in(directory, split):
    return os.path.join(directory, f"ptb.{split}.txt")


def _write_all_tokens(pieces, directory, by_marks):
    """Writes the three files with all their tokens; returns the training text's `Counter`.

    UserError if the sentences, which `by_marks` says were told by their marks, are too few.
    """
    counts = collections.Counter()
    with contextlib.ExitStack() as stack:
        outputs = {
            split: stack.enter_context(
                open(_file_in(directory, split), "w", encoding="utf-8", newline="\n")
            )
            for split in SPLITS
        }
        number = 0  # of sentences so far
        for tokens, ends in pieces:
            split = HELD_OUT.get(number % 20, "train")
            outputs[split].write(" ".join(tokens))
            outputs[split].write("\n" if ends else " ")
            if split == "train":
                counts.update(tokens)
            number += ends
    if number < 20:
        sentences_are = "sentence is" if number == 1 else "sentences are"
        hint = "; if the text has one sentence a line, add --sentence_per_line" if by_marks else ""
        raise shared.UserError(
            f"{number} {sentences_are} too few to hold some out, 20 are enough{hint}"
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
    if counts and not frequent:
        raise shared.UserError(f"no token occurs {min_count} times; choose a smaller --min_count")
    frequent.sort(key=lambda token: (-counts[token], token))
    return set(frequent[: max_words - 2])


def _replace_rare_tokens(source, target, vocabulary):
    written = {token: token for token in vocabulary}
    with open(target, "w", encoding="utf-8", newline="\n") as file:
        name = f"{os.path.basename(target)}: rare tokens"
        for line in sentences.split_lines(with_bar(files.read_blocks(source), source, name)):
            tokens = [written.get(token, words.UNKNOWN) for token in line.split()]
            file.write(f" {' '.join(tokens)}")
            if line.endswith("\n"):
                file.write(" \n")


def write_corpus(pieces, directory, how, min_count=2, max_words=10000):
    """Writes the three files, with the training text's rare tokens as `<unk>` in all of them.

    The files take their place in `directory`, or that of an older corpus, once they are complete.

    Args:
      pieces: iterable of `(tokens, ends)`, see `Preparation.sentences_of`.
      directory: where to; made if need be.
      how: the `preparation.Preparation` of the text, to be described beside the files.
      min_count, max_words: which tokens are rare, as in `choose_vocabulary`.

    Raises:
      UserError: `directory` is a file, the sentences are too few, or all tokens are rare.
      OSError: something cannot be written.
    """
    shared.make_directory(directory)
    unfinished = tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory)
    with shared.naming(directory), unfinished as aside:
        all_tokens, corpus = os.path.join(aside, "all_tokens"), os.path.join(aside, "corpus")
        os.mkdir(all_tokens)
        os.mkdir(corpus)
        counts = _write_all_tokens(pieces, all_tokens, how.ends_at_marks)
        vocabulary = choose_vocabulary(counts, min_count, max_words)
        for split in SPLITS:
            _replace_rare_tokens(_file_in(all_tokens, split), _file_in(corpus, split), vocabulary)
        # The last one goes first and comes last: there are three files only if they are of a piece.
        with contextlib.suppress(FileNotFoundError):
            os.remove(_file_in(directory, SPLITS[-1]))
        preparation.write(how, directory)
        for split in SPLITS:
            os.replace(_file_in(corpus, split), _file_in(directory, split))


def tokenize_lines(blocks, how):
    """Writes the tokens of each line of a text to standard output, as soon as it has arrived."""
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in sentences.split_lines(sentences.with_last_line_end(blocks)):
        end = "\n" if line.endswith("\n") else " "
        print(*how.tokens_of_line(line), end=end, flush=True)


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
        "files", nargs="*", type=shared.path, metavar="FILE", help="UTF-8 text; -: standard input"
    )
    parser.add_argument("--out", type=shared.path, metavar="DIR", help="where the corpus goes")
    add_overwrite_flag(parser)
    parser.add_argument(
        "--tokenize", action="store_true", help="write each line's tokens to standard output"
    )
    parser.add_argument(
        "--like",
        type=shared.path,
        metavar="DIR",
        help="prepare as this corpus or run was, whatever else is asked",
    )
    parser.add_argument(
        "--level",
        choices=preparation.LEVELS,
        help="what a token is (word; token for text that is tokenized already)",
    )
    for flag, help_text in {
        "sentence_per_line": "each line is a sentence, with --level=word",
        "keep_case": "do not turn into lower case",
        "keep_numbers": "do not turn numbers into N",
        "drop_punctuation": "leave it out, as the Penn Treebank's common version does",
    }.items():
        parser.add_argument(f"--{flag}", action="store_true", help=help_text)
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
    flags = parser.parse_args()
    if bool(flags.out) == flags.tokenize:
        parser.error("name a directory with --out, or choose --tokenize")
    if flags.out and not flags.files:
        parser.error("name a file of text, or - for standard input")
    return flags


def _preparation(flags, level):
    """The `Preparation` that the flags ask for; UserError if --like names none."""
    if flags.like is not None:
        try:
            like = preparation.read(flags.like)
        except preparation.PreparationError as error:
            raise shared.UserError(str(error)) from None
        if like is None:
            raise shared.UserError(
                f"--like={flags.like}: has no {preparation.FILE}, which says how it was prepared"
            )
        return like
    if level == preparation.TOKEN:
        return preparation.TOKENIZED
    return preparation.Preparation(
        level=level,
        case="kept" if flags.keep_case else "lower",
        numbers="kept" if flags.keep_numbers else "N",
        punctuation="dropped" if flags.drop_punctuation else "kept",
        sentences="lines" if flags.sentence_per_line else "marks",
    )


def main():
    """Runs the command line."""
    flags = _parse_flags()
    if flags.out:
        check_no_corpus(flags.out, flags.overwrite)
    first, *rest = map(read_blocks, flags.files or [files.STANDARD_INPUT])
    level = flags.level
    if not level and not flags.like:
        level, first = detect_level(first, (flags.files or ["standard input"])[0])
    how, texts = _preparation(flags, level), [first, *rest]
    if flags.tokenize:
        for blocks in texts:
            tokenize_lines(blocks, how)
    else:
        pieces = read_sentences(texts, how)
        write_corpus(pieces, flags.out, how, flags.min_count, flags.max_words)


if __name__ == "__main__":
    shared.run(main)
