"""Functions that run in the worker processes of Gymnasium's ``AsyncVectorEnv``, which has no command for them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from gymnasium.vector import AsyncVectorEnv, async_vector_env

Function = Callable[[Any], None]


def is_running(env: AsyncVectorEnv) -> bool:
    """Whether all processes of a vector environment are there to be asked."""
    return not env.closed and None not in env.parent_pipes and all(process.is_alive() for process in env.processes)


def run_in_workers(env: AsyncVectorEnv, function: Function) -> None:
    """Call a function of a module in every worker process, where that is possible.

    A worker unpickles the arguments of a command before it carries it out: this one asks whether there is an attribute.

    Args:
        env: The vector environment; nothing happens where its processes have ended.
        function: What to call with the worker's environment, or with None for a worker of another kind than
            Gymnasium's. It is pickled by its name.
    """
    if is_running(env):
        with contextlib.suppress(Exception):  # a worker that knows no such command
            env.call("has_wrapper_attr", _Call(function))


class _Call:
    """Calls a function when it is unpickled, and becomes the name of an attribute."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Function]]:
        return _called, (self._function,)


def _called(function: Function) -> str:
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - a worker holds its environment in a variable alone
    while frame is not None and frame.f_code is not async_vector_env._async_worker.__code__:  # noqa: SLF001 - the same
        frame = frame.f_back
    function(frame.f_locals.get("env") if frame is not None else None)
    return "render_mode"
