"""RunsMonitor: several trainings in one picture, for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import ipywidgets as widgets
import numpy as np
from traitlets import Unicode, observe, validate

from rlkit.display import html, text
from rlkit.display.marks import PALETTE
from rlkit.display.svg import Series
from rlkit.errors import TrainingError, did_you_mean
from rlkit.forks import Guard
from rlkit.notebook.widgets.curve import Curve
from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.notebook.widgets.pausing import PauseButton
from rlkit.notebook.widgets.spread import spread
from rlkit.notebook.widgets.ticking import Ticker
from rlkit.notebook.widgets.twin import Twinned
from rlkit.training.history import OUR_COLUMNS
from rlkit.training.jobs import JobList, TrainingJob, jobs

_SECONDS = 0.25
_POINTS = 200
_MOST_DIFFERENCES = 5
_MOST_BANDS = 4
"""More of them cover each other, and the lines."""
_POSITIONS = {"environment steps": "num_timesteps", "seconds": "seconds"}
_RETURN = "mean_return"


class RunsMonitor(Twinned, widgets.VBox):
    """The curves of several jobs in one picture, which move while they train, and buttons for each job.

    Args:
        followed: Jobs, which may have ended; each is shown once.

    Attributes:
        jobs: The jobs.
        metric: What is drawn: ``"mean_return"``, or a column of the updates such as ``"entropy"``.
        over: What it is drawn over: ``"environment steps"`` or ``"seconds"``.
        curve: The picture.
        rows: What is known of each job, with its buttons.

    Raises:
        TrainingError: There is no job.
    """

    metric = Unicode(_RETURN)
    over = Unicode("environment steps")

    _ticker: Ticker | None = None

    def __init__(self, followed: Sequence[TrainingJob]) -> None:
        if not followed:
            raise TrainingError("There is no training to follow.", "Start one: %rl_train agent --background")
        self.jobs = JobList(dict.fromkeys(followed))
        self._drawing = Guard()  # a thread must not finish an outdated curve after a newer one
        self.curve = Curve(height=300)
        colours = cycle(PALETTE)
        self.rows = [RunRow(job, next(colours), self._differences(job)) for job in self.jobs]
        self._metrics = widgets.Dropdown(options=[_RETURN], description="Show")
        self._overs = widgets.Dropdown(options=list(_POSITIONS), description="over")
        choices = widgets.HBox([self._metrics, self._overs]).add_class("rlkit-controls")
        rows = widgets.VBox(self.rows).add_class("rlkit-runs")
        super().__init__([Look().sheet(), choices, self.curve, rows])
        widgets.link((self, "metric"), (self._metrics, "value"))
        widgets.link((self, "over"), (self._overs, "value"))
        self.refresh()
        self._ticker = Ticker(self.refresh, _SECONDS)

    def close(self) -> None:
        """Take it away from all pages, and follow the jobs no longer."""
        if self._ticker is not None:
            self._ticker.stop()
        super().close()

    def refresh(self) -> bool:
        """Show how far the jobs are, and say whether one of them goes on. Any thread may call this."""
        goes_on = any(job.is_running for job in self.jobs)  # before it is drawn: the last picture is whole
        self._offer()
        self._draw()
        for row in self.rows:
            row.refresh()
        if not goes_on:
            self.renew()
        return goes_on

    def twin(self) -> dict[str, str]:
        """Return the picture and a table of the jobs, by MIME type."""
        table = self.jobs._repr_html_()
        return {"text/plain": repr(self.jobs), "text/html": f"{self.curve.picture()}{table}"}

    # -- what is drawn -----------------------------------------------------------------------------------------------

    def _offer(self) -> None:
        """Offer what the algorithms tell of by now."""
        names = dict.fromkeys(name for job in self.jobs for name in job.history.updates.snapshot())
        known = (_RETURN, *(name for name in names if name not in OUR_COLUMNS))
        if known != self._metrics.options:
            self._metrics.options = known

    @observe("metric", "over")
    def _choose(self, _: object) -> None:
        self._draw()

    @validate("metric")
    def _check_metric(self, proposal: Any) -> Any:
        known = self._metrics.options
        if proposal["value"] not in known:
            raise TrainingError(f"No run tells of {proposal['value']!r}.", did_you_mean(proposal["value"], known))
        return proposal["value"]

    @validate("over")
    def _check_over(self, proposal: Any) -> Any:
        if proposal["value"] not in _POSITIONS:
            raise TrainingError(
                f"over = {proposal['value']!r} is not allowed.", f"Choose from {', '.join(_POSITIONS)}."
            )
        return proposal["value"]

    def _draw(self) -> None:
        told = ", ".join(f"{row.name}: {row.job.title}" for row in self.rows)
        with self._drawing.lock:
            self.curve.x_label = self.over
            self.curve.y_label = self.metric.replace("_", " ")
            self.curve.draw(list(self._lines()), alt=f"Curves of {self.curve.y_label} of {told}")

    def _lines(self) -> Iterator[Series]:
        for row in self.rows:
            updates = row.job.history.updates.thinned(_POINTS)
            if self.metric not in updates:
                yield Series((), (), row.name)
                continue
            values = updates[self.metric]
            known = values[np.isfinite(values)]
            label = f"{row.name} {text.number(known[-1])}" if len(known) else row.name
            band: tuple[Any, Any] = (None, None)
            if self.metric == _RETURN and len(self.rows) <= _MOST_BANDS:
                around = spread(updates["num_timesteps"], row.job.history.episodes.snapshot())
                band = (values - around, values + around)
            yield Series(updates[_POSITIONS[self.over]], values, label, *band)

    def _differences(self, job: TrainingJob) -> str:
        """Return those hyperparameters of a job that others of the same algorithm have otherwise."""
        if job.model is None:
            return ""
        own = job.model.config
        others = [other.model.config for other in self.jobs if other.model is not None]
        diff = [name for other in others if type(other) is type(own) for name in own.diff(other)]
        names = list(dict.fromkeys(diff))
        said = ", ".join(f"{name} {text.literal(own.to_dict()[name])}" for name in names[:_MOST_DIFFERENCES])
        return said + (f" and {len(names) - _MOST_DIFFERENCES} more" if len(names) > _MOST_DIFFERENCES else "")


class RunRow(widgets.HBox):
    """One of several jobs: its colour, how far it is, and buttons to pause and stop it.

    Args:
        job: The job.
        colour: Of its line.
        note: What tells it from the others.

    Attributes:
        job: The job.
        name: Short name, of its line.
    """

    def __init__(self, job: TrainingJob, colour: str, note: str) -> None:
        self.job = job
        self.name = f"#{job.number}"
        self._colour = colour
        self._note = note
        self._said = widgets.HTML()
        self.pause = PauseButton(job, f"Let job {job.number} wait before the next update, or go on")
        self.stop = widgets.Button(
            description="Stop", icon="stop", tooltip=f"End job {job.number} after the update under way"
        )
        self.pause.on_click(lambda _: self.refresh())
        self.stop.on_click(lambda _: job.stop())
        super().__init__([self.pause, self.stop, self._said])
        self.add_class("rlkit-run")
        self.refresh()

    def refresh(self) -> None:
        """Show how far the job is."""
        job = self.job
        self.pause.refresh()
        self.pause.disabled = self.stop.disabled = not job.is_running
        history = job.history
        parts = [job.status, f"{text.number(job.num_timesteps)} of {text.number(job.total_timesteps)} steps"]
        if job.seconds:
            parts.append(f"{text.number(round(job.num_timesteps / job.seconds))} steps/s")
        if history.episodes.num_rows:
            parts.append(f"mean return {text.number(history.mean_return)}")
        if history.error:
            parts.append(history.error.partition("\n")[0])
        swatch = f'<span style="color:{self._colour}">\N{BLACK SQUARE}</span>'
        title = html.plain(f"{self.name} {job.title}")
        self._said.value = f"{swatch} <strong>{title}</strong> {html.plain(self._note)} {html.muted(' · '.join(parts))}"


def monitor_of(followed: Sequence[TrainingJob]) -> TrainingMonitor | RunsMonitor:
    """Return what shows jobs: one that goes on with all its buttons, several or ended ones in one picture.

    Args:
        followed: Jobs; where there are none, all that go on, else the newest.

    Raises:
        TrainingError: There is no job.
    """
    shown = list(dict.fromkeys(followed)) or [job for job in jobs() if job.is_running] or jobs()[-1:]
    if len(shown) == 1 and shown[0].is_running and shown[0].model is not None:
        return TrainingMonitor(shown[0], follow=True)
    return RunsMonitor(shown)
