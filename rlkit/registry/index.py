"""The TinyDB index: a cache of all manifests, so that a search need not open thousands of files.

It is never the truth. Lost, stale or damaged, it is put right from the manifests, silently; on a disk that
cannot be written it lives in memory alone. Whoever registers a version adds it to the index file; whoever finds that
much of the file is out of date writes it anew.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tinydb import TinyDB

from rlkit.errors import CorruptArtifactError, StoreBusyError, StoreError
from rlkit.registry.artifacts import ArtifactStore, State
from rlkit.registry.journal import JournalStorage, VersionTable
from rlkit.registry.layout import Stamp
from rlkit.registry.versions import REGISTERED, Document, document_of, overlaid
from rlkit.storage.documents import to_json

_REWRITE_SHARE = 16
"""The file is rewritten when one in so many documents has changed, so that the cost of a change does not grow with the
number of versions; the rest is read from the manifests when the index is opened."""

_LOOKS = 3
"""How often the folder is listed at most where models come and go while it is."""


Condition = Callable[[Mapping[str, Any]], Any]


class _Database(TinyDB):
    table_class = VersionTable


Mark = int | Stamp
"""What tells a manifest from another under the same number: its inode, or that, its time of writing and its size."""


class _Changes(NamedTuple):
    """What a refresh finds out.

    Attributes:
        drop: Identifiers of documents that must go.
        add: Documents that must come.
        tick: Is called after each manifest that is read.
    """

    drop: list[int]
    add: list[Document]
    tick: Callable[[], object]


class VersionIndex:
    """Finds versions by what is known about them.

    Args:
        store: Where the manifests are.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._path = store.folder / "index.jsonl"
        self._guard = threading.RLock()
        self._database = _Database(self._path, storage=JournalStorage)
        self._storage: JournalStorage = self._database.storage  # type: ignore[assignment] # TinyDB names the base class
        self._known: dict[str, dict[int, int]] | None = None  # document identifiers by name and number, once opened
        self._everything: list[Document] | None = None
        self._thorough: dict[str, tuple[State, bool]] = {}  # as models were when listed thoroughly, and whether at rest
        self._unsaved = 0
        self._writable = True

    def find(self, condition: Condition | None = None) -> tuple[list[Document], list[Document]]:
        """Find the documents of the versions that fulfil a condition.

        Args:
            condition: Tells of a document whether it is meant: also a TinyDB query; None for all.

        Returns:
            The documents found, and all documents, each by name and version. They belong to the index and must not be
            changed.
        """
        with self._guard:
            for _ in range(_LOOKS):
                before = self._store.signature()
                if self._refresh() and self._store.signature() == before:
                    break  # else a model was renamed meanwhile, and may have been overlooked
            if self._everything is None:
                documents = self._table.items()
                order = sorted(documents, key=lambda item: (item[1]["name"], item[1]["version"]))
                self._everything = [document for _, document in order]
                self._storage.write({"versions": dict(order)})
            found: list[Any] = self._everything
            if condition is not None:
                found = self._database.table("versions").search(condition)  # type: ignore[arg-type] # no caching here
            return found, self._everything

    def add(self, name: str, number: int, manifest: Mapping[str, Any]) -> Document:
        """Take a version that was just registered, so that nobody opens its manifest; the lock is held.

        Args:
            name: The model.
            number: The version, of which nothing was changed yet.
            manifest: What its manifest says.

        Returns:
            Its document, as it would be read from the manifest.
        """
        document: Document = json.loads(to_json(document_of(name, number, manifest, _NO_META)))
        try:
            document["_stamp"] = list(self._store.stamp(name, number))
            with self._guard:
                if self._known is not None:
                    # Another thread's search may have found it between its manifest and this line.
                    found = self._known.get(name, {}).pop(number, None)
                    if found is not None:
                        self._database.table("versions").remove(doc_ids=[found])
                    self._insert([document])
                self._storage.add(document)
        except (StoreError, FileNotFoundError):
            self._writable = False  # a cache: the version is kept all the same
        return document

    def rebuild(self, tick: Callable[[], object]) -> int:
        """Forget all, read every manifest again and write the file anew.

        Args:
            tick: Called after each manifest.

        Returns:
            How many versions there are.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._store.writing(), self._guard:  # in this order, as add() is called
            self._forget()
            self._refresh(tick)
            self._storage.save()
            self._unsaved, self._writable = 0, True
            return len(self._table)

    @property
    def _table(self) -> dict[int, Document]:
        documents: dict[int, Document] = self._storage.read()["versions"]
        return documents

    def _forget(self) -> None:
        self._known, self._everything, self._storage.models = {}, None, {}
        self._database.table("versions").truncate()

    def _open(self) -> None:
        self._known = {}
        try:
            self._storage.load()
        except CorruptArtifactError:  # its checksums are right: another rlkit wrote it, or somebody else
            self._forget()
            return
        for identifier, document in self._table.items():
            self._known.setdefault(document["name"], {})[document["version"]] = identifier

    def _insert(self, documents: list[Document]) -> None:
        assert self._known is not None  # noqa: S101 - the index is open
        shared = [self._storage.share(document) for document in documents]
        identifiers = self._database.table("versions").insert_multiple(shared)
        for document, identifier in zip(shared, identifiers, strict=True):
            self._known.setdefault(document["name"], {})[document["version"]] = identifier
        self._everything = None

    def _refresh(self, tick: Callable[[], object] = bool) -> bool:
        """Bring everything up to date, and tell whether all models stayed where they were meanwhile."""
        if self._known is None:
            self._open()
        names, stayed = self._store.names(), True
        changes = _Changes([], [], tick)
        for name in set(self._known or ()) - set(names):
            self._drop(name, changes)
        self._storage.models = {name: self._storage.models.get(name, {}) for name in names}
        for name in names:
            try:
                stayed = self._refresh_model(name, changes) and stayed
            except StoreError as error:  # its folder cannot be read
                warn_of(f"No version of {name} is listed", error)
                self._drop(name, changes)
                self._storage.models[name] = {}
        if changes.drop:
            self._database.table("versions").remove(doc_ids=changes.drop)
            self._everything = None
        if changes.add:
            self._insert(changes.add)
        self._save(len(changes.drop) + len(changes.add))
        return stayed

    def _drop(self, name: str, changes: _Changes) -> None:
        changes.drop.extend(self._known.pop(name, {}).values())  # type: ignore[union-attr] # open

    def _refresh_model(self, name: str, changes: _Changes) -> bool:
        """Note which documents of a model must go and come, if anything has changed, and tell whether it is there."""
        model = self._storage.models[name]
        before = model.get("state")
        state = self._store.state(name, before)
        # A line of the file may be lost, and nothing tells of it but how many there were.
        known = len((self._known or {}).get(name, ()))
        if state == before and model["settled"] and model["count"] == known:
            return True
        rested = self._store.has_rested(state[:2], f"models/{name}")
        # Other programs than rlkit may replace a manifest, and the new one get the inode of the old: that is looked for
        # when a folder is listed first, and once after each change, when the folder rests.
        last, rest = self._thorough.get(name, (None, False))
        thorough = last is None or last[0] != state[0] or (rested and (last != state or not rest))
        if thorough:
            self._thorough[name] = (state, rested)
        found: dict[int, Any] = (self._store.stamps if thorough else self._store.inodes)(name)
        read = self._meta(name)
        count, meta = len(found), read or _NO_META
        moving = found.keys() & {int(number) for number in meta["deleted"]}  # is noted before a version goes
        self._compare(name, found, meta, changes)
        fresh = []
        for number in found:
            fresh.append(self._document(name, number, meta))
            changes.tick()
        changes.add.extend(document for document in fresh if document)
        self._storage.models[name] = {
            "state": state,
            "settled": rested and read is not None and all(fresh) and not moving,
            "count": count,
            "meta": {"aliases": meta["aliases"], "versions": meta["versions"]},
        }
        return self._store.has_model(name)

    def _compare(self, name: str, found: dict[int, Mark], meta: Mapping[str, Any], changes: _Changes) -> None:
        """Note which known documents of a model have gone or changed, and take the rest out of ``found``."""
        known: dict[int, int] = self._known.setdefault(name, {})  # type: ignore[union-attr] # open
        table, before = self._table, self._storage.models[name].get("meta")
        touched = _touched(before or _NO_META, meta)
        for number, identifier in list(known.items()):
            old = table[identifier]
            mark, stamp = found.get(number), tuple(old["_stamp"])
            stays = mark in (stamp[0], stamp)
            concerned = number in touched or (before is None and (old["aliases"] or REGISTERED in old))
            new = overlaid(old, meta) if stays and concerned else old
            if not stays or new != old:
                changes.drop.append(identifier)
                del known[number]
            if stays:
                changes.add.extend([new] if new != old else [])
                del found[number]

    def _meta(self, name: str) -> dict[str, Any] | None:
        try:
            return self._store.read_meta(name)
        except StoreError as error:
            warn_of("Listed as they were registered", error)
            return None

    def _document(self, name: str, number: int, meta: Mapping[str, Any]) -> Document | None:
        try:
            stamp = self._store.stamp(name, number)
            document = document_of(name, number, self._store.read_manifest(name, number), meta)
        except FileNotFoundError:  # deleted since it was listed
            return None
        except StoreError as error:
            if self._store.exists(name, number):  # else another program is just renaming the model
                warn_of("Not listed", error)
            return None
        return {**document, "_stamp": list(stamp)}

    def _save(self, changes: int) -> None:
        self._unsaved += changes
        total = len(self._table)
        due = self._unsaved > total // _REWRITE_SHARE or (total > 0 and not self._path.exists())
        if not due or not self._writable or not self._store.folder.is_dir():
            return
        try:
            with self._store.writing(timeout=0):  # who waits for a cache waits for nothing
                self._storage.save()
            self._unsaved = 0
        except StoreBusyError:
            pass
        except StoreError:
            self._writable = False


_NO_META: dict[str, Any] = {"aliases": {}, "versions": {}, "deleted": {}}


def _touched(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[int]:
    """Return the numbers of the versions that a change of what may change concerns."""
    aliases = old["aliases"].items() ^ new["aliases"].items()
    versions = {
        number
        for number in {*old["versions"], *new["versions"]}
        if old["versions"].get(number) != new["versions"].get(number)
    }
    return {number for _, number in aliases} | {int(number) for number in versions}


def warn_of(what: str, error: StoreError) -> None:
    """Say that something is not listed, and why: so that it hides nothing else."""
    warnings.warn(f"{what}: {error}", stacklevel=2)
