"""ModelBase: what every algorithm is and does."""

from __future__ import annotations

import gc
import math
import weakref
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self

from rlkit.config import ModelConfig
from rlkit.config.numbers import whole_number
from rlkit.envs import EnvironmentLike, VectorEnvironment, space_from_dict, space_to_dict
from rlkit.envs.spaces import Space
from rlkit.errors import ConfigError, ModelDefinitionError, StateError, TrainingError
from rlkit.models.agent import Agent
from rlkit.models.card import model_card, model_text, model_title, trained
from rlkit.nn.parameters import Parameters
from rlkit.storage.archive import archive_path, read_archive, write_archive
from rlkit.storage.packing import PackedModel, pack, state_of
from rlkit.training.callbacks import Callback, checked_callbacks
from rlkit.training.history import History
from rlkit.training.jobs import TrainingJob, start_job
from rlkit.training.log import TrainingLog
from rlkit.training.progress import Progress, progress_callback
from rlkit.training.run import TrainingRun, Updates, interrupt_stops

STATE_FORMAT = 2
"""Raised by one when what ``get_state`` returns changes; ``set_state`` then still reads every format below it."""


_DESCRIPTION = (
    "algorithm",
    "env_id",
    "env_kwargs",
    "observation_space",
    "action_space",
    "seed",
    "num_timesteps",
    "num_episodes",
    "learning_curve",
)
"""What stands in a model's state as well as in its metadata."""


class ModelBase(Agent):
    """A reinforcement-learning model: an agent with its optimizer and all that it takes to go on training.

    Args:
        config: Hyperparameters; the algorithm's defaults where None.
        env: The environment to learn: a Gymnasium id, an ``Env``, a ``VectorEnv`` or a function that makes an
            ``Env``. May be given later, to :meth:`build`.
        env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.
        seed: Seed of everything random in the model, the environments included; drawn where None.

    Attributes:
        num_timesteps: Environment steps trained so far, over all calls of :meth:`train`.
        num_episodes: Episodes that ended in training so far.
    """

    algorithm: ClassVar[str]
    """Name by which the factory knows the class."""

    def __init__(
        self,
        config: ModelConfig | None = None,
        env: EnvironmentLike | None = None,
        *,
        env_kwargs: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(config, env, env_kwargs=env_kwargs, seed=seed)
        self.num_episodes = 0
        self._log = TrainingLog()
        self._run: weakref.ref[TrainingRun] | None = None

    # -- training ----------------------------------------------------------------------------------------------------

    def train(
        self,
        steps: int | None = None,
        *,
        callbacks: Sequence[Callback] | Callback = (),
        progress: Progress = None,
    ) -> History:
        """Train for ``steps`` environment steps, in whole rollouts, and return what happened.

        Schedules run from start to end once in each call. Ctrl-C ends the call after the update under way: the model
        stays usable, and the history says so.

        Args:
            steps: Environment steps, of all environments together; ``config.n_timesteps`` where None.
            callbacks: What to call on the way.
            progress: True for a progress bar, False for none, a callback for another; None shows one where somebody
                looks: in a terminal or a notebook.

        Raises:
            MissingEnvironmentError: The model has no environment.
            TrainingError: ``steps`` is no positive whole number, a callback is none, or the model is training already.
        """
        run = self._shown(steps, callbacks, progress_callback(progress))
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
        callbacks: Sequence[Callback] | Callback = (),
        progress: Progress = None,
    ) -> TrainingJob:
        """Train as :meth:`train` does, in a thread, and return at once with the job, which can be watched and stopped.

        Meanwhile the model can predict, be evaluated, saved and registered: as it is between two updates. The thread
        ends with the process.

        Args:
            steps: As for :meth:`train`.
            callbacks: What to call on the way, in that thread.
            progress: As for :meth:`train`; None shows progress in a notebook alone, below the cell that started it.

        Raises:
            MissingEnvironmentError: The model has no environment.
            TrainingError: ``steps`` is no positive whole number, a callback is none, or the model is training already.
        """
        bar = progress_callback(progress, background=True)
        return start_job(self._shown(steps, callbacks, bar), bar)

    def _shown(self, steps: int | None, callbacks: Sequence[Callback] | Callback, bar: Callback | None) -> TrainingRun:
        return self.training(steps, callbacks=[*checked_callbacks(callbacks), *([bar] if bar else [])])

    def training(self, steps: int | None = None, *, callbacks: Sequence[Callback] | Callback = ()) -> TrainingRun:
        """Return a run to be iterated: each ``next`` collects experience, makes one update and returns it.

        So a plain loop, a thread or an async task can drive training, and stop it between updates.

        Raises:
            MissingEnvironmentError: The model has no environment.
            TrainingError: ``steps`` is no positive whole number, a callback is none, or the model is training already.
        """
        if steps is None:
            steps = getattr(self.config, "n_timesteps", None)
        steps = whole_number("steps", steps, 1, TrainingError)
        source = self._require_source("train")
        if self._is_training:
            raise TrainingError("This model is training already.", "Stop that run first: run.close(), or job.stop().")
        history = History(f"{type(self).__name__} on {source.name}", steps, source.reward_threshold)
        run = TrainingRun(history, self._logged_updates, checked_callbacks(callbacks), model=self)
        self._run = weakref.ref(run)
        return run

    @property
    def _is_training(self) -> bool:
        run = self._run() if self._run is not None else None
        if run is None or run.ended:
            return False
        del run
        gc.collect()  # a run refers to itself: one that nobody holds any more is closed only now
        run = self._run() if self._run is not None else None
        return run is not None and not run.ended

    def _logged_updates(self, run: TrainingRun) -> Updates:
        self._log.begin(run.history, self.num_timesteps)
        yield from self._updates(run)

    @abstractmethod
    def _updates(self, run: TrainingRun) -> Updates:
        """Collect experience and update, for ever; yield the metrics of each update."""

    @contextmanager
    def _training_environment(self, num_envs: int) -> Iterator[VectorEnvironment]:
        """Yield environments to train on, which are closed after the block: unless they are the caller's own."""
        source = self._require_source("train")
        environment = source.training(num_envs)
        # Equal Dict spaces may have their keys in another order, and features are in the order of the model's.
        environment.encoder = self._encoder
        try:
            yield environment
        finally:
            if source.fixed_num_envs is None:
                environment.close()

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
    def history(self) -> History | None:
        """What happened in the last call of :meth:`train` in this process; None before the first."""
        return self._log.history

    @property
    def learning_curve(self) -> dict[str, list[float]]:
        """Mean return over all training so far: ``{"steps": […], "mean_return": […]}``, at most 200 points."""
        return self._log.curve

    # -- state -------------------------------------------------------------------------------------------------------

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The config as plain data."""
        return self.config.to_dict()

    def _description(self) -> dict[str, Any]:
        return {
            "algorithm": self.algorithm,
            "env_id": self._env_id,
            "env_kwargs": dict(self._env_kwargs),
            "observation_space": _space_or_none(self.observation_space),
            "action_space": _space_or_none(self.action_space),
            "seed": self.seed,
            "num_timesteps": self.num_timesteps,
            "num_episodes": self.num_episodes,
            "learning_curve": self.learning_curve,
        }

    @property
    def metadata(self) -> dict[str, Any]:
        """What describes the model, as plain data that JSON can hold: config, spaces, steps, last evaluation."""
        return self._told(self._description())

    def _told(self, description: Mapping[str, Any]) -> dict[str, Any]:
        evaluation = self.evaluation  # taken once: it is gone as soon as a thread has trained the model further
        metrics = evaluation.metrics if evaluation else {}
        return {**description, "config": self.hyperparameters, "wall_time": self.wall_time, "metrics": metrics}

    def get_state(self, *, slim: bool = False) -> dict[str, Any]:
        """Return all that :meth:`set_state` needs to go on exactly from here, as plain data and arrays.

        Two runs that did the same give the same state: how long they took is in :attr:`metadata` alone. While another
        thread trains, the state is that between two updates.

        Args:
            slim: Leave out experience that is kept to learn from (:attr:`experience` says what that is). The model
                then acts as before, but collects it anew when it trains further.
        """
        with self.paused():
            built = self.observation_space is not None
            return {
                **self._description(),
                "format": STATE_FORMAT,
                "config": self.config.get_state(),
                "rng": self._rng.bit_generator.state,
                "normalizer": self._normalizer.get_state() if built else None,
                "networks": self._get_networks() if built else None,
                "experience": self._get_experience() if built and not slim else None,
                "left_out": self.experience if slim else "",
            }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take a state that :meth:`get_state` gave. Nothing is changed where it does not fit.

        Raises:
            StateError: It is of another algorithm or a newer format, or parts are missing or do not fit.
            SpaceMismatchError: It is of a model that was built for other spaces.
        """
        restored = type(self).from_state(state)
        with self.paused():
            self._become(restored)

    def _become(self, restored: Self) -> None:
        if self.observation_space is not None:
            if restored.observation_space is None or restored.action_space is None:
                raise StateError("This is the state of a model that never had an environment.", "Create a new model.")
            self._check_spaces(restored.observation_space, restored.action_space)
        if self._source is not None:
            restored._adopt(self._source)
        restored._run = self._run
        restored._log = self._log.went_back(restored.learning_curve)
        self.__dict__.update(restored.__dict__)

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], env: EnvironmentLike | None = None, *, wall_time: float = 0.0
    ) -> Self:
        """Return the model that gave ``state``.

        Args:
            state: What :meth:`get_state` returned.
            env: An environment; the one that the state names where None, made when it is needed.
            wall_time: Seconds the model has trained, which its metadata say.

        Raises:
            StateError: It is of another algorithm or a newer format, or parts are missing or do not fit.
            ConfigError: It has a hyperparameter that is unknown here, or out of bounds.
            SpaceMismatchError: ``env`` has other spaces.
        """
        cls._check_state(state)
        try:
            model = cls(cls.Config.from_state(state["config"]), seed=state["seed"])
            model._restore(state, wall_time)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise StateError(f"The saved {cls.__name__} model cannot be read: {error!r}.") from error
        return model if env is None else model.build(env)

    @classmethod
    def _check_state(cls, state: Mapping[str, Any]) -> None:
        if not isinstance(state, Mapping):
            raise StateError(f"{state!r:.80} is no state.", "Give what get_state() returned.")
        algorithm, found = state.get("algorithm"), state.get("format")
        if algorithm != cls.algorithm:
            problem = f"This is the state of a {algorithm!r} model, not of {cls.algorithm!r}."
            raise StateError(problem, "rlkit.load makes the right class.")
        if not isinstance(found, int) or found > STATE_FORMAT:
            problem = f"The state has format {found!r}; this rlkit reads up to {STATE_FORMAT}."
            raise StateError(problem, "Update rlkit: pip install -U rlkit.")

    def _restore(self, state: Mapping[str, Any], wall_time: float) -> None:
        if state["observation_space"] is not None:
            observation_space, action_space = (space_from_dict(state[f"{r}_space"]) for r in ("observation", "action"))
            self._check_spaces(observation_space, action_space)
            self._restoring = True
            self._build_for(observation_space, action_space)
            del self._restoring
            self._set_networks(state["networks"])
            if "normalizer" in state:  # format 1 had none
                self._normalizer.set_state(state["normalizer"])
            if state.get("experience") is not None:
                self._set_experience(state["experience"])
        self._env_id, self._env_kwargs = state["env_id"], dict(state["env_kwargs"])
        self.num_timesteps, self.num_episodes = state["num_timesteps"], state["num_episodes"]
        self._log = TrainingLog(state["learning_curve"], wall_time)
        self._rng.bit_generator.state = state["rng"]

    @abstractmethod
    def _get_networks(self) -> dict[str, Any]:
        """Return parameters and optimizer as plain data."""

    @abstractmethod
    def _set_networks(self, state: Mapping[str, Any]) -> None:
        """Take what :meth:`_get_networks` gave.

        Raises:
            ValueError: Its shapes do not fit.
        """

    experience: ClassVar[str] = ""
    """What the model keeps of its experience to learn from again, such as ``"replay buffer"``; empty for nothing."""

    def _get_experience(self) -> dict[str, Any] | None:
        """Return what :attr:`experience` names as plain data."""
        return None

    def _set_experience(self, state: Mapping[str, Any]) -> None:
        """Take what :meth:`_get_experience` gave.

        Raises:
            ValueError: Its shapes do not fit.
        """

    def save(self, path: str | Path, *, slim: bool = False) -> Path:
        """Write the model to one portable file, whose name ends in ``.rlkit``, and return its path.

        Args:
            path: The file.
            slim: Leave out experience that is kept to learn from: see :meth:`get_state`. The file says so.

        Raises:
            StoreError: The file's ending is another, or the file cannot be written.
        """
        path = archive_path(path)
        write_archive(path, self.packed(slim=slim))
        return path

    def packed(self, *, slim: bool = False) -> PackedModel:
        """Return the model as a file or a registry keeps it; its class too, where that lives in a notebook.

        Args:
            slim: Leave out experience that is kept to learn from: see :meth:`get_state`.

        Raises:
            ModelDefinitionError: Its class has no name in the factory, or cannot be packed.
        """
        if "algorithm" not in vars(type(self)):
            problem = f"{type(self).__name__} has no name of its own: it would come back as {self.algorithm!r}."
            raise ModelDefinitionError(problem, f'Decorate it: @rlkit.register_model("{type(self).__name__.lower()}").')
        with self.paused():
            state = self.get_state(slim=slim)
            told = self._told({key: state[key] for key in _DESCRIPTION})
        told |= {"model_class": f"{type(self).__module__}:{type(self).__qualname__}", "left_out": state["left_out"]}
        return PackedModel(told, pack(state, type(self)))

    @classmethod
    def load(cls, path: str | Path, env: EnvironmentLike | None = None) -> Self:
        """Return the model of this class in a file that :meth:`save` wrote.

        Raises:
            StoreError: There is no such file, or its name does not end in ``.rlkit``.
            CorruptArtifactError: It is not what was written.
            UntrustedArtifactError: Its state would run code when opened; nothing was run.
            StateError: It holds a model of another algorithm.
            SpaceMismatchError: ``env`` has other spaces.
        """
        packed = read_archive(archive_path(path))
        return cls.from_state(state_of(packed.objects), env, wall_time=packed.metadata["wall_time"])

    # -- display -----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{model_title(self)}: {trained(self)}, seed {self.seed}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(model_text(self))

    def _repr_html_(self) -> str:
        return model_card(self)


def _space_or_none(space: Space | None) -> dict[str, Any] | None:
    return None if space is None else space_to_dict(space)
