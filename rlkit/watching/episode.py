"""Plays one episode and keeps all of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.envs import EnvironmentSource, FeatureEncoder
from rlkit.envs.spaces import Features, Space
from rlkit.envs.vector import VectorEnvironment, looped
from rlkit.nn.threads import one_blas_thread
from rlkit.watching.cameras import Camera, open_camera
from rlkit.watching.names import names_of
from rlkit.watching.recording import Recording

Policy = Callable[[Features], tuple[NDArray[Any], Mapping[str, NDArray[np.floating[Any]]]]]
"""From features ``(1, size)`` to the environment's actions ``(1, …)`` and what the model knows of the state, each
``(1, …)``, by the name that it has in a :class:`Recording`."""


class _Once(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Keeps what its environment returned last, and resets it once: what follows the episode is not looked at."""

    returned: tuple[Any, ...] = ()

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        if self.returned:
            return self.returned[0], {}
        begun = self.env.reset(**kwargs)
        self.returned = begun
        return begun

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        returned = self.env.step(action)
        self.returned = returned
        return returned


def record(
    policy: Policy,
    source: EnvironmentSource,
    encoder: FeatureEncoder,
    *,
    seed: int,
    limit: int | None,
    title: str,
    deterministic: bool,
) -> Recording:
    """Play one episode in an environment of its own: the first that an evaluation with the same seed plays.

    Args:
        policy: What acts.
        source: Makes the environment.
        encoder: What makes features of observations.
        seed: Seed of the environment.
        limit: Steps after which the episode is cut off, where the environment does not do so before.
        title: What is watched.
        deterministic: Whether the policy takes its most probable action.

    Raises:
        UnknownEnvironmentError: The environment, or a package that it needs, is not there.
        EnvironmentContractError: The environment does not do what Gymnasium promises.
    """
    camera = open_camera(source, limit)
    names = names_of(camera.env)
    once = _Once(camera.env)
    environment = looped(lambda: once, 1)
    environment.encoder = encoder
    try:
        with one_blas_thread():
            played = _play(policy, environment, once, camera, seed)
    finally:
        environment.close()
    return Recording(
        **played,
        **camera.taken(),
        cut_off=not played["terminated"] and len(played["rewards"]) == limit,
        title=title,
        seed=seed,
        deterministic=deterministic,
        rate=camera.rate,
        action_space=source.action_space,
        observation_names=names.observation,
        action_names=names.action,
    )


def _play(policy: Policy, environment: VectorEnvironment, once: _Once, camera: Camera, seed: int) -> dict[str, Any]:
    """Return what an episode was made of, as arguments of a :class:`Recording`."""
    observations: list[Any] = []
    actions: list[NDArray[Any]] = []
    rewards: list[float] = []
    estimates: dict[str, list[NDArray[np.floating[Any]]]] = {}
    features = environment.reset(seed)
    terminated = truncated = False
    while True:
        # An environment may write every observation into the same array.
        observations.append(copy.deepcopy(once.returned[0]))
        camera.look(len(rewards), ended=terminated or truncated)
        if terminated or truncated:
            break
        action, known = policy(features)
        step = environment.step(action)
        actions.append(action[0])
        rewards.append(float(step.rewards[0]))
        for name, estimate in known.items():
            estimates.setdefault(name, []).append(estimate[0])
        features, terminated, truncated = step.observations, bool(step.terminated[0]), bool(step.truncated[0])
    return {
        "observations": batched(environment.observation_space, observations),
        "actions": np.stack(actions),
        "rewards": np.array(rewards, np.float64),
        **{name: np.array(column, np.float64) for name, column in estimates.items()},
        "terminated": terminated,
        "truncated": truncated,
    }


def batched(space: Space, observations: Sequence[Any]) -> Any:
    """Return observations as Gymnasium batches them: an array; for a Dict a dict of such, for a Tuple a tuple."""
    if isinstance(space, spaces.Dict):
        return {key: batched(part, [one[key] for one in observations]) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(batched(part, [one[i] for one in observations]) for i, part in enumerate(space))
    return np.array(observations, space.dtype)
