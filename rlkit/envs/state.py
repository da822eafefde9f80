"""The state of environments whose episodes can go on in another process: Gymnasium's classic control and toy text."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs import classic_control, toy_text
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

_FAMILIES = (classic_control.__name__, toy_text.__name__)
"""Their environments keep all that an episode depends on in plain attributes and one generator."""
_HARMLESS = (OrderEnforcing, PassiveEnvChecker, TimeLimit)
_NUMBERS = (bool, int, float, str, np.integer, np.floating, np.bool_, type(None))


def read_generator(generator: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator as plain data."""
    return dict(generator.bit_generator.state)


def write_generator(generator: np.random.Generator, state: Mapping[str, Any]) -> np.random.Generator:
    """Give a generator the state that :func:`read_generator` returned, and return it.

    Raises:
        ValueError: It is the state of another kind of generator, or of none.
    """
    try:
        generator.bit_generator.state = dict(state)
        is_taken = generator.bit_generator.state == state  # NumPy cuts 1.5 to 1
    except (KeyError, TypeError, OverflowError) as error:
        message = f"not the state of a generator: {error!r}"
        raise ValueError(message) from None
    if not is_taken:
        message = "not the state of a generator: it becomes another one"
        raise ValueError(message)
    return generator


def get_env_state(env: gymnasium.Env[Any, Any]) -> dict[str, Any] | None:
    """Return all that the rest of an episode depends on as plain data; None where that is not known.

    Args:
        env: A single environment in the middle of an episode.
    """
    limits: list[int | None] = []
    while isinstance(env, gymnasium.Wrapper):
        if type(env) not in _HARMLESS:
            return None
        if isinstance(env, TimeLimit):
            limits.append(env._elapsed_steps)  # noqa: SLF001 - said nowhere else
        env = env.env
    if not type(env).__module__.startswith(_FAMILIES) or env._np_random is None:  # noqa: SLF001 - without making one
        return None
    values = {name: value for name, value in vars(env).items() if _is_plain(value) and name != "render_mode"}
    return {"values": copy.deepcopy(values), "limits": limits, "generator": read_generator(env.np_random)}


def set_env_state(env: gymnasium.Env[Any, Any], state: Mapping[str, Any]) -> None:
    """Take the state that :func:`get_env_state` returned of an environment of the same kind.

    Raises:
        ValueError: It does not fit.
    """
    env.reset(seed=0)
    known = get_env_state(env)
    if known is None or set(known["values"]) - set(state["values"]) or len(known["limits"]) != len(state["limits"]):
        message = f"not the state of {env}"
        raise ValueError(message)
    limits = iter(state["limits"])
    layer: Any = env
    while isinstance(layer, gymnasium.Wrapper):
        if isinstance(layer, TimeLimit):
            elapsed = next(limits)
            if not _is_like(elapsed, 0) or elapsed < 0:
                message = f"not the state of {env}: it has taken no number of steps"
                raise ValueError(message)
            vars(layer)["_elapsed_steps"] = int(elapsed)
        layer = layer.env
    write_generator(layer.np_random, state["generator"])
    for name, usual in known["values"].items():  # no others: a file may name anything
        value = state["values"][name]
        if not _is_like(value, usual):
            message = f"not the state of {env}: {name} is of another kind"
            raise ValueError(message)
    for name, usual in known["values"].items():
        value = state["values"][name]
        setattr(layer, name, tuple(value) if isinstance(usual, tuple) else copy.copy(value))


def _is_like(value: Any, usual: Any) -> bool:
    """Whether a saved attribute of an environment can stand in the place of the one that it has after a reset."""
    if isinstance(usual, list):  # a hand of cards, say
        return isinstance(value, list) and _is_plain(value)
    if isinstance(usual, np.ndarray | tuple):  # a state may be an array after a reset, and a tuple after a step
        numbers, due = np.asarray(value), np.asarray(usual)
        fits = numbers.shape == due.shape and numbers.dtype.kind in "biuf" and due.dtype.kind in "biuf"
        return fits and bool((np.isfinite(numbers) | ~np.isfinite(due)).all())
    if usual is None:
        return _is_plain(value)
    if not isinstance(value, next(kinds for kinds in _KINDS if isinstance(usual, kinds))):
        return False
    number: Any = 0 if isinstance(value, str) else value
    return bool(abs(number) < _LARGEST or number == usual)


_KINDS: tuple[tuple[type, ...], ...] = (
    (bool, np.bool_),
    (str,),
    (int, np.integer),
    (int, float, np.integer, np.floating),
)
_LARGEST = 2**63


def _is_plain(value: object) -> bool:
    """Whether a value is numbers and text alone, and so a copy that codecs can write."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, _NUMBERS)
