"""ModelFactory: discovers model classes, describes them, and creates models from validated configs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from gymnasium.vector import VectorEnv

from rlkit import models
from rlkit.config import ModelConfig, presets
from rlkit.display import html, text
from rlkit.display.note import tell
from rlkit.envs import EnvironmentLike, check_space, newest_id, space_to_dict, split_id
from rlkit.envs.spaces import Space
from rlkit.errors import (
    ModelDefinitionError,
    UnknownAlgorithmError,
    UnsupportedSpaceError,
    UntrustedArtifactError,
    did_you_mean,
    warn_caller,
)
from rlkit.models.base import ModelBase
from rlkit.storage.code import encode_class
from rlkit.storage.packing import CODE, Packed, environment_is_signed, open_class, state_of
from rlkit.storage.parts import PYTHON, Change, changes

ENTRY_POINT_GROUP = "rlkit.models"

ModelClass = type[ModelBase]
AnyModelClass = TypeVar("AnyModelClass", bound=ModelClass)


_SOME = 3  # names that differ, in a sentence
_LABELS = ("observations", "actions", "presets")


@dataclass(frozen=True, slots=True)
class Description:
    """What there is to know of an algorithm before one makes a model.

    Attributes:
        name: Name in the factory.
        model_class: The class.
        summary: One sentence.
        observation_spaces: Names of the kinds of observation space it takes.
        action_spaces: Names of the kinds of action space it takes.
        presets: Environments that it has shipped settings for.
    """

    name: str
    model_class: ModelClass
    summary: str
    observation_spaces: tuple[str, ...]
    action_spaces: tuple[str, ...]
    presets: tuple[str, ...]

    @property
    def config_class(self) -> type[ModelConfig]:
        """Class of the hyperparameters."""
        return self.model_class.Config

    def _fields(self) -> list[tuple[str, str]]:
        values = (", ".join(names) for names in (self.observation_spaces, self.action_spaces, self.presets))
        return [(label, value or "none") for label, value in zip(_LABELS, values, strict=True)]

    def _rows(self) -> list[tuple[str, str, str, str]]:
        shown = self.config_class().to_dict()
        known = self.config_class.hyperparameters().values()
        return [(field.name, str(shown[field.name]), field.takes, field.meaning) for field in known]

    @property
    def _all_fields(self) -> list[tuple[str, str]]:
        return [*self._fields(), ("may change while training", ", ".join(self.config_class.live_names()) or "none")]

    def _head(self, fields: list[tuple[str, str]]) -> str:
        return f"{text.one_line(f'{self.name}: {self.summary}')}\n{text.fields(fields, width=text.WIDTH)}"

    def __repr__(self) -> str:
        headers = ("hyperparameter", "default", "meaning")
        rows = [(name, default, f"{meaning} Takes {takes}.") for name, default, takes, meaning in self._rows()]
        return f"{self._head(self._all_fields)}\n\n{text.table(headers, rows, width=text.WIDTH)}"

    def _repr_html_(self) -> str:
        rows, headers = self._rows(), ("hyperparameter", "default", "takes", "meaning")

        def render(shown: int) -> html.Markup:
            more = html.left_out(len(rows) - shown, "description.config_class.hyperparameters()")
            details = [("Hyperparameters", html.join(html.table(headers, rows[:shown]), more))]
            return html.card(self.name, self.summary, self._all_fields, details=details)

        return html.as_many_as_fit(render, len(rows))


class ModelFactory:
    """Finds every model class in ``rlkit.models`` and in the entry-point group ``rlkit.models`` by itself.

    Classes are looked for when the factory is first asked; others are added with :meth:`register`.
    """

    def __init__(self) -> None:
        self._classes: dict[str, ModelClass] = {}
        self._discovered = False

    def _known(self) -> dict[str, ModelClass]:
        if not self._discovered:
            self._discovered = True
            found = {**self._installed(), **self._own()}
            self._classes = {**found, **self._classes}
        return self._classes

    @staticmethod
    def _own() -> dict[str, ModelClass]:
        """Return the classes of ``rlkit.models``: one with a name and without abstract methods is an algorithm."""
        classes: dict[str, ModelClass] = {}
        for info in pkgutil.iter_modules(models.__path__):
            module = importlib.import_module(f"{models.__name__}.{info.name}")
            for member in vars(module).values():
                if _is_algorithm(member) and member.__module__ == module.__name__:
                    classes[member.algorithm] = member
        return classes

    @staticmethod
    def _installed() -> dict[str, ModelClass]:
        """Return the classes that other packages offer; one that cannot be loaded is warned of, not fatal."""
        classes: dict[str, ModelClass] = {}
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            try:
                classes[entry.name] = _named(entry.name, _checked(entry.load()))
            except Exception as error:  # noqa: BLE001 - another package may fail in any way
                warn_caller(f"The model {entry.name!r} of {entry.value} cannot be loaded: {error}")
        return classes

    def names(self) -> list[str]:
        """Return the names of all algorithms."""
        return sorted(self._known())

    def get(self, name: str) -> ModelClass:
        """Return the model class of this name.

        Raises:
            UnknownAlgorithmError: There is none; the message names the nearest.
        """
        known, word = self._known(), str(name)
        found = known.get(word) or known.get(word.lower())
        if found is None:
            raise UnknownAlgorithmError(f"There is no algorithm {name!r}.", did_you_mean(word, known))
        return found

    def describe(self, name: str) -> Description:
        """Return what there is to know of an algorithm.

        Raises:
            UnknownAlgorithmError: There is none of this name.
        """
        model_class = self.get(name)
        return Description(
            name=model_class.algorithm,
            model_class=model_class,
            summary=(inspect.getdoc(model_class) or "").partition("\n")[0],
            observation_spaces=tuple(kind.__name__ for kind in model_class.observation_spaces),
            action_spaces=tuple(kind.__name__ for kind in model_class.action_spaces),
            presets=tuple(presets.names(model_class.Config.preset_file)),
        )

    def presets(self) -> dict[str, tuple[str, ...]]:
        """Return the environments that there are shipped settings for, and the algorithms that have them."""
        described = self._described()
        ids = dict.fromkeys(env_id for each in described for env_id in each.presets)
        return {env_id: tuple(each.name for each in described if env_id in each.presets) for env_id in ids}

    def takers(self, observation_space: Space, action_space: Space) -> list[str]:
        """Return the names of the algorithms that can take these spaces of one environment."""

        def takes(model_class: ModelClass) -> bool:
            try:
                for role, space in (("observation", observation_space), ("action", action_space)):
                    check_space(
                        space, getattr(model_class, f"{role}_spaces"), role=role, algorithm=model_class.__name__
                    )
                    space_to_dict(space)
            except UnsupportedSpaceError:
                return False
            return True

        return [name for name in self.names() if takes(self.get(name))]

    def register(self, name: str, model_class: ModelClass) -> None:
        """Add a model class; one that has the name already is replaced, with a warning.

        Raises:
            ModelDefinitionError: It is no complete subclass of ModelBase, or the name is no identifier.
        """
        if not isinstance(name, str) or not name.isidentifier():
            raise ModelDefinitionError(f"{name!r} is no name for an algorithm.", "Use letters, digits and _.")
        _checked(model_class)
        replaced = self._known().get(name)
        if replaced is not None and replaced is not model_class:
            warn_caller(f"The algorithm {name!r} was {replaced!r} and is now {model_class!r}.")
        self._classes[name] = _named(name, model_class)

    def unregister(self, name: str) -> None:
        """Remove a model class.

        Raises:
            UnknownAlgorithmError: There is none of this name.
        """
        removed = self.get(name)
        self._classes = {known: kept for known, kept in self._classes.items() if kept is not removed}

    def create(
        self,
        name: str,
        env: EnvironmentLike | None = None,
        *,
        seed: int | None = None,
        preset: str | None = "auto",
        env_kwargs: Mapping[str, Any] | None = None,
        **hyperparameters: Any,
    ) -> ModelBase:
        """Return a new model.

        Args:
            name: Name of the algorithm, such as ``"ppo"``.
            env: A Gymnasium id, an ``Env``, a ``VectorEnv`` or a function that makes an ``Env``. May come later. An id
                may name the module that registers it: ``"module:My-v0"``.
            seed: Seed of everything random; drawn where None.
            preset: ``"auto"`` for the settings shipped for this environment, where there are any; the name of
                others; None for the algorithm's defaults.
            env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.
            hyperparameters: Values that go before the preset's and the defaults.

        Raises:
            UnknownAlgorithmError: There is no such algorithm.
            ConfigError: A hyperparameter is unknown or its value wrong, or there is no such preset.
            UnknownEnvironmentError: There is no such environment.
            UnsupportedSpaceError: The algorithm cannot take the environment's spaces.
        """
        model_class = self.get(name)
        config = model_class.Config.resolve(
            hyperparameters, env_id=env_id_of(env), preset=preset, num_envs=num_envs_of(env)
        )
        return model_class(config, env, env_kwargs=env_kwargs, seed=seed)

    def create_from_config(
        self,
        name: str,
        config: ModelConfig | Mapping[str, Any] | str | Path,
        env: EnvironmentLike | None = None,
        *,
        seed: int | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
    ) -> ModelBase:
        """Return a new model with the hyperparameters of a config, a block of settings, or a YAML or TOML file.

        No preset is applied. Where a file has a block for each of several environments, that of ``env`` is taken.

        Raises:
            UnknownAlgorithmError: There is no such algorithm.
            ConfigError: A hyperparameter is unknown or its value wrong, or the file cannot be read.
        """
        model_class = self.get(name)
        if isinstance(config, str | Path):
            config = model_class.Config.load(config, env=env_id_of(env), num_envs=num_envs_of(env))
        elif isinstance(config, Mapping):
            config = model_class.Config.from_mapping(config, num_envs=num_envs_of(env))
        return model_class(config, env, env_kwargs=env_kwargs, seed=seed)

    def from_state(
        self,
        state: Mapping[str, Any],
        env: EnvironmentLike | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        trust: bool = False,
    ) -> ModelBase:
        """Return the model that gave ``state`` with ``get_state``.

        Args:
            state: The state.
            env: An environment; the one that the state names where None, made when it is needed.
            metadata: What it told beside its state: seconds and calls of training.
            trust: Whether the module may be imported that the state says to register its environment.

        Raises:
            UnknownAlgorithmError: Its class is not known here.
            StateError: The state is damaged or of a newer format.
        """
        try:
            model_class = self.get(str(state.get("algorithm")))
        except UnknownAlgorithmError as error:
            remedy = "Register the class it was made with: @rlkit.register_model(name)."
            raise UnknownAlgorithmError(error.problem, remedy) from None
        return model_class.from_state(state, env, metadata=metadata, trust=trust)

    def rebuild(
        self,
        objects: Mapping[str, Packed],
        env: EnvironmentLike | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        trust: bool = False,
        origin: str = "The file",
    ) -> ModelBase:
        """Return the model that was packed as ``objects``.

        A class among them is the model's class. Where the one of the same name here is the same but for where the
        lines of its source stand, that is taken and nothing is opened; where it differs, there is a note.

        Args:
            objects: What ``storage.packing.pack`` returned, from any source.
            env: An environment for it; the one it was trained on where None.
            metadata: What it told beside its state: seconds and calls of training.
            trust: Whether to run a class that this user did not keep on this machine, and to import the module that
                registers the environment when that is made.
            origin: What to call the source in an error.

        Raises:
            UntrustedArtifactError: Something would run code, and is not trusted to. Nothing was run.
            UnknownAlgorithmError: Its class is neither known here nor among the objects.
            ModelDefinitionError: The class among the objects is no model class of this algorithm.
            StateError: The state is damaged or of a newer format.
        """
        state = state_of(objects)
        imports = trust or environment_is_signed(objects, state)
        if CODE not in objects:
            return self.from_state(state, env, metadata=metadata, trust=imports)
        model_class = self._class_of(objects, str(state.get("algorithm")), origin, trust=trust)
        return model_class.from_state(state, env, metadata=metadata, trust=imports)

    def _class_of(self, objects: Mapping[str, Packed], algorithm: str, origin: str, *, trust: bool) -> ModelClass:
        """Return the class among the objects, or the one known here where that is the same."""
        known, differing = self._known().get(algorithm), self.differing(objects, algorithm)
        if known is not None and not differing:
            return known
        names = _some([change.name for change in differing])
        if known is not None and names == PYTHON:
            told = f"{origin} holds the class {algorithm!r} in code of another Python: the one that is here is used."
            tell(told)
            return known
        try:
            model_class = _checked(open_class(objects, origin, trusted=trust))
        except UntrustedArtifactError as error:
            if known is None:
                raise
            here = f"{known.__name__}.load(file) takes the class that is here instead, which differs ({names})."
            raise UntrustedArtifactError(error.problem, f"{error.remedy} {here}") from None
        if getattr(model_class, "algorithm", None) != algorithm:
            problem = f"{origin} is a model of {algorithm!r}, and its class is {model_class.__name__}."
            raise ModelDefinitionError(problem, "Get the file again from where it came from.")
        if known is not None:
            told = f"{origin} has the class that it was kept with: the {algorithm!r} that is here differs ({names})."
            tell(f"{told} To use that: {known.__name__}.from_state(model.get_state())")
        return model_class

    def differing(self, objects: Mapping[str, Packed], algorithm: str) -> tuple[Change, ...]:
        """Compare the class among the objects with the one that is known here. Nothing is opened.

        Args:
            objects: What ``storage.packing.pack`` returned, from any source.
            algorithm: The name of both.

        Returns:
            What differs: on the left as it is among the objects, on the right as it is here. Nothing where one of the
            two is missing.

        Raises:
            CorruptArtifactError: There is no class in the bytes.
        """
        known = self._known().get(algorithm)
        if known is None or CODE not in objects:
            return ()
        try:
            own = encode_class(known)
        except ModelDefinitionError:
            own = None
        if own is None:
            return (Change(known.__name__, "kept with the model", f"{known.__module__}.{known.__qualname__}"),)
        return () if own == objects[CODE].data else changes(objects[CODE].data, own)

    def __repr__(self) -> str:
        return f"<ModelFactory: {', '.join(self.names())}>"

    def _described(self) -> list[Description]:
        return [self.describe(name) for name in self.names()]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text("\n\n".join(each._head(each._fields()) for each in self._described()))  # noqa: SLF001 - ours

    def _repr_html_(self) -> str:
        described = self._described()
        headers = ("algorithm", "what it is", *_LABELS)

        def render(shown: int) -> html.Markup:
            rows = [
                (html.code(each.name), each.summary, *(value for _, value in each._fields()))
                for each in described[:shown]
            ]
            return html.join(html.table(headers, rows), html.left_out(len(described) - shown, "rlkit.factory.names()"))

        return html.as_many_as_fit(render, len(described))


def env_id_of(env: object) -> str | None:
    """Return the Gymnasium id of what was given as an environment, whose preset applies; None where it has none."""
    if isinstance(env, str):
        return newest_id(split_id(env)[1])
    spec = getattr(env, "spec", None)
    return getattr(spec, "id", None)


def num_envs_of(env: object) -> int | None:
    """Return how many environments there must be: as many as a vector environment has; None for any number."""
    return env.num_envs if isinstance(env, VectorEnv) else None


def _some(names: Sequence[str]) -> str:
    """Write the first of some names."""
    more = f" and {len(names) - _SOME} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more


def _is_algorithm(member: object) -> bool:
    return (
        isinstance(member, type)
        and issubclass(member, ModelBase)
        and not inspect.isabstract(member)
        and hasattr(member, "algorithm")
    )


def _checked(model_class: object) -> ModelClass:
    if not isinstance(model_class, type) or not issubclass(model_class, ModelBase):
        problem = f"{model_class!r} is no model class."
        raise ModelDefinitionError(problem, "Derive it from rlkit.ModelBase, or from a model such as PPO.")
    missing = sorted(getattr(model_class, "__abstractmethods__", ()))
    if missing:
        raise ModelDefinitionError(f"{model_class.__name__} lacks {', '.join(missing)}.", "Define them.")
    if not isinstance(getattr(model_class, "Config", None), type):
        raise ModelDefinitionError(f"{model_class.__name__} has no Config.", "Set it to a ModelConfig subclass.")
    return model_class


def _named(name: str, model_class: ModelClass) -> ModelClass:
    """Give the class its name: its models say it in their state, so that it can have only one."""
    own = vars(model_class).get("algorithm", name)
    if own != name:
        problem = f"{model_class.__name__} is the algorithm {own!r} already, and cannot be {name!r} too."
        raise ModelDefinitionError(problem, f"Derive a class from it: class Mine({model_class.__name__}).")
    model_class.algorithm = name
    return model_class


factory = ModelFactory()
"""The factory that the whole process shares."""


def register_model(name: str) -> Callable[[AnyModelClass], AnyModelClass]:
    """Return a decorator that adds a model class to the shared factory: ``@rlkit.register_model("mine")``."""

    def decorate(model_class: AnyModelClass) -> AnyModelClass:
        factory.register(name, model_class)
        return model_class

    return decorate
