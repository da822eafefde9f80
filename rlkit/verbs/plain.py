"""What verbs return as plain data that JSON can hold, for scripts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from rlkit.config import ModelConfig
from rlkit.envs import EnvironmentDescription
from rlkit.factory import Description, ModelFactory
from rlkit.registry import ModelRegistry
from rlkit.registry.comparison import Comparison, Difference
from rlkit.registry.lineage import Lineage
from rlkit.registry.model_card import ModelCard
from rlkit.registry.reports import VerifyReport
from rlkit.registry.versions import ModelVersion
from rlkit.training import Evaluation, History
from rlkit.verbs.about import HelpPage
from rlkit.watching import Recording


@singledispatch
def to_plain(value: Any) -> Any:
    """Return a value as numbers, strings, lists, dicts and None; what is not finite is None, as JSON has no NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value) if each.name[0] != "_"}
    return str(value)


@to_plain.register
def _(value: str | int | None) -> Any:
    return str(value) if isinstance(value, str) else value  # not a class derived from it


@to_plain.register
def _(value: float) -> float | None:
    return value if math.isfinite(value) else None


@to_plain.register
def _(value: np.ndarray | np.generic) -> Any:
    return to_plain(value.tolist())


@to_plain.register
def _(value: Mapping) -> dict[str, Any]:  # type: ignore[type-arg] # singledispatch takes a class
    return {str(key): to_plain(each) for key, each in value.items()}


@to_plain.register
def _(value: list | tuple | set) -> Any:  # type: ignore[type-arg] # the same
    if hasattr(value, "_asdict"):
        return to_plain(value._asdict())
    return [to_plain(each) for each in value]


def _named(value: object, *names: str) -> dict[str, Any]:
    return {name: to_plain(getattr(value, name)) for name in names}


@to_plain.register
def _(value: ModelVersion) -> dict[str, Any]:
    return {"ref": value.ref, **to_plain(value.to_dict())}


@to_plain.register
def _(value: ModelConfig) -> dict[str, Any]:
    return {"config": to_plain(value.to_dict()), "sources": value.sources}


@to_plain.register
def _(value: Evaluation) -> dict[str, Any]:
    return {**_named(value, "title", "seed", "deterministic", "cut_off", "returns", "lengths"), **value.metrics}


@to_plain.register
def _(value: History) -> dict[str, Any]:
    names = ("title", "total_timesteps", "num_timesteps", "seconds", "mean_return", "mean_length", "stop_reason")
    curve = to_plain(value.learning_curve())
    return {**_named(value, *names), "learning_curve": curve, "evaluations": to_plain(value.evaluations)}


@to_plain.register
def _(value: Comparison) -> dict[str, Any]:
    return _named(value, "versions", "curves")


@to_plain.register
def _(value: Difference) -> dict[str, Any]:
    sides = {"left": value.left.ref, "right": value.right.ref}
    return {**sides, **_named(value, "config", "metrics", "facts", "code", "parameters", "same_state")}


@to_plain.register
def _(value: Lineage) -> dict[str, Any]:
    return _named(value, "focus", "parent", "children", "ancestors", "descendants", "missing")


@to_plain.register
def _(value: Recording) -> dict[str, Any]:
    names = ("title", "seed", "deterministic", "terminated", "truncated", "length", "episode_return")
    return _named(value, *names, "rewards", "actions", "values")


@to_plain.register
def _(value: ModelCard) -> dict[str, Any]:
    return {"version": value.version.ref, "markdown": str(value)}


@to_plain.register
def _(value: VerifyReport) -> dict[str, Any]:
    return {"ok": value.ok, **_named(value, "versions", "objects", "size", "problems", "garbage")}


@to_plain.register
def _(value: ModelRegistry) -> dict[str, Any]:
    return {"folder": str(value.folder), "models": value.models()}


@to_plain.register
def _(value: Description) -> dict[str, Any]:
    hyperparameters = {name: field.takes for name, field in value.config_class.hyperparameters().items()}
    told = _named(value, "name", "summary", "observation_spaces", "action_spaces", "presets")
    return {**told, "defaults": to_plain(value.config_class().to_dict()), "takes": hyperparameters}


@to_plain.register
def _(value: EnvironmentDescription) -> dict[str, Any]:
    return {**to_plain(value.info), **_named(value, "observation_space", "action_space", "algorithms")}


@to_plain.register
def _(value: HelpPage) -> dict[str, Any]:
    return {title: {verb.name: verb.summary for verb in verbs} for title, verbs in value.groups.items()}


@to_plain.register
def _(value: ModelFactory) -> list[Any]:
    return [to_plain(value.describe(name)) for name in value.names()]
