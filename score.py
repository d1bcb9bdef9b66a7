"""Scores text with a trained model: log-probability, number of words and perplexity of each line.

    python score.py --save_path=RUN < text
    python score.py --save_path=RUN --raw_text < text
    python score.py --save_path=RUN --text=FILE --text=FILE --verbose --json
    python score.py --save_path=RUN --nbest < hypotheses
    python score.py --save_path=RUN1,RUN2 --text=FILE

A line is a sentence, its words separated by white space. With --raw_text it is text as people write
it, which is prepared as the corpus of the training was; a line may then hold several sentences.

As in training, the whole text is one stream: the state is carried from line to line, the line end
is the word `<eos>`, and the very first word is read but not predicted. The total is therefore the
`Test Perplexity` that training prints for the text. A line's score depends on the lines before it.
With --nocarry_state it does not: each line begins anew after an `<eos>`, and all its words are
predicted. That is faster: lines of similar length are computed together.

Columns, tab-separated: the line's number, log-probability (natural), words predicted (with
`<eos>`), how many of the line's words are not in the vocabulary, perplexity. With --verbose each
word comes before its line's row, after an empty column: word, log-probability. Several checkpoints
are averaged: the mean of each word's probabilities.

--nbest sorts lists of hypotheses, the best first, each scored as with --nocarry_state; an empty
line ends a list. The last column is the line as it came. --nbest_format is for lists that an id
tells apart: `kaldi` (utt-1 words), `kaldi_n` (utt-1-2 words, the second of utt-1), `moses`
(0 ||| words ||| scores). With --lm_weight or --word_penalty they are sorted by

    score + lm_weight * log-probability - word_penalty * words (without `<eos>`)

which is the column before the last. The score is Moses's total, or the last column of each line of
--scores=FILE; the larger the better. If the model has no `<unk>`, unknown words are left out, and
hypotheses that lost the fewest come first.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import score as script_flags

    command_line.start(script_flags.define, script_flags.check)

import itertools
import json
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from absl import flags

import reader
from program import command_line, errors, messages
from program.progress_bar import progress_bar, size_of_files
from text import files, lines, nbest, preparation, sentences
from trained import scoring, trained_model

# How many unknown words are looked at to tell whether the text is raw, and how many must seem so.
MAX_EXAMINED, MIN_RAW_SHARE = 1000, 0.02

GUESS = "guess"  # the format of n-best lists


class Piece(NamedTuple):
    """A line, or a part of a very long one: memory stays bounded whatever its length.

    Attributes:
      words: list of str; with `<eos>` where the line ends.
      ids: int32 array, those of the words that can be scored.
      num_unknown: int, how many words are not in the vocabulary.
      ends_line: bool.
      hypothesis: a `nbest.Hypothesis`, where lines are such.
    """

    words: list
    ids: np.ndarray
    num_unknown: int
    ends_line: bool
    hypothesis: nbest.Hypothesis | None = None


def read_text(path, flag="--text"):
    """Yields the text of the file that a flag names, block by block; `-` is standard input.

    Raises:
      errors.RequestError: it cannot be read, or is no text.
    """
    try:
        yield from files.read_blocks(path)
    except files.TextError as error:
        raise errors.RequestError(f"{flag}={path}: {error}") from None
    except OSError as error:
        message = f"{flag}={path}: cannot be read: {error.strerror}"
        raise errors.RequestError(message) from None


class TextReader:
    """Reads lines as words of a vocabulary, and remembers what there is to say of them."""

    def __init__(self, word_to_id, how=None, raw=False, nbest_format=None):
        """Takes what the text is.

        Args:
          word_to_id: dict of str to int.
          how: the `preparation.Preparation` of the model's corpus; None if it is not known.
          raw: bool, prepare lines so; otherwise their words are separated by white space.
          nbest_format: one of `nbest.FORMATS` or `GUESS`, if the lines are hypotheses.
        """
        self._word_to_id, self._how, self._nbest_format = word_to_id, how, nbest_format
        self._prepare = how if raw else None
        self._num_words = self._num_unknown = self._num_examined = self._num_raw = 0
        self._marks = lines.Marks(word_to_id)
        self._line = 0

    def read(self, paths, complete_last_line=False):
        """Yields lists of `Piece`, line by line, as soon as lines have come.

        Args:
          paths: list of str, see `read_text`; all but the last file's last line ends with an
            `<eos>` although no line end is there.
          complete_last_line: bool, so does the last file's.
        """

        def watched(path: str) -> Iterator[str]:
            for block in read_text(path):
                yield block
                if not bar.disable:
                    bar.update(len(block.encode()))

        with progress_bar(size_of_files(paths), "Scored") as bar:
            for number, path in enumerate(paths, start=1):
                blocks, self._line = watched(path), 0
                if complete_last_line or number < len(paths):
                    blocks = sentences.with_last_line_end(blocks)
                yield from self._blocks_of_pieces(blocks)

    def _blocks_of_pieces(self, blocks):
        """Yields lists of `Piece`: those of a block's whole lines, and each of a longer line's."""
        read = (
            (line, number == len(those_of_block))
            for those_of_block in sentences.split_lines_of_blocks(blocks)
            for number, line in enumerate(those_of_block, start=1)
        )
        pieces = []
        for line, is_last_of_block in read:
            self._line += 1
            if line.endswith("\n"):
                pieces.append(self._whole_line(line))
            else:
                yield from [pieces] if pieces else []
                pieces = []
                for piece in self._pieces_of_line(line, (each for each, _ in read)):
                    yield [piece]
            if is_last_of_block and pieces:
                yield pieces
                pieces = []
        if pieces:
            yield pieces

    def _whole_line(self, line):
        """The `Piece` of a line."""
        hypothesis = None
        if self._nbest_format:
            hypothesis = self._parse(line)
            line = f"{hypothesis.words}\n" if hypothesis else "\n"
        parts = lines.words_of_line([line], self._marks, self._prepare)
        return self._piece([word for words, _ in parts for word in words], True, hypothesis)

    def _pieces_of_line(self, beginning, following):
        """Yields the `Piece`s of a line, of which more is to be read than its beginning."""
        if self._nbest_format:
            raise errors.RequestError(f"--text: line {self._line} is too long a hypothesis")
        ends_line = False
        for words, ends_line in lines.words_of_line(
            lines.whole_line(beginning, following), self._marks, self._prepare
        ):
            yield self._piece(words, ends_line)
        if not ends_line:  # and neither does the text
            yield self._piece(self._marks.last_words(), True)

    def _piece(self, words, ends_line, hypothesis=None):
        ids, num_unknown, _ = reader.words_to_ids([words], self._word_to_id)
        self._num_words += len(words)
        self._num_unknown += num_unknown
        if num_unknown and not self._prepare and self._num_examined < MAX_EXAMINED:
            self._examine(words)
        return Piece(words, ids, num_unknown, ends_line, hypothesis)

    def _parse(self, line):
        if self._nbest_format == GUESS:
            self._nbest_format = nbest.guess_format(line)
        try:
            return nbest.parse(line.removesuffix("\n"), self._nbest_format)
        except nbest.NbestError as error:
            raise errors.RequestError(f"--text: line {self._line} {error}") from None

    def _examine(self, words):
        """Counts the unknown words that would be known if the text was prepared."""
        how = self._how
        if how in (None, preparation.TOKENIZED):
            how = preparation.Preparation()
        self._num_examined += sum(word not in self._word_to_id for word in words)
        self._num_raw += sum(how.makes_known(word, self._word_to_id) for word in words)

    def report(self):
        """Says on standard error what became of words that are not the model's."""
        if self._num_unknown:
            fate = f"became {reader.UNKNOWN}"
            if reader.UNKNOWN not in self._word_to_id:
                fate = "were left out"
            messages.say(f"{self._num_unknown} words are not in the vocabulary and {fate}")
        if self._marks.counts:
            messages.say(self._marks.in_words())
        if self._num_raw > 1 and self._num_raw > MIN_RAW_SHARE * self._num_words:
            remedy = "--raw_text prepares the text as the corpus was"
            if self._how in (None, preparation.TOKENIZED):
                remedy = (
                    "prepare the text as the corpus was, which does not say how (no "
                    f"{preparation.FILE})"
                )
            messages.say(
                f"{self._num_raw} words are unknown only for their case or punctuation: {remedy}"
            )


def score_stream(blocks, scorer):
    """Scores a text as one stream.

    Args:
      blocks: iterable of lists of `Piece`.
      scorer: a `scoring.Scorer` or `scoring.Mixture`.

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
        results = dict(zip(whole, scoring.score_batch(scorer, end_of_sentence, sequences)))
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
        self.log_probability, self.num_words, self.num_unknown = 0.0, 0, 0

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
      errors.RequestError: there is no word to predict.
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
        raise errors.RequestError("--text: holds no word to predict")
    yield total.row("total")


class Ranking(NamedTuple):
    """How hypotheses are sorted.

    Attributes:
      leaves_out: bool, unknown words are left out: the model has no `<unk>`.
      lm_weight: float, of the log-probability; None to sort by it alone.
      word_penalty: float, for each word.
      scores: iterable of float, one for each hypothesis, instead of those in the lines; or None.
    """

    leaves_out: bool = False
    lm_weight: float | None = None
    word_penalty: float = 0.0
    scores: object = None

    def combined(self, row, hypothesis, score):
        """The score to sort by; RequestError if there is none to combine with."""
        penalty = self.word_penalty * (row["words"] - 1)  # without <eos>
        if self.lm_weight is None:
            return row["log_probability"] - penalty
        score = hypothesis.score if self.scores is None else score
        if score is None:
            raise errors.RequestError(
                f"--lm_weight: line {row['line']} of --text has no score; --scores names a file"
            )
        return score + self.lm_weight * row["log_probability"] - penalty


def _hypothesis_rows(scored, ranking):
    """Yields `(list, order, row)` for each hypothesis: which list's it is, and what to sort by."""
    scores = iter(ranking.scores or ())
    list_number = 0
    for number, (piece, log_probabilities) in enumerate(scored, start=1):
        if not piece.hypothesis:
            list_number += 1
            continue
        line = Sum()
        line.add(piece, log_probabilities)
        row = line.row(number)
        combined = ranking.combined(row, piece.hypothesis, next(scores, None))
        if ranking.lm_weight is not None or ranking.word_penalty:
            row["combined"] = combined
        row["text"] = piece.hypothesis.line
        num_lost = piece.num_unknown if ranking.leaves_out else 0
        yield (list_number, piece.hypothesis.key), (num_lost, -combined), row
    if next(scores, None) is not None:
        raise errors.RequestError("--scores: has more lines than --text has hypotheses")


def ranked_rows(scored, ranking=Ranking()):  # noqa: B008
    """Yields `(key, rows)`, each list's key and its rows, the best first.

    Args:
      scored: see `score_lines`; of hypotheses.
      ranking: a `Ranking`.

    Raises:
      errors.RequestError: there is no hypothesis, or the scores are not as many.
    """
    num_hypotheses = num_damaged = 0
    entries = _hypothesis_rows(scored, ranking)
    for (_, key), group in itertools.groupby(entries, key=lambda entry: entry[0]):
        ranked = sorted(group, key=lambda entry: entry[1])
        num_hypotheses += len(ranked)
        num_damaged += sum(num_lost > 0 for _, (num_lost, _), _ in ranked)
        yield key, [row for _, _, row in ranked]
    if not num_hypotheses:
        raise errors.RequestError("--text: holds no hypothesis")
    if num_damaged:
        messages.say(
            f"{num_damaged} hypotheses have words that were left out, and come last in their lists"
        )


def read_scores(path):
    """Yields the last column of each line of a file, float; RequestError if that is no number."""
    for number, line in enumerate(sentences.split_lines(read_text(path, "--scores")), start=1):
        try:
            score = float(line.split()[-1])
            if not math.isfinite(score):
                raise ValueError("nothing can be sorted by it")
            yield score
        except (ValueError, IndexError):
            message = f"--scores={path}: line {number} does not end with a number"
            raise errors.RequestError(message) from None


def write(row, as_json):
    """Prints a row, a dict, as a line of JSON or tab-separated."""
    if as_json:
        finite = {
            k: v if v == v and v not in (math.inf, -math.inf) else None for k, v in row.items()
        }
        messages.report(json.dumps(finite, ensure_ascii=False))
        return
    values = list(row.values())
    if "word" in row:
        values[0] = ""
    columns = (f"{v:.4f}" if isinstance(v, float) else str(v) for v in values)
    messages.report("\t".join(columns))


def score_pieces(blocks, scorer, word_to_id, by_itself):
    """Scores the pieces that a `TextReader` reads.

    Args:
      blocks: iterable of lists of `Piece`.
      scorer, word_to_id: see `open_models`.
      by_itself: bool, each line is scored by itself; otherwise all the text is one stream.

    Yields:
      Each `Piece` and its words' log-probabilities; see `score_stream`.
    """
    if by_itself:
        return score_lines(blocks, scorer, trained_model.end_of_sentence(word_to_id))
    return score_stream(blocks, scorer)


def open_models(save_paths, data_path):
    """Reads the models to average.

    Args:
      save_paths: list of str, at least one, see `trained_model.read`.
      data_path: str or None, likewise.

    Returns:
      `(scorer, trained)`: a `scoring.Scorer` or `Mixture`, and the first `TrainedModel`.

    Raises:
      errors.RequestError: they have not the same vocabulary.
    """
    models = [trained_model.read(save_path, data_path) for save_path in save_paths]
    for model in models[1:]:
        if model.words != models[0].words:
            raise errors.RequestError(
                f"--save_path: {model.path} has another vocabulary than {models[0].path}"
            )
    scorers = [scoring.Scorer(model) for model in models]
    return (scorers[0] if len(scorers) == 1 else scoring.Mixture(scorers)), models[0]


def write_lists(lists, as_json):
    """Prints the lists of `ranked_rows`, with an empty line between two."""
    for number, (key, ranked) in enumerate(lists, start=1):
        if number > 1 and not as_json:
            messages.report("")
        for row in ranked:
            write({"list": key or number, **row} if as_json else row, as_json)


def main():
    """Scores what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    if arguments.nbest_format:
        arguments.nbest = True  # type: ignore[assignment]
    scorer, trained = open_models(arguments.save_path, arguments.data_path)
    word_to_id, how = trained.word_to_id, trained.preparation
    if arguments.raw_text and how is None:
        messages.say(
            f"--raw_text: the model's corpus does not say how it was prepared (no "
            f"{preparation.FILE}), so the text is taken as tokenized"
        )
    nbest_format = arguments.nbest_format or (GUESS if arguments.nbest else None)
    text = TextReader(word_to_id, how, arguments.raw_text, nbest_format)
    by_itself = arguments.nbest or not arguments.carry_state
    blocks = text.read(arguments.text, complete_last_line=by_itself)
    scored = score_pieces(blocks, scorer, word_to_id, by_itself)
    if arguments.nbest:
        ranking = Ranking(
            reader.UNKNOWN not in word_to_id,
            arguments.lm_weight,
            arguments.word_penalty,
            arguments.scores and read_scores(arguments.scores),
        )
        write_lists(ranked_rows(scored, ranking), arguments.json)
    else:
        for row in rows(scored, word_to_id, arguments.verbose):
            write(row, arguments.json)
    text.report()


if __name__ == "__main__":
    command_line.run(main)
