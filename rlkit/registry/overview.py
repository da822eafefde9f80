"""A whole registry as a notebook shows it: where it is, how large, and the models in it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlkit.display import html, text
from rlkit.display.html import Markup
from rlkit.errors import StoreError
from rlkit.registry.versions import ModelVersion

_HEADERS = ("model", "versions", "aliases", "last registered (UTC)")
_MOST_ROWS = 60  # of text; in HTML as many of these as fit
_LONGEST_ALIASES = 60  # letters


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is to say of a registry.

    Attributes:
        folder: Where it is.
        size: Bytes of all files in it.
        models: Name, number of versions, aliases with the numbers that they point to, and when the last version was
            registered, of each model: that with the newest version first.
        problem: Why it cannot be read; empty where it can.
    """

    folder: Path
    size: int
    models: Sequence[tuple[str, str, str, str]]
    problem: str = ""

    @property
    def _summary(self) -> str:
        if self.problem:
            return self.problem
        if not self.models:
            return "empty: rlkit.register(model, 'name') keeps the first version"
        versions = sum(int(count) for _, count, *_ in self.models)
        counts = (_count(len(self.models), "model"), _count(versions, "version"), text.size(self.size))
        return " · ".join(counts)

    def __repr__(self) -> str:
        shown, more = self.models[:_MOST_ROWS], len(self.models) - _MOST_ROWS
        table = text.table(_HEADERS, shown, {1}) if shown else ""
        rest = f"… and {more:,} more: registry.models()" if more > 0 else ""
        head = f"{text.one_line(str(self.folder))}\n{self._summary}"
        return "\n".join(part for part in (head, table and f"\n{table}", rest) if part)

    def _repr_html_(self) -> str:
        rows = [(html.code(name), *rest) for name, *rest in self.models[:_MOST_ROWS]]

        def render(shown: int) -> Markup:
            more = html.left_out(len(self.models) - shown, "registry.models()")
            table = html.join(html.table(_HEADERS, rows[:shown], numeric={1}), more) if rows else ""
            return html.card(str(self.folder), self._summary, picture=table)

        return html.as_many_as_fit(render, len(rows))


def overview(folder: Path, list_versions: Callable[[], Iterable[ModelVersion]]) -> Overview:
    """Sum up a registry.

    Args:
        folder: Where it is.
        list_versions: Returns all of its versions.
    """
    models: dict[str, list[ModelVersion]] = {}
    try:
        for version in list_versions():
            models.setdefault(version.name, []).append(version)
    except StoreError as error:  # to show it must not fail
        return Overview(folder, 0, (), text.one_line(str(error)))
    newest = {name: max(version.created for version in each) for name, each in models.items()}
    ordered = sorted(models, key=lambda name: newest[name], reverse=True)
    rows = [
        (name, str(len(models[name])), _aliases(models[name]), newest[name][:16].replace("T", " ")) for name in ordered
    ]
    return Overview(folder, _size(folder), rows)


def _aliases(versions: Iterable[ModelVersion]) -> str:
    words = (f"@{alias} → {version.version}" for version in versions for alias in version.aliases)
    return text.shortened(", ".join(words), _LONGEST_ALIASES)


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # another program deleted it meanwhile
                total += Path(place, name).lstat().st_size
    return total


def _count(number: int, word: str) -> str:
    return f"{text.number(number)} {word}{'' if number == 1 else 's'}"
