"""All parameters of a network as one vector with named views, and their gradient as another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
Shape = tuple[int, ...]


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
        ValueError: They have another shape, or are no numbers.
    """
    array = np.asarray(values)
    if array.shape != target.shape:
        message = f"there are numbers of shape {array.shape} where {target.shape} are due"
        raise ValueError(message)
    np.copyto(target, array, casting="same_kind")


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
