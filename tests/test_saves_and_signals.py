"""What a guard does with errors and signals that are not its own."""

import signal

import pytest
import tensorflow as tf

from program import messages, signals
from training import saves_and_signals, summaries

tf1 = tf.compat.v1


@pytest.fixture
def guarded():
    with tf.Graph().as_default(), tf1.Session() as session:
        step = tf1.train.create_global_step()
        session.run(step.initializer)
        yield saves_and_signals.Guard(session, None, summaries.Summaries(None, 0))


def test_an_error_of_another_file_is_not_blamed_on_standard_output(guarded):
    with pytest.raises(FileNotFoundError, match="nest"), guarded:
        raise FileNotFoundError(2, "No such file or directory", "nest")
    error, message = messages.OutputError(28, "No space", "standard output"), "standard output: No "
    with (
        pytest.raises(saves_and_signals.OutputError, match=f"^{message}space; nothing is saved"),
        guarded,
    ):
        raise error


def test_a_signal_counts_that_came_while_a_machine_was_lost(guarded):
    with pytest.raises(signals.Interrupted, match="SIGINT; nothing is saved"), guarded:
        signal.raise_signal(signal.SIGINT)
        raise tf.errors.DeadlineExceededError(None, None, "too late")


def test_handlers_in_c_are_neither_taken_nor_restored(guarded, monkeypatch):
    getsignal, number = signal.getsignal, signal.SIGTERM
    before = getsignal(number)
    monkeypatch.setattr(signal, "getsignal", lambda n: None if n == number else getsignal(n))
    with guarded:
        assert getsignal(number) == before
        others = [getsignal(n) for n in signals.SIGNALS if n != number]
        assert before not in others or len(set(others)) == 1
    assert getsignal(number) == before
