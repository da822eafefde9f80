"""One BLAS thread while small networks train: with two, small matrix products take many times as long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


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


class _Limit:
    """A limit shared by all trainings of the process: the first sets it, the last takes it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limiter: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold BLAS at one thread inside the block, in this process."""
        with self._lock:
            if self._users == 0:
                _take_control()
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    _take_control()
                    self._limiter.restore_original_limits()
                    _take_control()  # and leave it to any other


one_blas_thread = _Limit()
