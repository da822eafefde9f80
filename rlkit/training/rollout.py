"""Rollouts: experience of a policy, and its advantages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rlkit.errors import ConfigError

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def generalized_advantages(  # noqa: D417 - the first four are described together
    rewards: NDArray[np.floating],
    values: NDArray[np.floating],
    next_values: NDArray[np.floating],
    ended: Bools,
    *,
    gamma: float,
    gae_lambda: float,
) -> NDArray[np.floating]:
    """Return generalized advantage estimates (Schulman et al. 2016, arXiv 1506.02438, eq. 16).

    Args:
        rewards, values, next_values, ended: Each of shape ``(n_steps, n_envs)``. ``next_values`` is the value of the
            state that the step led to: 0 where it is terminal, that of the true last state where the episode was
            cut off. ``ended`` says where an episode ended, either way.
        gamma: Discount.
        gae_lambda: Trade-off between bias (0) and variance (1).

    Returns:
        Advantages, shape ``(n_steps, n_envs)``.
    """
    deltas = rewards + gamma * next_values - values
    decay = (gamma * gae_lambda) * ~ended
    advantages: NDArray[np.floating] = np.empty_like(deltas)
    following = np.zeros_like(deltas[0])
    for t in range(len(deltas) - 1, -1, -1):
        following = deltas[t] + decay[t] * following
        advantages[t] = following
    return advantages


class Rollout:
    """Experience of ``n_steps`` steps in ``n_envs`` environments, on preallocated arrays.

    Args:
        n_steps: Steps of each environment.
        n_envs: Environments.
        features: Features of an observation.
        action_shape: Shape of an action.
        action_dtype: Dtype of an action.

    Raises:
        ConfigError: There is not enough memory for it.

    Attributes:
        observations: float32 ``(n_steps, n_envs, features)``.
        actions: ``(n_steps, n_envs, *action_shape)``.
        rewards: float32 ``(n_steps, n_envs)``.
        terminated: bool ``(n_steps, n_envs)``.
        truncated: bool ``(n_steps, n_envs)``.
        last_observations: float32 ``(n_envs, features)``: what follows the last step.
        final_observations: ``{(step, env): features}`` of the last states of episodes that were cut off.
    """

    def __init__(
        self,
        n_steps: int,
        n_envs: int,
        features: int,
        action_shape: tuple[int, ...] = (),
        action_dtype: DTypeLike = np.int64,
    ) -> None:
        self.n_steps = n_steps
        self.n_envs = n_envs
        try:
            self.observations: Floats = np.zeros((n_steps, n_envs, features), np.float32)
        except (MemoryError, ValueError):
            gigabytes = 4 * n_steps * n_envs * features / 1e9
            problem = f"A rollout of n_steps {n_steps:,} x n_envs {n_envs:,} observations takes {gigabytes:,.0f} GB."
            raise ConfigError(problem, "Set a smaller n_steps or n_envs.") from None
        self.actions: NDArray[Any] = np.zeros((n_steps, n_envs, *action_shape), action_dtype)
        self.rewards: Floats = np.zeros((n_steps, n_envs), np.float32)
        self.terminated: Bools = np.zeros((n_steps, n_envs), np.bool_)
        self.truncated: Bools = np.zeros((n_steps, n_envs), np.bool_)
        self.last_observations: Floats = np.zeros((n_envs, features), np.float32)
        self.final_observations: dict[tuple[int, int], Floats] = {}

    @property
    def size(self) -> int:
        """Number of transitions."""
        return self.n_steps * self.n_envs

    def flat(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return ``array``, shape ``(n_steps, n_envs, …)``, with one row a transition."""
        return array.reshape(self.size, *array.shape[2:])
