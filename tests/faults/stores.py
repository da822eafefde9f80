"""What kill and race tests ask of any store of numbered versions, and a registry as one."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from rlkit.errors import StoreBusyError
from rlkit.registry import ModelRegistry, ModelVersion
from rlkit.storage import codec, files
from rlkit.storage.packing import PackedModel, pack, state_of

NAME = "model"
"""What the model is called whose versions are kept."""


class Kept(NamedTuple):
    """What a store gives back of a version.

    Attributes:
        content: What its bytes say.
        told: What all else that was told of it says, which must be the same.
        aliases: Words that point to it.
    """

    content: int
    told: int
    aliases: tuple[str, ...] = ()


class Seen(NamedTuple):
    """What a store gives back: versions by number.

    Attributes:
        alive: Those that are there.
        trash: Those that can be restored.
    """

    alive: dict[int, Kept]
    trash: dict[int, Kept]


class Store(Protocol):
    """Keeps numbered versions of one model."""

    def register(self, content: int) -> int:
        """Keep a version and return its number."""

    def set_alias(self, alias: str, number: int) -> None:
        """Let a word point to a version."""

    def delete(self, number: int) -> None:
        """Move a version to the trash."""

    def restore(self, number: int) -> None:
        """Bring a version back."""

    def collect(self) -> None:
        """Delete for good what is in the trash."""

    def read(self) -> Seen:
        """Return all that is there."""

    def problems(self) -> list[str]:
        """Say what the store itself knows to be wrong with it."""


_TOLD = {
    "algorithm": "ppo",
    "env_kwargs": {},
    "num_timesteps": 5,
    "num_episodes": 1,
    "wall_time": 0.5,
    "learning_curve": {"steps": [5], "mean_return": [1.0]},
    "left_out": "",
}


class Model:
    """Has what a registry needs of a model; its bytes and what it tells both say its content.

    Attributes:
        content: A number.
        origin: The reference of the version that it was loaded from, as far as a test notes it.
    """

    def __init__(self, content: int) -> None:
        self.content = content
        self.origin: str | None = None

    def packed(self, *, slim: bool = False) -> PackedModel:
        """Return little, which is quickly written."""
        told = {"config": {"content": self.content}, "metrics": {"content": self.content}}
        return PackedModel({**_TOLD, **told}, pack({"algorithm": "ppo", "weights": np.full(8, self.content)}))


def content_of(state: dict[str, Any]) -> int:
    """Return what the bytes of a model say; -1 where they do not agree."""
    values = {int(value) for value in state["weights"]}
    return values.pop() if len(values) == 1 else -1


def told_of(version: ModelVersion) -> int:
    """Return what is told of a version; -1 where it does not agree."""
    values = {version.config["content"], version.metrics["content"], *(int(tag[1:]) for tag in version.tags)}
    return values.pop() if len(values) == 1 and version.tags else -1


class _Factory:
    """Rebuilds a Model, which is no algorithm."""

    def rebuild(self, objects: Any, *_: object, **__: object) -> Model:
        return Model(content_of(state_of(objects)))


def rebuild_models(setattr: Any = setattr) -> None:  # noqa: A002 - pytest's is called so too
    """Let a registry load Models."""
    # As an attribute, rlkit.registry is a function: the module must be asked for by its name.
    setattr(importlib.import_module("rlkit.registry.reader"), "factory", _Factory())


class RegistryStore:
    """A registry as a store.

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.registry = ModelRegistry(folder)

    def register(self, content: int, name: str = NAME) -> int:
        """Register a version that tells its content in all ways."""
        return self.registry.register(Model(content), name, tags=[f"c{content}"]).version

    def set_alias(self, alias: str, number: int) -> None:
        """Let a word point to a version."""
        self.registry.set_alias(NAME, alias, number)

    def delete(self, number: int) -> None:
        """Move a version to the trash."""
        self.registry.delete(f"{NAME}:{number}")

    def restore(self, number: int) -> None:
        """Bring a version back."""
        self.registry.restore(f"{NAME}:{number}")

    def collect(self) -> None:
        """Delete for good what is in the trash."""
        self.registry.gc()

    def read(self) -> Seen:
        """Return all that is there; the hash of every byte is checked."""
        return Seen(*({each.version: self._kept(each) for each in found} for found in self._found()))

    def _found(self) -> tuple[Iterable[ModelVersion], ...]:
        return self.registry.versions(), self.registry.trash()

    def _kept(self, version: ModelVersion) -> Kept:
        data = self.registry._store.read_object(version.to_dict())
        return Kept(content_of(codec.decode(data)), told_of(version), version.aliases)

    def problems(self) -> list[str]:
        """Say what verify() finds, whether somebody holds the lock, and where search, get and load do not agree."""
        wrong = [str(problem) for problem in self.registry.verify().problems]
        try:
            with files.lock(self.registry.folder / ".lock", timeout=0):
                pass
        except StoreBusyError as error:
            wrong.append(str(error))
        for version in self.registry.versions():
            content = told_of(version)
            if self.registry.get(version.ref) != version:
                wrong.append(f"{version.ref} is found as it is not")
            if self.registry.load(version.ref).content != content:
                wrong.append(f"{version.ref} is loaded as it is not")
            if self.registry.search(f"metrics.content = {content} and 'c{content}' in tags") != [version]:
                wrong.append(f"{version.ref} is not found, or not alone")
        return wrong
