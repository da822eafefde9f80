"""Keeping a model as a version: what its manifest says, and whether it is there already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rlkit.display.note import tell
from rlkit.errors import CorruptArtifactError, StateError
from rlkit.registry.artifacts import FORMAT, ArtifactStore
from rlkit.registry.checks import check_metrics
from rlkit.registry.index import VersionIndex
from rlkit.registry.record import Told, checked_record
from rlkit.registry.versions import Document, overlaid
from rlkit.storage.documents import lines_of
from rlkit.storage.packing import STATE, Packed, PackedModel


class Keepable(Protocol):
    """What a registry needs of a model."""

    def packed(self, *, slim: bool = False) -> PackedModel:
        """Return what the model tells about itself and what it is rebuilt from: see ``ModelBase.packed``."""


@dataclass(frozen=True)
class Candidate:
    """What is to become a version.

    Attributes:
        name: The model.
        manifest: What the manifest will say, but for number and objects.
        objects: What the model is rebuilt from.
        distinct: Parts of the manifest in which a version that has the same objects must agree to be the same.
    """

    name: str
    manifest: Mapping[str, Any]
    objects: Mapping[str, Packed]
    distinct: Mapping[str, Any] = field(default_factory=dict)


def manifest_of(metadata: Mapping[str, Any], told: Mapping[str, Any], origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest says, but for number and objects.

    Args:
        metadata: What the model tells about itself.
        told: What was said when registering it; metrics are those of the model and these.
        origin: What ``provenance`` returned.

    Raises:
        ConfigError: The metrics of the model are none.
    """
    metrics = {**check_metrics(metadata.get("metrics")), **told["metrics"]}
    of_model = {key: metadata[key] for key in Told.model_fields if key in metadata}
    return {**told, "metrics": metrics, **of_model, **origin}


def keep(store: ArtifactStore, index: VersionIndex, candidate: Candidate, *, allow_duplicate: bool) -> Document:
    """Keep a candidate as the next version of its name, or find the version that it is already.

    Args:
        store: Where to keep it.
        index: The index, which learns of it.
        candidate: What to keep.
        allow_duplicate: Whether to keep it again.

    Returns:
        The document of the version, new or old.

    Raises:
        StateError: The manifest has no form in JSON, or says what no version does. Nothing was written.
        StoreError: The folder cannot be written.
    """
    name, lines = candidate.name, lines_of(candidate.manifest)
    plain = json.loads(f"{{{','.join(lines)}}}")  # as it will be read
    try:
        checked_record(plain, f"What the model tells of {name}")
    except CorruptArtifactError as error:
        remedy = "It could not be read again: let the class of the model tell plain data within bounds."
        raise StateError(error.problem, remedy) from None
    with store.writing():
        twin = None if allow_duplicate else _twin(store, index, candidate)
        objects = {kind: _put(store, packed) for kind, packed in candidate.objects.items()}
        if twin is not None:
            return _added_to(store, twin, candidate)
        number = store.add_version(name, [*lines, *lines_of({"objects": objects})])
        return index.add(name, number, {**plain, "format": FORMAT, "objects": objects})


def _put(store: ArtifactStore, packed: Packed) -> dict[str, Any]:
    record = store.put_object(packed.data, packed.sha256)
    return {**record, "signature": packed.signature} if packed.signature else record


def _twin(store: ArtifactStore, index: VersionIndex, candidate: Candidate) -> Document | None:
    """Return the newest version of this name that has the same objects."""
    hashes = {kind: packed.sha256 for kind, packed in candidate.objects.items()}
    if not store.has_object(hashes[STATE]):  # true of nearly all, and known without a search
        return None
    found, _ = index.find(lambda document: (document["name"], document["sha256"]) == (candidate.name, hashes[STATE]))
    for document in reversed(found):
        manifest = store.read_manifest(candidate.name, document["version"])
        same = {kind: record["sha256"] for kind, record in manifest["objects"].items()} == hashes
        if same and all(manifest.get(key) == value for key, value in candidate.distinct.items()):
            return document
    return None


def _added_to(store: ArtifactStore, twin: Document, candidate: Candidate) -> Document:
    """Merge new metadata into the existing version, and say that no other was made."""
    told = candidate.manifest
    changed = {
        "tags": list(dict.fromkeys([*twin["tags"], *told["tags"]])),
        "metrics": {**twin["metrics"], **told["metrics"]},
        "description": told["description"] or twin["description"],
    }
    new = {key: value for key, value in changed.items() if value != twin[key]}
    store.make("models", candidate.name)
    store.update_meta(candidate.name, lambda meta: change_version(meta, twin["version"], new))
    be = "was" if list(new) == ["description"] else "were"
    added = f" Its {' and '.join(new)} {be} updated." if new else ""
    tell(
        f"An identical model is already registered as {twin['ref']}: no new version was made.{added} "
        "Pass allow_duplicate=True to register it again."
    )
    return overlaid(twin, store.read_meta(candidate.name))


def change_version(meta: dict[str, Any], number: int, changed: Mapping[str, Any]) -> None:
    """Note in a model's meta.json what has changed about a version; metrics are added to those before."""
    if not changed:
        return
    entry = meta["versions"].setdefault(str(number), {})
    metrics = {**entry.get("metrics", {}), **changed.get("metrics", {})}
    entry.update(changed)
    if metrics:
        entry["metrics"] = metrics
