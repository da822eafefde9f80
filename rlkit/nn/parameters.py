"""All parameters of a network as one vector with named views, and their gradient as another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
Shape = tuple[int, ...]


_most: ContextVar[int | None] = ContextVar("_most", default=None)


@contextmanager
def at_most(numbers: int) -> Iterator[None]:
    """Let nothing inside the block allocate parameters of more numbers: their shapes are from a file that has so many.

    Creating larger :class:`Parameters` raises a ValueError.
    """
    token = _most.set(numbers)
    try:
        yield
    finally:
        _most.reset(token)


class Parameters:
    """Named arrays that share one contiguous vector; their gradients share another.

    An optimizer step, a norm, a copy or a save is then one operation on one array.

    Args:
        shapes: Name and shape of every array, in the order in which they lie in the vector.
        dtype: Floating type of the vector: float32 to train, float64 to check gradients.

    Attributes:
        vector: All parameters, shape ``(size,)``. Write into it (``vector[:] = …``), never replace it.
        gradient: The gradient of the loss, shape ``(size,)``.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike = np.float32) -> None:
        self.shapes = dict(shapes)
        size = sum(math.prod(shape) for shape in self.shapes.values())
        most = _most.get()
        if most is not None and size > most:
            message = f"networks of {size:,} numbers are due, and there are {most:,}"
            raise ValueError(message)
        self.vector: Array = np.zeros(size, dtype)
        self.gradient: Array = np.zeros(size, dtype)
        self._views = dict(self._split(self.vector))
        self._gradients = dict(self._split(self.gradient))

    def _split(self, vector: Array) -> Iterator[tuple[str, Array]]:
        start = 0
        for name, shape in self.shapes.items():
            end = start + math.prod(shape)
            yield name, vector[start:end].reshape(shape)
            start = end

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.vector.size

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def grad(self, name: str) -> Array:
        """Return the view of the gradient that belongs to the array ``name``."""
        return self._gradients[name]

    @property
    def first_not_finite(self) -> str:
        """Name of the first array whose gradient has a NaN or an inf; empty where none has."""
        return next((name for name, gradient in self._gradients.items() if not np.isfinite(gradient).all()), "")

    def __repr__(self) -> str:
        return f"<Parameters: {self.size:,} in {len(self.shapes)} arrays, {self.vector.dtype}>"


def assign(target: Array, values: object) -> None:
    """Write ``values`` into ``target``, whose shape they must have: NumPy alone would repeat a single number.

    Raises:
        ValueError: They have another shape, are no numbers, or are not finite; then ``target`` may have changed.
    """
    array = np.asarray(values)
    if array.shape != target.shape:
        message = f"there are numbers of shape {array.shape} where {target.shape} are due"
        raise ValueError(message)
    with np.errstate(over="ignore"):
        np.copyto(target, array, casting="same_kind")
    if target.dtype.kind == "f" and not np.isfinite(target).all():
        message = "there are numbers that are not finite"
        raise ValueError(message)


def count_of(value: object) -> int:
    """Return ``value``, which must be an integer from 0 to 2**63.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < _LARGEST_COUNT:
        message = f"{value!r:.80} does not fit: an integer from 0 is due"
        raise ValueError(message)
    return int(value)


_LARGEST_COUNT = 2**63


def orthogonal(rng: np.random.Generator, shape: tuple[int, int], gain: float) -> Array:
    """Return a random matrix of orthonormal rows or columns, times ``gain``, float64.

    Saxe et al. (2014), arXiv 1312.6120. Drawn uniformly: the signs of R's diagonal are moved into Q.
    """
    rows, columns = shape
    normal = rng.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diagonal(r))
    return gain * (q if rows >= columns else q.T)


def uniform_fan_in(rng: np.random.Generator, fan_in: int, shape: Shape) -> Array:
    """Return float64 numbers drawn from U(-b, b), b = 1/sqrt(fan_in): PyTorch's default for a layer."""
    bound = 1.0 / math.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape)
