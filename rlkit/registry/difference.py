"""What differs between two versions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlkit.display import html, text
from rlkit.registry.facts import changes_text, dataset_text, direction, git_text, metric_names, same, space_text
from rlkit.registry.versions import ModelVersion
from rlkit.storage.packing import Packed
from rlkit.storage.parts import Change, changes

Parameters = Mapping[str, tuple[NDArray[Any] | None, NDArray[Any] | None]]

_FACTS = (
    "algorithm",
    "env_id",
    "env_kwargs",
    "observation_space",
    "action_space",
    "seed",
    "config_changes",
    "num_timesteps",
    "num_episodes",
    "parent",
    "dataset",
    "git",
    "packages",
    "left_out",
    "tags",
    "description",
)
_NAMES = {
    "env_id": "environment",
    "config_changes": "changed while training",
    "env_kwargs": "environment arguments",
    "num_timesteps": "steps",
    "num_episodes": "episodes",
    "git": "git commit",
}
_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "observation_space": space_text,
    "action_space": space_text,
    "config_changes": changes_text,
    "dataset": dataset_text,
    "git": git_text,
}
_LONGEST_VALUE, _LONGEST_REF = 40, 32  # letters
_FEW_ARRAYS, _MOST_ROWS = 12, 60


class _Table(NamedTuple):
    title: str
    headers: list[str]
    rows: list[list[str]]
    numeric: set[int]
    attribute: str  # of the difference, which has all of it
    never_shown: int = 0  # rows

    @property
    def rest(self) -> str:
        return f"difference.{self.attribute}"

    def left_out(self, rows: int) -> int:
        """How many are not shown where so many are."""
        return self.never_shown + max(0, len(self.rows) - rows)


class MetricChange(NamedTuple):
    """A metric on both sides.

    Attributes:
        left: Its value on the left, None where it is not known.
        right: Its value on the right, likewise.
        change: Right minus left; None where either is not known.
    """

    left: float | None
    right: float | None
    change: float | None


class ParameterChange(NamedTuple):
    """How far an array of parameters has moved.

    Attributes:
        left: Its L2 norm on the left, None where it is not there.
        right: Its L2 norm on the right, likewise.
        change: The L2 norm of right minus left; None where they cannot be subtracted.
        relative: ``change`` as a part of ``left``; None where there is none, or the left is zero and the right is not.
        note: Why they cannot be subtracted; empty where they can.
    """

    left: float | None
    right: float | None
    change: float | None
    relative: float | None
    note: str


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Difference:
    """What differs between two versions.

    When and where they were registered, and how long they trained, always differs and is left out.

    Args:
        left: One version.
        right: The other.
        parameters: Arrays of the models by name, left and right: None for one that a side lacks. They are not kept.
        code: What ``class_changes`` returned.

    Attributes:
        left: One version.
        right: The other.
        parameters: How far each array of parameters has moved, by name; empty where nothing is known of them.
        code: What differs between classes that were kept with the versions: methods, attributes, and what these use.
    """

    left: ModelVersion
    right: ModelVersion
    parameters: dict[str, ParameterChange]
    code: tuple[Change, ...]

    def __init__(
        self,
        left: ModelVersion,
        right: ModelVersion,
        parameters: Parameters | None = None,
        code: Sequence[Change] = (),
    ) -> None:
        moved = {name: _parameter_change(*sides) for name, sides in (parameters or {}).items()}
        for name, value in {"left": left, "right": right, "parameters": moved, "code": tuple(code)}.items():
            object.__setattr__(self, name, value)

    @cached_property
    def config(self) -> dict[str, tuple[Any, Any]]:
        """The hyperparameters that differ: name -> (left, right), None for one that a side lacks."""
        return _differing(self.left.config, self.right.config)

    @cached_property
    def metrics(self) -> dict[str, MetricChange]:
        """All metrics, whether they differ or not: the mean return first."""
        left, right = self.left.metrics, self.right.metrics
        names = metric_names((self.left, self.right))
        return {name: _metric_change(left.get(name), right.get(name)) for name in names}

    @cached_property
    def facts(self) -> dict[str, tuple[Any, Any]]:
        """What else differs: name of the attribute of ``ModelVersion`` -> (left, right).

        Of packages and environment arguments only those that differ.
        """
        left, right = ({name: getattr(side, name) for name in _FACTS} for side in (self.left, self.right))
        differing = {}
        for name, (one, other) in _differing(left, right).items():
            if name == "tags" and sorted(one) == sorted(other):
                continue
            differing[name] = (one, other)
            if name in ("packages", "env_kwargs"):
                parts = _differing(one, other)
                differing[name] = tuple({k: side[k] for k in parts if k in side} for side in (one, other))  # type: ignore[assignment] # two sides
        return differing

    @property
    def same_state(self) -> bool:
        """Whether the models' states are the same to the last bit."""
        return self.left.sha256 == self.right.sha256

    @property
    def _moved(self) -> dict[str, ParameterChange]:
        return {name: change for name, change in self.parameters.items() if change.change != 0}

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs: not the state either."""
        metrics = any(not same(change.left, change.right) for change in self.metrics.values())
        return self.same_state and not (self.config or self.facts or self.code or self._moved or metrics)

    @property
    def _title(self) -> str:
        return text.one_line(f"{self.left.ref} → {self.right.ref}")

    @property
    def _summary(self) -> str:
        """Say in a line what no table says."""
        if self.is_empty:
            return "No differences: the models' states are the same to the last bit."
        said = []
        if not self.config:
            said.append("all hyperparameters are the same")
        if self.same_state:
            said.append("the models' states are the same to the last bit")
        elif self.parameters and not self._moved:
            said.append("all parameters are the same, and the rest of the states is not")
        elif 0 < len(self._moved) < len(self.parameters):
            said.append(f"{len(self._moved)} of {_arrays(len(self.parameters))} of parameters moved")
        line = "; ".join(said)
        return line[:1].upper() + line[1:]

    def _tables(self) -> Iterable[_Table]:
        """Yield each table that has rows."""
        sides = [text.shortened(side.ref, _LONGEST_REF) for side in (self.left, self.right)]
        if self.is_empty:
            return
        if self.metrics:
            yield _Table(
                "Metrics", ["metric", *sides, "change", "verdict"], _metric_rows(self.metrics), {1, 2, 3}, "metrics"
            )
        if self.config:
            yield _Table("Hyperparameters", ["hyperparameter", *sides], list(self._config_rows()), set(), "config")
        if self.facts:
            yield _Table("Other facts", ["fact", *sides], list(self._fact_rows()), set(), "facts")
        if self.code:
            rows = [[each.name, each.left or text.MISSING, each.right or text.MISSING] for each in self.code]
            yield _Table("Class", ["part of the class", *sides], rows, set(), "code")
        if self._moved:
            headers = ["array", *(f"norm of {side}" for side in sides), "norm of change", "relative", "note"]
            rows = self._array_rows()
            if not any(note for *_, note in rows):
                headers, rows = headers[:-1], [row[:-1] for row in rows]
            yield _Table("Parameters", headers, rows, {1, 2, 3, 4}, "parameters", len(self._moved) - len(rows))

    def _config_rows(self) -> Iterable[list[str]]:
        for name in self.config:
            sides = (side.config for side in (self.left, self.right))
            yield [name, *(_literal(side[name]) if name in side else text.MISSING for side in sides)]

    def _fact_rows(self) -> Iterable[list[str]]:
        for name, (left, right) in self.facts.items():
            if name in ("packages", "env_kwargs"):
                for part in {**left, **right}:
                    yield [part, *(_literal(side[part]) if part in side else text.MISSING for side in (left, right))]
            else:
                yield [_NAMES.get(name, name.replace("_", " ")), _fact(name, left), _fact(name, right)]

    def _array_rows(self) -> list[list[str]]:
        """Return the arrays that moved: a few in the order of the model, of many the furthest, furthest first."""

        def distance(change: ParameterChange) -> float:
            return math.inf if change.relative is None else change.relative

        names = list(self._moved)
        if len(names) > _FEW_ARRAYS:
            names = sorted(names, key=lambda name: distance(self._moved[name]), reverse=True)[:_MOST_ROWS]
        shown = {name: self._moved[name] for name in names}
        columns = [text.column(change[i] for change in shown.values()) for i in range(3)]
        return [
            [name, *(column[i] for column in columns), _percent(change.relative), change.note]
            for i, (name, change) in enumerate(shown.items())
        ]

    def __repr__(self) -> str:
        tables = [
            f"{table.title}\n{text.table(table.headers, table.rows[:_MOST_ROWS], table.numeric)}"
            + "".join(f"\n… and {more:,} more: {table.rest}" for more in [table.left_out(_MOST_ROWS)] if more)
            for table in self._tables()
        ]
        return "\n\n".join(part for part in (self._title, self._summary, *tables) if part)

    def _repr_html_(self) -> str:
        tables = list(self._tables())

        def render(rows: int) -> html.Markup:
            return html.card(
                self._title, self._summary, picture=html.join(*(self._block(each, rows) for each in tables))
            )

        return html.as_many_as_fit(render, max((len(table.rows) for table in tables), default=0))

    def _block(self, table: _Table, rows: int) -> html.Markup:
        """Return the first rows of a table; that of parameters is folded away."""
        typed, folded = (
            table.title in ("Hyperparameters", "Class", "Parameters"),
            table.title == "Parameters" and rows > 1,
        )
        cells = [
            [html.code(text.shortened(name, _LONGEST_REF)) if typed else name, *map(_verdict_badge, rest)]
            for name, *rest in table.rows[:rows]
        ]
        content = html.join(
            html.table(table.headers, cells, caption="" if folded else table.title, numeric=table.numeric),
            html.left_out(table.left_out(rows), table.rest),
        )
        if folded:
            return html.fold(f"Parameters: {_arrays(len(self._moved))} moved", content)
        return html.Markup(f'<div style="margin-top:8px">{content}</div>')


def class_changes(left: tuple[str, Packed | None], right: tuple[str, Packed | None]) -> tuple[Change, ...]:
    """Compare the classes of two versions. Nothing is opened.

    Args:
        left: The name of the class and its module, and the class itself where it was kept with the version.
        right: Likewise.
    """
    (left_name, left_code), (right_name, right_code) = left, right
    if left_code and right_code:
        return () if left_code.data == right_code.data else changes(left_code.data, right_code.data)
    if not left_code and not right_code and (left_name == right_name or not (left_name and right_name)):
        return ()  # a file of another registry does not name it
    sides = [f"{name or 'a class'}, kept with it" if code else name or "imported" for name, code in (left, right)]
    return (Change("class", *sides),)


def _arrays(number: int) -> str:
    return f"{number:,} array{'' if number == 1 else 's'}"


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    pairs = {name: (left.get(name), right.get(name)) for name in {**left, **right}}
    return {name: pair for name, pair in pairs.items() if not same(*pair)}


def _metric_change(left: float | None, right: float | None) -> MetricChange:
    return MetricChange(left, right, None if left is None or right is None else right - left)


def _metric_rows(metrics: Mapping[str, MetricChange]) -> list[list[str]]:
    rows = []
    for name, change in metrics.items():
        left, right = text.column((change.left, change.right))
        rows.append([name.replace("_", " "), left, right, _signed(change.change), _verdict(name, change.change)])
    return rows


def _signed(change: float | None) -> str:
    return f"+{text.number(change)}" if change is not None and change > 0 else text.number(change)


def _verdict(name: str, change: float | None) -> str:
    if change is None or math.isnan(change):
        return ""
    if not change:
        return "same"
    quality = direction(name) * change
    return "better" if quality > 0 else "worse" if quality < 0 else ""


def _verdict_badge(cell: str) -> object:
    if cell == "better":
        return html.badge(cell, "good")
    return html.badge(cell, "bad") if cell == "worse" else cell


def _parameter_change(left: NDArray[Any] | None, right: NDArray[Any] | None) -> ParameterChange:
    norms = _norm(left), _norm(right)
    if left is None or right is None:
        return ParameterChange(*norms, None, None, "only on the right" if left is None else "only on the left")
    if left.shape != right.shape:
        shapes = " and ".join("×".join(map(str, side.shape)) or "one number" for side in (left, right))  # noqa: RUF001 - as shapes are written
        return ParameterChange(*norms, None, None, f"shapes {shapes}")
    with np.errstate(all="ignore"):  # what is not finite is shown as it is
        change = _norm(np.asarray(right, np.float64) - np.asarray(left, np.float64))
    if np.array_equal(left, right, equal_nan=True):
        change = 0.0
    return ParameterChange(*norms, change, _relative(change, norms[0]), "")


def _norm(array: NDArray[Any] | None) -> float | None:
    if array is None:
        return None
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))


def _relative(change: float | None, left: float | None) -> float | None:
    if change == 0:
        return 0.0
    return change / left if change is not None and left else None


def _percent(part: float | None) -> str:
    if part is None or not math.isfinite(part):
        return text.MISSING
    return f"{text.number(float(f'{100 * part:.3g}'))} %"


def _literal(value: Any) -> str:
    return text.shortened(text.literal(value), _LONGEST_VALUE)


def _fact(name: str, value: Any) -> str:
    """Write a fact of one side."""
    if value is None or value in ("", ()):
        return text.MISSING
    if name in _WRITERS:
        return _WRITERS[name](value) or text.MISSING
    if name == "tags":
        return _literal(" ".join(value))
    return text.number(value) if name.startswith("num_") else _literal(value)
