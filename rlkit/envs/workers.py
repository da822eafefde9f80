"""Functions that run in the worker processes of Gymnasium's ``AsyncVectorEnv``, which has no command for them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from gymnasium.vector import AsyncVectorEnv

Function = Callable[[], None]


def is_running(env: AsyncVectorEnv) -> bool:
    """Whether all processes of a vector environment are there to be asked."""
    return not env.closed and None not in env.parent_pipes and all(process.is_alive() for process in env.processes)


def run_in_workers(env: AsyncVectorEnv, function: Function) -> None:
    """Call a function of a module in every worker process, where that is possible.

    A worker unpickles the arguments of a command before it carries it out: this one asks whether there is an attribute.

    Args:
        env: The vector environment; nothing happens where its processes have ended.
        function: What to call: it is pickled by its name.
    """
    if is_running(env):
        with contextlib.suppress(Exception):  # a worker of another kind
            env.call("has_wrapper_attr", _Call(function))


class _Call:
    """Calls a function when it is unpickled, and becomes the name of an attribute."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Function]]:
        return _called, (self._function,)


def _called(function: Function) -> str:
    function()
    return "render_mode"
