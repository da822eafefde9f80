"""ModelRegistry: keeps models as numbered versions, finds them, and gives them back."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from rlkit.config.numbers import whole_number
from rlkit.errors import (
    ConfigError,
    InvalidNameError,
    InvalidReferenceError,
    ModelDefinitionError,
    ModelNotFoundError,
    QueryError,
    did_you_mean,
)
from rlkit.registry import pruning, transfer
from rlkit.registry.artifacts import FORMAT
from rlkit.registry.checks import check_description, check_metrics
from rlkit.registry.datasets import Dataset, checked_dataset
from rlkit.registry.garbage import collect
from rlkit.registry.names import Reference, check_alias, check_name, check_tags, parse_reference
from rlkit.registry.progress import ticking
from rlkit.registry.provenance import asking_git, provenance
from rlkit.registry.reader import RegistryReader
from rlkit.registry.registration import CHANGEABLE, Candidate, Keepable, change_version, keep, manifest_of
from rlkit.registry.reports import GCReport, PruneReport
from rlkit.registry.versions import ModelVersion, VersionList
from rlkit.storage.documents import lines_of


class ModelRegistry(RegistryReader):
    """Models kept as numbered versions in a folder.

    Opening a registry reads and writes nothing; the folder appears with the first version. Each method that changes
    something does so wholly or not at all, whatever fails and whoever else writes to the folder.

    Args:
        folder: Where it is, or will be.
    """

    def register(
        self,
        model: Keepable,
        name: str,
        *,
        tags: Iterable[str] = (),
        metrics: Mapping[str, Any] | None = None,
        dataset: Dataset | Mapping[str, Any] | str | os.PathLike[str] | None = None,
        parent: str | None = None,
        description: str = "",
        slim: bool = False,
        allow_duplicate: bool = False,
    ) -> ModelVersion:
        """Keep a model as the next version of a name.

        Everything is checked before the first byte is written. A model that is kept under this name already, bit for
        bit, is not kept again: there is a warning, the version that it is already is returned, and tags, metrics and a
        description that were given are added to that one.

        Args:
            model: The model, trained or not.
            name: What to call it; further models under the same name become further versions.
            tags: Words to find it by.
            metrics: Numbers to find and compare it by; NaN for one that could not be measured. Those of the model's
                last evaluation are kept without saying.
            dataset: What it learned from: a :class:`Dataset`, the path of a file, or name, version and SHA-256.
            parent: The reference of the version that it was trained on from; where None, the one it was loaded from.
            description: Text in Markdown.
            slim: Leave out experience that the model keeps to learn from, such as a replay buffer. The version says so.
            allow_duplicate: Keep a model again that is kept already.

        Returns:
            The version.

        Raises:
            ModelDefinitionError: What was given is no model, or its class cannot be kept.
            InvalidNameError: The name or a tag is not allowed.
            ConfigError: A metric, the dataset or the description is not what it should be.
            InvalidReferenceError: The parent is no reference.
            ModelNotFoundError: The parent does not exist.
            StateError: The model's state is not plain data.
            StoreError: The folder cannot be written.
        """
        if not callable(getattr(model, "packed", None)):
            problem = f"A {type(model).__name__} cannot be registered: it is no model."
            raise ModelDefinitionError(problem, "Write register(model, 'name').")
        self._check_new(name)
        said_parent = None if parent is None else self.get(parent).ref
        told = {
            "parent": said_parent or self._loaded_from(model),
            "tags": list(check_tags(tags)),
            "metrics": check_metrics(metrics),
            "dataset": checked_dataset(dataset),
            "description": check_description(description),
        }
        with asking_git(Path.cwd()) as git:
            packed = model.packed(slim=slim)
            manifest = manifest_of(packed.metadata, told, provenance(git))
        said = {"parent": said_parent, "dataset": told["dataset"]}
        distinct = {key: value for key, value in said.items() if value is not None}
        candidate = Candidate(name, manifest, packed.objects, distinct)
        return self._kept(candidate, allow_duplicate=allow_duplicate)

    def _kept(self, candidate: Candidate, *, allow_duplicate: bool) -> ModelVersion:
        document = keep(self._store, self._index, candidate, allow_duplicate=allow_duplicate)
        return ModelVersion(document, self._manifest)

    def _check_new(self, name: str) -> None:
        check_name(name)
        if not self._store.has_model(name):
            check_name(name, existing=self._store.names_ever())

    # -- what may change ---------------------------------------------------------------------------------------------

    def tag(self, reference: str, *tags: str) -> ModelVersion:
        """Add tags to a version; those that it has already are fine.

        Raises:
            InvalidNameError: A tag is not allowed.
            ModelNotFoundError: There is no such version.
        """
        added = check_tags(tags)
        return self._changed(reference, lambda version: {"tags": list(dict.fromkeys([*version.tags, *added]))})

    def untag(self, reference: str, *tags: str) -> ModelVersion:
        """Remove tags from a version.

        Raises:
            ModelNotFoundError: There is no such version, or it has no such tag.
        """
        removed = check_tags(tags)

        def without(version: ModelVersion) -> dict[str, Any]:
            for tag in removed:
                if tag not in version.tags:
                    raise ModelNotFoundError(f"{version.ref} has no tag {tag!r}.", did_you_mean(tag, version.tags))
            return {"tags": [tag for tag in version.tags if tag not in removed]}

        return self._changed(reference, without)

    def describe(self, reference: str, description: str) -> ModelVersion:
        """Replace the description of a version, which is text in Markdown.

        Raises:
            ConfigError: The description is no text.
            ModelNotFoundError: There is no such version.
        """
        changed = {"description": check_description(description)}
        return self._changed(reference, lambda _: changed)

    def add_metrics(self, reference: str, metrics: Mapping[str, Any]) -> ModelVersion:
        """Add metrics to a version; one that it has already is replaced.

        Raises:
            ConfigError: A value is no finite number.
            ModelNotFoundError: There is no such version.
        """
        changed = {"metrics": check_metrics(metrics)}
        return self._changed(reference, lambda _: changed)

    def _changed(self, reference: str, change: Callable[[ModelVersion], dict[str, Any]]) -> ModelVersion:
        parsed = parse_reference(reference)
        with self._writing_to(parsed):
            name, number = self._resolve(parsed)
            changed = change(self._version(name, number))
            self._store.update_meta(name, lambda meta: change_version(meta, number, changed))
            return self._version(name, number)

    def set_alias(self, name: str, alias: str, version: int) -> ModelVersion:
        """Let a word point to a version; it moves there if it pointed elsewhere.

        Args:
            name: The model.
            alias: The word, such as ``"best"``: ``load("cartpole@best")`` follows it.
            version: The number that it points to from now on.

        Returns:
            The version.

        Raises:
            InvalidNameError: The alias is not allowed.
            ModelNotFoundError: There is no such version.
        """
        check_alias(alias)
        with self._writing_to(Reference(check_name(name))):
            name, number = self._numbered(name, version)
            self._store.update_meta(name, lambda meta: meta["aliases"].update({alias: number}))
            return self._version(name, number)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; the version that it pointed to stays.

        Args:
            name: The model.
            alias: The word.

        Raises:
            ModelNotFoundError: There is no such alias.
        """
        check_alias(alias)
        with self._writing_to(Reference(check_name(name))):
            if alias not in self._store.read_meta(name)["aliases"]:
                self._resolve(Reference(name, alias=alias))  # says what there is
            self._store.update_meta(name, lambda meta: meta["aliases"].pop(alias, None))

    def promote(
        self, name: str, by: str = "mean_return", *, alias: str = "best", mode: Literal["max", "min"] = "max"
    ) -> ModelVersion:
        """Let an alias point to the version that is best by a metric: ``promote("cartpole")`` sets ``cartpole@best``.

        Args:
            name: The model.
            by: The metric. Versions without it, or with NaN, are passed over; of equals the oldest is taken.
            alias: The word.
            mode: ``"max"`` where the largest value is best, ``"min"`` where the smallest is.

        Returns:
            The version.

        Raises:
            InvalidNameError: The alias is not allowed.
            ModelNotFoundError: There is no such model.
            QueryError: No version has the metric, or the mode is neither.
        """
        check_alias(alias)
        if mode not in ("max", "min"):
            raise QueryError(
                f"mode must be 'max' or 'min', and it is {mode!r}.", did_you_mean(str(mode), ["max", "min"])
            )
        versions = self.versions(name)
        measured = [version for version in versions if not math.isnan(version.metrics.get(by, math.nan))]
        if not measured:
            known = {metric for version in versions for metric in version.metrics}
            remedy = did_you_mean(str(by), known) or f"Add it: add_metrics('{versions[-1].ref}', {{{by!r}: 1.0}})."
            raise QueryError(f"No version of {name!r} has the metric {by!r}.", remedy)
        best = (max if mode == "max" else min)(measured, key=lambda version: version.metrics[by])
        return self.set_alias(name, alias, best.version)

    # -- versions as a whole -----------------------------------------------------------------------------------------

    def copy(self, reference: str, name: str) -> ModelVersion:
        """Keep a version under another name too, as its next version, whose parent is the one it is copied from.

        Its bytes are kept once. Aliases stay where they are.

        Raises:
            InvalidNameError: The name is not allowed.
            ModelNotFoundError: There is no such version.
        """
        self._check_new(name)
        with self._writing_to(parse_reference(reference)):
            source = self.get(reference)
            manifest = dict(self._manifest(source.name, source.version))
            manifest |= {key: source.to_dict()[key] for key in CHANGEABLE}
            manifest |= {"parent": source.ref, "created": provenance(lambda: None)["created"]}
            for key in ("format", "name", "version"):
                del manifest[key]
            number = self._store.add_version(name, lines_of(manifest))
            return ModelVersion(self._index.add(name, number, {**manifest, "format": FORMAT}), self._manifest)

    def rename(self, name: str, new_name: str) -> VersionList:
        """Give a model another name. What refers to its versions by the old one stays right: ``"old:3"`` still loads.

        A model that is later registered under the old name goes on with the numbers.

        Returns:
            Its versions.

        Raises:
            InvalidNameError: The new name is not allowed, or is or was that of another model.
            ModelNotFoundError: There is no such model.
        """
        check_name(new_name)
        with self._writing_to(Reference(check_name(name))):
            self._resolve(Reference(name))  # again, now that nobody else can rename it
            if new_name == name:
                return self.versions(name)
            check_name(new_name, existing=[other for other in self._store.names() if other != name])
            formerly = [former.model for former in self._store.former_models(new_name) if former.model != name]
            if self._store.has_model(new_name) or formerly:
                was = f"the former name of {formerly[0]!r}" if formerly else "a model's already"
                raise InvalidNameError(f"The name {new_name!r} is {was}: nothing was renamed.", "Choose another.")
            self._store.rename_model(name, new_name)
        return self.versions(new_name)

    def delete(self, reference: str) -> None:
        """Move one version to the trash, from where :meth:`restore` brings it back until :meth:`gc`.

        Its number is never given again. While it is there, its aliases point nowhere.

        Args:
            reference: ``"cartpole:3"`` or ``"cartpole@best"``; never a bare name.

        Raises:
            InvalidReferenceError: Only a model is named.
            ModelNotFoundError: There is no such version or alias.
        """
        parsed = parse_reference(reference)
        if parsed.is_bare:
            newest = self._resolve(parsed)[1]
            problem = f"delete({reference!r}) names a model, not a version: nothing was deleted."
            raise InvalidReferenceError(problem, f"Name the version: delete('{reference}:{newest}').")
        with self._writing_to(parsed):
            self._store.trash_version(*self._resolve(parsed))

    def restore(self, reference: str) -> ModelVersion:
        """Bring a deleted version back from the trash, with its tags, metrics and the aliases that have not moved.

        Args:
            reference: ``"cartpole:3"``.

        Raises:
            InvalidReferenceError: No number is given.
            ModelNotFoundError: It is not in the trash.
        """
        parsed = parse_reference(reference)
        if parsed.version is None:
            raise InvalidReferenceError(f"restore({reference!r}) names no version.", "Write restore('cartpole:3').")
        with self._store.standstill():
            name = self._store.owner(parsed.name, parsed.version)
            if self._store.trash_name(name, parsed.version) is None:
                trashed = [version.ref for version in self.trash()]
                remedy = did_you_mean(reference, trashed) if trashed else "The trash is empty."
                raise ModelNotFoundError(f"{reference} is not in the trash.", remedy)
            self._store.restore_version(name, parsed.version)
            return self._version(name, parsed.version)

    def prune(self, name: str, keep: int, *, force: bool = False, dry_run: bool = False) -> PruneReport:
        """Move all but the newest versions of a model to the trash.

        Args:
            name: The model.
            keep: How many to keep.
            force: Whether to delete those too that have an alias, or that another version was trained on from.
            dry_run: Whether only to tell what would be deleted.

        Returns:
            What was deleted, and why the rest was kept.

        Raises:
            ConfigError: ``keep`` is no whole number from 0.
            ModelNotFoundError: There is no such model.
        """
        keep = whole_number("keep", keep, 0, ConfigError)
        model = Reference(check_name(name))
        with self._store.standstill() if dry_run else self._writing_to(model):
            parents = [(each.ref, self._now(each.parent)) for each in self.versions() if each.parent]
            gone, kept = pruning.choose(self.versions(name), keep, parents, force=force)
            for version in () if dry_run else gone:
                self._store.trash_version(name, version.version)
            if not dry_run and not gone:  # the program that deleted them may have been killed in it
                self._store.flush(name)
        return PruneReport(dry_run, tuple(version.ref for version in gone), kept)

    def gc(self, *, older_than: timedelta = timedelta(0), dry_run: bool = False) -> GCReport:
        """Delete for good what is in the trash, objects that no version needs, and what a crash left behind.

        While a manifest is damaged, nobody knows which objects it needs: a warning names it, and all objects stay.

        Args:
            older_than: Leave versions in the trash that were deleted less than this ago.
            dry_run: Whether only to tell what would be deleted.

        Returns:
            What was, or would be, deleted.

        Raises:
            StoreError: Something cannot be deleted.
        """
        if not isinstance(older_than, timedelta):
            raise ConfigError(f"older_than must be a timedelta, and it is {older_than!r:.80}.", "timedelta(days=30)")
        return collect(self._store, older_than=older_than, dry_run=dry_run)

    def reindex(self, *, progress: bool | None = None) -> int:
        """Make the index anew from the manifests, and return how many versions there are.

        Nobody needs to: an index that is lost or damaged is put right when it is next used.

        Args:
            progress: Whether to show a bar; None where somebody looks: in a terminal or a notebook.
        """
        total = self._store.count()
        with ticking("Reindexing", total, progress=progress) as tick:
            return self._index.rebuild(tick)

    def import_file(
        self, path: str | os.PathLike[str], name: str | None = None, *, allow_duplicate: bool = False
    ) -> ModelVersion:
        """Keep the model in a file as the next version of a name.

        Its hashes are checked and nothing in it is run: a model class that travels with it stays untrusted, unless it
        was registered by this user on this machine.

        Args:
            path: A ``.rlkit`` file that :meth:`export_file` or ``model.save`` wrote, on any machine.
            name: What to call the model; what the file says where None.
            allow_duplicate: Keep a model again that is kept already.

        Raises:
            StoreError: There is no such file.
            CorruptArtifactError: It is damaged, or tells what no version does.
            UntrustedArtifactError: Its state would run code.
            InvalidNameError: The name is not allowed.
        """
        candidate = transfer.candidate_from(path, name, provenance(lambda: None))
        self._check_new(candidate.name)
        return self._kept(candidate, allow_duplicate=allow_duplicate)
