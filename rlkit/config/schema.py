"""ModelConfig: the only place where a hyperparameter is written down.

Options, completion, forms, files, help and tables are all derived from the fields of a config class.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.fields import FieldInfo

from rlkit.config import files, presets
from rlkit.display import html, text
from rlkit.errors import ConfigError, did_you_mean
from rlkit.schedules import LinearSchedule, parse_linear

Scale = Literal["linear", "log"]
Kind = Literal["int", "float", "bool", "choice", "schedule", "sizes"]

# Names are JSON schema's own, so that the bounds stand in the schema as they are.
_BOUNDS: dict[str, tuple[str, typing.Callable[[float, float], bool]]] = {
    "exclusiveMinimum": ("above", lambda value, bound: value > bound),
    "minimum": ("at least", lambda value, bound: value >= bound),
    "exclusiveMaximum": ("below", lambda value, bound: value < bound),
    "maximum": ("at most", lambda value, bound: value <= bound),
}


def _read_scheduled(value: object) -> object:
    return parse_linear(value) if isinstance(value, str) else value


def _write_scheduled(value: float | LinearSchedule) -> float | str:
    return str(value) if isinstance(value, LinearSchedule) else value


Scheduled = Annotated[
    float | LinearSchedule,
    BeforeValidator(_read_scheduled),
    PlainSerializer(_write_scheduled),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^lin_"}]}),
]
"""A number, or a straight line to zero (``"lin_0.001"``) over one call of ``train``."""


def hyperparameter(
    default: object,
    meaning: str,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    scale: Scale = "linear",
    unit: str = "",
    common: bool = False,
) -> Any:
    """Declare one hyperparameter of a :class:`ModelConfig`.

    Args:
        default: Value when neither the caller nor a preset gives one.
        meaning: One sentence that says what it does.
        gt: The value is above this; for a schedule, its start is.
        ge: The value is at least this; for a schedule, at both ends.
        lt: The value is below this.
        le: The value is at most this.
        scale: Whether a slider for it is linear or logarithmic.
        unit: What it counts, such as ``"steps"``.
        common: Whether people change it often: shown first in forms and help.
    """
    bounds = {"exclusiveMinimum": gt, "minimum": ge, "exclusiveMaximum": lt, "maximum": le}
    extra = {name: bound for name, bound in bounds.items() if bound is not None}
    return Field(
        default,
        description=meaning,
        validate_default=False,
        json_schema_extra={**extra, "scale": scale, "unit": unit, "common": common},
    )


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """What is known of one field of a config class: all that an option, a form or a help page needs."""

    name: str
    kind: Kind
    default: Any
    meaning: str
    bounds: Mapping[str, float]
    choices: tuple[str, ...]
    optional: bool
    scale: Scale
    unit: str
    common: bool

    @property
    def takes(self) -> str:
        """What values are right, in words: ``"a number above 0 and at most 1, or a schedule …"``."""
        words = {
            "int": "a whole number",
            "float": "a number",
            "bool": "True or False",
            "choice": "one of " + ", ".join(self.choices),
            "schedule": "a number",
            "sizes": "a list of layer sizes such as [64, 64], or {pi: [64], vf: [64]}",
        }[self.kind]
        limits = " and ".join(f"{_BOUNDS[name][0]} {bound:g}" for name, bound in self.bounds.items())
        words = f"{words} {limits}" if limits else words
        if self.kind == "schedule":
            words += ", or a line to zero such as lin_0.001"
        return words + (", or None" if self.optional else "")

    def check(self, value: object) -> None:
        """Raise ValueError where ``value`` is outside the bounds; a schedule is checked at both ends."""
        if isinstance(value, LinearSchedule):
            for name, bound in self.bounds.items():
                # A line may fall to a bound that a constant must stay above, as a learning rate falls to 0.
                ends = (value.start,) if name.startswith("exclusive") else (value.start, value.end)
                self._within(name, bound, *ends)
            if self.bounds.get("exclusiveMinimum") is not None:
                self._within("minimum", self.bounds["exclusiveMinimum"], value.end)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            for name, bound in self.bounds.items():
                self._within(name, bound, value)

    @staticmethod
    def _within(name: str, bound: float, *values: float) -> None:
        words, holds = _BOUNDS[name]
        if not all(holds(value, bound) for value in values):
            message = f"it must be {words} {bound:g}"
            raise ValueError(message)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, those of nested ones too, without ``Annotated``."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(typing.get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


def _describe_field(name: str, field: FieldInfo) -> Hyperparameter:
    members = list(_alternatives(field.annotation))
    kind: Kind = "sizes"
    choices: tuple[str, ...] = ()
    for member in members:
        if typing.get_origin(member) is Literal:
            kind, choices = "choice", tuple(map(str, typing.get_args(member)))
        elif member in (bool, int, float):
            kind = member.__name__
    if LinearSchedule in members:
        kind = "schedule"
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return Hyperparameter(
        name=name,
        kind=kind,
        default=field.default,
        meaning=field.description or "",
        bounds={key: float(typing.cast("float", extra[key])) for key in _BOUNDS if key in extra},
        choices=choices,
        optional=type(None) in members,
        scale=typing.cast("Scale", extra.get("scale", "linear")),
        unit=str(extra.get("unit", "")),
        common=bool(extra.get("common", False)),
    )


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

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self._explain(error) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in type(self).model_fields:
            problem = f"A {type(self).__name__} cannot be changed."
            raise ConfigError(problem, f"Make another: config.replace({name}={value!r}).")
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
            f"{name} = {first['input']!r} is not allowed: {reason[:1].lower()}{reason[1:]}.",
            f"{name} takes {field.takes} (default {default}).",
        )

    @field_validator("*", mode="before")
    @classmethod
    def _plain_integer(cls, value: Any) -> Any:
        """Take NumPy's integers, of which sweeps are made: strict pydantic refuses them."""
        return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value

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
            cached = {name: _describe_field(name, field) for name, field in cls.model_fields.items()}
            type.__setattr__(cls, "_hyperparameters_of_class", cached)
        return cached

    @classmethod
    def resolve(
        cls,
        values: Mapping[str, Any] | None = None,
        *,
        env_id: str | None = None,
        preset: str | None = "auto",
    ) -> Self:
        """Return a config from the caller's values, over a preset's, over the defaults.

        Args:
            values: What the caller set.
            env_id: The environment, whose preset ``"auto"`` takes where there is one.
            preset: ``"auto"``, the name of a preset, or None for none.

        Raises:
            ConfigError: A name or a value is wrong, or there is no such preset.
        """
        values = dict(values or {})
        name, settings = presets.choose(cls.preset_file, env_id, preset)
        settings = files.translate(settings, cls.hyperparameters())
        config = cls(**{**settings, **values})
        return config._mark(name, frozenset(settings) - set(values))

    def _mark(self, preset: str, names: frozenset[str]) -> Self:
        self._preset = preset
        self._from_preset = names
        return self

    def replace(self, **changes: Any) -> Self:
        """Return a config with some values changed; the changes count as the caller's.

        Raises:
            ConfigError: A name or a value is wrong.
        """
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        changed = type(self)(**{**kept, **changes})
        return changed._mark(self._preset, self._from_preset - set(changes))  # noqa: SLF001 - our own instance

    @property
    def sources(self) -> dict[str, str]:
        """Where each value came from: ``"caller"``, ``"preset NAME"`` or ``"default"``."""

        def source(name: str) -> str:
            if name in self._from_preset:
                return f"preset {self._preset}"
            return "caller" if name in self.model_fields_set else "default"

        return {name: source(name) for name in type(self).model_fields}

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain data: numbers, strings, lists and dicts."""
        return self.model_dump(mode="json")

    def get_state(self) -> dict[str, Any]:
        """Return values and where they came from as plain data."""
        given = sorted(self.model_fields_set - self._from_preset)
        return {
            "values": self.to_dict(),
            "caller": given,
            "preset": self._preset,
            "from_preset": sorted(self._from_preset),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the config that gave ``state`` with :meth:`get_state`.

        A field that has come since is left at its default.

        Raises:
            ConfigError: A name or a value is wrong.
        """
        given = {*state["caller"], *state["from_preset"]}
        config = cls(**state["values"])
        config.model_fields_set.intersection_update(given)
        return config._mark(str(state["preset"]), frozenset(state["from_preset"]))

    def diff(self, other: ModelConfig) -> dict[str, tuple[Any, Any]]:
        """Return the values that differ: name -> (here, there); None for a name that one side has not."""
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

    @classmethod
    def load(cls, path: str | Path, env: str | None = None) -> Self:
        """Read a ``.yaml``, ``.yml`` or ``.toml`` file: one that :meth:`save` wrote, or one of RL Zoo's.

        Args:
            path: The file.
            env: Which block to read where the file has one for each of several environments.

        Raises:
            ConfigError: The file cannot be read, or has an unknown name or a wrong value.
        """
        return cls.from_mapping(files.read(Path(path), env))

    @classmethod
    def from_mapping(cls, block: Mapping[str, Any]) -> Self:
        """Return a config from a block as files have it: RL Zoo's spellings and numbers in quotes are read.

        Raises:
            ConfigError: A name is unknown, or a value is wrong or not supported.
        """
        return cls(**files.translate(block, cls.hyperparameters()))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((type(self), repr(self.to_dict())))

    def rows(self) -> list[tuple[str, object, str, str]]:
        """Return name, value, source and meaning of every hyperparameter, for tables."""
        fields, sources, values = type(self).hyperparameters(), self.sources, self.to_dict()
        return [(name, values[name], sources[name], field.meaning) for name, field in fields.items()]

    def __repr__(self) -> str:
        values, sources = self.to_dict(), self.sources
        inside = ", ".join(f"{n}={values[n]!r}" for n in values if sources[n] != "default")
        return f"{type(self).__name__}({inside})"

    def __str__(self) -> str:
        rows = [(name, text.literal(value), source, meaning) for name, value, source, meaning in self.rows()]
        return text.table(("hyperparameter", "value", "from", "meaning"), rows)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return html.card(type(self).__name__, picture=html.config_table(self.rows()))
