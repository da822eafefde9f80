"""What a table says of versions: a column for each thing that people choose by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rlkit.display import text
from rlkit.registry.facts import EVALUATION_DETAILS, metric_names
from rlkit.registry.versions import ModelVersion

_MOST_METRICS = 4
_LONGEST = 40  # letters of a cell, and of a mark
_MOST_MARKS = 4  # in a cell


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: The field that it sorts by, as ``ModelRegistry.search`` takes it.
        title: What stands above it.
        value: Returns what it says of a version: a number, None or text.
        numeric: Whether its values are numbers, of which the largest are asked for first.
        marks: Returns words to set apart in its cell.
    """

    name: str
    title: str
    value: Callable[[ModelVersion], object]
    numeric: bool = False
    marks: Callable[[ModelVersion], Sequence[str]] = lambda _: ()

    def head(self) -> dict[str, Any]:
        """Return what a ``Table`` must know of it."""
        return {"name": self.name, "title": self.title, "numeric": self.numeric}

    def cells(self, versions: Sequence[ModelVersion]) -> list[dict[str, Any]]:
        """Return the cells of a ``Table`` for some versions, numbers with as many places each."""
        values = [self.value(version) for version in versions]
        written = text.column(values) if self.numeric else [_short(str(value)) for value in values]
        return [
            {"text": cell, "marks": _few(self.marks(version))} for cell, version in zip(written, versions, strict=True)
        ]


def _short(said: str) -> str:
    return text.shortened(text.one_line(said), _LONGEST)


def _few(words: Sequence[str]) -> list[str]:
    more = [f"and {len(words) - _MOST_MARKS:,} more"] if len(words) > _MOST_MARKS else []
    return [*map(_short, words[:_MOST_MARKS]), *more]


def _metric(name: str) -> Column:
    return Column(
        f"metrics.{name}", _short(name.replace("_", " ")), lambda version: version.metrics.get(name), numeric=True
    )


def columns_for(versions: Iterable[ModelVersion]) -> list[Column]:
    """Return the columns for a table of versions, with one for each of their first metrics.

    Args:
        versions: All that the table may show.
    """
    metrics = [name for name in metric_names(versions) if name not in EVALUATION_DETAILS][:_MOST_METRICS]
    return [
        Column("ref", "version", lambda version: version.ref, marks=lambda version: _at(version.aliases)),
        Column("algorithm", "algorithm", lambda version: version.algorithm),
        Column("env_id", "environment", lambda version: version.env_id or "custom"),
        *map(_metric, metrics),
        Column("num_timesteps", "steps", lambda version: version.num_timesteps, numeric=True),
        Column("tags", "tags", lambda _: "", marks=lambda version: version.tags),
        Column("created", "created (UTC)", lambda version: version.created[:16].replace("T", " ")),
        Column("size", "size", lambda version: text.size(version.size)),
    ]


def _at(aliases: Iterable[str]) -> list[str]:
    return [f"@{alias}" for alias in aliases]


def rows_of(columns: Sequence[Column], versions: Sequence[ModelVersion]) -> list[dict[str, Any]]:
    """Return the rows of a ``Table``: the reference of each version is its key."""
    cells = zip(*(column.cells(versions) for column in columns), strict=True)
    return [{"key": version.ref, "cells": list(row)} for version, row in zip(versions, cells, strict=True)]
