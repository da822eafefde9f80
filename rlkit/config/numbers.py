"""Numbers that a person gives: NumPy's as Python's, and whole ones outside a config (steps, episodes, seeds)."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from rlkit.errors import RLKitError


def plain(value: Any) -> Any:
    """Return ``value`` with NumPy's scalars and arrays as Python's numbers and lists, in lists and dicts too.

    Sweeps are made of them, and strict validation refuses them.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Integral):
        return value if isinstance(value, bool) else int(value)
    if isinstance(value, np.floating):  # of more bits than a Python float
        return float(value)
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    return value


def whole_number(name: str, value: object, least: int, error: type[RLKitError]) -> int:
    """Return ``value`` as an int where it is a whole number, NumPy's included, of at least ``least``.

    Raises:
        RLKitError: It is not; of the class ``error``.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise error(f"{name} = {value!r} is not allowed.", f"Give a whole number, at least {least}.")
    return int(value)
