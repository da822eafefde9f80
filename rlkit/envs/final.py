"""The last observation of an episode, which a vector environment gives in ``info["final_obs"]``.

An environment may return the same array in each step. Where a vector environment resets it before anybody has copied
that array, the final observation is the first one of the next episode.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from rlkit.envs.spaces import Features, Space
from rlkit.envs.workers import run_in_workers
from rlkit.errors import EnvironmentContractError, warn_caller

_REMEDY = (
    "Let its environments return a new array in each step: return observation.copy(), ...; or let it copy what it puts "
    "into info['final_obs'] before it resets."
)
_ENOUGH = 3
"""Truncated episodes that end with what the next one begins with, until it is taken for no coincidence."""


def copy_final_observations(env: VectorEnv[Any, Any, Any]) -> None:
    """Let a vector environment in same-step mode copy final observations before it resets.

    Args:
        env: The vector environment, which is changed. Gymnasium's own can be; others where they fill their info with
            ``VectorEnv._add_info``.
    """
    base = env.unwrapped
    if not isinstance(base, AsyncVectorEnv):
        vars(base).setdefault("_add_info", _CopyingInfo(base))
    else:
        run_in_workers(base, _copy_in_worker)


class _CopyingInfo:
    """Takes the place of ``VectorEnv._add_info``, to which an ended episode is told before its environment is reset."""

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self.env = env

    def __call__(self, vector_infos: dict[str, Any], env_info: dict[str, Any], env_num: int) -> dict[str, Any]:
        if "final_obs" in env_info:
            env_info = {**env_info, "final_obs": copy.deepcopy(env_info["final_obs"])}
        return type(self.env)._add_info(self.env, vector_infos, env_info, env_num)  # noqa: SLF001 - a hook of theirs


def _copy_in_worker(env: Any) -> None:
    """Wrap the step of the environment in a worker process: no command of a worker reaches it."""
    if env is not None and not isinstance(vars(env).get("step"), _CopyingStep):
        env.step = _CopyingStep(env.step)


class _CopyingStep:
    """Steps an environment and copies the observation that ends an episode."""

    def __init__(self, step: Callable[[Any], Any]) -> None:
        self.step = step

    def __call__(self, action: Any) -> Any:
        result = self.step(action)
        observation, reward, terminated, truncated, info = result
        if terminated or truncated:
            return copy.deepcopy(observation), reward, terminated, truncated, info
        return result


def final_observation(space: Space, given: Any, i: int, num_envs: int) -> Any:
    """Return the final observation of one environment.

    Args:
        space: Space of one environment's observations.
        given: ``info["final_obs"]``: one observation for each environment, in an array or a list; of a Dict or Tuple
            space also a dict or tuple of batched arrays.
        i: Which environment.
        num_envs: How many there are.

    Raises:
        EnvironmentContractError: It has neither form.
    """
    try:
        if _is_batch(space, given, num_envs):
            return _row(space, given, i, num_envs)
        if len(given) == num_envs:
            return given[i]
    except (KeyError, IndexError, TypeError):
        pass
    raise EnvironmentContractError(
        f"The vector environment gave info['final_obs'] = {given!r:.200}.",
        f"In same-step mode it must hold one observation for each of the {num_envs} environments, the last of its "
        "episode where one ended; for a Dict space it may be a dict of arrays, each with one row an environment.",
    )


def _is_batch(space: Space, given: Any, num_envs: int) -> bool:
    """Whether there is one batch for each part of the space, not one observation for each environment."""
    if isinstance(space, spaces.Dict):
        return isinstance(given, Mapping) and given.keys() == space.spaces.keys()
    if isinstance(space, spaces.Tuple) and isinstance(given, tuple) and len(given) == len(space.spaces):
        return len(given) != num_envs or not any(isinstance(each, tuple | list) for each in given)
    return False


def _row(space: Space, batch: Any, i: int, num_envs: int) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: _row(part, batch[key], i, num_envs) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_row(part, each, i, num_envs) for part, each in zip(space.spaces, batch, strict=True))
    if len(batch) != num_envs:
        raise IndexError
    return batch[i]


class OverwrittenObservations:
    """Looks for final observations that were overwritten by a reset."""

    def __init__(self) -> None:
        self._coincidences = 0
        self._is_sure = False

    def check(self, given: Any, observations: Any, cut_off: NDArray[np.intp]) -> None:
        """Refuse final observations in the memory of those that the step returned, which hold the first of the next.

        Args:
            given: ``info["final_obs"]``.
            observations: What the step returned.
            cut_off: The environments whose episode was truncated: of a terminated one the final state has no value.

        Raises:
            EnvironmentContractError: They share memory.
        """
        finals = [given] if not _is_objects(given) else [given[i] for i in cut_off]
        returned = list(_arrays(observations))
        if any(_shared(final, other) for final in _arrays(finals) for other in returned):
            problem = "The vector environment's info['final_obs'] shares memory with the observations after the reset."
            raise EnvironmentContractError(problem, _REMEDY)

    def look(self, previous: Features, final: Features, begun: Features, ended: Any, cut_off: Any) -> None:
        """Warn where all truncated episodes end with what the next one begins with.

        Args:
            previous: Features before the step, ``(num_envs, size)``.
            final: Features of final observations, likewise.
            begun: Features after the reset, likewise.
            ended: The environments whose episode ended.
            cut_off: Those of them whose episode was truncated.
        """
        if self._is_sure:
            return
        if (final[ended] != begun[ended]).any():
            self._is_sure = True
            return
        self._coincidences += int((previous[cut_off] != begun[cut_off]).any(axis=1).sum())
        if self._coincidences >= _ENOUGH:
            self._is_sure = True
            told = "The vector environment's final observations are those after the reset, in every truncated episode"
            warn_caller(f"{told}: the reset seems to overwrite them. {_REMEDY}")


def _is_objects(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object)


def _arrays(value: Any) -> Iterator[NDArray[Any]]:
    """Yield the arrays in an observation, or in a container of them."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _arrays(part)
    elif _is_objects(value):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, np.ndarray):
        yield value


def _shared(one: NDArray[Any], other: NDArray[Any]) -> bool:
    try:
        return bool(np.shares_memory(one, other, max_work=1000))  # type: ignore[arg-type] # any number, says NumPy
    except RuntimeError:  # strides so entangled that it would take long to tell
        return False
