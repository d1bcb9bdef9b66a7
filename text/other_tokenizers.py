"""How other programs write tokens, which tells that they have cut a text already."""

from collections.abc import Mapping
from typing import NamedTuple

import regex

# What stands for a word that is unknown or not there, in brackets of some kind.
NAMES = (
    "unk|unknown|oov|rare|pad|mask|bos|eos|sos|eod|cls|sep|num|number|blank|blk|space|sil|noise|"
    r"spoken_noise|laughter|spn|nsn|url|user|hashtag|endoftext|im_start|im_end|extra_id_\d+"
)
SPECIAL = (
    rf"(?i:</?s>|<(?:{NAMES})>|<\|(?:{NAMES})\|>)|<0x[\dA-F]{{2}}>|\[unused\d+\]|\[unk\]|⁇"
    r"|\[(?:UNK|OOV|PAD|MASK|BOS|EOS|CLS|SEP|SIL|NOISE|LAUGHTER|BLANK|VOCALIZED-NOISE)\]"
)
TREEBANK_BRACKET = r"(?i:-[LR][RSC]B-)"  # -LRB- is (
MOSES_ESCAPE = r"&(?:apos|quot|amp|lt|gt|bar|\#124|\#91|\#93);"
TOKEN = regex.compile(
    rf"""
    {SPECIAL} | {TREEBANK_BRACKET} | `` | ''
  | \p{{L}}*{MOSES_ESCAPE}\p{{L}}* | @[-,./:']@
  | \S+@@ | ▁\S* | ￭\S* | \S+￭ | \S+</w>            # parts of words, see SUBWORDS
    """,
    regex.VERBOSE,
)
CONTRACTION = regex.compile(r"n't|'(?:s|re|ve|ll|m|t)")
HAS_CASE = regex.compile(rf"{SPECIAL}|{TREEBANK_BRACKET}")
PUNCTUATION = regex.compile(rf"{TREEBANK_BRACKET}|&(?:apos|quot|lt|gt|bar|\#124|\#91|\#93);")


class Subwords(NamedTuple):
    """How a program writes that a token is a part of a word.

    Attributes:
      program: str, who does.
      token: matches a token that shows it.
      share: of a text's tokens that must show it; fewer may be chance.
      begins, ends: str, what a token that begins or ends a word has there, and others have not.
      follows, goes_on: str, what a token has at its beginning or end if it belongs to the token
        before it or after it.
    """

    program: str
    token: regex.Pattern
    share: float
    begins: str = ""
    ends: str = ""
    follows: str = ""
    goes_on: str = ""

    def cut(self, token: str) -> tuple[bool, str, bool]:
        """Whether a token begins a word, its text, and whether the word ends with it."""
        begins, ends = not self.begins, not self.ends
        for mark, value in ((self.begins, True), (self.follows, False)):
            if mark and token.startswith(mark):
                token, begins = token[len(mark) :], value
        for mark, value in ((self.ends, True), (self.goes_on, False)):
            if mark and token.endswith(mark):
                token, ends = token[: -len(mark)], value
        return begins, token, ends


SUBWORDS = (
    Subwords("subword-nmt", regex.compile(r"\S+@@"), 0.01, goes_on="@@"),  # ow@@ l
    Subwords("SentencePiece", regex.compile(r"▁\S*"), 0.1, begins="▁"),  # ▁ow l
    Subwords("WordPiece", regex.compile(r"##[^\s#]\S*"), 0.02, follows="##"),  # ow ##l
    Subwords("OpenNMT", regex.compile(r"￭\S*|\S+￭"), 0.01, follows="￭", goes_on="￭"),  # ow ￭l
    Subwords("BPE", regex.compile(r"\S+</w>"), 0.1, ends="</w>"),  # ow l</w>
    Subwords("GPT-2", regex.compile(r"Ġ\S*"), 0.1, begins="Ġ"),  # Ġow l
)

# What people write for tokens of the Penn Treebank and of Moses.
WRITTEN = {
    "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}",
    "``": "“", "''": "”",
}  # fmt: skip
UNESCAPED = {
    "&apos;": "'", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&#91;": "[", "&#93;": "]",
    "&#124;": "|", "&bar;": "|", "&amp;": "&",
}  # fmt: skip

# What other programs call a word that is not in the vocabulary.
UNKNOWNS = frozenset(
    written
    for name in (
        "<unk>", "<Unk>", "<unknown>", "<oov>", "<rare>", "<|unk|>", "[unk]", "[oov]", "unk",
        "_unk_", "__unk__", "*unk*", "*unknown*", "unknowntoken", "⁇", "⟨unk⟩",
    )
    for written in (name, name.lower(), name.upper())
    if written != "<unk>"
)  # fmt: skip


def subwords_of(counts: Mapping[str, int]) -> Subwords | None:
    """The `Subwords` of which tokens are; None if they are words.

    Args:
      counts: how often a text has each token.
    """
    total = sum(counts.values())
    for convention in SUBWORDS:
        num_parts = sum(n for token, n in counts.items() if convention.token.fullmatch(token))
        if num_parts and num_parts >= convention.share * total:
            return convention
    return None


def about_pieces(unknown: Mapping[str, int]) -> str:
    """What to say of words that a model does not know, if they are pieces of words; or nothing.

    Args:
      unknown: how often a text has each.
    """
    pieces = subwords_of(unknown)
    if pieces is None:
        return ""
    example = next(filter(pieces.token.fullmatch, unknown))
    return (
        f"pieces of words, such as {example} ({pieces.program}), which the model does not know; "
        "make words of them first"
    )


def as_written(token: str) -> str:
    """A token as people write it: `(` for `-LRB-`, `'s` for `&apos;s`."""
    token = WRITTEN.get(token.upper(), token)
    if "&" in token:
        for escape, character in UNESCAPED.items():
            token = token.replace(escape, character)
    return token


def is_token(piece: str) -> bool:
    """Whether text between white space is a token that people do not write."""
    return bool(TOKEN.fullmatch(piece) or CONTRACTION.fullmatch(piece))


def about_unknowns(counts: Mapping[str, int]) -> str:
    """What to say of another program's unknown words; empty if a text has none.

    Args:
      counts: how often the text has each word.
    """
    found = [f"{name} ({counts[name]})" for name in sorted(UNKNOWNS.intersection(counts))]
    if not found:
        return ""
    return f"has {', '.join(found)}: an ordinary word here, where an unknown word is <unk>"
