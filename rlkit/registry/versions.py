"""What is known about one version of a model, and lists of versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, get_type_hints

from rlkit.errors import CorruptArtifactError, visible
from rlkit.registry.cards import version_card, version_text, versions_table, versions_text
from rlkit.registry.record import checked_record

Document = dict[str, Any]
"""A version as the index keeps it and as a search expression sees it: the fields of ModelVersion, and ``ref``."""

Manifest = Mapping[str, Any]
"""What was known about a version when it was registered."""

CHANGEABLE = ("tags", "metrics", "description")
"""What of a version may change after it was registered."""
REGISTERED = "_registered"
"""Where a document keeps what was registered, if that was changed since."""


def document_of(name: str, number: int, manifest: Mapping[str, Any], meta: Mapping[str, Any]) -> Document:
    """Put together what was registered and what was changed since.

    Args:
        name: What the model is called now.
        number: The version.
        manifest: What ``ArtifactStore.read_manifest`` returns.
        meta: What ``ArtifactStore.read_meta`` returns.

    Returns:
        The version's document; its learning curve stays in the manifest, being long and never searched.

    Raises:
        CorruptArtifactError: The manifest lacks what every version has, or says what no version does.
    """
    origin = f"The manifest of {name}:{number}"
    record = checked_record(manifest, origin)
    document = {"name": name, "version": number, "ref": f"{name}:{number}"}
    try:
        state = manifest["objects"]["state"]
        document |= {"format": manifest["format"], "sha256": state["sha256"], "size": state["size"]}
    except (KeyError, TypeError) as error:
        raise CorruptArtifactError(f"{origin} lacks {error}.", "Restore the file from a backup.") from error
    document |= {key: record[key] for key in FIELDS if key in record}
    return overlaid(document, meta)


def overlaid(document: Document, meta: Mapping[str, Any]) -> Document:
    """Bring a version's document up to date with what may change.

    Args:
        document: The document, with any earlier state of that.
        meta: What ``ArtifactStore.read_meta`` returns.

    Returns:
        A new document.
    """
    number = document["version"]
    changed = meta["versions"].get(str(number))
    aliases = sorted(alias for alias, target in meta["aliases"].items() if target == number)
    registered = document.get(REGISTERED) or {key: document[key] for key in CHANGEABLE}
    result = {**document, **registered, "aliases": aliases}
    result.pop(REGISTERED, None)
    if changed:  # else there is nothing to go back to, and ten thousand documents are smaller
        result |= {key: changed[key] for key in ("tags", "description") if key in changed}
        result["metrics"] = {**registered["metrics"], **changed.get("metrics", {})}
        result[REGISTERED] = registered
    return result


class ModelVersion:
    """One version of a model, as the registry knows it. It cannot be changed; what it gives away are copies.

    A search may find ten thousand of them, so that each is no more than a view of its document.

    Attributes:
        name: The model.
        version: Its number, from 1.
        algorithm: The name of the model class.
        created: When it was registered: UTC, ISO 8601.
        format: The format number of its manifest.
        sha256: The SHA-256 of its state.
        size: Bytes of its state.
        config: The hyperparameters at the end of training.
        config_changes: Changes of them while it trained: ``num_timesteps, name, old, new`` of each, in order.
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

    __slots__ = ("__weakref__", "_document", "_read_manifest")

    name: str
    version: int
    algorithm: str
    created: str
    format: int
    sha256: str
    size: int
    config: dict[str, Any]
    config_changes: list[dict[str, Any]]
    env_id: str | None
    env_kwargs: dict[str, Any]
    observation_space: dict[str, Any] | None
    action_space: dict[str, Any] | None
    seed: int | None
    num_timesteps: int
    num_episodes: int
    wall_time: float
    metrics: dict[str, float]
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    description: str
    left_out: str
    parent: str | None
    dataset: dict[str, Any] | None
    git: dict[str, Any] | None
    packages: dict[str, str]
    user: str | None
    host: str | None

    _document: Document
    _read_manifest: Callable[[str, int], Mapping[str, Any]]

    def __init__(self, document: Document, read_manifest: Callable[[str, int], Mapping[str, Any]]) -> None:
        """View a document.

        Args:
            document: What ``document_of`` returns, which must not be changed.
            read_manifest: Returns the manifest of a name and number, when the learning curve is asked for.
        """
        object.__setattr__(self, "_document", document)
        object.__setattr__(self, "_read_manifest", read_manifest)

    def __getattr__(self, key: str) -> Any:
        if key not in FIELDS:
            message = f"a ModelVersion has no {key!r}"
            raise AttributeError(message, name=key, obj=self)
        value = self._document[key]
        return tuple(value) if key in ("tags", "aliases") else _copy(value)

    def __setattr__(self, key: str, value: object) -> NoReturn:
        message = f"a version cannot be changed: {key} stays {getattr(self, key, None)!r:.80}"
        raise AttributeError(message, name=key, obj=self)

    def __delattr__(self, key: str) -> NoReturn:
        self.__setattr__(key, None)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *FIELDS})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelVersion) and self.to_dict() == other.to_dict()

    def __reduce__(self) -> NoReturn:
        message = "a ModelVersion belongs to its registry: keep its ref"
        raise TypeError(message)

    def to_dict(self) -> dict[str, Any]:
        """Return all of the attributes by name, in JSON's types."""
        return {key: _copy(self._document[key]) for key in FIELDS}

    @property
    def ref(self) -> str:
        """The reference that always means this version: ``"cartpole:3"``."""
        return f"{self.name}:{self.version}"

    @property
    def learning_curve(self) -> dict[str, list[float]]:
        """Environment steps and the mean return at each: ``{"steps": […], "mean_return": […]}``.

        It is read from disk when asked for, which fails if the version was deleted meanwhile.
        """
        manifest = self._read_manifest(self.name, self.version)
        curve: dict[str, list[float]] = manifest.get("learning_curve") or {}
        return curve

    @property
    def training(self) -> list[dict[str, Any]]:
        """The calls of ``train``, as far as they are known: see :class:`rlkit.training.log.TrainingCall`.

        They are read from disk when asked for, as :attr:`learning_curve` is.
        """
        calls: list[dict[str, Any]] = self._read_manifest(self.name, self.version).get("training") or []
        return calls

    def __hash__(self) -> int:
        return hash((self.name, self.version, self.sha256))

    def __repr__(self) -> str:
        words = [self.ref, self.algorithm, self.env_id or "", f"{self.num_timesteps} steps"]
        words += [f"@{alias}" for alias in self.aliases]
        return visible(f"<ModelVersion {' '.join(word for word in words if word)}>")

    def __str__(self) -> str:
        return version_text(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return version_card(self)


class VersionList(list[ModelVersion]):
    """Versions, as ``versions()`` and ``search()`` return them: a list that shows as a table.

    Args:
        versions: The versions.
        ranked: Whether the first are the most important, and so shown of very many; else the newest are.
    """

    def __init__(self, versions: Iterable[ModelVersion] = (), *, ranked: bool = False) -> None:
        super().__init__(versions)
        self._ranked = ranked

    def __repr__(self) -> str:
        return versions_text(self, ranked=self._ranked)

    def _repr_html_(self) -> str:
        return versions_table(self, ranked=self._ranked)


def _copy(value: Any) -> Any:
    """Copy JSON data, so that nobody changes the index by changing a version's config."""
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


_HINTS = get_type_hints(ModelVersion)
FIELDS = {name: _HINTS[name] for name in ModelVersion.__annotations__ if not name.startswith("_")}
"""What is known about a version, in order, with its type."""
TYPES = {**FIELDS, "ref": str}
"""What a search can ask for."""
