"""Optimizers: one operation on one vector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rlkit.nn.parameters import Array, assign


def clip_global_norm(gradient: Array, max_norm: float) -> float:
    """Scale ``gradient`` in place so that its norm is at most ``max_norm``; return the norm it had.

    As ``torch.nn.utils.clip_grad_norm_``, which adds 1e-6 to the norm that it divides by.
    """
    norm = math.sqrt(float(np.dot(gradient, gradient)))
    scale = max_norm / (norm + 1e-6)
    if scale < 1:
        gradient *= scale
    return norm


class Adam:
    """Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), in place.

    Args:
        vector: The parameters, shape ``(size,)``; changed by :meth:`step`.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the root of the second moment. 1e-5 in SB3's PPO, not 1e-8.
    """

    def __init__(self, vector: Array, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-5) -> None:
        self.vector = vector
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.steps = 0
        self._first = np.zeros_like(vector)
        self._second = np.zeros_like(vector)
        self._scratch = np.empty_like(vector)

    def step(self, gradient: Array, learning_rate: float) -> None:
        """Change the parameters by one step against ``gradient``, shape ``(size,)``."""
        self.steps += 1
        scratch = self._scratch
        np.subtract(gradient, self._first, out=scratch)
        scratch *= 1 - self.beta1
        self._first += scratch
        np.multiply(gradient, gradient, out=scratch)
        scratch -= self._second
        scratch *= 1 - self.beta2
        self._second += scratch
        np.sqrt(self._second, out=scratch)
        scratch *= 1 / math.sqrt(1 - self.beta2**self.steps)
        scratch += self.eps
        np.divide(self._first, scratch, out=scratch)
        scratch *= learning_rate / (1 - self.beta1**self.steps)
        self.vector -= scratch

    def get_state(self) -> dict[str, Any]:
        """Return the moments and the number of steps as plain data."""
        return {"steps": self.steps, "first": self._first.copy(), "second": self._second.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave.

        Raises:
            ValueError: A moment has another shape.
        """
        self.steps = int(state["steps"])
        assign(self._first, state["first"])
        assign(self._second, state["second"])
