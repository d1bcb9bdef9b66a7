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
    from program import tensorflow_start

    tensorflow_start.import_tensorflow()

import json
import math
import sys

from absl import flags

import reader
from program import command_line, errors, messages, path_flags, tensorflow_start
from text import files, list_reader, nbest, preparation, sentences
from text.scores import Scores
from trained import mixing_flags, ranking, results, scoring, text_reader, trained_model


def write(row, as_json):
    """Prints a row, a dict, as a line of JSON or tab-separated."""
    if as_json:
        finite = {
            k: v if v == v and v not in (math.inf, -math.inf) else None for k, v in row.items()
        }
        print(json.dumps(finite, ensure_ascii=False))
        return
    values = list(row.values())
    if "word" in row or "taken" in row:
        values[0] = ""
    print(*(f"{v:.4f}" if isinstance(v, float) else v for v in values), sep="\t")


def read_scores(path):
    """The `Scores` in the file that --scores names."""
    return Scores(
        sentences.split_lines(text_reader.read_text(path, "--scores")), f"--scores={path}"
    )


def open_models(save_paths, data_path):
    """Reads the models to average.

    Args:
      save_paths: list of str, see `trained_model.read`.
      data_path: str or None, likewise.

    Returns:
      `(scorer, trained)`: a `scoring.Scorer` or `Mixture`, and the first `TrainedModel`.

    Raises:
      errors.RequestError: there is none, or they have not the same vocabulary.
    """
    if not save_paths:
        raise errors.RequestError(
            "--save_path: name what training saved: a directory or a "
            "checkpoint; several, separated by commas, are averaged"
        )
    models = [trained_model.read(save_path, data_path) for save_path in save_paths]
    for model in models[1:]:
        if model.words != models[0].words:
            raise errors.RequestError(
                f"--save_path: {model.path} has another vocabulary than {models[0].path}"
            )
    scorers = [scoring.Scorer(model) for model in models]
    return (scorers[0] if len(scorers) == 1 else scoring.Mixture(scorers)), models[0]


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
        [files.STANDARD_INPUT],
        "The text, a sentence a line; repeat the flag for several files. -: standard input.",
    )
    flags.DEFINE_bool(
        "carry_state",
        True,
        "The text is one stream; --nocarry_state: each line is scored by itself.",
    )
    flags.DEFINE_bool(
        "raw_text",
        False,
        "The text is not tokenized: prepare it as the corpus of the training was.",
    )
    flags.DEFINE_bool("nbest", False, "Sort lists of hypotheses, an empty line between the lists.")
    flags.DEFINE_enum(
        "nbest_format", None, nbest.FORMATS, "--nbest for lists in this format; see above."
    )
    flags.DEFINE_float("lm_weight", None, "Sort by the hypotheses' scores, too; see above.")
    flags.DEFINE_float("word_penalty", 0, "What each word takes off a hypothesis's score.")
    path_flags.define_path("scores", None, "A file of scores, a line each: `id score`, or `score`.")
    flags.DEFINE_bool(
        "verbose", False, "Every word's log-probability, or what was taken from a list's line."
    )
    mixing_flags.define()
    flags.DEFINE_bool("json", False, "A line of JSON for each row.")


def check_flags(arguments):
    """Refuses flags that do not go together, with a `errors.RequestError`."""
    for name in ("lm_weight", "word_penalty", "scores"):
        if arguments[name].present and not arguments.nbest:
            raise errors.RequestError(f"--{name}: sorts hypotheses, with --nbest")
    for name in ("lm_weight", "word_penalty"):
        if not math.isfinite(arguments[name].value or 0):
            raise errors.RequestError(f"--{name}: must be a finite number")
    if arguments["carry_state"].present and arguments.carry_state and arguments.nbest:
        raise errors.RequestError("--carry_state: hypotheses are scored each by itself")
    if arguments.scores and arguments.lm_weight is None:
        raise errors.RequestError("--scores: are used with --lm_weight alone")
    mixing_flags.check(arguments)


def write_lists(lists, as_json):
    """Prints the lists of `ranked_rows`, with an empty line between two."""
    for number, (key, ranked) in enumerate(lists, start=1):
        if number > 1 and not as_json:
            print()
        for row in ranked:
            write({"list": key or number, **row} if as_json else row, as_json)
        sys.stdout.flush()


def write_rows(all_rows, as_json):
    """Prints rows as soon as they are known."""
    for row in all_rows:
        write(row, as_json)
        sys.stdout.flush()


def main():
    """Scores what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    if arguments.nbest_format:
        arguments.nbest = True  # type: ignore[assignment]
    check_flags(arguments)
    scorer, trained = open_models(arguments.save_path, arguments.data_path)
    word_to_id, how = trained.word_to_id, trained.preparation
    if arguments.raw_text and how is None:
        messages.say(
            f"--raw_text: the model's corpus does not say how it was prepared (no "
            f"{preparation.FILE}), so the text is taken as tokenized"
        )
    nbest_format = arguments.nbest_format or (list_reader.GUESS if arguments.nbest else None)
    text = text_reader.TextReader(word_to_id, how, arguments.raw_text, nbest_format)
    by_itself = arguments.nbest or not arguments.carry_state

    def score_text(text, paths):
        blocks = text.read(paths, complete_last_line=by_itself)
        return scoring.score_pieces(blocks, scorer, word_to_id, by_itself)

    scored = score_text(text, arguments.text)
    if arguments.mix_arpa or arguments.mix_probabilities:
        held_out = text_reader.TextReader(word_to_id, how, arguments.raw_text)
        mixture = mixing_flags.open_mixture(
            arguments, trained.words, lambda path: score_text(held_out, [path])
        )
        scored = mixture(scored)
    if arguments.nbest:
        how_to_rank = ranking.Ranking(
            leaves_out=reader.UNKNOWN not in word_to_id,
            lm_weight=arguments.lm_weight,
            word_penalty=arguments.word_penalty,
            scores=read_scores(arguments.scores) if arguments.scores else None,
            verbose=arguments.verbose,
        )
        write_lists(ranking.ranked_rows(scored, how_to_rank), arguments.json)
    else:
        write_rows(results.rows(scored, word_to_id, arguments.verbose), arguments.json)
    text.report()


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
