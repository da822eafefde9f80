"""Optimizers: one operation on one vector."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from rlkit.nn.parameters import Array, assign, count_of


def clip_global_norm(gradient: Array, max_norm: float) -> float:
    """Scale ``gradient`` in place so that its norm is at most ``max_norm``; return the norm it had.

    As ``torch.nn.utils.clip_grad_norm_``, which adds 1e-6 to the norm that it divides by.
    """
    norm = math.sqrt(float(np.dot(gradient, gradient)))
    scale = max_norm / (norm + 1e-6)
    if scale < 1:
        gradient *= scale
    return norm


class Optimizer(ABC):
    """Changes a vector of parameters, step by step.

    Args:
        vector: The parameters, shape ``(size,)``; changed by :meth:`step`.
    """

    def __init__(self, vector: Array) -> None:
        self.vector = vector
        self._scratch = np.empty_like(vector)

    @abstractmethod
    def step(self, gradient: Array, learning_rate: float) -> None:
        """Change the parameters by one step against ``gradient``, shape ``(size,)``."""

    @abstractmethod
    def get_state(self) -> dict[str, Any]:
        """Return what the optimizer remembers as plain data."""

    @abstractmethod
    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave.

        Raises:
            ValueError: An array in it has another shape.
        """


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), in place.

    Args:
        vector: The parameters, shape ``(size,)``; changed by :meth:`step`.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the root of the second moment. 1e-5 in SB3's PPO, not 1e-8.
    """

    def __init__(self, vector: Array, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-5) -> None:
        super().__init__(vector)
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.steps = 0
        self._first = np.zeros_like(vector)
        self._second = np.zeros_like(vector)

    def step(self, gradient: Array, learning_rate: float) -> None:
        """Change the parameters by one step against ``gradient``, shape ``(size,)``."""
        self.steps += 1
        # The corrections of both moments as factors of the step and of eps, as the end of section 2 has them: two
        # operations on the whole vector less.
        root = math.sqrt(1 - self.beta2**self.steps)
        first, second, scratch = self._first, self._second, self._scratch
        first *= self.beta1
        np.multiply(gradient, 1 - self.beta1, out=scratch)
        first += scratch
        second *= self.beta2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.beta2
        second += scratch
        np.sqrt(second, out=scratch)
        scratch += self.eps * root
        np.divide(first, scratch, out=scratch)
        scratch *= learning_rate * root / (1 - self.beta1**self.steps)
        self.vector -= scratch

    def get_state(self) -> dict[str, Any]:
        """Return the moments and the number of steps as plain data."""
        return {"steps": self.steps, "first": self._first.copy(), "second": self._second.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave.

        Raises:
            ValueError: A moment has another shape.
        """
        self.steps = count_of(state["steps"])
        assign(self._first, state["first"])
        _assign_squares(self._second, state["second"])


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, "Neural Networks for Machine Learning", lecture 6e), in place.

    Args:
        vector: The parameters, shape ``(size,)``; changed by :meth:`step`.
        alpha: Decay of the mean square.
        eps: Keeps the division finite.
        tensorflow: TensorFlow's form, in which the mean square begins at 1 and ``eps`` is added inside the root; else
            PyTorch's, in which it begins at 0 and ``eps`` is added to the root. A2C was published with the former.
    """

    def __init__(self, vector: Array, alpha: float = 0.99, eps: float = 1e-5, *, tensorflow: bool = False) -> None:
        super().__init__(vector)
        self.alpha = alpha
        self.eps = eps
        self.tensorflow = tensorflow
        self._mean_square = np.full_like(vector, 1.0 if tensorflow else 0.0)

    def step(self, gradient: Array, learning_rate: float) -> None:
        """Change the parameters by one step against ``gradient``, shape ``(size,)``."""
        scratch = self._scratch
        np.multiply(gradient, gradient, out=scratch)
        scratch -= self._mean_square
        scratch *= 1 - self.alpha
        self._mean_square += scratch
        if self.tensorflow:
            np.add(self._mean_square, self.eps, out=scratch)
            np.sqrt(scratch, out=scratch)
        else:
            np.sqrt(self._mean_square, out=scratch)
            scratch += self.eps
        np.divide(gradient, scratch, out=scratch)
        scratch *= learning_rate
        self.vector -= scratch

    def get_state(self) -> dict[str, Any]:
        """Return the mean square as plain data."""
        return {"mean_square": self._mean_square.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave.

        Raises:
            ValueError: The mean square has another shape.
        """
        _assign_squares(self._mean_square, state["mean_square"])


def _assign_squares(target: Array, values: object) -> None:
    """Assign means of squares, of which the root is taken."""
    assign(target, values)
    if target.size and target.min() < 0:
        message = "there are means of squares below 0"
        raise ValueError(message)
