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

_REMEDY = "Keep dicts with string keys, lists, strings, bytes, numbers, booleans, None and numeric arrays only."


def to_plain(value: object, where: str = "state", depth: int = 0) -> Any:
    """Check that a value is plain data and bring it into one normal form.

    Tuples become lists, numpy scalars become Python's, arrays become contiguous (row by row, or column by
    column if they are exactly that) and native in byte order. Dicts and lists are copied, arrays if needed.

    Args:
        value: The state, or a part of it.
        where: How a person would reach this part: ``"state['optimizer']"``.
        depth: How many dicts and lists lie around this part.

    Returns:
        The normal form, free of shared and circular references.

    Raises:
        StateError: A part is something else; the message says where it is and of which type.
    """
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    if depth >= MAX_DEPTH:
        problem = f"{where} lies deeper than {MAX_DEPTH} levels, or contains itself."
        raise StateError(problem, _REMEDY)
    if type(value) is dict:
        return {_key(key, where): to_plain(part, f"{where}[{key!r}]", depth + 1) for key, part in value.items()}
    if type(value) in (list, tuple):
        return [to_plain(part, f"{where}[{index}]", depth + 1) for index, part in enumerate(value)]  # type: ignore[arg-type, var-annotated] # mypy does not narrow by type() in (...)
    if type(value) is np.ndarray:
        return _array(value, where)
    if isinstance(value, np.generic) and (value.dtype.str[1:] in DTYPES or value.dtype.kind in "US"):
        return value.item()
    problem = f"{where} is a {type(value).__module__}.{type(value).__qualname__}."
    raise StateError(problem, _REMEDY)


def _key(key: object, where: str) -> str:
    if type(key) is not str:
        problem = f"{where} has the key {key!r}, a {type(key).__name__}."
        raise StateError(problem, _REMEDY)
    return key


def _array(array: np.ndarray[Any, Any], where: str) -> np.ndarray[Any, Any]:
    if array.dtype.str[1:] not in DTYPES:
        problem = f"{where} is an array of {array.dtype}."
        raise StateError(problem, _REMEDY)
    columns_first = array.flags.f_contiguous and not array.flags.c_contiguous
    # The code alone rebuilds the dtype: native byte order, and without metadata that somebody hung onto it.
    return np.asarray(array, dtype=np.dtype(array.dtype.str[1:]), order="F" if columns_first else "C")
