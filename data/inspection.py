"""Looks at a text before it is prepared, and while: is it what it seems to be?"""

import itertools
import os

import shared
from program.progress_bar import with_bar
from text import beside_words, faults, files, other_formats, preparation, tokenizer

# How much of a text tells whether it is tokenized: always as much, however it arrives.
SAMPLE_LENGTH = 1 << 16
MAX_NAMED, MAX_NAME_LENGTH = 3, 40  # of the tokens that tell it
END_OF_STATEMENT = tuple(".!?…")
AFTER_END = " \"'”’»)"
MAX_MEAN_LENGTH = 60  # words; sentences that are longer on average are none
MIN_SENTENCES = 20


def name_of(path):
    """What a file is called in messages."""
    return "standard input" if path == files.STANDARD_INPUT else path


def read_blocks(path, says=True):
    """Yields a file's text, see `files.read_blocks`; UserError if it is none."""
    name = name_of(path)
    with shared.naming(name):
        try:
            yield from with_bar(files.read_blocks(path, says=says), path, os.path.basename(name))
        except files.TextError as error:
            raise shared.UserError(f"{name}: {error}") from None


def take_sample(path):
    """A text's beginning, and the whole text; a file is not left open.

    Returns:
      `(sample, blocks)`, a str and an iterable of str.
    """
    is_read_again = os.path.isfile(path)
    blocks, read, length = read_blocks(path, says=not is_read_again), [], 0
    for block in blocks:
        read.append(block)
        length += len(block)
        if length >= SAMPLE_LENGTH:
            break
    sample = "".join(read)[:SAMPLE_LENGTH]
    if is_read_again:
        blocks.close()
        return sample, read_blocks(path)
    return sample, itertools.chain(read, blocks)


def detect_level(samples):
    """Tells from their beginnings whether texts are tokenized, and says it if they are.

    Args:
      samples: dict of each text's name to its beginning.

    Returns:
      `preparation.TOKEN` or `preparation.WORD`.

    Raises:
      UserError: some are, and others are not.
    """
    signs = {name: tokenizer.signs_of_tokens(sample) for name, sample in samples.items()}
    tokenized = [name for name in samples if signs[name]]
    if not tokenized:
        return preparation.WORD
    seems = f"{tokenized[0]}: is tokenized already, as its {_named(signs[tokenized[0]])} show"
    others = [name for name, sample in samples.items() if sample.strip() and not signs[name]]
    if others:
        raise shared.UserError(
            f"{seems}, and {others[0]} is not; prepare them apart, or choose --level=token or "
            "--level=word for all"
        )
    more = f" (so are the {len(tokenized) - 1} other files)" if len(tokenized) > 1 else ""
    shared.say(
        f"{seems}{more}; taken as it is, a sentence a line (--level=token; --level=word cuts it "
        "into words)"
    )
    return preparation.TOKEN


def refuse_other_formats(samples):
    """Refuses, with a UserError, texts whose words are not alone."""
    for name, sample in samples.items():
        if found := other_formats.what_it_has(sample):
            what, example = found
            raise shared.UserError(
                f"{name}: {what}, as its {_named([example])} shows; leave only the words, or "
                "choose --level=token or --level=word"
            )


def say_faults(samples):
    """Says which texts were made badly of others, so that words or sentences are wrong."""
    for name, sample in samples.items():
        for what in faults.in_words(sample):
            shared.say(f"{name}: {what}")


def _named(signs):
    *most, last = [sign[:MAX_NAME_LENGTH] for sign in signs[:MAX_NAMED]]
    return f"{', '.join(most)} and {last}" if most else last


def refuse_tokens(blocks, name):
    """Yields a text's blocks, which are cut into words; UserError once that seems to be wrong."""
    sample = ""
    for block in blocks:
        yield block
        if len(sample) < SAMPLE_LENGTH:
            sample = (sample + block)[:SAMPLE_LENGTH]
            if len(sample) == SAMPLE_LENGTH:
                _refuse_sample(sample, name)
    if len(sample) < SAMPLE_LENGTH:
        _refuse_sample(sample, name)


def _refuse_sample(sample, name):
    refuse_other_formats({name: sample})
    if signs := tokenizer.signs_of_tokens(sample):
        raise shared.UserError(
            f"{name}: is tokenized already, as its {_named(signs)} show, and was cut into words "
            "nevertheless; choose --level=token or --level=word"
        )


def say_characters(samples):
    """Says which texts have spaces between their characters, of which more are made."""
    for name, sample in samples.items():
        if sample and tokenizer.is_of_characters(sample):
            shared.say(
                f"{name}: has spaces between its characters already, and each becomes "
                f"{preparation.SPACE}; --level=token takes it as it is"
            )


def say_ids(samples):
    """Says which texts have lines with something beside the words, such as Kaldi's ids."""
    for name, sample in samples.items():
        if found := beside_words.find(sample.split("\n")[:-1]):
            shared.say(f"{name}: {beside_words.in_words(found, 'taken for words')}")


class Seen:
    """What was seen of texts, to judge whether sentences ended where they should.

    Attributes:
      num_lines, num_bytes: int.
      num_ends: int, how many lines end with a mark that ends a sentence.
      num_sentences, num_tokens: int, what the texts became.
      num_marks: int, how many of the tokens are such marks.
    """

    def __init__(self):
        """Begins with nothing."""
        self.num_lines = self.num_bytes = self.num_ends = 0
        self.num_sentences = self.num_tokens = self.num_marks = 0

    def text(self, blocks):
        """Yields the blocks of a text, and counts."""
        for block in blocks:
            lines = block.split("\n")[:-1]
            self.num_lines += len(lines)
            self.num_bytes += len(block.encode())
            self.num_ends += sum(
                line.rstrip(AFTER_END).endswith(END_OF_STATEMENT) for line in lines
            )
            yield block

    def sentences(self, pieces):
        """Yields `(tokens, ends)`, and counts."""
        for tokens, ends in pieces:
            self.num_sentences += ends
            self.num_tokens += len(tokens)
            self.num_marks += sum(map(tokens.count, ".!?"))
            yield tokens, ends

    def doubt(self):
        """What seems wrong with sentences that were told by their marks; empty if nothing does."""
        found = f"{self.num_sentences} sentences were found"
        if self.num_ends > self.num_lines / 3 and self.num_ends > 1.3 * self.num_sentences:
            return f"{found}, but {self.num_ends} lines end with a sentence's mark"
        mean_length = self.num_tokens / max(1, self.num_sentences)
        if mean_length > MAX_MEAN_LENGTH and self.num_lines > 2 * self.num_sentences:
            return f"{found} in {self.num_lines} lines, of {mean_length:.0f} words on average"
        if self.num_marks > 2 * self.num_sentences + MIN_SENTENCES:
            return f"{found}, but {self.num_marks} marks that may end one; a capital must follow"
        return ""

    def advice(self, how):
        """How to make more sentences of the same texts; empty if nothing helps."""
        if self.num_lines == self.num_bytes:  # nothing but line ends
            return "; there is no text"
        width = min(1000, self.num_bytes // (2 * MIN_SENTENCES))
        if self.num_lines >= MIN_SENTENCES or width < MIN_SENTENCES:
            has_marks = how.ends_at_marks
            return "; if the text has one sentence a line, add --sentence_per_line" * has_marks
        add = ", and add --sentence_per_line" if how.level == preparation.WORD else ""
        return (
            "; the text has hardly any line ends: cut it into lines, such as by "
            f"`fold -s -w {width} FILE`{add}"
        )
