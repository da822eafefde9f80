"""What may be told about a version when it is registered."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from numbers import Real
from typing import Any

from rlkit.errors import ConfigError
from rlkit.registry.record import MAX_METRICS, MAX_TEXT

_METRIC = re.compile(r"\w(?:[\w.\-/@:%+()\[\] ]*[\w%)\]])?")
_LONGEST_NAME = 100


def check_metrics(metrics: Mapping[str, Any] | None) -> dict[str, float]:
    """Refuse metrics that could not be compared.

    Args:
        metrics: Numbers by name; NaN means that it could not be measured.

    Returns:
        Plain Python numbers by name.

    Raises:
        ConfigError: A name is not allowed, a value is infinite or not a number, or there are too many.
    """
    if not isinstance(metrics, Mapping | None):
        problem = f"Metrics must be a dict, and {metrics!r} is a {type(metrics).__name__}."
        raise ConfigError(problem, 'Write them as {"mean_return": 500.0}.')
    if len(metrics or {}) > MAX_METRICS:
        problem = f"A version can have {MAX_METRICS:,} metrics, and these are {len(metrics or {}):,}."
        raise ConfigError(problem, "Keep curves in files of their own, and what sums them up here.")
    return {_metric_name(name): _number(name, value) for name, value in (metrics or {}).items()}


def check_description(description: str) -> str:
    """Refuse a description that is no text.

    Args:
        description: Text in Markdown, or nothing.

    Returns:
        The text.

    Raises:
        ConfigError: It is something else.
    """
    if not isinstance(description, str):
        problem = f"A description must be a string, and {description!r} is a {type(description).__name__}."
        raise ConfigError(problem, 'Write description="…", in Markdown if you like.')
    if len(description) > MAX_TEXT:
        problem = f"A description can have {MAX_TEXT:,} characters, and this has {len(description):,}."
        raise ConfigError(problem, "Put the rest into a file, and its name here.")
    return description


def _metric_name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        problem = f"The name of a metric must be a string, and {name!r:.100} is none."
        raise ConfigError(problem, 'Write metrics as {"mean_return": 500.0}.')
    if not _METRIC.fullmatch(name) or len(name) > _LONGEST_NAME:
        cleaned = re.sub(r"[^\w.\-/@:%+()\[\] ]+", "_", name).strip()[:_LONGEST_NAME].strip()
        problem = f"A metric cannot be called {name!r:.150}."
        rule = f"Use letters, digits, spaces inside, and any of _ . - / @ : % + ( ) [ ]; {_LONGEST_NAME} at most."
        raise ConfigError(problem, f"{rule} Try {cleaned!r}." if cleaned else rule)
    return name


def _number(name: str, value: Any) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        problem = f"The metric {name!r} must be a number, and {value!r:.100} is a {type(value).__name__}."
        raise ConfigError(problem, "Metrics are numbers; for words use tags or the description.")
    try:
        number = float(value)
    except OverflowError:  # of a whole number
        number = math.inf
    if math.isinf(number):
        problem = f"The metric {name!r} is infinite, or too large for a float."
        raise ConfigError(problem, "Give a finite number, or NaN for one that could not be measured.")
    return int(value) if isinstance(value, int) else number
