"""What a model's state may be made of: dicts, lists, strings, bytes, numbers, booleans, None and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlkit.errors import StateError

DTYPES = frozenset(
    ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"],
)
"""Element types of arrays, as numpy's codes: kinds b, i, u, f and c in the sizes that are alike everywhere.
Long doubles are not: their size differs between machines, and their unused bytes hold what lay in memory."""

MAX_DEPTH = 64
"""How deep dicts and lists may nest: enough for any model, and far from Python's own recursion limit."""

MAX_BITS = 1_024
"""How large integers may be: a generator's state has 128 bits, and Python writes none above 14,000 as text."""

_REMEDY = "Keep dicts with string keys, lists, strings, bytes, numbers, booleans, None and numeric arrays only."


_Place = tuple[Any, ...]
"""Where a part stands: nothing for the whole, else the place of what it is in, and its key or index there."""


def to_plain(value: object) -> Any:
    """Check that a value is plain data and bring it into one normal form.

    Tuples become lists, numpy scalars become Python's, arrays become contiguous (row by row, or column by
    column if they are exactly that) and native in byte order. Dicts and lists are copied, arrays if needed.

    Args:
        value: The state.

    Returns:
        The normal form, free of shared and circular references.

    Raises:
        StateError: A part is something else; the message says where it is and of which type.
    """
    return _plain(value, (), 0)


def _plain(value: Any, place: _Place, depth: int) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is int:
        if value.bit_length() > MAX_BITS:
            problem = f"{_where(place)} is an integer of {value.bit_length():,} bits, more than {MAX_BITS:,}."
            raise StateError(problem, _REMEDY)
        return value
    if depth >= MAX_DEPTH:
        problem = f"{_where(place)} lies deeper than {MAX_DEPTH} levels, or contains itself."
        raise StateError(problem, _REMEDY)
    if kind is dict:
        return {_key(key, place): _plain(part, (place, key), depth + 1) for key, part in value.items()}
    if kind in (list, tuple):
        return [_plain(part, (place, index), depth + 1) for index, part in enumerate(value)]
    if kind is np.ndarray:
        return _array(value, place)
    if isinstance(value, np.generic) and (value.dtype.str[1:] in DTYPES or value.dtype.kind in "US"):
        return value.item()
    problem = f"{_where(place)} is a {kind.__module__}.{kind.__qualname__}."
    raise StateError(problem, _REMEDY)


_SCALARS = {type(None), bool, float, str, bytes}


def _where(place: _Place) -> str:
    """Return how a person would reach a part: ``"state['optimizer']"``. Written out only for an error."""
    return f"{_where(place[0])}[{place[1]!r:.80}]" if place else "state"


def _key(key: object, place: _Place) -> str:
    if type(key) is not str:
        problem = f"{_where(place)} has the key {key!r:.80}, a {type(key).__name__}."
        raise StateError(problem, _REMEDY)
    return key


def _array(array: np.ndarray[Any, Any], place: _Place) -> np.ndarray[Any, Any]:
    if array.dtype.str[1:] not in DTYPES:
        problem = f"{_where(place)} is an array of {array.dtype!s:.80}."
        raise StateError(problem, _REMEDY)
    columns_first = array.flags.f_contiguous and not array.flags.c_contiguous
    # The code alone rebuilds the dtype: native byte order, and without metadata that somebody hung onto it.
    return np.asarray(array, dtype=np.dtype(array.dtype.str[1:]), order="F" if columns_first else "C")
