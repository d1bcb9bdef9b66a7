"""A corpus that needs no network: Python's own language reference.

    python data/python_docs.py DIR [--overwrite]

The standard library ships it for `help("for")` and the like: 52,000 words of English prose to train
on with Python 3.11, line ends included, and other versions differ. The corpus is the same whenever
the interpreter is.
"""

import re
from pydoc_data import topics

import prepare_text
import shared
from text import preparation  # shared has made it importable


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
      List of str, one line each.
    """
    paragraphs = {}  # topics quote one another: a dict keeps the first of each, in order
    for _, topic in sorted(topics.topics.items()):
        for paragraph in re.split(r"\n\s*\n", topic):
            if is_prose(paragraph):
                paragraphs.setdefault(" ".join(paragraph.split()))
    return list(paragraphs)


def main():
    """Runs the command line."""
    parser = shared.FlagParser(__doc__)
    parser.add_argument("out", type=shared.path, metavar="DIR", help="where the corpus goes")
    prepare_text.add_overwrite_flag(parser)
    flags = parser.parse_args()
    prepare_text.check_no_corpus(flags.out, flags.overwrite)
    how = preparation.Preparation()
    paragraphs = (f"{paragraph}\n\n" for paragraph in read_prose())
    prepare_text.write_corpus(
        how.sentences_of(paragraphs), flags.out, how, held_out=prepare_text.FIXED
    )


if __name__ == "__main__":
    shared.run(main)
