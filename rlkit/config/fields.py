"""Hyperparameters as fields of a config class, and what is known of each: bounds, scale, unit, meaning."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo

from rlkit.schedules import LinearSchedule, parse_linear

Scale = Literal["linear", "log"]
Kind = Literal["int", "float", "bool", "str", "choice", "schedule", "sizes"]

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
"""A number, or a straight line to zero (``"lin_0.001"``) over one call of ``train``.

Progress is taken before the steps of an update, as OpenAI's baselines do, not after them, as SB3: the first update
learns at the full rate, and the last one at more than none.
"""


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
    live: bool = False,
    legacy: Any = None,
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
        live: Whether ``model.reconfigure`` may change it once the model has networks. The algorithm must then read it
            from ``self.config`` each time it uses it.
        legacy: Value in what was written before the field existed, such as the state of a model; None for the default.
    """
    bounds = {"exclusiveMinimum": gt, "minimum": ge, "exclusiveMaximum": lt, "maximum": le}
    extra = {name: bound for name, bound in bounds.items() if bound is not None}
    return Field(
        default,
        description=meaning,
        validate_default=False,
        json_schema_extra={
            **extra,
            "scale": scale,
            "unit": unit,
            "common": common,
            "live": live,
            "legacy": legacy,
        },
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
    live: bool
    legacy: Any = None

    @property
    def about(self) -> str:
        """What it does, and whether it may change while a model trains, in sentences."""
        return f"{self.meaning} May change while training." if self.live else self.meaning

    @property
    def takes(self) -> str:
        """What values are right, in words: ``"a number above 0 and at most 1, or a schedule …"``."""
        words = {
            "int": "a whole number",
            "float": "a number",
            "bool": "True or False",
            "str": "a word",
            "choice": "one of " + ", ".join(self.choices),
            "schedule": "a number",
            "sizes": "a list of layer sizes such as [64, 64]",
        }[self.kind]
        limits = " and ".join(f"{_BOUNDS[name][0]} {bound:.10g}" for name, bound in self.bounds.items())
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
            message = f"it must be {words} {bound:.10g}"
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


def describe_field(name: str, field: FieldInfo) -> Hyperparameter:
    """Return what is known of a field of a config class, whose default may be in any form."""
    members = list(_alternatives(field.annotation))
    kind: Kind = "sizes"
    choices: tuple[str, ...] = ()
    for member in members:
        if typing.get_origin(member) is Literal:
            kind, choices = "choice", tuple(map(str, typing.get_args(member)))
        elif member in (bool, int, float, str):
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
        live=bool(extra.get("live", False)),
        legacy=extra.get("legacy"),
    )
