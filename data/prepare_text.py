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
taken as they are. It is the default for text whose beginning has the tokens of another program,
such as `<unk>`, `n't`, `-LRB-`, `@-@`, `&apos;`, `ow@@ l` or `▁ow l`.

--level=char takes every line for a sentence and every character for a token: a space or tab is
`_`, and an underscore `<underscore>`.

Tokens that the training text has fewer than --min_count times become `<unk>`, and the rarest too if
there are more than --max_words.

Of every 20 sentences one goes to valid, one to test, the others to train, in the text's order and
unshuffled. Which ones, is drawn at random, and the same for every text. So no period of the text
decides, such as that of question and answer. (--held_out=fixed takes the 19th and the 20th.) What
is held out is surrounded by sentences that are trained on, and easier to predict than another
book: for that, put files of your own in the place of the two.

The text may be larger than memory, which holds a part of it and a count for every distinct token;
the disk holds the corpus twice while it is made. The three files appear when all are complete.
"""

import collections
import contextlib
import os
import random
import stat
import sys
import tempfile

import inspection
import shared
from program.messages import one_line
from program.progress_bar import with_bar
from text import files, other_tokenizers, preparation, sentences, tokenizer, words_of_lines

SPLITS = ("train", "valid", "test")
DRAWN, FIXED = HELD_OUT = ("drawn", "fixed")
SEED = 0  # of what is drawn
MIN_SENTENCES = 20


class TooFewError(shared.UserError):
    """A text with too few sentences to hold some out."""


def end_at_marks(pieces, marks, keep_empty=True):
    """Ends sentences where a text has a mark of an end as a word, and leaves the marks out.

    Args:
      pieces: iterable of `(tokens, ends)`, see `Preparation.sentences_of`.
      marks: the text's `lines.Marks`.
      keep_empty: what has no tokens but marks is an empty sentence.

    Yields:
      Likewise, without those words.
    """
    for tokens, ends in pieces:
        if marks.has_none(tokens, ends):
            yield tokens, ends
            continue
        found, start = marks.words(tokens, ends), 0
        for _ in range(found.count(tokenizer.END_OF_SENTENCE)):
            end = found.index(tokenizer.END_OF_SENTENCE, start)
            if keep_empty or end > start or not tokens:
                yield found[start:end], True
            start = end + 1
        if start < len(found):
            yield found[start:], False


def read_sentences(texts, how):
    """Reads texts as sentences of tokens; no sentence goes on in the next text.

    What becomes of `<s>`, `</s>` and the like that the texts have as words is said at the end.

    Args:
      texts: iterable of texts, each an iterable of str, one block of it after another.
      how: a `preparation.Preparation`.

    Yields:
      `(tokens, ends)`, see `Preparation.sentences_of`.
    """
    marks = words_of_lines.Marks()
    for blocks in texts:
        yield from end_at_marks(how.sentences_of(blocks), marks, how.level != preparation.WORD)
    if marks.counts:
        shared.say(marks.in_words())


def _file_in(directory, split):
    return os.path.join(directory, f"ptb.{split}.txt")


def turns(held_out=DRAWN):
    """Yields of each sentence in turn which split it goes to; of every 20, two are held out.

    Args:
      held_out: which ones: those `DRAWN` at random, the same each time; or `FIXED`, the last two.
    """
    draw = random.Random(SEED).random  # which is the same in every version of Python
    while True:
        valid, test = 18, 19
        if held_out == DRAWN:
            valid, test = int(20 * draw()), int(19 * draw())
            test += test >= valid
        for place in range(20):
            yield "valid" if place == valid else "test" if place == test else "train"


class Variety:
    """Whether the lines of a text that is held out differ."""

    def __init__(self, name):
        """Begins with no lines, and takes the text's name."""
        self._name = name
        self._first, self._num_lines, self._differ = None, 0, False
        self._num_trained = {True: 0, False: 0}  # by whether a line is the same

    def add(self, tokens):
        """Takes a line."""
        self._num_lines += 1
        self._first = tokens if self._first is None else self._first
        self._differ = self._differ or tokens != self._first

    def compare(self, tokens):
        """Takes a line of the training text."""
        if self._first is not None and not self._differ:
            self._num_trained[tokens == self._first] += 1

    def check(self):
        """Says what is wrong with the lines.

        UserError if they are all the same, and most of the training text is not: then a period of
        the text has chosen them.
        """
        doubt = ""
        if self._first is None:
            doubt = "has no line with words"
        elif not self._differ and self._num_lines > 1:
            line = one_line(" ".join(self._first))
            doubt = f"its {self._num_lines} lines with words are all the same: {line:.60}"
            if self._num_lines > 4 and self._num_trained[False] > self._num_trained[True]:
                raise shared.UserError(f"{self._name}: {doubt}; hold out others by --held_out")
        if doubt:
            shared.say(f"{self._name}: {doubt}; a perplexity of it says little")


def _is_blank(tokens):
    return not tokens or (tokens[0] == preparation.SPACE and len(set(tokens)) == 1)


def _write_all_tokens(pieces, directory, held_out):
    """Writes the three files with all their tokens; returns the training text's `Counter`.

    What is drawn are sentences that have words; an empty one goes where the one before it went.
    TooFewError if the sentences are too few.
    """
    counts, varieties = collections.Counter(), {s: Variety(f"ptb.{s}.txt") for s in SPLITS[1:]}
    with contextlib.ExitStack() as stack:
        outputs = {
            split: stack.enter_context(
                open(_file_in(directory, split), "w", encoding="utf-8", newline="\n")
            )
            for split in SPLITS
        }
        number, turn, split, is_begun = 0, turns(held_out), None, False
        for tokens, ends in pieces:
            if not is_begun and (not split or held_out == FIXED or not _is_blank(tokens)):
                split = next(turn)
                number += 1
            outputs[split].write(" ".join(tokens))
            outputs[split].write("\n" if ends else " ")
            if split == "train":
                counts.update(tokens)
                for variety in varieties.values():
                    variety.compare(tokens)
            elif tokens:
                varieties[split].add(tokens)
            is_begun = not ends
    if number < MIN_SENTENCES:
        sentences_are = "sentence is" if number == 1 else "sentences are"
        raise TooFewError(
            f"{number} {sentences_are} too few to hold some out, {MIN_SENTENCES} are enough"
        )
    for variety in varieties.values():
        variety.check()
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
            tokens = [written.get(token, tokenizer.UNKNOWN) for token in line.split()]
            file.write(f" {' '.join(tokens)}")
            if line.endswith("\n"):
                file.write(" \n")


def write_corpus(pieces, directory, how, min_count=2, max_words=10000, held_out=DRAWN):
    """Writes the three files, with the training text's rare tokens as `<unk>` in all of them.

    The files take their place in `directory`, or that of an older corpus, once they are complete.

    Args:
      pieces: iterable of `(tokens, ends)`, see `Preparation.sentences_of`.
      directory: where to; made if need be.
      how: the `preparation.Preparation` of the text, to be described beside the files.
      min_count, max_words: which tokens are rare, as in `choose_vocabulary`.
      held_out: which sentences go to valid and test, as in `turns`.

    Raises:
      UserError: `directory` is a file, or all tokens are rare.
      TooFewError: the sentences are too few.
      OSError: something cannot be written.
    """
    shared.make_directory(directory)
    unfinished = tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory)
    with shared.naming(directory), unfinished as aside:
        all_tokens, corpus = os.path.join(aside, "all_tokens"), os.path.join(aside, "corpus")
        os.mkdir(all_tokens)
        os.mkdir(corpus)
        counts = _write_all_tokens(pieces, all_tokens, held_out)
        vocabulary = choose_vocabulary(counts, min_count, max_words)
        if fact := other_tokenizers.about_unknowns(counts):
            shared.say(f"ptb.{SPLITS[0]}.txt: {fact}")
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
    read = sentences.split_lines(sentences.with_last_line_end(blocks))
    for line in read:
        space = ""
        for tokens, _ in how.sentences_of(words_of_lines.whole_line(line, read)):
            if tokens:
                print(space, " ".join(tokens), sep="", end="")
                space = " "
        print(flush=True)


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
        metavar="N",
        help="how often the training text must have a token for it not to become <unk> (2)",
    )
    parser.add_argument(
        "--max_words",
        type=shared.at_least(3),
        metavar="N",
        help="size of the vocabulary not to exceed, <unk> and <eos> among them (10000)",
    )
    parser.add_argument(
        "--held_out",
        choices=HELD_OUT,
        help="which of every 20 sentences go to valid and test: two that are drawn, the same each "
        "time (drawn), or the 19th and the 20th (fixed)",
    )
    flags = parser.parse_args()
    _check_flags(parser, flags)
    return flags


def _check_flags(parser, flags):
    """Ends the program if flags do not go together."""
    if bool(flags.out) == flags.tokenize:
        parser.error("name a directory with --out, or choose --tokenize")
    if flags.out and not flags.files:
        parser.error("name a file of text, or - for standard input")
    if flags.drop_punctuation and flags.level in (preparation.TOKEN, preparation.CHARACTER):
        parser.error(f"--drop_punctuation: is for --level=word, not --level={flags.level}")
    for name in ("min_count", "max_words", "held_out", "overwrite"):
        if flags.tokenize and getattr(flags, name):
            parser.error(f"--{name}: is for a corpus, with --out")


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
        if flags.drop_punctuation:
            raise shared.UserError(
                "--drop_punctuation: is for text that is not tokenized; --level=word cuts it anew"
            )
        return preparation.TOKENIZED
    return preparation.Preparation(
        level=level or preparation.WORD,
        case="kept" if flags.keep_case else "lower",
        numbers="kept" if flags.keep_numbers else "N",
        punctuation="dropped" if flags.drop_punctuation else "kept",
        sentences="lines" if flags.sentence_per_line else "marks",
    )


def _is_complete(path):
    """Whether all of a text is there already, so that one may wait for its beginning."""
    if path != files.STANDARD_INPUT:
        return os.path.isfile(path)
    return stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)


def _read_texts(flags):
    """The texts, and their `Preparation`: what the flags do not say, the texts' beginnings tell."""
    paths = flags.files or [files.STANDARD_INPUT]
    if flags.tokenize and not all(map(_is_complete, paths)):
        texts = [inspection.read_blocks(path) for path in paths]
        if not (flags.level or flags.like):
            texts = [inspection.refuse_tokens(*each) for each in zip(texts, paths)]
        return texts, _preparation(flags, flags.level)
    read = [inspection.take_sample(path) for path in paths]
    samples = {path: sample for path, (sample, _) in zip(paths, read)}
    if not (flags.level or flags.like):
        inspection.refuse_other_formats(samples)
    level = flags.level or (None if flags.like else inspection.detect_level(samples))
    how = _preparation(flags, level)
    if flags.like and not flags.level and how.level == preparation.WORD:
        inspection.refuse_other_formats(samples)
    if how.level == preparation.CHARACTER:
        inspection.say_characters(samples)
    if how.level == preparation.WORD:
        inspection.say_faults(samples)
    inspection.say_ids(samples)
    return [text for _, text in read], how


def _make_corpus(texts, how, flags):
    """Writes the corpus, and says where it may be another than was meant."""
    seen = inspection.Seen()
    pieces = seen.sentences(read_sentences(map(seen.text, texts), how))
    options = {
        name: getattr(flags, name)
        for name in ("min_count", "max_words", "held_out")
        if getattr(flags, name)
    }
    try:
        write_corpus(pieces, flags.out, how, **options)
    except TooFewError as error:
        raise TooFewError(f"{error}{seen.advice(how)}") from None
    if how.ends_at_marks and (doubt := seen.doubt()):
        shared.say(f"{doubt}; if each line is a sentence, add --sentence_per_line")


def main():
    """Runs the command line."""
    flags = _parse_flags()
    if flags.out:
        check_no_corpus(flags.out, flags.overwrite)
    texts, how = _read_texts(flags)
    if flags.out:
        _make_corpus(texts, how, flags)
        return
    for blocks in texts:
        tokenize_lines(blocks, how)


if __name__ == "__main__":
    shared.run(main)
