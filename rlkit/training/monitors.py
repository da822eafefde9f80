"""Callbacks that watch how good a model is: evaluate it on the way, keep the best, stop when it is good enough."""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rlkit.config.numbers import whole_number
from rlkit.display import text
from rlkit.errors import RLKitError, StoreError, TrainingError, warn_caller
from rlkit.storage.archive import archive_path, read_archive, write_archive
from rlkit.storage.files import check_writable, move
from rlkit.storage.packing import PackedModel, state_of
from rlkit.training.callbacks import Callback, Every, Subject, Tolerance, Update
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

    The best is that of all calls of ``train`` with this object and the same model. It begins anew with a new object,
    with another model, and unless ``env`` is given with another environment of the model.

    A file at ``path`` is never lost:

    - Where it holds an earlier state of the model that trains on, as after a restart from a checkpoint (the same
      algorithm, config, seed and environment), that is evaluated first, and only a better one replaces it.
    - Any other file, such as the best of an earlier run, is kept beside: ``best.rlkit`` becomes ``best-1.rlkit`` when
      the first evaluation is saved. A warning says so before the first step.
    - Where the model cannot be saved while it trains, there is one warning, the file stays as it was, and saving is
      tried again after the next evaluation and at the end.

    Args:
        steps: Environment steps between two evaluations; the last one is made when all steps are taken.
        episodes: Episodes of an evaluation.
        env: Another environment with the same spaces; the model's own where None.
        seed: Seed of the environments; one that depends on the model's own where None. Each evaluation plays the
            same episodes, so that they compare.
        n_envs: Environments that are stepped together: see :meth:`rlkit.ModelBase.evaluate`.
        deterministic: Whether to take the most probable action.
        max_episode_steps: Steps after which an episode is cut off: see :meth:`rlkit.ModelBase.evaluate`.
        path: A file ending in ``.rlkit``, to which the best model so far is saved without its kept experience.
            A file that is already there is not lost: see above.
        restore_best: Whether the model becomes the best again when training ends: as if it had been saved then
            without its kept experience, and loaded. The steps since the best then count as not trained: with
            ``train(total=...)`` they are trained again.

    Attributes:
        best: The best evaluation so far; None before the first.
        best_timesteps: The model's environment steps at the best.
        reward_threshold: The mean return from which the environment of the evaluations counts as solved, or None; known
            when training begins.

    Raises:
        TrainingError: ``steps``, ``episodes``, ``n_envs`` or ``max_episode_steps`` is no positive whole number, or
            ``seed`` is no whole number from 0.
        StoreError: ``path`` does not end in ``.rlkit``.
    """

    serves_one_run: ClassVar[bool] = True

    def __init__(
        self,
        steps: int,
        episodes: int = 20,
        *,
        env: EnvironmentLike | None = None,
        seed: int | None = None,
        n_envs: int | None = None,
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
            "n_envs": _whole_or_none("n_envs", n_envs, 1),
            "deterministic": deterministic,
            "max_episode_steps": _whole_or_none("max_episode_steps", max_episode_steps, 1),
        }
        self._path = None if path is None else archive_path(path)
        self._restore_best = restore_best
        self.reward_threshold: float | None = None
        self._subject = Subject()
        self._tolerance = Tolerance()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.best: Evaluation | None = None
        self.best_timesteps = 0
        self._best_state: Mapping[str, Any] = {}
        self._unsaved: PackedModel | None = None  # the best, as long as the file does not hold it
        self._aside: Path | None = None  # where to keep the file of another model

    def on_start(self, run: TrainingRun) -> None:
        """See that nothing speaks against evaluating and saving later, and look at a file that is already there.

        Raises:
            UnknownEnvironmentError: ``env`` is no environment, or there is none for evaluation.
            SpaceMismatchError: ``env`` has other spaces.
            EnvironmentContractError: ``env`` does not do what Gymnasium promises.
            ModelDefinitionError: The model cannot be saved.
            StoreError: There is no folder for ``path``, or it cannot be written to.
        """
        env, limit = self._settings["env"], self._settings["max_episode_steps"]
        self.reward_threshold = run.model.check_evaluation(env, max_episode_steps=limit)
        if self._path is not None:
            _check_saving(self._path)
            run.model.packed(slim=True)
        self._every.begin()
        self._tolerance.begin()
        if not self._subject.is_same(run, in_any_environment=env is not None):
            self._begin_anew()
            if self._path is not None and os.path.lexists(self._path):
                self._look_at(self._path, run.model)

    def _look_at(self, path: Path, model: Any) -> None:
        """Go on from the best so far in a file that is already there; prepare to keep what is none."""
        earlier = _earlier_state(path, model)
        if earlier is None:
            self._aside = _free_name(path)
            told = f"{path} is already there, and is no earlier state of the model that trains."
            remedy = f"It becomes {self._aside.name} when the best model of this training is saved."
            warn_caller(f"{told} {remedy}")
            return
        self.best, self.best_timesteps = earlier.evaluate(**self._settings), earlier.num_timesteps
        if self._restore_best:
            self._best_state = earlier.get_state(slim=True)

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Evaluate where it is time to, and at the end."""
        if self._every.passed(update.num_timesteps) or update.num_timesteps >= update.total_timesteps:
            self._evaluate(run)
            self._save()

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
            self._unsaved = run.model.packed(slim=True)

    def _save(self) -> None:
        """Save the best, where the file does not hold it."""
        if self._path is None or self._unsaved is None:
            return
        with self._tolerance.tolerated("The best model is not saved."):
            if self._aside is not None and os.path.lexists(self._path):
                move(self._path, self._aside)
            self._aside = None
            write_archive(self._path, self._unsaved)
            self._unsaved = None

    def on_end(self, run: TrainingRun) -> None:
        """Give the model its best parameters again, where that was asked for."""
        self._save()
        if self.best is not None and self._restore_best:
            run.model.set_state(self._best_state)
            if self._settings["env"] is None:
                run.model.remember(self.best)


def _check_saving(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is trained.

    Raises:
        StoreError: That is so.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        problem = f"The best model cannot be saved: there is no folder {folder}."
        raise StoreError(problem, "Create the folder first, or give another path.")
    if path.is_dir():
        raise StoreError(f"The best model cannot be saved: {path} is a folder.", "Give the path of a file.")
    check_writable(folder)


def _earlier_state(path: Path, model: Any) -> Any:
    """Return the model in a file, where it is an earlier state of one that trains on; else None."""
    try:
        packed = read_archive(path)
        # A model that has not trained yet has no earlier state, whatever seed and config it has.
        if not model.is_trained or _identity(packed.metadata) != _identity(model.metadata):
            return None
        return model.with_state(state_of(packed.objects))
    except RLKitError:  # another file, or a damaged one
        return None


def _identity(metadata: Mapping[str, Any]) -> str:
    """Return what stays the same while a model trains, as text: a file may have lists where a model has tuples."""
    names = ("algorithm", "config", "seed", "env_id", "env_kwargs", "observation_space", "action_space")
    return json.dumps([metadata.get(name) for name in names], sort_keys=True)


def _free_name(path: Path) -> Path:
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(1))
    return next(name for name in numbered if not os.path.lexists(name))


class _Judge(Callback):
    """What callbacks share that stop a run by its mean return."""

    serves_one_run: ClassVar[bool] = True

    def __init__(self, of: Source) -> None:
        if of not in ("training", "evaluation"):
            raise TrainingError(f"of = {of!r:.80} is not allowed.", "Give 'training' or 'evaluation'.")
        self._of = of

    def on_start(self, run: TrainingRun) -> None:
        """See that there will be evaluations, where they are to be judged.

        Raises:
            TrainingError: There will be none.
        """
        if self._of == "evaluation" and not self._evaluators(run):
            problem = f"{type(self).__name__} waits for evaluations, but nothing in front of it makes them."
            raise TrainingError(problem, "Add a rlkit.callbacks.EvaluateEvery in front of it.")

    def _evaluators(self, run: TrainingRun) -> list[EvaluateEvery]:
        """Return what evaluates before this is asked."""
        before = run.callbacks[: run.callbacks.index(self)]
        return [callback for callback in before if isinstance(callback, EvaluateEvery)]

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
        mean_return: How high; where None the threshold of the environment that is judged, in which training or that
            evaluation plays. An environment with changed rewards or another time limit has none.
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
        judged = self._evaluators(run)[-1] if self._of == "evaluation" else run.history
        threshold = judged.reward_threshold if self._wanted is None else self._wanted
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

    The best, and the steps since, are those of all calls of ``train`` with this object and the same model in the same
    environment: it ends ten short calls when it would end a long one. Steps for which no mean is known, as at the start
    of each call, do not count. Where training goes on after this has ended it, ``steps`` are counted anew.

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

        self._subject = Subject()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._best = -math.inf
        self._steps_since = 0

    def on_start(self, run: TrainingRun) -> None:
        """Go on from the last run of the same model; forget that of another."""
        super().on_start(run)
        if not self._subject.is_same(run):
            self._begin_anew()
        self._evaluations = 0
        self._judged_at = 0

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """End the run where it is time to."""
        evaluations = run.history.evaluations.num_rows
        if self._of == "evaluation" and evaluations == self._evaluations:
            return  # nothing new is known: the next evaluation may be the better one
        self._evaluations = evaluations
        steps, self._judged_at = update.num_timesteps - self._judged_at, update.num_timesteps
        mean_return = self._mean_return(run)
        if math.isnan(mean_return):
            return  # while nothing is known nothing has failed to improve
        if mean_return > self._best + self._min_delta:
            self._best, self._steps_since = mean_return, 0
            return
        self._steps_since += steps
        if self._steps_since >= self._patience:
            self._steps_since = 0
            run.stop(f"no better than {text.number(self._best)} for {self._patience:,} steps")


def _whole_or_none(name: str, value: object, least: int) -> int | None:
    return None if value is None else whole_number(name, value, least, TrainingError)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not text.is_number(value) or not math.isfinite(value):
        raise TrainingError(f"{name} = {value!r:.80} is not allowed.", "Give a number.")
    return float(value)
