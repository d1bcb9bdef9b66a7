r"""Words: a sentence cut into tokens as in the Penn Treebank, in any language.

The words are those of Unicode's rules (UAX #29), with the Treebank's conventions on top:
contractions are split (`do n't`, `company 's`), abbreviations keep their period (`mr.`, `u.s.`),
hyphenated words stay whole (`well-known`), numbers are `N`. Two differences from UAX #29: a hyphen
joins words, and a run of Thai, Lao, Khmer or Burmese is one word, since only a dictionary knows the
words in it. Chinese characters and hiragana are a word each.

Whatever is a token already stays one: `<unk>`, `N`, `n't`, WikiText's `@-@`, the Treebank's `\/`
and `-LRB-`; see `other_tokenizers.py`.
"""

import collections
import itertools
import re
import unicodedata

import regex

from text import other_tokenizers

NUMBER_TOKEN = "N"
UNKNOWN, END_OF_SENTENCE = "<unk>", "<eos>"
# Text between white space comes often, unless it is longer.
MAX_CACHED_LENGTH = 32
CACHE_SIZE = 1 << 17

# Invisible characters that would make two words of one; and spellings of one character.
CLEANED = {
    **dict.fromkeys(map(ord, "\u00ad\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e")),
    **dict.fromkeys(range(0x2066, 0x206A)),  # isolates, which mark directions as those above do
    0x200B: " ",  # zero-width space: where words end in scripts without spaces
    0x2019: "'",
    0x2010: "-",
    0x2011: "-",
    # Ligatures, as text out of PDF has.
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"))),
}
SPACED_NUMBER = regex.compile(
    r"(?<![\d.,])\d{1,3}(?:[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}]\d{3})+(?!\d)"
)

# The Treebank's own, and a few of other languages.
ABBREVIATIONS = (
    "adm|ala|apr|ariz|aug|ave|bros|bzw|ca|calif|capt|cf|cie|co|col|colo|conn|corp|cos|dec|del|"
    "dept|dr|dra|ed|est|etc|feb|fig|fla|ga|gen|gov|hon|ill|inc|ind|jan|jr|kan|ky|lt|ltd|mass|"
    "md|messrs|mich|minn|mlle|mme|mo|mr|mrs|ms|neb|nev|no|nos|nov|nr|oct|okla|op|ore|pa|prof|"
    "rep|reps|rev|sen|sens|sept|sgt|sr|sra|srta|st|tenn|usw|va|vgl|vol|vs|wash|wis"
)

FLAG = "\U0001f1e6-\U0001f1ff"
LETTER = r"[[\p{L}\p{N}\p{WB=ALetter}\p{WB=ExtendNumLet}]--[\p{Han}\p{Hiragana}\p{WB=Katakana}]]"
RUN = rf"(?:{LETTER}[\p{{M}}\u200c\u200d]*+)++"
WORD = rf"""
    {RUN}
    (?:
        (?:
            \.? -                                   # well-known, calif.-based
          | (?<=[\p{{L}}\p{{M}}]) [.:'·‧] (?=\p{{L}})     # python.org, l'homme, EU:n
          | (?<=\p{{Hebrew}}) ["״] (?=\p{{Hebrew}})
          | (?<=\d) [.,'٫٬] (?=\d)
          | (?<=\d[eE]) \+ (?=\d)                   # 1e+10
          | \\/                                     # the Treebank's mgm\/ua
        ) {RUN}
    )*+
"""
TOKEN = regex.compile(
    rf"""
    # Two that the last one includes, first because they are quick: what can begin nothing else.
    (?! {LETTER} | [\p{{WB=Katakana}}\p{{Han}}\p{{Hiragana}}\p{{Sc}}{FLAG}<@\\.+'`-] ) \X
  | (?= ['<@\\] (?![\p{{L}}\p{{N}}/*,.|'-]) ) \X
  # What is a token already.
  | <(?:unk|[bes]os|[BES]OS|/?[sS]|0x[\dA-F]{{2}}|\|[a-z_]{{1,20}}\|)>
  | `` | '' | @[-,.]@ | (?:\\\*)+
  | (?:(?:https?|ftp)://|www\.)[^\s<>"]*[\p{{L}}\p{{N}}/]
  | (?<![\p{{L}}\p{{N}}.+_-])[\p{{L}}\p{{N}}.+_-]++@[\p{{L}}\p{{N}}-]+(?:\.[\p{{L}}\p{{N}}-]+)+
  | \p{{Lu}}{{1,3}}&\p{{Lu}}{{1,3}}s?(?!\p{{L}})    # AT&T
  | (?<!\S)\p{{Ll}}{{1,2}}&\p{{Ll}}s?(?!\S)           # s&p
  | \p{{L}}{{0,2}}\p{{Sc}}(?!\p{{L}}\p{{L}})        # US$
  | (?<!\S)\.\d+(?![\p{{L}}\d.])                    # .5
  | (?i:{ABBREVIATIONS})\.(?![\p{{L}}\p{{N}}-])
  | {WORD}
    (?: (?<=(?<![\p{{L}}\p{{M}}\p{{N}}'_])[\p{{Lu}}\p{{Ll}}]) \.(?![\p{{L}}\p{{N}}.]) )?  # U.S., J.
  | [\p{{WB=Katakana}}][\p{{WB=Katakana}}\p{{M}}]*
  | '(?i:s|re|ve|ll|d|m|\d\ds)(?![\p{{L}}\p{{N}}])   # contractions alone, and '80s
  | \.{{2,}} | -{{2,}}
  # A flag, for which \X would count all letters of flags before it.
  | [{FLAG}]{{2}}[\p{{GCB=Extend}}\p{{GCB=SpacingMark}}\p{{GCB=ZWJ}}]*+
  | \X
    """,
    regex.VERBOSE | regex.V1,
)
SIMPLE_PIECE = re.compile(r"""(["(\[]*)([A-Za-z]+(?:-[A-Za-z]+)*)(\.|[,;:!?)\]"]*)""")
CONTRACTION = regex.compile(r"(can)(not)|(.+?)(n't)?('(?:s|re|ve|ll|d|m))?", regex.IGNORECASE)
ABBREVIATION = re.compile(ABBREVIATIONS)
NUMBER = regex.compile(r"\.?[\d\p{No}]+(?:[.,'٫٬]\d+)*(?:[eE][+-]?\d+)?")
NUMBERS = regex.compile(rf"{NUMBER.pattern}(?:-{NUMBER.pattern})+")
# A word of Chinese or Japanese, or a mark, alone.
WITHOUT_SPACES = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+|[。，、！？：；「」『』（）《》…]"
)
WITHOUT_WORD = regex.compile(r"[^\p{L}\p{N}]+")
# What is no punctuation: words, signs that stand for words, and what is a token already.
KEPT = regex.compile(r".*[\p{L}\p{N}\p{Sc}]|[&#]$|@[-,.]@|(?:\\\*)+")
FINAL_PERIOD = regex.compile(r"(?:\p{L}|\p{L}{2}[\p{L}\p{M}]*)\.")


def signs_of_tokens(text: str) -> list[str]:
    """The tokens which show that a text is tokenized, the most frequent first; empty if it is not.

    It is, if many of its tokens are parts of words, or if more of them are such by a convention
    than would be cut. So it is, if its tokens are ids, or characters of which `_` is the space.
    """
    counts = collections.Counter(text.split())
    if subwords := other_tokenizers.subwords_of(counts):
        return _most_frequent(counts, filter(subwords.token.fullmatch, counts))
    if counts["_"] > 0.05 * counts.total() and _are_characters(counts):
        return ["_"]
    numbers = [piece for piece in counts if piece.isdecimal()]
    if _number(counts, numbers) > max(0.9 * counts.total(), 9):  # ids of words
        return _most_frequent(counts, numbers)
    if _are_words_of_ideographs(counts):
        return _most_frequent(counts, filter(WITHOUT_SPACES.fullmatch, counts))
    signs = {piece for piece in counts if other_tokenizers.is_token(piece)}
    cut = [
        piece for piece in counts if piece not in signs and signs and len(TOKEN.findall(piece)) > 1
    ]
    return _most_frequent(counts, signs) if _number(counts, signs) > _number(counts, cut) else []


def is_of_characters(text: str) -> bool:
    """Whether a text is characters with spaces between them."""
    return _are_characters(collections.Counter(text.split()))


def _are_characters(counts):
    characters = [piece for piece in counts if len(piece) == 1]
    return _number(counts, characters) > max(0.9 * counts.total(), 9)


def _are_words_of_ideographs(counts):
    """Whether Chinese or Japanese, which has no spaces, has them between words."""
    pieces = [piece for piece in counts if WITHOUT_SPACES.fullmatch(piece)]
    number = _number(counts, pieces)
    mean_length = sum(counts[piece] * len(piece) for piece in pieces) / max(1, number)
    return number > max(0.7 * counts.total(), 49) and 1.05 < mean_length < 2.6


def _number(counts, pieces):
    return sum(counts[piece] for piece in pieces)


def _most_frequent(counts, pieces):
    return sorted(pieces, key=lambda piece: (-counts[piece], piece))


def lower(text: str) -> str:
    """Lower case, composed (NFC); the Turkish `İ` becomes a plain `i`."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.replace("İ", "i").lower())


class _Cache(dict):
    """A function's results, computed when they are first looked up; the function takes a str."""

    def __init__(self, function):
        self._function = function

    def __missing__(self, argument):
        result = self._function(argument)
        if len(argument) <= MAX_CACHED_LENGTH:
            if len(self) >= CACHE_SIZE:
                self.clear()  # what is frequent is soon back
            self[argument] = result
        return result


class Tokenizer:
    """Cuts sentences into words; it remembers those of frequent pieces of text."""

    def __init__(
        self, keep_case: bool = False, keep_numbers: bool = False, keep_punctuation: bool = True
    ):
        """Takes what to do.

        Args:
          keep_case: if not, words are in lower case.
          keep_numbers: if not, each is `N`.
          keep_punctuation: if not, it is left out as in Mikolov's version of the Treebank,
            where a `%` is an `N`, too.
        """
        self._keep_case, self._keep_numbers = keep_case, keep_numbers
        self._keep_punctuation = keep_punctuation
        self._cut = _Cache(self._cut_piece)
        self._written = _Cache(self._write)

    def __call__(self, sentence: str, ends: bool = True) -> list[str]:
        """The tokens of a sentence, none empty or with white space in it.

        Args:
          sentence: the text.
          ends: the sentence does not go on after this text.
        """
        if not sentence.isascii():
            sentence = SPACED_NUMBER.sub(lambda match: "".join(match[0].split()), sentence)
        pieces = sentence.split()
        tokens = list(itertools.chain.from_iterable(map(self._cut.__getitem__, pieces)))
        # In lower case, as in the Treebank itself, the abbreviation stays what it is.
        if ends and pieces and not pieces[-1].islower():
            self._split_final_period(tokens)
        return tokens

    def _split_final_period(self, tokens):
        """Splits the period that ends a sentence off an abbreviation such as `Inc.`, in place."""
        for i in reversed(range(max(0, len(tokens) - 3), len(tokens))):
            if FINAL_PERIOD.fullmatch(tokens[i]):
                tokens[i : i + 1] = [tokens[i][:-1]] + ["."] * self._keep_punctuation
            if not WITHOUT_WORD.fullmatch(tokens[i]):
                break

    def _cut_piece(self, piece):
        """The tokens of text without white space, a tuple of str."""
        found = _cut_simple_piece(piece)
        if found is None and other_tokenizers.TOKEN.fullmatch(piece):
            found = [piece]
        elif found is None:
            pieces = unicodedata.normalize("NFC", piece).translate(CLEANED).split()
            found = [word for each in pieces for t in TOKEN.findall(each) for word in _split(t)]
        if not self._keep_punctuation:
            found = _without_punctuation(found)
        return tuple(map(self._written.__getitem__, found))

    def _write(self, token):
        """How a token is written."""
        if not (self._keep_numbers or token[0].isalpha()) and NUMBER.fullmatch(token):
            return NUMBER_TOKEN
        is_kept = self._keep_case or (token == NUMBER_TOKEN and not self._keep_numbers)
        return token if is_kept or other_tokenizers.HAS_CASE.fullmatch(token) else lower(token)


def _cut_simple_piece(piece):
    """The tokens of most pieces of English, what `TOKEN` would find but faster; None for others."""
    if not (match := SIMPLE_PIECE.fullmatch(piece)):
        return None
    opening, word, closing = match.groups()
    if "[" in opening and other_tokenizers.TOKEN.fullmatch(piece):  # [UNK]
        return None
    last = word.rpartition("-")[2].lower()
    if word.lower() == "cannot" or (
        closing == "." and (len(last) == 1 or ABBREVIATION.fullmatch(last))
    ):
        return None
    return [*opening, word, *closing]


def _split(token):
    """Splits contractions, and what is only numbers and hyphens."""
    if ("'" in token and len(token) > 1) or token.lower() == "cannot":
        if match := CONTRACTION.fullmatch(token):
            return [part for part in match.groups() if part]
    elif "-" in token and NUMBERS.fullmatch(token) and not NUMBER.fullmatch(token):
        return regex.findall(r"-|[^-]+", token)
    return [token]


def _without_punctuation(tokens):
    """Leaves out what is no word, but not the apostrophe of `guests '`; `%` becomes a number."""
    kept = [
        NUMBER_TOKEN if t == "%" else t
        for t in tokens
        if t == "%" or (KEPT.match(t) and not other_tokenizers.PUNCTUATION.fullmatch(t))
    ]
    is_apostrophe = tokens[-1:] == ["'"] and (
        len(tokens) == 1 or (tokens[-2][-1] in "sS" and KEPT.match(tokens[0]))
    )
    return [*kept, "'"] if is_apostrophe else kept
