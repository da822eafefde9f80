"""What rlkit needs of an environment, checked before its first step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
from gymnasium import wrappers
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv, VectorWrapper
from gymnasium.wrappers import vector as vector_wrappers

from rlkit.errors import EnvironmentContractError

_NORMALIZE_OBSERVATIONS = (wrappers.NormalizeObservation, vector_wrappers.NormalizeObservation)
_NORMALIZE_REWARDS = (wrappers.NormalizeReward, vector_wrappers.NormalizeReward)


def check_not_normalized(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> None:
    """Refuse Gymnasium's wrappers that normalize by running statistics.

    The statistics are part of the environment: a model is saved without them, and each environment, also one for
    evaluation, has its own. A wrapper whose statistics are fixed (``update_running_mean = False``) is a
    transformation like any other.

    Args:
        env: An environment or a vector environment. The processes of an ``AsyncVectorEnv`` are asked.

    Raises:
        EnvironmentContractError: There is such a wrapper, anywhere in the chain.
    """
    found = set(_normalizing(env))
    if found:
        names = " and ".join(sorted(f"Normalize{part}" for part in found))
        value = "True" if len(found) > 1 else {"Observation": '"observations"', "Reward": '"rewards"'}[min(found)]
        raise EnvironmentContractError(
            f"The environment {env} is wrapped in {names}, whose running statistics are not saved with a model and "
            "differ between training and evaluation.",
            f"Leave the wrapper out and create the model with normalize={value}.",
        )


def _normalizing(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Iterator[str]:
    """Yield what wrappers normalize: ``"Observation"``, ``"Reward"``."""
    layer: Any = env
    while True:
        if getattr(layer, "update_running_mean", True):
            if isinstance(layer, _NORMALIZE_OBSERVATIONS):
                yield "Observation"
            elif isinstance(layer, _NORMALIZE_REWARDS):
                yield "Reward"
        if not isinstance(layer, gymnasium.Wrapper | VectorWrapper):
            break
        layer = layer.env
    if isinstance(layer, SyncVectorEnv):
        for each in layer.envs:
            yield from _normalizing(each)
    elif isinstance(layer, AsyncVectorEnv) and is_running(layer):
        yield from _normalizing_in_workers(layer)


_STATISTICS = {"Observation": "obs_rms", "Reward": "return_rms"}


def _normalizing_in_workers(env: AsyncVectorEnv) -> Iterator[str]:
    """Ask the processes, which cannot send their environments themselves."""
    updating = env.call("has_wrapper_attr", "update_running_mean")
    found = [part for part, name in _STATISTICS.items() if any(env.call("has_wrapper_attr", name))]
    # Where there are both wrappers, the attribute of the outer one hides that of the other.
    if any(updating) and (len(found) > 1 or not all(updating) or any(env.get_attr("update_running_mean"))):
        yield from found


def is_running(env: AsyncVectorEnv) -> bool:
    """Whether all processes of a vector environment are there to be asked."""
    return not env.closed and None not in env.parent_pipes and all(process.is_alive() for process in env.processes)
