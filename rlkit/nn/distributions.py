"""Distributions over actions: sampling, log-probabilities, entropies, and their gradients by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlkit.nn.parameters import Array


class Categorical:
    """A distribution over ``n`` choices, one row of logits each.

    Args:
        logits: Unnormalised log-probabilities, shape ``(batch, n)``.

    Attributes:
        log_probs: Normalised log-probabilities, shape ``(batch, n)``.
        probs: Probabilities, shape ``(batch, n)``.
    """

    def __init__(self, logits: Array) -> None:
        shifted = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
        probs = np.exp(shifted)
        total = np.add.reduce(probs, axis=1, keepdims=True)
        probs /= total
        shifted -= np.log(total)
        self.log_probs: Array = shifted
        self.probs: Array = probs
        self._rows = np.arange(len(logits))

    @staticmethod
    def noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw the Gumbel noise that :meth:`sample` needs, float32: for a whole rollout in one call."""
        return rng.gumbel(size=shape).astype(np.float32)

    @staticmethod
    def sample(logits: Array, noise: Array) -> NDArray[np.int64]:
        """Draw actions, shape ``(batch,)``: the Gumbel-max trick needs no normalisation (arXiv 1411.0030)."""
        actions: NDArray[np.int64] = (logits + noise).argmax(axis=1)
        return actions

    @staticmethod
    def mode(logits: Array) -> NDArray[np.int64]:
        """Return the most probable actions, shape ``(batch,)``."""
        actions: NDArray[np.int64] = logits.argmax(axis=1)
        return actions

    def log_prob(self, actions: NDArray[np.int64]) -> Array:
        """Return the log-probability of each action, shape ``(batch,)``."""
        return self.log_probs[self._rows, actions]

    def log_prob_backward(self, actions: NDArray[np.int64], gradient: Array) -> Array:
        """Return the gradient by the logits, given that by the log-probabilities, shape ``(batch,)``."""
        by_logits: Array = self.probs * -gradient[:, None]
        by_logits[self._rows, actions] += gradient
        return by_logits

    def entropy(self) -> Array:
        """Return the entropy of each row in nats, shape ``(batch,)``."""
        entropy: Array = -np.add.reduce(self.probs * self.log_probs, axis=1)
        return entropy

    def entropy_backward(self, gradient: Array) -> Array:
        """Return the gradient by the logits, given that by the entropies, shape ``(batch,)``."""
        return -self.probs * (self.log_probs + self.entropy()[:, None]) * gradient[:, None]
