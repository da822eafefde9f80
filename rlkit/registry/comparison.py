"""Versions side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rlkit.display import html, svg, text
from rlkit.display.html import Markup
from rlkit.errors import InvalidReferenceError
from rlkit.registry.difference import Difference, MetricChange, ParameterChange
from rlkit.registry.facts import EVALUATION_DETAILS, changes_text, direction, metric_names, same
from rlkit.registry.versions import ModelVersion

__all__ = ["Comparison", "Difference", "MetricChange", "ParameterChange"]

Curve = dict[str, list[float]]

_MOST_ROWS = 60  # of text; in HTML as many of these as fit
_FEW = 4  # versions, of which all metrics are shown
_MOST_METRICS, _MOST_CELLS = 8, 84
_MOST_LINES = 6  # with a colour and a label of their own
_MOST_BEHIND = 60
_MOST_COLUMNS = 10  # of one table; hyperparameters beyond it have a table of their own
_LONGEST_VALUE, _LONGEST_REF, _SHORT = 40, 40, 10  # letters


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cells: Sequence[str]
    numeric: bool = False
    best: int | None = None  # the row of its best value


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Versions side by side: what they reached, the hyperparameters that differ, and how they learned.

    Args:
        versions: One version or more, of any models.

    Attributes:
        versions: The versions, each once, in the order given.
        curves: Learning curve of each by its reference: ``{"cartpole:1": {"steps": […], "mean_return": […]}}``.

    Raises:
        InvalidReferenceError: There is no version.
    """

    versions: Sequence[ModelVersion]
    curves: dict[str, Curve] = field(init=False)

    def __post_init__(self) -> None:
        unique = {version.ref: version for version in self.versions}
        if not unique:
            raise InvalidReferenceError("There is nothing to compare.", "Write compare('cartpole:1', 'cartpole:2').")
        object.__setattr__(self, "versions", tuple(unique.values()))
        # Read now, so that the comparison can be shown when a version is deleted meanwhile.
        object.__setattr__(self, "curves", {ref: version.learning_curve for ref, version in unique.items()})

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """All metrics of each version, by its reference: the mean return first."""
        return {ref: {name: own[name] for name in self._names if name in own} for ref, own in self._figures.items()}

    @cached_property
    def _figures(self) -> dict[str, dict[str, float]]:
        """The metrics of each version, which gives a copy each time it is asked."""
        return {version.ref: version.metrics for version in self.versions}

    @cached_property
    def _names(self) -> list[str]:
        return metric_names(self.versions)

    @cached_property
    def config(self) -> dict[str, dict[str, Any]]:
        """The hyperparameters that differ: name -> reference -> value, without the versions that lack it."""
        configs = {version.ref: version.config for version in self.versions}
        names = dict.fromkeys(name for config in configs.values() for name in config)
        values = {name: [config.get(name) for config in configs.values()] for name in names}
        return {
            name: {ref: config[name] for ref, config in configs.items() if name in config}
            for name, (first, *others) in values.items()
            if not all(same(first, other) for other in others)
        }

    @cached_property
    def best(self) -> dict[str, str]:
        """The reference of the version that is best by each metric, where its name tells what is better."""
        leading = {}
        for name in self._names:
            sign = direction(name)
            known = {ref: own[name] for ref, own in self._figures.items() if not math.isnan(own.get(name, math.nan))}
            if sign and len(known) > 1 and len(set(known.values())) > 1:
                leading[name] = max(known, key=lambda ref: sign * known[ref])
        return leading

    def __repr__(self) -> str:
        shown = self._worth_showing()[:_MOST_ROWS]
        tables = [_table_text(columns) for columns in self._tables(shown)]
        best = ["* is the best of its column"] if self.best else []
        return "\n\n".join([*tables, ". ".join([*self._notes(len(shown)), *best])]).rstrip()

    def _repr_html_(self) -> str:
        worth_showing, picture = self._worth_showing()[:_MOST_ROWS], self._picture()

        def render(count: int) -> Markup:
            shown = worth_showing[:count]
            tables = [_table_html(columns) for columns in self._tables(shown, count)]
            return html.card(self._title, ". ".join(self._notes(len(shown))), picture=html.stacked(picture, *tables))

        return html.as_many_as_fit(render, max(len(worth_showing), len(self.config)))

    @property
    def _title(self) -> str:
        count = len(self.versions)
        return f"{count} versions compared" if count > 1 else self.versions[0].ref

    @property
    def _is_alike(self) -> bool:
        """Whether all are of one algorithm and environment, which then need no columns."""
        return len(self.versions) > 1 and len({(version.algorithm, version.env_id) for version in self.versions}) == 1

    @property
    def _has_one_seed(self) -> bool:
        """Whether all were trained with the same known seed, which then needs no column."""
        return None not in (seeds := {version.seed for version in self.versions}) and len(seeds) == 1

    def _notes(self, shown: int) -> list[str]:
        """Return what there is no table for, where some of the versions are shown."""
        notes = []
        if self._is_alike:
            first = self.versions[0]
            where = f"{first.algorithm} on {first.env_id or 'a custom environment'}"
            notes.append(text.shortened(where, 2 * _LONGEST_VALUE))
        if self._has_one_seed:
            notes.append(f"Seed {self.versions[0].seed}")
        changed = any(version.config_changes for version in self.versions)
        if not self.config and not changed and len(self.versions) > 1:
            notes.append("All hyperparameters are the same")
        left_out = len(self._names) - len(self._metrics_shown)
        if left_out:
            plural = "s" * (left_out > 1)
            notes.append(f"{left_out:,} more metric{plural}: comparison.metrics has all")
        if shown < len(self.versions):
            chosen = "the best, the first, the last, those with an alias, and of the others those of the highest return"
            notes.append(f"{shown} of {len(self.versions):,} are shown: {chosen}. comparison.metrics has all")
        return notes

    def _worth_showing(self) -> list[str]:
        """Return the references, the most important first: the best, the first and last, those with a name."""
        ends = (self.versions[0].ref, self.versions[-1].ref)
        named = [version.ref for version in self.versions if version.aliases]
        best = [self.best[metric] for metric in self._metrics_shown if metric in self.best]
        return list(dict.fromkeys((*best[:1], *ends, *named, *best, *(version.ref for version in self._ranked()))))

    def _ranked(self) -> list[ModelVersion]:
        """Return the versions, those of the highest mean return first."""

        def height(version: ModelVersion) -> float:
            reached = self._figures[version.ref].get("mean_return", math.nan)
            last = (self.curves[version.ref].get("mean_return") or [math.nan])[-1]
            known = [value for value in (reached, last) if not math.isnan(value)]
            return known[0] if known else -math.inf

        return sorted(self.versions, key=height, reverse=True)

    def _picture(self) -> str:
        drawn = [v.ref for v in self._ranked() if len(self.curves[v.ref].get("steps") or ()) > 1]
        if not drawn:
            return html.muted("No learning curves to show.") if len(self.versions) > 1 else ""
        series = [self._series(ref, text.shortened(ref, 24)) for ref in drawn[:_MOST_LINES]]
        behind = [self._series(ref, "") for ref in drawn[_MOST_LINES:][:_MOST_BEHIND]]
        more = f"in grey: {len(drawn) - _MOST_LINES:,} more" if behind else ""
        drawing = svg.overlay(series, behind, more=more, x_label="environment steps", y_label="mean return")
        names = ", ".join(drawn[:_MOST_LINES]) + (f" and {len(drawn) - _MOST_LINES:,} more" if behind else "")
        return svg.picture(drawing, f"Learning curves of {names}")

    def _series(self, ref: str, label: str) -> svg.Series:
        curve = self.curves[ref]
        return svg.Series(curve["steps"], curve["mean_return"], label)

    @cached_property
    def _metrics_shown(self) -> list[str]:
        """The names of the metrics that have a column: of many versions without what an evaluation says besides."""
        names = [name for name in self._names if len(self.versions) <= _FEW or name not in EVALUATION_DETAILS]
        return names[:_MOST_METRICS]

    def _tables(self, refs: Collection[str], most: int = _MOST_ROWS) -> list[list[_Column]]:
        """Return the columns of one table of some versions, or of two, of so many rows, where one would be too wide."""
        shown = [version for version in self.versions if version.ref in refs]
        config, rows = self.config, [version.ref for version in shown]
        facts = _fact_columns(shown, alike=self._is_alike, one_seed=self._has_one_seed)
        columns = [*facts, *self._metric_columns(shown)]
        if config and len(columns) + len(config) > _MOST_COLUMNS:
            return [columns, _config_table(config, rows, most)]
        return [[*columns, *_config_columns(config, rows)]]

    def _metric_columns(self, shown: Sequence[ModelVersion]) -> Iterable[_Column]:
        refs, best = [version.ref for version in shown], self.best
        for name in self._metrics_shown:
            values = text.column(self._figures[ref].get(name) for ref in refs)
            place = refs.index(best[name]) if best.get(name) in refs else None
            yield _Column(name.replace("_", " "), values, numeric=True, best=place)


def _fact_columns(shown: Sequence[ModelVersion], *, alike: bool, one_seed: bool) -> list[_Column]:
    environments = [text.shortened(version.env_id or "custom", _LONGEST_VALUE) for version in shown]
    changes = [text.shortened(changes_text(version.config_changes), 2 * _LONGEST_VALUE) for version in shown]
    seeds = ["" if version.seed is None else str(version.seed) for version in shown]
    columns = [
        _Column("version", [version.ref for version in shown]),
        _Column("aliases", [" ".join(f"@{alias}" for alias in version.aliases) for version in shown]),
        _Column("algorithm", [] if alike else [version.algorithm for version in shown]),
        _Column("environment", [] if alike else environments),
        _Column("seed", [] if one_seed else seeds),
        _Column("steps", text.column(version.num_timesteps for version in shown), numeric=True),
        _Column("changed while training", changes),
    ]
    return [column for column in columns if any(column.cells)]


def _config_columns(config: dict[str, dict[str, Any]], refs: Sequence[str]) -> Iterable[_Column]:
    for name, values in config.items():
        numeric = all(text.is_number(value) for value in values.values())
        yield _Column(name, [_value(values, ref) for ref in refs], numeric)


def _config_table(config: dict[str, dict[str, Any]], refs: Sequence[str], most: int) -> list[_Column]:
    """Return many hyperparameters that differ: a row for each, or for each version, whichever is narrower."""
    if len(refs) > len(config):
        return [_Column("version", refs), *_config_columns(config, refs)]
    shown = dict(list(config.items())[: min(most, max(_FEW, _MOST_CELLS // (1 + len(refs))))])
    versions = [_Column(ref, [_value(values, ref) for values in shown.values()]) for ref in refs]
    names = [text.shortened(name, _LONGEST_VALUE) for name in shown]
    if len(config) == len(shown):
        return [_Column("hyperparameter", names), *versions]
    more = f"… and {len(config) - len(shown):,} more: comparison.config"
    return [_Column("hyperparameter", [*names, more]), *(replace(each, cells=[*each.cells, ""]) for each in versions)]


def _value(values: dict[str, Any], ref: str) -> str:
    """Write a hyperparameter as it may be typed; a version that lacks it has a dash."""
    return text.shortened(text.literal(values[ref]), _LONGEST_VALUE) if ref in values else text.MISSING


def _table_text(columns: Sequence[_Column]) -> str:
    cells = [
        [f"*{cell}" if row == column.best else cell for row, cell in enumerate(column.cells)] for column in columns
    ]
    right = {index for index, column in enumerate(columns) if column.numeric}
    return text.table([column.title for column in columns], zip(*cells, strict=True), right)


def _table_html(columns: Sequence[_Column]) -> Markup:
    cells = [[_set(column.title, cell) for cell in column.cells] for column in columns]
    right = {index for index, column in enumerate(columns) if column.numeric}
    best = {(column.best, index) for index, column in enumerate(columns) if column.best is not None}
    return html.table(
        [text.shortened(column.title, _LONGEST_REF) for column in columns],
        zip(*cells, strict=True),
        numeric=right,
        marked=best,
    )


def _set(title: str, cell: str) -> object:
    if title == "aliases":
        return html.badges(cell.split(), "accent")
    if title == "version":
        return _unbroken(html.code(text.shortened(cell, _LONGEST_REF)))
    return _unbroken(html.plain(cell)) if len(cell) > _SHORT else cell


def _unbroken(content: Markup) -> Markup:
    return Markup(f'<span style="white-space:nowrap">{content}</span>')
