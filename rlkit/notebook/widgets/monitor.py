"""TrainingMonitor: a training that is watched, paused, changed, kept and stopped by hand."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np

import rlkit
from rlkit.display.html import Markup
from rlkit.display.note import collected
from rlkit.display.progress import progress_bar
from rlkit.display.svg import Series
from rlkit.errors import TrainingError
from rlkit.models.base import ModelBase
from rlkit.notebook.widgets.curve import Curve
from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.message import Message
from rlkit.notebook.widgets.naming import name_for
from rlkit.notebook.widgets.pausing import PauseButton
from rlkit.notebook.widgets.spread import spread
from rlkit.notebook.widgets.ticking import Ticker
from rlkit.notebook.widgets.twin import Twinned
from rlkit.training.columns import Columns
from rlkit.training.history import OUR_COLUMNS, History
from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun
from rlkit.training.view import run_bar, run_text

CHANGEABLE = ("learning_rate", "ent_coef")
"""Hyperparameters that every update reads anew, so that they may change while a model trains."""
STOPPING = "Stopping after the update under way."
"""What is said until a training that was asked to stop has ended."""
_POINTS = 200
"""Of each line: drawing it takes as long however many updates there were."""
_SECONDS = 0.2
_NARROW = {"layout": {"width": "200px"}, "style": {"description_width": "initial"}}


class TrainingMonitor(Twinned, widgets.VBox):
    """What a training does, and buttons to pause, resume and stop it, to keep its model, and to change how it learns.

    Args:
        job: A job that has not ended, or a run that another thread drives than the one that serves the buttons.
        follow: Whether it looks by itself how far the job is; else :meth:`refresh` is called.

    Attributes:
        job: The job or the run.
        curve: Episodes, their running mean with a band, and evaluations.
        panels: Curves of the algorithm's own figures, such as losses, by name.
        settings: Boxes for what may change while it trains, by the name of the hyperparameter.
        message: What went wrong, or what was done.
    """

    _ticker: Ticker | None = None
    _has_ended = False

    def __init__(self, job: TrainingJob | TrainingRun, *, follow: bool = False) -> None:
        self.job = job
        threshold = job.history.reward_threshold
        label = "" if threshold is None else f"solved at {threshold:g}"
        self.head = widgets.HTML()
        self.curve = Curve(threshold=threshold, threshold_label=label)
        self.panels: dict[str, Curve] = {}
        self.message = Message()
        self.pause = PauseButton(job, "Wait before the next update, or go on")
        self.stop = widgets.Button(description="Stop", icon="stop", tooltip="End after the update under way")
        self.name = widgets.Text(
            name_for(job.history.title.partition(" on ")[2]),
            description="keep as",
            tooltip="Name of a model in the registry",
            **_NARROW,
        )
        self.checkpoint = widgets.Button(description="Checkpoint", icon="save", tooltip="Keep it as the next version")
        self.settings = {name: self._setting(name) for name in CHANGEABLE if self._has(name)}
        self._grid = widgets.GridBox(layout={"grid_template_columns": "repeat(auto-fill, minmax(220px, 1fr))"})
        self._figures = widgets.Accordion([self._grid], titles=("Losses and other figures",), selected_index=None)
        self._figures.observe(lambda _: self.refresh(), "selected_index")
        self.pause.on_click(lambda _: self._show_whether_it_waits())
        self.stop.on_click(lambda _: self.message.attempt(self._stop))
        self.checkpoint.on_click(lambda _: self.message.attempt(self._keep))
        controls = [self.pause, self.stop, *self.settings.values(), self.name, self.checkpoint]
        row = widgets.HBox(controls).add_class("rlkit-controls")
        super().__init__([Look().sheet(), self.head, self.curve, row, self.message, self._figures])
        self.refresh()
        if follow:
            self._ticker = Ticker(self._tick, _SECONDS)

    def close(self) -> None:
        """Take it away from all pages, and follow the job no longer."""
        if self._ticker is not None:
            self._ticker.stop()
        super().close()

    # -- what it shows -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show how far the training is. Its thread may call this, and go on meanwhile."""
        history = self.job.history
        updates, evaluations = history.updates.thinned(_POINTS), history.evaluations.snapshot()
        dots = history.episodes.thinned(_POINTS)
        self.head.value = self._bar()
        self.pause.refresh()
        self.curve.draw(
            [line for line in (_mean(updates, history), _evaluated(evaluations)) if line is not None],
            (dots.get("num_timesteps", ()), dots.get("return", ())),
            alt=f"Learning curve of {history.title}: {history.summary}",
        )
        if self._figures.selected_index is not None:  # nine curves cost as much as all the rest
            self._draw_panels(updates)

    def twin(self) -> dict[str, str]:
        """Return the bar and the curve as they are now, by MIME type."""
        return {"text/plain": self._text(), "text/html": self._bar(self.curve.picture())}

    def _bar(self, picture: str = "") -> Markup:
        """Return how far it is, or how it has ended."""
        if not self._has_ended:
            return run_bar(self.job, picture)
        job, history = self.job, self.job.history
        return progress_bar(history.title, min(job.num_timesteps / job.total_timesteps, 1.0), history.summary, picture)

    def _text(self) -> str:
        return repr(self.job.history) if self._has_ended else run_text(self.job)

    def _tick(self) -> bool:
        goes_on = isinstance(self.job, TrainingRun) or self.job.is_running
        if goes_on:
            self.refresh()
        else:
            self.end()
        return goes_on

    def end(self) -> None:
        """Say how the training has ended, and let no button be pressed any more that could do nothing."""
        self._has_ended = True
        self.refresh()
        self.message.withdraw(STOPPING)
        if self.job.history.error:
            self.message.alarm(self.job.history.error)
        for control in (self.pause, self.stop, *self.settings.values()):
            control.disabled = True
        self.checkpoint.disabled = self.job.model is None
        self.renew()

    def _draw_panels(self, updates: Columns) -> None:
        for name in updates:
            if name not in OUR_COLUMNS and name not in self.panels:
                self.panels[name] = Curve(y_label=name.replace("_", " "), bold=True, x_label="", height=120)
                self._grid.children = tuple(self.panels.values())
        for name, panel in self.panels.items():
            panel.draw([Series(updates["num_timesteps"], updates[name], _last(updates[name]))], alt=f"Curve of {name}")

    # -- what it does ------------------------------------------------------------------------------------------------

    def _show_whether_it_waits(self) -> None:
        self.head.value = self._bar()
        self.renew()

    def _stop(self) -> str:
        self.job.stop()
        self.head.value = self._bar()
        return STOPPING

    def _model(self) -> ModelBase:
        model: ModelBase | None = self.job.model
        if model is None:
            raise TrainingError("Nothing holds the model any more.", "A variable would have kept it.")
        return model

    def _keep(self) -> str:
        with collected() as told:
            version = rlkit.register(self._model(), self.name.value.strip(), tags=["checkpoint"])
        return " ".join(told) or f"Kept as {version.ref}."

    def _has(self, name: str) -> bool:
        return name in self._model().config.hyperparameters()

    def _setting(self, name: str) -> widgets.Text:
        value = self._model().config.to_dict()[name]
        box = widgets.Text(
            str(value),
            description=name.replace("_", " "),
            continuous_update=False,
            tooltip=self._model().config.hyperparameters()[name].takes,
            **_NARROW,
        )
        box.observe(lambda change: self.message.attempt(lambda: self._change(name, change["new"])), "value")
        return box

    def _change(self, name: str, typed: str) -> str:
        model = self._model()
        config_class = type(model.config)
        meant = config_class.read_block({name: typed})
        model.reconfigure(**meant)
        return f"{name} is {model.config.to_dict()[name]} from the next update on."


def _last(values: Any) -> str:
    known = values[np.isfinite(values)]
    return f"{known[-1]:.3g}" if len(known) else ""


def _mean(updates: Any, history: History) -> Series | None:
    """Return the mean return with a band of one standard deviation of the last 100 episodes around it."""
    means = updates.get("mean_return", np.empty(0))
    known = means[np.isfinite(means)]
    if not len(known):
        return None
    steps = updates["num_timesteps"]
    around = spread(steps, history.episodes.snapshot())
    return Series(steps, means, f"mean {known[-1]:.4g}", means - around, means + around)


def _evaluated(evaluations: Any) -> Series | None:
    if not evaluations.num_rows:
        return None
    steps, means, std = (evaluations[name] for name in ("num_timesteps", "mean_return", "std_return"))
    return Series(steps, means, f"evaluated {means[-1]:.4g}", means - std, means + std)
