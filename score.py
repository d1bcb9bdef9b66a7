"""Scores text with a trained model: log-probability, number of words and perplexity of each line.

    python score.py --save_path=RUN < text
    python score.py --save_path=RUN --text=FILE --text=FILE --verbose --json
    python score.py --save_path=RUN --nbest < hypotheses
    python score.py --save_path=RUN1,RUN2 --text=FILE

As in training, the whole text is one stream: the state is carried from line to line, the line end
is the word `<eos>`, and the very first word is read but not predicted. The total is therefore the
`Test Perplexity` that training prints for the text. A line's score depends on the lines before it.
With `--nocarry_state` it does not: each line begins anew after an `<eos>`, and all its words are
predicted. That is what alternatives of one sentence need, and `--nbest` implies it: there, lists of
lines, separated by empty lines, come out with the best line of each list first.

Columns, tab-separated: the line's number, log-probability (natural), words predicted (with
`<eos>`), how many of the line's words are not in the vocabulary, perplexity; with `--nbest` the
line. With `--verbose` each word comes before its line's row, after an empty column: word,
log-probability. Several checkpoints are averaged: the mean of each word's probabilities.
"""

if __name__ == "__main__":
    from program import command_line

    command_line.import_tensorflow()

import codecs
import contextlib
import io
import json
import math
import sys
from typing import NamedTuple

import numpy as np
from absl import flags

import reader
from program import command_line, path_flags
from saved import inference, trained_model

STANDARD_INPUT = "-"
BLOCK_BYTES = 1 << 16
MAX_WORD_LENGTH = 1 << 16  # what is beyond it is dropped, for no vocabulary has such a word


class Piece(NamedTuple):
    """A line, or as much of it as was read at once: memory stays bounded whatever its length.

    Attributes:
      words: list of str, as they were read; with `<eos>` where the line ends.
      ids: int32 array, those of the words that can be scored.
      num_unknown: int, how many words are not in the vocabulary.
      ends_line: bool.
    """

    words: list
    ids: np.ndarray
    num_unknown: int
    ends_line: bool


def read_text(path):
    """Yields a file's text, as much as there is to be had at once.

    Args:
      path: of UTF-8 text; `-` is standard input.

    Raises:
      command_line.RequestError: it cannot be read, or is no such text.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), True)
    num_lines = 0
    with contextlib.ExitStack() as stack:
        try:
            file = sys.stdin.buffer
            if path != STANDARD_INPUT:
                file = stack.enter_context(open(path, "rb"))
            data = None
            while data != b"":
                data = file.read1(BLOCK_BYTES)
                text = decoder.decode(data, final=not data)
                if "\0" in text:
                    raise command_line.RequestError(f"--text={path}: contains NUL bytes")
                num_lines += text.count("\n")
                yield text
        except UnicodeDecodeError as error:
            num_lines += error.object[: error.start].count(b"\n") + 1
            raise command_line.RequestError(
                f"--text={path}: line {num_lines} is not UTF-8 text "
                f"(byte {error.object[error.start]:#04x})"
            ) from None
        except OSError as error:
            message = f"--text={path}: cannot be read: {error.strerror}"
            raise command_line.RequestError(message) from None


def read_pieces(path, word_to_id, complete_last_line=False):
    """Yields lists of `Piece`, line by line.

    Args:
      path: see `read_text`.
      word_to_id: dict of str to int.
      complete_last_line: bool, put `<eos>` at the end of the last line although no line end is
        there.
    """

    def piece(words, ends_line, end_of_sentence=True):
        words = words + [reader.END_OF_SENTENCE] * (ends_line and end_of_sentence)
        ids, num_unknown, _ = reader.words_to_ids([words], word_to_id)
        return Piece(words, ids, num_unknown, ends_line)

    unfinished_word, is_within_line = "", False
    for text in read_text(path):
        *lines, rest = (unfinished_word + text).split("\n")
        words = rest.split()
        unfinished_word = ""
        if words and not rest[-1].isspace():
            unfinished_word = words.pop()[:MAX_WORD_LENGTH]
        pieces = [piece(line.split(), True) for line in lines]
        is_within_line = bool(words) or (is_within_line and not lines)
        if words:
            pieces.append(piece(words, False))
        if pieces:
            yield pieces
    if unfinished_word or is_within_line:
        yield [piece([unfinished_word] if unfinished_word else [], True, complete_last_line)]


def score_stream(blocks, scorer):
    """Scores a text as one stream.

    Args:
      blocks: iterable of lists of `Piece`.
      scorer: an `inference.Scorer` or `inference.Mixture`.

    Yields:
      Each `Piece` with the log-probabilities of its ids, a float32 array; NaN for the text's first
      word, which is not predicted.
    """
    first, state = None, None
    for pieces in blocks:
        ids = np.concatenate([piece.ids for piece in pieces])
        log_probabilities = np.full(len(ids), np.nan, np.float32)
        if len(ids):
            not_predicted = int(first is None)
            first = ids[0] if first is None else first
            scores, state = scorer.score([first], ids[not_predicted:, None], state)
            log_probabilities[not_predicted:] = scores[:, 0]
            first = ids[-1]
        ends = np.cumsum([len(piece.ids) for piece in pieces])
        yield from zip(pieces, np.split(log_probabilities, ends[:-1]))


def score_lines(blocks, scorer, end_of_sentence):
    """Scores each line by itself, after an `<eos>`; arguments and results as in `score_stream`.

    Args:
      end_of_sentence: int, the id of `<eos>`.
    """
    begun = None  # of a line that goes on in the next block: its last word, and the state before it
    for pieces in blocks:
        apart = {0} if begun else set()
        if not pieces[-1].ends_line:
            apart.add(len(pieces) - 1)
        whole = [i for i in range(len(pieces)) if i not in apart]
        sequences = [pieces[i].ids for i in whole]
        results = dict(zip(whole, inference.score_batch(scorer, end_of_sentence, sequences)))
        for i in sorted(apart):
            first, state = begun or (end_of_sentence, None)
            ids = pieces[i].ids
            scores, state = scorer.score([first], ids[:, None], state)
            results[i] = scores[:, 0]
            begun = None if pieces[i].ends_line else (ids[-1] if len(ids) else first, state)
        yield from ((piece, results[i]) for i, piece in enumerate(pieces))


class Sum:
    """What is known of a line, or of all the text: sums over the words so far."""

    def __init__(self):
        """Begins with no words."""
        self.log_probability, self.num_words, self.num_unknown, self.words = 0.0, 0, 0, []

    def add(self, piece, log_probabilities):
        """Adds a `Piece`'s log-probabilities, of which NaN does not count."""
        self.log_probability += float(np.nansum(log_probabilities, dtype=np.float64))
        self.num_words += int(np.count_nonzero(~np.isnan(log_probabilities)))
        self.num_unknown += piece.num_unknown

    def row(self, name):
        """Its row of the result, a dict."""
        perplexity = math.nan
        if self.num_words:
            with np.errstate(over="ignore"):
                perplexity = float(np.exp(np.float64(-self.log_probability / self.num_words)))
        return {
            "line": name,
            "log_probability": self.log_probability,
            "words": self.num_words,
            "unknown": self.num_unknown,
            "perplexity": perplexity,
        }


def word_rows(number, piece, log_probabilities, word_to_id):
    """Yields a row, a dict, for each word that can be scored."""
    if reader.UNKNOWN not in word_to_id:
        piece = piece._replace(words=[word for word in piece.words if word in word_to_id])
    for word, log_probability in zip(piece.words, log_probabilities):
        yield {"line": number, "word": word, "log_probability": float(log_probability)}


def rows(scored, word_to_id, verbose):
    """Yields a row for each line (with `verbose`, those of its words before it), and the total.

    Args:
      scored: see `score_stream`.
      word_to_id: dict of str to int.
      verbose: bool.

    Raises:
      command_line.RequestError: there is no word to predict.
    """
    number, line, total = 1, Sum(), Sum()
    for piece, log_probabilities in scored:
        if verbose:
            yield from word_rows(number, piece, log_probabilities, word_to_id)
        for each in (line, total):
            each.add(piece, log_probabilities)
        if piece.ends_line:
            yield line.row(number)
            number, line = number + 1, Sum()
    if not total.num_words:
        raise command_line.RequestError("--text: holds no word to predict")
    yield total.row("total")
    if total.num_unknown:
        fate = f"became {reader.UNKNOWN}" if reader.UNKNOWN in word_to_id else "were left out"
        command_line.say(f"{total.num_unknown} words are not in the vocabulary and {fate}")


def ranked_rows(scored):
    """Yields a list of rows, the best first, for each list of lines, which an empty line ends."""
    number, line, ranked = 1, Sum(), []
    for piece, log_probabilities in scored:
        line.add(piece, log_probabilities)
        line.words += piece.words
        if not piece.ends_line:
            continue
        text = " ".join(line.words).removesuffix(reader.END_OF_SENTENCE).rstrip()
        if text:
            ranked.append({**line.row(number), "text": text})
        elif ranked:
            yield sorted(ranked, key=lambda row: -row["log_probability"])
            ranked = []
        number, line = number + 1, Sum()
    if ranked:
        yield sorted(ranked, key=lambda row: -row["log_probability"])


def write(row, as_json):
    """Prints a row, a dict, as a line of JSON or tab-separated."""
    if as_json:
        finite = {
            k: v if v == v and v not in (math.inf, -math.inf) else None for k, v in row.items()
        }
        print(json.dumps(finite, ensure_ascii=False), flush=True)
        return
    values = list(row.values())
    if "word" in row:
        values[0] = ""
    print(*(f"{v:.4f}" if isinstance(v, float) else v for v in values), sep="\t", flush=True)


def score_files(paths, scorer, word_to_id, by_itself):
    """Yields each piece of the files' text, and its words' log-probabilities.

    Args:
      paths: str each; `-` is standard input.
      scorer, word_to_id: see `open_models`.
      by_itself: bool, each line is scored by itself; otherwise all the text is one stream.

    Raises:
      command_line.RequestError: a file cannot be read as text.
    """
    blocks = (pieces for path in paths for pieces in read_pieces(path, word_to_id, by_itself))
    if by_itself:
        return score_lines(blocks, scorer, trained_model.end_of_sentence(word_to_id))
    return score_stream(blocks, scorer)


def open_models(save_paths, data_path):
    """Reads the models to average.

    Args:
      save_paths: list of str, see `trained_model.read`.
      data_path: str or None, likewise.

    Returns:
      `(scorer, word_to_id)`.

    Raises:
      command_line.RequestError: there is none, or they have not the same vocabulary.
    """
    if not save_paths:
        raise command_line.RequestError(
            "--save_path: name what training saved: a directory or a "
            "checkpoint; several, separated by commas, are averaged"
        )
    models = [trained_model.read(save_path, data_path) for save_path in save_paths]
    for model in models[1:]:
        if model.words != models[0].words:
            raise command_line.RequestError(
                f"--save_path: {model.path} has another vocabulary than {models[0].path}"
            )
    scorers = [inference.Scorer(model) for model in models]
    return (scorers[0] if len(scorers) == 1 else inference.Mixture(scorers)), models[0].word_to_id


def define_flags():
    """Defines the command line's flags, in absl's own registry."""
    path_flags.define_paths(
        "save_path",
        None,
        "What training saved, a directory or DIR/model.ckpt-STEP; "
        "several, separated by commas, are averaged.",
    )
    path_flags.define_path("data_path", None, trained_model.DATA_PATH_HELP)
    path_flags.define_repeated_path(
        "text",
        [STANDARD_INPUT],
        "The text, a sentence a line; repeat the flag for several files. -: standard input.",
    )
    flags.DEFINE_bool(
        "carry_state",
        True,
        "The text is one stream; --nocarry_state: each line is scored by itself.",
    )
    flags.DEFINE_bool("nbest", False, "Sort lists of lines, with empty lines between the lists.")
    flags.DEFINE_bool("verbose", False, "Every word's log-probability, too.")
    flags.DEFINE_bool("json", False, "A line of JSON for each row.")


def main():
    """Scores what the flags ask for.

    Raises:
      command_line.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    if arguments.nbest and arguments.verbose:
        raise command_line.RequestError("--nbest --verbose: choose one of the two")
    scorer, word_to_id = open_models(arguments.save_path, arguments.data_path)
    by_itself = arguments.nbest or not arguments.carry_state
    scored = score_files(arguments.text, scorer, word_to_id, by_itself)
    if not arguments.nbest:
        for row in rows(scored, word_to_id, arguments.verbose):
            write(row, arguments.json)
        return
    for number, ranked in enumerate(ranked_rows(scored)):
        if number and not arguments.json:
            print()
        for row in ranked:
            write({"list": number + 1, **row} if arguments.json else row, arguments.json)


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
