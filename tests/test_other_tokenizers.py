"""Text that other programs have cut stays as they cut it, and is joined again."""

import io
import sys

import pytest

import inspection
import shared
from text import files, other_tokenizers, preparation, tokenizer

WORDS, TOKENIZED = preparation.Preparation(), preparation.TOKENIZED
# A text of another program, and what people would write.
CUT = [
    ("`` no more , '' wrote she -LRB- again -RRB- .", "“no more,” wrote she (again)."),
    ("The owl &apos;s nest &amp; &quot; den &quot; .", 'The owl\'s nest & "den".'),
    ("l&apos; homme &lt; 5 &#124; &#91; 6 &#93;", "l'homme < 5 | [6]"),
    ("an ow@@ l sle@@ eps , it 's said", "an owl sleeps, it's said"),
    ("▁an ▁ow l ▁sleep s .", "an owl sleeps."),
    ("an ow ##l sleep ##s .", "an owl sleeps."),
    ("an ow ￭l sleeps ￭.", "an owl sleeps."),
    ("￭an￭ ow￭ l", "anowl"),
    ("an</w> ow l</w> sleeps</w> .</w>", "an owl sleeps."),
    ("An Ġow l Ġsleep s .", "An owl sleeps."),
    ("the <unk> n't @-@ like N", "the <unk>n't-like N"),
]
NAMES = "<UNK> [UNK] <unk> [MASK] [CLS] [SEP] [PAD] <pad> <mask> <|endoftext|> <SPOKEN_NOISE> <oov>"


@pytest.mark.parametrize(("text", "written"), CUT)
def test_what_is_cut_is_recognized_and_joined(text, written):
    assert tokenizer.signs_of_tokens(f"{text}\n" * 40)
    assert TOKENIZED.join(text.split(), text.split()) == written


@pytest.mark.parametrize("token", [*NAMES.split(), "-LRB-", "-rrb-", "``", "''", "&apos;s", "&amp;",
                                   "ow@@", "▁ow", "￭l", "l</w>", "@-@", "@/@"])  # fmt: skip
def test_a_token_of_other_programs_is_one(token):
    assert WORDS.tokens(f"an {token} sees") == ["an", token, "sees"]
    assert WORDS.tokens(token) == [token]


def test_punctuation_in_disguise_is_dropped():
    how = preparation.PENN_TREEBANK
    text = "-LRB- an owl &apos;s -RRB- `` nest '' &quot; &amp; den [UNK] <unk>"
    assert how.tokens(text) == ["an", "owl", "&apos;s", "nest", "&amp;", "den", "[UNK]", "<unk>"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The owl's nest (a den), isn't it? “Well!” [Sic] 5's",
        "He wrote <unk> once, twice, and (as we know) again.",
        "### Owls\n\nThe owl sleeps by day.\n\n#### Nests\n\nThey are old.\n" * 20,
        "<p>The <b>owl</b></p> ## Title ##Title\n" + "It sleeps.\n" * 50,
        "C++ and C# at foo@bar.com, @owl, cost $5 & more; e.g. a_b __init__.",
        "Ġorġ kiteb u l-kokka raqdet. Il-lejl kien twil u kiesaħ. Imbagħad qamet.",
    ],
)
def test_what_people_write_is_not_tokenized(text):
    assert not tokenizer.signs_of_tokens(text)


def test_characters_with_spaces_between_them_are_recognized():
    assert tokenizer.signs_of_tokens("t h e _ o w l _ s l e e p s\n" * 9) == ["_"]
    assert tokenizer.is_of_characters("t h e _ o w l\n" * 9)
    assert not tokenizer.is_of_characters("the owl\n" * 9)


def test_ids_are_recognized(capsys):
    assert tokenizer.signs_of_tokens("40 73 12 46\n40 7 8\n" * 9)[0] == "40"
    text = "".join(f"utt-{i} the owl sleeps\n" for i in range(40))
    inspection.say_ids({"a": text, "b": "the owl\n" * 40, "c": "1 owl\n\n" * 40, "d": text[:50]})
    said = capsys.readouterr().err
    assert "a: its lines begin with ids, it seems, such as utt-0" in said and said.count("\n") == 1


def test_texts_are_of_one_kind():
    tokenized, plain = "Some <unk> @-@ made Nest\n" * 40, "The owl sleeps, it seems.\n" * 40
    assert inspection.detect_level({"a": plain, "b": "", "c": plain}) == preparation.WORD
    assert inspection.detect_level({"a": tokenized, "b": " \n"}) == preparation.TOKEN
    for samples in ({"a": plain, "b": tokenized}, {"b": tokenized, "a": plain}):
        with pytest.raises(shared.UserError, match=r"b: is tokenized .*, as its .*, and a is not;"):
            inspection.detect_level(samples)


@pytest.mark.parametrize("block", [1, 7, 10**6])
def test_the_sample_does_not_depend_on_how_a_text_arrives(monkeypatch, block):
    text = "A Title\n" + "Some <unk> @-@ made Nest\n" * 4000
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    monkeypatch.setattr(files, "BLOCK_BYTES", block)
    monkeypatch.setattr(inspection, "SAMPLE_LENGTH", 1000)
    sample, whole = inspection.take_sample("-")
    assert (sample, "".join(whole)) == (text[:1000], text)


def test_a_pipe_that_was_cut_is_refused():
    text = "A Title\n" + "Some <unk> @-@ made Nest\n" * 4
    with pytest.raises(shared.UserError, match="-: is tokenized already, as its <unk> and @-@"):
        assert "".join(inspection.refuse_tokens(iter(text), "-")) == text
    assert list(inspection.refuse_tokens(["It's it."], "-")) == ["It's it."]


def test_other_names_of_the_unknown_word_are_said():
    assert other_tokenizers.about_unknowns({"a": 1, "<unk>": 5}) == ""
    assert other_tokenizers.about_unknowns({"[UNK]": 3, "<UNK>": 5}).startswith(
        "has <UNK> (5), [UNK] (3)"
    )
