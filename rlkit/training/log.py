"""What is remembered of all the training of a model, over several calls of ``train`` and over saving and loading."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rlkit.config.changes import ConfigChange, with_change
from rlkit.training.history import History

Curve = dict[str, list[float]]

_CURVE_POINTS = 200


class TrainingLog:
    """Learning curve, seconds and changes of hyperparameters of all training so far.

    Args:
        curve: Learning curve of earlier training: ``{"steps": […], "mean_return": […]}``.
        seconds: How long that took.
        config_changes: Changes of hyperparameters during that.

    Attributes:
        config_changes: Changes of hyperparameters so far, in order, by steps of all training.
        history: The call of ``train`` under way, or the last one in this process; None before the first.
    """

    def __init__(
        self, curve: Curve | None = None, seconds: float = 0.0, config_changes: Iterable[ConfigChange] = ()
    ) -> None:
        self.config_changes = tuple(config_changes)
        self.history: History | None = None
        self._recorded: History | None = None
        self._past_curve: Curve = curve or {"steps": [], "mean_return": []}
        self._past_seconds = seconds
        self._steps_before = 0

    def begin(self, history: History, num_timesteps: int) -> None:
        """Record another call of ``train``, which begins after ``num_timesteps`` environment steps."""
        self._past_curve, self._past_seconds = self.curve, self.seconds
        self.history = self._recorded = history
        self._steps_before = num_timesteps

    def add_config_change(self, change: ConfigChange) -> None:
        """Record a change of a hyperparameter."""
        self.config_changes = with_change(self.config_changes, change)

    def went_back(self, curve: Curve, config_changes: Iterable[ConfigChange]) -> TrainingLog:
        """Return the log of a model that became again what it was when it had another curve and other changes.

        Its time was spent all the same, and its last call of ``train`` is still that.
        """
        log = TrainingLog(curve, self.seconds, config_changes)
        log.history = self.history
        return log

    @property
    def seconds(self) -> float:
        """How long all training took."""
        return self._past_seconds + (self._recorded.seconds if self._recorded else 0.0)

    @property
    def curve(self) -> Curve:
        """Mean return over all training: ``{"steps": […], "mean_return": […]}``, at most 200 points."""
        recorded = self._recorded
        recent = recorded.learning_curve(_CURVE_POINTS) if recorded else {"steps": [], "mean_return": []}
        steps = [*self._past_curve["steps"], *(self._steps_before + step for step in recent["steps"])]
        means = [*self._past_curve["mean_return"], *recent["mean_return"]]
        if len(steps) > _CURVE_POINTS:
            kept = np.linspace(0, len(steps) - 1, _CURVE_POINTS).round().astype(int)
            steps, means = [steps[i] for i in kept], [means[i] for i in kept]
        return {"steps": steps, "mean_return": means}
