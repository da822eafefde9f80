"""One BLAS thread while small networks train: with two, small matrix products take many times as long."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

from rlkit.forks import Guard, in_child


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks at every library loaded: milliseconds, so once


@cache
def blas_kernel() -> str:
    """Return the BLAS in use, such as ``"openblas 0.3.30 Zen"``; empty where there is none that can be asked."""
    library: dict[str, Any] = next((each for each in _controller().info() if each.get("user_api") == "blas"), {})
    return " ".join(str(library[key]) for key in ("internal_api", "version", "architecture") if library.get(key))


def _take_control() -> None:
    """Let this thread set the limit: threadpoolctl 3.8 lets one thread alone, and silently ignores all others."""
    for library in _controller().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


class _User:
    """A block inside which the limit holds."""


class _Limit:
    """A limit shared by all trainings of the process: the first sets it, the last takes it back.

    A training that Ctrl-C ends on its way out of here counts until Python forgets it; in a forked process none counts
    that goes on in its parent.
    """

    def __init__(self) -> None:
        self._guard = Guard()
        self._users: weakref.WeakSet[_User] = weakref.WeakSet()
        self._limiter: Any = None
        in_child(self._leave_to_parent)

    def _leave_to_parent(self) -> None:
        self._users.clear()  # the next block takes the limit back that a training in the parent has set

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold BLAS at one thread inside the block, in this process."""
        user = _User()
        with self._guard.lock:
            if self._limiter is None:
                _take_control()
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._users.add(user)
        try:
            yield
        finally:
            with self._guard.lock:
                self._users.discard(user)
                if self._limiter is not None and not self._users:
                    _take_control()
                    self._limiter.restore_original_limits()
                    self._limiter = None
                    _take_control()  # and leave it to any other


one_blas_thread = _Limit()
