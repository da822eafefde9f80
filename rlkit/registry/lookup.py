"""Finding the version that a reference means, whatever other programs do meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from rlkit.errors import CorruptArtifactError, InvalidReferenceError, ModelNotFoundError, StoreError, did_you_mean
from rlkit.registry.artifacts import ArtifactStore
from rlkit.registry.names import LATEST, Reference, check_name
from rlkit.registry.objects import records_of
from rlkit.registry.versions import Manifest, ModelVersion, document_of
from rlkit.storage.packing import Packed

Found = TypeVar("Found")

_ATTEMPTS = 10
_MOST_RUNS = 8  # of numbers, in an error


class VersionLookup:
    """Resolves references, and reads what they mean.

    Args:
        folder: Where the versions are.
    """

    def __init__(self, folder: Path) -> None:
        self._store = ArtifactStore(folder)

    @property
    def folder(self) -> Path:
        """The folder, as an absolute path."""
        return self._store.folder

    def _models(self) -> list[str]:
        found = []
        for name in self._store.names():
            with contextlib.suppress(StoreError):  # a folder that cannot be read: a search warns of it
                if self._store.newest(name):
                    found.append(name)
        return found

    def _found(self, reference: Reference, read: Callable[[str, int], Found]) -> Found:
        """Resolve a reference and read what it means.

        A version whose model another program is renaming, or that it deletes and collects, can look missing or damaged
        for a moment. So an answer of that kind is given only after a second look, while nobody writes.

        Args:
            reference: The reference.
            read: Is given a name and a number.

        Raises:
            ModelNotFoundError: There is no such version.
            CorruptArtifactError: What is on disk is not what was registered.
        """
        with contextlib.suppress(ModelNotFoundError, CorruptArtifactError):
            name, number = self._resolve(reference)
            folder = self._store.signature(name)[0]
            found = read(name, number)
            if self._store.signature(name)[0] == folder:
                return found
        with self._store.standstill():
            return read(*self._resolve(reference))

    @contextlib.contextmanager
    def _writing_to(self, reference: Reference) -> Iterator[None]:
        """Hold the lock of all writers, where there is what a reference means.

        Raises:
            ModelNotFoundError: There is none; nothing was written to find that out.
        """
        self._found(reference, lambda *_: None)
        with self._store.writing():
            yield

    def _resolve(self, reference: Reference) -> tuple[str, int]:
        """Find the version that a reference means now."""
        name = reference.name
        if reference.version is not None:
            return self._numbered(name, reference.version)
        if reference.alias not in (None, LATEST):
            return name, self._aliased(name, str(reference.alias))
        newest = self._store.newest(name)
        if newest is None:
            raise self._no_model(name)
        return name, newest

    def _aliased(self, name: str, alias: str) -> int:
        aliases: dict[str, int] = self._store.read_meta(name)["aliases"]
        number = aliases.get(alias, 0)
        if self._store.exists(name, number):
            return number
        if self._store.newest(name) is None:
            raise self._no_model(name)
        alive = [other for other, number in aliases.items() if self._store.exists(name, number)]
        raise ModelNotFoundError(f"The model {name!r} has no alias {alias!r}.", did_you_mean(alias, [*alive, LATEST]))

    def _numbered(self, name: str, number: int) -> tuple[str, int]:
        if type(number) is not int:
            problem = f"A version must be a whole number, and {number!r} is a {type(number).__name__}."
            raise InvalidReferenceError(problem, "Give the number after ':', such as 3 for 'cartpole:3'.")
        owner = self._store.owner(check_name(name), number)
        if not self._store.exists(owner, number):
            raise self._no_version(owner, number)
        return owner, number

    def _now(self, reference: str) -> str:
        """Return what a version is called now that a manifest refers to by the name that it had then."""
        name, _, number = reference.partition(":")
        return f"{self._store.owner(name, int(number))}:{number}" if number.isdecimal() else reference

    def _manifest(self, name: str, number: int) -> Manifest:
        try:
            return self._store.read_manifest(name, number)
        except FileNotFoundError:  # deleted by another program since it was listed
            raise self._no_version(name, number) from None

    def _whole(self, name: str, number: int) -> tuple[str, Manifest, dict[str, Packed]]:
        """Return a version's reference, its manifest and its objects."""
        manifest = self._manifest(name, number)
        return f"{name}:{number}", manifest, self._objects(manifest)

    def _objects(self, manifest: Manifest) -> dict[str, Packed]:
        records = records_of(manifest, f"The manifest of {manifest['name']}:{manifest['version']}")
        return {
            kind: Packed(self._store.read_object(record), str(record.get("signature", "")))
            for kind, record in records.items()
        }

    def _version(self, name: str, number: int) -> ModelVersion:
        """Return a version with all that belongs together, though another program may change it or rename its model."""
        meta = self._store.read_meta(name)
        for _ in range(_ATTEMPTS):
            manifest, before = self._manifest(name, number), meta
            meta = self._store.read_meta(name)
            if meta == before:
                break
        return ModelVersion(document_of(name, number, manifest, meta), self._manifest)

    def _no_model(self, name: str) -> ModelNotFoundError:
        models = self._models()
        remedy = did_you_mean(name, models) or f"It is empty: register(model, {name!r}) keeps a first version."
        return ModelNotFoundError(f"The registry {self.folder} keeps no model {name!r}.", remedy)

    def _no_version(self, name: str, number: int) -> ModelNotFoundError:
        newest = self._store.newest(name)
        if newest is None:
            return self._no_model(name)
        if self._store.trash_name(name, number):
            remedy = f"It was deleted: restore('{name}:{number}') brings it back."
        else:
            numbers = self._store.numbers(name)
            remedy = f"It has {'version' if len(numbers) == 1 else 'versions'} {_ranges(numbers)}."
        return ModelNotFoundError(f"The model {name!r} has no version {number}.", remedy)


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers briefly, the last of them at least: ``1 to 4, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    written = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ", ".join((["..."] if len(written) > _MOST_RUNS else []) + written[-_MOST_RUNS:])
