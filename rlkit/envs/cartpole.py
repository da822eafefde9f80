"""Gymnasium's vectorised CartPole, made to reset in the step that ends an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorWrapper
from numpy.typing import NDArray

from rlkit.envs.state import read_generator, write_generator

Bools = NDArray[np.bool_]


class _OurOwnActions(gymnasium.spaces.MultiDiscrete):
    """An action space that does not look whether an action is its own: that takes as long as a third of a step."""

    def contains(self, x: Any) -> bool:  # noqa: ARG002 - the interface of a space
        """Say yes."""
        return True


class SameStepCartPole(VectorWrapper[Any, Any, Any, Any, Any]):
    """Gymnasium's vectorised CartPole, made to reset in the step that ends an episode.

    Environment ``i`` draws its starts from a generator of its own, as the single CartPole does, so that its episodes
    do not depend on its neighbours. Whatever else was changed about the wrapped environment stays as it is.

    Args:
        env: The environment to wrap.
    """

    def __init__(self, env: CartPoleVectorEnv) -> None:
        super().__init__(env)
        self._metadata = {**env.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self._cartpole: Any = env
        self._generators: list[np.random.Generator] = []

    @classmethod
    def make(cls, num_envs: int, **kwargs: Any) -> SameStepCartPole:
        """Return ``num_envs`` new environments, which trust the actions that they are given."""
        env = CartPoleVectorEnv(num_envs, **kwargs)
        env.action_space = _OurOwnActions([2] * num_envs)
        return cls(env)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a new episode in every environment, from one seed each.

        With ``options={"reset_mask": mask}`` only the environments in the mask begin a new one, from where their
        generators are.
        """
        if options is not None and "reset_mask" in options:
            self._start(np.flatnonzero(options["reset_mask"]))
        else:
            self._cartpole.reset(options=options)
            seeds = seed if isinstance(seed, Sequence) else np.random.SeedSequence(seed).generate_state(self.num_envs)
            self._generators = [seeding.np_random(int(s))[0] for s in seeds]
            self._start(np.arange(self.num_envs))
        return self._cartpole.state.T.astype(np.float32), {}

    def _start(self, which: NDArray[np.int64]) -> None:
        env = self._cartpole
        for i in which:
            env.state[:, i] = self._generators[i].uniform(env.low, env.high, 4)
        env.steps[which] = 0
        env.prev_done[which] = False

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Bools, Bools, dict[str, Any]]:
        """Take one action in every environment; ``info["final_obs"]`` holds the last observations."""
        env = self._cartpole
        observations, rewards, terminated, truncated, info = env.step(actions)
        if env.prev_done.any():
            info["final_obs"] = observations
            self._start(np.flatnonzero(env.prev_done))
            observations = env.state.T.astype(np.float32)
        return observations, rewards, terminated, truncated, info

    def get_state(self) -> dict[str, Any]:
        """Return positions, step counts and generators as plain data."""
        env = self._cartpole
        generators = [read_generator(generator) for generator in self._generators]
        return {"state": env.state.copy(), "steps": env.steps.copy(), "generators": generators}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` returned.

        Raises:
            ValueError: Its shapes do not fit.
        """
        positions, steps = np.array(state["state"], np.float64), np.array(state["steps"], np.int32)
        if positions.shape != (4, self.num_envs) or steps.shape != (self.num_envs,):
            message = f"positions of shape {positions.shape} are not those of {self.num_envs} environments"
            raise ValueError(message)
        if not np.isfinite(positions).all() or steps.min() < 0:
            message = "positions are not finite, or steps are below 0"
            raise ValueError(message)
        generators = [write_generator(seeding.np_random(0)[0], one) for one in state["generators"]]
        if len(generators) != self.num_envs:
            message = f"{len(generators)} generators are not those of {self.num_envs} environments"
            raise ValueError(message)
        self._cartpole.reset()
        self._cartpole.state, self._cartpole.steps, self._generators = positions, steps, generators
