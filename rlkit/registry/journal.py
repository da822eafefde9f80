"""The index on disk: one line a version, added to at the end, each line with its own checksum.

So a registration costs one short line however many versions there are, where TinyDB's own storage would write all of
them again. What many versions have in common (a config, a space) is written once, and refers to by its hash.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tinydb.storages import Storage
from tinydb.table import Table

from rlkit.errors import StoreError
from rlkit.registry.versions import Document
from rlkit.storage import files
from rlkit.storage.documents import to_json

_FORMAT = 4  # an index of any other format is rebuilt
_SHARED = ("config", "env_kwargs", "observation_space", "action_space", "packages", "git", "dataset")
"""What versions often have in common."""

Tables = dict[str, dict[Any, Any]]


class JournalStorage(Storage):
    """TinyDB's tables in memory: read from the journal once, added to or written on request.

    Whatever is wrong with the file, what can be read of it is taken and the rest is missing: the index finds out.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, ...] = ()  # which file the parts were written to
        self._written: set[str] = set()
        self._parts: dict[str, Any] = {}
        self._identities: dict[int, str] = {}  # of the parts, by the id of the object: they stay alive here
        self._known: dict[str, Any] = {}  # the parts by their JSON
        self.models: dict[str, dict[str, Any]] = {}
        self._tables: Tables = {"versions": {}}

    def load(self) -> None:
        """Read the file, if there is one.

        Raises:
            KeyError, TypeError, ValueError, IndexError: Its checksums are right, but rlkit did not write it.
        """
        versions: dict[tuple[str, int], Document] = {}
        with _collector_paused():
            for kind, *record in _records(self._path):
                if kind == "part":
                    self._identities[id(self._parts.setdefault(record[0], record[1]))] = record[0]
                elif kind == "model":
                    self.models[record[0]] = record[1]
                elif kind == "version":
                    document = self._whole(*record)
                    if document is not None:
                        versions[document["name"], document["version"]] = document
        self.write({"versions": dict(enumerate(versions.values(), 1))})

    def read(self) -> Tables:
        """Return the tables, as TinyDB asks for them."""
        return self._tables

    def write(self, data: Tables) -> None:
        """Take the tables from TinyDB."""
        self._tables = data

    def share(self, document: Document) -> Document:
        """Return a document that has what others have too in common with them: it saves memory and is never changed."""
        return {**document, **{key: self._shared(document[key]) for key in _SHARED}}

    def _shared(self, value: Any) -> Any:
        if id(value) in self._identities:
            return value
        text = to_json(value)
        if text in self._known:
            return self._known[text]
        identity = hashlib.sha256(text.encode("ascii")).hexdigest()[:20]
        if identity not in self._parts:
            self._parts[identity] = json.loads(text)  # a copy, for the caller may change his own
        part = self._known[text] = self._parts[identity]
        self._identities[id(part)] = identity
        return part

    def add(self, document: Document) -> None:
        """Add one version to the end of the file.

        Raises:
            StoreError: The file cannot be written.
        """
        if self._file != _status(self._path):  # another program wrote it anew
            self._file, self._written = (), set()
        lines = self._lines([self.share(document)])
        files.append(self._path, b"".join(lines) if self._path.exists() else b"".join([_head(), *lines]))
        self._file = _status(self._path)

    def save(self) -> None:
        """Write the file anew.

        Raises:
            StoreError: The file cannot be written.
        """
        self._written = set()
        models = (_line(["model", name, model]) for name, model in self.models.items())
        lines = [_head(), *models, *self._lines(self._tables["versions"].values())]
        files.write_atomic(self._path, b"".join(lines), durable=False)
        self._file = _status(self._path)

    def _lines(self, documents: Iterable[Document]) -> list[bytes]:
        lines = []
        for document in documents:
            rest = {key: value for key, value in document.items() if key not in _SHARED}
            references = {key: self._identities[id(document[key])] for key in _SHARED}
            for key, identity in references.items():
                if identity not in self._written:
                    self._written.add(identity)
                    lines.append(_line(["part", identity, document[key]]))
            lines.append(_line(["version", rest, references]))
        return lines

    def _whole(self, rest: Document, references: Mapping[str, str]) -> Document | None:
        try:
            for key in _SHARED:
                rest[key] = self._parts[references[key]]
        except KeyError:  # the line of a part is lost
            return None
        return rest


class VersionTable(Table):
    """TinyDB's table, changed in place: its own copies all documents for every change."""

    def search(self, cond: Any) -> list[Any]:
        """Return the documents that fulfil a condition, as they are: TinyDB's own method copies each of them."""
        return [document for document in self._read_table().values() if cond(document)]

    def _read_table(self) -> dict[Any, Any]:
        tables: Tables = self._storage.read()  # type: ignore[assignment] # the storage above keeps tables always
        return tables["versions"]

    def _update_table(self, updater: Any) -> None:
        updater(self._read_table())
        self.clear_cache()


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Make many objects, none of which refers back, without Python looking for cycles: a third of the time else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _records(path: Path) -> list[list[Any]]:
    try:
        head, *lines = files.read_bytes(path, follow=False).split(b"\n")
    except (FileNotFoundError, StoreError):
        return []
    if head + b"\n" != _head():
        return []
    whole = [line[9:] for line in lines if line[:8] == b"%08x" % zlib.crc32(line[9:])]
    records: list[list[Any]] = json.loads(b"[%s]" % b",".join(whole))
    return records


def _line(record: list[Any]) -> bytes:
    data = to_json(record).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(data), data)


def _head() -> bytes:
    return _line(["rlkit index", _FORMAT])


def _status(path: Path) -> tuple[int, ...]:
    try:
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - the same, in half the time
    except FileNotFoundError:
        return ()
    return (status.st_ino,)
