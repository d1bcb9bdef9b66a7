"""Turns any UTF-8 text into a corpus in the style of the Penn Treebank's.

    python data/prepare_text.py --out=DIR FILE...

writes `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`: one sentence a line, tokens split off
and separated by spaces, lower case, numbers as `N`, rare words as `<unk>`.
"""

import argparse
import collections
import os
import re
import sys

TOKEN = re.compile(
    r"""
    \d+(?:[.,]\d+)*(?!\w)            # a number
    | \w+?(?=n't\b) | n't\b          # do n't
    | '(?:s|re|ve|ll|d|m)\b          # it 's
    | \w+(?:-\w+)*                   # a word, well-known ones among them
    | [^\w\s]                        # a punctuation mark
    """,
    re.VERBOSE,
)
SENTENCE_END = re.compile(r"""(?<=[.!?])["')\]]*\s+(?=["'(\[]*[A-Z])""")


def split_sentences(text):
    """Cuts text into paragraphs at blank lines, and paragraphs into sentences.

    Returns:
      List of str.
    """
    paragraphs = re.split(r"\n\s*\n", text)
    return [s for p in paragraphs for s in SENTENCE_END.split(" ".join(p.split())) if s]


def tokenize(sentence, keep_case=False):
    """Splits a sentence into words and punctuation marks; numbers become `N`.

    Returns:
      List of str.
    """
    tokens = TOKEN.findall(sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return [
        "N" if token[0].isdigit() and not re.search("[^\\d.,]", token)
        else token if keep_case else token.lower()
        for token in tokens
    ]  # fmt: skip


def split_corpus(sentences, held_out=20):
    """Holds out two of every `held_out` sentences, one to validate on and one to test on.

    Returns:
      Dict of `train`, `valid`, `test` to a list of sentences, each in the text's order.
    """
    splits = {"train": [], "valid": [], "test": []}
    for number, sentence in enumerate(sentences):
        place = {held_out - 2: "valid", held_out - 1: "test"}.get(number % held_out, "train")
        splits[place].append(sentence)
    return splits


def write_corpus(splits, directory, min_count=2, max_words=10000):
    """Writes the three files, with the training text's rare words as `<unk>` in all of them.

    Args:
      splits: dict of `train`, `valid`, `test` to lists of lists of tokens.
      directory: where to; made if need be.
      min_count: words that the training text has less often are rare.
      max_words: so are all but this many of the most frequent ones, `<unk>` and `<eos>` among them.
    """
    counts = collections.Counter(token for sentence in splits["train"] for token in sentence)
    frequent = [token for token, count in counts.items() if count >= min_count]
    frequent.sort(key=lambda token: (-counts[token], token))
    vocabulary = set(frequent[: max_words - 2])
    os.makedirs(directory, exist_ok=True)
    for split, sentences in splits.items():
        path = os.path.join(directory, f"ptb.{split}.txt")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            for tokens in sentences:
                words = (token if token in vocabulary else "<unk>" for token in tokens)
                file.write(f" {' '.join(words)} \n")


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE", help="UTF-8 text")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the corpus goes")
    parser.add_argument("--keep_case", action="store_true", help="do not turn into lower case")
    parser.add_argument("--max_words", type=int, default=10000, help="size of the vocabulary")
    arguments = parser.parse_args()
    sentences = []
    for path in arguments.files:
        try:
            with open(path, encoding="utf-8") as file:
                sentences += split_sentences(file.read())
        except (OSError, UnicodeDecodeError) as error:
            sys.exit(f"prepare_text.py: {path}: {getattr(error, 'strerror', None) or error}")
    splits = split_corpus([tokenize(sentence, arguments.keep_case) for sentence in sentences])
    if not all(splits.values()):
        sys.exit(f"prepare_text.py: {len(sentences)} sentences are too few to hold some out")
    write_corpus(splits, arguments.out, max_words=arguments.max_words)


if __name__ == "__main__":
    main()
