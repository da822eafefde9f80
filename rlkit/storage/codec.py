"""A model's state to bytes and back: dill's format, read by an unpickler that can only build plain data.

Reading works in three steps. The opcodes are listed first, without running them, and anything that the
encoder does not write is refused. Then they run, with five names allowed, each of which is one of our own
stand-ins: a file never calls a function of numpy, dill or anybody else. Last, the result is checked like any
state.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import dill
import numpy as np

from rlkit.errors import CorruptArtifactError, RLKitError, StateError, UntrustedArtifactError
from rlkit.storage import opcodes
from rlkit.storage.plain import DTYPES, to_plain

_MAX_DIMENSIONS = 32
_REMEDY = "Restore the file from a backup."


def encode(state: dict[str, Any]) -> bytes:
    """Turn a model's state into bytes, the same bytes for the same state.

    Args:
        state: Plain data: dicts with string keys, lists, strings, bytes, numbers, booleans, None, arrays.

    Returns:
        A pickle as dill writes it, in protocol 4.

    Raises:
        StateError: The state holds anything else; the message says where.
    """
    if type(state) is not dict:
        problem = f"A state must be a dict, and this is a {type(state).__name__}."
        raise StateError(problem)
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=opcodes.PROTOCOL)
    # No memo: with one, the bytes would depend on which equal strings happen to be the same object, and a
    # file could refer to one value many times over.
    pickler.fast = True
    pickler.dump(to_plain(state))
    return buffer.getvalue()


def decode(data: bytes) -> dict[str, Any]:
    """Turn bytes back into a model's state, running nothing that they name.

    Arrays own their memory and can be written to; tuples that went in come back as lists.

    Args:
        data: What ``encode`` returned, from any source.

    Returns:
        The state.

    Raises:
        UntrustedArtifactError: The bytes would import something; the message lists all of it.
        CorruptArtifactError: The bytes are not a state that ``encode`` could have written.
    """
    refuse(data)
    try:
        state = to_plain(_Unpickler(io.BytesIO(data)).load())
    except StateError as error:
        problem = f"These bytes hold no state: {error.problem}"
        raise CorruptArtifactError(problem, _REMEDY) from error
    except RLKitError:
        raise
    except Exception as error:  # malformed bytes fail in any way
        problem = f"These bytes hold no state: {type(error).__name__}: {error}."
        raise CorruptArtifactError(problem, _REMEDY) from error
    if type(state) is not dict:
        problem = f"These bytes hold a {type(state).__name__}, not a state."
        raise CorruptArtifactError(problem, _REMEDY)
    return state


def contents(data: bytes) -> opcodes.Contents:
    """Tell what is in bytes that should be a state, without running or building any of it.

    Args:
        data: A pickle from any source.

    Raises:
        CorruptArtifactError: The bytes are not a pickle.
    """
    return opcodes.read(data, opcodes.PLAIN)


def foreign(found: opcodes.Contents) -> list[str]:
    """List what would be imported beyond plain data: dotted names and the like; empty for a plain state."""
    return [str(each) for each in found.reached if each not in _STAND_INS]


def refuse(data: bytes) -> None:
    """Refuse bytes that ``encode`` would not write, without running or building any of them.

    Raises:
        UntrustedArtifactError: They would import something; the message lists all of it.
        CorruptArtifactError: They are no pickle, or have opcodes that rlkit never writes.
    """
    found = contents(data)
    names = foreign(found)
    if names:
        _refuse_imports(names)
    if found.strange:
        problem = f"These bytes hold no state: {', '.join(found.strange)} stand in them, which rlkit never writes."
        raise CorruptArtifactError(problem, _REMEDY)


def _refuse_imports(names: list[str]) -> NoReturn:
    problem = f"This file would run code when opened: it reaches for {opcodes.shown(names)}."
    raise UntrustedArtifactError(problem, "Nothing was run. A model's state needs no code: do not use this file.")


class _Pickler(pickle.Pickler):
    """Writes, byte for byte, what dill's pickler writes of a state, in a sixth of the time: dill's is in Python."""

    def reducer_override(self, obj: Any, /) -> Any:
        if type(obj) is np.ndarray:
            return dill._dill._create_array, (*obj.__reduce__(), None)  # noqa: SLF001 - as dill does
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        # Exact pairs: by prefix, or with dotted names, dill's helpers lead to eval.
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            _refuse_imports([f"{module}.{name}"])
        return stand_in


class _StandIn:
    """What a file gets instead of the function or class that it names.

    Without ``__dict__`` and with a ``__setstate__`` that refuses: a file could otherwise change it for the
    next file by the opcode BUILD.
    """

    __slots__ = ("_call", "name")

    def __init__(self, name: str, call: Callable[..., Any] | None = None) -> None:
        self.name = name
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        if self._call is None:
            message = f"{self.name} is named in a state but never called"
            raise pickle.UnpicklingError(message)
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        message = f"{self.name} cannot be changed"
        raise pickle.UnpicklingError(message)


class _DType:
    """A dtype being built, as a pickle spells it: ``dtype('f8', False, True)``, then its byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, align: object, copy: object) -> None:
        if code not in DTYPES or align is not False or copy is not True:
            message = f"{code!r:.80} is no dtype of a state"
            raise pickle.UnpicklingError(message)
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        version, order, *rest = state
        if version != 3 or order not in ("<", ">", "|") or rest != [None, None, None, -1, -1, 0]:  # noqa: PLR2004 - numpy's number for a plain dtype
            message = "a dtype has fields, a subarray or metadata"
            raise pickle.UnpicklingError(message)
        self.order = order


def _checked_array(dtype: object, shape: object, data: object, order: str = "C") -> np.ndarray[Any, Any]:
    """Build an array from its bytes: the one place that takes memory for one, and only for what is there."""
    if type(dtype) is not _DType or type(shape) is not tuple or type(data) is not bytes:
        message = "an array is not made of a dtype, a shape and bytes"
        raise pickle.UnpicklingError(message)
    if len(shape) > _MAX_DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
        message = f"{shape!r:.80} is no shape"
        raise pickle.UnpicklingError(message)
    stored = np.dtype(dtype.order + dtype.code)
    if math.prod(shape) * stored.itemsize != len(data):
        message = f"an array of shape {shape} and type {stored} does not fit into {len(data)} bytes"
        raise pickle.UnpicklingError(message)
    if stored.kind == "b" and data.strip(b"\x00\x01"):
        message = "a boolean array has a byte that is neither 0 nor 1"
        raise pickle.UnpicklingError(message)
    view: np.ndarray[Any, Any] = np.ndarray(shape, stored, buffer=data, order="F" if order == "F" else "C")
    return view.astype(np.dtype(dtype.code), order="K", copy=True)


def _create_array(function: object, arguments: object, state: Any, attributes: object = None) -> Any:
    """Stand in for ``dill._dill._create_array``, which would call ``function`` and update ``__dict__``."""
    expected = (_STAND_INS["numpy", "ndarray"], (0,), b"b")
    if function is not _STAND_INS[_RECONSTRUCT] or arguments != expected or attributes is not None:
        message = "an array is not built as dill builds a plain one"
        raise pickle.UnpicklingError(message)
    version, shape, dtype, columns_first, data = state
    if version != 1 or type(columns_first) is not bool:
        message = "an array is of an unknown version"
        raise pickle.UnpicklingError(message)
    return _checked_array(dtype, shape, data, "F" if columns_first else "C")


def _scalar(dtype: object, data: object) -> Any:
    return _checked_array(dtype, (), data)[()].item()


_RECONSTRUCT = ("numpy._core.multiarray", "_reconstruct")

_STAND_INS: dict[tuple[str, str], _StandIn] = {
    ("dill._dill", "_create_array"): _StandIn("dill._dill._create_array", _create_array),
    _RECONSTRUCT: _StandIn("numpy._core.multiarray._reconstruct"),
    ("numpy._core.multiarray", "scalar"): _StandIn("numpy._core.multiarray.scalar", _scalar),
    ("numpy", "ndarray"): _StandIn("numpy.ndarray"),
    ("numpy", "dtype"): _StandIn("numpy.dtype", _DType),
}
