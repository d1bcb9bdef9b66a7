"""Where a sentence may end, and whether it does: a period ends more than sentences.

The rules know no language, except that some languages mark ordinal numbers by a period. Which one a
text is in is told by its frequent words. What the rules know of words is in `sentence_ends.txt`.
"""

import collections
import functools
import os
import types

import regex

# How far the text after a sentence's end is looked at, and the text before it.
MAX_LOOKAHEAD = 64
MAX_LOOKBEHIND = 128
WORDS = "sentence_ends.txt"

IDEOGRAPH = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
# Quotation marks, brackets, and the dash that begins a line of dialogue.
OPENING = r"""(?:["'\p{Ps}\p{Pi}\p{Pf}¿¡—–]\s{0,4}|-\s{1,4}){0,8}+"""
# What refers to a note, and belongs to the sentence before, as in `It sleeps.[2][3] It flew`. Where
# no space follows, only what cannot be the next sentence.
NUMBERED = r"\[[^\[\]\n]{0,12}\p{Nd}\]|\[[\p{L}*†‡]\]|[⁰¹²³⁴-⁹†‡]{1,3}"
REFERENCE = rf"(?:{NUMBERED}|\[[^\[\]\n]{{1,24}}\]|\(\p{{Nd}}{{1,3}}\))(?::[\d–-]{{1,9}})?"
REFERENCES = rf"(?:{REFERENCE}){{1,6}}+"
MAX_REFERENCES = 6 * 36  # characters
CLOSING = r"""["'\p{Pe}\p{Pf}\p{Pi}]*+"""
SPACE = r"""\s++(?:[»”"]\s++)?"""
# All repetitions are bounded but those of white space and of what closes, of which a text has no
# two that overlap: so the time is linear in the text's length.
BOUNDARY = regex.compile(
    rf"""
    # Marks that need no space after them, such as the danda and those of Chinese and Japanese.
    (?: [\p{{STerm}}--[.!?．]] | (?<={IDEOGRAPH})[.!?](?=\s*+{IDEOGRAPH}) )
    [\p{{STerm}}…]{{0,7}}+ ["'\p{{Pe}}\p{{Pf}}]*+
    (?: (?:{NUMBERED}){{1,6}}+ ["'\p{{Pe}}\p{{Pf}}]*+ )?+ \s*+
    (?! [\p{{Ll}}\p{{Pe}}\p{{Pf}},،、，;؛:…] | (?<=[」』])[とっ] )  # in Japanese, it was said
  | # Other marks, if white space and a capital follow, or a letter of a script without case, or a
    # number, which may be in quotation marks but not in brackets. Georgian prose has no capitals.
    (?P<mark> [.!?…\N{{GREEK QUESTION MARK}}] | (?<=\p{{Greek}}\p{{M}}{{0,4}}); ) [.!?…]{{0,7}}+
    {CLOSING} (?: {SPACE} | (?P<references>{REFERENCES}) {CLOSING} {SPACE} )
    (?= {OPENING}[\p{{Lu}}\p{{Lt}}\p{{Lo}}\p{{Georgian}}] | ["'\p{{Pi}}]?\p{{Sc}}?\p{{Nd}} )
  | \n [^\S\n]*+ \n \s*+
    """,
    regex.VERBOSE | regex.V1,
)
# What has no bound in it, after references and before them; and its marks, which are eight at most.
BEFORE_MORE = regex.compile(
    rf"(?rs){CLOSING}.{{0,{MAX_REFERENCES}}}+[\s\"'\p{{Pe}}\p{{Pf}}\p{{Pi}}]*+"
)
MAX_MARKS = 8
LAST_WORD = regex.compile(r"(?r)(?<![\p{L}\p{M}\p{N}_.])[\p{L}\p{M}\p{N}.]+")
WORD_BEFORE = regex.compile(r"(?r)(?<![\p{L}\p{M}])([\p{L}\p{M}]+)(\.?)\s+")
NEXT_WORD = regex.compile(rf"{OPENING}\p{{Sc}}?([\p{{L}}\p{{M}}]+|\p{{Nd}}+)([.:'’]?)")
SPEECH = regex.compile(r"(?:\p{Lu}[\p{L}.'’-]*\s){1,3}(\p{Ll}+)")
LONGER_WORD = regex.compile(r"[\p{L}\p{M}]{2,}")
# An abbreviation of several parts, such as `z. B.` or `U.S.`, without its last period.
CHAIN = regex.compile(
    r"(?r)(?<![\p{L}\p{M}\p{N}_'’.-])(?:\p{L}{1,3}\.[^\S\n]?){1,5}\p{L}{1,4}(?!\p{L})"
)
LETTERS_WITH_PERIODS = regex.compile(r"(?:\p{L}\.)+\p{L}")
ROMAN = regex.compile(r"(?=[IVXLC])(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})|C[CXLVI]*")
# What has no vowel is no word, such as `Nr` and `Bd`; nor is `5m`.
WITHOUT_VOWEL = regex.compile(
    r"(?=[^AEIOUYaeiouyАЕЁИОУЫЭЮЯаеёиоуыэюя])"
    r"\p{L}[bcdfghjklmnpqrstvwxzçčďňřšşťžбвгджзклмнпрстфхцчшщ]{1,3}|\d{1,3}\p{L}"
)
DATE = regex.compile(r"\d{1,2}\.")
END_OF_DATE = regex.compile(r"(?r)(?<!\d)\d{1,2}\.\s?")
YEAR_OR_CENTURY = regex.compile(r"(?r)[\dIVX]+\s?")
UNIT = regex.compile(r"(?r)(?:\d\s?[fghlmstгмлчс]|\p{Ll}/\p{Ll}|(?:кв|куб|тыс|млн)\.?\s[мтл])")
# What is no initial: the end of a contraction, a degree, a pronoun.
NO_INITIAL = regex.compile(
    r"(?r)(?:['’°]\p{L}|\b(?:am|and|as|can|could|did|do|does|had|have|nor|or|said|should|so|than|was"
    r"|will|would)\s+I)"
)
# Such as `Tte. Ruiz` or `Max. 50`, in the scripts of which `WORDS` knows short sentences.
TITLE = regex.compile(r"\p{Lu}(?=\p{Ll})[\p{Latin}\p{Cyrillic}]{1,3}")
# German compounds, such as `Hauptstr. 5`.
BEFORE_NUMBER = ("str", "nr", "gr")
# A sentence is longer than this: such as `В 1999` or `1`.
MAX_OPENING = 12
ELISIONS = frozenset(["c", "j", "jusqu", "l", "m", "n", "qu", "s", "t"])
# What comes before an ordinal number of digits, where a cardinal number may end a sentence.
BEFORE_ORDINAL = {
    language: frozenset(words.split())
    for language, words in {
        "cs": "a dne do k ke na o od po pro při před s se u v ve z za ze",
        "de": "ab als am an beim bis das dem den der des die diese diesem diesen dieser ein eine "
        "einem einen einer eines im in ins ihr ihre ihrem ihren ihrer jede jedem jeden jeder mein "
        "meine meinem meinen meiner mit nach oder pro sein seine seinem seinen seiner seit und "
        "unser unsere unserem unseren unserer vom von zu zum zur",
        "pl": "a do dnia na o od po przed przy w we z za ze",
    }.items()
}
# Letters that tell a language by themselves, also of a text with none of its frequent words.
LETTERS = {
    **dict.fromkeys("ğıİş", "tr"),
    **dict.fromkeys("ěřů", "cs"),
    **dict.fromkeys("ąłęśź", "pl"),
    "ß": "de",
}
WITH_ORDINALS = frozenset(["cs", "de", "pl", "tr"])


@functools.cache
def _known():
    """What `WORDS` has, as a namespace of sets and dicts.

    Its `kinds` are of abbreviations: `before`, `before number`, `after`, or `other`.
    """
    sections: dict[str, list[str]] = collections.defaultdict(list)
    path = os.path.join(os.path.dirname(__file__), WORDS)
    with open(path, encoding="utf-8") as file:
        name = ""
        for line in file:
            if line.startswith("["):
                name = line.strip()[1:-1]
            elif not line.startswith("#"):
                sections[name] += line.split()
    kinds: dict[str, str] = {}
    # Strings, not containers: no garbage collection begins here, in which a signal could be lost.
    languages: dict[str, str] = collections.defaultdict(str)
    for name, section in sections.items():
        if name.startswith("words "):
            for word in section:
                languages[word] += name.removeprefix("words") + " "
        elif name.startswith("abbreviations "):
            kinds |= dict.fromkeys(section, "other")
    for name in ("after", "before number", "before"):
        kinds |= dict.fromkeys(sections[name], name)
    return types.SimpleNamespace(
        kinds=kinds,
        languages=dict(languages),
        months=frozenset(sections["months"]),
        continued=frozenset(sections["after continued"]),
        speech=frozenset(sections["speech"]),
    )


def first_undecided(text: str, end: int) -> int:
    """Where the first `BOUNDARY` may begin that needs more text than there is before `end`."""
    return max(0, BEFORE_MORE.match(text, 0, max(0, end)).start() - MAX_MARKS)


def is_within_sentence(text: str, start: int, boundary: regex.Match) -> bool:
    """Whether the sentence goes on after what looks like its end.

    Args:
      text: it is looked at up to `MAX_LOOKAHEAD` characters after the boundary, and
        `MAX_LOOKBEHIND` characters before it.
      start: where the sentence begins in the text; -1 if that is further back.
      boundary: a match of `BOUNDARY`.
    """
    mark, end = boundary.start("mark"), boundary.end()
    if mark < 0:
        return False
    marks = text[mark:end].rstrip()
    if marks != "." and boundary["references"]:
        marks = marks.replace(boundary["references"], "", 1)
    first = max(0, mark - MAX_LOOKBEHIND)
    if marks != ".":
        return _goes_on_after_speech(text, first, mark, end, marks)
    word = LAST_WORD.match(text, first, mark)
    if not word:
        return False
    word = word[0]
    if len(word) > 4 and word.isalpha() and word.islower() and word not in _known().kinds:
        return False  # so end most sentences
    if word[-1].isdigit():
        return word.isdigit() and _is_ordinal(text, start, boundary, word)
    if len(word) == 1 and word.isupper() and _is_at_beginning(text, start, mark - 1):
        return True
    kind = _kind_of(text, first, mark, word)
    if kind is None:
        if len(word) > 1 and word.isupper() and ROMAN.fullmatch(word):
            return _is_ordinal(text, start, boundary, word)
        if _is_at_beginning(text, start, mark - len(word)) and _is_unknown_title(text, end, word):
            return True
        return WITHOUT_VOWEL.fullmatch(word) is not None and _is_number(text, end)
    if kind == "year":
        found = NEXT_WORD.match(text, end, end + MAX_LOOKAHEAD)
        is_new = found is not None and _is_starter(found)
        return 0 <= start >= mark - MAX_OPENING and not is_new
    return kind != "no" and _belongs_to_next(text, end, word, kind)


def _is_unknown_title(text, end, word):
    """Whether a short word, which begins a sentence, goes with the name or number after it."""
    if not TITLE.fullmatch(word) or word.lower() in _known().languages:
        return False
    found = NEXT_WORD.match(text, end, end + MAX_LOOKAHEAD)
    return found is not None and not _is_starter(found)


def _kind_of(text, first, mark, word):
    """The kind of the abbreviation before a period; None if there is none.

    Beside those of `WORDS`, `year` for Russian years and centuries, and `no` for a letter that
    only looks like an abbreviation.
    """
    kinds = _known().kinds
    kind = kinds.get(word)
    if not kind and not ("." in word and word.isupper()):
        kind = kinds.get(word.lower())
    if kind == "before":
        return kind
    if len(word) <= 4 and (chain := CHAIN.match(text, first, mark)):
        letters = "".join(chain[0].split())
        of_chain = kinds.get(letters if letters.isupper() else letters.lower())
        if of_chain or (of_chain := kinds.get(letters)):
            return of_chain
    if word in ("г", "гг", "в", "вв"):
        before = YEAR_OR_CENTURY.match(text, first, mark - len(word))
        return "year" if before else "before" if word == "г" else "other"
    if len(word) == 1:
        if NO_INITIAL.match(text, first, mark):
            return "no"
        return "before number" if UNIT.match(text, first, mark) else "other"
    if kind is None and word.endswith(BEFORE_NUMBER):
        return "before number"
    if kind:
        return kind
    return "other" if "." in word and LETTERS_WITH_PERIODS.fullmatch(word) else None


def _belongs_to_next(text, end, abbreviation, kind):
    """Whether what follows at `end` belongs to an abbreviation of this kind before it."""
    if kind == "before":
        return True
    found = NEXT_WORD.match(text, end, end + MAX_LOOKAHEAD)
    if not found:
        return False
    next_word = found[1]
    if kind == "after":
        return next_word in _known().continued
    if next_word[0].isdigit():
        return True
    if kind == "before number":
        is_word = abbreviation.lower() in _known().languages  # such as `no`
        is_number = len(next_word) == 1 or ROMAN.fullmatch(next_word)
        is_elided = found[2] != "" and found[2] in "'’"  # as in `10 h. C'est`
        return not is_word and bool(is_number) and not is_elided
    return not _is_starter(found)


def _is_starter(found):
    """Whether a `NEXT_WORD` is one that sentences often begin with."""
    word, after = found[1].lower(), found[2]
    if after in (".", ":") and (len(word) == 1 or word in _known().kinds):
        return False
    if after and after in "'’" and word in ELISIONS:
        return True
    return word in _known().languages


def _is_number(text, end):
    found = NEXT_WORD.match(text, end, end + MAX_LOOKAHEAD)
    return found is not None and found[1][0].isdigit()


def _is_ordinal(text, start, boundary, number):
    """Whether a number, of digits or Roman, is marked as an ordinal number by its period."""
    mark, end = boundary.start("mark"), boundary.end()
    if len(number) > 3 and number.isdigit():
        return False  # a year
    first = mark - len(number)
    if _is_at_beginning(text, start, first):
        return True  # that of a list or a heading
    found = NEXT_WORD.match(text, end, end + MAX_LOOKAHEAD)
    if not found:
        return False
    word = found[1]
    if word[0].isdigit():
        return number.isdigit() and bool(
            DATE.match(text, end) or END_OF_DATE.match(text, max(0, first - 8), first)
        )
    if word in _known().months:
        return True
    is_abbreviation = found[2] == "." and word.lower() in _known().kinds
    if _is_starter(found) or (len(number) > 2 and number.isdigit()):
        return False
    if is_abbreviation and _known().kinds[word.lower()] == "before":
        return False
    language = _language(text[max(0, mark - MAX_LOOKBEHIND) : end + MAX_LOOKAHEAD])
    if language not in (BEFORE_ORDINAL if is_abbreviation else WITH_ORDINALS):
        return False
    before = WORD_BEFORE.match(text, max(0, first - MAX_LOOKAHEAD), first)
    if not before or not number.isdigit():
        return True
    word, period = before.groups()
    if period and _is_before_number(word):
        return False  # as in `No. 5`
    return language not in BEFORE_ORDINAL or word.lower() in BEFORE_ORDINAL[language]


def _is_at_beginning(text, start, end):
    """Whether a sentence has no word before `end`."""
    return 0 <= start >= end - MAX_OPENING and not text[start:end].strip("\"'“„«([ \n")


def _is_before_number(word):
    if len(word) == 1:
        return word.islower()
    return word.endswith(BEFORE_NUMBER) or _known().kinds.get(word.lower()) == "before number"


def _language(text):
    """The language of which a text has the most frequent words, such as `de`; or None."""
    languages = _known().languages
    counts: dict[str, int] = collections.defaultdict(int)
    for letter, language in LETTERS.items():
        counts[language] += letter in text
    for word in LONGER_WORD.findall(text.lower()):
        for language in languages.get(word, "").split():
            counts[language] += 1
    second, first = [0, 0, *sorted(counts.values())][-2:]
    return max(counts, key=counts.__getitem__) if first > second else None


def _goes_on_after_speech(text, first, mark, end, marks):
    """Whether it is said next who said this, or the last word is said again after `…`."""
    found = NEXT_WORD.match(text, end, end + MAX_LOOKAHEAD)
    if marks[0] in "!?":
        if not found or marks[-1] in "!?.…" or (_is_starter(found) and found[1] != "I"):
            return False
        speech = SPEECH.match(text, end, end + MAX_LOOKAHEAD)
        return speech is not None and speech[1] in _known().speech
    if marks.strip(".…"):
        return False
    last = LAST_WORD.match(text, first, mark)
    return bool(last and found) and last[0].lower() == found[1].lower()
