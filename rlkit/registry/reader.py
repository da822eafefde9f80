"""RegistryReader: all that a registry is asked, which changes nothing on disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

from tinydb.queries import QueryLike

from rlkit.envs import EnvironmentLike
from rlkit.errors import (
    InvalidNameError,
    InvalidReferenceError,
    ModelNotFoundError,
    QueryError,
    UnknownAlgorithmError,
    did_you_mean,
)
from rlkit.factory import factory
from rlkit.models.base import ModelBase
from rlkit.registry.artifacts import ArtifactStore
from rlkit.registry.comparison import Comparison, Difference
from rlkit.registry.index import VersionIndex
from rlkit.registry.inspection import inspect_objects
from rlkit.registry.lineage import Lineage
from rlkit.registry.model_card import ModelCard
from rlkit.registry.names import LATEST, Reference, check_name, parse_reference
from rlkit.registry.progress import ticking
from rlkit.registry.query import Filter, check_fields, order_field, ordered
from rlkit.registry.reports import Inspection, VerifyReport
from rlkit.registry.transfer import export
from rlkit.registry.verification import verify
from rlkit.registry.versions import Document, Manifest, ModelVersion, VersionList, document_of
from rlkit.storage.archive import is_archive_path, read_archive
from rlkit.storage.packing import Packed

Condition = str | QueryLike
"""A search expression or a TinyDB query."""

_MOST_RUNS = 8  # of numbers, in an error

_loaded_from: WeakKeyDictionary[object, tuple[Path, str]] = WeakKeyDictionary()
"""Which version of which folder a model was loaded from: its parent, where it is registered again."""


class RegistryReader:
    """The versions in a folder, to be looked at and loaded. The folder may be on a disk that cannot be written.

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._store = ArtifactStore(Path(folder).expanduser().absolute())
        self._index = VersionIndex(self._store)

    @property
    def folder(self) -> Path:
        """The folder, as an absolute path."""
        return self._store.folder

    def load(self, reference: str, env: EnvironmentLike | None = None, *, trust: bool = False) -> ModelBase:
        """Rebuild a model. Trained on and registered again, it has this version as its parent.

        Args:
            reference: ``"cartpole"`` (the newest version), ``"cartpole:3"`` or ``"cartpole@best"``.
            env: An environment to use instead of the one that the model was trained in.
            trust: Whether to run a model class that is kept with the version, and that you did not register on this
                machine.

        Returns:
            The model, ready to predict and to train on.

        Raises:
            ModelNotFoundError: There is no such model, version or alias.
            InvalidReferenceError: The text is no reference.
            CorruptArtifactError: What is on disk is not what was registered.
            UntrustedArtifactError: It would run code that is not trusted; nothing was run.
            UnknownAlgorithmError: The class that it was made with is not registered here.
            SpaceMismatchError: ``env`` has other spaces than the model was built for.
        """
        name, number = self._resolve(parse_reference(reference))
        manifest, origin = self._manifest(name, number), f"{name}:{number}"
        wall_time = manifest.get("wall_time") or 0.0
        try:
            model = factory.rebuild(self._objects(manifest), env, wall_time=wall_time, trust=trust, origin=origin)
        except UnknownAlgorithmError as error:
            module = str(manifest.get("model_class") or "").partition(":")[0]
            remedy = f"Import the module that it is defined in first: import {module}" if module else error.remedy
            raise UnknownAlgorithmError(f"{origin} needs its class. {error.problem}", remedy) from None
        _loaded_from[model] = (self.folder, origin)
        return model

    def get(self, reference: str) -> ModelVersion:
        """Look up what is known about a version.

        Args:
            reference: ``"cartpole"`` (the newest version), ``"cartpole:3"`` or ``"cartpole@best"``.

        Returns:
            The version.

        Raises:
            ModelNotFoundError: There is no such model, version or alias.
            CorruptArtifactError: Its manifest is damaged.
        """
        return self._version(*self._resolve(parse_reference(reference)))

    def models(self) -> list[str]:
        """List the names of all models, sorted."""
        return [name for name in self._store.names() if self._store.newest(name)]

    def versions(self, name: str | None = None) -> VersionList:
        """List the versions of a model, or of all models.

        Args:
            name: The model; None for all.

        Returns:
            Versions by name, and oldest first.

        Raises:
            InvalidNameError: The name is that of a version, or is not allowed.
            InvalidReferenceError: It is no name at all.
            ModelNotFoundError: There is no such model.
        """
        if name is not None and (alone := parse_reference(name).name) != name:
            raise InvalidNameError(f"{name!r} is one version, not a model.", f"Give the name alone: {alone!r}.")
        documents, _ = self._index.find()
        if name is not None:
            documents = [document for document in documents if document["name"] == name]
            if not documents:
                raise self._no_model(check_name(name))
        return self._listed(documents)

    def search(
        self,
        where: Condition | None = None,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> VersionList:
        """Find versions by anything that is known about them.

        Args:
            where: ``"algorithm = 'ppo' and metrics.mean_return > 400 and 'baseline' in tags"``, or a TinyDB
                query, or None for all.
            order_by: A field such as ``"created"``, or ``"-metrics.mean_return"`` for the largest first;
                versions without a value come last.
            limit: How many to return at most.

        Returns:
            The versions found, by name and number unless ordered otherwise.

        Raises:
            QueryError: The expression cannot be understood, or names a field that no version has.
        """
        if limit is not None and (type(limit) is not int or limit < 0):
            problem = f"limit must be a whole number from 0, and it is {limit!r}."
            raise QueryError(problem, "Leave it out to get all versions.")
        condition = Filter(where) if isinstance(where, str) else where
        if condition is not None and not callable(condition):
            problem = f"A search must be a string or a TinyDB query, and this is a {type(where).__name__}."
            raise QueryError(problem, "Write for example: search(\"algorithm = 'ppo'\")")
        parsed = condition if isinstance(condition, Filter) else None
        found, everything = self._index.find(parsed.matches if parsed else condition)
        fields = parsed.fields if parsed else []
        check_fields([*fields, *([order_field(order_by)] if order_by else [])], everything)
        if order_by:
            found = ordered(found, order_by)
        return self._listed(found[:limit])

    def compare(self, *references: str) -> Comparison:
        """Set versions side by side: metrics, the hyperparameters that differ, learning curves.

        Args:
            references: Two or more of them: ``compare("cartpole:1", "cartpole@best")``.

        Raises:
            InvalidReferenceError: There are less than two, or one is no reference.
            ModelNotFoundError: There is no such version.
        """
        if len(references) < 2:  # noqa: PLR2004 - one is compared with nothing
            raise InvalidReferenceError("compare() needs two versions at least.", "Write compare('a:1', 'a:2').")
        return Comparison([self.get(reference) for reference in references])

    def diff(self, left: str, right: str) -> Difference:
        """Tell what differs between two versions: config, metrics, and how far each array of parameters has moved.

        Raises:
            ModelNotFoundError: There is no such version.
            CorruptArtifactError: What is on disk is not what was registered.
            UntrustedArtifactError: One would run code that is not trusted; nothing was run.
        """
        arrays = [self.load(reference).parameters for reference in (left, right)]
        names = dict.fromkeys([*arrays[0], *arrays[1]])
        parameters = {name: (arrays[0].get(name), arrays[1].get(name)) for name in names}
        return Difference(self.get(left), self.get(right), parameters)

    def lineage(self, reference: str) -> Lineage:
        """Tell what a version was trained on from, and what was trained on from it.

        Raises:
            ModelNotFoundError: There is no such version.
        """
        focus = self.get(reference)
        versions = self.versions()
        return Lineage(focus.ref, versions, {each.ref: self._now(each.parent) for each in versions if each.parent})

    def card(self, reference: str) -> ModelCard:
        """Return the model card of a version: Markdown, made from what is known.

        Raises:
            ModelNotFoundError: There is no such version.
        """
        return ModelCard(self.get(reference))

    def inspect(self, source: str | os.PathLike[str]) -> Inspection:
        """Tell what loading a version or a file would build or run, without doing either.

        Args:
            source: A reference, or the path of a ``.rlkit`` file.

        Raises:
            ModelNotFoundError: There is no such version.
            CorruptArtifactError: Its bytes are not those that were kept.
        """
        if is_archive_path(source):
            return inspect_objects(str(source), read_archive(source).objects)
        name, number = self._resolve(parse_reference(str(source)))
        return inspect_objects(f"{name}:{number}", self._objects(self._manifest(name, number)))

    def export_file(self, reference: str, path: str | os.PathLike[str] | None = None) -> Path:
        """Write a version to one portable file, which ``import_file`` and ``rlkit.load`` take on any machine.

        Args:
            reference: The version.
            path: The file, whose name ends in ``.rlkit``; ``cartpole-3.rlkit`` in the folder worked in where None.

        Returns:
            The path.

        Raises:
            ModelNotFoundError: There is no such version.
            CorruptArtifactError: What is on disk is not what was registered.
            StoreError: The file cannot be written.
        """
        version = self.get(reference)
        objects = self._objects(self._manifest(version.name, version.version))
        return export(version, objects, f"{version.name}-{version.version}.rlkit" if path is None else path)

    def trash(self) -> VersionList:
        """List the deleted versions that ``restore`` brings back."""
        found = []
        for name in self._store.trashed_names():
            for number in self._store.trashed_numbers(name):
                owner = self._store.owner(name, number)
                if self._store.trash_name(owner, number) == name:
                    manifest = self._store.read_manifest(name, number, trashed=True)
                    found.append(document_of(owner, number, manifest, self._store.read_meta(owner)))
        return self._listed(found)

    def verify(self, *, progress: bool | None = None) -> VerifyReport:
        """Read everything and check it: every hash, every reference.

        Args:
            progress: Whether to show a bar; None where somebody looks: in a terminal or a notebook.

        Returns:
            What is wrong and how to repair it, and what is garbage.
        """
        total = sum(len(self._store.numbers(name)) for name in self._store.names())
        with ticking("Verifying", total, progress=progress) as tick:
            return verify(self._store, tick)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.folder)!r}>"

    def _loaded_from(self, model: object) -> str | None:
        """Return the version of this registry that a model was loaded from."""
        folder, reference = _loaded_from.get(model, (None, None))
        return reference if folder == self.folder else None

    @contextlib.contextmanager
    def _writing_to(self, reference: Reference) -> Iterator[None]:
        """Hold the lock of all writers, where there is what a reference means.

        Raises:
            ModelNotFoundError: There is none; nothing was written to find that out.
        """
        self._resolve(reference)
        with self._store.writing():
            yield

    # -- references --------------------------------------------------------------------------------------------------

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

    def _objects(self, manifest: Manifest) -> dict[str, Packed]:
        records = manifest["objects"]
        return {
            kind: Packed(self._store.read_object(record), str(record.get("signature", "")))
            for kind, record in records.items()
        }

    def _version(self, name: str, number: int) -> ModelVersion:
        manifest = self._manifest(name, number)
        return ModelVersion(document_of(name, number, manifest, self._store.read_meta(name)), self._manifest)

    def _listed(self, documents: Iterable[Document]) -> VersionList:
        return VersionList(ModelVersion(document, self._manifest) for document in documents)

    def _no_model(self, name: str) -> ModelNotFoundError:
        models = self.models()
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
