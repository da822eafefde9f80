"""Learner: an agent that learns, in training runs that a caller or a thread drives."""

from __future__ import annotations

import gc
import math
import weakref
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from contextlib import contextmanager, nullcontext
from typing import Any, Self

from rlkit.config import ModelConfig
from rlkit.config.changes import ConfigChange
from rlkit.config.numbers import whole_number
from rlkit.envs import EnvironmentLike, EnvironmentSource, VectorEnvironment
from rlkit.envs.spaces import Features
from rlkit.errors import ConfigError, TrainingError, warn_caller
from rlkit.models.agent import Agent
from rlkit.nn.parameters import Parameters
from rlkit.training.callbacks import Callback, checked_callbacks
from rlkit.training.environments import TrainingEnvironments
from rlkit.training.history import History
from rlkit.training.jobs import TrainingJob, start_job
from rlkit.training.log import TrainingCall, TrainingLog
from rlkit.training.progress import Progress, progress_callback
from rlkit.training.run import TrainingRun, Updates, interrupt_stops


class Learner(Agent):
    """An agent that learns: its training runs, and what they have come to.

    Args:
        config: Hyperparameters; the algorithm's defaults where None.
        env: The environment to learn. May be given later, to :meth:`build`.
        env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.
        seed: Seed of everything random in the model, the environments included; drawn where None.

    Attributes:
        num_episodes: Episodes that ended in training so far.
    """

    def __init__(
        self,
        config: ModelConfig | None = None,
        env: EnvironmentLike | None = None,
        *,
        env_kwargs: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self._environments = TrainingEnvironments()
        super().__init__(config, env, env_kwargs=env_kwargs, seed=seed)
        self.num_episodes = 0
        self._log = TrainingLog()
        self._asked: int | None = None  # the model's step up to which calls with `total` have asked to train
        self._run: weakref.ref[TrainingRun] | None = None

    def reconfigure(self, **changes: Any) -> Self:
        """Change hyperparameters, and return the model.

        Those that ``model.config.live_names()`` lists may change at any time, also from a callback or while a thread
        trains the model: the next update uses the new values. The others are fixed once the model has networks.
        :attr:`config_changes` and the history record each change with its step.

        Args:
            changes: New values by name, such as ``learning_rate=1e-4``.

        Raises:
            ConfigError: A name or a value is wrong, or the model has networks and a name is not a live one. Nothing is
                changed then.
        """
        with self.paused():
            self._check_live(changes.keys() & self.config.hyperparameters().keys())
            config = self.config.replace(**changes)
            differences = self.config.diff(config)
            self._check_live(differences.keys())  # others may have been adjusted to go with the new values
            for name, (old, new) in differences.items():
                self._record_change(name, old, new)
            self._config = config
        return self

    def _check_live(self, names: AbstractSet[str]) -> None:
        live = type(self.config).live_names()
        fixed = sorted(names - set(live))
        if fixed and self.observation_space is not None:
            problem = f"{' and '.join(fixed)} {'is' if len(fixed) == 1 else 'are'} fixed once the model has networks."
            changeable = f"model.reconfigure changes {', '.join(live)}; for" if live else "For"
            raise ConfigError(problem, f"{changeable} other settings create a new model.")

    def _record_change(self, name: str, old: Any, new: Any) -> None:
        """Record a change with its step; before the first step the new value is what training begins with."""
        if self.num_timesteps:
            self._log.add_config_change(ConfigChange(self.num_timesteps, name, old, new))
        run = self._run() if self._run is not None else None
        if run is not None and not run.ended and run.num_timesteps:
            run.history.add_config_change(ConfigChange(run.num_timesteps, name, old, new))

    @property
    def config_changes(self) -> tuple[ConfigChange, ...]:
        """Changes that :meth:`reconfigure` made during all training so far, in order."""
        return self._log.config_changes

    def train(
        self,
        steps: int | None = None,
        *,
        total: int | None = None,
        callbacks: Sequence[Callback] | Callback = (),
        progress: Progress = None,
    ) -> History:
        """Train for ``steps`` environment steps, in whole rollouts, and return what happened.

        Schedules run from start to end once in each call, and each call begins new episodes. With ``total`` several
        calls are parts of one run of so many steps, counted from the model's first: schedules span all of it, and
        episodes go on from one call to the next. In one process, ``train(N, total=N)`` and any number of calls that
        together ask for N steps give the same bits. So they do where the model was saved and loaded in between, if
        rlkit can save the environment's state (Gymnasium's classic control and toy text, without further wrappers);
        with other environments parameters, optimizer, generators and schedules continue exactly, and new episodes
        begin.

        The environments stay open between calls, so that what they store (a curriculum's level, a place in a data
        set) is still there in the next; :meth:`close` closes them. An environment that was passed as an object is
        copied for training: the object itself is never stepped. A vector environment that was passed must not be reset
        or stepped by others between the parts of a run. Ctrl-C ends the call after the update under way: the
        model stays usable, and the history says so.

        Args:
            steps: Environment steps, of all environments together; where None ``config.n_timesteps``, or with
                ``total`` what remains of that.
            total: Environment steps of the whole run, of which this call is a part. A run that died at 60 % is
                finished from its checkpoint by ``rlkit.load("name").train(total=...)``.
            callbacks: What to call on the way.
            progress: True for a progress bar, False for none, a callback for another; None shows one where somebody
                looks: in a terminal or a notebook.

        Raises:
            MissingEnvironmentError: The model has no environment.
            TrainingError: ``steps`` or ``total`` is no positive whole number, a callback is none, or the model is
                training already.
        """
        run = self._shown(steps, total, callbacks, progress_callback(progress))
        try:
            with interrupt_stops(run):
                for _ in run:
                    pass
        finally:
            run.close()
        return run.history

    def train_in_background(
        self,
        steps: int | None = None,
        *,
        total: int | None = None,
        callbacks: Sequence[Callback] | Callback = (),
        progress: Progress = None,
    ) -> TrainingJob:
        """Train as :meth:`train` does, in a thread, and return at once with the job, which can be watched and stopped.

        Meanwhile the model can predict, be evaluated, saved and registered: as it is between two updates. The thread
        ends with the process.

        Args:
            steps: As for :meth:`train`.
            total: As for :meth:`train`.
            callbacks: What to call on the way, in that thread.
            progress: As for :meth:`train`; None shows progress in a notebook alone, below the cell that started it.

        Raises:
            MissingEnvironmentError: The model has no environment.
            TrainingError: ``steps`` or ``total`` is no positive whole number, a callback is none, or the model is
                training already.
        """
        bar = progress_callback(progress, background=True)
        return start_job(self._shown(steps, total, callbacks, bar), bar)

    def _shown(
        self, steps: int | None, total: int | None, callbacks: Sequence[Callback] | Callback, bar: Callback | None
    ) -> TrainingRun:
        return self.training(steps, total=total, callbacks=[*checked_callbacks(callbacks), *([bar] if bar else [])])

    def training(
        self, steps: int | None = None, *, total: int | None = None, callbacks: Sequence[Callback] | Callback = ()
    ) -> TrainingRun:
        """Return a run to be iterated: each ``next`` collects experience, makes one update and returns it.

        So a plain loop, a thread or an async task can drive training, and stop it between updates.

        Raises:
            MissingEnvironmentError: The model has no environment.
            TrainingError: ``steps`` or ``total`` is no positive whole number, a callback is none, or the model is
                training already.
        """
        if steps is None and total is None:
            steps = getattr(self.config, "n_timesteps", None)
        if steps is not None or total is None:
            steps = whole_number("steps", steps, 1, TrainingError)
        if total is not None:
            total = whole_number("total", total, 1, TrainingError)
        checked = checked_callbacks(callbacks)
        source = self._require_source("train")
        if self._is_training:
            raise TrainingError("This model is training already.", "Stop that run first: run.close(), or job.stop().")
        asked = steps if total is None else self._part_of(total, steps)
        history = History(f"{type(self).__name__} on {source.name}", asked or 0, source.reward_threshold)
        schedule = None if total is None else (total, self.num_timesteps)
        run = TrainingRun(
            history, self._logged_updates, checked, model=self, prepare=self._open_environments, schedule=schedule
        )
        self._run = weakref.ref(run)
        return run

    def _part_of(self, total: int, steps: int | None) -> int:
        """Return the steps that a call takes which asks for ``steps`` of a run of ``total``.

        Rollouts are whole, so that a call may take more than it asks for: the next takes so many fewer.
        """
        begun = self.num_timesteps - self.overshoot
        if begun >= total:
            message = (
                f"The model has trained {self.num_timesteps:,} steps, counted from its first: nothing is left of "
                f"total = {total:,}."
            )
            warn_caller(message)
        self._asked = total if steps is None else min(begun + steps, total)
        return max(self._asked - self.num_timesteps, 0)

    @property
    def overshoot(self) -> int:
        """Environment steps taken beyond those that calls of :meth:`train` with ``total`` have asked for so far.

        Rollouts are whole: the next such call takes so many fewer.
        """
        return 0 if self._asked is None else max(self.num_timesteps - self._asked, 0)

    @property
    def _is_training(self) -> bool:
        run = self._run() if self._run is not None else None
        if run is None or run.ended:
            return False
        del run
        gc.collect()  # a run refers to itself: one that nobody holds any more is closed only now
        run = self._run() if self._run is not None else None
        return run is not None and not run.ended

    def _adopt(self, source: EnvironmentSource) -> None:
        # Saved episodes go on only in the environment that they were saved in.
        known = (self._env_id, self._env_kwargs)
        same = self._source is None and source.env_id is not None and known == (source.env_id, source.env_kwargs)
        saved = self._environments.saved if same else None
        super()._adopt(source)
        self._environments.close()
        self._environments.saved = saved

    def _logged_updates(self, run: TrainingRun) -> Updates:
        noted = [repr(callback) for callback in run.callbacks if not callback.only_shows]
        self._log.begin(run.history, self.num_timesteps, total=run.total, callbacks=noted)
        yield from self._updates(run)

    @abstractmethod
    def _updates(self, run: TrainingRun) -> Updates:
        """Collect experience and update, for ever; yield the metrics of each update."""

    def _open_environments(self) -> VectorEnvironment:
        """Return the environments to train on, made where they are not open."""
        return self._environments.open(self._require_source("train"), getattr(self.config, "n_envs", 1))

    @contextmanager
    def _training_environment(self) -> Iterator[VectorEnvironment]:
        """Yield the environments to train on; a claim keeps others from stepping them inside the block."""
        environment = self._open_environments()
        # Equal Dict spaces may have their keys in another order, and features are in the order of the model's.
        environment.encoder = self._encoder
        try:
            yield environment
        finally:
            environment.release()

    def _resumed(self, run: TrainingRun) -> Features | None:
        """Return what to act on next in the episodes of the last run; None where ``run`` must begin new ones."""
        if run.total is None:
            self._asked = None
            self._environments.observations = self._environments.saved = None
        saved = self._environments.saved
        observations = self._environments.resume()
        if observations is not None and saved is not None:
            self._normalizer.resume(saved["discounted_returns"])
        return observations

    def _get_episodes(self) -> dict[str, Any] | None:
        """Return where the episodes of training stand as plain data; None where they cannot go on elsewhere."""
        episodes = self._environments.get_state()
        if episodes is None or "discounted_returns" in episodes:
            return episodes
        return {**episodes, "discounted_returns": self._normalizer.discounted_returns}

    def _goes_on_in(self, other: Learner) -> None:
        """Train in copies of the environments of another model, in the middle of the same episodes."""
        assert self._source is not None  # noqa: S101 - a copy has one where this is called
        self._environments = other._environments.copied(self._source, other._get_episodes())
        if self._environments.observations is not None:
            self._normalizer.resume(other._normalizer.discounted_returns)

    def close(self) -> None:
        """Close the environments that the model trains in. It can train on: in new ones, which begin new episodes.

        A vector environment that was passed stays open: it is the caller's. Environments are also closed when nothing
        refers to the model any more.

        Raises:
            TrainingError: The model is training.
        """
        if self._is_training:
            raise TrainingError("This model is training.", "Stop that run first: run.close(), or job.stop().")
        self._environments.close()

    def _not_finite(self, parameters: Parameters, losses: Mapping[str, float]) -> TrainingError:
        """Return the error for a loss or a gradient that is not finite, which says where it is so first."""
        name = parameters.first_not_finite
        what = f"The gradient at {name}" if name else "The gradient's norm"
        if not name and not all(map(math.isfinite, losses.values())):
            what = "The loss"  # a clipped gradient may be finite where it is not
        told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in losses.items())
        return TrainingError(
            f"{what} is no longer finite, after {self.num_timesteps:,} steps: {told}.",
            "The model is as it was before. Lower learning_rate or max_grad_norm, or scale observations and rewards.",
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold training that another thread drives between two updates inside the block; else do nothing.

        So that what is read together belongs together: parameters, optimizer, generators and counters.
        """
        run = self._run() if self._run is not None else None
        with nullcontext() if run is None else run.paused():
            yield

    @property
    def is_trained(self) -> bool:
        """Whether the model has trained at all."""
        return self.num_timesteps > 0

    @property
    def wall_time(self) -> float:
        """Seconds spent in training so far."""
        return self._log.seconds

    @property
    def training_calls(self) -> tuple[TrainingCall, ...]:
        """All calls of :meth:`train` so far, in other processes too, as far as they are known."""
        return self._log.calls

    @property
    def history(self) -> History | None:
        """What happened in the last call of :meth:`train` in this process; None before the first."""
        return self._log.history

    @property
    def learning_curve(self) -> dict[str, list[float]]:
        """Mean return over all training so far: ``{"steps": […], "mean_return": […]}``, at most 200 points."""
        return self._log.curve
