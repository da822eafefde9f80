"""Callbacks that watch how good a model is: evaluate it on the way, keep the best, stop when it is good enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlkit.config.numbers import whole_number
from rlkit.display import text
from rlkit.errors import StoreError, TrainingError
from rlkit.storage.archive import archive_path
from rlkit.training.callbacks import Callback, Every, Update
from rlkit.training.history import WINDOW

if TYPE_CHECKING:
    from rlkit.envs import EnvironmentLike
    from rlkit.training.evaluation import Evaluation
    from rlkit.training.run import TrainingRun

Source = Literal["training", "evaluation"]
"""Where a mean return comes from: the last 100 episodes of training, or the last evaluation."""


class EvaluateEvery(Callback):
    """Evaluates the model in separate environments again and again, and keeps the best.

    Training is not disturbed: it ends with the same parameters as without. The figures stand in
    ``history.evaluations`` and in the learning curve.

    Args:
        steps: Environment steps between two evaluations; the last one is made when all steps are taken.
        episodes: Episodes of an evaluation.
        env: Another environment with the same spaces; the model's own where None.
        seed: Seed of the environments; one that depends on the model's own where None. Each evaluation plays the
            same episodes, so that they compare.
        deterministic: Whether to take the most probable action.
        max_episode_steps: Steps after which an episode is cut off: see :meth:`rlkit.ModelBase.evaluate`.
        path: A file ending in ``.rlkit``, to which the best model so far is saved without its kept experience.
        restore_best: Whether the model becomes the best again when training ends: as if it had been saved then
            without its kept experience, and loaded.

    Attributes:
        best: The best evaluation of the run; None before the first.
        best_timesteps: The model's environment steps at the best.

    Raises:
        TrainingError: ``steps``, ``episodes`` or ``max_episode_steps`` is no positive whole number, or ``seed`` is
            no whole number from 0.
        StoreError: ``path`` does not end in ``.rlkit``.
    """

    def __init__(
        self,
        steps: int,
        episodes: int = 20,
        *,
        env: EnvironmentLike | None = None,
        seed: int | None = None,
        deterministic: bool = True,
        max_episode_steps: int | None = None,
        path: str | Path | None = None,
        restore_best: bool = False,
    ) -> None:
        self._every = Every(steps)
        self._settings = {
            "episodes": whole_number("episodes", episodes, 1, TrainingError),
            "env": env,
            "seed": _whole_or_none("seed", seed, 0),
            "deterministic": deterministic,
            "max_episode_steps": _whole_or_none("max_episode_steps", max_episode_steps, 1),
        }
        self._path = None if path is None else archive_path(path)
        self._restore_best = restore_best
        self.best: Evaluation | None = None
        self.best_timesteps = 0
        self._best_state: Mapping[str, Any] = {}

    def on_start(self, run: TrainingRun) -> None:
        """Forget an earlier run, and see that nothing speaks against evaluating and saving later.

        Raises:
            UnknownEnvironmentError: ``env`` is no environment.
            SpaceMismatchError: ``env`` has other spaces.
            StoreError: There is no folder for ``path``.
        """
        run.model.check_evaluation(self._settings["env"])
        if self._path is not None and not self._path.absolute().parent.is_dir():
            problem = f"The best model cannot be saved: there is no folder {self._path.absolute().parent}."
            raise StoreError(problem, "Create the folder first, or give another path.")
        self._every.begin()
        self.best, self.best_timesteps, self._best_state = None, 0, {}

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Evaluate where it is time to, and at the end."""
        if self._every.passed(update.num_timesteps) or update.num_timesteps >= update.total_timesteps:
            self._evaluate(run)

    def _evaluate(self, run: TrainingRun) -> None:
        evaluation = run.model.evaluate(**self._settings)
        row = {"num_timesteps": run.num_timesteps, "mean_return": evaluation.mean, "std_return": evaluation.std}
        run.history.evaluations.append(row)
        if self.best is not None and evaluation.mean <= self.best.mean:
            return
        self.best, self.best_timesteps = evaluation, run.model.num_timesteps
        if self._restore_best:
            self._best_state = run.model.get_state(slim=True)
        if self._path is not None:
            run.model.save(self._path, slim=True)

    def on_end(self, run: TrainingRun) -> None:
        """Give the model its best parameters again, where that was asked for."""
        if self.best is not None and self._restore_best:
            run.model.set_state(self._best_state)
            if self._settings["env"] is None:
                run.model.remember(self.best)


class _Judge(Callback):
    """What callbacks share that stop a run by its mean return."""

    def __init__(self, of: Source) -> None:
        if of not in ("training", "evaluation"):
            raise TrainingError(f"of = {of!r:.80} is not allowed.", "Give 'training' or 'evaluation'.")
        self._of = of

    def on_start(self, run: TrainingRun) -> None:
        """See that there will be evaluations, where they are to be judged.

        Raises:
            TrainingError: There will be none.
        """
        before = run.callbacks[: run.callbacks.index(self)]
        if self._of == "evaluation" and not any(isinstance(callback, EvaluateEvery) for callback in before):
            problem = f"{type(self).__name__} waits for evaluations, but nothing in front of it makes them."
            raise TrainingError(problem, "Add a rlkit.callbacks.EvaluateEvery in front of it.")

    def _mean_return(self, run: TrainingRun) -> float:
        """Return what is judged; NaN while too little is known."""
        history = run.history
        if self._of == "evaluation":
            return float(history.evaluations["mean_return"][-1]) if history.evaluations.num_rows else math.nan
        # The first few episodes may be lucky ones.
        return history.mean_return if history.episodes.num_rows >= WINDOW else math.nan


class StopAtReturn(_Judge):
    """Ends the run when the mean return is high enough.

    Args:
        mean_return: How high; the environment's own threshold where None.
        of: ``"training"`` for the mean of the last 100 episodes, once there are so many, or ``"evaluation"`` for the
            last one by an :class:`EvaluateEvery` in front of this.

    Raises:
        TrainingError: ``mean_return`` is no number, or ``of`` is neither.
    """

    def __init__(self, mean_return: float | None = None, *, of: Source = "training") -> None:
        super().__init__(of)
        self._wanted = None if mean_return is None else _number("mean_return", mean_return)

    def on_start(self, run: TrainingRun) -> None:
        """Find the environment's threshold, where no other was given.

        Raises:
            TrainingError: It has none.
        """
        super().on_start(run)
        threshold = run.history.reward_threshold if self._wanted is None else self._wanted
        if threshold is None:
            raise TrainingError(
                f"{run.history.title}: the environment says no return from which it is solved.",
                "Give one: StopAtReturn(200).",
            )
        self._threshold = threshold

    def on_update(self, run: TrainingRun, update: Update) -> None:  # noqa: ARG002 - the interface of a callback
        """End the run where it is high enough."""
        mean_return = self._mean_return(run)
        if mean_return >= self._threshold:
            run.stop(f"mean return {text.number(mean_return)} reached {text.number(self._threshold)}")


class StopWithoutImprovement(_Judge):
    """Ends the run when the mean return has not become better for a while.

    Args:
        steps: Environment steps without anything better after which the run ends.
        min_delta: By how much the mean return must rise to count as better.
        of: ``"training"`` for the mean of the last 100 episodes, once there are so many, or ``"evaluation"`` for the
            last one by an :class:`EvaluateEvery` in front of this.

    Raises:
        TrainingError: ``steps`` is no positive whole number, ``min_delta`` no number from 0, or ``of`` is neither.
    """

    def __init__(self, steps: int, *, min_delta: float = 0.0, of: Source = "training") -> None:
        super().__init__(of)
        self._patience = whole_number("steps", steps, 1, TrainingError)
        self._min_delta = _number("min_delta", min_delta)
        if self._min_delta < 0:
            raise TrainingError(f"min_delta = {min_delta!r} is not allowed.", "Give a number, at least 0.")

    def on_start(self, run: TrainingRun) -> None:
        """Forget an earlier run."""
        super().on_start(run)
        self._best, self._best_at = -math.inf, 0
        self._evaluations = 0

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """End the run where it is time to."""
        evaluations = run.history.evaluations.num_rows
        if self._of == "evaluation" and evaluations == self._evaluations:
            return  # nothing new is known: the next evaluation may be the better one
        self._evaluations = evaluations
        mean_return = self._mean_return(run)
        if math.isnan(mean_return) or mean_return > self._best + self._min_delta:
            # While nothing is known nothing has failed to improve.
            self._best_at = update.num_timesteps
            self._best = self._best if math.isnan(mean_return) else mean_return
        elif update.num_timesteps - self._best_at >= self._patience:
            run.stop(f"no better than {text.number(self._best)} for {self._patience:,} steps")


def _whole_or_none(name: str, value: object, least: int) -> int | None:
    return None if value is None else whole_number(name, value, least, TrainingError)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not text.is_number(value) or not math.isfinite(value):
        raise TrainingError(f"{name} = {value!r:.80} is not allowed.", "Give a number.")
    return float(value)
