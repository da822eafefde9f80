"""What a registry is found to be after a fault, and whether it can be used as if nothing had been."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from rlkit.errors import CorruptArtifactError, ModelNotFoundError
from rlkit.registry import ModelRegistry
from rlkit.storage.documents import unseal

from .harness import Tree, Watched, make, on
from .operations import STORE, Model

State = dict[str, dict[str, Any]]
"""Versions and trash with all that is known of them and their bytes; what references mean; what is wrong."""

_REFERENCES = ("cartpole", "cartpole:2", "cartpole@best", "swing:2")


def look(registry: ModelRegistry) -> State:
    """Return all that can be known of a registry."""
    versions = {version.ref: version for version in registry.versions()}
    for ref, version in versions.items():
        assert registry.get(ref) == version, f"the index and the manifest of {ref} differ"
    meant = {}
    for reference in _REFERENCES:
        with contextlib.suppress(ModelNotFoundError):
            meant[reference] = registry.get(reference).ref
    return {
        "versions": {ref: _whole(registry, version) for ref, version in versions.items()},
        "trash": {version.ref: _whole(registry, version, trashed=True) for version in registry.trash()},
        "meant": meant,
    }


def _whole(registry: ModelRegistry, version, *, trashed: bool = False) -> tuple:
    """Return what is known of a version, and its bytes, whose hashes are checked."""
    known = version.to_dict()
    return known, version.learning_curve if not trashed else None, registry._store.read_object(known)


def listed(registry: ModelRegistry) -> tuple[dict[str, dict], list[str]]:
    """Return what is known of the versions, and which are the newest, without looking at any byte."""
    documents = {version.ref: version.to_dict() for version in registry.versions()}
    return documents, [registry.get(name).ref for name in registry.models()]


class Outcome(NamedTuple):
    """How a folder was found.

    Attributes:
        state: What was found there; None where it cannot even be looked at.
        wrong: What is not as it must be in any folder.
        next: The number that the next version of each model was given.
    """

    state: State | None
    wrong: tuple[str, ...]
    next: dict[str, int]


def recovered(tree: Tree, root: Path, names: tuple[str, ...]) -> Outcome:
    """Return how a fresh registry finds what is in a folder, and uses it.

    Args:
        tree: What is in the folder that the store is in.
        root: Where to make it; it is gone afterwards.
        names: The models to register further versions of.
    """
    wrong: list[str] = []
    state, numbers = None, {}
    with on(Watched()):
        make(tree, root)
        try:
            state = look(ModelRegistry(root / STORE))
            numbers = _used(root / STORE, state, names, wrong)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is what a test is after
            wrong.append(f"{type(error).__name__}: {error}")
    shutil.rmtree(root)
    return Outcome(state, tuple(wrong), numbers)


def _used(store: Path, state: State, names: tuple[str, ...], wrong: list[str]) -> dict[str, int]:
    """Use a registry after a fault; return the number that each model's next version is given."""
    registry = ModelRegistry(store)
    wrong.extend(f"after the fault: {problem}" for problem in registry.verify().problems)
    registry.gc()
    report = registry.verify()
    wrong.extend(f"after gc: {problem}" for problem in report.problems)
    wrong.extend(f"gc leaves {path}" for path in report.garbage)
    kept, _ = listed(registry)
    if kept != {ref: known for ref, (known, *_) in state["versions"].items()} or registry.trash():
        wrong.append(f"gc changed more than the trash: {sorted(kept)} are left")
    added = {name: registry.register(Model(90), name) for name in names}
    fresh = ModelRegistry(store)
    if listed(fresh)[0] != {**kept, **{version.ref: version.to_dict() for version in added.values()}}:
        wrong.append(f"what was registered after the fault is not there: {sorted(listed(fresh)[0])}")
    for version in added.values():
        fresh._store.read_object(version.to_dict())
    return {name: version.version for name, version in added.items()}


def difference(found: State | None, expected: State) -> str:
    """Tell two states apart in few words."""
    if found is None:
        return "nothing can be read"
    parts = []
    for key, part in expected.items():
        for ref in sorted({*part, *found[key]}):
            if part.get(ref) != found[key].get(ref):
                what = "is lost" if ref not in found[key] else "is there" if ref not in part else "differs"
                parts.append(f"{key} {ref} {what}")
    return ", ".join(parts) or "no difference"


# -- which contents of a folder are the same but for what differs from run to run -----------------------------------

_TEMPORARY = re.compile(r"\.[0-9a-f]{12}\.tmp")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*\+00:00")
_LINE = re.compile(rb'^[0-9a-f]{8} (\[.*"_stamp": )\[\d+, \d+\]', re.MULTILINE)
_SIGNATURE = re.compile(rb'^[0-9a-f]{8} (\[.*"signature": )(?:\[\d+, \d+\]|null)', re.MULTILINE)


def key_of(tree: Tree) -> frozenset[tuple[str, bytes]]:
    """Return what is the same for contents that are."""
    return frozenset((_TEMPORARY.sub(".tmp", path), _essence(Path(path).suffix, data)) for path, data in tree.items())


@functools.lru_cache(maxsize=10_000)
def _essence(suffix: str, data: bytes | None) -> bytes:
    if data is None:
        return b"a folder"
    if suffix == ".json":
        with contextlib.suppress(CorruptArtifactError):
            return _TIME.sub(b"", str(sorted(unseal(data, "").items())).encode())
    if suffix == ".jsonl":
        return _SIGNATURE.sub(rb"\1", _LINE.sub(rb"\1", data))
    return data
