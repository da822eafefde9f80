"""Distributions over actions: log-probabilities and entropies, and their gradients by hand.

Each is made of a network's output for a batch of states. ``backward`` of them takes the gradient of a loss by the
log-probability of every action, shape ``(batch,)``, and by the entropy of every state, one number for all of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlkit.nn.parameters import Array

Integers = NDArray[np.integer[Any]]


class Distribution(ABC):
    """A distribution over actions for each state of a batch."""

    @abstractmethod
    def log_prob(self, actions: NDArray[Any]) -> Array:
        """Return the log-probability (a density's logarithm, for real numbers) of each action, shape ``(batch,)``."""

    @abstractmethod
    def entropy(self) -> Array:
        """Return the entropy in each state in nats, shape ``(batch,)``."""

    @abstractmethod
    def backward(self, actions: NDArray[Any], by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        """Return the gradient of a loss by the network's output, which has that output's shape.

        Args:
            actions: The actions whose log-probabilities are part of the loss.
            by_log_prob: Gradient of the loss by them, shape ``(batch,)``.
            by_entropy: Gradient of the loss by each state's entropy.
        """


class Categorical(Distribution):
    """A distribution over ``n`` choices, one row of logits each.

    Args:
        logits: Unnormalised log-probabilities, shape ``(batch, n)``.

    Attributes:
        log_probs: Normalised log-probabilities, shape ``(batch, n)``.
        probs: Probabilities, shape ``(batch, n)``.
    """

    def __init__(self, logits: Array) -> None:
        # Column by column in memory: sums over a few choices are several times as fast.
        logits = np.asfortranarray(logits)
        shifted = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
        probs = np.exp(shifted)
        total = np.add.reduce(probs, axis=1, keepdims=True)
        probs /= total
        shifted -= np.log(total)
        self.log_probs: Array = shifted
        self.probs: Array = probs
        self._rows = np.arange(len(logits))
        self._entropy: Array | None = None

    def log_prob(self, actions: Integers) -> Array:
        """Return the log-probability of each action, whole numbers of shape ``(batch,)``."""
        return self.log_probs[self._rows, actions]

    def entropy(self) -> Array:
        """Return the entropy of each row in nats, shape ``(batch,)``."""
        if self._entropy is None:
            self._entropy = -np.add.reduce(self.probs * self.log_probs, axis=1)
        return self._entropy

    def backward(self, actions: Integers, by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        """Return the gradient by the logits: see :meth:`Distribution.backward`."""
        by_logits: Array = self.probs * -by_log_prob[:, None]
        by_logits[self._rows, actions] += by_log_prob
        if by_entropy:
            by_logits -= by_entropy * self.probs * (self.log_probs + self.entropy()[:, None])
        return by_logits


class MultiCategorical(Distribution):
    """Several independent choices, each with its own number of options.

    Args:
        logits: The logits of all choices side by side, shape ``(batch, sum(sizes))``.
        sizes: How many options each choice has.
    """

    def __init__(self, logits: Array, sizes: Sequence[int]) -> None:
        ends = np.cumsum(sizes)[:-1]
        self._choices = [Categorical(part) for part in np.split(logits, ends, axis=1)]

    def log_prob(self, actions: Integers) -> Array:
        """Return the log-probability of each row of actions, whole numbers of shape ``(batch, choices)``."""
        log_prob: Array = np.add.reduce([choice.log_prob(actions[:, i]) for i, choice in enumerate(self._choices)])
        return log_prob

    def entropy(self) -> Array:
        """Return the entropy of all choices together in nats, shape ``(batch,)``."""
        entropy: Array = np.add.reduce([choice.entropy() for choice in self._choices])
        return entropy

    def backward(self, actions: Integers, by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        """Return the gradient by the logits: see :meth:`Distribution.backward`."""
        parts = [c.backward(actions[:, i], by_log_prob, by_entropy) for i, c in enumerate(self._choices)]
        return np.concatenate(parts, axis=1)


class Bernoulli(Distribution):
    """Independent bits.

    Args:
        logits: Log-odds of a 1, shape ``(batch, n)``.
    """

    def __init__(self, logits: Array) -> None:
        self._logits = logits
        self._probs: Array = 0.5 * (1 + np.tanh(0.5 * logits))  # the logistic function, which cannot overflow

    def _log_partition(self) -> Array:
        return np.logaddexp(0, self._logits)

    def log_prob(self, actions: NDArray[Any]) -> Array:
        """Return the log-probability of each row of bits, shape ``(batch, n)``."""
        log_prob: Array = (actions * self._logits - self._log_partition()).sum(axis=1)
        return log_prob

    def entropy(self) -> Array:
        """Return the entropy of all bits together in nats, shape ``(batch,)``."""
        entropy: Array = (self._log_partition() - self._probs * self._logits).sum(axis=1)
        return entropy

    def backward(self, actions: NDArray[Any], by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        """Return the gradient by the logits: see :meth:`Distribution.backward`."""
        by_logits: Array = (actions - self._probs) * by_log_prob[:, None]
        if by_entropy:
            by_logits -= by_entropy * self._logits * self._probs * (1 - self._probs)
        return by_logits


class DiagonalGaussian(Distribution):
    """Independent normal distributions.

    Args:
        mean: Means, shape ``(batch, n)``.
        std: Standard deviations, shape ``(n,)`` or ``(batch, n)``.
    """

    def __init__(self, mean: Array, std: Array) -> None:
        self._mean = mean
        self._std = std

    def log_prob(self, actions: Array) -> Array:
        """Return the logarithm of the density at each action, shape ``(batch, n)``."""
        z = (actions - self._mean) / self._std
        constant = 0.5 * self._mean.shape[1] * math.log(2 * math.pi)
        log_prob: Array = -0.5 * (z * z).sum(axis=1) - np.log(self._std).sum(axis=-1) - constant
        return log_prob

    def entropy(self) -> Array:
        """Return the differential entropy in each state in nats, shape ``(batch,)``."""
        batch, n = self._mean.shape
        entropy = np.log(self._std).sum(axis=-1) + 0.5 * n * (1 + math.log(2 * math.pi))
        return np.broadcast_to(entropy, (batch,)).astype(self._mean.dtype)

    def backward(self, actions: Array, by_log_prob: Array, by_entropy: float = 0.0) -> Array:  # noqa: ARG002 - not of it
        """Return the gradient by the means: see :meth:`Distribution.backward`."""
        by_mean: Array = (actions - self._mean) / (self._std * self._std) * by_log_prob[:, None]
        return by_mean

    def backward_std(self, actions: Array, by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        """Return the gradient by the standard deviations, shape ``(batch, n)``, of the same loss as ``backward``."""
        z = (actions - self._mean) / self._std
        by_std: Array = ((z * z - 1) * by_log_prob[:, None] + by_entropy) / self._std
        return by_std
