"""Checking a whole registry: every hash, every reference."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from rlkit.errors import StoreError
from rlkit.registry.artifacts import ArtifactStore
from rlkit.registry.garbage import garbage_in
from rlkit.registry.names import parse_reference
from rlkit.registry.objects import records_of
from rlkit.registry.reports import Problem, VerifyReport
from rlkit.registry.versions import Manifest, document_of
from rlkit.storage.documents import LineEndingsError

_FROM_BACKUP = "Restore the file from a backup, or delete the version: delete({ref!r})."


def verify(store: ArtifactStore, tick: Callable[[], object] = bool) -> VerifyReport:
    """Read everything in a registry's folder and check it.

    Args:
        store: The folder.
        tick: Called after each version.

    Returns:
        What is wrong and how to repair it, and what is garbage.
    """
    check = _Check(store)
    for name in store.names():
        check.meta(name)
        for number in check.listed("models", name):
            check.version(name, number)
            tick()
    for name in store.trashed_names():
        for number in check.listed("trash", name):
            check.trashed(name, number)
    check.files()
    garbage = (
        [] if check.unreadable else [str(path.relative_to(store.folder)) for path in garbage_in(store, check.used)]
    )
    return VerifyReport(
        check.versions, len(check.sizes), sum(check.sizes.values()), tuple(check.problems), tuple(garbage)
    )


class _Check:
    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._good: set[str] = set()
        self._noted: set[Path] = set()
        self.versions = 0
        self.sizes: dict[str, int] = {}
        self.used: set[str] = set()
        self.problems: list[Problem] = []
        self.unreadable = False

    def listed(self, place: str, name: str) -> list[int]:
        """List the versions in one folder, which may be one that cannot be read."""
        try:
            return self._store.numbers(name) if place == "models" else self._store.trashed_numbers(name)
        except StoreError as error:
            self.unreadable = True
            self._note(self._store.folder / place / name, error.problem, error.remedy)
            return []

    def meta(self, name: str) -> None:
        """Check what may change about a model, and that its aliases point somewhere."""
        try:
            meta = self._store.read_meta(name)
        except StoreError as error:
            lost = "its aliases, later changes and former names are lost then."
            repair = f"Restore it from a backup, or delete the file: {lost}"
            self._note(self._store.meta_path(name), error.problem, _repair(error, repair))
            return
        for alias, number in meta["aliases"].items():
            # One that was deleted for good is forgotten by the next collection of garbage.
            if not self._was_kept(f"{name}:{number}"):
                repair = f"Remove it: delete_alias({name!r}, {alias!r})."
                self._note(
                    self._store.meta_path(name),
                    f"The alias {alias!r} points to version {number}, which never was.",
                    repair,
                )

    def version(self, name: str, number: int) -> None:
        """Check a version: its manifest, its objects and its parent."""
        self.versions += 1
        manifest = self._manifest(name, number, trashed=False)
        if manifest is None:
            return
        ref = f"{name}:{number}"
        self._objects(manifest, ref)
        parent = manifest.get("parent")
        if parent is not None and not self._was_kept(parent):
            self._note(
                self._store.manifest_path(name, number), f"The parent {parent!r} of {ref} was never kept here.", ""
            )

    def trashed(self, name: str, number: int) -> None:
        """Check a deleted version, which can be restored."""
        manifest = self._manifest(name, number, trashed=True)
        if manifest is not None:
            self._objects(manifest, f"{name}:{number} in the trash")

    def files(self) -> None:
        """Check that nothing leads out of the folder, and that all else are files and folders."""
        for folder, folders, names in os.walk(self._store.folder):
            for entry in [*folders, *names]:
                path = Path(folder, entry)
                try:
                    mode = path.lstat().st_mode
                except FileNotFoundError:  # deleted since it was listed
                    continue
                if stat.S_ISLNK(mode):
                    problem = "It is a symbolic link, which a registry does not follow."
                    self._note(path, problem, "Replace it by what it points to.")
                elif not stat.S_ISREG(mode) and not stat.S_ISDIR(mode) and path not in self._noted:
                    self._note(path, "It is a pipe or a device, which a registry does not open.", "Delete it.")

    def _manifest(self, name: str, number: int, *, trashed: bool) -> Manifest | None:
        path = self._store.trash_path(name, number) if trashed else self._store.manifest_path(name, number)
        try:
            manifest = self._store.read_manifest(name, number, trashed=trashed)
            document_of(name, number, manifest, {"aliases": {}, "versions": {}})
            records_of(manifest, str(path))
        except FileNotFoundError:  # deleted since it was listed
            return None
        except StoreError as error:
            self.unreadable = True  # what it refers to is not known, and so nothing can be told to be garbage
            self._note(path, error.problem, _repair(error, _FROM_BACKUP.format(ref=f"{name}:{number}")))
            return None
        return manifest

    def _objects(self, manifest: Manifest, ref: str) -> None:
        for record in manifest["objects"].values():
            sha256 = record["sha256"]
            if sha256 in self._good:
                continue
            try:
                self.used.add(sha256)
                self._store.read_object(record)
                self._good.add(sha256)
                self.sizes[sha256] = record["size"]
            except StoreError as error:
                repair = "Restore the file from a backup, register the same model again, or delete the version."
                self._note(self._store.object_path(sha256), f"{error.problem} {ref} needs it.", repair)

    def _was_kept(self, parent: object) -> bool:
        """Whether a version exists or existed: a parent may be deleted, and its number says that it was."""
        try:
            reference = parse_reference(str(parent))
        except ValueError:
            return False
        if reference.version is None:
            return False
        owner = self._store.owner(reference.name, reference.version)
        if self._store.exists(owner, reference.version) or self._store.trash_name(owner, reference.version):
            return True
        try:
            return bool(self._store.read_meta(owner)["last_version"] >= reference.version)
        except StoreError:
            return True  # told of already

    def _note(self, path: Path, what: str, repair: str) -> None:
        self._noted.add(path)
        where = path.relative_to(self._store.folder) if path.is_relative_to(self._store.folder) else path
        self.problems.append(Problem(str(where), what, repair))


def _repair(error: StoreError, usual: str) -> str:
    return error.remedy if isinstance(error, LineEndingsError) else usual
