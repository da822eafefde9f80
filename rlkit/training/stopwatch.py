"""Stopwatch: how long a run has trained, without the time for which it was paused."""

from __future__ import annotations

import time


class Stopwatch:
    """Counts seconds while it runs."""

    def __init__(self) -> None:
        self._counted = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """Count on from where it stands; nothing happens where it runs already."""
        if self._since is None:
            self._since = time.perf_counter()

    def stop(self) -> None:
        """Stand still."""
        self._counted = self.seconds
        self._since = None

    @property
    def seconds(self) -> float:
        """What it has counted."""
        since = self._since  # taken once: another thread may stop it meanwhile
        return self._counted + (0.0 if since is None else time.perf_counter() - since)
