"""Where everything stands in a registry's folder, and the one lock of all who write there."""

from __future__ import annotations

import contextlib
import os
import re
import time
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path

from rlkit.errors import StoreError
from rlkit.registry.names import check_name
from rlkit.storage import files

MAX_NUMBER = 999_999_999
"""The highest number that a version can have."""
_MANIFEST = re.compile(r"(?!000000)(?:[0-9]{6}|[1-9][0-9]{6,8})\.json")

RACY = 50_000_000
"""Nanoseconds that a folder must have been left alone before its time of writing tells it from a later state: clocks
of most file systems advance in steps of some milliseconds."""
RACY_SECONDS = 2_500_000_000
"""The same where the clock goes in whole seconds, or in steps of two, as on ext2, HFS+, FAT and sshfs."""
_SECOND = 1_000_000_000

Signature = tuple[int, int]
"""Inode and time of writing of a folder, in which every file gets its name anew."""
Stamp = tuple[int, int, int]
"""What tells one file under a name from a later one under the same name: inode, time of writing and size."""


class Layout:
    """The folders and files of a registry, seen and listed but not opened.

    ::

        objects/ab/cdef…            immutable bytes, named by their SHA-256
        models/cartpole/000003.json manifest of one version
        models/cartpole/meta.json   what may change
        trash/cartpole/             manifests of deleted versions
        index.jsonl                 a cache of the manifests
        .lock                       held by whoever writes

    What matters is in names and contents of files. A copy that loses empty folders, modes or times is as good as the
    original, and so is one on a disk that cannot tell "a" from "A".

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self._prefix = str(self.folder)
        self._lock = self.folder / ".lock"
        self._paths: dict[tuple[str, ...], tuple[Path, list[str]]] = {}
        self._durable: set[Path] = set()  # folders whose names this process knows to be on the disk
        self._seen_since: dict[str, tuple[Signature, int]] = {}  # by our own clock: see has_rested
        self._folds_case: bool | None = None  # whether the disk finds "a" under "A"; None where not known yet
        files.confine(self.folder)

    def writing(self, timeout: float = files.LOCK_TIMEOUT) -> AbstractContextManager[object]:
        """Take the one lock of all writers, which is free again after the ``with`` block; a thread may do so twice.

        Args:
            timeout: Seconds to wait for another writer.

        Raises:
            StoreBusyError: Another program writes to the folder for longer than that.
            StoreError: The folder cannot be written.
        """
        self.make()
        return files.lock(self._lock, timeout)

    def standstill(self) -> AbstractContextManager[object]:
        """Let nobody write inside the block, where that can be had: who can only read needs no lock."""
        if self._lock.exists():  # else nobody ever wrote here
            try:
                return self.writing()
            except StoreError:
                pass
        return contextlib.nullcontext()

    def make(self, *parts: str) -> Path:
        """Create a folder of the store, durably, and return it.

        One that is there already may have been created by a program that was killed before its name was on the disk:
        so this process makes sure of each once.

        Raises:
            StoreError: It cannot be created, or a symbolic link is in the way.
        """
        path = self.path(*parts)
        if path in self._durable and path.is_dir():
            return path
        if not parts and self.folder not in self._durable and not self.path("models").is_dir():
            files.make_folder(self.folder)
            for above in self.folder.parents:
                if os.access(above, os.W_OK):  # one that somebody like us may have made
                    files.sync_folder(above)
        for folder in (self.folder, *(self.folder.joinpath(*parts[:end]) for end in range(1, len(parts) + 1))):
            if folder not in self._durable or not folder.is_dir():
                files.make_folder(folder)
                files.sync_folder(folder.parent)
                self._durable.add(folder)
        return path

    def names(self) -> list[str]:
        """List the models that have a folder here, sorted, whether or not a version is left."""
        found = [entry.name for entry in entries(self.path("models")) if entry.is_dir(follow_symlinks=False)]
        return sorted(name for name in found if is_name(name))

    def numbers(self, name: str) -> list[int]:
        """List the versions of a model, ascending.

        Args:
            name: The model; one without a folder has none.

        Returns:
            Version numbers.
        """
        found = _numbers(self.path("models", name))
        return sorted(found) if found and self._is_spelled_so(name) else []

    def has_model(self, name: str) -> bool:
        """Whether there is a folder for a model, whether or not a version is left in it."""
        return self.path("models", name).is_dir() and self._is_spelled_so(name)

    def exists(self, name: str, number: int) -> bool:
        """Whether there is a version of this number."""
        return number > 0 and self.manifest_path(name, number).exists() and self._is_spelled_so(name)

    def _is_spelled_so(self, name: str) -> bool:
        """Whether a folder that was found is that of this model, and not of one whose name has other capitals."""
        if self._folds_case is None:
            self._folds_case = self.path("Models").exists()
        return not self._folds_case or name in {entry.name for entry in entries(self.path("models"))}

    def stamps(self, name: str) -> dict[int, Stamp]:
        """List the versions of a model, each with what tells its manifest from another under the same number.

        Args:
            name: The model; one without a folder has none.

        Returns:
            A stamp for each version number.
        """
        stamps = {}
        for number, entry in _numbers(self.path("models", name)).items():
            with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                status = entry.stat(follow_symlinks=False)
                stamps[number] = (entry.inode(), status.st_mtime_ns, status.st_size)  # Windows has no inode in status
        return stamps

    def inodes(self, name: str) -> dict[int, int]:
        """List the versions of a model, each with its manifest's inode: much faster than :meth:`stamps`.

        A disk may give the inode of a file that was deleted to the next one at once.
        """
        return {number: entry.inode() for number, entry in _numbers(self.path("models", name)).items()}

    def stamp(self, name: str, number: int) -> Stamp:
        """Return what :meth:`stamps` does of one version.

        Raises:
            FileNotFoundError: There is no such version.
        """
        status = self.manifest_path(name, number).stat(follow_symlinks=False)
        return (status.st_ino, status.st_mtime_ns, status.st_size)

    def trashed_names(self) -> list[str]:
        """List the names under which there is trash, which may be former ones."""
        found = [entry.name for entry in entries(self.path("trash")) if entry.is_dir(follow_symlinks=False)]
        return sorted(name for name in found if is_name(name))

    def trashed_numbers(self, name: str) -> list[int]:
        """List the numbers in the trash under a name, ascending."""
        return sorted(_numbers(self.path("trash", name))) if self.path("trash").is_dir() else []

    def signature(self, name: str = "") -> Signature:
        """Return what changes whenever a file of a model is written, deleted or replaced, as far as the clock goes.

        Args:
            name: The model; empty for what changes whenever a model comes or goes.

        Returns:
            Inode and time of change of the folder; zeros where it is not there.
        """
        return self._signature(f"models/{name}")

    def _signature(self, place: str) -> Signature:
        try:
            # As text: paths are slow to make, and a search asks this of every model.
            status = os.lstat(f"{self._prefix}/{place}")
        except (FileNotFoundError, NotADirectoryError):
            return (0, 0)
        return (status.st_ino, status.st_mtime_ns)

    def has_rested(self, signature: Signature, place: str) -> bool:
        """Whether a change of a folder from now on would give it another signature than the one it has.

        Where its clock may go in steps of seconds, this process must have seen the folder so for longer than a step:
        by its own clock, for that of a disk may be another machine's.

        Args:
            signature: Inode and time of change that the folder has just now.
            place: The folder, such as ``"models/cartpole"``.
        """
        if signature == (0, 0):  # it is not there
            return True
        if signature[1] % _SECOND:
            return time.time_ns() - signature[1] > RACY
        now = time.monotonic_ns()
        before, since = self._seen_since.get(place, ((0, 0), now))
        if before != signature:
            self._seen_since[place] = (signature, now)
            return False
        return now - since > RACY_SECONDS

    def manifest_path(self, name: str, number: int) -> Path:
        """Return where the manifest of a version stands."""
        return self.path("models", name) / file_name(number)

    def trash_path(self, name: str, number: int) -> Path:
        """Return where the manifest of a deleted version stands."""
        return self.path("trash", name) / file_name(number)

    def meta_path(self, name: str) -> Path:
        """Return where a model keeps what may change."""
        return self.path("models", name) / "meta.json"

    def path(self, *parts: str) -> Path:
        """Return a folder inside the store; a symbolic link on the way would lead out of it.

        Raises:
            StoreError: There is one.
        """
        if parts not in self._paths:
            path = self.folder.joinpath(*parts)
            self._paths[parts] = path, [str(self.folder.joinpath(*parts[:end])) for end in range(1, len(parts) + 1)]
        path, steps = self._paths[parts]
        for step in steps:
            if os.path.islink(step):  # noqa: PTH114 - a path's own method takes twice as long, and this is asked often
                problem = f"{step} is a symbolic link, which a registry does not follow."
                raise StoreError(problem, "Replace it by the folder itself.")
        return path


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder of the store; one that is not there is empty, and so is a file in its place.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        if folder.is_file():
            return []
        problem = f"Cannot read {folder}: {error.strerror}."
        raise StoreError(problem, "Choose a folder that you may read.") from error


def _numbers(folder: Path) -> dict[int, os.DirEntry[str]]:
    return {int(entry.name[:-5]): entry for entry in entries(folder) if _MANIFEST.fullmatch(entry.name)}


def file_name(number: int) -> str:
    """Return what the manifest of a version is called."""
    return f"{number:06d}.json"


@lru_cache(4096)
def is_name(name: str) -> bool:
    """Whether a model can have this name."""
    try:
        check_name(name)
    except ValueError:
        return False
    return True
