"""Ticker: calls a widget again and again while there is something new to show."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable

from rlkit.forks import in_child

_SHARE = 0.01
"""What the calls may take of a processor's time: a training goes on beside them."""


class Ticker:
    """Calls a method from a thread of its own, until it returns False or nobody holds its object any more.

    Args:
        method: A bound method without arguments, which says whether to call it again.
        seconds: Least time between two calls. What takes long is called less often.
    """

    def __init__(self, method: Callable[[], bool], seconds: float) -> None:
        self._method = weakref.WeakMethod(method)
        self._seconds = seconds
        self._ended = threading.Event()
        in_child(self._leave_to_parent)
        with contextlib.suppress(RuntimeError):  # in a browser Python has no threads: nothing ticks there
            threading.Thread(target=self._work, name=f"{method.__qualname__} of rlkit", daemon=True).start()

    def _leave_to_parent(self) -> None:
        self._ended = threading.Event()  # the thread of this one is not there in a forked process

    def stop(self) -> None:
        """End the calls."""
        self._ended.set()

    def _work(self) -> None:
        pause = self._seconds
        while not self._ended.wait(pause):
            started = time.thread_time()
            method = self._method()
            if method is None or not method():
                return
            del method  # or it would be held until the next call
            pause = max(self._seconds, (time.thread_time() - started) / _SHARE)
