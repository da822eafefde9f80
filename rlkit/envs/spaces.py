"""Spaces: which ones an algorithm takes, and spaces as plain data."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.display import text
from rlkit.envs.encoding import Features, Space, leaves
from rlkit.errors import StateError, UnsupportedSpaceError

__all__ = ["Features", "Space", "check_space", "space_from_dict", "space_to_dict", "space_words"]

_MOST_BOUNDS = 4  # written one by one; of more the widest
_LONGEST = 300  # letters


def check_space(space: Space, allowed: tuple[type[Space], ...], *, role: str, algorithm: str) -> None:
    """Raise where an algorithm cannot take a space.

    Args:
        space: The space of one environment.
        allowed: The kinds of space that the algorithm takes.
        role: ``"observation"`` or ``"action"``.
        algorithm: Name of the algorithm, for the message.

    Raises:
        UnsupportedSpaceError: The space is of another kind, or has no or an infinite number of elements.
    """
    takes = " or ".join(kind.__name__ for kind in allowed)
    if not isinstance(space, allowed):
        problem = f"{algorithm} cannot take {role}s of the space {space!s:.200}."
        raise UnsupportedSpaceError(problem, f"It takes {role} spaces of type {takes}.")
    if not any(True for _ in leaves(space)):
        problem = f"{algorithm} cannot take {role}s of the space {space!s:.200}: it has no parts."
        raise UnsupportedSpaceError(problem, f"It takes {role} spaces of type {takes}, of numbers.")
    for path, leaf in leaves(space):
        problem = _problem(leaf, allowed)
        if problem:
            name = "".join(f"[{key!r}]" for key in path)
            told = (
                f"{algorithm} cannot take {role}s of the space {leaf!s:.200}{' at ' + name if name else ''}: {problem}."
            )
            raise UnsupportedSpaceError(told, f"It takes {role} spaces of type {takes}, of numbers.")


def _problem(leaf: Space, allowed: tuple[type[Space], ...]) -> str:
    """Return what speaks against a space that is no Dict and no Tuple; empty for nothing."""
    if not isinstance(leaf, allowed):
        return f"it is a {type(leaf).__name__}"
    if isinstance(leaf, spaces.Box) and leaf.dtype.kind not in "buif":
        return f"its dtype is {leaf.dtype}"
    if isinstance(leaf, spaces.Box | spaces.MultiBinary | spaces.MultiDiscrete) and not math.prod(leaf.shape):
        return "it holds no numbers"
    return ""


def space_words(space: Space) -> str:
    """Write a space in words: kind, shape, dtype and bounds.

    Args:
        space: Any space.

    Returns:
        For example ``"Box of shape 3, float32, -1 to 1, -1 to 1, -8 to 8"`` or ``"Discrete: 2 choices, 0 to 1"``.
    """
    return text.shortened(_words(space), _LONGEST)


def _words(space: Space) -> str:
    if isinstance(space, spaces.Box):
        shape = " x ".join(map(str, space.shape)) or "()"
        return f"Box of shape {shape}, {space.dtype}, {_bounds(space.low.ravel(), space.high.ravel())}"
    if isinstance(space, spaces.Discrete):
        return f"Discrete: {text.number(space.n)} choices, {space.start} to {space.start + space.n - 1}"
    if isinstance(space, spaces.Dict | spaces.Tuple):
        parts = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        return f"{type(space).__name__} of {'; '.join(f'{name}: {_words(part)}' for name, part in parts)}"
    return str(space)


def _bounds(low: NDArray[Any], high: NDArray[Any]) -> str:
    """Write the bounds of each number, or of all at once where they are equal or many."""
    pairs = [_pair(*pair) for pair in zip(low.tolist(), high.tolist(), strict=True)] if low.size <= _MOST_BOUNDS else []
    if len(set(pairs)) > 1:
        return ", ".join(pairs)
    if not low.size:
        return "no numbers"
    return ("" if (low == low[0]).all() and (high == high[0]).all() else "at the widest ") + _pair(
        low.min(), high.max()
    )


def _pair(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "without bounds"
    return f"{text.number(low)} to {text.number(high)}"


def space_to_dict(space: Space) -> dict[str, Any]:
    """Return a space as plain data, which :func:`space_from_dict` reads.

    Raises:
        UnsupportedSpaceError: The space is of another kind than an algorithm takes.
    """
    if isinstance(space, spaces.Box):
        return {
            "type": "Box",
            "low": _bound_to_data(space.low),
            "high": _bound_to_data(space.high),
            "shape": list(space.shape),
            "dtype": str(space.dtype),
        }
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start), "dtype": str(space.dtype)}
    if isinstance(space, spaces.MultiDiscrete):
        parts = {"nvec": space.nvec.tolist(), "start": space.start.tolist(), "dtype": str(space.dtype)}
        return {"type": "MultiDiscrete", **parts}
    if isinstance(space, spaces.MultiBinary):
        # MultiBinary(3) and MultiBinary([3]) are not equal, though their elements are the same.
        return {"type": "MultiBinary", "n": space.n if isinstance(space.n, int) else list(space.shape)}
    if isinstance(space, spaces.Dict):
        if not all(isinstance(key, str) for key in space.spaces):
            raise UnsupportedSpaceError(f"{space!s:.200} cannot be saved: its keys are not all text.")
        return {"type": "Dict", "spaces": [[key, space_to_dict(part)] for key, part in space.spaces.items()]}
    if isinstance(space, spaces.Tuple):
        return {"type": "Tuple", "spaces": [space_to_dict(part) for part in space.spaces]}
    raise UnsupportedSpaceError(f"{space!s:.200} cannot be saved.", f"{', '.join(_READERS)} spaces can.")


def _bound_to_data(bound: NDArray[Any]) -> Any:
    """Return one number where all are the same, so that a large image's bounds do not fill a file.

    Integers stay integers: not every one of 64 bits is a float. What is infinite becomes text, for JSON has no number.
    """
    flat = bound.reshape(-1)
    if flat.size and (flat == flat[0]).all():
        return _finite_or_text(flat[0].item())
    if bound.dtype.kind == "f" and not np.isfinite(bound).all():
        return np.frompyfunc(_finite_or_text, 1, 1)(bound).tolist()
    return bound.tolist()


def _finite_or_text(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


FREE_NUMBERS = 2**22
"""How many numbers elements of a space may have that is read from a file, whatever else is there: four megapixels."""
_MOST_SPACES = 10_000
_DEEPEST = 32
_MOST_DIMENSIONS = 32
_LONGEST_DTYPE = 12  # letters


def space_from_dict(data: Mapping[str, Any], most: int = FREE_NUMBERS) -> Space:
    """Return the space that :func:`space_to_dict` described.

    Args:
        data: The description, from any source. It may be short and its space large: nothing is allocated for one that
            is too large.
        most: How many numbers the space may have, when its elements are features.

    Raises:
        StateError: The data describe no space, or one that is too large.
    """
    return _Reading(most).space(data)


class _Reading:
    """Reads spaces out of plain data, as long as they have no more numbers than they may have.

    Args:
        most: How many numbers that is.
    """

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._spaces_left = _MOST_SPACES
        self._depth = 0

    def space(self, data: Any) -> Space:
        """Return the space that ``data`` describe, or raise a StateError."""
        kind = data.get("type") if isinstance(data, Mapping) else data
        if not isinstance(data, Mapping) or not isinstance(kind, str) or kind not in _READERS:
            raise StateError(f"{kind!r:.80} is no type of space.", f"{', '.join(_READERS)} are.")
        self._spaces_left -= 1
        if self._spaces_left < 0 or self._depth >= _DEEPEST:
            problem = f"A saved space has more than {_MOST_SPACES:,} parts, or is nested more than {_DEEPEST} deep."
            raise StateError(problem, "Restore the file from a backup.")
        self._depth += 1
        try:
            return _READERS[data["type"]](self, data)
        except StateError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError, AssertionError) as error:
            problem = f"A saved {data['type']} describes no space: {type(error).__name__}: {error!s:.120}."
            raise StateError(problem, "Restore the file from a backup.") from None
        finally:
            self._depth -= 1

    def take(self, numbers: int) -> None:
        """Count numbers, which are there from now on, or raise a StateError."""
        self._left -= numbers
        if self._left < 0:
            problem = f"A saved space has more than {self._most:,} numbers, and nothing else that is saved has so many."
            raise StateError(problem, "Restore the file from a backup.")


def _dtype(data: Mapping[str, Any], kinds: str) -> np.dtype[Any]:
    said = data["dtype"]
    dtype = np.dtype(said) if isinstance(said, str) and len(said) <= _LONGEST_DTYPE else None
    if dtype is None or dtype.kind not in kinds:
        message = f"{said!r:.80} is not its dtype"
        raise ValueError(message)
    return dtype


def _integer(value: object, least: int, name: str) -> int:
    if type(value) is not int or value < least:
        message = f"{name} is not an integer from {least}"
        raise ValueError(message)
    return value


def _shape(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) > _MOST_DIMENSIONS:
        message = f"{value!r:.80} is no shape"
        raise ValueError(message)
    return tuple(_integer(size, 0, "a size in its shape") for size in value)


def _read_box(reading: _Reading, data: Mapping[str, Any]) -> Space:
    dtype, shape = _dtype(data, "buif"), _shape(data["shape"])
    reading.take(math.prod(shape))
    bounds = [np.asarray(data[end], dtype) for end in ("low", "high")]
    if any(bound.shape not in ((), shape) for bound in bounds):
        message = f"its bounds are not of shape {shape}"
        raise ValueError(message)
    low, high = (np.broadcast_to(bound, shape) for bound in bounds)
    return spaces.Box(low, high, shape, dtype.type)


def _read_discrete(reading: _Reading, data: Mapping[str, Any]) -> Space:
    n, dtype = _integer(data["n"], 1, "n"), _dtype(data, "iu")
    reading.take(n)
    # Older Gymnasium knows int64 alone, and takes no dtype.
    other: dict[str, Any] = {} if dtype == np.int64 else {"dtype": dtype.type}
    limits = np.iinfo(dtype)
    start = _integer(data["start"], int(limits.min), "start")
    if start + n - 1 > limits.max:
        message = f"its choices are beyond {dtype}"
        raise ValueError(message)
    discrete: Space = spaces.Discrete(n, start=start, **other)
    return discrete


def _read_multi_discrete(reading: _Reading, data: Mapping[str, Any]) -> Space:
    dtype, nvec, start = _dtype(data, "iu"), np.asarray(data["nvec"]), np.asarray(data["start"])
    if nvec.dtype.kind != "i" or start.dtype.kind != "i" or start.shape != nvec.shape or (nvec < 1).any():
        message = "nvec and start are not integers of one shape"
        raise ValueError(message)
    reading.take(sum(nvec.reshape(-1).tolist()))
    return spaces.MultiDiscrete(nvec.astype(dtype), dtype.type, start=start.astype(dtype))


def _read_multi_binary(reading: _Reading, data: Mapping[str, Any]) -> Space:
    n = data["n"] if type(data["n"]) is int else list(_shape(data["n"]))
    sizes = [n] if isinstance(n, int) else n
    reading.take(math.prod(_integer(size, 1, "n") for size in sizes))
    return spaces.MultiBinary(n)


def _read_dict(reading: _Reading, data: Mapping[str, Any]) -> Space:
    # Gymnasium sorts the keys of a plain dict, and features are in the order of the keys.
    parts: OrderedDict[str, Space] = OrderedDict()
    for key, part in data["spaces"]:
        if not isinstance(key, str) or key in parts:
            message = f"{key!r:.80} is no name of a part, or that of two"
            raise ValueError(message)
        parts[key] = reading.space(part)
    return spaces.Dict(parts)


def _read_tuple(reading: _Reading, data: Mapping[str, Any]) -> Space:
    return spaces.Tuple([reading.space(part) for part in data["spaces"]])


_READERS: dict[str, Callable[[_Reading, Mapping[str, Any]], Space]] = {
    "Box": _read_box,
    "Discrete": _read_discrete,
    "MultiDiscrete": _read_multi_discrete,
    "MultiBinary": _read_multi_binary,
    "Dict": _read_dict,
    "Tuple": _read_tuple,
}
