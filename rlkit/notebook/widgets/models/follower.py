"""Follower: notices what other programs change in a registry, at next to no cost."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Hashable

from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry

THREAD = "rlkit-follower"
_SECONDS = 1.0
_SHARE = 0.01
"""Of a processor's time, that looking takes at most: of ten thousand models it looks less often."""


class Follower:
    """Calls back when a registry has changed, whichever program changed it.

    Its thread ends by itself when nobody holds the follower any more.

    Args:
        registry: The registry.
        changed: Called then, in any thread.
    """

    def __init__(self, registry: ModelRegistry, changed: Callable[[], object]) -> None:
        self._registry = registry
        self._changed = changed
        self._guard = threading.Lock()
        self._token = self._ask()
        self._stop: threading.Event | None = None

    @property
    def follows(self) -> bool:
        """Whether it looks by itself now."""
        return self._stop is not None

    def look(self) -> None:
        """Look whether something has changed since it last looked, and call back if so."""
        with self._guard:
            before, self._token = self._token, self._ask()
            changed = self._token != before
        if changed:
            self._changed()

    def _ask(self) -> Hashable:
        try:
            return self._registry.folder.is_dir(), self._registry.change_token()
        except (OSError, StoreError) as error:  # it cannot be read now: that is a state, too
            return str(error)

    def start(self) -> None:
        """Look every second from now on, in a thread of its own."""
        if self._stop is None:
            stop = self._stop = threading.Event()
            thread = threading.Thread(target=_follow, args=(weakref.ref(self), stop), name=THREAD, daemon=True)
            with contextlib.suppress(RuntimeError):  # in a browser Python has no threads: it looks only when asked
                thread.start()

    def stop(self) -> None:
        """Look no longer."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None


def _follow(reference: weakref.ref[Follower], stop: threading.Event) -> None:
    pause = _SECONDS
    while not stop.wait(pause):
        follower = reference()
        if follower is None:
            return
        begun = time.thread_time()
        follower.look()
        pause = max(_SECONDS, (time.thread_time() - begun) / _SHARE)
        del follower  # else nobody but this thread would hold it
