"""The parts of the training loop: windows, sessions, saves and summaries, several machines."""

from training.guard import Run, describe_run, open_run
from training.loop import EpochResult, WindowResult, perplexity, print_now_and_then, run_windows
from training.session import HERE

__all__ = [
    "HERE",
    "EpochResult",
    "Run",
    "WindowResult",
    "describe_run",
    "open_run",
    "perplexity",
    "print_now_and_then",
    "run_windows",
]
