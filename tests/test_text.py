"""Text to tokens and back, in many languages, by the functions of the package `text`."""

import json
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from text import detokenizer, preparation, sentences, tokenizer, words_of_lines

WORDS = preparation.Preparation()
CASED = preparation.Preparation(case="kept", numbers="kept")
CHARACTERS = preparation.Preparation(level="char", case="kept")
examples = settings(max_examples=100, deadline=None)
# Any characters, and often those that the rules are about.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.sampled_from(
        "[]¹`ﬁ🇩\t\n\r\x0b\x85\u2028\xa0   ..!?\"')](['’-__,019nt'saAİßéк।。क\u093f\u0301"
    )
)


def tokens(text, how=WORDS):
    return " ".join(how.tokens(text))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("The value is a string.", "the value is a string ."),
        ("Mr. Vinken isn't 61, is he?", "mr. vinken is n't N , is he ?"),
        ("Acme Inc. said the U.S. and Mr. J. P. Roe", "acme inc. said the u.s. and mr. j. p. roe"),
        ("He works at Acme Corp.", "he works at acme corp ."),
        ("I cannot, I can’t; the guests’ dogs’", "i can not , i ca n't ; the guests ' dogs '"),
        ("It’s the well-known disk's", "it 's the well-known disk 's"),
        ("He said, “Go away.” Then", "he said , “ go away . ” then"),
        ("call __init__(self) in utf-8", "call __init__ ( self ) in utf-8"),
        ("AT&T and/or R&D -- or...", "at&t and / or r&d -- or ..."),
        ("See https://example.org/a?b=c, me@example.co.uk.",
         "see https://example.org/a?b=c , me@example.co.uk ."),
        ("He said ``no more'' then. ''No''!", "he said `` no more '' then . '' no '' !"),
        ("The `a' and ``x''' ‘it’s’’", "the ` a ' and `` x '' ' ‘ it 's ''"),
        ("It sleeps.[1][2] It flew.¹", "it sleeps . [ N ] [ N ] it flew . N"),
        ("The ﬁrst oﬃce ﬂew oﬀ, moﬄed beﬅ", "the first office flew off , moffled best"),
        *(
            (f"{mark}The owl{mark}", f"{mark} the owl {mark}")
            for mark in words_of_lines.BEGINNINGS + words_of_lines.ENDS
        ),
        ("", ""),
    ],
)  # fmt: skip
def test_english(text, expected):
    assert tokens(text) == expected


NUMBERS = "5 1,234.5 1.500,75 3,14 3.14e-10 1e+10 .5 ½ 1'000 1\u202f234\u202f567 1\xa0234 १२३ ٣٫٥"


@pytest.mark.parametrize("number", NUMBERS.split(" "))
def test_a_number_is_one_token(number):
    assert tokens(number) == "N"
    assert len(preparation.Preparation(numbers="kept").tokens(number)) == 1


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1.5M 30-year 3.5-inch 1st 1980s '80s", "1.5m 30-year 3.5-inch 1st 1980s '80s"),
        ("50% $5 US$5 5€ $5bn", "N % $ N us$ N N € $ 5bn"),
        ("2020-01-15 at 10:30", "N - N - N at N : N"),
    ],
)
def test_what_is_more_than_a_number(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("किताब है।", "किताब है ।"),
        ("தமிழ் மொழி.", "தமிழ் மொழி ."),
        ("বাংলা ভাষা।", "বাংলা ভাষা ।"),
        ("สวัสดี ที่บ้าน", "สวัสดี ที่บ้าน"),
        ("كِتَابٌ جديد؟", "كِتَابٌ جديد ؟"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ('שָׁלוֹם, צה"ל', 'שָׁלוֹם , צה"ל'),
        ("Τι κάνεις; ΟΔΟΣ", "τι κάνεις ; οδος".replace("οδος", "οδος")),
        ("Ինչպե՞ս ես։", "ինչպե՞ս ես ։"),
        ("我们去学校。你好！", "我 们 去 学 校 。 你 好 ！"),
        ("カタカナのデータ", "カタカナ の データ"),
        ("안녕하세요, 세계", "안녕하세요 , 세계"),
        ("İstanbul'da", "istanbul'da"),
        ("Straße", "straße"),
        ("« Va-t’en ! » dit l’homme", "« va-t'en ! » dit l'homme"),
        ("¿Qué tal? ¡Hola!", "¿ qué tal ? ¡ hola !"),
        ("Он сказал: «Да».", "он сказал : « да » ."),
        ("👨‍👩‍👧 👍🏽🇩🇪", "👨‍👩‍👧 👍🏽 🇩🇪"),
        ("🇩🇪🇫🇷\ufe0f🇩 🇩🇪👍🏽a", "🇩🇪 🇫🇷\ufe0f 🇩 🇩🇪 👍🏽 a"),
        ("so\u00adft \ufefftext\u200bhere", "soft text here"),
    ],
)
def test_other_languages(text, expected):
    assert tokens(text) == expected
    assert tokens(unicodedata.normalize("NFD", text)) == expected


@given(texts)
@examples
def test_no_letter_is_lost(text):
    result = CASED.tokens(text)
    assert all(token and token.split() == [token] for token in result)
    cleaned = unicodedata.normalize("NFC", text).translate(tokenizer.CLEANED)
    joined = "".join(result), "".join(cleaned.split())
    assert len({unicodedata.normalize("NFC", each) for each in joined}) == 1


@given(texts)
@example("Corp. etc. U.S. n't “a.” 1 000")
@examples
def test_tokens_are_tokens_already(text):
    for how in (WORDS, CASED):
        result = how.tokens(text)
        assert how.tokens(" ".join(result), ends=False) == result


def test_conventions_of_tokenized_text_are_left_alone():
    text = (
        "<unk> N n't 's mr. u.s. n.v s&p at&t us$ mgm\\/ua 1\\/2-year \\* \\*\\* '80s non-u.s. "
        "u.s.-soviet calif.-based b.a.t o'kicki 190.58-point ' corp."
    )
    assert tokens(text) == text
    assert tokens(text, preparation.PENN_TREEBANK) == text
    wikitext = " = Senjō no Valkyria 3 : <unk> ( 戦場のヴァルキュリア3 ) , 1 @,@ 000 @-@ 5 @.@ 0 ="
    assert preparation.TOKENIZED.tokens(wikitext) == wikitext.split()
    assert tokenizer.signs_of_tokens(text) and tokenizer.signs_of_tokens(wikitext)
    assert not tokenizer.signs_of_tokens("He wrote <unk> once, twice, and (as we know) again.")
    assert not tokenizer.signs_of_tokens("")


def test_the_penn_treebank_has_no_punctuation():
    text = "“The guests' dogs,” he said (twice), rose 5% to $5 - 'or' so & on."
    assert tokens(text, preparation.PENN_TREEBANK) == (
        "the guests ' dogs he said twice rose N N to $ N or so & on"
    )


def cut(text, how=sentences.split_sentences):
    return [sentence for sentence, _ in how([text])]


@pytest.mark.parametrize(
    "text",
    [
        "He said, “Go away.”| Then he left.| “Why?” she asked.",
        'He said, "Go away."| Then he left.| "Why?" she asked.',
        "»Geh weg.«| Dann ging er.| „Warum?“| Sie: „Nein.“| Ja",
        "« Va-t’en. »| Puis il partit.| « Pourquoi ? » dit-elle.| Oui.",
        "Он пришёл домой.| Она ушла.| А. С. Пушкин жил в Москве.| — Кто там?",
        "यह किताब है।| वह घर है।|वह।",
        "我去学校。|你好吗？|“很好！”|他说。",
        "行け。|「なに？」|三",
        "彼は「来た。」と言った。|「もう来た。」|彼は笑った。|「来た！」って。",
        "Τι κάνεις;| Καλά· ναι; όχι.| Εσύ;",
        "هل أنت بخير؟| نعم، شكرا.| أنا بخير.",
        "שלום.| מה שלומך?| טוב.",
        "¿Qué tal?| ¡Hola!| ¿Sí? yes",
        "Ինչպե՞ս ես։| Լավ։",
        "안녕하세요.| 저는 학생입니다.",
        "Mr. Smith and J. P. Roe of U.S. Steel left at 5 p.m.| The rest etc. stayed.",
        "It sleeps.[1]| It flew.[2][3]| Then it ate.¹²| “It?”[note 1]| It!”[a]| It sat.(1)| It is.",
        "No.[citation needed]| “No.[4]”| In 1999.[5]:23–25| 25 “It.”†| Then",
        "Dr.[1] Smith left Acme Inc.[2]| The [3] end (fig. 4. [5] A) is.[6] near.",
        "猫睡觉。[1]|它飞了。[注 2][3]|“很好。”¹|他说。|[他笑了]她。|(1)猫",
        "वह।[1]| यह।[क]\n|है",
        "One... two.| Two (2.5 of\nthem) too!| “Three?”| Asks e.g. four\n \n|A new paragraph",
    ],
)
def test_sentences(text):
    expected = [sentence.strip() for sentence in text.split("|")]
    assert cut(text.replace("|", "")) == expected


@given(st.lists(texts))
@examples
def test_how_a_text_arrives_does_not_matter(blocks):
    whole = "".join(blocks)
    assert list(sentences.split_sentences(blocks)) == list(sentences.split_sentences([whole]))
    assert "".join(sentences.split_lines(blocks)) == whole


@given(
    st.lists(
        st.sampled_from(
            [".", ".", "!", "]", "”", "[1]", "[", "¹", "(2)", "note ", ":23", "。", "鹰"]
        )
        | st.sampled_from([" ", "\n", " It", "a", "”" * 70, " " * 70, "[2]" * 7, "[a]"]),
        max_size=30,
    ),
    st.integers(1, 80),
)
@examples
def test_references_may_arrive_in_parts(pieces, length):
    text = "".join(pieces)
    blocks = (text[i : i + length] for i in range(0, len(text), length))
    assert list(sentences.split_sentences(blocks)) == list(sentences.split_sentences([text]))


def test_sentences_of_any_length_come_in_pieces():
    text = "Words, and न म more of them, " * 20_000
    pieces = list(sentences.split_sentences(text[i : i + 1000] for i in range(0, len(text), 1000)))
    assert max(len(piece) for piece, _ in pieces) <= 2 * sentences.MAX_LENGTH
    assert [ends for _, ends in pieces] == [False] * (len(pieces) - 1) + [True]
    assert [word for piece, _ in pieces for word in piece.split()] == text.split()
    without_spaces = "कि" * 200_000
    for how in (WORDS, preparation.TOKENIZED, CHARACTERS):
        joined = "".join(
            token for piece, _ in how.sentences_of([without_spaces]) for token in piece
        )
        assert joined == without_spaces
    for line in sentences.split_lines([without_spaces]):
        assert unicodedata.category(line[0]) != "Mc"


def test_each_line_may_be_a_sentence():
    how = preparation.Preparation(sentences="lines")
    text = ["no mark. Here\n\nat", " the end\nof Acme Corp."]
    assert list(how.sentences_of(text)) == [
        (["no", "mark", ".", "here"], True),
        (["at", "the", "end"], True),
        (["of", "acme", "corp", "."], True),
    ]


def test_a_line_may_hold_sentences():
    assert WORDS.tokens_of_line("One. Two") == ["one", ".", "two"]
    assert WORDS.tokens_of_line("One. Two", ["<eos>"]) == ["one", ".", "<eos>", "two"]
    assert WORDS.tokens_of_line("\n", ["<eos>"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "he doesn't like it, she said.",
        "He said, “Go away.”",
        '"Why?" she asked, "and (so) on".',
        "the guests' honor: $5, 50% of US$5 and/or 'it'",
        "»Geh weg«, sagte er. „Nein“",
        "¿Qué tal? ¡Hola!",
        "किताब है। नया",
        "我去学校。“你好！”",
        "カタカナをデータ",
        "안녕하세요. 저는",
        "هل أنت بخير؟ نعم، أنا",
        "wait... what -- yes — no [1]",
    ],
)
def test_words_are_joined_as_they_were(text):
    assert CASED.join(CASED.tokens(text)) == text


def test_tokens_are_joined_into_text():
    text = "a well @-@ known 1 @,@ 000 of $ N million <unk> it 's <eos> he did n't ”"
    joined = "a well-known 1,000 of $N million <unk> it's\nhe didn't ”".replace(" ”", " ”")
    assert preparation.TOKENIZED.join(text.split()) == joined
    assert WORDS.join(["two", ".", "”"]) == "two.”"


@given(texts)
@examples
def test_characters_are_joined_as_they_were(text):
    expected = re.sub(r"\s", " ", unicodedata.normalize("NFC", text.removesuffix("\n")))
    assert CHARACTERS.join(CHARACTERS.tokens(text)) == "".join(
        " " if character.isspace() else character for character in expected
    )


def test_a_description_is_read_as_it_was_written(tmp_path):
    assert preparation.read(tmp_path) is None
    for how in (WORDS, CASED, CHARACTERS, preparation.TOKENIZED, preparation.PENN_TREEBANK):
        preparation.write(how, tmp_path)
        assert preparation.read(tmp_path) == how


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rules": 2}, "made by other rules than version 1"),
        ({"level": "byte"}, "level cannot be 'byte'"),
        ({"case": []}, r"case cannot be \[\]"),
        ({"colour": "red"}, "is no description"),
    ],
)
def test_a_description_that_says_something_unknown_is_refused(tmp_path, change, message):
    preparation.write(WORDS, tmp_path)
    path = tmp_path / preparation.FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(preparation.PreparationError, match=message):
        preparation.read(tmp_path)
    path.write_text("[1")
    with pytest.raises(preparation.PreparationError, match="is no description"):
        preparation.read(tmp_path)


def test_a_joiner_begins_each_line_anew():
    joiner = detokenizer.WordJoiner()
    text = [joiner(token) for token in ['"', "go", "<eos>", '"', "no"]]
    assert text == ['"', "go", "\n", '"', "no"]
