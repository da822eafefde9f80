"""A job's monitor, in the output of a cell or inside another widget; its card stands there when the job has ended."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from rlkit.notebook.progress import NotebookProgress
from rlkit.notebook.widgets.look import close
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun

_left: list[TrainingMonitor] = []
"""Monitors that nothing shows any more. A page that is taking one away complains where its model goes first: so they are
closed when the next one opens."""


class MonitorProgress(NotebookProgress):
    """The display of a job with buttons. Where widgets do not show, what it had come to at its start stands there."""

    def open(self, job: TrainingJob) -> None:
        """Show the job below the cell that starts it."""
        self._job = job
        self._monitor = self._new_monitor(job)
        data = {"text/plain": repr(job), "text/html": job._repr_html_()}
        self._begin({**self._monitor._repr_mimebundle_(), **data}, job, job.history)

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card, which needs no kernel."""
        super().close(job)
        if self._monitor not in _left:  # whoever waited for the job calls this again
            _left.append(self._monitor)

    @staticmethod
    def _new_monitor(job: TrainingJob) -> TrainingMonitor:
        while _left:
            close(_left.pop())
        return TrainingMonitor(job)

    def _show(self, run: TrainingRun) -> None:
        self._monitor.refresh()


class MonitorInside(MonitorProgress):
    """The same inside another widget.

    Args:
        place: Is given the widget to show: the monitor, and when the job has ended its card.
        ended: Called when the job has ended.
    """

    def __init__(self, place: Callable[[ipywidgets.Widget], None], ended: Callable[[TrainingJob], None]) -> None:
        super().__init__()
        self._place = place
        self._ended = ended

    def open(self, job: TrainingJob) -> None:
        """Show the monitor."""
        self._job = job
        self._monitor = self._new_monitor(job)
        self._place(self._monitor)

    def close(self, job: TrainingJob) -> None:
        """Show the card instead."""
        self._place(ipywidgets.HTML(job._repr_html_()))
        _left.append(self._monitor)
        self._ended(job)
