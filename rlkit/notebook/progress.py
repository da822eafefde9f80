"""Progress of a training run in a notebook: a bar while it runs, one line of figures when it is done."""

from __future__ import annotations

import math
import time

from IPython.display import DisplayHandle, display

from rlkit.display import html, text
from rlkit.display.progress import progress_bar
from rlkit.training.callbacks import Callback, Update
from rlkit.training.run import TrainingRun

# Often enough to look alive, seldom enough to cost nothing: a display update takes 0.6 ms.
_SECONDS_BETWEEN_UPDATES = 0.15


class NotebookProgress(Callback):
    """A progress bar in the output of the cell, which leaves its last figures in the saved notebook."""

    def on_start(self, run: TrainingRun) -> None:
        """Show an empty bar."""
        self._shown = 0.0
        self._line = ""
        handle = display({}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        assert handle is not None  # noqa: S101 - a display id was asked for
        self._handle: DisplayHandle = handle
        self._show(run, 0.0, "starting")

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Draw the bar as far as the run is."""
        self._line = _figures(update)
        now = time.perf_counter()
        if now - self._shown >= _SECONDS_BETWEEN_UPDATES:
            self._shown = now
            self._show(run, update.num_timesteps / update.total_timesteps, self._line)

    def on_end(self, run: TrainingRun) -> None:
        """Leave what was reached."""
        # The bar has done its work: what it came to is one quiet line, above the curve or on its own.
        title, figures = run.history.title, run.history.summary
        data = {"text/plain": f"{title}: {figures}", "text/html": html.muted(f"{title}: {figures}")}
        self._handle.update(data, raw=True)  # type: ignore[no-untyped-call]

    def _show(self, run: TrainingRun, part: float, line: str) -> None:
        part = min(part, 1.0)
        title = run.history.title
        data = {"text/plain": f"{title} {part:4.0%} {line}", "text/html": progress_bar(title, part, line)}
        self._handle.update(data, raw=True)  # type: ignore[no-untyped-call]


def _figures(update: Update) -> str:
    left = update.seconds * (update.total_timesteps / update.num_timesteps - 1)
    figures = [
        f"{text.number(update.num_timesteps)} of {text.number(update.total_timesteps)} steps",
        f"{text.number(round(update.steps_per_second))} steps/s",
        f"{text.duration(max(left, 0.0))} left",
    ]
    if not math.isnan(update.mean_return):
        figures.append(f"mean return {text.number(update.mean_return)}")
    return " · ".join(figures)
