"""Observations as feature vectors, in the order in which ``gymnasium.spaces.flatten`` has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from rlkit.errors import EnvironmentContractError, RLKitError, SpaceMismatchError

Space = spaces.Space[Any]
Features = NDArray[np.float32]
Path = tuple[str | int, ...]

_NUMBERS = "buif"  # the kinds of dtype that are numbers


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A space that is no Dict and no Tuple, and where it stands: in the observation and among the features."""

    path: Path
    space: Space
    columns: slice
    encode: Callable[[NDArray[Any]], Features]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.space.shape or ()

    @property
    def name(self) -> str:
        return "".join(f"[{key!r}]" for key in self.path)


def leaves(space: Space, path: Path = ()) -> Iterator[tuple[Path, Space]]:
    """Yield the spaces in ``space`` that are no Dict and no Tuple, with their keys, in Gymnasium's order."""
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from leaves(part, (*path, key))
    elif isinstance(space, spaces.Tuple):
        for index, part in enumerate(space.spaces):
            yield from leaves(part, (*path, index))
    else:
        yield path, space


class FeatureEncoder:
    """Turns observations of a space into rows of features.

    A Box is flattened, MultiBinary too, a Discrete and each choice of a MultiDiscrete become one-hot, a Dict and a
    Tuple their parts side by side: as ``gymnasium.spaces.flatten`` does it for one observation.

    Args:
        space: Box of any shape, Discrete, MultiDiscrete or MultiBinary, or a Dict or Tuple of these.

    Attributes:
        size: Number of features of one observation.
        continuous: Which features are real numbers, from a Box: bool ``(size,)``.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._leaves: list[_Leaf] = []
        start = 0
        for path, part in leaves(space):
            size = int(spaces.flatdim(part))
            self._leaves.append(_Leaf(path, part, slice(start, start + size), _encoding(part)))
            start += size
        self.size = start
        self.continuous = np.zeros(start, np.bool_)
        for leaf in self._leaves:
            self.continuous[leaf.columns] = isinstance(leaf.space, spaces.Box)
        self._alone = self._leaves[0] if len(self._leaves) == 1 and not self._leaves[0].path else None

    def encode(self, observations: Any) -> Features:
        """Return features, a new array, float32 of shape ``(batch, size)``.

        Args:
            observations: A batch as Gymnasium's vector environments give it: an array with one more dimension in
                front; for a Dict a dict of such, for a Tuple a tuple of such.

        Raises:
            EnvironmentContractError: An observation is not of the space.
        """
        if self._alone is not None:
            return self._alone.encode(self._checked(self._alone, observations))
        parts = [leaf.encode(self._checked(leaf, self._part(observations, leaf))) for leaf in self._leaves]
        return np.concatenate(parts, axis=1)

    def encode_one(self, observation: Any, row: Features) -> None:
        """Write the features of one observation to ``row``, float32 ``(size,)``.

        Raises:
            EnvironmentContractError: The observation is not of the space.
        """
        for leaf in self._leaves:
            part = observation if not leaf.path else self._part(observation, leaf)
            if isinstance(part, np.ndarray) and part.dtype == np.float32 and part.shape == leaf.shape:
                row[leaf.columns] = part.reshape(-1)  # the usual case, without a copy
            else:
                row[leaf.columns] = leaf.encode(self._checked(leaf, [part]))[0]

    def _part(self, observation: Any, leaf: _Leaf) -> Any:
        part = observation
        try:
            for key in leaf.path:
                part = part[key]
        except (KeyError, IndexError, TypeError):
            raise EnvironmentContractError(
                f"The environment's observation has no part {leaf.name}: {observation!r:.80}.",
                f"Its observation space is {self.space!s:.200}.",
            ) from None
        return part

    def _checked(self, leaf: _Leaf, batch: Any) -> NDArray[Any]:
        """Return ``batch`` as an array of numbers with the leaf's shape behind the first dimension."""
        try:
            array = np.asarray(batch)
        except (TypeError, ValueError):
            array = np.asarray(None)
        if array.dtype.kind not in _NUMBERS:
            told = batch[0] if isinstance(batch, list) else batch
            raise self._broken(leaf, f"{told!r:.80} is no array of numbers")
        if array.shape[1:] != leaf.shape or not array.ndim:
            raise self._broken(leaf, f"has shape {array.shape[1:]}, not {leaf.shape}")
        return array

    def _broken(self, leaf: _Leaf, what: str) -> EnvironmentContractError:
        part = f"'s part {leaf.name}" if leaf.path else ""
        problem = f"The environment's observation{part} {what}."
        return EnvironmentContractError(problem, f"Its observation space is {self.space!s:.200}.")

    # -- what a person gives -----------------------------------------------------------------------------------------

    def encode_any(self, observation: Any) -> tuple[Features, bool]:
        """Return features of one observation or of a batch, and whether it was a batch.

        Raises:
            SpaceMismatchError: What was given is neither, or is not finite.
        """
        try:
            parts = [self._part(observation, leaf) for leaf in self._leaves]
            arrays = [np.asarray(part) for part in parts]
        except (EnvironmentContractError, ValueError):  # the latter of a ragged sequence
            raise self._mismatch(f"{observation!r:.80}") from None
        batched = arrays[0].ndim == len(self._leaves[0].shape) + 1
        rows = [array if batched else array[None] for array in arrays]
        for leaf, array, batch in zip(self._leaves, arrays, rows, strict=True):
            if array.dtype.kind not in _NUMBERS:
                raise self._mismatch(f"{observation!r:.80}")
            if batch.ndim != len(leaf.shape) + 1 or batch.shape != (len(rows[0]), *leaf.shape):
                raise self._mismatch(f"{leaf.name} shape {array.shape}".strip())
            self._check_whole(leaf, batch)
        try:
            features = np.concatenate([leaf.encode(batch) for leaf, batch in zip(self._leaves, rows, strict=True)], 1)
        except EnvironmentContractError:
            raise self._mismatch(f"{observation!r:.80}") from None
        if not np.isfinite(features).all():
            raise self._mismatch(f"{observation!r:.80} is not finite")
        return features, batched

    def _check_whole(self, leaf: _Leaf, batch: NDArray[Any]) -> None:
        choices = isinstance(leaf.space, spaces.Discrete | spaces.MultiDiscrete)
        if choices and batch.dtype.kind == "f" and not (np.isfinite(batch) & (batch == np.floor(batch))).all():
            raise self._mismatch(f"{batch.tolist()!r:.80}")

    def _mismatch(self, given: str) -> SpaceMismatchError:
        problem = f"An observation does not fit {self.space!s:.200}: {given}."
        if self._alone is None:
            return SpaceMismatchError(problem, "Give one observation of this space, or one with a batch in each part.")
        one, many = self._alone.shape, ("n", *self._alone.shape)
        shapes = f"({', '.join(map(str, many))}{',' if len(many) == 1 else ''})"
        return SpaceMismatchError(problem, f"Give one observation of shape {one} or a batch of shape {shapes}.")


def _encoding(space: Space) -> Callable[[NDArray[Any]], Features]:
    """Return a function from a batch of a leaf's arrays to its features, a new array ``(batch, size)``."""
    if isinstance(space, spaces.Discrete):
        return _OneHot(space, np.array([space.n]), np.array([space.start]))
    if isinstance(space, spaces.MultiDiscrete):
        return _OneHot(space, space.nvec.reshape(-1), space.start.reshape(-1))
    size = math.prod(space.shape or ())
    return lambda batch: _as_float32(batch).reshape(len(batch), size)


def _as_float32(batch: NDArray[Any]) -> Features:
    if batch.dtype == np.float64:  # a number too large becomes inf, which is told with more than a warning
        with np.errstate(over="ignore"):
            return batch.astype(np.float32)
    return batch.astype(np.float32)


class _OneHot:
    """One-hot features of whole numbers, side by side."""

    def __init__(self, space: Space, sizes: NDArray[Any], starts: NDArray[Any]) -> None:
        self._space = space
        self._sizes, self._starts = sizes.astype(np.int64), starts.astype(np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        self._features = int(self._sizes.sum())

    def __call__(self, batch: NDArray[Any]) -> Features:
        flat = batch.reshape(len(batch), len(self._sizes))
        choices = flat.astype(np.int64) - self._starts
        # Else a negative one would count from the end, and 1.5 be taken for 1.
        wrong = (choices < 0) | (choices >= self._sizes)
        if wrong.any() or (flat.dtype.kind == "f" and (flat != choices + self._starts).any()):
            problem = f"The environment's observations {batch.tolist()!r:.80} are not all of its space."
            raise EnvironmentContractError(problem, f"Its observation space is {self._space}.")
        features = np.zeros((len(batch), self._features), np.float32)
        features[np.arange(len(batch))[:, None], choices + self._offsets] = 1
        return features


def not_finite(what: str, value: ArrayLike, where: str) -> RLKitError:
    """Return the error for a number of an environment that is NaN or inf, or would be as float32."""
    fault = "too large for float32" if np.isfinite(value).all() else "not finite"
    problem = f"The environment gave {what} that is {fault}: {value!s:.80} ({where})."
    return EnvironmentContractError(problem, "Look for a division by 0 or an overflow in its step.")
