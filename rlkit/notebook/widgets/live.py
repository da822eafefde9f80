"""A job's monitor, in the output of a cell or inside another widget; its card stands there when the job has ended."""

from __future__ import annotations

import time
from collections.abc import Callable

import ipywidgets

from rlkit.notebook.progress import NotebookProgress
from rlkit.notebook.widgets.look import close
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun

_SECONDS_WITHOUT = 0.5
"""A job that is shorter shows no buttons."""
_SECONDS_TO_APPEAR = 1.0
"""What a page takes to show a widget: one that is taken away before that makes JupyterLab complain."""

_left: list[TrainingMonitor] = []
"""Monitors that nothing shows any more. A page that takes one away complains where its model goes first: so they are
closed when the next one opens."""


class MonitorProgress(NotebookProgress):
    """The display of a job with buttons, once it has run for long enough to press one."""

    def open(self, job: TrainingJob) -> None:
        """Show the job below the cell that starts it."""
        super().open(job)
        self._monitor = self._new_monitor(job)
        self._opened = time.monotonic()
        self._appeared: float | None = None

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card, which needs no kernel."""
        if self._appeared is not None:
            time.sleep(max(0.0, self._appeared + _SECONDS_TO_APPEAR - time.monotonic()))
        super().close(job)
        if self._monitor not in _left:  # whoever waited for the job calls this again
            _left.append(self._monitor)

    @staticmethod
    def _new_monitor(job: TrainingJob) -> TrainingMonitor:
        while _left:
            close(_left.pop())
        return TrainingMonitor(job)

    def _show(self, run: TrainingRun) -> None:
        if self._appeared is not None:
            self._monitor.refresh()
        elif time.monotonic() - self._opened < _SECONDS_WITHOUT:
            super()._show(run)
        else:
            self._monitor.refresh()
            self._put_monitor(self._view(run))
            self._appeared = time.monotonic()

    def _put_monitor(self, twin: dict[str, str]) -> None:
        """Show the monitor; where widgets do not show, what the job had come to by now stands there."""
        self._send({**self._monitor._repr_mimebundle_(), **twin})


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

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card, and say that it has ended."""
        super().close(job)
        self._ended(job)

    def _begin(self, data: dict[str, str], *same: object) -> None:
        self._html = ipywidgets.HTML(data["text/html"])
        self._place(self._html)

    def _send(self, data: dict[str, str]) -> None:
        self._html.value = data["text/html"]
        self._place(self._html)

    def _put_monitor(self, twin: dict[str, str]) -> None:
        self._place(self._monitor)
