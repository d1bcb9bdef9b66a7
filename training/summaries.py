"""What TensorBoard shows of a run, and how often: numbers of windows and epochs, and samples."""

from typing import Any

import tensorflow as tf

from program.errors import UserError
from program.messages import say
from saved.reading import reason
from trained import generation, trained_model
from training.event_file import EventFile
from training.loop import EpochResult, WindowResult


class Summaries:
    """Writes a run's summaries; its context closes their file."""

    def __init__(
        self,
        save_path: str | None,
        step: int,
        summary_steps: int = 100,
        sample_words: int = 0,
        session_config: tf.compat.v1.ConfigProto | None = None,
    ):
        """Opens the event file.

        Args:
          save_path, step: as for `event_file.EventFile`.
          summary_steps: windows between two summaries within an epoch.
          sample_words: words of text to sample after each epoch; 0: no samples.
          session_config: of the session that makes the samples.
        """
        self._file = EventFile(save_path, step)
        self._summary_steps, self._sample_words = summary_steps, sample_words
        self._session_config = session_config
        self._sampler: generation.Sampler | None = None

    def is_due(self, window: WindowResult) -> bool:
        """Whether a window's numbers are to be written."""
        return window.progress.window % self._summary_steps == 0

    def write_window(self, step: int, window: WindowResult) -> None:
        """Writes a window's numbers."""
        self._file.write(
            step,
            perplexity=window.perplexity,
            words_per_second=window.speed,
            grad_norm=window.grad_norm,
        )

    def write_epoch(self, step: int, result: EpochResult) -> None:
        """Writes a finished epoch's numbers."""
        self._file.write(
            step,
            epoch=result.epoch,
            learning_rate=result.learning_rate,
            train_perplexity=result.train_perplexity,
            valid_perplexity=result.valid_perplexity,
        )

    def write_test(self, step: int, perplexity: float) -> None:
        """Writes the test perplexity."""
        self._file.write(step, test_perplexity=perplexity)

    def write_sample(self, step: int, checkpoint: str) -> None:
        """Writes a text that is sampled from a checkpoint.

        A failure is reported once; training goes on without samples.
        """
        if not self._sample_words:
            return
        try:
            text = self._sample(trained_model.read(checkpoint))
        except (UserError, tf.errors.OpError) as error:
            say(f"no more samples: {reason(error)}; training goes on")
            self._sample_words = 0
            return
        self._file.write_text(step, "sample", text)

    def _sample(self, trained: trained_model.TrainedModel) -> str:
        if self._sampler:
            self._sampler.load_weights(trained)
        else:
            self._sampler = generation.Sampler(
                trained, forbidden=trained.unknown_ids, session_config=self._session_config
            )
        return self._sampler.text(self._sample_words)

    def __enter__(self) -> Any:
        self._file.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)
