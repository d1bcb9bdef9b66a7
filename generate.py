"""Continues a text with words drawn from a trained model.

    python generate.py --save_path=RUN --prompt="the company said" --num_words=50
    python generate.py --save_path=RUN --raw_text --prompt="The company said: “We"
    python generate.py --save_path=RUN --num_samples=100 --temperature=0.8 --top_k=50 --seed=1
    python generate.py --save_path=RUN --nearest=company --num_words=5

The model reads an `<eos>`, as before any sentence, then the prompt. The words are printed as they
are chosen, `<eos>` as a line end; several samples, of which the first is printed as it comes, have
an empty line between them. The same flags print the same text.

With --raw_text the prompt is text as people write it, prepared as the corpus of the training was,
and the words are joined into such text: `he doesn't like it, she said.`, characters without spaces.

--nearest prints no text, but the words whose vectors in the embedding are nearest to a word's, each
with the cosine of the angle between the two.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import generate as script_flags

    command_line.start(script_flags.define, script_flags.check)

import functools

import numpy as np
from absl import flags

import reader
from program import command_line, errors, messages
from saved import tf1_checkpoints
from script_flags import old_checkpoints
from text import detokenizer, preparation, sentences, words_of_lines
from trained import generation, similar_words, trained_model

MAX_BATCH_SIZE = 128


class Printer:
    """Prints words, joined into text; `<eos>` as a line end."""

    def __init__(self, joiner):
        """Begins at the start of a line; see `Preparation.joiner`."""
        self._joiner = joiner
        self._within_line = False

    def __call__(self, word):
        """Prints one word."""
        messages.report(self._joiner(word), end="")
        self._within_line = word != reader.END_OF_SENTENCE

    def end_line(self):
        """Prints a line end, unless one was just printed."""
        if self._within_line:
            self(reader.END_OF_SENTENCE)


def _words_of_prompt(prompt, word_to_id, how):
    marks = words_of_lines.Marks(word_to_id)
    pieces, words = sentences.split_lines([prompt]), []
    for piece in pieces:
        line = words_of_lines.whole_line(piece, pieces)
        for part, _ in words_of_lines.words_of_line(line, marks, how):
            words += part
    return words + marks.last_words()


def read_prompt(prompt, word_to_id, how=None, line_ends=reader.APART):
    """The ids of a prompt's words; which are not in the vocabulary is said on standard error.

    Args:
      prompt: str; a line end in it is an `<eos>`; see `words_of_lines.Marks`, too.
      word_to_id: dict of str to int.
      how: a `preparation.Preparation`, to cut the prompt into words; None at white space.
      line_ends: one of `lines.LINE_ENDS`.

    Returns:
      Int32 array.
    """
    if line_ends == reader.JOINED and how is None:
        words = reader.join_line_ends(prompt).split()
    else:
        words = _words_of_prompt(prompt, word_to_id, how)
    ids, _, _ = reader.words_to_ids([words], word_to_id)
    unknown = [word for word in dict.fromkeys(words) if word not in word_to_id]
    if unknown:
        fate = f"read as {reader.UNKNOWN}" if reader.UNKNOWN in word_to_id else "left out"
        messages.say(f"--prompt: not in the vocabulary, and {fate}: {' '.join(unknown)}")
    return ids


def print_batch(prompt, steps, words, new_joiner=detokenizer.SpaceJoiner):
    """Prints samples one after another, the first while it is made.

    Args:
      prompt: list of str, the words before each sample.
      steps: iterable of int arrays, the next word of each sample.
      words: list of str, the word of each id.
      new_joiner: makes a function that joins the words of a sample.
    """
    printer = Printer(new_joiner())
    for word in prompt:
        printer(word)
    ids = []
    for step in steps:
        printer(words[step[0]])
        ids.append(step)
    printer.end_line()
    for sample in np.transpose(ids)[1:]:
        messages.report("")
        printer = Printer(new_joiner())
        for word in [*prompt, *(words[i] for i in sample)]:
            printer(word)
        printer.end_line()


def print_nearest(trained, word, count):
    """Prints the words whose vectors are nearest to a word's; RequestError if it is unknown."""
    if word not in trained.word_to_id:
        raise errors.RequestError(f"--nearest={word}: is not in the model's vocabulary")
    vectors = trained_model.read_weights(trained)[trained_model.EMBEDDING][: len(trained.words)]
    for i, cosine in similar_words.nearest_words(vectors, trained.word_to_id[word], count):
        messages.report(f"{trained.words[i]}\t{cosine:.4f}")


def main():
    """Generates what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    trained = trained_model.read(
        arguments.save_path,
        arguments.data_path,
        tf1_checkpoints.Answers(**old_checkpoints.values()),
    )
    if arguments.nearest is not None:
        print_nearest(trained, arguments.nearest, arguments.num_words)
        return
    word_to_id = trained.word_to_id
    how = None
    if arguments.raw_text:
        how = trained.preparation or preparation.TOKENIZED
    elif trained.preparation and any(
        trained.preparation.makes_known(word, word_to_id) for word in arguments.prompt.split()
    ):
        messages.say("--prompt: is not tokenized, it seems; --raw_text prepares it")
    prompt = read_prompt(arguments.prompt, word_to_id, how, trained.line_ends)
    forbidden = [] if arguments.unknown else trained.unknown_ids
    sampler = generation.Sampler(trained, forbidden, arguments.top_k)
    start = [trained.start, *prompt]
    shown = [
        word if word == reader.END_OF_SENTENCE else word.replace(reader.END_OF_SENTENCE, "\n")
        for word in trained.words
    ]
    for first in range(0, arguments.num_samples, MAX_BATCH_SIZE):
        if first:
            messages.report("")
        steps = sampler.sample(
            start,
            arguments.num_words,
            min(MAX_BATCH_SIZE, arguments.num_samples - first),
            arguments.temperature,
            arguments.seed,
            first,
        )
        new_joiner = (
            functools.partial(how.joiner, trained.words) if how else detokenizer.SpaceJoiner
        )
        print_batch([shown[i] for i in prompt], steps, shown, new_joiner)


if __name__ == "__main__":
    command_line.run(main)
