"""N-best lists, as speech recognition and translation write them: one hypothesis a line.

lines    the words alone; an empty line ends each list
kaldi    `utt-1 words`: the lines of one id are a list
kaldi_n  `utt-1-2 words`: likewise, after the last `-` and number are taken off the id
moses    `0 ||| words ||| features ||| total`: likewise, of the same number
fairseq  `H-0`, score and words, with tabs between them: likewise; its lines `S-`, `T-`, `D-`, `P-`
         and so on are passed over
jsonl    `{"id": "utt-1", "text": "words", "score": -1.5}`: likewise

`nbest_format.py` tells one from the other.
"""

import json
import math
import re
from collections.abc import Container
from typing import Any, NamedTuple

from program.errors import UserError
from text.other_tokenizers import UNKNOWNS, as_written
from text.words_of_lines import ENDS

LINES, KALDI, KALDI_N, MOSES, FAIRSEQ, JSONL = FORMATS = (
    "lines", "kaldi", "kaldi_n", "moses", "fairseq", "jsonl",
)  # fmt: skip
SEPARATOR = "|||"  # Moses's
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
LABEL = re.compile(r"[^\s=:]+[=:]")  # of Moses's features
FAIRSEQ_LINE = re.compile(r"([A-Z])-(\d+)(?:_\d+)?\t(.*)")
# What else fairseq writes to its output.
FAIRSEQ_LOG = re.compile(r"\d{4}-\d\d-\d\d .*\||\| |Generate |Translated |NOTE:")
# Keys of JSON whose value is a sentence, too: a reference, or another hypothesis.
OTHER_TEXTS = (
    "hyp", "hypothesis", "hyps", "words", "pred_text", "prediction", "ref", "reference",
    "translation", "rec_text", "transcript", "translations", "nbest", "hypotheses", "texts",
    "alternatives", "candidates", "predictions", "outputs", "sentences", "nbest_text", "pred",
    "preds", "hypo", "hypos", "transcription", "transcriptions", "asr_text", "hyp_text", "ref_text",
    "references", "generated_text", "recognized", "ground_truth", "lexical", "beams",
)  # fmt: skip
# Keys whose value may be one, if it is several words.
MAYBE_TEXTS = (
    "output", "target", "targets", "label", "labels", "gold", "generated", "decoded", "display",
)  # fmt: skip
MIN_SENTENCE, COMMON_SHARE = 3, 0.5  # words; of them, that two versions of a sentence have
# What Moses writes between words: which words of the source a phrase translates, and more.
SEGMENTATION_MARK = re.compile(r"(?<!\S)\|\d+(?:-\d+)?(?:\s*,[^|]*)?\|(?!\S)")
# Where a path of a lattice has no word: Kaldi's, HTK's and Sphinx's.
FILLER = re.compile(r"<eps>|<sil>|!NULL|(?i:!?sent[-_](?:start|end))|\+\+[\w-]+\+\+")
PRONUNCIATION = re.compile(r"(\S+)\(\d\)")  # the second one of a word, Sphinx's `the(2)`
TAGS = re.compile(r"(?:<\|[^|<>\s]{1,30}\|>)+")  # Whisper's and SenseVoice's, such as <|en|>
MAYBE_ANNOTATED = re.compile(r"[|!+]|<(?:eps|sil)>|\(\d\)|(?i:sent[-_])")
UNTRANSLATED = re.compile(r"(?:\|UNK)+$")


class NbestError(UserError):
    """A line that is no hypothesis in its format; the message does not say which line."""


class Hypothesis(NamedTuple):
    """A hypothesis.

    Attributes:
      line: str, as it came, without its line end.
      key: str, the same for all of a list; empty where empty lines tell the lists apart.
      id: str, what the line begins with: its own name (`kaldi_n`) or its list's; empty if it has
        none.
      words: str, its words.
      score: str, what the line has as its acoustic or translation score; None if it has none.
    """

    line: str
    key: str
    id: str
    words: str
    score: str | None = None


def read_number(text: str) -> float:
    """A score, as `float` reads it; ValueError if it is no number, infinite or NaN."""
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError(f"{text} is no finite number")
    return value


def parse(line: str, form: str) -> Hypothesis | None:
    """Takes a line apart.

    Args:
      line: without its line end.
      form: one of `FORMATS`.

    Returns:
      A `Hypothesis`; None for an empty line, which ends a list where lists have no ids, and for a
      line to pass over.

    Raises:
      NbestError: the line is no hypothesis.
    """
    if not line.strip():
        return None
    return _PARSERS[form](line)


def _parse_line(line):
    return Hypothesis(line, "", "", line)


def _parse_kaldi(line):
    key, *words = line.split(maxsplit=1)
    return Hypothesis(line, key, key, words[0] if words else "")


def _parse_kaldi_n(line):
    hypothesis = _parse_kaldi(line)
    stem, _, number = hypothesis.id.rpartition("-")
    if not (stem and number.isdecimal()):
        raise NbestError(f"{hypothesis.id} does not end with - and the hypothesis's number")
    return hypothesis._replace(key=stem)


def _parse_moses(line):
    key, *fields = (field.strip() for field in line.split(SEPARATOR))
    if not fields:
        raise NbestError(f"has no {SEPARATOR} after its number")
    if not (key.isascii() and key.isdecimal()):
        raise NbestError(f"begins with {key or 'nothing'}, where Moses's lists have a number")
    words, *rest = fields
    if rest and NUMBER.fullmatch(words) and _are_words(rest[0]):
        raise NbestError(
            f"has only the number {words:.40} where its words should be, and words after it; "
            "Moses's lists have the words after the list's number, and the score comes last"
        )
    return Hypothesis(line, key, key, words, _moses_total(rest))


def _are_words(field):
    """Whether a field of Moses is neither features nor a score nor an alignment."""
    return not LABEL.match(field) and any(map(str.isalpha, field.split()))


def _moses_total(fields):
    """The total: the field after the features, or the only field, unless that is features."""
    if not fields:
        return None
    # What is before the features, if anything, is an alignment; Marian's may be two fields.
    is_labelled = [bool(LABEL.match(field)) for field in fields]
    place = min(len(fields), 2) - 1
    if any(is_labelled):
        place = is_labelled.index(True)
        while place < len(fields) and is_labelled[place]:
            place += 1
    return fields[place] if place < len(fields) else None


def _parse_fairseq(line):
    match = FAIRSEQ_LINE.fullmatch(line)
    if not match:
        if FAIRSEQ_LOG.match(line):
            return None
        raise NbestError("does not begin as fairseq's lines do, such as H-0 and a tab")
    letter, key, rest = match.groups()
    if letter != "H":
        return None
    score, tab, words = rest.partition("\t")
    if not tab:
        raise NbestError(f"has no tab between the score and the words of H-{key}")
    return Hypothesis(line, key, key, words, score)


def _parse_json(line):
    try:
        content: Any = json.loads(line.strip().removesuffix(","))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise NbestError("is no JSON object")
    key, words, score = (content.get(name) for name in ("id", "text", "score"))
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        if any(len(word.split()) > 1 for word in words):
            raise NbestError('has several hypotheses as "text"; write an object for each')
        words = " ".join(words)
    if not isinstance(words, str) or not _is_name(key):
        raise NbestError('has not the keys "id" and "text", and "score" if there is one')
    if others := [name for name in content if _is_other_text(name, content[name], words)]:
        raise NbestError(f'has "text" and "{others[0]}"; leave only the hypothesis, as "text"')
    if "\n" in words:
        raise NbestError('has a line end in its "text"')
    if score is not None:
        score = score if isinstance(score, str) else json.dumps(score)
    return Hypothesis(line, str(key), str(key), words, score)


def _is_other_text(name, value, text):
    """Whether the value of a key is another version of the text; no number or empty one is."""
    if name in ("id", "text", "score") or isinstance(value, (bool, int, float)) or not value:
        return False
    words, others = set(text.lower().split()), set(str(value).lower().split())
    common = len(words & others)
    if name.lower() in OTHER_TEXTS:
        return True
    if name.lower() in MAYBE_TEXTS:
        return not isinstance(value, str) or len(others) > 1 or common > 0
    is_sentence = isinstance(value, str) and len(others) >= MIN_SENTENCE
    return is_sentence and common >= max(2, COMMON_SHARE * len(others))


def _is_name(value):
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


_PARSERS = {
    LINES: _parse_line,
    KALDI: _parse_kaldi,
    KALDI_N: _parse_kaldi_n,
    MOSES: _parse_moses,
    FAIRSEQ: _parse_fairseq,
    JSONL: _parse_json,
}


def without_annotations(text: str, vocabulary: Container[str]) -> tuple[str, list[str]]:
    """Leaves out what decoders write into and between words.

    Args:
      text: the words of a hypothesis.
      vocabulary: words that are left as they are.

    Returns:
      `(text, removed)`: the words alone, and an example of each kind that was removed: of a
      segmentation mark of Moses, `|0-1|`; of what is no word, such as Kaldi's `<eps>`; of tags
      such as `<|en|>`; of a word with its pronunciation, `the(2)`; of a word with factors,
      `owl|NN`, of which the first is kept.
    """
    if not MAYBE_ANNOTATED.search(text):
        return text, []
    removed = SEGMENTATION_MARK.findall(text)[:1]
    words = SEGMENTATION_MARK.sub(" ", text).split()
    words, tags = _without_tags(words, vocabulary)
    fillers = [word for word in words if FILLER.fullmatch(word) and word not in vocabulary]
    kept = [word for word in words if word not in fillers]
    removed += tags[:1] + fillers[:1]
    bare = [word if word in vocabulary else _bare(word, vocabulary) for word in kept]
    factors = [word.split("|") for word in bare]
    # A word that was not translated has no factors of its own.
    counts = {len(each) for each, word in zip(factors, kept) if not UNTRANSLATED.search(word)}
    if len(counts) == 1 and counts != {1} and all(map(all, factors)):
        bare = [each[0] if word not in vocabulary else word for word, each in zip(kept, factors)]
    removed += [old for old, new in zip(kept, bare) if old != new][:1]
    return (" ".join(bare) if removed else text), removed


def _without_tags(words, vocabulary):
    """Words without tags in or at them, and the tags; marks of a sentence's end stay."""
    kept: list[str] = []
    tags: list[str] = []
    for word in words:
        is_word = word in vocabulary or word in ENDS or word in UNKNOWNS
        found = [] if is_word else TAGS.findall(word)
        kept += TAGS.sub(" ", word).split() if found else [word]
        tags += found
    return kept, tags


def _bare(word, vocabulary):
    """A word without the mark that it was not translated, or its pronunciation's number."""
    match = PRONUNCIATION.fullmatch(word)
    return match[1] if match and match[1] in vocabulary else UNTRANSLATED.sub("", word)


def without_escapes(text: str, vocabulary: Container[str]) -> tuple[str, list[str]]:
    """Undoes Moses's escapes in words, such as `&apos;s`.

    Args:
      text: the words of a hypothesis.
      vocabulary: words that are left as they are.

    Returns:
      `(text, escaped)`: the words as they are without escapes, and those that had some.
    """
    if "&" not in text:
        return text, []
    words = text.split()
    bare = [as_written(word) if "&" in word and word not in vocabulary else word for word in words]
    escaped = [old for old, new in zip(words, bare) if old != new]
    return (" ".join(bare) if escaped else text), escaped
