"""ModelRegistry: keeps models as numbered versions, finds them, and gives them back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tinydb.queries import QueryLike

from rlkit.envs import EnvironmentLike
from rlkit.errors import (
    InvalidNameError,
    InvalidReferenceError,
    ModelDefinitionError,
    ModelNotFoundError,
    QueryError,
    did_you_mean,
)
from rlkit.factory import factory
from rlkit.models.base import ModelBase
from rlkit.registry.artifacts import ArtifactStore
from rlkit.registry.checks import check_dataset, check_description, check_metrics
from rlkit.registry.index import VersionIndex
from rlkit.registry.names import LATEST, Reference, check_alias, check_name, check_tags, parse_reference
from rlkit.registry.provenance import provenance
from rlkit.registry.query import Filter, check_fields, order_field, ordered
from rlkit.registry.versions import Document, ModelVersion, VersionList, document_of
from rlkit.storage import codec
from rlkit.storage.documents import seal

_TOLD = (
    "algorithm",
    "config",
    "env_id",
    "env_kwargs",
    "observation_space",
    "action_space",
    "seed",
    "num_timesteps",
    "num_episodes",
    "wall_time",
    "learning_curve",
)
"""What a model tells about itself, and a manifest repeats."""

Condition = str | QueryLike
"""A search expression or a TinyDB query."""


@runtime_checkable
class Keepable(Protocol):
    """What a registry needs of a model."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the model tells about itself: JSON values."""

    def get_state(self, *, slim: bool = False) -> dict[str, Any]:
        """Return what the model is rebuilt from, plain data: without kept experience where ``slim``."""

    def paused(self) -> AbstractContextManager[None]:
        """Return a block in which metadata and state stay as they are, whoever trains the model."""


class ModelRegistry:
    """Models kept as numbered versions in a folder.

    Opening a registry reads and writes nothing; the folder appears with the first version.

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

    def register(
        self,
        model: Keepable,
        name: str,
        *,
        tags: Iterable[str] = (),
        metrics: Mapping[str, Any] | None = None,
        dataset: Mapping[str, Any] | None = None,
        parent: str | None = None,
        description: str = "",
        slim: bool = False,
    ) -> ModelVersion:
        """Keep a model as the next version of a name.

        Everything is checked before the first byte is written, and the version exists wholly or not at all.

        Args:
            model: The model, trained or not.
            name: What to call it; further models under the same name become further versions.
            tags: Words to find it by.
            metrics: Numbers to find and compare it by; NaN for one that could not be measured. Those of the model's
                last evaluation are kept without saying.
            dataset: Name, version and SHA-256 of the data that it learned from.
            parent: The reference of the version that it was trained on from.
            description: Text in Markdown.
            slim: Leave out experience that the model keeps to learn from, such as a replay buffer. The version says so.

        Returns:
            The new version.

        Raises:
            ModelDefinitionError: What was given is no model.
            InvalidNameError: The name or a tag is not allowed.
            ConfigError: A metric, the dataset or the description is not what it should be.
            InvalidReferenceError: The parent is no reference.
            ModelNotFoundError: The parent does not exist.
            StateError: The model's state is not plain data.
            StoreError: The folder cannot be written.
        """
        if not isinstance(model, Keepable):
            problem = f"A {type(model).__name__} cannot be registered: it is no model."
            raise ModelDefinitionError(problem, "Write register(model, 'name').")
        with model.paused():
            told, state = model.metadata, model.get_state(slim=slim)
        manifest = {
            **self._origin(name, parent),
            "tags": list(check_tags(tags)),
            "metrics": {**check_metrics(told.get("metrics")), **check_metrics(metrics)},
            "dataset": check_dataset(dataset),
            "description": check_description(description),
            **{key: told.get(key) for key in _TOLD},
            "left_out": state.get("left_out", ""),
            **provenance(),
        }
        seal(manifest)  # refuses what has no form in JSON, while nothing is written yet
        objects = {"state": self._store.put_object(codec.encode(state))}
        number = self._store.add_version(name, {**manifest, "objects": objects})
        return self._version(name, number)

    def load(self, reference: str, env: EnvironmentLike | None = None) -> ModelBase:
        """Rebuild a model.

        Args:
            reference: ``"cartpole"`` (the newest version), ``"cartpole:3"`` or ``"cartpole@best"``.
            env: An environment to use instead of the one that the model was trained in.

        Returns:
            The model, ready to predict and to train on.

        Raises:
            ModelNotFoundError: There is no such model, version or alias.
            InvalidReferenceError: The text is no reference.
            CorruptArtifactError: What is on disk is not what was registered.
            UntrustedArtifactError: The state would run code when opened; nothing was run.
            UnknownAlgorithmError: The class that it was made with is not registered here.
            SpaceMismatchError: ``env`` has other spaces than the model was built for.
        """
        manifest = self._manifest(*self._resolve(parse_reference(reference)))
        state = codec.decode(self._store.read_object(manifest["objects"]["state"]))
        return factory.from_state(state, env, wall_time=manifest["wall_time"] or 0.0)

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
        return [name for name in self._store.names() if self._store.numbers(name)]

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
        found, everything = self._index.find(condition)
        fields = condition.fields if isinstance(condition, Filter) else []
        check_fields([*fields, *([order_field(order_by)] if order_by else [])], everything)
        if order_by:
            found = ordered(found, order_by)
        return self._listed(found[:limit])

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
        number = self._number(name, version)
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
        self._resolve(Reference(check_name(name), alias=alias))
        self._store.update_meta(name, lambda meta: meta["aliases"].pop(alias, None))

    def delete(self, reference: str) -> None:
        """Move one version to the trash. Its number is never given again, and its aliases point nowhere.

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
        name, number = self._resolve(parsed)
        try:
            self._store.trash_version(name, number)
        except FileNotFoundError:  # another program was faster
            raise self._no_version(name, number) from None

    def __repr__(self) -> str:
        return f"<ModelRegistry {str(self.folder)!r}>"

    def _origin(self, name: str, parent: str | None) -> dict[str, Any]:
        check_name(name, existing=self._store.names())
        if parent is None:
            return {"parent": None}
        return {"parent": str(Reference(*self._resolve(parse_reference(parent))))}

    def _resolve(self, reference: Reference) -> tuple[str, int]:
        """Find the version that a reference means now."""
        name = reference.name
        if reference.version is not None:
            return name, self._number(name, reference.version)
        numbers = self._numbers(name)
        if reference.alias in (None, LATEST):
            return name, numbers[-1]
        aliases = self._store.read_meta(name)["aliases"]
        alive = {alias: number for alias, number in aliases.items() if number in numbers}
        if reference.alias not in alive:
            problem = f"The model {name!r} has no alias {reference.alias!r}."
            raise ModelNotFoundError(problem, did_you_mean(reference.alias or "", [*alive, LATEST]))
        return name, alive[reference.alias]

    def _number(self, name: str, number: int) -> int:
        if type(number) is not int:
            problem = f"A version must be a whole number, and {number!r} is a {type(number).__name__}."
            raise InvalidReferenceError(problem, "Give the number after ':', such as 3 for 'cartpole:3'.")
        if number not in self._numbers(check_name(name)):
            raise self._no_version(name, number)
        return number

    def _numbers(self, name: str) -> list[int]:
        numbers = self._store.numbers(name) if name in self._store.names() else []
        if not numbers:
            raise self._no_model(name)
        return numbers

    def _manifest(self, name: str, number: int) -> dict[str, Any]:
        try:
            return self._store.read_manifest(name, number)
        except FileNotFoundError:  # deleted by another program since it was listed
            raise self._no_version(name, number) from None

    def _version(self, name: str, number: int) -> ModelVersion:
        manifest = self._manifest(name, number)
        document = document_of(manifest, self._store.read_meta(name))
        return ModelVersion.from_document(document, partial(self._manifest, name, number))

    def _listed(self, documents: Iterable[Document]) -> VersionList:
        return VersionList(
            ModelVersion.from_document(
                document,
                partial(self._manifest, document["name"], document["version"]),
            )
            for document in documents
        )

    def _no_model(self, name: str) -> ModelNotFoundError:
        models = self.models()
        remedy = did_you_mean(name, models) or f"It is empty: register(model, {name!r}) keeps a first version."
        return ModelNotFoundError(f"The registry {self.folder} keeps no model {name!r}.", remedy)

    def _no_version(self, name: str, number: int) -> ModelNotFoundError:
        numbers = self._numbers(name)
        return ModelNotFoundError(
            f"The model {name!r} has no version {number}.",
            f"It has {'version' if len(numbers) == 1 else 'versions'} {_ranges(numbers)}.",
        )


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers briefly: ``1 to 4, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
