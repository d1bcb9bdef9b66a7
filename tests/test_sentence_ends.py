"""Where sentences end: abbreviations, ordinals, quotations, and how a text arrives."""

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from text import sentence_ends, sentences

TRAPS = os.path.join(os.path.dirname(__file__), "sentence_traps.txt")
# What the rules are about, in any order.
pieces = st.lists(
    st.sampled_from(
        ["Am", "7", "1999", "XIV", "Juni", "Haus", "der", "No", "Dr", "etc", "z", "B", "I", "г"]
        + ["said", "The", "a", ". ", ".", "! ", '"', "… ", "\n", "\n\n", " ", "(", "。", "鹰", "!!"]
    ),
    max_size=40,
)


def split(blocks):
    return list(sentences.split_sentences(blocks))


def split_whole(text):
    return [sentence for sentence, _ in split([text])]


def read_traps():
    traps = {}
    with open(TRAPS, encoding="utf-8") as file:
        for line in file:
            if line.startswith("["):
                lines = traps.setdefault(line.strip("[]\n"), [])
            elif not line.startswith("#"):
                lines.append(line.rstrip("\n"))
    return traps


@pytest.mark.parametrize("language, lines", read_traps().items(), ids=lambda value: str(value)[:10])
def test_traps(language, lines):
    assert len(lines) > 15
    for line in lines:
        expected = [sentence.strip() for sentence in line.split("|")]
        assert split_whole(line.replace("|", "")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Am 7. Juni rief z. B. Frau Eule an.",
        "It ended.| 25 people came.| No. 5 did not.",
        "He spoke at the U.N.| They left at 5 p.m.| Nobody slept.",
        "See Fig. 3. [2] says so.",
        "1. Open it.| 2. Close it.| IV. The end.",
        "So do I.| Mary agrees with J. Smith.",
        "It cost 2s. 6d. in 1900.| 30 did.",
        "I said no.| I meant it.| See Vol. I of it and Vol. IX.| And no. 5.",
        "The plan we've.| It is the dog's.| Then",
        "მე მივდივარ სახლში.| ის კარგია.| შენ სად ხარ?",
    ],
)
def test_periods(text):
    assert split_whole(text.replace("|", "")) == [part.strip() for part in text.split("|")]


def test_an_ordinal_number_depends_on_the_language():
    assert split_whole("Das ist die 3. Liga") == ["Das ist die 3. Liga"]
    assert split_whole("They are only 3. Liga") == ["They are only 3.", "Liga"]


@given(pieces, st.integers(1, 80))
@example(["!"] * 300 + [" ", "The"], 50)
@example(["a", ". "] * 200, 7)
@example(["鹰"] * 300, 64)
@settings(max_examples=100, deadline=None)
def test_a_text_in_blocks_is_cut_as_the_whole(pieces, length):
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentences, "MAX_LENGTH", 30)
        whole = split([text])
        blocks = (text[i : i + length] for i in range(0, len(text), length))
        assert split(blocks) == whole
    assert all(len(sentence) <= 60 for sentence, _ in whole)
    assert "".join("".join(sentence.split()) for sentence, _ in whole) == "".join(text.split())


def test_what_is_looked_at_is_bounded():
    before, after = "und der " * 100, " und der" * 100
    text = f"{before}3. Liga{after}"
    boundary = sentence_ends.BOUNDARY.search(text)
    start, end = boundary.start(), boundary.end()
    nearby = text[start - sentence_ends.MAX_LOOKBEHIND : end + sentence_ends.MAX_LOOKAHEAD]
    assert sentence_ends.is_within_sentence(text, 0, boundary)
    again = sentence_ends.BOUNDARY.search(nearby)
    assert sentence_ends.is_within_sentence(nearby, -1, again)
