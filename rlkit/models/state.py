"""What every saved state has in common, checked before anything is made of it: types, shapes and bounds.

A state may come from a file, which may say anything. Each algorithm checks what is its own when it takes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rlkit.config.changes import changes_from
from rlkit.errors import StateError

_MOST_STEPS = 2**63
_MOST_POINTS = 10_000
_MOST_RECORDS = 10_000
_LONGEST_NAME = 500  # letters


def check_parts(state: Mapping[str, Any]) -> None:
    """Check the parts of a state that do not depend on the algorithm.

    Args:
        state: What :meth:`ModelBase.get_state` returned, from any source.

    Raises:
        StateError: A part is missing, or is not what it should be; the message names it.
    """
    for name, (is_right, due) in _PARTS.items():
        if name not in state:
            if name not in _LATER:
                raise StateError(f"The saved state has no {name}.", _REMEDY)
        elif not is_right(state[name]):
            raise StateError(f"The saved {name} is {_shown(state[name])}; {due} is due.", _REMEDY)
    try:
        changes_from(state.get("config_changes", ()))
    except (TypeError, ValueError) as error:
        raise StateError(f"The saved config_changes cannot be read: {error!s:.200}.", _REMEDY) from None


def check_episodes(episodes: Mapping[str, Any] | None, features: int) -> None:
    """Check where the episodes of training stand, as far as it is known without the environment.

    Args:
        episodes: The part ``episodes`` of a state.
        features: Numbers in an observation.

    Raises:
        StateError: It is of other observations, or has numbers that are not finite.
    """
    if episodes is None:
        return
    observations: Any = episodes.get("observations")
    returns = episodes.get("discounted_returns")
    is_right = _are_floats(observations, (None, features))
    if not is_right or not (returns is None or _are_floats(returns, (len(observations),))):
        raise StateError(f"The saved episodes have no observations of {features:,} finite numbers.", _REMEDY)


def numbers_in(part: object) -> int:
    """Return how many numbers the arrays in a part of a state have together."""
    if isinstance(part, np.ndarray):
        return part.size
    if isinstance(part, Mapping):
        part = list(part.values())
    return sum(map(numbers_in, part)) if isinstance(part, list | tuple) else 0


_REMEDY = "Restore the file from a backup, or give what get_state() returned."


def _shown(value: object) -> str:
    try:
        return f"{value!r:.80}"
    except ValueError:  # Python writes no integer of more than a few thousand digits
        return f"a {type(value).__name__} that is too large to be shown"


def _is_seed(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 0


def _is_count(value: Any) -> bool:
    return _is_seed(value) and int(value) < _MOST_STEPS


def _is_name(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= _LONGEST_NAME)


def _are_names(value: object) -> bool:
    return (
        isinstance(value, list | tuple) and len(value) <= _MOST_RECORDS and all(isinstance(each, str) for each in value)
    )


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _is_mapping_or_none(value: object) -> bool:
    return value is None or _is_mapping(value)


def _are_records(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) <= _MOST_RECORDS and all(map(_is_mapping, value))


def _is_curve(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    steps, means = value.get("steps"), value.get("mean_return")
    if not isinstance(steps, list) or not isinstance(means, list) or len(steps) != len(means):
        return False
    numbers = (*steps, *means)
    try:
        return len(steps) <= _MOST_POINTS and {*map(type, numbers)} <= _NUMBERS and all(map(math.isfinite, numbers))
    except OverflowError:  # of an integer
        return False


_NUMBERS = {int, float, np.int64, np.float64}


def _are_floats(value: object, shape: Sequence[int | None]) -> bool:
    """Whether a value is an array of finite real numbers; a size of None is any."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != len(shape):
        return False
    fits = all(due is None or due == size for due, size in zip(shape, value.shape, strict=True))
    return fits and bool(np.isfinite(value).all())


_MAPPING = (_is_mapping, "a dict with text as keys")
_MAPPING_OR_NONE = (_is_mapping_or_none, "a dict with text as keys, or None,")
_COUNT = (_is_count, "an integer from 0")
_NAME = (_is_name, f"a text of at most {_LONGEST_NAME} letters, or None,")
_PARTS: dict[str, tuple[Callable[[object], bool], str]] = {
    "config": _MAPPING,
    "env_id": _NAME,
    "env_kwargs": _MAPPING,
    "env_name": _NAME,
    "env_modified": (_are_names, "a list of texts"),
    "observation_space": _MAPPING_OR_NONE,
    "action_space": _MAPPING_OR_NONE,
    "seed": (_is_seed, "an integer from 0"),
    "num_timesteps": _COUNT,
    "num_episodes": _COUNT,
    "learning_curve": (_is_curve, f"steps and mean_return of at most {_MOST_POINTS:,} points"),
    "config_changes": (_are_records, "a list of dicts"),
    "rng": _MAPPING,
    "networks": _MAPPING_OR_NONE,
    "normalizer": _MAPPING_OR_NONE,
    "episodes": _MAPPING_OR_NONE,
    "experience": _MAPPING_OR_NONE,
}
"""Of each part whether a value can be it, and what is due in words."""
_LATER = {"env_name", "env_modified", "config_changes", "normalizer", "episodes", "experience"}
"""Parts that older formats lack."""
