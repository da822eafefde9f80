"""Follower: notices what other programs change in a registry, at next to no cost."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from rlkit.errors import StoreError
from rlkit.forks import Guard
from rlkit.notebook.widgets.ticking import Ticker
from rlkit.registry import ModelRegistry

_SECONDS = 1.0


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
        self._guard = Guard()
        self._token = self._ask()
        self._ticker: Ticker | None = None

    @property
    def follows(self) -> bool:
        """Whether it looks by itself now."""
        return self._ticker is not None

    def look(self) -> None:
        """Look whether something has changed since it last looked, and call back if so."""
        with self._guard.lock:
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
        if self._ticker is None:
            self._ticker = Ticker(self._look_again, _SECONDS)

    def stop(self) -> None:
        """Look no longer."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _look_again(self) -> bool:
        self.look()
        return True
