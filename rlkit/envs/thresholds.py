"""Where an environment counts as solved: Gymnasium's thresholds, and the environments to which they apply."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorActionWrapper, VectorEnv, VectorWrapper
from gymnasium.vector.vector_env import VectorObservationWrapper
from gymnasium.wrappers import OrderEnforcing, TimeLimit

from rlkit.envs.ids import split_id

Environment = gymnasium.Env[Any, Any]

_VECTOR_ONLY = ("num_envs", "vectorization_mode", "vector_kwargs", "wrappers")
"""Arguments of ``gymnasium.make_vec`` alone, which it records beside those of the environment."""

_PASSING = (
    gymnasium.Wrapper.step,
    gymnasium.ObservationWrapper.step,
    gymnasium.ActionWrapper.step,
    VectorWrapper.step,
    VectorObservationWrapper.step,
    VectorActionWrapper.step,
)
"""Steps of wrappers that return reward and end of the environment inside. A subclass may have another of its own."""

_HARMLESS = {
    "DictInfoToList",
    "FrameStackObservation",
    "HumanRendering",
    "NormalizeObservation",
    "OrderEnforcing",
    "PassiveEnvChecker",
    "RecordEpisodeStatistics",
    "RecordVideo",
    "RenderCollection",
    "TimeAwareObservation",
}
"""Gymnasium's own wrappers that have a step of their own and change neither rewards nor the end of an episode."""


def reward_threshold(env_id: str | None, env_kwargs: Mapping[str, Any] | None = None) -> float | None:
    """Return the mean return from which an environment counts as solved.

    Args:
        env_id: Its Gymnasium id.
        env_kwargs: Keyword arguments that it is made with.

    Returns:
        The threshold of the id; None where Gymnasium knows none, or where an argument may change rewards, dynamics or
        the time limit, so that returns do not compare.
    """
    spec = gymnasium.registry.get(split_id(env_id)[1]) if env_id is not None else None
    if spec is None or spec.reward_threshold is None:
        return None
    kwargs = dict(env_kwargs or {})
    limit = kwargs.pop("max_episode_steps", spec.max_episode_steps)
    applies = _same_limit(limit, spec) and _are_standard(kwargs, spec)
    return float(spec.reward_threshold) if applies else None


def threshold_of(env: Environment) -> float | None:
    """Return the mean return from which an environment that is already made counts as solved.

    Returns:
        The threshold of its spec; None where it has none, or where an argument, a wrapper or another time limit
        changes what returns mean.
    """
    spec: EnvSpec | None = env.unwrapped.spec
    if spec is None or spec.reward_threshold is None:
        return None
    registered = gymnasium.registry.get(spec.id, spec)
    own = [wrapper.entry_point for wrapper in registered.additional_wrappers]
    limit = None
    while isinstance(env, gymnasium.Wrapper):
        entry_point = f"{type(env).__module__}:{type(env).__name__}"
        if type(env) is TimeLimit:
            limit = min(env._max_episode_steps, limit or env._max_episode_steps)  # noqa: SLF001 - it has no name for it
        elif entry_point in own:
            own.remove(entry_point)
        elif not _leaves_rewards(env):
            return None
        if type(env) is OrderEnforcing:  # what is inside of it comes from the entry point of the spec
            break
        env = env.env
    applies = _same_limit(limit, registered) and _are_standard(spec.kwargs, registered)
    return float(spec.reward_threshold) if applies else None


def threshold_of_vector(env: VectorEnv[Any, Any, Any]) -> float | None:
    """Return the mean return from which each environment of a vector environment counts as solved.

    Returns:
        The threshold of its spec; None where it has none, or where returns do not compare: see :func:`threshold_of`.
    """
    spec = env.spec
    if spec is None or spec.reward_threshold is None:
        return None
    base = env
    while isinstance(base, VectorWrapper):
        if not _leaves_rewards(base):
            return None
        base = base.env
    if isinstance(base, SyncVectorEnv):
        thresholds = {threshold_of(each) for each in base.envs}
        return thresholds.pop() if len(thresholds) == 1 else None
    if isinstance(base, AsyncVectorEnv):  # its environments are in other processes: look at one like them
        made = base.env_fns[0]()
        made.close()
        return threshold_of(made)
    return reward_threshold(spec.id, kwargs_of(spec))


def time_limit(env: Environment) -> int | None:
    """Return the steps after which wrappers of an environment cut off an episode; None where none does."""
    limit = None
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, TimeLimit):
            limit = min(env._max_episode_steps, limit or env._max_episode_steps)  # noqa: SLF001 - as above
        env = env.env
    return limit


def kwargs_of(spec: EnvSpec) -> dict[str, Any]:
    """Return the keyword arguments with which ``gymnasium.make`` makes, from the id, what ``spec`` describes."""
    kwargs = {name: value for name, value in spec.kwargs.items() if name not in _VECTOR_ONLY}
    registered = gymnasium.registry.get(spec.id)
    if registered is not None and spec.max_episode_steps != registered.max_episode_steps:
        kwargs["max_episode_steps"] = -1 if spec.max_episode_steps is None else spec.max_episode_steps
    return kwargs


def _leaves_rewards(wrapper: Any) -> bool:
    """Whether a wrapper is known to change neither rewards nor the end of an episode."""
    kind = type(wrapper)
    if kind.__module__.startswith("gymnasium.wrappers.") and kind.__name__ in _HARMLESS:
        return True
    return kind.step in _PASSING


def _same_limit(limit: int | None, spec: EnvSpec) -> bool:
    return (None if limit == -1 else limit) == spec.max_episode_steps


def _are_standard(kwargs: Mapping[str, Any], spec: EnvSpec) -> bool:
    """Whether keyword arguments make what the id alone makes, apart from how it is drawn."""
    return all(
        name in ("render_mode", *_VECTOR_ONLY) or _is_default(name, value, spec) for name, value in kwargs.items()
    )


def _is_default(name: str, value: Any, spec: EnvSpec) -> bool:
    try:
        if name in spec.kwargs:
            return bool(value == spec.kwargs[name])
        entry_point = spec.entry_point
        creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
        assert creator is not None  # noqa: S101 - it was made
        return bool(value == inspect.signature(creator).parameters[name].default)
    except Exception:  # noqa: BLE001 - an array compares to one, and a package may not be there
        return False
