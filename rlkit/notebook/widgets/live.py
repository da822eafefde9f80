"""A training's monitor, in the output of a cell or inside another widget; its card stands there when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import Context, copy_context

import ipywidgets

from rlkit.notebook.progress import NotebookProgress, bundle
from rlkit.notebook.widgets.look import close
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.notebook.widgets.subshell import ask_for_subshell, subshell_context
from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun

_SECONDS_WITHOUT = 0.5
"""A training that is shorter shows no buttons."""
_SECONDS_TO_PRESS = 2.0
"""Nor does one that is over so soon."""
_SECONDS_TO_APPEAR = 1.0
"""What a page takes to show a widget: one that is taken away before that makes JupyterLab complain."""

_left: list[ipywidgets.Widget] = []
"""Monitors that nothing shows any more. A page that takes one away complains where its model goes first: so they are
closed when the next one opens."""


class MonitorProgress(NotebookProgress):
    """The display of a training with buttons, once it is clear that there is time to press one.

    A cell that trains in the foreground has them where the page sends clicks to a thread of their own; elsewhere they
    would be answered when the cell has ended.
    """

    _monitor: TrainingMonitor | None = None
    _placed: ipywidgets.Widget
    _context: Context
    _appeared: float

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card, which needs no kernel."""
        self.attempt(self._take_away)
        super().close(job)

    def on_start(self, run: TrainingRun) -> None:
        """Show an empty bar."""
        self._monitor = None
        super().on_start(run)

    def on_end(self, run: TrainingRun) -> None:
        """Leave the card of the history; where a job drives the run, when that has ended."""
        if self._job is None:
            self.attempt(self._take_away)
        super().on_end(run)

    def _take_away(self) -> None:
        if self._monitor is None:
            return
        self._context.run(self._monitor.end)  # a page that was loaded anew meanwhile goes on showing it
        time.sleep(max(0.0, self._appeared + _SECONDS_TO_APPEAR - time.monotonic()))
        if self._placed not in _left:  # whoever waits for a job comes here again
            _left.append(self._placed)

    def _show(self, run: TrainingRun) -> None:
        if self._monitor is not None:
            self._context.run(self._monitor.refresh)
            return
        super()._show(run)
        context = self._context_for_widgets() if _takes_longer(run) else None
        if context is not None:
            self._context = context
            self._monitor = context.run(_new_monitor, self._job or run)
            self._placed = context.run(self._put, self._monitor, self._view(run))
            self._appeared = time.monotonic()

    def _context_for_widgets(self) -> Context | None:
        """Return the context in which the monitor answers; None where it would not, at least not yet."""
        if self._job is not None:
            return copy_context()
        ask_for_subshell()
        return subshell_context()

    def _put(self, monitor: TrainingMonitor, twin: dict[str, str]) -> ipywidgets.Widget:
        """Show the monitor; where widgets do not show, what the training had come to by now stands there.

        Returns:
            What is to be closed when it shows no more.
        """
        frame = monitor.framed()
        self._send({**frame._repr_mimebundle_(), **twin})
        return frame


def _new_monitor(trains: TrainingJob | TrainingRun) -> TrainingMonitor:
    while _left:
        close(_left.pop())
    return TrainingMonitor(trains)


def _takes_longer(run: TrainingRun) -> bool:
    left = run.seconds * (run.total_timesteps / max(run.num_timesteps, 1) - 1)
    return run.seconds > _SECONDS_WITHOUT and left > _SECONDS_TO_PRESS


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

    def _put(self, monitor: TrainingMonitor, twin: dict[str, str]) -> ipywidgets.Widget:
        self._place(monitor)
        return monitor


class ProgressCaptured(MonitorInside):
    """The same inside an ``ipywidgets.Output``, which drops updates of what it has captured: those of a widget arrive.

    Args:
        quiet: Called with what shows the same as this.
        buttons: Whether there are buttons.
    """

    def __init__(self, quiet: Callable[[object], None], *, buttons: bool) -> None:
        super().__init__(self._fill, lambda _: None)
        self._quiet = quiet
        self._buttons = buttons

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card, also where nothing captures it and no widget shows."""
        super().close(job)
        self.attempt(lambda: self._update(bundle(job)))

    def on_end(self, run: TrainingRun) -> None:
        """Leave the card of the history likewise; where a job drives the run, when that has ended."""
        is_job = self._job is not None
        super().on_end(run)
        if not is_job:
            self.attempt(lambda: self._update(bundle(run.history)))

    def _update(self, data: dict[str, str]) -> None:
        super(MonitorProgress, self)._send(data)

    def _begin(self, data: dict[str, str], *same: object) -> None:
        self._box = ipywidgets.Box()
        super()._begin(data)
        super(MonitorProgress, self)._begin({**self._box._repr_mimebundle_(), **data}, *same)

    def _fill(self, widget: ipywidgets.Widget) -> None:
        if self._box.children != (widget,):
            self._box.children = (widget,)

    def _show(self, run: TrainingRun) -> None:
        if self._buttons:
            super()._show(run)
        else:
            super(MonitorProgress, self)._show(run)
