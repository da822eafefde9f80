"""One portable file for one model: ``model.rlkit``, a zip that nothing is ever extracted from."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard, cast

from rlkit.errors import CorruptArtifactError, StoreError, did_you_mean
from rlkit.storage import files, packing
from rlkit.storage.documents import check_format, seal, unseal
from rlkit.storage.packing import Packed, PackedModel

FORMAT = 1
# The upgrade rule. The number grows by one when an older rlkit would read a file wrongly or not at all; a
# new key that may be missing, or a new object beside the state, leaves it alone. A reader refuses numbers
# above its own, and keeps reading every one below: for each, a file written in it stays in the tests.

MAX_OBJECT = 8 * 2**30
"""Bytes that an object may have. Entries are stored, not compressed: none is larger than the file it is in."""
MAX_MANIFEST = 64 * 2**20
"""Bytes that a manifest may have."""
_MAX_DIRECTORY = 2**20
"""Bytes that the list of entries may have."""

_MANIFEST = "manifest.json"
_FILES = {packing.STATE: "state.dill", packing.CODE: "code.dill"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment, so that equal content gives equal files
_REMEDY = "Get the file again from where it came from, or restore it from a backup."


def archive_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that models are saved in.

    Raises:
        StoreError: It is no path, or does not end in ``.rlkit``, by which ``rlkit.load`` tells a file from a model in
            the registry.
    """
    if not isinstance(path, str | os.PathLike):
        raise StoreError(f"{path!r:.80} is no path of a file.", "Write 'model.rlkit'.")
    target = files.expanded(path)
    if target.suffix != ".rlkit":
        raise StoreError(f"{str(target)!r} does not end in .rlkit.", f"Write '{target.name or 'model'}.rlkit'.")
    return target


def is_archive_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether something names a file rather than a model in the registry."""
    return isinstance(source, os.PathLike) or (isinstance(source, str) and source.endswith(".rlkit"))


def write_archive(path: str | os.PathLike[str], model: PackedModel) -> None:
    """Write a model to one file; equal content gives an equal file.

    Args:
        path: The file; an existing one is replaced in one step.
        model: The model.

    Raises:
        StateError: The metadata has no form in JSON.
        StoreError: The file cannot be written.
    """
    target = files.expanded(path)
    manifest = {
        "format": FORMAT,
        "kind": "model",
        "rlkit": rlkit_version(),
        "objects": {kind: _record(kind, each) for kind, each in model.objects.items()},
        "metadata": dict(model.metadata),
    }
    packed = _pack({_MANIFEST: seal(manifest), **{_FILES[kind]: each.data for kind, each in model.objects.items()}})
    if not target.absolute().parent.is_dir():
        problem = f"Cannot write {target}: there is no folder {target.absolute().parent}."
        raise StoreError(problem, "Create the folder first, or give another path.")
    files.write_atomic(target, packed)


def read_archive(path: str | os.PathLike[str]) -> PackedModel:
    """Read one file, running nothing that it names.

    Args:
        path: A file that ``write_archive`` wrote, from any machine.

    Returns:
        The model, whose objects have the hashes that they were written with.

    Raises:
        StoreError: There is no such file, or a newer rlkit wrote it.
        CorruptArtifactError: The file is not an archive, or any byte that matters has changed.
    """
    source = files.expanded(path)
    with _opened(source) as file:
        with _damage_explained(source):
            entries = _entries(file)
            document = unseal(_entry(entries, _MANIFEST, MAX_MANIFEST), f"The manifest of {source}")
        check_format(document, FORMAT, str(source))
        if document.get("kind") != "model":
            problem = f"{source} holds a {document.get('kind')}, not a model."
            raise StoreError(problem, "Give a file that model.save() wrote.")
        return _contents(entries, document, source)


@cache
def rlkit_version() -> str:
    """Return the version of the installed rlkit, or ``"unknown"`` where it runs from bare source."""
    try:
        return importlib.metadata.version("rlkit-jupyter")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _pack(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = 3  # Unix, whatever the machine: the field would tell them apart otherwise
            info.external_attr = 0o644 << 16
            packed.writestr(info, data)
    return buffer.getvalue()


@contextlib.contextmanager
def _damage_explained(source: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # a damaged zip fails in any way
        problem = f"{source} is not a model file, or it is damaged: {error}."
        raise CorruptArtifactError(problem, _REMEDY) from error


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[BinaryIO]:
    try:
        with files.opened(source) as file:
            yield file
    except FileNotFoundError:
        folder = source.absolute().parent
        if not folder.is_dir():
            problem = f"There is no file {source}: the folder {folder} does not exist."
            raise StoreError(problem) from None
        near = [entry.name for entry in folder.glob("*.rlkit")] or [entry.name for entry in folder.iterdir()]
        problem = f"There is no file {source}."
        raise StoreError(problem, did_you_mean(source.name, near)) from None


class _Bounded:
    """A file of which only so much can be read at once.

    Args:
        file: The file.
        most: How many bytes that is.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self._file = file
        self.most = most

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all that follow."""
        data = self._file.read(size if 0 <= size <= self.most else self.most + 1)
        if len(data) > self.most:
            message = f"a part of it has more than {self.most:,} bytes"
            raise zipfile.BadZipFile(message)
        return data


def _entries(file: BinaryIO) -> zipfile.ZipFile:
    """Return the entries of a zip, of which none is read yet: it may be far larger than memory."""
    bounded = _Bounded(file, _MAX_DIRECTORY)
    entries = zipfile.ZipFile(cast("BinaryIO", bounded))
    bounded.most = MAX_OBJECT
    return entries


def _entry(entries: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = entries.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.file_size > most:
        message = f"its entry {name} is compressed or too large"
        raise zipfile.BadZipFile(message)
    return entries.read(info)


def _record(kind: str, packed: Packed) -> dict[str, Any]:
    record = {"file": _FILES[kind], "sha256": packed.sha256, "size": len(packed.data)}
    return {**record, "signature": packed.signature} if packed.signature else record


def _contents(entries: zipfile.ZipFile, document: dict[str, Any], source: Path) -> PackedModel:
    objects = {}
    with _damage_explained(source):
        metadata, records = dict(document["metadata"]), document["objects"]
        for kind in [packing.STATE, *(kind for kind in records if kind in _FILES and kind != packing.STATE)]:
            record = records[kind]
            size = record["size"] if type(record["size"]) is int else 0
            found = Packed(_entry(entries, _FILES[kind], min(size, MAX_OBJECT)), str(record.get("signature", "")))
            if len(found.data) != size or found.sha256 != record["sha256"]:
                problem = f"{source} is damaged: its {kind} is not what was saved."
                raise CorruptArtifactError(problem, _REMEDY)
            objects[kind] = found
    return PackedModel(metadata, objects)
