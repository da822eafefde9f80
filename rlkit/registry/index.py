"""The TinyDB index: a cache of all manifests, so that a search need not open thousands of files.

It is never the truth. Lost, stale or damaged, it is put right from the manifests, silently; on a disk that
cannot be written it lives in memory alone. Several programs may write it: each writes a whole one, at once.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Table

from rlkit.errors import StoreError
from rlkit.registry.artifacts import ArtifactStore, Stamp
from rlkit.registry.versions import Document, document_of, overlaid
from rlkit.storage import files
from rlkit.storage.documents import seal, unseal

_FORMAT = 1  # an index of any other format is rebuilt
_RACY = 50_000_000
"""Nanoseconds that a file must have been left alone before its time of writing tells it from a later one: clocks
of file systems advance in steps of some milliseconds."""
_REWRITE_SHARE = 16
"""The file is rewritten when one in so many documents has changed, so that the cost of a registration does not
grow with the number of versions; the rest is read from the manifests when the index is opened."""


class IndexStorage(Storage):
    """TinyDB's tables in memory: read from the file once, written to it on request and in one step.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.models: dict[str, Any] = {}
        self._tables: dict[str, dict[str, Any]] = {}
        try:
            document = unseal(files.read_bytes(path, follow=False), str(path))
            if document["format"] == _FORMAT:
                self._tables, self.models = dict(document["tables"]), dict(document["models"])
        except (FileNotFoundError, StoreError, KeyError, TypeError):
            pass  # an empty index is right, only slower the first time

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the tables, as TinyDB asks for them."""
        return self._tables

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Take the tables from TinyDB."""
        self._tables = data

    def save(self) -> None:
        """Write the tables to the file.

        Raises:
            StoreError: The file cannot be written.
        """
        document = {"format": _FORMAT, "models": self.models, "tables": self._tables}
        files.write_atomic(self._path, seal(document), durable=False)


class VersionIndex:
    """Finds versions by what is known about them.

    Args:
        store: Where the manifests are.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._path = store.folder / "index.json"
        self._guard = threading.RLock()
        self._known: dict[str, dict[int, tuple[int, Stamp]]] = {}
        self._unsaved = 0
        self._writable = True
        self._storage: IndexStorage
        self._table: Table | None = None

    def find(self, condition: QueryLike | None = None) -> tuple[list[Document], list[Document]]:
        """Find the documents of the versions that fulfil a condition.

        Args:
            condition: A Filter or a TinyDB query; None for all.

        Returns:
            The documents found, by name and version, and all documents in no order. They belong to the index and
            must not be changed.
        """
        with self._guard:
            table = self._refreshed()
            # Past TinyDB for all of them: its table copies every document that it hands out.
            everything = list(self._storage.read().get(table.name, {}).values())
            found: list[Any] = everything if condition is None else table.search(condition)
        return sorted(found, key=lambda document: (document["name"], document["version"])), everything

    def _refreshed(self) -> Table:
        table = self._table or self._opened()
        names = self._store.names()
        drop = [each[0] for name in set(self._known) - set(names) for each in self._known.pop(name).values()]
        add: list[Document] = []
        self._storage.models = {name: self._storage.models.get(name, {}) for name in names}
        for name in names:
            self._refresh_model(table, name, drop, add)
        # Two changes of the whole table, not one for each document: TinyDB copies it every time.
        if drop:
            table.remove(doc_ids=drop)
        if add:
            self._remember(add, table.insert_multiple(add))
        self._save(len(drop) + len(add), len(table))
        return table

    def _opened(self) -> Table:
        database = TinyDB(self._path, storage=IndexStorage)
        self._storage = database.storage  # type: ignore[assignment] # TinyDB names the base class
        self._table = table = database.table("versions")
        try:
            for document in table:
                self._remember([dict(document)], [document.doc_id])
        except (KeyError, TypeError, ValueError, AttributeError):  # sealed by us, so written by another rlkit
            self._known, self._storage.models = {}, {}
            self._storage.write({})
        return table

    def _remember(self, documents: list[Document], identifiers: list[int]) -> None:
        for document, identifier in zip(documents, identifiers, strict=True):
            inode, written = document["_stamp"]
            self._known.setdefault(document["name"], {})[document["version"]] = (identifier, (inode, written))

    def _refresh_model(self, table: Table, name: str, drop: list[int], add: list[Document]) -> None:
        """Note which documents of a model must go and come, if anything in its folder has changed."""
        before = time.time_ns()
        signature = list(self._store.signature(name))
        model = self._storage.models[name]
        if model.get("signature") == signature:
            return
        stamps, meta = self._store.stamps(name), self._meta(name)
        complete = meta is not None
        meta = meta or {"aliases": {}, "versions": {}}
        known = self._known.setdefault(name, {})
        for number, (identifier, stamp) in list(known.items()):
            old = table.get(doc_id=identifier)
            new = overlaid(old, meta) if meta != model.get("meta") else old  # type: ignore[arg-type] # one document
            if stamps.get(number) != stamp or new != old:
                drop.append(identifier)
                del known[number]
                if stamps.get(number) == stamp:
                    add.append(new)  # type: ignore[arg-type] # one document, not a list
                    del stamps[number]
            else:
                del stamps[number]
        fresh = [self._document(name, number, stamp, meta) for number, stamp in stamps.items()]
        add.extend(document for document in fresh if document)
        # A signature is worth nothing while its files are so young that a later change may look the same.
        settled = complete and all(fresh) and before - max(signature[1], signature[3]) > _RACY
        self._storage.models[name] = {"signature": signature if settled else None, "meta": meta}

    def _meta(self, name: str) -> dict[str, Any] | None:
        try:
            return self._store.read_meta(name)
        except StoreError as error:
            _warn_of(error)
            return None

    def _document(self, name: str, number: int, stamp: Stamp, meta: Mapping[str, Any]) -> Document | None:
        try:
            document = document_of(self._store.read_manifest(name, number), meta)
        except FileNotFoundError:  # deleted since it was listed
            return None
        except StoreError as error:
            _warn_of(error)
            return None
        return {**document, "_stamp": list(stamp)}

    def _save(self, changes: int, total: int) -> None:
        self._unsaved += changes
        due = self._unsaved > total // _REWRITE_SHARE or (total > 0 and not self._path.exists())
        if not due or not self._writable or not self._store.folder.is_dir():
            return
        try:
            self._storage.save()
            self._unsaved = 0
        except StoreError:
            self._writable = False


def _warn_of(error: StoreError) -> None:
    warnings.warn(f"Not listed: {error}", stacklevel=2)
