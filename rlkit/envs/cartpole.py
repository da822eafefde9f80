"""Gymnasium's vectorised CartPole, made to reset in the step that ends an episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


class _OurOwnActions(gymnasium.spaces.MultiDiscrete):
    """An action space that does not look whether an action is its own: that takes as long as a third of a step."""

    def contains(self, x: Any) -> bool:  # noqa: ARG002 - the interface of a space
        """Say yes."""
        return True


class SameStepCartPole(CartPoleVectorEnv):
    """Gymnasium's vectorised CartPole, made to reset in the step that ends an episode.

    Environment ``i`` draws its starts from a generator of its own, as the single CartPole does, so that its episodes
    do not depend on its neighbours.
    """

    state: Any  # Gymnasium's own annotation says None, which it is before the first reset

    def __init__(self, num_envs: int = 1, **kwargs: Any) -> None:
        super().__init__(num_envs, **kwargs)
        self.metadata = {**self.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.action_space = _OurOwnActions([2] * num_envs)
        self._generators: list[np.random.Generator] = []

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a new episode in every environment, from one seed each."""
        super().reset(options=options)
        seeds = seed if isinstance(seed, Sequence) else np.random.SeedSequence(seed).generate_state(self.num_envs)
        self._generators = [seeding.np_random(int(s))[0] for s in seeds]
        self._start(np.arange(self.num_envs))
        return self.state.T.astype(np.float32), {}

    def _start(self, which: NDArray[np.int64]) -> None:
        for i in which:
            self.state[:, i] = self._generators[i].uniform(self.low, self.high, 4)
        self.steps[which] = 0
        self.prev_done[which] = False

    def step(
        self, action: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Bools, Bools, dict[str, Any]]:
        """Take one action in every environment; ``info["final_obs"]`` holds the last observations."""
        observations, rewards, terminated, truncated, info = super().step(action)
        if self.prev_done.any():
            info["final_obs"] = observations
            self._start(np.flatnonzero(self.prev_done))
            observations = self.state.T.astype(np.float32)
        return observations, rewards, terminated, truncated, info
