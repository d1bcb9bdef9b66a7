"""Text to word ids to windows: how a Penn Treebank style corpus becomes the model's input.

A data directory holds `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`: UTF-8, one sentence a
line, words separated by white space. `read_corpus` turns the three files into word ids;
`window_producer` cuts the ids into streams, which are read side by side, and the streams into
windows `[batch_size, num_steps]`. No gradient goes from a window to the one before (truncated
back-propagation).
"""

import collections
import contextlib
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from program.messages import say
from program.progress_bar import with_bar
from text import (
    beside_words,
    corpus_files,
    faults,
    files,
    other_formats,
    other_tokenizers,
    preparation,
    words_of_lines,
)
from text.corpus_files import SPLITS, CorpusError
from text.preparation import Preparation
from text.words_of_lines import APART, JOINED

END_OF_SENTENCE = "<eos>"
UNKNOWN = "<unk>"
# What the TF1 script took for words, but `<eos>`, which is one here, too.
ALL_MARKS = (
    *words_of_lines.BEGINNINGS,
    *(mark for mark in words_of_lines.ENDS if mark != END_OF_SENTENCE),
)
NO_WORD = -1  # in the place of a word to predict, where there is no word
# The collection of a graph's `Text`s. A metagraph has only collections whose keys are strings.
_TEXTS = ("reader.Text",)
_SAMPLE_LENGTH = 1 << 16  # characters of a text that show what it is
_TEXT_SCOPE = "set_by_reader.load_texts"

tf1 = tf.compat.v1


class Corpus(NamedTuple):
    """The three texts as word ids, and the word of each id.

    Attributes:
      train, valid, test: int32 arrays, one id a word, sentences one after another.
      words: list of str; `words[i]` is the word with id `i`.
      preparation: `preparation.Preparation`, how they were made of text; None if that is not said.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    words: list
    preparation: Preparation | None = None


class Streams(NamedTuple):
    """How a text is cut into streams and windows: numbers only, no tensors.

    The text is cut into `num_replicas * batch_size` equal pieces, called streams. The words left
    over at the end of the text are dropped. Each replica of the model reads `batch_size` of them
    side by side, window by window.

    Attributes:
      num_words: int, the text's words.
      batch_size: int, streams of one replica.
      num_steps: int, words of each stream in one window.
      num_replicas: int, model replicas that share the text.
      keep_remainder: bool, read the end of each stream, too, where it does not fill a window.
      name: str or None, the text's name in messages.
    """

    num_words: int
    batch_size: int
    num_steps: int
    num_replicas: int = 1
    keep_remainder: bool = False
    name: str | None = None

    @property
    def epoch_size(self) -> int:
        """How many windows an epoch has: `(num_words // streams - 1) // num_steps`.

        With `keep_remainder` the last, partial window counts, too.

        Raises:
          CorpusError: the text is too short for one window.
        """
        num_streams = self.num_replicas * self.batch_size
        num_predictions = self.num_words // num_streams - 1
        if self.keep_remainder:
            num_predictions += self.num_steps - 1
        epoch_size = num_predictions // self.num_steps
        if epoch_size < 1:
            raise CorpusError(
                f"{self.name or 'input'}: a text of {self.num_words} words is too short for one "
                f"window of {num_streams} streams by {self.num_steps} steps: epoch_size == 0, "
                "decrease batch_size or num_steps, or take a longer text"
            )
        return epoch_size

    def steps_until(self, window: int) -> int:
        """How many time steps come before a window."""
        steps = window * self.num_steps
        if self.keep_remainder:
            steps = min(steps, self.num_words // (self.num_replicas * self.batch_size) - 1)
        return steps

    def words_until(self, window: int) -> int:
        """How many words are predicted before a window, in all streams together."""
        return self.steps_until(window) * self.batch_size * self.num_replicas


class Text(NamedTuple):
    """A text of a graph, and how a session gets it: see `load_texts`.

    Attributes:
      ids: int32 array `[num_words]`.
      placeholder: int32 `[num_words]`, fed with the ids.
      initializer: the operation that is then run.
    """

    ids: np.ndarray
    placeholder: tf.Tensor
    initializer: tf.Operation


class Windows(NamedTuple):
    """One window of a text, and the tensors that choose the window.

    Attributes:
      x: int32 `[batch_size, num_steps]`, the words to read.
      y: int32 `[batch_size, num_steps]`, the words to predict: `x` one word later.
      position: int64 scalar, the number of the window. It counts up by itself in a session, and is
        taken modulo the epoch's size. A caller may feed it instead, to choose the window.
      replica, num_replicas: int32 scalar constants (0 and 1). `util.auto_parallel` rewrites both,
        so that each replica reads streams of its own.
      streams: `Streams`, how the text is cut.
      text: `Text`, what the windows are cut from.
    """

    x: tf.Tensor
    y: tf.Tensor
    position: tf.Tensor
    replica: tf.Tensor
    num_replicas: tf.Tensor
    streams: Streams
    text: Text


def _blocks_of_words(path, vocabulary=(), block_bytes=1 << 20):
    """Yields lists of words, those of `block_bytes` of text each: memory stays bounded.

    A mark of a sentence's beginning or end that is in `vocabulary` is a word; see `lines.Marks`.
    """
    marks = words_of_lines.Marks(vocabulary)
    with _naming(path):
        blocks = with_bar(files.read_blocks(path, block_bytes), path, os.path.basename(path))
        yield from words_of_lines.words_of_blocks(blocks, marks)
    if marks.counts:
        say(f"{path}: {marks.in_words()}")


@contextlib.contextmanager
def _naming(path):
    """Makes a CorpusError, which names the file, of what can go wrong while it is read."""
    try:
        yield
    except FileNotFoundError:
        raise CorpusError(
            f"{path}: no such file; a data directory holds ptb.train.txt, ptb.valid.txt and "
            "ptb.test.txt"
        ) from None
    except files.TextError as error:
        raise CorpusError(f"{path}: {error}") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror}") from None


def _blocks_as_in_tf1(path, _=()):
    """Yields the words by the TF1 script's own rule, all in one list: it read the text whole."""
    with _naming(path):
        # A carriage return before a line end is white space, so that the words are apart.
        yield join_line_ends("".join(files.read_blocks(path, keeps_returns=True))).split()


def join_line_ends(text: str) -> str:
    """Replaces line ends as the TF1 script did."""
    return text.replace("\n", END_OF_SENTENCE)


def line_ends_of(words: Iterable[str]) -> str:
    """How the text of a vocabulary was read, `APART` or `JOINED`: joined words show it."""
    joined = any(END_OF_SENTENCE in word and word != END_OF_SENTENCE for word in words)
    return JOINED if joined else APART


_BLOCKS = {APART: _blocks_of_words, JOINED: _blocks_as_in_tf1}


def _by_falling_count(counts):
    return sorted(counts, key=lambda word: (-counts[word], word))


def build_vocabulary(counts: Mapping[str, int], max_words: int | None = None) -> list[str]:
    """Orders a corpus's words by falling count, and equally frequent words by the word itself.

    Args:
      counts: dict of str to int, how often the training text has each word.
      max_words: the largest size; None or 0: no limit. If the text has more words, the rarest
        become `<unk>`, which then is in the vocabulary.

    Returns:
      List of str: the word of each id.

    Raises:
      ValueError: `max_words` is below 0.
    """
    if max_words and max_words < 0:
        raise ValueError(f"max_words is {max_words}, but must be at least 0")
    if not max_words or len(counts) <= max_words:
        return _by_falling_count(counts)
    named = [word for word in _by_falling_count(counts) if word != UNKNOWN][: max_words - 1]
    kept = {word: counts[word] for word in named}
    kept[UNKNOWN] = sum(counts.values()) - sum(kept.values())
    return _by_falling_count(kept)


def words_to_ids(
    blocks: Iterable[list[str]], word_to_id: Mapping[str, int], leave_out: bool = False
) -> tuple[np.ndarray, int, int]:
    """Looks words up. An unknown word becomes `<unk>`; without `<unk>` it is left out.

    Args:
      blocks: iterable of lists of words.
      word_to_id: dict of str to int.
      leave_out: leave unknown words out, as the TF1 script did, even if there is an `<unk>`.

    Returns:
      `(ids, num_unknown, num_words)`: the ids as an int32 array, the number of words that were not
      in the vocabulary, and the number of all words.
    """
    unknown_id = -1 if leave_out else word_to_id.get(UNKNOWN, -1)
    pieces, num_unknown, num_words = [np.zeros(0, np.int32)], 0, 0
    for words in blocks:
        ids = np.fromiter(map(word_to_id.get, words, itertools.repeat(-1)), np.int32, len(words))
        num_words += len(words)
        if words and ids.min() < 0:
            is_unknown = ids < 0
            num_unknown += int(is_unknown.sum())
            ids[is_unknown] = unknown_id
            ids = ids[ids >= 0]
        pieces.append(ids)
    return np.concatenate(pieces), num_unknown, num_words


def _check_text(path, num_words, num_unknown, fate):
    """Says how many words of a text are unknown, and what becomes of them; CorpusError if empty."""
    if num_words == 0:
        raise CorpusError(f"{path}: is empty; it must hold at least one sentence")
    if num_unknown:
        say(f"{path}: {num_unknown} of {num_words} words are not in the vocabulary and {fate}")


def _read_training_text(path, max_words, line_ends, marks_kept=()):
    """The text as word ids, and the ids of its words: a dict, by falling count.

    To look a word up is what takes the time. So it is done once: words are numbered as they come,
    and the numbers are replaced when the words are counted.
    """
    numbers: dict[str, int] = collections.defaultdict(itertools.count().__next__)
    pieces = [
        np.fromiter(map(numbers.__getitem__, words), np.int32, len(words))
        for words in _BLOCKS[line_ends](path, marks_kept)
    ]
    totals = np.zeros(len(numbers), np.int64)
    for piece in pieces:
        totals += np.bincount(piece, minlength=len(numbers))
    counts = dict(zip(numbers, totals.tolist()))
    words = build_vocabulary(counts, max_words)
    if counts and END_OF_SENTENCE not in words and line_ends == APART:
        say(
            f"{path}: has no line ends, or too few for {END_OF_SENTENCE} to be in the "
            "vocabulary: generate.py, export.py and score.py --nbest will refuse the model"
        )
    if fact := other_tokenizers.about_unknowns(counts):
        say(f"{path}: {fact}")
    word_to_id = {word: i for i, word in enumerate(words)}
    num_unknown = sum(counts[word] for word in numbers.keys() - word_to_id.keys())
    fate = f"become {UNKNOWN}: --vocab_size is {max_words}, and 0 would keep all {len(counts)}"
    _check_text(path, totals.sum(), num_unknown, fate)
    unknown_id = word_to_id.get(UNKNOWN)
    ids = np.array([word_to_id.get(word, unknown_id) for word in numbers], np.int32)
    for piece in pieces:
        np.take(ids, piece, out=piece, mode="clip")  # the other modes would make a copy
    return np.concatenate(pieces), word_to_id


def _say_what_is_no_text(path):
    """Says if a training text seems to be something else; of a pipe it would take the beginning."""
    if not os.path.isfile(path):
        return
    with _naming(path):
        sample = next(files.read_blocks(path, says=False), "")
    if found := other_formats.what_it_has(sample):
        say(
            f"{path}: {found[0]}, as its {found[1]:.40} shows, and all of it is taken for words; "
            "data/prepare_text.py makes a corpus of text"
        )
    elif beside := beside_words.find(sample[:_SAMPLE_LENGTH].split("\n")[:-1]):
        say(f"{path}: {beside_words.in_words(beside, 'taken for words')}")
    for what in faults.in_words(sample[:_SAMPLE_LENGTH], [faults.JOINED_MARKS]):
        say(f"{path}: {what}")


def _read_split(path, word_to_id, line_ends, leave_out=False):
    """Another text as word ids."""
    blocks = _BLOCKS[line_ends](path, word_to_id)
    ids, num_unknown, num_words = words_to_ids(blocks, word_to_id, leave_out)
    fate = "are left out" if leave_out or UNKNOWN not in word_to_id else f"become {UNKNOWN}"
    _check_text(path, num_words, num_unknown, fate)
    if len(ids) == 0:
        raise CorpusError(f"{path}: has no word of the training text's vocabulary")
    return ids


def read_corpus(
    data_path: str,
    max_words: int | None = None,
    line_ends: str = APART,
    keep_marks: bool = False,
) -> Corpus:
    """Reads `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`.

    Each line end is the word `<eos>`; see `text/words_of_lines.py` for words that mark a beginning
    or an end. Only the words of the training text are in the vocabulary. One line on standard error
    says for each file how many of its words are not in the vocabulary. Another line warns of a
    training text without line ends.

    Args:
      data_path: the directory of the three files.
      max_words: the vocabulary's largest size, as in `build_vocabulary`.
      line_ends: what a line end is, one of `lines.LINE_ENDS`. With `JOINED`, unknown words are left
        out, as in `words_to_ids`: the TF1 script did both.
      keep_marks: `<s>`, `</s>` and the like are words, as they were for the TF1 script.

    Raises:
      CorpusError: a file is missing, unreadable, empty or not UTF-8 text.
      preparation.PreparationError: the description of the preparation is damaged.
    """
    corpus_files.check(data_path)
    paths = [corpus_files.path_of(data_path, split) for split in SPLITS]
    marks_kept = ALL_MARKS if keep_marks else ()
    described = preparation.read(data_path)
    if described is None:
        _say_what_is_no_text(paths[0])
    train, word_to_id = _read_training_text(paths[0], max_words, line_ends, marks_kept)
    leave_out = line_ends == JOINED
    valid, test = (_read_split(path, word_to_id, line_ends, leave_out) for path in paths[1:])
    how = described or preparation.of_words(word_to_id)
    return Corpus(train, valid, test, list(word_to_id), how)


def read_training_text(data_path: str, line_ends: str = APART) -> tuple[np.ndarray, list[str]]:
    """Reads `ptb.train.txt` alone, with all its words, `<s>` and the like included.

    Arguments and errors are those of `read_corpus`.

    Returns:
      `(ids, words)`: an int32 array, and the word of each id.
    """
    path = os.path.join(data_path, f"ptb.{SPLITS[0]}.txt")
    ids, word_to_id = _read_training_text(path, None, line_ends, ALL_MARKS)
    return ids, list(word_to_id)


def read_held_out(
    data_path: str, words: list[str], line_ends: str = APART, leave_out: bool | None = None
) -> Corpus:
    """Reads `ptb.valid.txt` and `ptb.test.txt` with a given vocabulary.

    Args:
      data_path: the directory of the two files.
      words: list of str, the word of each id.
      line_ends: what a line end is, one of `lines.LINE_ENDS`.
      leave_out: as in `words_to_ids`; None: as in `read_corpus`.

    Returns:
      A `Corpus` without a training text.

    Raises:
      CorpusError: as in `read_corpus`.
    """
    word_to_id = {word: i for i, word in enumerate(words)}
    leave_out = line_ends == JOINED if leave_out is None else leave_out
    valid, test = (
        _read_split(os.path.join(data_path, f"ptb.{split}.txt"), word_to_id, line_ends, leave_out)
        for split in SPLITS[1:]
    )
    return Corpus(np.zeros(0, np.int32), valid, test, words)


def reordered(corpus: Corpus, words: list[str]) -> Corpus:
    """The corpus with the ids of another order of the same words."""
    word_to_id = {word: i for i, word in enumerate(words)}
    new_ids = np.array([word_to_id[word] for word in corpus.words], np.int32)
    train, valid, test = (new_ids[each] for each in (corpus.train, corpus.valid, corpus.test))
    return corpus._replace(train=train, valid=valid, test=test, words=words)


def ptb_raw_data(
    data_path: str, max_words: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Reads a corpus; see `read_corpus`, which also returns the words.

    Returns:
      `(train_ids, valid_ids, test_ids, vocabulary_size)`, the ids as int32 arrays.
    """
    corpus = read_corpus(data_path, max_words)
    return corpus.train, corpus.valid, corpus.test, len(corpus.words)


def _as_ids(raw_data):
    """A list or array of word ids as an int32 array; ValueError if it is something else."""
    ids = np.asarray(raw_data)
    if ids.ndim != 1 or (ids.size and not np.issubdtype(ids.dtype, np.integer)):
        raise ValueError(f"word ids must be a list of integers, not {ids.dtype} {ids.shape}")
    if ids.size and not 0 <= ids.min() <= ids.max() < 2**31:
        raise ValueError(f"word ids must be 0 to 2**31 - 1, not {ids.min()} to {ids.max()}")
    return ids.astype(np.int32, copy=False)


def _add_text(ids):
    """Adds a variable for a text to the graph, and what sets it; returns the variable and a `Text`.

    The graph's definition goes into metagraphs, checkpoints' `.meta` files and TensorBoard's, and
    has at most 2 GiB. The text is not in it: a session gets it by `load_texts`.
    """
    # No Saver saves a model variable, and replicas share it.
    options = dict(trainable=False, use_resource=True, collections=[tf1.GraphKeys.MODEL_VARIABLES])
    # A session without the text raises an error with the variable's name in it. So that says what
    # to call.
    with tf.name_scope(_TEXT_SCOPE):
        placeholder = tf1.placeholder(tf.int32, ids.shape, name="text")
        variable = tf1.Variable(placeholder, name="ids", **options)
        next_window = tf1.Variable(np.int64(0), name="next_window", **options)
        initializer = tf.group(variable.initializer, next_window.initializer, name="load")
    text = Text(ids, placeholder, initializer)
    add_text(text)
    return variable, next_window, text


def add_text(text: Text) -> None:
    """Makes `load_texts` set a text of the current graph, too."""
    tf1.add_to_collection(_TEXTS, text)


def load_texts(session: tf.compat.v1.Session) -> None:
    """Gives a session the texts of its graph, each of which begins with its first window.

    Call it once a session, before anything is computed from a text. As long as it was not called,
    TensorFlow raises an error with the name `reader.load_texts` in it.

    Raises:
      ValueError: the graph was read from a file, which does not hold the texts.
    """
    texts = session.graph.get_collection(_TEXTS)
    names = (operation.name for operation in session.graph.get_operations())
    if not texts and any(f"{_TEXT_SCOPE}/" in name for name in names):
        raise ValueError(
            "the graph was read from a file, which does not hold its texts; the collections "
            '"Train/text", "Valid/text" and "Test/text" name what to run and to feed'
        )
    for text in texts:
        session.run(text.initializer, {text.placeholder: text.ids})


def window_producer(
    raw_data: Sequence[int] | np.ndarray,
    batch_size: int,
    num_steps: int,
    name: str | None = None,
    keep_remainder: bool = False,
) -> Windows:
    """Cuts a text into windows, and produces one after another; after the last, the first again.

    The ids are cut into `batch_size` equal pieces, called streams; the words left over at the end
    are dropped. Window `i` is columns `[i*num_steps, (i+1)*num_steps)` of the streams. The LSTM
    state that is carried in a stream therefore always meets the words that follow those it has
    read. docs/understanding.md has the Penn Treebank's second window as an example, and why an
    epoch has 2,323 windows.

    Args:
      raw_data: word ids, a list or an int array `[num_words]`.
      batch_size: the number of streams.
      num_steps: the words of each stream in a window.
      name: the operations' name scope.
      keep_remainder: as in `Streams`; beyond the end, `x` repeats words of the text, and `y` is
        `NO_WORD`.

    Returns:
      The `Windows`. A session needs `load_texts(session)` first, and no queue runners.

    Raises:
      CorpusError: the text is too short for one window.
      ValueError: `raw_data` are not word ids, or a size is below 1.
      RuntimeError: eager execution is on.
    """
    if tf.executing_eagerly():
        raise RuntimeError("a graph is needed: build it in `with tf.Graph().as_default():`")
    ids = _as_ids(raw_data)
    batch_size, num_steps = int(batch_size), int(num_steps)  # NumPy's would make int64 tensors
    if batch_size < 1 or num_steps < 1:
        raise ValueError(f"batch_size is {batch_size}, num_steps {num_steps}: both must be above 0")
    streams = Streams(len(ids), batch_size, num_steps, 1, keep_remainder, name)
    _ = streams.epoch_size  # raises if there is no window
    # On the CPU: an accelerator's memory is better used for the model than for the text.
    with tf.name_scope(name or "PTBProducer"), tf.device("/cpu:0"):
        variable, next_window, text = _add_text(ids)
        replica = tf.constant(0, name="replica")
        num_replicas = tf.constant(1, name="num_replicas")
        # In a step every replica counts once, in any order, and all must get the same number.
        count = next_window.assign_add(1) - 1
        position = tf.identity(count // tf.cast(num_replicas, tf.int64), name="position")
        x, y = _cut_window(variable, position, replica, num_replicas, streams)
    return Windows(x, y, position, replica, num_replicas, streams, text)


def _cut_window(ids, position, replica, num_replicas, streams):
    """Adds the words of a window to the graph; arguments and results are those of `Windows`.

    The streams are cut in the graph, not in Python, so that a rewritten `num_replicas` changes it.
    """
    _, batch_size, num_steps, _, keep_remainder, _ = streams
    stream_length = streams.num_words // (num_replicas * batch_size)
    epoch_size = (stream_length - 1 + keep_remainder * (num_steps - 1)) // num_steps
    window = tf.cast(position % tf.cast(epoch_size, tf.int64), tf.int32)
    rows = replica * batch_size + tf.range(batch_size)
    columns = window * num_steps + tf.range(num_steps)
    offsets = tf.expand_dims(rows * stream_length, 1)
    x = tf.gather(ids, offsets + tf.minimum(columns, stream_length - 1), name="x")
    y = tf.gather(ids, offsets + tf.minimum(columns + 1, stream_length - 1), name="y")
    if keep_remainder:
        y = tf.where(columns + 1 < stream_length, y, NO_WORD)
    return x, y


def ptb_producer(
    raw_data: Sequence[int] | np.ndarray, batch_size: int, num_steps: int, name: str | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts a text into windows; see `window_producer`, which also returns their number.

    Returns:
      `(x, y)`, int32 `[batch_size, num_steps]`; `y` is `x` one word later. A session needs
      `load_texts(session)` first.
    """
    windows = window_producer(raw_data, batch_size, num_steps, name)
    return windows.x, windows.y
