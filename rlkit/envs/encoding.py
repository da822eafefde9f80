"""Observations as feature vectors, in the order in which ``gymnasium.spaces.flatten`` has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, DTypeLike, NDArray

from rlkit.errors import EnvironmentContractError, RLKitError, SpaceMismatchError

Space = spaces.Space[Any]
Features = NDArray[np.floating[Any]]
Path = tuple[str | int, ...]

_NUMBERS = "buif"  # the kinds of dtype that are numbers
_EXACT = 2.0**24
"""Up to here float32 has every integer; beyond, neighbours that differ by 1 become equal."""
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A space that is no Dict and no Tuple, and where it stands: in the observation and among the features."""

    path: Path
    space: Space
    columns: slice
    encode: Callable[[NDArray[Any]], Features]
    plain: bool
    """Whether the features are the observation's own numbers, whatever they are: of a Box of real numbers."""

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
        dtype: float32, or float64 for features that are normalized before they are rounded to float32.

    Attributes:
        size: Number of features of one observation.
        dtype: Dtype of the features.
        precision_checked: Whether the first observation was looked at with :meth:`lost_precision`.
        continuous: Which features are real numbers, from a Box: bool ``(size,)``.
    """

    def __init__(self, space: Space, dtype: DTypeLike = np.float32) -> None:
        self.space = space
        self.dtype = np.dtype(dtype)
        self.precision_checked = False
        self._leaves: list[_Leaf] = []
        start = 0
        for path, part in leaves(space):
            size = int(spaces.flatdim(part))
            plain = isinstance(part, spaces.Box) and part.dtype.kind == "f"
            self._leaves.append(_Leaf(path, part, slice(start, start + size), _encoding(part, self.dtype), plain))
            start += size
        self.size = start
        self.continuous = np.zeros(start, np.bool_)
        for leaf in self._leaves:
            self.continuous[leaf.columns] = isinstance(leaf.space, spaces.Box)
        self._alone = self._leaves[0] if len(self._leaves) == 1 and not self._leaves[0].path else None

    def encode(self, observations: Any) -> Features:
        """Return features, a new array of :attr:`dtype`, shape ``(batch, size)``.

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
        """Write the features of one observation to ``row``, of :attr:`dtype`, shape ``(size,)``.

        Raises:
            EnvironmentContractError: The observation is not of the space.
        """
        for leaf in self._leaves:
            part = observation if not leaf.path else self._part(observation, leaf)
            if (
                leaf.plain
                and isinstance(part, np.ndarray)
                and part.dtype in (np.float32, self.dtype)
                and part.shape == leaf.shape
            ):
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

    def lost_precision(self, observations: Any) -> str:
        """Return an example of a number that float32 cannot tell from its neighbours, and what it becomes, or ``""``.

        Args:
            observations: One observation of the space, or a batch as :meth:`encode` takes it.
        """
        if self.dtype != np.float32:
            return ""
        for leaf in self._leaves:
            part = np.asarray(self._part(observations, leaf))
            if isinstance(leaf.space, spaces.Box) and part.dtype.itemsize >= self.dtype.itemsize:
                rounded = _cast(part, self.dtype)
                lost = (np.abs(rounded) >= _EXACT) & (rounded != part) & np.isfinite(rounded)
                if lost.any():
                    before, after = part[lost][0], rounded[lost][0]
                    return f"{before} becomes {float(after)}"
        return ""

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
        try:
            features = np.concatenate([leaf.encode(batch) for leaf, batch in zip(self._leaves, rows, strict=True)], 1)
        except EnvironmentContractError:
            raise self._mismatch(f"{observation!r:.80}") from None
        if not within_float32(features).all():
            raise self._mismatch(f"{observation!r:.80} is not finite")
        return features, batched

    def _mismatch(self, given: str) -> SpaceMismatchError:
        problem = f"An observation does not fit {self.space!s:.200}: {given}."
        if self._alone is None:
            return SpaceMismatchError(problem, "Give one observation of this space, or one with a batch in each part.")
        one, many = self._alone.shape, ("n", *self._alone.shape)
        shapes = f"({', '.join(map(str, many))}{',' if len(many) == 1 else ''})"
        return SpaceMismatchError(problem, f"Give one observation of shape {one} or a batch of shape {shapes}.")


def _encoding(space: Space, dtype: np.dtype[Any]) -> Callable[[NDArray[Any]], Features]:
    """Return a function from a batch of a leaf's arrays to its features, a new array ``(batch, size)``."""
    if isinstance(space, spaces.Discrete):
        return _OneHot(space, np.array([space.n]), np.array([space.start]), dtype)
    if isinstance(space, spaces.MultiDiscrete):
        return _OneHot(space, space.nvec.reshape(-1), space.start.reshape(-1), dtype)
    size = math.prod(space.shape or ())
    if isinstance(space, spaces.Box) and space.dtype.kind == "f":
        return lambda batch: _cast(batch, dtype).reshape(len(batch), size)

    def encode(batch: NDArray[Any]) -> Features:
        _check_whole(space, batch)
        return _cast(batch, dtype).reshape(len(batch), size)

    return encode


def _cast(batch: NDArray[Any], dtype: np.dtype[Any]) -> Features:
    """Return a copy of ``batch`` as ``dtype``."""
    if batch.dtype.itemsize > dtype.itemsize:  # a number too large becomes inf, which the caller finds
        with np.errstate(over="ignore"):
            return batch.astype(dtype)
    return batch.astype(dtype)


def _check_whole(space: Space, batch: NDArray[Any]) -> None:
    """Raise where ``batch`` holds what a space of bits or of integers does not: 2 or 0.5, say.

    An environment's bounds of a Box are not checked: many exceed them, and nothing depends on them.
    """
    if isinstance(space, spaces.MultiBinary) or space.dtype == np.bool_:
        fine = (batch == 0) | (batch == 1)
    elif batch.dtype.kind == "f":
        fine = batch == np.floor(batch)  # not so for NaN, and so for inf, which the caller finds
    else:
        return
    if not fine.all():
        raise _foreign(space, batch[~fine])


def _foreign(space: Space, values: NDArray[Any]) -> EnvironmentContractError:
    problem = f"The environment's observations {values.tolist()!r:.80} are not all of its space."
    return EnvironmentContractError(problem, f"Its observation space is {space!s:.200}.")


class _OneHot:
    """One-hot features of whole numbers, side by side."""

    def __init__(self, space: Space, sizes: NDArray[Any], starts: NDArray[Any], dtype: np.dtype[Any]) -> None:
        self._space = space
        self._dtype = dtype
        self._sizes, self._starts = sizes.astype(np.int64), starts.astype(np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        self._features = int(self._sizes.sum())

    def __call__(self, batch: NDArray[Any]) -> Features:
        flat = batch.reshape(len(batch), len(self._sizes))
        with np.errstate(invalid="ignore"):  # NaN and inf become a number that is not what it was
            choices = flat.astype(np.int64) - self._starts
        # Else a negative one would count from the end, and 1.5 be taken for 1.
        wrong = (choices < 0) | (choices >= self._sizes)
        if flat.dtype.kind == "f":
            wrong |= flat != choices + self._starts
        if wrong.any():
            raise _foreign(self._space, flat[wrong])
        features = np.zeros((len(batch), self._features), self._dtype)
        features[np.arange(len(batch))[:, None], choices + self._offsets] = 1
        return features


def within_float32(numbers: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return where ``numbers`` are finite and stay so as float32, which networks compute in."""
    if numbers.dtype == np.float32:
        finite: NDArray[np.bool_] = np.isfinite(numbers)
        return finite
    small: NDArray[np.bool_] = np.abs(numbers) <= _LARGEST  # not so for NaN
    return small


def not_finite(what: str, value: ArrayLike, where: str) -> RLKitError:
    """Return the error for a number of an environment that is NaN or inf, or would be as float32."""
    fault = "too large for float32" if np.isfinite(value).all() else "not finite"
    problem = f"The environment gave {what} that is {fault}: {value!s:.80} ({where})."
    return EnvironmentContractError(problem, "Look for a division by 0 or an overflow in its step.")
