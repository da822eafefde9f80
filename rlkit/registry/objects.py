"""Immutable bytes, named by their own SHA-256."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlkit.errors import CorruptArtifactError
from rlkit.registry.layout import Layout
from rlkit.storage import files

_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESTORE = "Restore the file from a backup, or delete that version."


class ObjectStore(Layout):
    """Content-addressed objects in a folder: the same bytes are kept once."""

    def put_object(self, data: bytes, sha256: str | None = None) -> dict[str, Any]:
        """Keep bytes under their own hash, durably; the same bytes are kept once.

        Args:
            data: What to keep.
            sha256: Its SHA-256, where that is known already.

        Returns:
            ``{"sha256": …, "size": …}``, which finds them again.

        Raises:
            StoreError: The folder cannot be written.
        """
        sha256 = sha256 or hashlib.sha256(data).hexdigest()
        with self.writing():
            folder = self.make("objects", sha256[:2])
            path = folder / sha256[2:]
            if _holds(path, data):
                files.sync_folder(folder)  # whoever put it there may not have flushed its name yet
            else:
                files.write_atomic(path, data, read_only=True)
        return {"sha256": sha256, "size": len(data)}

    def has_object(self, sha256: str) -> bool:
        """Whether there is a file for an object; whether it is damaged is not looked at."""
        return self.object_path(sha256).exists()

    def read_object(self, record: Mapping[str, Any]) -> bytes:
        """Read the bytes that a record finds, and check that they are those that were kept.

        Args:
            record: What ``put_object`` returned.

        Returns:
            The very bytes whose hash was checked.

        Raises:
            CorruptArtifactError: The object is missing or is not what was kept.
        """
        path = self.object_path(record.get("sha256"))
        try:
            data = files.read_bytes(path, follow=False, size=record.get("size"))
        except FileNotFoundError:
            problem = f"The object {path} is missing."
            raise CorruptArtifactError(problem, _RESTORE) from None
        if data is None or hashlib.sha256(data).hexdigest() != record["sha256"]:
            problem = f"The object {path} is damaged: it is not what was kept."
            raise CorruptArtifactError(problem, _RESTORE)
        return data

    def object_path(self, sha256: object) -> Path:
        """Return where an object stands.

        Raises:
            CorruptArtifactError: It is named by something else than a SHA-256.
        """
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            problem = f"A manifest names an object by {sha256!r}, which is no SHA-256."
            raise CorruptArtifactError(problem, _RESTORE)
        return self.path("objects", sha256[:2]) / sha256[2:]


def records_of(manifest: Mapping[str, Any], origin: str) -> dict[str, dict[str, Any]]:
    """Return the records of the objects that a version needs, by what they are.

    Args:
        manifest: What was known about the version when it was registered.
        origin: What to call the manifest in an error.

    Raises:
        CorruptArtifactError: The manifest does not name them.
    """
    try:
        records = dict(manifest["objects"])
        known = "state" in records and all(
            is_object(record["sha256"]) and type(record["size"]) is int for record in records.values()
        )
    except (KeyError, TypeError, ValueError):
        known = False
    if not known:
        raise CorruptArtifactError(f"{origin} does not say what it needs.", "Restore the file from a backup.")
    return records


def is_object(name: str) -> bool:
    """Whether an object can have this name: its folder's and its file's together."""
    return _SHA256.fullmatch(name) is not None


def _holds(path: Path, data: bytes) -> bool:
    try:
        return files.read_bytes(path, follow=False, size=len(data)) == data
    except FileNotFoundError:
        return False
