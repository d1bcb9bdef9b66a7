"""A corpus that needs no network: Python's own language reference.

    python data/python_docs.py DIR

The standard library ships it for `help("for")` and the like, some 65,000 words of English prose.
The corpus is the same whenever the interpreter is.
"""

import re
import sys
from pydoc_data import topics

import prepare_text


def is_prose(paragraph):
    """Tells sentences from code, grammar and headings."""
    letters = len(re.findall(r"[A-Za-z]", paragraph))
    return (
        paragraph.rstrip().endswith((".", ":", ")", "?"))
        and "::=" not in paragraph
        and ">>>" not in paragraph
        and letters > 0.8 * len("".join(paragraph.split()))
    )


def read_prose():
    """The reference's paragraphs of prose, topic by topic, each paragraph once.

    Returns:
      Str, paragraphs separated by blank lines.
    """
    paragraphs = {}  # topics quote one another: a dict keeps the first of each, in order
    for _, topic in sorted(topics.topics.items()):
        for paragraph in re.split(r"\n\s*\n", topic):
            if is_prose(paragraph):
                paragraphs.setdefault(" ".join(paragraph.split()))
    return "\n\n".join(paragraphs)


def main():
    """Runs the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python data/python_docs.py DIR")
    sentences = map(prepare_text.tokenize, prepare_text.split_sentences(read_prose()))
    prepare_text.write_corpus(prepare_text.split_corpus(sentences), sys.argv[1])


if __name__ == "__main__":
    main()
