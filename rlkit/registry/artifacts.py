"""Immutable objects and manifests in a folder: the truth about what a registry keeps."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rlkit.errors import CorruptArtifactError, StoreError
from rlkit.registry.names import check_name
from rlkit.storage import files
from rlkit.storage.documents import check_format, seal, unseal

FORMAT = 1
# The upgrade rule. The number grows by one when an older rlkit would read a manifest or meta.json wrongly or
# not at all; a new key that may be missing leaves it alone. A reader refuses numbers above its own, and keeps
# reading every one below: for each, a folder written in it stays in the tests.

_MANIFEST = re.compile(r"(?!000000)(?:[0-9]{6}|[1-9][0-9]{6,8})\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESTORE = "Restore the file from a backup, or delete that version."

Stamp = tuple[int, int]
"""What tells one file under a name from a later one under the same name: inode and time of writing."""


class ArtifactStore:
    """A folder of content-addressed objects and numbered manifests.

    Nothing is written before the first version is added. Readers take no lock and write nothing, so that a
    folder on a read-only disk can be read. A version exists from the moment that its manifest does.

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))

    def put_object(self, data: bytes) -> dict[str, Any]:
        """Keep bytes under their own hash, durably; the same bytes are kept once.

        Args:
            data: What to keep.

        Returns:
            ``{"sha256": …, "size": …}``, which finds them again.

        Raises:
            StoreError: The folder cannot be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        folder = self._folder("objects", sha256[:2])
        files.make_folder(folder)
        path = folder / sha256[2:]
        if _holds(path, data):
            files.sync_folder(folder)  # whoever put it there may not have flushed it yet
        else:
            files.write_atomic(path, data, read_only=True)
        return {"sha256": sha256, "size": len(data)}

    def read_object(self, record: Mapping[str, Any]) -> bytes:
        """Read the bytes that a record finds, and check that they are those that were kept.

        Args:
            record: What ``put_object`` returned.

        Returns:
            The very bytes whose hash was checked.

        Raises:
            CorruptArtifactError: The object is missing or is not what was kept.
        """
        sha256 = record.get("sha256")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            problem = f"A manifest names an object by {sha256!r}, which is no SHA-256."
            raise CorruptArtifactError(problem, _RESTORE)
        path = self._folder("objects", sha256[:2]) / sha256[2:]
        try:
            data = files.read_bytes(path, follow=False)
        except FileNotFoundError:
            problem = f"The object {path} is missing."
            raise CorruptArtifactError(problem, _RESTORE) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            problem = f"The object {path} is damaged: it is not what was kept."
            raise CorruptArtifactError(problem, _RESTORE)
        return data

    def names(self) -> list[str]:
        """List the models that have a folder here, sorted, whether or not a version is left."""
        found = [entry.name for entry in _entries(self._folder("models")) if entry.is_dir(follow_symlinks=False)]
        return sorted(name for name in found if _is_name(name))

    def numbers(self, name: str) -> list[int]:
        """List the versions of a model, ascending.

        Args:
            name: The model; one without a folder has none.

        Returns:
            Version numbers.
        """
        return sorted(_numbers(self._folder("models", name)))

    def stamps(self, name: str) -> dict[int, Stamp]:
        """List the versions of a model, each with what tells its manifest from another under the same number.

        Args:
            name: The model; one without a folder has none.

        Returns:
            A stamp for each version number.
        """
        stamps = {}
        for number, entry in _numbers(self._folder("models", name)).items():
            with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                status = entry.stat(follow_symlinks=False)
                stamps[number] = (status.st_ino, status.st_mtime_ns)
        return stamps

    def add_version(self, name: str, manifest: Mapping[str, Any]) -> int:
        """Give a new version its number and write its manifest: from then on it exists.

        Args:
            name: The model, which need not exist yet.
            manifest: All that is known about the version; its objects must be kept already.

        Returns:
            The number: one more than any version of this model ever had.

        Raises:
            InvalidNameError: Another model's name differs in case only.
            StoreError: The folder cannot be written.
        """
        folder = self._open_model(name)
        with self._lock(name):
            number = self._highest(name) + 1
            while True:
                document = {"format": FORMAT, "name": name, "version": number, **manifest}
                try:
                    files.create_exclusive(folder / _file_name(number), seal(document), read_only=True)
                except FileExistsError:  # on some network disks a lock keeps nobody out
                    number += 1
                else:
                    return number

    def read_manifest(self, name: str, number: int) -> dict[str, Any]:
        """Read what was known about a version when it was registered.

        Args:
            name: The model.
            number: The version.

        Returns:
            The manifest.

        Raises:
            FileNotFoundError: There is no such version.
            CorruptArtifactError: The manifest is damaged.
            StoreError: A newer rlkit wrote it.
        """
        path = self._folder("models", name) / _file_name(number)
        document = unseal(files.read_bytes(path, follow=False), str(path))
        check_format(document, FORMAT, str(path))
        if (document.get("name"), document.get("version")) != (name, number):
            problem = f"{path} is the manifest of {document.get('name')}:{document.get('version')}."
            raise CorruptArtifactError(problem, "Give the file or its folder its own name back.")
        return document

    def read_meta(self, name: str) -> dict[str, Any]:
        """Read what may change about a model.

        Args:
            name: The model.

        Returns:
            ``aliases`` (word to number), ``versions`` (number as text to changed tags, metrics, description)
            and ``last_version``; empty where nothing was changed yet.

        Raises:
            CorruptArtifactError: The file is damaged.
            StoreError: A newer rlkit wrote it.
        """
        path = self._folder("models", name) / "meta.json"
        try:
            document = unseal(files.read_bytes(path, follow=False), str(path))
        except FileNotFoundError:
            return {"format": FORMAT, "last_version": 0, "aliases": {}, "versions": {}}
        check_format(document, FORMAT, str(path))
        kinds = {"last_version": int, "aliases": dict, "versions": dict}
        if not all(isinstance(document.get(key), kind) for key, kind in kinds.items()):
            problem = f"{path} is damaged: a part is missing."
            raise CorruptArtifactError(problem, "Restore it from a backup.")
        return document

    def update_meta(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what may change about a model, while no other writer does.

        Args:
            name: A model that exists.
            change: Is given what ``read_meta`` returns, and changes it in place.

        Raises:
            StoreError: The folder cannot be written.
        """
        with self._lock(name):
            document = self.read_meta(name)
            change(document)
            self._write_meta(name, document)

    def trash_version(self, name: str, number: int) -> None:
        """Move a version's manifest to the trash; its number is never given again.

        Args:
            name: The model.
            number: The version.

        Raises:
            FileNotFoundError: There is no such version.
            StoreError: The folder cannot be written.
        """
        source = self._folder("models", name) / _file_name(number)
        with self._lock(name):
            if not source.exists():
                raise FileNotFoundError(source)
            document = self.read_meta(name)
            highest = self._highest(name)
            if document["last_version"] < highest:  # before the number disappears from the listing
                document["last_version"] = highest
                self._write_meta(name, document)
            trash = self._folder("trash", name)
            files.make_folder(trash)
            files.move(source, trash / source.name)

    def signature(self, name: str) -> tuple[int, ...]:
        """Return what changes whenever a file of this model is written, deleted or replaced.

        Args:
            name: The model.

        Returns:
            Inodes, times of writing and size of the model's folder and of its meta.json.
        """
        folder = self._folder("models", name)
        return (*_status(folder)[:2], *_status(folder / "meta.json"))

    def _highest(self, name: str) -> int:
        numbers = [*self.numbers(name), *_numbers(self._folder("trash", name))]
        last: int = self.read_meta(name)["last_version"]
        return max([last, *numbers])

    def _write_meta(self, name: str, document: Mapping[str, Any]) -> None:
        files.write_atomic(self._folder("models", name) / "meta.json", seal(document))

    def _lock(self, name: str) -> contextlib.AbstractContextManager[None]:
        return files.lock(self._folder("models", name) / ".lock")

    def _open_model(self, name: str) -> Path:
        """Create the folder of a model; one at a time, so that no two names differ in case only."""
        folder = self._folder("models", name)
        if name not in self.names():
            files.make_folder(folder.parent)
            with files.lock(folder.parent / ".lock"):
                check_name(name, existing=self.names())
                files.make_folder(folder)
        return folder

    def _folder(self, *parts: str) -> Path:
        """Return a folder inside the store; a symbolic link on the way would lead out of it."""
        path = self.folder
        for part in parts:
            path = path / part
            if path.is_symlink():
                problem = f"{path} is a symbolic link, which a registry does not follow."
                raise StoreError(problem, "Replace it by the folder itself.")
        return path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        problem = f"Cannot read {folder}: {error.strerror}."
        raise StoreError(problem, "Choose a folder that you may read.") from error


def _numbers(folder: Path) -> dict[int, os.DirEntry[str]]:
    return {int(entry.name[:-5]): entry for entry in _entries(folder) if _MANIFEST.fullmatch(entry.name)}


def _file_name(number: int) -> str:
    return f"{number:06d}.json"


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except ValueError:
        return False
    return True


def _holds(path: Path, data: bytes) -> bool:
    try:
        return files.read_bytes(path, follow=False) == data
    except FileNotFoundError:
        return False


def _status(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)
