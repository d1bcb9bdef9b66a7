"""How a corpus was made of text, so that other text can be prepared alike.

The description lies beside the corpus as `ptb.preparation.json`, and goes with what is trained on
it: into the run's directory and the exported model. A corpus without one is taken as tokenized.
"""

import dataclasses
import functools
import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator

from program.errors import UserError
from program.whole_files import write_whole
from text import detokenizer, other_tokenizers, sentences, tokenizer

FILE = "ptb.preparation.json"
RULES = 1  # the version of the rules in this package
WORD, CHARACTER, TOKEN = LEVELS = ("word", "char", "token")
SPACE, UNDERSCORE = "_", "<underscore>"  # as characters


class PreparationError(UserError):
    """A description that cannot be used; the message names the file and says what to do."""


def _choice(*values):
    return dataclasses.field(default=values[0], metadata={"values": values})


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How text becomes tokens, and tokens become text.

    Attributes:
      level: what a token is: `word`; `char`, where white space is `_` and `_` is `<underscore>`; or
        `token`, what is between white space already.
      case: `lower` or `kept`; tokens are taken as they are, whatever it says.
      numbers: of words: `N`, which each becomes, or `kept`.
      punctuation: of words: `kept` or `dropped`.
      sentences: of words, where a sentence ends: at `marks`, or with `lines`.
    """

    level: str = _choice(*LEVELS)
    case: str = _choice("lower", "kept")
    numbers: str = _choice("N", "kept")
    punctuation: str = _choice("kept", "dropped")
    sentences: str = _choice("marks", "lines")

    def to_dict(self) -> dict:
        """The description, a dict of names to values that JSON has; see `from_dict`."""
        return {"rules": RULES, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """The description, as `FILE` has it."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @property
    def ends_at_marks(self) -> bool:
        """Whether a sentence ends at its marks, and not where its line does."""
        return self.level == WORD and self.sentences == "marks"

    @functools.cached_property
    def _tokenizer(self):
        return tokenizer.Tokenizer(
            keep_case=self.case == "kept",
            keep_numbers=self.numbers == "kept",
            keep_punctuation=self.punctuation == "kept",
        )

    def tokens(self, text: str, ends: bool = True) -> list[str]:
        """The tokens of a line or sentence, without white space in them.

        Args:
          text: a line end within it is white space, and the one at its end is left out.
          ends: the sentence does not go on after this text.
        """
        if self.level == WORD:
            return self._tokenizer(text, ends)
        if self.level == TOKEN:
            return text.split()
        text = unicodedata.normalize("NFC", text.removesuffix("\n"))
        return [
            SPACE if character.isspace() else UNDERSCORE if character == "_" else character
            for character in (text if self.case == "kept" else tokenizer.lower(text))
        ]

    def sentences_of(self, blocks: Iterable[str]) -> Iterator[tuple[list[str], bool]]:
        """Cuts a text into sentences of tokens.

        Args:
          blocks: the parts of the text.

        Yields:
          `(tokens, ends)`: the tokens, and whether the sentence ends with them; only a very long
          one comes in several pieces.
        """
        if self.ends_at_marks:
            for text, ends in sentences.split_sentences(blocks):
                yield self.tokens(text, ends), ends
            return
        is_within_line = False
        for line in sentences.split_lines(sentences.with_last_line_end(blocks)):
            ends = line.endswith("\n")
            if self.level != WORD or is_within_line or line.strip():
                yield self.tokens(line, ends), ends
            is_within_line = not ends

    def tokens_of_line(self, line: str, between: Iterable[str] = ()) -> list[str]:
        """The tokens of a line, with those of `between` between its sentences."""
        tokens: list[str] = []
        for sentence, _ in self.sentences_of([line]):
            tokens += [*between, *sentence] if tokens else sentence
        return tokens

    def makes_known(self, word: str, vocabulary: Container[str]) -> bool:
        """Whether a word that is not in a vocabulary would be in it, prepared."""
        return word not in vocabulary and all(token in vocabulary for token in self.tokens(word))

    def joiner(self, vocabulary: Iterable[str] = ()) -> Callable[[str], str]:
        """A function that joins tokens into text, called with each; see `detokenizer.WordJoiner`.

        Args:
          vocabulary: tells whether tokens are parts of words.
        """
        if self.level == CHARACTER:
            return detokenizer.CharacterJoiner()
        counts = dict.fromkeys(vocabulary, 1)
        subwords = other_tokenizers.subwords_of(counts) if self.level == TOKEN else None
        return detokenizer.SubwordJoiner(subwords) if subwords else detokenizer.WordJoiner()

    def join(self, tokens: Iterable[str], vocabulary: Iterable[str] = ()) -> str:
        """Tokens joined into text; `<eos>` is a line end. Arguments as in `joiner`."""
        return "".join(map(self.joiner(vocabulary), tokens))


TOKENIZED = Preparation(level=TOKEN, case="kept", numbers="kept", sentences="lines")
# Mikolov's version of the Penn Treebank, and the SHA-256 sum of its words, sorted, one a line.
PENN_TREEBANK = Preparation(punctuation="dropped")
PENN_TREEBANK_WORDS = "04aa69c536e5818de8e2d13893a6d496ca8df40b213ae07a0499342f2f5efbc2"


def of_words(vocabulary: Iterable[str]) -> Preparation | None:
    """The `Preparation` of a corpus that is known by its words: the Penn Treebank; or None."""
    words_sum = hashlib.sha256("\n".join(sorted(vocabulary)).encode()).hexdigest()
    return PENN_TREEBANK if words_sum == PENN_TREEBANK_WORDS else None


def write(preparation: Preparation, directory: str | os.PathLike) -> str:
    """Writes the description beside a corpus or a model; returns its path.

    Raises:
      OSError: it cannot be written.
    """
    path = os.path.join(directory, FILE)
    write_whole(path, preparation.to_json())
    return path


def read(directory: str | os.PathLike) -> Preparation | None:
    """The `Preparation` of a corpus or a model; None if nothing is said of it.

    Raises:
      PreparationError: the description cannot be read, or is of rules unknown here.
    """
    path = os.path.join(directory, FILE)
    try:
        with open(path, encoding="utf-8") as file:
            description = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise PreparationError(f"{path}: is no description of a preparation ({error})") from None
    return from_dict(description, path)


def from_dict(description, path):
    """The `Preparation` of which `to_dict` made a description.

    Raises:
      PreparationError: it is something else; the message names `path`, where it was found.
    """
    try:
        description = dict(description)
    except (ValueError, TypeError) as error:
        raise PreparationError(f"{path}: is no description of a preparation ({error})") from None
    if description.pop("rules", None) != RULES:
        raise PreparationError(f"{path}: was made by other rules than version {RULES}, known here")
    for field in dataclasses.fields(Preparation):
        if description.get(field.name, field.default) not in field.metadata["values"]:
            raise PreparationError(f"{path}: {field.name} cannot be {description[field.name]!r}")
    try:
        return Preparation(**description)
    except TypeError as error:
        raise PreparationError(f"{path}: is no description of a preparation ({error})") from None
