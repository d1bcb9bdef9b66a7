"""Scores text with a trained model: log-probability, number of words and perplexity of each line.

    python score.py --save_path=RUN < text
    python score.py --save_path=RUN --raw_text < text
    python score.py --save_path=RUN --text=FILE --text=FILE --verbose --json
    python score.py --save_path=RUN --nbest < hypotheses
    python score.py --save_path=RUN1,RUN2 --text=FILE
    python score.py --save_path=RUN --text=FILE --mix_arpa=FILE --mix_valid=FILE

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
line ends a list, or an id tells lists apart. The last column is the line as it came. --nbest_format
names the format: `lines`, `kaldi` (utt-1 words), `kaldi_n` (utt-1-2 words, the second of utt-1),
`moses` (0 ||| words ||| features ||| total), `fairseq` (its lines H-) or `jsonl`; otherwise it is
guessed. With --verbose, a row with each hypothesis's id, score and words comes before its own. With
--lm_weight or --word_penalty they are sorted by

    score + lm_weight * log-probability - word_penalty * words (without `<eos>`)

which is the column before the last. The score is the line's own, or that of --scores=FILE, whose
lines are `id score` or `score`; the larger the better. If the model has no `<unk>`, unknown words
are left out, and hypotheses that lost the fewest come first.

--mix_arpa and --mix_probabilities mix each word's probability with that of another model, such as
an n-gram model; docs/other-programs.md says how.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import score as script_flags

    command_line.start(script_flags.define, script_flags.check)

import json
import math

from absl import flags

import reader
from program import command_line, errors, messages
from program.progress_bar import size_of_files
from saved import tf1_checkpoints
from script_flags import old_checkpoints
from text import nbest_reader, preparation, sentences
from text.nbest_scores import Scores
from trained import ensemble, mixing, ranking, results, scoring, text_reader, trained_model


def line_of(row, as_json):
    """A row, a dict, as a line of JSON or tab-separated."""
    if as_json:
        finite = {
            k: v if v == v and v not in (math.inf, -math.inf) else None for k, v in row.items()
        }
        return json.dumps(finite, ensure_ascii=False)
    values = list(row.values())
    if "word" in row or "taken" in row:
        values[0] = ""
    return "\t".join([f"{v:.4f}" if isinstance(v, float) else str(v) for v in values])


def write_lists(lists, as_json):
    """Prints the lists of `ranked_rows`, with an empty line between two."""
    for number, (key, ranked) in enumerate(lists, start=1):
        lines = [""] if number > 1 and not as_json else []
        about = {"list": key or number} if as_json else {}
        lines += [line_of({**about, **row}, as_json) for row in ranked]
        messages.report("\n".join(lines))


def read_scores(path):
    """The `Scores` in the file that --scores names."""
    return Scores(
        sentences.split_lines(text_reader.read_text(path, "--scores")), f"--scores={path}"
    )


def open_models(save_paths, data_path, answers=tf1_checkpoints.Answers()):  # noqa: B008
    """Reads the models to average.

    Args:
      save_paths: list of str, at least one, see `trained_model.read`.
      data_path: str or None, likewise.
      answers: likewise.

    Returns:
      `(scorer, trained)`: a `scoring.Scorer` or `ensemble.Ensemble`, and the first `TrainedModel`.

    Raises:
      errors.RequestError: they have not the same vocabulary.
    """
    models = [trained_model.read(path, data_path, answers) for path in save_paths]
    for model in models[1:]:
        if model.words != models[0].words:
            raise errors.RequestError(
                f"--save_path: {model.path} has another vocabulary than {models[0].path}"
            )
    scorers = [scoring.Scorer(model) for model in models]
    return (scorers[0] if len(scorers) == 1 else ensemble.Ensemble(scorers)), models[0]


def main():
    """Scores what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    scorer, trained = open_models(
        arguments.save_path,
        arguments.data_path,
        tf1_checkpoints.Answers(**old_checkpoints.values()),
    )
    word_to_id, how = trained.word_to_id, trained.preparation
    if arguments.raw_text and how is None:
        messages.say(
            f"--raw_text: the model's corpus does not say how it was prepared (no "
            f"{preparation.FILE}), so the text is taken as tokenized"
        )
    leave_out = arguments.leave_out_unknown
    if leave_out is None:
        leave_out = trained.line_ends == reader.JOINED
    is_nbest = arguments.nbest or arguments.nbest_format
    by_itself = is_nbest or not arguments.carry_state
    is_joined = trained.line_ends == reader.JOINED and not by_itself

    def open_text(nbest_format=None):
        options = arguments.raw_text, nbest_format, leave_out
        return text_reader.TextReader(word_to_id, how, *options)

    def score_text(text, paths):
        blocks = text.read_joined(paths) if is_joined else text.read(paths, by_itself)
        reads_ahead = size_of_files(paths) > 0  # what comes bit by bit is answered at once
        return scoring.score_pieces(blocks, scorer, word_to_id, by_itself, reads_ahead)

    text = open_text((arguments.nbest_format or nbest_reader.GUESS) if is_nbest else None)
    scored = score_text(text, arguments.text)
    if arguments.mix_arpa or arguments.mix_probabilities:
        held_out = open_text()
        scored = mixing.open_mixture(
            arguments, trained.words, lambda path: score_text(held_out, [path])
        )(scored)
    if is_nbest:
        how_to_rank = ranking.Ranking(
            leaves_out=leave_out or reader.UNKNOWN not in word_to_id,
            lm_weight=arguments.lm_weight,
            word_penalty=arguments.word_penalty,
            scores=read_scores(arguments.scores) if arguments.scores else None,
            verbose=arguments.verbose,
        )
        write_lists(ranking.ranked_rows(scored, how_to_rank), arguments.json)
    else:
        for row in results.rows(scored, word_to_id, arguments.verbose):
            messages.report(line_of(row, arguments.json))
    text.report()


if __name__ == "__main__":
    command_line.run(main)
