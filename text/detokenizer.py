"""Tokens joined back into text that is pleasant to read: `he doesn't like it, she said.`."""

import regex

from text import other_tokenizers
from text.tokenizer import END_OF_SENTENCE

# Each opening quotation mark, and what may close it in some language.
CLOSING = {
    '"': '"', "'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’'", "‚": "‘’'",
    "«": "»", "»": "«", "‹": "›", "›": "‹",
}  # fmt: skip
QUOTES = frozenset("".join(CLOSING) + "".join(CLOSING.values()))
CONTRACTION = regex.compile(r"(?i)n't|'(?:s|re|ve|ll|d|m)")
# What stands close to the word before it, and what close to the word after it.
AFTER_WORD = regex.compile(r"[\p{Terminal_Punctuation}\p{Pe}…%‰\p{M}]+|\.\.+")
BEFORE_WORD = regex.compile(r"\p{L}{0,2}\p{Sc}|[\p{Ps}#¿¡]|\p{L}{1,2}'")
BETWEEN_WORDS = frozenset(("/", "@-@", "@,@", "@.@"))
END_OF_STATEMENT = frozenset(".!?…,")
# Scripts without spaces between words.
WITHOUT_SPACES = regex.compile(r"[\p{Han}\p{Hiragana}\p{WB=Katakana}\u3000-\u303f\uff00-\uff60]")


class WordJoiner:
    """Joins words token by token, so that a text can be printed while it is made."""

    def __init__(self):
        """Begins a text."""
        self._begin_line()

    def _begin_line(self):
        self._previous, self._is_close, self._open_quotes = "", True, []

    def __call__(self, token: str) -> str:
        """What a token adds to the text; `<eos>` is a line end."""
        if token == END_OF_SENTENCE:
            self._begin_line()
            return "\n"
        token = other_tokenizers.as_written(token)
        closes = self._closes(token)
        space = "" if self._is_close or closes or self._follows_closely(token) else " "
        self._is_close = (
            BEFORE_WORD.fullmatch(token) is not None
            or token in BETWEEN_WORDS
            or (token in QUOTES and not closes)
        )
        self._previous = token
        if token in BETWEEN_WORDS:
            token = token.strip("@") or token
        return space + token

    def go_on(self, text: str) -> str:
        """Adds more of the last word, and returns it."""
        self._previous += text
        return text

    def _closes(self, token):
        """Whether a quotation mark, or an apostrophe, belongs to what was before it."""
        if token not in QUOTES:
            return False
        for i in reversed(range(len(self._open_quotes))):
            if token in CLOSING[self._open_quotes[i]]:
                del self._open_quotes[i:]
                return True
        previous = self._previous
        if token == "'" and previous[-1:] in ("s", "S"):  # the guests' honor
            return True
        if previous in END_OF_STATEMENT and token in "\"'”’»" and (token != '"' or previous != ","):
            return True  # it was opened in a sentence before
        self._open_quotes += [token] if token in CLOSING else []
        return False

    def _follows_closely(self, token):
        if token in BETWEEN_WORDS or AFTER_WORD.fullmatch(token) or CONTRACTION.fullmatch(token):
            return True
        ends = self._previous[-1:], token[:1]
        return any(WITHOUT_SPACES.match(character) for character in ends)


class SubwordJoiner:
    """Joins parts of words token by token; see `WordJoiner`, which joins the words."""

    def __init__(self, subwords: other_tokenizers.Subwords):
        """Begins a text."""
        self._subwords, self._joiner = subwords, WordJoiner()
        self._begins_line = self._word_ended = True

    def __call__(self, token: str) -> str:
        """What a token adds to the text; `<eos>` is a line end."""
        if token == END_OF_SENTENCE:
            self._begins_line = self._word_ended = True
            return self._joiner(token)
        begins, text, ends = self._subwords.cut(token)
        begins = self._begins_line or (begins and self._word_ended)
        self._begins_line, self._word_ended = False, ends
        return self._joiner(text) if begins else self._joiner.go_on(text)


class SpaceJoiner:
    """Joins words token by token with spaces; see `WordJoiner`."""

    def __init__(self):
        """Begins a text."""
        self._space = ""

    def __call__(self, token: str) -> str:
        """What a token adds to the text; `<eos>` is a line end."""
        is_end = token == END_OF_SENTENCE
        added = "\n" if is_end else self._space + token
        self._space = "" if is_end else " "
        return added


class CharacterJoiner:
    """Joins characters token by token; see `WordJoiner`."""

    SPELLING = {"_": " ", "<underscore>": "_", END_OF_SENTENCE: "\n"}

    def __call__(self, token: str) -> str:
        """What a token adds to the text."""
        return self.SPELLING.get(token, token)
