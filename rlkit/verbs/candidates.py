"""What there is of each kind of thing that a word can stand for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import gymnasium

import rlkit
from rlkit.config import ModelConfig, presets
from rlkit.envs import split_id
from rlkit.envs.catalogue import newest_specs, specs_of
from rlkit.errors import RLKitError
from rlkit.factory import factory
from rlkit.models.base import ModelBase
from rlkit.registry.names import LATEST
from rlkit.registry.query import written
from rlkit.registry.versions import FIELDS, VersionList
from rlkit.storage.files import expanded
from rlkit.verbs.parser import Kind
from rlkit.verbs.scope import Scope


@dataclass(frozen=True, slots=True)
class _Typed:
    """What is typed so far.

    Attributes:
        fragment: Of the word in question.
        algorithm: Which is named before it; empty where none is.
        scope: What words mean here.
    """

    fragment: str
    algorithm: str
    scope: Scope


def candidates(kind: Kind, fragment: str, algorithm: str, scope: Scope) -> list[str]:
    """Return what a word may be, the likeliest first; more than fits what is typed of it may be among them.

    Args:
        kind: What it stands for.
        fragment: What is typed of it.
        algorithm: Which is named before it; empty where none is.
        scope: What words mean here.

    Returns:
        Words; none where nobody can know, or where the registry cannot be read.
    """
    find = _FINDERS.get(kind)
    try:
        return list(find(_Typed(fragment, algorithm, scope))) if find else []
    except (RLKitError, OSError):  # whoever runs the line is told; whoever types it is not disturbed
        return []


def _versions() -> VersionList:
    return rlkit.registry().versions()


def _names(_: _Typed) -> Iterable[str]:
    return dict.fromkeys(version.name for version in _versions())


def _references(typed: _Typed) -> Iterable[str]:
    """Names; after a name and a colon its versions, the newest first, and after an at sign its aliases."""
    name, colon, _ = typed.fragment.partition(":")
    if colon:
        return [version.ref for version in reversed(_versions()) if version.name == name]
    name, at, _ = typed.fragment.partition("@")
    if at:
        aliases = (alias for version in _versions() if version.name == name for alias in version.aliases)
        return [f"{name}@{alias}" for alias in [*aliases, LATEST]]
    return _names(typed)


def _models(typed: _Typed) -> Iterable[str]:
    return [*typed.scope.variables(ModelBase), *_references(typed)]


def _environments(typed: _Typed) -> Iterable[str]:
    kinds = (gymnasium.Env, gymnasium.vector.VectorEnv)
    variables = [name for kind in kinds for name in typed.scope.variables(kind)]
    module, _ = split_id(typed.fragment)
    if module in sys.modules:  # one that is not yet imported would run
        return sorted(f"{module}:{spec.id}" for spec in specs_of(module))
    return [*variables, *sorted(spec.id for spec in newest_specs())]


def _algorithms(_: _Typed) -> Iterable[str]:
    return factory.names()


def _aliases(_: _Typed) -> Iterable[str]:
    return ["best", "production", *sorted({alias for version in _versions() for alias in version.aliases})]


def _tags(_: _Typed) -> Iterable[str]:
    return sorted({tag for version in _versions() for tag in version.tags})


def _metrics(_: _Typed) -> Iterable[str]:
    return sorted({metric for version in _versions() for metric in version.metrics})


def _fields(typed: _Typed) -> Iterable[str]:
    """Fields of a version, those inside another with a dot, and their values' descending order after a minus."""
    settings = {name for algorithm in factory.names() for name in factory.get(algorithm).Config.hyperparameters()}
    inside = [*(("metrics", metric) for metric in _metrics(typed)), *(("config", name) for name in sorted(settings))]
    minus = "-" * typed.fragment.startswith("-")
    return [f"{minus}{field}" for field in [*sorted(FIELDS), *map(written, inside)]]


def _restorable(_: _Typed) -> Iterable[str]:
    return [version.ref for version in reversed(rlkit.registry().trash())]


def _presets(typed: _Typed) -> Iterable[str]:
    return ["auto", "none", *presets.names(factory.get(typed.algorithm).Config.preset_file)]


def _paths(typed: _Typed, *endings: str) -> Iterator[str]:
    """Folders, and files with one of these endings; all files where one of them is empty."""
    folder, slash, name = typed.fragment.rpartition("/")
    where = expanded(folder + slash)
    for path in sorted(where.iterdir()) if where.is_dir() else ():
        if path.name.startswith(".") and not name.startswith("."):
            continue
        if path.is_dir():
            yield f"{folder}{slash}{path.name}/"
        elif "" in endings or path.suffix in endings:
            yield f"{folder}{slash}{path.name}"


def _configs(typed: _Typed) -> Iterable[str]:
    return [*typed.scope.variables(ModelConfig), *_paths(typed, ".yaml", ".yml", ".toml")]


_FINDERS: dict[Kind, Callable[[_Typed], Iterable[str]]] = {
    "algorithm": _algorithms,
    "algorithm or model": lambda typed: [*_algorithms(typed), *_models(typed)],
    "alias": _aliases,
    "config": _configs,
    "data": lambda typed: _paths(typed, ""),
    "environment": _environments,
    "expression": _fields,
    "field": _fields,
    "file": lambda typed: _paths(typed, ".rlkit"),
    "folder": _paths,
    "job": lambda typed: typed.scope.jobs,
    "metric": _metrics,
    "model": _models,
    "name": _names,
    "preset": _presets,
    "reference": _references,
    "restorable": _restorable,
    "tag": _tags,
    "variable": lambda typed: typed.scope.variables(ModelBase),
    "verb": lambda typed: typed.scope.verbs,
}
