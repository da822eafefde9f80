"""Collecting garbage: deleted versions for good, objects that no version needs, and what a crash left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rlkit.errors import StoreError, warn_caller
from rlkit.registry.artifacts import ArtifactStore
from rlkit.registry.layout import entries
from rlkit.registry.objects import is_object, records_of
from rlkit.registry.reports import GCReport
from rlkit.storage import files


def collect(store: ArtifactStore, *, older_than: timedelta, dry_run: bool) -> GCReport:
    """Delete what nothing refers to. Nobody registers meanwhile.

    Where a manifest cannot be read, nobody knows which objects it needs: then all objects stay, and a warning names it.
    The trash of a model whose meta.json cannot be read stays too.

    Args:
        store: The folder.
        older_than: Versions that have been in the trash for less stay there.
        dry_run: Whether only to tell what would be deleted.

    Returns:
        What was, or would be, deleted.

    Raises:
        StoreError: Something cannot be deleted.
    """
    if not store.folder.is_dir():
        return GCReport(dry_run, (), 0, 0)
    with store.standstill() if dry_run else store.writing():
        purged, kept = _trash(store, datetime.now(UTC) - older_than)
        garbage = list(garbage_in(store, _used(store, kept)))
        manifests = [store.trash_path(name, number) for name, number in purged]
        size = sum(_size(path) for path in [*manifests, *garbage])
        if not dry_run:
            _purge(store, purged)
            for path in garbage:
                files.remove_garbage(path)
        refs = tuple(f"{name}:{number}" for name, number in purged)
        return GCReport(dry_run, refs, len(manifests) + len(garbage), size)


def garbage_in(store: ArtifactStore, used: set[str] | None) -> Iterator[Path]:
    """List files that nothing needs: files before folders that are empty without them.

    Args:
        store: The folder.
        used: The SHA-256 of every object that a version needs; None where that is not known.
    """
    for folder in entries(store.path("objects")) if used is not None else ():
        if folder.is_dir(follow_symlinks=False):
            inside = entries(Path(folder.path))
            named = [entry for entry in inside if is_object(folder.name + entry.name) or files.is_temporary(entry.name)]
            ours = [entry for entry in named if entry.is_file(follow_symlinks=False)]
            unused = [Path(entry.path) for entry in ours if folder.name + entry.name not in (used or ())]
            yield from unused
            if len(unused) == len(inside):
                yield Path(folder.path)
    if store.path("index.json").is_file():  # the index of format 1
        yield store.path("index.json")
    for place in (store.folder, store.path("models"), *map(Path, _folders(store.path("models"), store.path("trash")))):
        for entry in entries(place):
            if files.is_temporary(entry.name) and not entry.is_symlink():
                if entry.is_dir(follow_symlinks=False):
                    yield from (Path(each.path) for each in entries(Path(entry.path)))
                yield Path(entry.path)


def _folders(*parents: Path) -> Iterator[str]:
    for parent in parents:
        yield from (
            entry.path
            for entry in entries(parent)
            if entry.is_dir(follow_symlinks=False) and not files.is_temporary(entry.name)
        )


def _trash(store: ArtifactStore, before: datetime) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Part what lies in the trash into what goes and what stays."""
    times: dict[tuple[str, int], datetime] = {}
    lost = []
    for model in store.names():
        try:
            deleted = store.read_meta(model)["deleted"]
        except StoreError as error:
            lost.append(f"{model}: {error.problem}")
            continue
        for name in {model, *(former.name for former in store.former_names(model))}:
            times.update({(name, int(number)): datetime.fromisoformat(time) for number, time in deleted.items()})
    purged: list[tuple[str, int]] = []
    kept: list[tuple[str, int]] = []
    for name in store.trashed_names():
        for number in store.trashed_numbers(name):
            # One without a time was deleted before times were kept, unless that is lost; one that is not deleted at
            # all was left by a crash.
            twin = store.exists(store.owner(name, number), number)
            time = times.get((name, number))
            goes = twin or (not lost if time is None else time <= before)
            (purged if goes else kept).append((name, number))
    if lost and kept:
        _warn(f"Some of the trash stays: when it was deleted is not known. {' '.join(lost)}")
    return purged, kept


def _used(store: ArtifactStore, trashed: Iterable[tuple[str, int]]) -> set[str] | None:
    """Return the SHA-256 of every object that a version needs; None where a manifest does not tell."""
    used: set[str] = set()
    unknown = []
    places = [(name, number, False) for name in store.names() for number in store.numbers(name)]
    for name, number, in_trash in [*places, *((name, number, True) for name, number in trashed)]:
        path = store.trash_path(name, number) if in_trash else store.manifest_path(name, number)
        try:
            manifest = store.read_manifest(name, number, trashed=in_trash)
            used.update(record["sha256"] for record in records_of(manifest, str(path)).values())
        except StoreError as error:
            unknown.append(error.problem)
    if not unknown:
        return used
    more = f" So it is with {len(unknown) - 1} more." if unknown[1:] else ""
    _warn(f"All objects stay: which of them one version needs is not known. {unknown[0]}{more}")
    return None


def _warn(problem: str) -> None:
    warn_caller(f"{problem} verify() lists what is damaged, and how to repair it.")


def _purge(store: ArtifactStore, purged: list[tuple[str, int]]) -> None:
    """Delete manifests in the trash, durably before the objects that they need are deleted."""
    for name, number in purged:
        files.remove_garbage(store.trash_path(name, number))
    for name in store.trashed_names():  # another program may have been killed where this one is now
        files.sync_folder(store.path("trash", name))
    for model in store.names():
        try:
            store.read_meta(model)
        except StoreError:  # told of already
            continue
        store.update_meta(model, partial(_forget, store, model))


def _forget(store: ArtifactStore, model: str, meta: dict[str, Any]) -> None:
    """Drop what a model's meta.json says of versions that are gone for good."""

    def gone(number: int) -> bool:
        return not store.exists(model, number) and store.trash_name(model, number) is None

    meta["aliases"] = {alias: number for alias, number in meta["aliases"].items() if not gone(number)}
    meta["versions"] = {number: value for number, value in meta["versions"].items() if not gone(int(number))}
    # One that is there was not deleted after all: a crash came between.
    meta["deleted"] = {number: time for number, time in meta["deleted"].items() if store.trash_name(model, int(number))}


def _size(path: Path) -> int:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0
    return 0 if path.is_dir() else status.st_size
