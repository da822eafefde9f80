"""ModelConfig: the only place where a hyperparameter is written down.

Options, completion, forms, files, help and tables are all derived from the fields of a config class.
"""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, ValidationInfo, field_validator

from rlkit.config import files, presets
from rlkit.config.class_only import class_only
from rlkit.config.fields import Hyperparameter, describe_field
from rlkit.config.numbers import plain
from rlkit.display import html, text
from rlkit.errors import ConfigError, did_you_mean, warn_caller

_DEFAULT = object()
"""Stands for the default of a field, which a config does not list among the values that were set."""


class ModelConfig(BaseModel):
    """Hyperparameters of one algorithm: frozen, strict, and knowing where each value came from.

    Raises:
        ConfigError: A name is unknown, or a value is of the wrong type or out of bounds.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    preset_file: ClassVar[str] = ""
    """Name of the file in ``rlkit/presets`` with settings for single environments; empty for none."""

    _preset: str = PrivateAttr(default="")
    _from_preset: frozenset[str] = PrivateAttr(default=frozenset())
    _adjusted: frozenset[str] = PrivateAttr(default=frozenset())
    _given: dict[str, Any] = PrivateAttr(default_factory=dict)
    """Values of a file that :meth:`adjust` changed, as the file has them."""

    def __init__(self, **values: Any) -> None:
        values = plain(values)
        adjusted = self.adjust(values, chosen=values.keys())
        try:
            super().__init__(**{**values, **adjusted})
        except ValidationError as error:
            raise self._explain(error) from None
        self._adjusted = frozenset(adjusted)

    @classmethod
    def adjust(cls, values: Mapping[str, Any], *, chosen: AbstractSet[str]) -> dict[str, Any]:  # noqa: ARG003 - a hook
        """Return changes that make values which nobody chose go with those that somebody did. A hook; here none.

        Args:
            values: Values of the caller and of a preset, not checked yet; the rest is at its default.
            chosen: Names of those that the caller chose, which must stay.
        """
        return {}

    def __setattr__(self, name: str, value: Any) -> None:
        known = type(self).model_fields
        if name in known:
            problem = f"A {type(self).__name__} cannot be changed."
            raise ConfigError(problem, f"Make another: config.replace({name}={value!r}).")
        if not name.startswith("_"):
            raise ConfigError(f"{type(self).__name__} has no hyperparameter {name!r}.", did_you_mean(name, known))
        super().__setattr__(name, value)

    @classmethod
    def _explain(cls, error: ValidationError) -> ConfigError:
        """Turn pydantic's first complaint into one that a person can act on."""
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            problem = f"{cls.__name__} has no hyperparameter {name!r}."
            return ConfigError(problem, did_you_mean(name, cls.model_fields))
        reason = first["msg"].removeprefix("Value error, ")
        if not name:
            problem, _, remedy = reason.partition("\n")
            return ConfigError(problem, remedy)
        field = cls.hyperparameters()[name]
        default = text.literal(cls().to_dict()[name])
        return ConfigError(
            f"{name} = {first['input']!r:.200} is not allowed: {reason[:1].lower()}{reason[1:200]}.",
            f"{name} takes {field.takes} (default {default}).",
        )

    @field_validator("*", mode="after")
    @classmethod
    def _check_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        if info.field_name is not None:
            cls.hyperparameters()[info.field_name].check(value)
        return value

    @classmethod
    def hyperparameters(cls) -> dict[str, Hyperparameter]:
        """Return what is known of every field, by name, in the order of the class."""
        cached: dict[str, Hyperparameter] | None = cls.__dict__.get("_hyperparameters_of_class")
        if cached is None:
            cached = {name: describe_field(name, field) for name, field in cls.model_fields.items()}
            type.__setattr__(cls, "_hyperparameters_of_class", cached)
        return cached

    @classmethod
    def live_names(cls) -> list[str]:
        """Return the names of those that may change while a model trains, in the order of the class."""
        return [name for name, field in cls.hyperparameters().items() if field.live]

    @class_only(ConfigError, "Use config.replace(learning_rate=1e-3) for a config with other values.")
    @classmethod
    def resolve(
        cls,
        values: Mapping[str, Any] | None = None,
        *,
        env_id: str | None = None,
        preset: str | None = "auto",
        num_envs: int | None = None,
    ) -> Self:
        """Return a config from the caller's values, over a preset's, over the defaults.

        Args:
            values: What the caller set.
            env_id: The environment, whose preset ``"auto"`` takes where there is one.
            preset: ``"auto"``, the name of a preset, or None for none.
            num_envs: Number of environments in a vector environment, to which ``n_envs`` is adjusted; None for any.

        Raises:
            ConfigError: A name or a value is wrong, there is no such preset, or ``n_envs`` contradicts ``num_envs``.
        """
        values = plain(dict(values or {}))
        name, settings = presets.choose(cls.preset_file, env_id, preset)
        settings = files.translate(settings, cls.hyperparameters())
        given = {**settings, **values}
        fixed = cls._fixed(given, num_envs, chosen=values.keys())
        given |= fixed
        adjusted = {**fixed, **cls.adjust(given, chosen=values.keys())}
        config = cls(**{**given, **adjusted})
        return config._mark(name, frozenset(settings) - set(values), config._adjusted | set(adjusted))

    @classmethod
    def _fixed(cls, given: Mapping[str, Any], num_envs: int | None, *, chosen: AbstractSet[str]) -> dict[str, Any]:
        """Return the change of ``n_envs`` that a vector environment of ``num_envs`` environments needs.

        Raises:
            ConfigError: The caller chose another number.
        """
        field = cls.model_fields.get("n_envs")
        wanted = given.get("n_envs", field.default if field else None)
        if num_envs is None or field is None or wanted == num_envs:
            return {}
        if "n_envs" not in chosen:
            return {"n_envs": num_envs}
        if isinstance(wanted, Integral) and not isinstance(wanted, bool):
            raise cls.contradiction(wanted, num_envs)
        return {}  # not a number of environments at all: validation refuses it

    @staticmethod
    def contradiction(n_envs: object, num_envs: int) -> ConfigError:
        """Return the error for an ``n_envs`` that the caller chose and a vector environment does not have."""
        problem = f"n_envs = {n_envs}, but the vector environment has {num_envs}."
        return ConfigError(problem, f"Leave n_envs out, or set it to {num_envs}.")

    def _mark(self, preset: str, from_preset: AbstractSet[str], adjusted: AbstractSet[str]) -> Self:
        self._preset = preset
        self._adjusted = frozenset(adjusted)
        self._from_preset = frozenset(from_preset) - self._adjusted
        return self

    @property
    def _chosen(self) -> set[str]:
        return self.model_fields_set - self._from_preset - self._adjusted

    def replace(self, **changes: Any) -> Self:
        """Return a config with some values changed; the changes count as the caller's.

        Raises:
            ConfigError: A name or a value is wrong.
        """
        return self._with(changes, chosen=self._chosen | set(changes))

    def adjusted(self, **changes: Any) -> Self:
        """Return a config with some values changed to go with what is outside it, such as an environment.

        Raises:
            ConfigError: A name or a value is wrong.
        """
        return self._with(changes, chosen=self._chosen - set(changes))

    def _with(self, changes: Mapping[str, Any], chosen: set[str]) -> Self:
        before = self._before_adjusting(chosen)
        current = {name: getattr(self, name) for name in self.model_fields_set}
        values = {
            name: value for name, value in {**current, **before, **plain(changes)}.items() if value is not _DEFAULT
        }
        adjusted = self.adjust(values, chosen=chosen)
        config = type(self)(**{**values, **adjusted})
        outside = self._adjusted - before.keys()
        adjustments = ((outside | set(changes)) - chosen) | set(adjusted) | config._adjusted  # noqa: SLF001 - our own class
        from_preset = self._from_preset | (before.keys() & self._settings.keys() - self._given.keys())
        config._given = {name: self._given[name] for name in self._given.keys() - chosen}  # noqa: SLF001 - the same
        return config._mark(self._preset, from_preset - set(changes), adjustments)  # noqa: SLF001 - the same

    def replace_for(self, num_envs: int | None, **changes: Any) -> Self:
        """Return a config with some values changed by the caller, adjusted to a vector environment.

        Args:
            num_envs: Number of environments in the vector environment; None for none.
            changes: As for :meth:`replace`.

        Raises:
            ConfigError: A name or a value is wrong, or the caller chose another ``n_envs``.
        """
        current = {name: getattr(self, name) for name in self.model_fields_set}
        fixed = self._fixed({**current, **changes}, num_envs, chosen=self._chosen | set(changes))
        if not fixed and not changes:
            return self
        return self._with({**fixed, **changes}, chosen=(self._chosen - fixed.keys()) | set(changes))

    def _before_adjusting(self, chosen: AbstractSet[str]) -> dict[str, Any]:
        """Return the values that :meth:`adjust` changed as they were: those of a file, a preset, or the default.

        What fits other values again is so used again. Values that were adjusted to an environment are not among them.
        """
        values = {name: getattr(self, name) for name in self.model_fields_set}
        before: dict[str, Any] = {}
        for name in self._adjusted - chosen:
            value = self._given.get(name, self._settings.get(name, _DEFAULT))
            others = {other: kept for other, kept in values.items() if other != name}
            trial = others if value is _DEFAULT else {**others, name: value}
            if self.adjust(trial, chosen=self._chosen).get(name, _DEFAULT) == values.get(name):
                before[name] = value
        return before

    @property
    def _settings(self) -> dict[str, Any]:
        """Values of the preset, as a config has them; none where this rlkit has no such preset."""
        try:
            settings = presets.choose(self.preset_file, None, self._preset or None)[1]
        except ConfigError:
            return {}
        return files.translate(settings, self.hyperparameters())

    @property
    def sources(self) -> dict[str, str]:
        """Where each value came from: ``"caller"``, ``"preset NAME"``, ``"default"``, or ``"adjusted"`` to others."""

        def source(name: str) -> str:
            if name in self._adjusted:
                return "adjusted"
            if name in self._from_preset:
                return f"preset {self._preset}"
            return "caller" if name in self.model_fields_set else "default"

        return {name: source(name) for name in type(self).model_fields}

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain data: numbers, strings, lists and dicts."""
        return self.model_dump(mode="json")

    def get_state(self) -> dict[str, Any]:
        """Return values and where they came from as plain data."""
        state = {
            "values": self.to_dict(),
            "caller": sorted(self._chosen),
            "preset": self._preset,
            "from_preset": sorted(self._from_preset),
            "adjusted": sorted(self._adjusted),
        }
        return {**state, "given": dict(self._given)} if self._given else state

    @class_only(ConfigError, "Call it on the class and assign the result: config = PPOConfig.from_state(state).")
    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the config that gave ``state`` with :meth:`get_state`.

        A field that has come since gets its legacy value, with which the model acts as before, else its default.

        Raises:
            ConfigError: A name or a value is wrong.
        """
        added = {
            name: field.legacy
            for name, field in cls.hyperparameters().items()
            if field.legacy is not None and name not in state["values"]
        }
        config = cls(**state["values"], **added)
        adjusted = {*state["adjusted"], *added}
        unknown = {
            *adjusted,
            *state["caller"],
            *state["from_preset"],
            *state.get("given", {}),
        } - cls.model_fields.keys()
        if unknown:
            raise ConfigError(f"{cls.__name__} has no hyperparameter {min(map(repr, unknown)):.80}.")
        config.model_fields_set.intersection_update({*state["caller"], *state["from_preset"], *adjusted})
        config._given = dict(state.get("given", {}))
        return config._mark(str(state["preset"]), set(state["from_preset"]), adjusted)

    def diff(self, other: ModelConfig) -> dict[str, tuple[Any, Any]]:
        """Return the values that differ: name -> (here, there); None for a name that one side lacks.

        Raises:
            ConfigError: ``other`` is no config.
        """
        if not isinstance(other, ModelConfig):
            raise ConfigError(f"{other!r:.80} is no config.", "Compare with a model's: one.config.diff(other.config).")
        here, there = self.to_dict(), other.to_dict()
        names = list(dict.fromkeys([*here, *there]))
        return {n: (here.get(n), there.get(n)) for n in names if here.get(n) != there.get(n)}

    def save(self, path: str | Path) -> Path:
        """Write all values to a ``.yaml``, ``.yml`` or ``.toml`` file, and return its path.

        Raises:
            ConfigError: The file's ending is none of these.
            StoreError: The file cannot be written.
        """
        return files.write(Path(path), self.to_dict())

    @class_only(ConfigError, "Call it on the class and assign the result: config = PPOConfig.load(path).")
    @classmethod
    def load(cls, path: str | Path, env: str | None = None, *, num_envs: int | None = None) -> Self:
        """Read a ``.yaml``, ``.yml`` or ``.toml`` file: one that :meth:`save` wrote, or one of RL Zoo's.

        Args:
            path: The file.
            env: Which block to read where the file has one for each of several environments.
            num_envs: Number of environments in a vector environment, to which ``n_envs`` is adjusted; None for any.

        Raises:
            ConfigError: The file cannot be read, or has an unknown name or a wrong value.
        """
        return cls.from_mapping(files.read(Path(path), env), num_envs=num_envs)

    @classmethod
    def read_block(cls, block: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a block as files have it: RL Zoo's spellings and numbers in quotes are read.

        Raises:
            ConfigError: A name is not a hyperparameter's in a way that no config can say, or a value is not supported.
        """
        named = {str(name): plain(value) for name, value in block.items()}  # YAML's names may be numbers
        return files.translate(named, cls.hyperparameters())

    @classmethod
    def read_value(cls, name: str, written: object) -> Any:
        """Return one value as plain data, as :meth:`to_dict` gives it, whatever the others are.

        Args:
            name: Of the hyperparameter.
            written: What a person or a file says: a number, or its text.

        Raises:
            ConfigError: There is no such hyperparameter, or the value is wrong by itself.
        """
        alone = cls.__new__(cls)
        try:
            cls.__pydantic_validator__.validate_python(cls.read_block({name: written}), self_instance=alone)
        except ValidationError as error:
            # What has no place is how it goes with the others, which is found last: the value is there by then.
            if any(each["loc"] for each in error.errors()):
                raise cls._explain(error) from None
        return alone.to_dict()[name]

    @class_only(ConfigError, "Call it on the class and assign the result: config = PPOConfig.from_mapping(block).")
    @classmethod
    def from_mapping(cls, block: Mapping[str, Any], *, num_envs: int | None = None) -> Self:
        """Return a config from a block as files have it: RL Zoo's spellings and numbers in quotes are read.

        Where two values cannot work together, such as a batch larger than a rollout, one is adjusted, with a warning.
        A block with a ``policy``, which all of RL Zoo's have, was tuned without rescaled actions and does not turn them
        on (``rescale_actions``); any other block leaves the default, unless it says something else.

        Args:
            block: Names and values.
            num_envs: Number of environments in a vector environment, to which ``n_envs`` is adjusted; None for any.

        Raises:
            ConfigError: A name is unknown, a value is wrong or not supported, or ``n_envs`` contradicts ``num_envs``.
        """
        values = cls.read_block(block)
        fixed = cls._fixed(values, num_envs, chosen=values.keys())
        adjusted = {**fixed, **cls.adjust({**values, **fixed}, chosen=frozenset())}
        for name in adjusted.keys() & values.keys():
            told = f"{name} = {values[name]!r} does not go with the other hyperparameters of the file"
            warn_caller(f"{told}: {adjusted[name]!r} is used.")
        config = cls(**{**values, **adjusted})
        config._given = {name: values[name] for name in adjusted.keys() & values.keys()}
        return config._mark("", frozenset(), config._adjusted | set(adjusted))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((type(self), repr(self.to_dict())))

    def rows(self) -> list[tuple[str, object, str, str]]:
        """Return name, value, source and meaning of every hyperparameter, for tables."""
        fields, sources, values = type(self).hyperparameters(), self.sources, self.to_dict()
        return [(name, values[name], sources[name], field.about) for name, field in fields.items()]

    def __repr__(self) -> str:
        values, sources = self.to_dict(), self.sources
        inside = ", ".join(f"{n}={values[n]!r}" for n in values if sources[n] != "default")
        return f"{type(self).__name__}({inside})"

    def __str__(self) -> str:
        rows = [(name, text.literal(value), source, meaning) for name, value, source, meaning in self.rows()]
        return text.table(("hyperparameter", "value", "from", "meaning"), rows, width=text.WIDTH)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(str(self))

    def _repr_html_(self) -> str:
        name = type(self).__name__
        return html.settings_that_fit(self.rows(), "config.to_dict()", lambda table: html.card(name, picture=table))
