"""RegistryReader: all that a registry is asked, which changes nothing on disk."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from tinydb.queries import QueryLike

from rlkit.display.note import collected, tell
from rlkit.envs import EnvironmentLike
from rlkit.errors import InvalidNameError, InvalidReferenceError, QueryError, StoreError, UnknownAlgorithmError
from rlkit.factory import factory
from rlkit.forks import in_child
from rlkit.models.base import ModelBase
from rlkit.models.retraining import retrained
from rlkit.registry.artifacts import ArtifactStore
from rlkit.registry.comparison import Comparison, Difference
from rlkit.registry.difference import class_changes
from rlkit.registry.index import VersionIndex, warn_of
from rlkit.registry.inspection import inspect_objects
from rlkit.registry.lineage import Lineage
from rlkit.registry.lookup import VersionLookup
from rlkit.registry.model_card import ModelCard
from rlkit.registry.names import check_folder, check_name, parse_reference
from rlkit.registry.overview import Overview, overview
from rlkit.registry.progress import ticking
from rlkit.registry.query import Filter, check_comparisons, check_fields, order_field, ordered
from rlkit.registry.record import checked_record
from rlkit.registry.reports import Inspection, VerifyReport
from rlkit.registry.transfer import ExportedFile, export
from rlkit.registry.verification import verify
from rlkit.registry.versions import TYPES, Document, Manifest, ModelVersion, VersionList, document_of
from rlkit.storage.archive import is_archive_path, read_archive
from rlkit.storage.packing import CODE, Packed, warn_of_secrets
from rlkit.training.progress import Progress

Condition = str | QueryLike
"""A search expression or a TinyDB query."""

_loaded_from: WeakKeyDictionary[object, tuple[Path, str]] = WeakKeyDictionary()
"""Which version of which folder a model was loaded from: its parent, where it is registered again."""


class RegistryReader(VersionLookup):
    """The versions in a folder, to be looked at and loaded. The folder may be on a disk that cannot be written.

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(check_folder(folder))
        self._index = VersionIndex(self._store)
        in_child(self._look_anew)

    def _look_anew(self) -> None:
        """Forget, in a forked process, what a thread of its parent may have been changing."""
        self._store = ArtifactStore(self.folder)
        self._index = VersionIndex(self._store)

    def load(self, reference: str, env: EnvironmentLike | None = None, *, trust: bool = False) -> ModelBase:
        """Rebuild a model. Trained on and registered again, it has this version as its parent.

        Args:
            reference: ``"cartpole"`` (the newest version), ``"cartpole:3"`` or ``"cartpole@best"``.
            env: An environment to use instead of the one that the model was trained in.
            trust: Whether to run a model class that is kept with the version, and that you did not register on this
                machine, and to import the module that registers its environment when that is made.

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
        return self._rebuilt(*self._found(parse_reference(reference), self._whole), env, trust=trust)

    def _rebuilt(
        self,
        origin: str,
        manifest: Manifest,
        objects: Mapping[str, Packed],
        env: EnvironmentLike | None = None,
        *,
        trust: bool = False,
    ) -> ModelBase:
        """Return the model of a version: see :meth:`load`."""
        told = checked_record(manifest, f"The manifest of {origin}")
        try:
            model = factory.rebuild(objects, env, metadata=told, trust=trust, origin=origin)
        except UnknownAlgorithmError as error:
            module = str(told["model_class"] or "").partition(":")[0]
            remedy = f"Import the module that it is defined in first: import {module}" if module else error.remedy
            raise UnknownAlgorithmError(f"{origin} needs its class. {error.problem}", remedy) from None
        if CODE not in objects:
            _note_other_class(origin, str(told["model_class"] or ""), type(model))
        _loaded_from[model] = (self.folder, origin)
        return model

    def retrain(
        self, reference: str, env: EnvironmentLike | None = None, *, trust: bool = False, progress: Progress = None
    ) -> ModelBase:
        """Train a version again from its record: see :func:`rlkit.models.retraining.retrained`.

        Args:
            reference: ``"cartpole"`` (the newest version), ``"cartpole:3"`` or ``"cartpole@best"``.
            env: As for :meth:`load`.
            trust: As for :meth:`load`.
            progress: As for ``model.train``.

        Returns:
            A new model, which is like the version to the last bit where processor and BLAS compute as they did then.

        Raises:
            TrainingError: Not all that it was trained by is known.
            MissingEnvironmentError: It has no environment: give one.
            RLKitError: It cannot be loaded: see :meth:`load`.
        """
        return retrained(self.load(reference, env, trust=trust), progress=progress)

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
        return self._found(parse_reference(reference), self._version)

    def models(self) -> list[str]:
        """List the names of all models, sorted."""
        return self._models()

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
            QueryError: The expression cannot be understood, names a field that no version has, or has a comparison that
                can never hold.
        """
        if limit is not None and (type(limit) is not int or limit < 0):
            problem = f"limit must be a whole number from 0, and it is {limit!r}."
            raise QueryError(problem, "Leave it out to get all versions.")
        condition = Filter(where) if isinstance(where, str) else where
        if condition is not None and not callable(condition):
            problem = f"A search must be a string or a TinyDB query, and this is a {type(where).__name__}."
            raise QueryError(problem, "Write for example: search(\"algorithm = 'ppo'\")")
        parsed = condition if isinstance(condition, Filter) else None
        fields = [*(parsed.fields if parsed else []), *([order_field(order_by)] if order_by else [])]
        found, everything = self._index.find(parsed.matches if parsed else condition)
        check_fields(fields, everything, TYPES)
        check_comparisons(parsed.comparisons if parsed else [], TYPES)
        if order_by:
            found = ordered(found, order_by)
        return self._listed(found[:limit], ranked=bool(order_by))

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
        """Tell what differs between two versions: config, metrics, class, and how far each array of parameters moved.

        Raises:
            ModelNotFoundError: There is no such version.
            CorruptArtifactError: What is on disk is not what was registered.
            UntrustedArtifactError: One would run code that is not trusted; nothing was run.
        """
        kept = [self._found(parse_reference(reference), self._whole) for reference in (left, right)]
        with collected():  # whose class differs from the one that is here does not matter
            arrays = [self._rebuilt(*each).parameters for each in kept]
        names = dict.fromkeys([*arrays[0], *arrays[1]])
        parameters = {name: (arrays[0].get(name), arrays[1].get(name)) for name in names}
        classes = [(str(manifest.get("model_class") or ""), objects.get(CODE)) for _, manifest, objects in kept]
        return Difference(self.get(left), self.get(right), parameters, class_changes(*classes))

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
        origin, _, objects = self._found(parse_reference(str(source)), self._whole)
        return inspect_objects(origin, objects)

    def export_file(
        self, reference: str, path: str | os.PathLike[str] | None = None, *, anonymous: bool = False
    ) -> ExportedFile:
        """Write a version to one portable file, which ``import_file`` and ``rlkit.load`` take on any machine.

        The file is for others: it carries no signature, so that a model class that travels with it needs ``trust=True``
        here too. There is a warning where such a class holds what looks like a secret.

        Args:
            reference: The version.
            path: The file, whose name ends in ``.rlkit``; ``cartpole-3.rlkit`` in the folder worked in where None.
            anonymous: Leave out who registered it, on which machine, and the git commit.

        Returns:
            The path, which shows in a notebook what the file says of people and machines: its attribute ``says``.

        Raises:
            ModelNotFoundError: There is no such version.
            CorruptArtifactError: What is on disk is not what was registered.
            StoreError: The file cannot be written.
        """
        parsed = parse_reference(reference)
        version, (_, _, objects) = self._found(parsed, lambda *place: (self._version(*place), self._whole(*place)))
        target = f"{version.name}-{version.version}.rlkit" if path is None else path
        exported = export(version, objects, target, anonymous=anonymous)
        warn_of_secrets(objects, str(exported))
        return exported

    def trash(self) -> VersionList:
        """List the deleted versions that ``restore`` brings back."""
        found = []
        for name in self._store.trashed_names():
            for number in self._store.trashed_numbers(name):
                owner = self._store.owner(name, number)
                if self._store.trash_name(owner, number) == name:
                    try:
                        manifest = self._store.read_manifest(name, number, trashed=True)
                        found.append(document_of(owner, number, manifest, self._store.read_meta(owner)))
                    except FileNotFoundError:  # another program restored or collected it meanwhile
                        continue
                    except StoreError as error:
                        warn_of("Not listed", error)
        return self._listed(found)

    def change_token(self) -> Hashable:
        """Return what is another one after any change in the folder, whichever program made it.

        Who shows what the registry keeps can ask for it every second: it opens no file, and lists no versions.

        Raises:
            StoreError: The folder cannot be read.
        """
        return self._store.change_token()

    def verify(self, *, progress: bool | None = None) -> VerifyReport:
        """Read everything and check it: every hash, every reference.

        Args:
            progress: Whether to show a bar; None where somebody looks: in a terminal or a notebook.

        Returns:
            What is wrong and how to repair it, and what is garbage.
        """
        total = self._store.count()
        with ticking("Verifying", total, progress=progress) as tick:
            report = verify(self._store, tick)
        if report.ok and not report.garbage:
            return report
        with self._store.standstill():  # what another program is about to write or delete is neither
            return verify(self._store)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.folder)!r}>"

    def _overview(self) -> Overview:
        return overview(self.folder, self.versions)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(repr(self._overview()))

    def _repr_html_(self) -> str:
        return self._overview()._repr_html_()

    def _loaded_from(self, model: object) -> str | None:
        """Return the version of this registry that a model was loaded from."""
        folder, reference = _loaded_from.get(model, (None, None))
        return reference if folder == self.folder else None

    def _listed(self, documents: Iterable[Document], *, ranked: bool = False) -> VersionList:
        return VersionList((ModelVersion(document, self._manifest) for document in documents), ranked=ranked)


def _note_other_class(origin: str, registered: str, taken: type) -> None:
    """Say that the name of an algorithm belongs to another class by now; rlkit's own may have moved."""
    here = f"{taken.__module__}:{taken.__qualname__}"
    if registered not in ("", here) and not here.startswith("rlkit."):
        told = (
            f"{origin} was registered with {registered}, and has {here} now, which is the algorithm of that name here."
        )
        tell(told)
