import collections
import os
import threading

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import reader
from text import corpus_files, preparation

tf1 = tf.compat.v1


def write_corpus(directory, train, valid="a \n", test="a \n"):
    for split, text in (("train", train), ("valid", valid), ("test", test)):
        data = text if isinstance(text, bytes) else text.encode()
        (directory / f"ptb.{split}.txt").write_bytes(data)
    return str(directory)


def words_of(ids, corpus):
    return [corpus.words[i] for i in ids]


def produce(windows, count):
    with tf1.Session() as session:
        reader.load_texts(session)
        return [session.run((windows.x, windows.y)) for _ in range(count)]


def test_ids_by_falling_count_then_by_word(tmp_path):
    corpus = reader.read_corpus(write_corpus(tmp_path, " b c b a \n c d \n"))
    assert corpus.words == ["<eos>", "b", "c", "a", "d"]
    assert words_of(corpus.train, corpus) == ["b", "c", "b", "a", "<eos>", "c", "d", "<eos>"]
    assert corpus.train.dtype == np.int32


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_read_from_its_beginning(tmp_path):
    expected = reader.read_corpus(write_corpus(tmp_path, " b c b a \n c d \n"))
    path = tmp_path / "ptb.train.txt"
    path.unlink()
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=[" b c b a \n c d \n"], daemon=True)
    writer.start()
    corpus_files.check(str(tmp_path))  # before TensorFlow is imported; it must not take a byte
    np.testing.assert_array_equal(reader.read_corpus(str(tmp_path)).train, expected.train)
    writer.join(10)


def test_raw_data_is_four_things(tmp_path):
    train, valid, test, size = reader.ptb_raw_data(write_corpus(tmp_path, "a b \n", test="b \n"))
    assert (list(train), list(valid), list(test), size) == ([1, 2, 0], [1, 0], [2, 0], 3)


def test_line_ends_of_windows_are_joined_as_the_script_joined_them(tmp_path):
    text = "one two\r\nthree\r\none\r\n"
    corpus = reader.read_corpus(write_corpus(tmp_path, text, text, text), line_ends=reader.JOINED)
    assert words_of(corpus.train, corpus) == text.replace("\n", "<eos>").split()
    assert words_of(corpus.test, corpus) == text.replace("\n", "<eos>").split()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<!DOCTYPE html><p>the owl {i}</p>\n", "is XML or HTML, as its <!DOCTYPE shows"),
        ('{{"sentence": "the owl {i}"}}\n', "has JSON, as its"),
        ("the owl sees {i}\n", None),
    ],
)
def test_what_is_no_text_is_said(tmp_path, capsys, line, said):
    path = write_corpus(tmp_path, "".join(line.format(i=i) for i in range(40)), "the\n", "the\n")
    reader.read_corpus(path)
    err = capsys.readouterr().err
    assert (f"ptb.train.txt: {said}" in err) if said else "prepare_text.py" not in err
    preparation.write(preparation.TOKENIZED, path)  # it was made so on purpose
    reader.read_corpus(path)
    assert "prepare_text.py" not in capsys.readouterr().err


def test_each_line_end_is_a_word(tmp_path):
    text = "one two\r\n\r\nthree\nfour"  # no space before the end, empty line, no end at the end
    corpus = reader.read_corpus(write_corpus(tmp_path, text, "one\n", "\ufefftwo\n"))
    expected = ["one", "two", "<eos>", "<eos>", "three", "<eos>", "four"]
    assert words_of(corpus.train, corpus) == expected
    assert words_of(corpus.test, corpus) == ["two", "<eos>"]


@settings(max_examples=50, deadline=None)
@given(
    st.text(st.sampled_from("ab \n\t\u00e9\u2003"), max_size=80),
    st.integers(min_value=1, max_value=12),
)
def test_blocks_do_not_cut_words(tmp_path_factory, text, block_bytes):
    path = tmp_path_factory.mktemp("blocks") / "text"
    path.write_bytes(text.encode())
    words = [word for block in reader._blocks_of_words(path, (), block_bytes) for word in block]
    assert words == text.replace("\n", " <eos> ").split()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "<unk>", "<eos>"]), min_size=1),
    st.integers(min_value=1, max_value=7),
)
def test_vocabulary_ceiling_is_as_if_the_text_had_unk(words, max_words):
    counts = collections.Counter(words)
    vocabulary = reader.build_vocabulary(counts, max_words)
    assert len(vocabulary) == min(max_words, len(counts))
    replaced = collections.Counter(w if w in vocabulary else "<unk>" for w in words)
    assert vocabulary == sorted(replaced, key=lambda word: (-replaced[word], word))
    kept = [counts[word] for word in vocabulary if word != "<unk>"]
    lost = [n for word, n in counts.items() if word not in vocabulary]
    assert not lost or not kept or min(kept) >= max(lost)


def test_unknown_words_become_unk_and_are_counted(tmp_path, capsys):
    path = write_corpus(tmp_path, "a b <unk> \n", "a x y \n", "b \n")
    corpus = reader.read_corpus(path)
    assert words_of(corpus.valid, corpus) == ["a", "<unk>", "<unk>", "<eos>"]
    assert capsys.readouterr().err == (
        f"{os.path.join(path, 'ptb.valid.txt')}: 2 of 4 words are not in the vocabulary and "
        "become <unk>\n"
    )


def test_a_training_text_without_line_ends_is_said_at_once(tmp_path, capsys):
    texts = {"train": "a b a b", "valid": "a b", "test": "b a"}
    for split, text in texts.items():
        (tmp_path / f"ptb.{split}.txt").write_text(text)
    assert reader.read_corpus(tmp_path).words == ["a", "b"]
    error = capsys.readouterr().err
    assert (
        error.startswith(f"{tmp_path}/ptb.train.txt: has no line ends") and error.count("\n") == 1
    )


def test_unknown_words_are_left_out_without_unk(tmp_path, capsys):
    corpus = reader.read_corpus(write_corpus(tmp_path, "a b \n", "a x \n", "z z b \n"))
    assert words_of(corpus.valid, corpus) == ["a", "<eos>"]
    assert words_of(corpus.test, corpus) == ["b", "<eos>"]
    messages = capsys.readouterr().err.splitlines()
    assert [m.split(": ")[1] for m in messages] == [
        "1 of 3 words are not in the vocabulary and are left out",
        "2 of 4 words are not in the vocabulary and are left out",
    ]


@pytest.mark.parametrize(
    ("valid", "message"),
    [
        ("", "ptb.valid.txt: is empty"),
        ("  ", "ptb.valid.txt: is empty"),
        (b"a \n b \xff\n", "ptb.valid.txt: line 2 is not UTF-8 text (byte 0xff)"),
        (b"a \n b\0 \n", "ptb.valid.txt: line 2 contains a NUL byte"),
        ("x y", "ptb.valid.txt: has no word of the training text"),
    ],
)
def test_unusable_file_is_named(tmp_path, valid, message):
    with pytest.raises(reader.CorpusError, match="ptb.valid.txt") as raised:
        reader.read_corpus(write_corpus(tmp_path, "a b \n", valid))
    assert message in str(raised.value)


def test_missing_file_and_directory_in_its_place_are_named(tmp_path, capsys):
    path = write_corpus(tmp_path, "a b \n", "a unknown \n")
    (tmp_path / "ptb.test.txt").unlink()
    with pytest.raises(reader.CorpusError, match="ptb.test.txt: no such file"):
        reader.read_corpus(path)
    assert capsys.readouterr().err == ""  # before anything is said of the others
    (tmp_path / "ptb.test.txt").mkdir()
    with pytest.raises(reader.CorpusError, match="ptb.test.txt: cannot be read: Is a directory"):
        reader.read_corpus(path)


def test_producer_gives_the_documented_example():
    raw = [4, 3, 2, 1, 0, 5, 6, 1, 1, 1, 1, 0, 3, 4, 1]
    with tf.Graph().as_default(), tf1.Session() as session:
        pair = reader.ptb_producer(raw, batch_size=3, num_steps=2)
        reader.load_texts(session)
        first, second, third = (session.run(pair) for _ in range(3))
    np.testing.assert_array_equal(first[0], [[4, 3], [5, 6], [1, 0]])
    np.testing.assert_array_equal(first[1], [[3, 2], [6, 1], [0, 3]])
    np.testing.assert_array_equal(second[0], [[2, 1], [1, 1], [3, 4]])
    np.testing.assert_array_equal(second[1], [[1, 0], [1, 1], [4, 1]])
    np.testing.assert_array_equal(third, first)  # round again


@pytest.mark.parametrize("seed", range(6))
def test_producer_equals_numpy_slices(seed):
    rng = np.random.default_rng(seed)
    batch_size, num_steps = rng.integers(1, 6, 2)
    raw = rng.integers(0, 99, rng.integers(batch_size * (num_steps + 1), 150)).astype(np.int32)
    streams = raw[: len(raw) // batch_size * batch_size].reshape(batch_size, -1)
    epoch_size = reader.Streams(len(raw), batch_size, num_steps).epoch_size
    assert epoch_size == (len(raw) // batch_size - 1) // num_steps
    with tf.Graph().as_default():
        windows = reader.window_producer(raw, batch_size, num_steps)
        assert windows.x.shape == windows.y.shape == (batch_size, num_steps)
        assert windows.x.dtype == windows.y.dtype == tf.int32
        produced = produce(windows, 2 * epoch_size)
    for i, (x, y) in enumerate(produced):
        start = i % epoch_size * num_steps
        np.testing.assert_array_equal(x, streams[:, start : start + num_steps])
        np.testing.assert_array_equal(y, streams[:, start + 1 : start + 1 + num_steps])


@pytest.mark.parametrize("num_steps", [1, 4, 7, 50])
def test_remainder_reaches_the_last_word(num_steps):
    raw = np.arange(30, dtype=np.int32)
    epoch_size = reader.Streams(30, 1, num_steps, keep_remainder=True).epoch_size
    with tf.Graph().as_default():
        windows = reader.window_producer(raw, 1, num_steps, keep_remainder=True)
        produced = produce(windows, epoch_size)
    targets = np.concatenate([y[0] for _, y in produced])
    inputs = np.concatenate([x[0] for x, _ in produced])
    np.testing.assert_array_equal(targets[:29], raw[1:])
    assert set(targets[29:]) <= {reader.NO_WORD}
    np.testing.assert_array_equal(inputs[:29], raw[:29])


def test_fed_position_chooses_the_window():
    with tf.Graph().as_default(), tf1.Session() as session:
        windows = reader.window_producer(np.arange(20), 1, 4)
        reader.load_texts(session)
        x = session.run(windows.x, {windows.position: 2})
    np.testing.assert_array_equal(x, [[8, 9, 10, 11]])


@pytest.mark.parametrize(("length", "batch_size", "num_steps"), [(5, 3, 1), (10, 1, 10), (1, 1, 1)])
def test_too_short_a_text_says_what_to_decrease(length, batch_size, num_steps):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="decrease batch_size or num_ste"):
        reader.ptb_producer(np.zeros(length, int), batch_size, num_steps)


@pytest.mark.parametrize(
    ("raw", "batch_size", "num_steps", "message"),
    [
        ([1.5] * 9, 1, 2, "must be a list of integers, not float64"),
        ([[1, 2, 3, 4]], 1, 2, r"not int64 \(1, 4\)"),
        ([1, -1, 3, 4], 1, 2, "not -1 to 4"),
        ([1, 2**31, 3, 4], 1, 2, "not 1 to 2147483648"),
        ([1, 2, 3, 4], 0, 2, "batch_size is 0"),
        ([1, 2, 3, 4], 1, -2, "num_steps -2"),
    ],
)
def test_what_is_no_text_is_refused(raw, batch_size, num_steps, message):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        reader.ptb_producer(raw, batch_size, num_steps)


def test_the_text_stays_out_of_the_graph():
    raw = np.random.default_rng(0).integers(0, 99, 100_000).astype(np.int32)
    with tf.Graph().as_default():
        expected = produce(reader.window_producer(raw, 3, 5), 4)
    with tf.Graph().as_default():
        windows = reader.window_producer(raw, 3, 5)
        metagraph = tf1.train.export_meta_graph()
    assert metagraph.ByteSize() < 20_000
    x, y, placeholder, load = (t.name for t in (windows.x, windows.y, *windows.text[1:]))
    with tf.Graph().as_default(), tf1.Session() as session:  # nothing but the metagraph, and a text
        tf1.train.import_meta_graph(metagraph)
        session.run(load, {placeholder: raw})
        actual = [session.run((x, y)) for _ in range(4)]
    np.testing.assert_array_equal(actual, expected)


def test_a_loop_without_its_text_is_told_what_to_call():
    with tf.Graph().as_default(), tf1.Session() as session:
        pair = reader.ptb_producer(np.arange(20), 1, 4)
        session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        with pytest.raises(tf.errors.OpError, match="reader.load_texts"):
            session.run(pair)


def test_an_imported_graph_has_no_text_to_load():
    with tf.Graph().as_default():
        reader.ptb_producer(np.arange(20), 1, 4)
        metagraph = tf1.train.export_meta_graph()
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.train.import_meta_graph(metagraph)
        with pytest.raises(ValueError, match="read from a file, which does not hold its texts"):
            reader.load_texts(session)


class LoadTexts(tf1.train.SessionRunHook):
    def after_create_session(self, session, coord):
        reader.load_texts(session)


def test_sessions_that_look_after_themselves_get_the_text_each_time(tmp_path):
    no_threads = {"save_model_secs": 0, "save_summaries_secs": 0}  # they would run eagerly
    for start in (0, 1):  # the second one restores
        with tf.Graph().as_default():
            x, _ = reader.ptb_producer(np.arange(20), 1, 4)
            step = tf1.train.create_global_step()
            go_on = step.assign_add(1)
            supervisor = tf1.train.Supervisor(logdir=str(tmp_path / "a"), **no_threads)
            with supervisor.managed_session(start_standard_services=False) as session:
                reader.load_texts(session)
                supervisor.start_standard_services(session)
                assert session.run(go_on) == start + 1
                np.testing.assert_array_equal(session.run(x), [[0, 1, 2, 3]])
                supervisor.saver.save(session, supervisor.save_path)
        with tf.Graph().as_default():
            x, _ = reader.ptb_producer(np.arange(20), 1, 4)
            tf1.train.create_global_step()
            with tf1.train.MonitoredTrainingSession(
                checkpoint_dir=str(tmp_path / "b"), hooks=[LoadTexts()]
            ) as session:
                np.testing.assert_array_equal(session.run(x), [[0, 1, 2, 3]])


def test_each_session_begins_with_the_first_window():
    with tf.Graph().as_default():
        x, _ = reader.ptb_producer(np.arange(20), 1, 4)
        with tf1.Session() as session, tf1.Session() as other:
            for each in (session, other):
                reader.load_texts(each)
            first, second, others = session.run(x), session.run(x), other.run(x)
    np.testing.assert_array_equal(first, others)
    np.testing.assert_array_equal(second, [[4, 5, 6, 7]])


@pytest.mark.parametrize("max_words", [0, None])
def test_no_ceiling_keeps_all_words(tmp_path, max_words):
    *_, num_words = reader.ptb_raw_data(write_corpus(tmp_path, "a b c \n"), max_words)
    assert num_words == 4
    with pytest.raises(ValueError, match="max_words is -1"):
        reader.build_vocabulary({"a": 1}, -1)


def test_without_a_graph_it_says_what_to_do():
    with pytest.raises(RuntimeError, match="with tf.Graph"):
        reader.ptb_producer(list(range(20)), 2, 3)
