"""Progress of a training run in a notebook: a bar and a live curve while it runs, and then what a person keeps."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable

from IPython.display import DisplayHandle, display

from rlkit.envs import Episode
from rlkit.training.callbacks import Update
from rlkit.training.history import History
from rlkit.training.jobs import TrainingJob
from rlkit.training.progress import JobDisplay
from rlkit.training.run import TrainingRun
from rlkit.training.view import run_html, run_text

_SHARE = 0.007
"""What the display may take of the training's time by its own clock, which misses half as much again: the thread that
sends, and caches that training finds filled with other things."""
_SECONDS_BETWEEN_UPDATES = 0.1
"""At least so many: faster than this looks no more alive."""


class NotebookProgress(JobDisplay):
    """One display in the output of the cell, updated in its place, which leaves the history's card in the notebook.

    Args:
        quiet: Called with what shows the same as this: the cell need not show it again as its value.
    """

    def __init__(self, quiet: Callable[[object], None] | None = None) -> None:
        self._quiet = quiet
        self._job: TrainingJob | None = None

    def open(self, job: TrainingJob) -> None:
        """Show the job below the cell that starts it."""
        self._job = job
        self._has_failed = False
        self.attempt(lambda: self._begin(bundle(job), job, job.history))

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card."""
        self.attempt(lambda: self._send(bundle(job)))

    def on_start(self, run: TrainingRun) -> None:
        """Show an empty bar."""
        if self._job is None:
            self._has_failed = False
            self.attempt(lambda: self._begin(self._view(run), run.history))
        self._costs: deque[float] = deque(maxlen=3)
        self._due = 0.0

    def on_episode(self, run: TrainingRun, episode: Episode) -> None:
        """Draw how far the run is: some rollouts take long."""
        self._refresh(run)

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Draw how far the run is."""
        self._refresh(run)

    def on_end(self, run: TrainingRun) -> None:
        """Leave the card of the history; where a job drives the run, when that has ended."""
        if self._job is None:
            self.attempt(lambda: self._send(bundle(run.history)))
        self._job = None

    def _refresh(self, run: TrainingRun) -> None:
        started = time.perf_counter()
        if started < self._due:
            return
        self.attempt(lambda: self._show(run))
        now = time.perf_counter()
        self._costs.append(now - started)
        # Of three, so that a chance delay does not make the display stand still.
        self._due = now + max(_SECONDS_BETWEEN_UPDATES, statistics.median(self._costs) / _SHARE)

    def _show(self, run: TrainingRun) -> None:
        """Draw how far the run is, at last."""
        self._send(self._view(run))

    def _view(self, run: TrainingRun) -> dict[str, str]:
        if self._job is not None:
            return bundle(self._job)
        return {"text/plain": run_text(run), "text/html": run_html(run)}

    def _begin(self, data: dict[str, str], *same: object) -> None:
        if self._quiet is not None:
            for value in same:
                self._quiet(value)
        handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        assert handle is not None  # noqa: S101 - a display id was asked for
        self._handle: DisplayHandle = handle

    def _send(self, data: dict[str, str]) -> None:
        self._handle.update(data, raw=True)  # type: ignore[no-untyped-call]


def bundle(shown: History | TrainingJob) -> dict[str, str]:
    """Return how a history or a job is shown, by MIME type."""
    return {"text/plain": repr(shown), "text/html": shown._repr_html_()}
