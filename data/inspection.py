"""Looks at a text before it is prepared, and while: is it what it seems to be?"""

import itertools
import os

import shared
from program.progress_bar import with_bar
from text import beside_words, files, other_formats, preparation, tokenizer

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


FAULTS = (
    (
        other_formats.escape_escaped_in,
        "has escapes of HTML that were escaped again, such as {}; Python's html.unescape, twice, "
        "makes characters of them",
    ),
    (
        other_formats.quoted_printable_in,
        "has characters as e-mail writes them, such as {}; Python's quopri.decodestring makes "
        "characters of them",
    ),
    (
        other_formats.accent_of_tex_in,
        "has accents of TeX, such as {}; pylatexenc's latex2text makes characters of them",
    ),
    (
        other_formats.glyph_in,
        "has glyphs of a PDF without a character, such as {}; take its text by another program",
    ),
    (
        other_formats.other_apostrophe_in,
        "has other marks in place of apostrophes, it seems, such as {}; "
        '`sed "s/[´\\`‘＇′ʼ]/\'/g" FILE` makes apostrophes of them',
    ),
    (
        other_formats.joined_mark_in,
        "has marks that are joined to words, such as {}; write spaces around them",
    ),
    (
        other_formats.escape_in,
        "has escapes of HTML, such as {}, which are cut as words are; Python's html.unescape makes "
        "characters of them",
    ),
    (
        other_formats.misread_in,
        "was read in another encoding than its own once, it seems, as its {} shows; ftfy mends it",
    ),
    (
        other_formats.escape_without_ampersand_in,
        "has escapes of HTML that lost their &, such as {}, which are cut as words are; put it "
        "back, and Python's html.unescape makes characters of them",
    ),
    (
        other_formats.escaped_character_in,
        "has characters as programs write them, such as {}, which are cut as words are; "
        "`sed -E 's/\\\\([\"'\\'']/\\1/g; s/\\\\[nrt]/ /g' FILE`, Python's json.loads or the like "
        "makes characters of them",
    ),
    (
        other_formats.lost_character_in,
        "lost characters when it was decoded, as its {} shows; take what it was made from",
    ),
    (
        other_formats.italics_in,
        "has words between underscores, such as {}, which become parts of the words; `tr -d _ < "
        "FILE` leaves them out",
    ),
    (
        other_formats.doubled_quotes_in,
        "has lines with doubled quotation marks in quotation marks, such as {:.60}, as CSV has; "
        "Python's csv makes text of them",
    ),
    (
        other_formats.joined_sentences_in,
        "has no space after many sentences, such as in {}, and none ends there; "
        "`sed -E 's/([a-z][.!?])([A-Z])/\\1 \\2/g' FILE` puts one there",
    ),
    (
        other_formats.broken_word_in,
        "has words that are cut at the end of a line, it seems, such as {}, and each becomes two; "
        "`sed -zE 's/(-|‐|¬|⸗|–|\\xc2\\xad)[ \\r]*\\n *([[:lower:]])/\\2/g' FILE` joins them",
    ),
)


def say_faults(samples):
    """Says which texts were made badly of others, so that words or sentences are wrong."""
    for name, sample in samples.items():
        for find, what in FAULTS:
            if example := find(sample):
                shared.say(f"{name}: {what.format(example)}")


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
