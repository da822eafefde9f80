"""What rlkit needs of an environment, checked before its first step."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import gymnasium
from gymnasium import wrappers
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv, VectorWrapper
from gymnasium.wrappers import vector as vector_wrappers

from rlkit.envs.workers import is_running
from rlkit.errors import EnvironmentContractError

_NORMALIZE_OBSERVATIONS = (wrappers.NormalizeObservation, vector_wrappers.NormalizeObservation)
_NORMALIZE_REWARDS = (wrappers.NormalizeReward, vector_wrappers.NormalizeReward)


def check_environment(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> None:
    """Refuse an environment that cannot be trained in, without a step in it.

    Args:
        env: An environment or a vector environment.

    Raises:
        EnvironmentContractError: Its ``reset`` or ``step`` cannot be called as Gymnasium calls them, or a wrapper
            normalizes by running statistics.
    """
    check_methods(env)
    check_not_normalized(env)


def check_methods(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any], *keywords: str) -> None:
    """Refuse a ``reset`` or ``step`` that does not take what it is called with; its signature says so.

    Args:
        env: An environment or a vector environment.
        keywords: What ``reset`` is called with, besides ``seed``. Gymnasium's wrappers and vector environments call
            that of the environment inside with ``options``, too.

    Raises:
        EnvironmentContractError: One does not; what it raises itself when it is called is its own affair.
    """
    _check_reset(env, "seed", *keywords)
    _check_step(env)


def _check_reset(env: Any, *keywords: str) -> None:
    _check_call(env, "reset", dict.fromkeys(keywords), "def reset(self, *, seed=None, options=None)")
    for inside in _called_by_gymnasium(env, "reset"):
        _check_reset(inside, "seed", "options")


def _check_step(env: Any) -> None:
    _check_call(env, "step", {}, "def step(self, action)", None)
    for inside in _called_by_gymnasium(env, "step"):
        _check_step(inside)


def _called_by_gymnasium(env: Any, method: str) -> list[Any]:
    """Return the environments inside ``env`` whose method is called by that of ``env``, which is Gymnasium's own."""
    if not str(getattr(getattr(type(env), method), "__module__", "")).startswith("gymnasium."):
        return []
    if isinstance(env, SyncVectorEnv):
        return list(env.envs)
    return [env.env] if isinstance(env, gymnasium.Wrapper | VectorWrapper) else []


def _check_call(env: Any, method: str, keywords: dict[str, None], right: str, *arguments: None) -> None:
    try:
        signature = inspect.signature(getattr(env, method))
    except (TypeError, ValueError):  # it does not say what it takes
        return
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        called = f"{type(env).__name__}.{method}{signature}"
        problem = f"{called} cannot be called as Gymnasium does: {error}."
        raise EnvironmentContractError(problem, f"Define it as {right}.") from None


def explain_worker(env: VectorEnv[Any, Any, Any], error: Exception) -> None:
    """Look for the reason of an error in a worker process, in an environment that is made for this.

    Raises:
        EnvironmentContractError: Its ``reset`` or ``step`` does not take what it is called with.
    """
    base = env.unwrapped
    if not isinstance(base, AsyncVectorEnv) or not isinstance(error, TypeError):
        return
    made = None
    with contextlib.suppress(Exception):  # the error is raised as it is
        made = base.env_fns[0]()
    if made is not None:
        made.close()
        check_methods(made, "options")


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
