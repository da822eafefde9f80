"""Training a model again from its record: the same calls of ``train``, with the same changes of settings on the way."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from rlkit.config.changes import MOST_CHANGES, ConfigChange
from rlkit.errors import MissingEnvironmentError, TrainingError, warn_caller
from rlkit.models.base import ModelBase
from rlkit.nn.threads import blas_kernel
from rlkit.training.callbacks import Callback, Update
from rlkit.training.log import TrainingCall, cpu_name, is_complete
from rlkit.training.progress import Progress
from rlkit.training.run import TrainingRun

ModelT = TypeVar("ModelT", bound=ModelBase)


def retrained(model: ModelT, *, progress: Progress = None) -> ModelT:
    """Return a new model that is trained as another one was: from the same seed, by the same calls.

    A call that a callback or a person ended is ended after as many steps. Where processor and BLAS compute as they did
    then, parameters are the same to the last bit; else there is a warning. Only what callbacks do to a model beyond
    stopping it, changing its settings and making it again what it was is not done again.

    Args:
        model: The model, which is left as it is.
        progress: As for ``train``.

    Raises:
        TrainingError: Not all that it was trained by is known, or the steps were others this time.
        MissingEnvironmentError: The model has no environment, or one that cannot be copied.
    """
    calls, changes = model.training_calls, list(model.config_changes)
    if not is_complete(calls, model.num_timesteps):
        problem = f"Not all calls of train are known that led to this {type(model).__name__} model."
        raise TrainingError(problem, "An older rlkit kept it, or set_state gave it the state of another model.")
    for name in {change.name for change in changes}:
        if sum(change.name == name for change in changes) >= MOST_CHANGES:
            problem = f"{name} changed too often for all changes to be known."
            raise TrainingError(problem, "Use a schedule, such as learning_rate='lin_0.001'.")
    again = _untrained(model, changes)
    for call in calls:
        _repeat(again, call, changes, progress)
    _compare(again, model, calls)
    return again


def _untrained(model: ModelT, changes: list[ConfigChange]) -> ModelT:
    """Return the model as it was before its first step."""
    source = model._require_source("be trained again").copied()  # noqa: SLF001 - our own class
    if source is None:
        problem = "The model cannot be trained again: its vector environment cannot be copied."
        raise MissingEnvironmentError(problem, "Load it with a new one: rlkit.load(..., env=env).")
    state = model.config.get_state()
    first = {change.name: change.old for change in reversed(changes)}
    config = type(model.config).from_state({**state, "values": {**state["values"], **first}})
    again = type(model)(config, seed=model.seed)
    again._adopt(source)  # noqa: SLF001 - our own class
    again._build_for(source.observation_space, source.action_space)  # noqa: SLF001 - our own class
    return again


def _repeat(model: ModelBase, call: TrainingCall, changes: list[ConfigChange], progress: Progress) -> None:
    """Train a model as a call did."""
    end = call.begun_at + call.num_timesteps
    replay = _Replay(end, changes)
    replay.apply(model, call.begun_at + 1)
    steps = call.steps
    if call.total is not None:
        steps += model.overshoot
    model.train(steps, total=call.total, callbacks=[replay], progress=progress)
    if model.num_timesteps != end:
        problem = f"A call of train that ended after {end:,} steps ended after {model.num_timesteps:,} this time."
        raise TrainingError(problem, "Its environment, or the code of its class, is another one now.")
    if call.restored or call.left_out:
        model.set_state(model.get_state(slim=True))


class _Replay(Callback):
    """Makes the changes of settings that were made, and ends a call where it ended."""

    def __init__(self, end: int, changes: list[ConfigChange]) -> None:
        self._end = end
        self._changes = changes

    def apply(self, model: ModelBase, before: int) -> None:
        """Make the changes that were made before a step of the model, once."""
        while self._changes and self._changes[0].num_timesteps < before:
            change = self._changes.pop(0)
            model.reconfigure(**{change.name: change.new})

    def on_rollout(self, run: TrainingRun) -> None:
        self.apply(run.model, run.model.num_timesteps)

    def on_update(self, run: TrainingRun, update: Update) -> None:  # noqa: ARG002 - the interface of a callback
        if run.model.num_timesteps < self._end:
            self.apply(run.model, run.model.num_timesteps + 1)
        elif run.num_timesteps < run.total_timesteps:
            run.stop("as it was")


def _compare(again: ModelBase, model: ModelBase, calls: tuple[TrainingCall, ...]) -> None:
    """Warn where the parameters are not those of the model to the last bit."""
    before, after = model.parameters, again.parameters
    differing = [name for name, values in before.items() if not np.array_equal(values, after[name], equal_nan=True)]
    if differing:
        then = dict.fromkeys(f"{call.cpu}, {call.blas}" for call in calls)
        warn_caller(
            f"Trained again, {len(differing)} of {len(before)} arrays differ, {differing[0]} among them. "
            f"It was trained on {'; '.join(then)}, and this is {cpu_name()}, {blas_kernel()}."
        )
