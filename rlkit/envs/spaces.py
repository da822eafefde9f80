"""Spaces: which ones an algorithm takes, observations as feature vectors, spaces as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.errors import EnvironmentContractError, SpaceMismatchError, StateError, UnsupportedSpaceError

Space = spaces.Space[Any]
Features = NDArray[np.float32]


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
        problem = f"{algorithm} cannot take {role}s of the space {space}."
        raise UnsupportedSpaceError(problem, f"It takes {role} spaces of type {takes}.")
    if isinstance(space, spaces.Box) and space.dtype.kind not in "buif":
        problem = f"{algorithm} cannot take {role}s of the space {space}: its dtype is {space.dtype}."
        raise UnsupportedSpaceError(problem, "It takes numbers.")
    if isinstance(space, spaces.Box) and not math.prod(space.shape):
        problem = f"{algorithm} cannot take {role}s of the space {space}: they hold no numbers."
        raise UnsupportedSpaceError(problem, "Give it a shape without 0.")


class FeatureEncoder:
    """Turns observations of a space into rows of features: a Box is flattened, a Discrete one-hot.

    Args:
        space: Box of any shape, or Discrete.

    Attributes:
        size: Number of features of one observation.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.size = int(spaces.flatdim(space))
        self._shape: tuple[int, ...] = space.shape or ()

    def encode(self, observations: NDArray[Any]) -> Features:
        """Return features, float32 of shape ``(batch, size)``, of a batch of the space's own arrays.

        Raises:
            EnvironmentContractError: An observation is none of the choices of a Discrete space.
        """
        if isinstance(self.space, spaces.Discrete):
            choices = observations.astype(np.int64) - self.space.start
            if ((choices < 0) | (choices >= self.size)).any():  # else a negative one would count from the end
                problem = f"The environment's observations {observations.tolist()!r:.80} are not all of its space."
                raise EnvironmentContractError(problem, f"Its observation space is {self.space}.")
            features = np.zeros((len(choices), self.size), np.float32)
            features[np.arange(len(choices)), choices] = 1
            return features
        return np.asarray(observations, np.float32).reshape(len(observations), self.size)

    def encode_any(self, observation: Any) -> tuple[Features, bool]:
        """Return features of one observation or of a batch, and whether it was a batch.

        Raises:
            SpaceMismatchError: What was given is neither.
        """
        try:
            array = np.asarray(observation)
        except ValueError:
            raise self._mismatch("a ragged sequence") from None
        if array.dtype.kind not in "buif":
            raise self._mismatch(f"{observation!r:.80}")
        batched = array.shape[1:] == self._shape and array.ndim == len(self._shape) + 1
        if not batched and array.shape != self._shape:
            raise self._mismatch(f"shape {array.shape}")
        batch = array if batched else array[None]
        if isinstance(self.space, spaces.Discrete):
            self._check_choices(batch)
        return self.encode(batch), batched

    def _check_choices(self, batch: NDArray[Any]) -> None:
        space = self.space
        assert isinstance(space, spaces.Discrete)  # noqa: S101 - narrows the type
        low, high = int(space.start), int(space.start + space.n)
        wrong = [value for value in batch.tolist() if not (low <= value < high and float(value).is_integer())]
        if wrong:
            raise self._mismatch(f"{wrong[0]}")

    def _mismatch(self, given: str) -> SpaceMismatchError:
        one, many = self._shape, ("n", *self._shape)
        shapes = f"({', '.join(map(str, many))}{',' if len(many) == 1 else ''})"
        return SpaceMismatchError(
            f"An observation does not fit {self.space}: {given}.",
            f"Give one observation of shape {one} or a batch of shape {shapes}.",
        )


def space_to_dict(space: Space) -> dict[str, Any]:
    """Return a space as plain data, which :func:`space_from_dict` reads.

    Raises:
        UnsupportedSpaceError: The space is neither Box nor Discrete.
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
    raise UnsupportedSpaceError(f"{space} cannot be saved.", "Box and Discrete spaces can.")


def _bound_to_data(bound: NDArray[Any]) -> Any:
    """Return one number where all are the same, so that a large image's bounds do not fill a file.

    Integers stay integers: not every one of 64 bits is a float.
    """
    flat = bound.reshape(-1)
    if flat.size and (flat == flat[0]).all():
        return flat[0].item()
    return bound.tolist()


def space_from_dict(data: Mapping[str, Any]) -> Space:
    """Return the space that :func:`space_to_dict` described.

    Raises:
        StateError: The data describe no space.
    """
    try:
        if data["type"] == "Box":
            dtype = np.dtype(str(data["dtype"]))
            shape = tuple(int(n) for n in data["shape"])
            low, high = (np.broadcast_to(np.asarray(data[end], dtype), shape) for end in ("low", "high"))
            return spaces.Box(low, high, shape, dtype.type)
        if data["type"] == "Discrete":
            dtype = np.dtype(str(data["dtype"]))
            # Older Gymnasium knows int64 alone, and takes no dtype.
            other: dict[str, Any] = {} if dtype == np.int64 else {"dtype": dtype.type}
            discrete: Space = spaces.Discrete(int(data["n"]), start=int(data["start"]), **other)
            return discrete
    except (KeyError, TypeError, ValueError, OverflowError, AssertionError) as error:
        raise StateError(f"{dict(data)!r:.120} describes no space: {error!r}.") from None
    raise StateError(f"{data['type']!r} is no type of space.", "Box and Discrete are.")
