"""Whole numbers that a person gives outside a config: steps, episodes, seeds."""

from __future__ import annotations

from numbers import Integral

from rlkit.errors import RLKitError


def whole_number(name: str, value: object, least: int, error: type[RLKitError]) -> int:
    """Return ``value`` as an int where it is a whole number, NumPy's included, of at least ``least``.

    Raises:
        RLKitError: It is not; of the class ``error``.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise error(f"{name} = {value!r} is not allowed.", f"Give a whole number, at least {least}.")
    return int(value)
