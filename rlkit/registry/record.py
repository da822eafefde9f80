"""The record of a version: every field that a manifest has, with its type, its bounds and its default.

A manifest and a file from elsewhere may say anything. What they say is used only as far as it is in this table and
within its bounds, so that one bad version harms no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rlkit.config.changes import changes_from
from rlkit.errors import CorruptArtifactError
from rlkit.training.log import calls_from

MAX_METRICS = 5_000
"""Metrics that a version may have."""
MAX_TEXT = 100_000
"""Characters of a description, or of any other text."""

_MAX_VALUES = 100_000  # of all that a config or a space holds
_MAX_DEPTH = 32
_MAX_INTEGER = 2**256  # a seed is as long as its author likes
_MAX_STEPS = 2**63
_MAX_POINTS = 10_000


def _bounded(value: Any) -> Any:
    """Refuse JSON values that are nested too deeply, too many, or too large. Every registration and load calls this."""
    containers, count = [(value, 0)], 0
    while containers:
        container, depth = containers.pop()
        count += len(container)
        if count > _MAX_VALUES or depth > _MAX_DEPTH:
            message = f"it has more than {_MAX_VALUES:,} values, or is nested more than {_MAX_DEPTH} levels deep"
            raise ValueError(message)
        parts = container
        if isinstance(container, dict):
            if sum(map(len, container)) > MAX_TEXT:
                message = "its keys are too long"
                raise ValueError(message)
            parts = container.values()
        for part in parts:
            kind = type(part)
            if kind is dict or kind is list:
                containers.append((part, depth + 1))
            elif (kind is str and len(part) > MAX_TEXT) or (kind is int and not -_MAX_INTEGER < part < _MAX_INTEGER):
                message = f"it has a {'text' if kind is str else 'number'} that is too long"
                raise ValueError(message)
            elif kind not in _SCALARS:
                message = f"it has a {kind.__name__}"
                raise ValueError(message)
    return value


_SCALARS = {str, int, float, bool, type(None)}


def _moment(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _curve(value: dict[str, Any]) -> dict[str, Any]:
    steps, means = value.get("steps", []), value.get("mean_return", [])
    if not (isinstance(steps, list) and isinstance(means, list)) or len(steps) != len(means):
        message = "it has not as many steps as mean returns"
        raise ValueError(message)
    numbers = [number for number in (*steps, *means) if not _is_number(number)]
    if len(steps) > _MAX_POINTS or numbers:
        message = f"it has {numbers[0]!r:.80}, which is no number" if numbers else f"it has {len(steps):,} points"
        raise ValueError(message)
    return value


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return not math.isinf(float(value))
    except OverflowError:  # a whole number may be of any size
        return False


def _readable_by(read: Callable[[list[dict[str, Any]]], object]) -> AfterValidator:
    """Check records by what reads them."""

    def checked(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            read(value)
        except TypeError as error:  # pydantic takes a ValueError alone for its own
            raise ValueError(*error.args) from None
        return value

    return AfterValidator(checked)


def _metric(value: float) -> float:
    if not _is_number(value):
        message = "it is infinite, or too large"
        raise ValueError(message)
    return value


Word = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Count = Annotated[int, Field(ge=0, lt=_MAX_STEPS)]
Data = Annotated[dict[str, Any], AfterValidator(_bounded)]
Records = Annotated[list[dict[str, Any]], Field(max_length=10_000), AfterValidator(_bounded)]
Metric = Annotated[int | float, AfterValidator(_metric)]
Metrics = Annotated[dict[Word, Metric], Field(max_length=MAX_METRICS)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class Said(_Part):
    """What whoever registers a model says of it, and may change afterwards but for parent and dataset."""

    tags: Annotated[list[Word], Field(max_length=1_000)] = []
    metrics: Metrics = {}
    description: Text = ""
    parent: Word | None = None
    dataset: Annotated[dict[Literal["name", "version", "sha256"], Word | None], Field()] | None = None


class Told(_Part):
    """What a model tells of itself."""

    algorithm: Annotated[Word, Field(min_length=1)]
    model_class: Word | None = None
    config: Data = {}
    config_changes: Annotated[Records, _readable_by(changes_from)] = []
    env_id: Word | None = None
    env_kwargs: Data = {}
    env_name: Word | None = None
    env_modified: Annotated[list[Word], Field(max_length=1_000)] = []
    observation_space: Data | None = None
    action_space: Data | None = None
    seed: Annotated[int, Field(ge=0, lt=_MAX_INTEGER)] | None = None
    num_timesteps: Count = 0
    num_episodes: Count = 0
    wall_time: Annotated[int | float, Field(ge=0, lt=_MAX_STEPS)] = 0.0
    learning_curve: Annotated[dict[str, Any], AfterValidator(_curve)] = {}
    training: Annotated[Records, _readable_by(calls_from)] = []
    left_out: Word = ""


class Origin(_Part):
    """Where it was registered, found out when it is."""

    created: Annotated[Word, AfterValidator(_moment)]
    git: Data | None = None
    packages: Annotated[dict[Word, Word], Field(max_length=1_000)] = {}
    user: Word | None = None
    host: Word | None = None


class Record(Said, Told, Origin):
    """All that a manifest says of a version, but for its name, its number and its objects.

    Format 3 has room for what later formats need not be made for: ``evaluations`` by name, each with its environment,
    dataset, seed and metrics, and the ``sweep`` that a version is a part of. An environment that travels with a version
    is one more of its objects.
    """

    evaluations: Records = []
    sweep: Data | None = None


def checked_record(said: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the fields of a version, with defaults for those that are missing or None where they may not be.

    Args:
        said: What a manifest or a file says; keys that are no fields are passed over.
        origin: What to call it in an error.

    Raises:
        CorruptArtifactError: A field that every version has is missing, or one is not what it should be.
    """
    try:
        # An older rlkit wrote None for what a class does not tell.
        return vars(Record.model_validate({key: value for key, value in said.items() if value is not None}))
    except ValidationError as error:
        lacking = [str(each["loc"][0]) for each in error.errors()[:1] if each["type"] == "missing"]
        problem = f"lacks {lacking[0]!r}" if lacking else f"is not that of a version: {explained(error)}"
        raise CorruptArtifactError(f"{origin} {problem}.", "Restore the file from a backup.") from None


def explained(error: ValidationError) -> str:
    """Say where data are wrong, and how, without the data."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part)[:60] for part in first["loc"][:4])
    return f"its {where} is wrong ({first['msg'].removeprefix('Value error, ')})"
