"""Normalisation of observations and rewards by running statistics, which are part of a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rlkit.nn.parameters import assign

Floats = NDArray[np.float32]
Features = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

LIMIT = 10.0
"""Normalised numbers are cut to ± this, as in SB3's ``VecNormalize``."""
_EPSILON = 1e-8
_ROUNDING = 16 * float(np.finfo(np.float64).eps)
"""Deviations up to this part of the mean are what rounding makes of equal numbers."""


class RunningStatistics:
    """Mean and variance of all rows seen so far (Chan et al. 1979, the parallel form of Welford's algorithm).

    Args:
        size: Numbers in a row.

    Attributes:
        mean: float64 ``(size,)``.
        variance: float64 ``(size,)``, with the count in the denominator.
        count: Rows seen. Before the first one the mean is 0 and the variance 1.
    """

    def __init__(self, size: int) -> None:
        self.mean: Doubles = np.zeros(size)
        self.variance: Doubles = np.ones(size)
        self.count = 0.0
        self._all_vary = False

    @property
    def deviation(self) -> Doubles:
        """Standard deviation, float64 ``(size,)``, to divide by: 1 where all numbers so far are equal.

        So a number that has only begun to vary is not blown up to the limit. A hundred-millionth is added to the
        variance, as in SB3's ``VecNormalize``.
        """
        variance = self.variance + _EPSILON
        deviation: Doubles = np.sqrt(variance if self._all_vary else np.where(self._constant, 1.0, variance))
        return deviation

    @property
    def _constant(self) -> NDArray[np.bool_]:
        constant: NDArray[np.bool_] = self.variance <= np.square(_ROUNDING * self.mean)
        return constant

    def update(self, rows: NDArray[np.floating[Any]]) -> None:
        """Take in rows, shape ``(n, size)``."""
        n = len(rows)
        mean = np.add.reduce(rows, axis=0, dtype=np.float64) / n
        centred = rows - mean
        squares = np.add.reduce(centred * centred, axis=0)
        difference = mean - self.mean
        total = self.count + n
        self.mean = self.mean + difference * (n / total)
        moment = self.variance * self.count + squares + difference * difference * (self.count * n / total)
        self.variance = moment / total
        self.count = total
        self._all_vary = self._all_vary or not self._constant.any()  # looked at in every step until they do

    def get_state(self) -> dict[str, Any]:
        """Return the statistics as plain data."""
        return {"mean": self.mean.copy(), "variance": self.variance.copy(), "count": self.count}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave.

        Raises:
            ValueError: An array in it has another shape.
        """
        mean, variance = np.zeros_like(self.mean), np.zeros_like(self.variance)
        assign(mean, state["mean"])
        assign(variance, state["variance"])
        count = float(state["count"])
        if not 0 <= count < math.inf or (variance < 0).any():
            message = f"a variance, or the count {count}, is no such number"
            raise ValueError(message)
        self.mean, self.variance, self.count = mean, variance, count
        self._all_vary = False


class Normalizer:
    """Scales observations to mean 0 and variance 1, and rewards by the spread of the return.

    Rewards are divided by the standard deviation of the discounted return, as in SB3's ``VecNormalize``, and keep
    their sign. What is off passes unchanged.

    Args:
        continuous: Which features are real numbers, bool ``(features,)``: one-hot features stay as they are.
        observations: Whether observations are normalised.
        rewards: Whether rewards are normalised.
        gamma: Discount of the return whose spread scales the rewards: the algorithm's own.
    """

    def __init__(
        self, continuous: NDArray[np.bool_], *, observations: bool = False, rewards: bool = False, gamma: float = 0.99
    ) -> None:
        self._keep = ~continuous
        self._keeps = bool(self._keep.any())
        self._gamma = gamma
        self.observation_statistics = RunningStatistics(len(continuous)) if observations else None
        self.return_statistics = RunningStatistics(1) if rewards else None
        self._returns: Doubles = np.zeros(0)
        self._rescale()

    def _rescale(self) -> None:
        """Compute the factors from the statistics."""
        statistics = self.observation_statistics
        if statistics is not None:
            self._mean, self._scale = statistics.mean, 1 / statistics.deviation
            if self._keeps:
                self._mean, self._scale = np.where(self._keep, 0, self._mean), np.where(self._keep, 1, self._scale)

    def begin(self, n_envs: int) -> None:
        """Say that new episodes begin in ``n_envs`` environments, whose discounted returns begin at 0."""
        self._returns = np.zeros(n_envs)

    @property
    def discounted_returns(self) -> Doubles:
        """Discounted return of each episode under way, float64 ``(n_envs,)``."""
        return self._returns.copy()

    def resume(self, discounted_returns: Doubles) -> None:
        """Go on in episodes with these discounted returns."""
        self._returns = np.array(discounted_returns, np.float64)

    def learn(self, features: Features) -> Floats:
        """Take features ``(n, size)`` into the statistics and return them normalised, float32."""
        if self.observation_statistics is None:
            return cast("Floats", features)
        self.observation_statistics.update(features)
        self._rescale()
        return self.observations(features)

    def observations(self, features: Features) -> Floats:
        """Return features ``(n, size)``, normalised by the statistics so far, float32."""
        if self.observation_statistics is None:
            return cast("Floats", features)
        scaled = (features - self._mean) * self._scale
        np.minimum(scaled, LIMIT, out=scaled)
        np.maximum(scaled, -LIMIT, out=scaled)
        return scaled.astype(np.float32)

    def learn_rewards(self, rewards: Doubles, ended: NDArray[np.bool_]) -> NDArray[np.floating[Any]]:
        """Take one step's rewards ``(n_envs,)`` into the statistics and return them normalised.

        Args:
            rewards: The rewards.
            ended: Where an episode ended with this step, bool ``(n_envs,)``.
        """
        if self.return_statistics is None:
            return rewards
        self._returns = self._returns * self._gamma + rewards
        self.return_statistics.update(self._returns[:, None])
        self._returns[ended] = 0
        return self.rewards(rewards)

    def rewards(self, rewards: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return rewards of any shape, normalised by the statistics so far."""
        if self.return_statistics is None:
            return rewards
        scaled: NDArray[np.floating[Any]] = np.clip(rewards / self.reward_scale, -LIMIT, LIMIT)
        return scaled

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by; 1 where they are not normalised."""
        if self.return_statistics is None:
            return 1.0
        return float(self.return_statistics.deviation[0])

    def get_state(self) -> dict[str, Any]:
        """Return the statistics as plain data."""
        parts = {"observations": self.observation_statistics, "returns": self.return_statistics}
        return {name: part.get_state() for name, part in parts.items() if part is not None}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave.

        Raises:
            KeyError: Statistics that this normalizer has are not in it.
            ValueError: An array in it has another shape.
        """
        if self.observation_statistics is not None:
            self.observation_statistics.set_state(state["observations"])
        if self.return_statistics is not None:
            self.return_statistics.set_state(state["returns"])
        self._rescale()
