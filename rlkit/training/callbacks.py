"""Callbacks: what a caller may do while a model trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlkit.config.numbers import whole_number
from rlkit.errors import TrainingError

if TYPE_CHECKING:  # run.py calls callbacks; here only its name is needed
    from rlkit.envs import Episode
    from rlkit.training.run import TrainingRun


@dataclass(frozen=True, slots=True)
class Update:
    """One update of a model's parameters, with what is known after it.

    Attributes:
        num_timesteps: Environment steps of this run so far.
        total_timesteps: Environment steps that the run was asked for.
        seconds: Time since the run began.
        mean_return: Mean return of the last 100 episodes; NaN before the first has ended.
        mean_length: Mean length of the same episodes; NaN likewise.
        metrics: The algorithm's own figures, such as ``policy_loss``.
    """

    num_timesteps: int
    total_timesteps: int
    seconds: float
    mean_return: float
    mean_length: float
    metrics: Mapping[str, float]

    @property
    def steps_per_second(self) -> float:
        """Environment steps a second since the run began."""
        return self.num_timesteps / self.seconds if self.seconds > 0 else 0.0


class Callback:
    """Base of callbacks: override what you need. Any of them may call ``run.stop(reason)``."""

    def on_start(self, run: TrainingRun) -> None:
        """Do something before the first step."""

    def on_rollout(self, run: TrainingRun) -> None:
        """Do something after experience was collected, before the parameters change."""

    def on_episode(self, run: TrainingRun, episode: Episode) -> None:
        """Do something after an episode has ended."""

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Do something after the parameters have changed."""

    def on_end(self, run: TrainingRun) -> None:
        """Do something after the last update, also after a stop, an interrupt or an error."""


class Every:
    """Says when another ``steps`` environment steps of a run have passed.

    Args:
        steps: How many; updates come no more often than rollouts do, so that it may be some more.

    Raises:
        TrainingError: ``steps`` is no positive whole number.
    """

    def __init__(self, steps: int) -> None:
        self.steps = whole_number("steps", steps, 1, TrainingError)
        self.begin()

    def begin(self) -> None:
        """Count from the start of a run."""
        self._next = self.steps

    def passed(self, num_timesteps: int) -> bool:
        """Say whether they have passed again when the run has taken ``num_timesteps``."""
        if num_timesteps < self._next:
            return False
        self._next = (num_timesteps // self.steps + 1) * self.steps
        return True


def checked_callbacks(callbacks: Iterable[Callback] | Callback) -> list[Callback]:
    """Return callbacks as a list, whether one was given or several.

    Raises:
        TrainingError: One of them is no callback.
    """
    given = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in given:
        if not isinstance(callback, Callback):
            problem = f"{callback!r:.80} is no callback."
            raise TrainingError(problem, "Derive a class from rlkit.Callback, and give an object of it.")
    return given
