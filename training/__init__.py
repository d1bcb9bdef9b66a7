"""The parts of the training loop, and training beyond one machine.

* `loop.py`: one window after another, the LSTM's state fed from each to the next.
* `new_or_continued.py`: what a run saves and where; its session, opened new or to be continued.
* `saves_and_signals.py`: when to save, Ctrl-C.
* `divergence.py`: which numbers are refused, and which are warned of.
* `learning_rate.py`: that of each epoch.
* `summaries.py`: what TensorBoard shows, and how often; `event_file.py`: how it is written.
* `continued_words.py`: the words that a run which goes on takes from its checkpoint.
* `session.py`: the session, opened by a Supervisor.
* `from_flags.py`: what the flags ask for, on this machine.
* `cluster.py`: several machines, and what happens if one is lost.
* `ring.py`: how several machines add up their gradients.

The gradients, their scaling in 16 bit and their clipping belong to the graph:
`PTBModel` in `ptb_word_lm.py`.
"""

from model.devices import session_config as default_session_config
from training.from_flags import Request, read_request
from training.loop import (
    EpochResult,
    WindowResult,
    bar_of_all_epochs,
    perplexity,
    print_now_and_then,
    run_windows,
)
from training.new_or_continued import Run, describe_run, open_run
from training.saves_and_signals import RunOptions
from training.session import HERE, Server

__all__ = [
    "HERE",
    "EpochResult",
    "Request",
    "Run",
    "RunOptions",
    "Server",
    "WindowResult",
    "bar_of_all_epochs",
    "default_session_config",
    "describe_run",
    "open_run",
    "perplexity",
    "print_now_and_then",
    "read_request",
    "run_windows",
]
