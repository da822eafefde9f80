"""ModelRegistry as its documentation describes it, in dicts: what a registry must answer after any history."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlkit.errors import InvalidNameError, InvalidReferenceError, ModelNotFoundError, QueryError
from rlkit.registry.names import LATEST, parse_reference

Row = dict[str, Any]
"""What is known of a version."""


@dataclass
class Known:
    """What was told of a version.

    Attributes:
        content: What its bytes say.
        parent: The reference that its parent had at the time.
        dataset: What it learned from.
        tags: In the order in which they came.
        metrics: By name.
        description: The last one.
        trashed: Whether it was deleted, and can be restored.
    """

    content: int
    parent: str | None = None
    dataset: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    description: str = ""
    trashed: bool = False

    def merge(self, told: Known) -> None:
        """Add what was told of the very same model again."""
        self.tags = list(dict.fromkeys([*self.tags, *told.tags]))
        self.metrics |= told.metrics
        self.description = told.description or self.description

    def copied(self, **changed: Any) -> Known:
        """Return what is known, as that of another version."""
        own = {"tags": list(self.tags), "metrics": dict(self.metrics)}
        return dataclasses.replace(self, **own | changed)


@dataclass(eq=False)
class Series:
    """A model, whatever it is called.

    Attributes:
        name: What it is called now.
        highest: The highest number that was ever given under its names.
        given: The numbers that were given to its versions.
        versions: Those that are there or in the trash.
        aliases: The number that each word points to.
    """

    name: str
    highest: int
    given: set[int] = field(default_factory=set)
    versions: dict[int, Known] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)

    @property
    def alive(self) -> list[int]:
        """The numbers that are there."""
        return sorted(number for number, known in self.versions.items() if not known.trashed)

    def row(self, number: int) -> Row:
        """Return what is known of a version now."""
        known = dataclasses.asdict(self.versions[number])
        del known["trashed"]
        aliases = sorted(alias for alias, target in self.aliases.items() if target == number)
        return {**known, "name": self.name, "version": number, "ref": f"{self.name}:{number}", "aliases": aliases}


class Ledger:
    """A registry in dicts: methods are ModelRegistry's, and return a :data:`Row` where those return a version."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self._meant: dict[tuple[str, int], Series] = {}  # whose version a reference means, for ever
        self._files: dict[Any, tuple[str, Known]] = {}
        self.warned = False

    # -- what is asked ------------------------------------------------------------------------------------------------

    def models(self) -> list[str]:
        """List the models that have a version."""
        return sorted(name for name, series in self._series.items() if series.alive)

    def references(self) -> Iterator[str]:
        """List every reference that ever meant a version, and those that might."""
        yield from (f"{name}:{number}" for name, number in self._meant)
        for name, series in self._series.items():
            yield from (name, f"{name}@{LATEST}", *(f"{name}@{alias}" for alias in series.aliases))

    def get(self, reference: str) -> Row:
        """Return what is known of a version."""
        series, number = self._found(reference)
        return series.row(number)

    def versions(self, name: str | None = None) -> list[Row]:
        """List versions."""
        if name is not None:
            series = self._present(name)
            return [series.row(number) for number in series.alive]
        return [row for model in self.models() for row in self.versions(model)]

    def aliases(self, name: str) -> dict[str, int]:
        """Return the number that each word points to, though it may be in the trash."""
        return self._series[name].aliases

    def trash(self) -> list[Row]:
        """List what can be restored."""
        all_series = sorted(self._series.items())
        return [
            series.row(at) for _, series in all_series for at in sorted(series.versions) if series.versions[at].trashed
        ]

    def search(
        self, condition: Callable[[Row], bool], key: str | None = None, limit: int | None = None, metric: str = ""
    ) -> list[Row]:
        """Find versions.

        Args:
            condition: Which.
            key: A metric that is the order, the largest first; those without it last.
            limit: How many at most.
            metric: One that the search names, which some version must have.
        """
        rows = self.versions()
        for named in filter(None, (metric, key)):
            if rows and not any(named in row["metrics"] for row in rows):
                raise QueryError(named)
        found = [row for row in rows if condition(row)]
        if key is not None:
            missing = [row for row in found if math.isnan(row["metrics"].get(key, math.nan))]
            there = [row for row in found if row not in missing]
            found = sorted(there, key=lambda row: row["metrics"][key], reverse=True) + missing
        return found[:limit]

    def lineage(self, reference: str) -> tuple[str | None, list[str], list[str]]:
        """Return parent, children and ancestors of a version."""
        row = self.get(reference)
        parents = {each["ref"]: self._now(each["parent"]) for each in self.versions() if each["parent"]}
        children = sorted((child for child, parent in parents.items() if parent == row["ref"]), key=_parted)
        ancestors, above = [], parents.get(row["ref"])
        while above is not None:
            ancestors.append(above)
            above = parents.get(above)
        return parents.get(row["ref"]), children, ancestors

    # -- what is kept -------------------------------------------------------------------------------------------------

    def register(
        self, model: Any, name: str, *, parent: str | None = None, allow_duplicate: bool = False, **told: Any
    ) -> Row:
        """Keep a model, which says its content and the reference that it was loaded from."""
        self._check(name)
        said = None if parent is None else self.get(parent)["ref"]
        metrics = {"content": model.content, **told.get("metrics", {})}
        known = Known(model.content, said or model.origin, **{**told, "metrics": metrics})

        def same(other: Known) -> bool:
            as_said = said is None or (other.parent is not None and self._now(other.parent) == said)
            return as_said and known.dataset in (None, other.dataset)

        return self._kept(name, known, None if allow_duplicate else same)

    def copy(self, reference: str, name: str) -> Row:
        """Keep a version under another name too."""
        self._check(name)
        series, number = self._found(reference)
        return self._kept(name, series.versions[number].copied(parent=f"{series.name}:{number}"))

    def export_file(self, reference: str, path: Any) -> Any:
        """Remember what a file holds."""
        series, number = self._found(reference)
        self._files[path] = series.name, series.versions[number].copied(parent=None)
        return path

    def import_file(self, path: Any, name: str | None = None, *, allow_duplicate: bool = False) -> Row:
        """Keep what a file holds."""
        said, known = self._files[path]
        self._check(name or said)
        return self._kept(name or said, known.copied(), None if allow_duplicate else lambda _: True)

    def _kept(self, name: str, known: Known, same: Callable[[Known], bool] | None = None) -> Row:
        series = self._series.get(name)
        if series is None:
            given = [number for (former, number) in self._meant if former == name]
            series = self._series[name] = Series(name, max(given, default=0))
        for number in reversed(series.alive if same else []):
            twin = series.versions[number]
            if twin.content == known.content and same(twin):
                twin.merge(known)
                self.warned = True
                return series.row(number)
        series.highest += 1
        series.versions[series.highest] = known
        series.given.add(series.highest)
        self._meant[name, series.highest] = series
        return series.row(series.highest)

    # -- what may change ----------------------------------------------------------------------------------------------

    def tag(self, reference: str, *tags: str) -> Row:
        """Add tags."""
        return self._changed(reference, lambda known: known.merge(Known(known.content, tags=[*tags])))

    def untag(self, reference: str, *tags: str) -> Row:
        """Remove tags, all or none."""
        if set(tags) - set(self.get(reference)["tags"]):
            raise ModelNotFoundError(str(tags))
        return self._changed(reference, lambda known: [known.tags.remove(tag) for tag in set(tags)])

    def describe(self, reference: str, description: str) -> Row:
        """Replace the description."""
        return self._changed(reference, lambda known: setattr(known, "description", description))

    def add_metrics(self, reference: str, metrics: Mapping[str, float]) -> Row:
        """Add metrics."""
        return self._changed(reference, lambda known: known.metrics.update(metrics))

    def _changed(self, reference: str, change: Callable[[Known], object]) -> Row:
        series, number = self._found(reference)
        change(series.versions[number])
        return series.row(number)

    def set_alias(self, name: str, alias: str, version: int) -> Row:
        """Let a word point to a version; a number that was given under the name means what the reference does."""
        self._present(name)
        series, number = self._found(f"{name}:{version}")
        series.aliases[alias] = number
        return series.row(number)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove a word."""
        if self._present(name).aliases.pop(alias, None) is None:
            raise ModelNotFoundError(alias)

    def promote(self, name: str, by: str, *, alias: str = "best", mode: str = "max") -> Row:
        """Let a word point to the best version."""
        rows = [row for row in self.versions(name) if not math.isnan(row["metrics"].get(by, math.nan))]
        if not rows:
            raise QueryError(by)
        best = (max if mode == "max" else min)(rows, key=lambda row: row["metrics"][by])
        return self.set_alias(name, alias, best["version"])

    # -- versions as a whole ------------------------------------------------------------------------------------------

    def rename(self, name: str, new_name: str) -> list[Row]:
        """Give a model another name."""
        series = self._present(name)
        if new_name != name:
            formerly = {id(other) for (former, _), other in self._meant.items() if former == new_name}
            others = [former for (former, _), other in self._meant.items() if other is not series]
            twins = [
                other
                for other in [*self._series, *others]
                if other not in (name, new_name) and other.lower() == new_name.lower()
            ]
            twins += [new_name] if new_name in self._series else []
            if twins or formerly - {id(series)}:
                raise InvalidNameError(new_name)
            series.name = new_name
            self._series[new_name] = self._series.pop(name)
            for number in series.given:
                self._meant.setdefault((new_name, number), series)
        return self.versions(new_name)

    def delete(self, reference: str) -> None:
        """Move a version to the trash."""
        series, number = self._found(reference)
        if parse_reference(reference).is_bare:
            raise InvalidReferenceError(reference)
        series.versions[number].trashed = True

    def restore(self, reference: str) -> Row:
        """Bring a version back."""
        parsed = parse_reference(reference)
        if parsed.version is None:
            raise InvalidReferenceError(reference)
        series = self._meant.get((parsed.name, parsed.version))
        known = series.versions.get(parsed.version) if series else None
        if series is None or known is None or not known.trashed:
            raise ModelNotFoundError(reference)
        known.trashed = False
        return series.row(parsed.version)

    def prune(
        self, name: str, keep: int, *, force: bool = False, dry_run: bool = False
    ) -> tuple[list[str], dict[str, str]]:
        """Move all but the newest to the trash; return which, and why the others stay."""
        rows, everything = self.versions(name), self.versions()
        gone, kept = [], {}
        for place, row in enumerate(reversed(rows)):
            staying = [
                other["ref"]
                for other in everything
                if other["parent"] and self._now(other["parent"]) == row["ref"]
                if other["name"] != name or other["ref"] in kept
            ]
            if place < keep:
                kept[row["ref"]] = f"newest {keep}"
            elif row["aliases"] and not force:
                kept[row["ref"]] = f"@{row['aliases'][0]}"
            elif staying and not force:
                kept[row["ref"]] = f"parent of {staying[0]}"
            else:
                gone.append(row["ref"])
        for ref in () if dry_run else gone:
            self.delete(ref)
        return gone[::-1], kept

    def gc(self, *, old: bool = True) -> list[str]:
        """Forget what is in the trash and old enough; return what the references were."""
        rows = self.trash() if old else []
        for row in rows:
            series = self._series[row["name"]]
            del series.versions[row["version"]]
            series.aliases = {alias: number for alias, number in series.aliases.items() if number in series.versions}
        return [row["ref"] for row in rows]

    def now(self, references: Sequence[str]) -> list[str]:
        """Return what versions are called now."""
        return sorted(map(self._now, references))

    # -- references ---------------------------------------------------------------------------------------------------

    def _check(self, name: str) -> None:
        ever = [] if name in self._series else [former for former, _ in self._meant]
        if any(other != name and other.lower() == name.lower() for other in [*self._series, *ever]):
            raise InvalidNameError(name)

    def _present(self, name: str) -> Series:
        if name not in self.models():
            raise ModelNotFoundError(name)
        return self._series[name]

    def _found(self, reference: str) -> tuple[Series, int]:
        parsed = parse_reference(reference)
        if parsed.version is not None:
            series, number = self._meant.get((parsed.name, parsed.version)), parsed.version
        else:
            series = self._present(parsed.name)
            number = series.alive[-1] if parsed.alias in (None, LATEST) else series.aliases.get(parsed.alias, 0)
        if series is None or number not in series.alive:
            raise ModelNotFoundError(reference)
        return series, number

    def _now(self, reference: str) -> str:
        name, number = _parted(reference)
        series = self._meant.get((name, number))
        return f"{series.name if series else name}:{number}"


def _parted(reference: str) -> tuple[str, int]:
    name, _, number = reference.partition(":")
    return name, int(number)
