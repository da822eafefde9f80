"""What is known about one version of a model, and lists of versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from rlkit.errors import CorruptArtifactError
from rlkit.registry.cards import version_card, version_text, versions_table, versions_text

Document = dict[str, Any]
"""A version as the index keeps it and as a search expression sees it: the fields of ModelVersion, and ``ref``."""

_REGISTERED = "_registered"
_CHANGEABLE = ("tags", "metrics", "description")


def document_of(manifest: Mapping[str, Any], meta: Mapping[str, Any]) -> Document:
    """Put together what was registered and what was changed since.

    Args:
        manifest: What ``ArtifactStore.read_manifest`` returns.
        meta: What ``ArtifactStore.read_meta`` returns.

    Returns:
        The version's document; its learning curve stays in the manifest, being long and never searched.

    Raises:
        CorruptArtifactError: The manifest lacks what every version has.
    """
    try:
        state = manifest["objects"]["state"]
        document = {key: manifest[key] for key in ("name", "version", "algorithm", "created", "format")}
        document |= {"sha256": state["sha256"], "size": state["size"]}
    except (KeyError, TypeError) as error:
        problem = f"The manifest of {manifest.get('name')}:{manifest.get('version')} lacks {error}."
        raise CorruptArtifactError(problem, "Restore the file from a backup.") from error
    document["ref"] = f"{document['name']}:{document['version']}"
    for key, default in _OPTIONAL.items():
        document[key] = manifest.get(key, default)
    document[_REGISTERED] = {key: document[key] for key in _CHANGEABLE}
    return overlaid(document, meta)


def overlaid(document: Document, meta: Mapping[str, Any]) -> Document:
    """Bring a version's document up to date with what may change.

    Args:
        document: The document, with any earlier state of that.
        meta: What ``ArtifactStore.read_meta`` returns.

    Returns:
        A new document.
    """
    registered, number = document[_REGISTERED], document["version"]
    changed = meta["versions"].get(str(number), {})
    aliases = sorted(alias for alias, target in meta["aliases"].items() if target == number)
    return {
        **document,
        "aliases": aliases,
        "tags": changed.get("tags", registered["tags"]),
        "description": changed.get("description", registered["description"]),
        "metrics": {**registered["metrics"], **changed.get("metrics", {})},
    }


@dataclass(frozen=True, repr=False)
class ModelVersion:
    """One version of a model, as the registry knows it.

    Attributes:
        name: The model.
        version: Its number, from 1.
        algorithm: The name of the model class.
        created: When it was registered: UTC, ISO 8601.
        format: The format number of its manifest.
        sha256: The SHA-256 of its state.
        size: Bytes of its state.
        config: The hyperparameters.
        env_id: The Gymnasium id of the environment, if it has one.
        env_kwargs: What the environment is made with.
        observation_space: The observation space in plain data; None for a model that has no environment yet.
        action_space: The action space, likewise.
        seed: The seed of the training.
        num_timesteps: Environment steps trained.
        num_episodes: Episodes finished while training.
        wall_time: Seconds of training.
        metrics: Numbers by name, such as ``{"mean_return": 500.0}``.
        tags: Words.
        aliases: Words that point here now, such as ``best``.
        description: Text in Markdown.
        left_out: What was left out of the state, such as ``"replay buffer"``; empty for nothing.
        parent: The reference of the version that this one was trained on from.
        dataset: Name, version and SHA-256 of the data, as far as given.
        git: Commit and dirty flag of the folder worked in.
        packages: Versions of python, numpy, dill, gymnasium and rlkit.
        user: Who registered it.
        host: On which machine.
    """

    name: str
    version: int
    algorithm: str
    created: str
    format: int
    sha256: str
    size: int
    config: dict[str, Any] = field(default_factory=dict)
    env_id: str | None = None
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    observation_space: dict[str, Any] | None = None
    action_space: dict[str, Any] | None = None
    seed: int | None = None
    num_timesteps: int = 0
    num_episodes: int = 0
    wall_time: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    description: str = ""
    left_out: str = ""
    parent: str | None = None
    dataset: dict[str, Any] | None = None
    git: dict[str, Any] | None = None
    packages: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    host: str | None = None
    _read_manifest: Callable[[], Mapping[str, Any]] = field(default=dict, compare=False)

    @classmethod
    def from_document(cls, document: Document, read_manifest: Callable[[], Mapping[str, Any]]) -> ModelVersion:
        """Build a version from its document.

        Args:
            document: What ``document_of`` returns; it is copied.
            read_manifest: Returns the manifest, when the learning curve is asked for.

        Returns:
            The version.
        """
        values = {key: _copy(document[key]) for key in _FIELDS}
        values |= {"tags": tuple(values["tags"]), "aliases": tuple(values["aliases"])}
        return cls(**values, _read_manifest=read_manifest)

    @property
    def ref(self) -> str:
        """The reference that always means this version: ``"cartpole:3"``."""
        return f"{self.name}:{self.version}"

    @cached_property
    def learning_curve(self) -> dict[str, list[float]]:
        """Environment steps and the mean return at each: ``{"steps": […], "mean_return": […]}``.

        It is read from disk when first asked for, which fails if the version was deleted meanwhile.
        """
        curve: dict[str, list[float]] = self._read_manifest().get("learning_curve") or {}
        return curve

    def __hash__(self) -> int:
        return hash((self.name, self.version, self.sha256))

    def __repr__(self) -> str:
        words = [self.ref, self.algorithm, self.env_id or "", f"{self.num_timesteps} steps"]
        words += [f"@{alias}" for alias in self.aliases]
        return f"<ModelVersion {' '.join(word for word in words if word)}>"

    def __str__(self) -> str:
        return version_text(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return version_card(self)


class VersionList(list[ModelVersion]):
    """Versions, as ``versions()`` and ``search()`` return them: a list that shows as a table."""

    def __repr__(self) -> str:
        return versions_text(self)

    def _repr_html_(self) -> str:
        return versions_table(self)


def _copy(value: Any) -> Any:
    """Copy JSON data, so that nobody changes the index by changing a version's config."""
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


_FIELDS = tuple(each.name for each in fields(ModelVersion) if not each.name.startswith("_"))

_OPTIONAL: dict[str, Any] = {
    "config": {},
    "env_id": None,
    "env_kwargs": {},
    "observation_space": None,
    "action_space": None,
    "seed": None,
    "num_timesteps": 0,
    "num_episodes": 0,
    "wall_time": 0.0,
    "left_out": "",
    "metrics": {},
    "tags": [],
    "description": "",
    "parent": None,
    "dataset": None,
    "git": None,
    "packages": {},
    "user": None,
    "host": None,
}
