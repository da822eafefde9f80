"""ModelBase: what every algorithm is and does."""

from __future__ import annotations

import contextlib
import copy
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from rlkit.config.changes import changes_from
from rlkit.config.class_only import class_only
from rlkit.envs import EnvironmentLike, EnvironmentSource, space_from_dict, space_to_dict
from rlkit.envs.spaces import FREE_NUMBERS, Space
from rlkit.envs.state import write_generator
from rlkit.errors import UPDATE, ConfigError, ModelDefinitionError, RLKitError, StateError, visible
from rlkit.models.card import model_card, model_text, model_title, trained
from rlkit.models.learner import Learner
from rlkit.models.state import check_episodes, check_parts, numbers_in
from rlkit.nn.parameters import at_most
from rlkit.storage.archive import archive_path, read_archive, write_archive
from rlkit.storage.packing import PackedModel, environment_is_signed, pack, state_of, warn_of_secrets
from rlkit.training.log import TrainingLog

ModelT = TypeVar("ModelT", bound="ModelBase")

STATE_FORMAT = 3
"""Raised by one when what ``get_state`` returns changes; ``set_state`` then still reads every format below it."""


_DESCRIPTION = (
    "algorithm",
    "env_id",
    "env_kwargs",
    "env_name",
    "env_modified",
    "observation_space",
    "action_space",
    "seed",
    "num_timesteps",
    "num_episodes",
    "learning_curve",
    "config_changes",
)
"""What stands in a model's state as well as in its metadata."""


class ModelBase(Learner):
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

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The config as plain data."""
        return self.config.to_dict()

    def _description(self) -> dict[str, Any]:
        return {
            "algorithm": type(self).algorithm,
            "env_id": self._env_id,
            "env_kwargs": dict(self._env_kwargs),
            "env_name": self._env_name,
            "env_modified": list(self._env_modified),
            "observation_space": _space_or_none(self.observation_space),
            "action_space": _space_or_none(self.action_space),
            "seed": self.seed,
            "num_timesteps": self.num_timesteps,
            "num_episodes": self.num_episodes,
            "learning_curve": self.learning_curve,
            "config_changes": [change.to_dict() for change in self.config_changes],
        }

    @property
    def metadata(self) -> dict[str, Any]:
        """What describes the model, as plain data that JSON can hold: config, spaces, steps, last evaluation."""
        return self._told(self._description())

    def _told(self, description: Mapping[str, Any]) -> dict[str, Any]:
        evaluation = self.evaluation  # taken once: it is gone as soon as a thread has trained the model further
        metrics = evaluation.metrics if evaluation else {}
        return {**description, "config": self.hyperparameters, **self._log.to_dict(), "metrics": metrics}

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
                "episodes": self._get_episodes(),
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
            self._become(restored, state.get("left_out", ""))

    def with_state(self, state: Mapping[str, Any]) -> Self:
        """Return another model with a state that :meth:`get_state` gave, in this model's environment.

        Raises:
            StateError: It is of another algorithm or a newer format, or parts are missing or do not fit.
            SpaceMismatchError: It is of a model that was built for other spaces.
        """
        other: Self = type(self).from_state(state)
        if self._source is not None and other.observation_space is not None and other.action_space is not None:
            self._check_spaces(other.observation_space, other.action_space)
            other._adopt(self._source)
        return other

    def _become(self, restored: Self, left_out: str) -> None:
        if self.observation_space is not None:
            if restored.observation_space is None or restored.action_space is None:
                raise StateError("This is the state of a model that never had an environment.", "Create a new model.")
            self._check_spaces(restored.observation_space, restored.action_space)
        if self._source is not None:
            restored._adopt(self._source)
        elif restored._env_id == self._env_id:
            restored._may_import = self._may_import
        environments = self._environments  # they stay open, with what they store
        environments.observations, environments.saved = None, restored._environments.saved
        if self.observation_space is not None:  # for a run under way, whose episodes go on
            restored._normalizer.resume(self._normalizer.discounted_returns)
        restored._environments = environments
        restored._run = self._run
        restored._log = self._log.went_back(restored._log, restored.num_timesteps, left_out)
        self.__dict__.update(restored.__dict__)

    @class_only(StateError, "model.set_state(state) changes a model; rlkit.load(path) makes one from a file.")
    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Any],
        env: EnvironmentLike | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        trust: bool = False,
    ) -> Self:
        """Return the model that gave ``state``.

        Args:
            state: What :meth:`get_state` returned.
            env: An environment; the one that the state names where None, made when it is needed.
            metadata: What :attr:`metadata` told beside the state, of which the seconds and calls of training are taken.
            trust: Whether the module may be imported that the state says to register its environment; one that is
                imported already is used in any case.

        Raises:
            StateError: It is of another algorithm or a newer format, or parts are missing or do not fit; a
                hyperparameter is unknown here, or out of bounds.
            SpaceMismatchError: ``env`` has other spaces.
        """
        cls._check_state(state)
        try:
            with _reading("config"):
                config = cls.Config.from_state(state["config"])
            model = cls(config, seed=state["seed"])
            model._restore(state, metadata or {})
        except RLKitError:
            raise
        except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
            problem = f"The saved {cls.__name__} model cannot be read: {type(error).__name__}: {error!s:.300}."
            raise StateError(problem, "Restore the file from a backup.") from error
        model._may_import = trust
        return model if env is None else model.build(env)

    @classmethod
    def _check_state(cls, state: Mapping[str, Any]) -> None:
        if not isinstance(state, Mapping):
            raise StateError(f"{state!r:.80} is no state.", "Give what get_state() returned.")
        algorithm, found = state.get("algorithm"), state.get("format")
        if algorithm != cls.algorithm:
            problem = f"This is the state of a {algorithm!r} model, not of {cls.algorithm!r}."
            raise StateError(problem, "rlkit.load makes the right class.")
        if type(found) is not int or not 1 <= found <= STATE_FORMAT:
            problem = f"The state has format {found!r:.20}; this rlkit reads up to {STATE_FORMAT}."
            raise StateError(problem, UPDATE)
        check_parts(state)

    def _restore(self, state: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        if state["observation_space"] is not None:
            most = max(FREE_NUMBERS, numbers_in(state["networks"]))
            observation_space, action_space = (
                space_from_dict(state[f"{role}_space"], most) for role in ("observation", "action")
            )
            self._check_spaces(observation_space, action_space)
            self._restoring = True
            with at_most(most):
                self._build_for(observation_space, action_space)
            del self._restoring
            with _reading("networks"):
                self._set_networks(state["networks"])
            if "normalizer" in state:  # format 1 had none
                with _reading("normalizer"):
                    self._normalizer.set_state(state["normalizer"])
            if state.get("experience") is not None:
                with _reading("experience"):
                    self._set_experience(state["experience"])
            check_episodes(state.get("episodes"), self._encoder.size)
        self._env_id, self._env_kwargs = state["env_id"], dict(state["env_kwargs"])
        # Formats 1 and 2 lack these three.
        self._env_name, self._env_modified = state.get("env_name", state["env_id"]), list(state.get("env_modified", ()))
        self._environments.saved = state.get("episodes")
        self.num_timesteps, self.num_episodes = state["num_timesteps"], state["num_episodes"]
        changes = changes_from(state.get("config_changes", ()))
        self._log = TrainingLog.from_dict(metadata, state["learning_curve"], changes, state.get("left_out", ""))
        with _reading("rng"):
            write_generator(self._rng, state["rng"])

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

    # -- copies ------------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a model that goes on from here just as this one would, and shares nothing with it.

        Its environments are copies too, where they can be copied; else it makes new ones, and an environment or a
        vector environment that has no copies must be given to it again: ``copied.build(env)``.
        """
        with self.paused():
            source = None if self._source is None else self._source.copied()
            copied = _copy(type(self), self.get_state(), copy.deepcopy(self._beside_state(), memo), source)
            if source is not None:
                copied._goes_on_in(self)  # noqa: SLF001 - our own class
        memo[id(self)] = copied
        return copied

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let pickle, dill and cloudpickle copy the model as its state, with what makes its environment.

        An environment that none of them can write is left out, with a warning: the copy asks for one when it needs it.
        """
        with self.paused():
            environment = None if self._source is None else self._source.pickled()
            return _from_pickle, (type(self), self.get_state(), self._beside_state(), environment)

    def _beside_state(self) -> dict[str, Any]:
        """Return what a copy has beside the state: what happened in this process."""
        return {
            "_log": self._log,
            "_asked": self._asked,
            "_may_import": self._may_import,
            "_evaluation": self._evaluation,
            "_evaluated_at": self._evaluated_at,
            "_predict_rng": self._predict_rng,
        }

    # -- files -------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, slim: bool = False) -> Path:
        """Write the model to one portable file, whose name ends in ``.rlkit``, and return its path.

        There is a warning where a class that travels with it holds what looks like a secret.

        Args:
            path: The file.
            slim: Leave out experience that is kept to learn from: see :meth:`get_state`. The file says so.

        Raises:
            StoreError: The file's ending is another, or the file cannot be written.
        """
        path = archive_path(path)
        packed = self.packed(slim=slim)
        write_archive(path, packed)
        warn_of_secrets(packed.objects, str(path))
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
        return PackedModel(told, pack(state, type(self), sign_environment=self._may_import))

    @class_only(StateError, "Assign what it returns: agent = rlkit.load(path).")
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
        state = state_of(packed.objects)
        trust = environment_is_signed(packed.objects, state)
        return cls.from_state(state, env, metadata=packed.metadata, trust=trust)

    def __repr__(self) -> str:
        return visible(f"<{model_title(self)}: {trained(self)}, seed {self.seed}>")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(model_text(self))

    def _repr_html_(self) -> str:
        return model_card(self)


@contextlib.contextmanager
def _reading(part: str) -> Iterator[None]:
    """Name the part of a state that cannot be read."""
    try:
        yield
    except ConfigError as error:
        raise StateError(f"The saved {part} cannot be used: {error.problem}", error.remedy) from error
    except RLKitError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        problem = f"The saved {part} cannot be read: {type(error).__name__}: {error!s:.300}."
        raise StateError(problem, "Restore the file from a backup.") from error


def _space_or_none(space: Space | None) -> dict[str, Any] | None:
    return None if space is None else space_to_dict(space)


def _copy(
    model_class: type[ModelT], state: Mapping[str, Any], beside: Mapping[str, Any], source: EnvironmentSource | None
) -> ModelT:
    """Return a model of a state, of what a copy has beside it, and with the environments of ``source``."""
    model = model_class.from_state(state)
    if source is not None:
        model._adopt(source)  # noqa: SLF001 - our own class
    vars(model).update(beside)
    return model


def _from_pickle(
    model_class: type[ModelT], state: Mapping[str, Any], beside: Mapping[str, Any], environment: bytes | None
) -> ModelT:
    """Return the model that ``ModelBase.__reduce__`` described."""
    source = None if environment is None else EnvironmentSource.from_pickle(environment)
    return _copy(model_class, state, beside, source)
