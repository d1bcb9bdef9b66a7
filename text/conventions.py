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
    rf"(?i:</?s>|<(?:{NAMES})>|<\|(?:{NAMES})\|>)|\[unused\d+\]|\[unk\]|⁇"
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
    """

    program: str
    token: regex.Pattern
    share: float


SUBWORDS = (
    Subwords("subword-nmt", regex.compile(r"\S+@@"), 0.01),  # ow@@ l
    Subwords("SentencePiece", regex.compile(r"▁\S*"), 0.1),  # ▁ow l
    Subwords("WordPiece", regex.compile(r"##\S+"), 0.02),  # ow ##l
    Subwords("OpenNMT", regex.compile(r"￭\S*|\S+￭"), 0.01),  # ow ￭l
    Subwords("BPE", regex.compile(r"\S+</w>"), 0.1),  # ow l</w>
    Subwords("GPT-2", regex.compile(r"Ġ\S*"), 0.3),  # Ġow l
)

# What other programs call a word that is not in the vocabulary.
UNKNOWNS = frozenset(
    ("<UNK>", "<Unk>", "<unknown>", "<UNKNOWN>", "<oov>", "<OOV>", "<rare>", "<|unk|>", "[UNK]",
     "[unk]", "[OOV]", "UNK", "_UNK_", "__unk__", "*UNK*", "UNKNOWNTOKEN", "⁇", "⟨unk⟩")
)  # fmt: skip


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
