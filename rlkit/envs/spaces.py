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


def space_from_dict(data: Mapping[str, Any]) -> Space:
    """Return the space that :func:`space_to_dict` described.

    Raises:
        StateError: The data describe no space.
    """
    try:
        read = _READERS[data["type"]]
    except (KeyError, TypeError):
        kind = data.get("type") if isinstance(data, Mapping) else data
        raise StateError(f"{kind!r:.80} is no type of space.", f"{', '.join(_READERS)} are.") from None
    try:
        return read(data)
    except (KeyError, TypeError, ValueError, OverflowError, AssertionError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"{dict(data)!r:.120} describes no space: {error!r}.") from None


def _read_box(data: Mapping[str, Any]) -> Space:
    dtype = np.dtype(str(data["dtype"]))
    shape = tuple(int(n) for n in data["shape"])
    low, high = (np.broadcast_to(np.asarray(data[end], dtype), shape) for end in ("low", "high"))
    return spaces.Box(low, high, shape, dtype.type)


def _read_discrete(data: Mapping[str, Any]) -> Space:
    dtype = np.dtype(str(data["dtype"]))
    # Older Gymnasium knows int64 alone, and takes no dtype.
    other: dict[str, Any] = {} if dtype == np.int64 else {"dtype": dtype.type}
    discrete: Space = spaces.Discrete(int(data["n"]), start=int(data["start"]), **other)
    return discrete


def _read_multi_discrete(data: Mapping[str, Any]) -> Space:
    dtype = np.dtype(str(data["dtype"]))
    return spaces.MultiDiscrete(np.asarray(data["nvec"], dtype), dtype.type, start=np.asarray(data["start"], dtype))


_READERS: dict[str, Callable[[Mapping[str, Any]], Space]] = {
    "Box": _read_box,
    "Discrete": _read_discrete,
    "MultiDiscrete": _read_multi_discrete,
    "MultiBinary": lambda data: spaces.MultiBinary(data["n"]),
    # Gymnasium sorts the keys of a plain dict, and features are in the order of the keys.
    "Dict": lambda data: spaces.Dict(OrderedDict((str(key), space_from_dict(part)) for key, part in data["spaces"])),
    "Tuple": lambda data: spaces.Tuple([space_from_dict(part) for part in data["spaces"]]),
}
