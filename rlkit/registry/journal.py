"""The index on disk: one line a version, added to at the end, each line with its own checksum.

So a registration costs one short line however many versions there are, where TinyDB's own storage would write all of
them again. What many versions have in common (a config, a space) is written once, and refers to by its hash.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tinydb.storages import Storage
from tinydb.table import Table

from rlkit.errors import CorruptArtifactError, StoreError
from rlkit.registry.artifacts import check_meta
from rlkit.registry.layout import MAX_NUMBER, is_name
from rlkit.registry.versions import FIELDS, Document
from rlkit.storage import files
from rlkit.storage.documents import to_json

_FORMAT = 5  # an index of any other format is rebuilt
_SHARED = ("config", "env_kwargs", "observation_space", "action_space", "packages", "git", "dataset")
"""What versions often have in common."""
_MAX_BYTES = 2**29
"""Bytes of a file that is read: of some 700,000 versions."""

_SHARED_KEYS = frozenset(_SHARED)
_FIELDS = frozenset({*FIELDS, "ref"})
Tables = dict[str, dict[Any, Any]]


class JournalStorage(Storage):
    """TinyDB's tables in memory: read from the journal once, added to or written on request.

    Whatever is wrong with the file, what can be read of it is taken and the rest is missing: the index finds out.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = b""  # the first line of the file that the parts were written to
        self._written: set[str] = set()
        self._parts: dict[str, Any] = {}
        self._identities: dict[int, str] = {}  # of the parts, by the id of the object: they stay alive here
        self._known: dict[str, Any] = {}  # the parts by their JSON
        self.models: dict[str, dict[str, Any]] = {}
        self._tables: Tables = {"versions": {}}

    def load(self) -> None:
        """Read the file, if there is one.

        Raises:
            CorruptArtifactError: Its checksums are right, but this rlkit did not write it.
        """
        versions: dict[tuple[str, int], Document] = {}
        try:
            with _collector_paused():
                for record in _records(self._path):
                    match record:
                        case ["part", str(identity), part]:
                            self._identities[id(self._parts.setdefault(identity, part))] = identity
                        case ["model", str(name), dict(model)] if is_name(name):
                            self.models[name] = _checked_model(model)
                        case ["version", dict(rest), dict(references)]:
                            document = self._whole(rest, references)
                            if document is not None:
                                versions[document["name"], document["version"]] = document
                        case _:
                            raise _foreign(record)
        except (ValueError, RecursionError) as error:
            raise CorruptArtifactError(f"{self._path} was not written by this rlkit: {error}") from error
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
        head = _head_of(self._path)
        if self._file != head:  # another program wrote it anew
            self._file, self._written = head, set()
        lines = self._lines([self.share(document)])
        if not head:
            self._file = _head()
            lines = [self._file, *lines]
        files.append(self._path, b"".join(lines))

    def save(self) -> None:
        """Write the file anew.

        Raises:
            StoreError: The file cannot be written.
        """
        self._file, self._written = _head(), set()
        models = (_line(["model", name, model]) for name, model in self.models.items())
        lines = [self._file, *models, *self._lines(self._tables["versions"].values())]
        files.write_atomic(self._path, b"".join(lines), durable=False)

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

    def _whole(self, rest: Document, references: Mapping[str, Any]) -> Document | None:
        """Put a document together, which is believed only where its stamp is that of a manifest.

        Raises:
            ValueError: It is not one of this rlkit's.
        """
        if references.keys() != _SHARED_KEYS:
            raise _foreign(references)
        for key, identity in references.items():
            if not isinstance(identity, str):
                raise _foreign(references)
            if identity not in self._parts:  # the line of a part is lost
                return None
            rest[key] = self._parts[identity]
        name, number, stamp = rest.get("name"), rest.get("version"), rest.get("_stamp")
        if not (
            rest.keys() >= _FIELDS
            and isinstance(name, str)
            and is_name(name)
            and type(number) is int
            and 0 < number <= MAX_NUMBER
            and isinstance(stamp, list)
            and [type(part) for part in stamp] == [int, int, int]
        ):
            raise _foreign(rest)
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


def _checked_model(model: dict[str, Any]) -> dict[str, Any]:
    """Return what a line says of a model.

    Raises:
        ValueError: It is not what this rlkit writes.
    """
    if not model:
        return model
    match model:
        case {
            "state": [int(), int(), str(), int()],
            "settled": bool(),
            "count": int(),
            "meta": {"aliases": dict(), "versions": dict()},
        }:
            check_meta(model["meta"])
            return {**model, "state": tuple(model["state"])}
    raise _foreign(model)


def _foreign(record: object) -> ValueError:
    return ValueError(f"it has the line {record!r:.80}")


def _records(path: Path) -> list[list[Any]]:
    try:
        head, *lines = files.read_bytes(path, follow=False, most=_MAX_BYTES).split(b"\n")
    except (FileNotFoundError, StoreError):
        return []
    if not head[9:].startswith(_BEGINNING):
        return []
    whole = [line[9:] for line in lines if line[:8] == b"%08x" % zlib.crc32(line[9:])]
    records: list[list[Any]] = json.loads(b"[%s]" % b",".join(whole))
    return records


def _line(record: list[Any]) -> bytes:
    data = to_json(record).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(data), data)


def _head() -> bytes:
    """Return the first line of a new file, by which it is told from any other: an inode may be used again at once."""
    return _line(["rlkit index", _FORMAT, secrets.token_hex(8)])


def _head_of(path: Path) -> bytes:
    try:
        return files.read_part(str(path), _HEAD_SIZE, last=False)
    except FileNotFoundError:
        return b""


_BEGINNING = to_json(["rlkit index", _FORMAT])[:-1].encode("ascii") + b", "
_HEAD_SIZE = len(_head())
