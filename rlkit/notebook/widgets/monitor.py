"""TrainingMonitor: a training in the background, to be watched, paused, changed, kept and stopped by hand."""

from __future__ import annotations

import re
from typing import Any

import ipywidgets as widgets
import numpy as np

import rlkit
from rlkit.display.svg import Series
from rlkit.models.base import ModelBase
from rlkit.notebook.widgets.curve import Curve
from rlkit.notebook.widgets.message import Message
from rlkit.training.columns import Columns
from rlkit.training.history import OUR_COLUMNS
from rlkit.training.jobs import TrainingJob
from rlkit.training.view import run_bar

CHANGEABLE = ("learning_rate", "ent_coef")
"""Hyperparameters that every update reads anew, so that they may change while a model trains."""
_WINDOW = 100


class TrainingMonitor(widgets.VBox):
    """What a job does, and buttons to pause, resume and stop it, to keep its model, and to change how it learns.

    Args:
        job: A job that has not ended.

    Attributes:
        job: The job.
        curve: Episodes, their running mean with a band, and evaluations.
        panels: Curves of the algorithm's own figures, such as losses, by name.
        settings: Boxes for what may change while it trains, by the name of the hyperparameter.
        message: What went wrong, or what was done.
    """

    def __init__(self, job: TrainingJob) -> None:
        self.job = job
        threshold = job.history.reward_threshold
        label = "" if threshold is None else f"solved at {threshold:g}"
        self.head = widgets.HTML()
        self.curve = Curve(threshold=threshold, threshold_label=label)
        self.panels: dict[str, Curve] = {}
        self.message = Message()
        self.pause = widgets.ToggleButton(description="Pause", icon="pause", tooltip="Wait before the next update")
        self.stop = widgets.Button(description="Stop", icon="stop", tooltip="End after the update under way")
        self.name = widgets.Text(_name_for(job.title), description="Keep as", tooltip="Name of a model in the registry")
        self.checkpoint = widgets.Button(description="Checkpoint", icon="save", tooltip="Keep it as the next version")
        self.settings = {name: self._setting(name) for name in CHANGEABLE if self._has(name)}
        self._grid = widgets.GridBox(layout={"grid_template_columns": "repeat(auto-fill, minmax(220px, 1fr))"})
        self._figures = widgets.Accordion([self._grid], titles=("Losses and other figures",), selected_index=None)
        self._figures.observe(lambda _: self.refresh(), "selected_index")
        self.pause.observe(self._pause, "value")
        self.stop.on_click(lambda _: job.stop())
        self.checkpoint.on_click(lambda _: self.message.attempt(self._keep))
        buttons = widgets.HBox([self.pause, self.stop, *self.settings.values()])
        keeping = widgets.HBox([self.name, self.checkpoint])
        super().__init__([self.head, self.curve, buttons, keeping, self.message, self._figures])
        self.refresh()

    # -- what it shows -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show how far the job is. Its thread may call this, and go on meanwhile."""
        history = self.job.history
        episodes, updates, evaluations = (
            columns.snapshot() for columns in (history.episodes, history.updates, history.evaluations)
        )
        self.head.value = run_bar(self.job)
        self.curve.draw(
            [line for line in (_mean(updates, episodes), _evaluated(evaluations)) if line is not None],
            (episodes.get("num_timesteps", ()), episodes.get("return", ())),
            alt=f"Learning curve of {history.title}: {history.summary}",
        )
        if self._figures.selected_index is not None:  # nine curves cost as much as all the rest
            self._draw_panels(updates)

    def _draw_panels(self, updates: Columns) -> None:
        for name in updates:
            if name not in OUR_COLUMNS and name not in self.panels:
                self.panels[name] = Curve(y_label=name.replace("_", " "), bold=True, x_label="", height=120)
                self._grid.children = tuple(self.panels.values())
        for name, panel in self.panels.items():
            panel.draw([Series(updates["num_timesteps"], updates[name], _last(updates[name]))], alt=f"Curve of {name}")

    # -- what it does ------------------------------------------------------------------------------------------------

    def _pause(self, change: Any) -> None:
        if change["new"]:
            self.job.pause()
        else:
            self.job.resume()
        self.pause.description, self.pause.icon = ("Resume", "play") if change["new"] else ("Pause", "pause")

    def _model(self) -> ModelBase:
        model: ModelBase = self.job.model
        return model

    def _keep(self) -> str:
        return f"Kept as {rlkit.register(self._model(), self.name.value.strip(), tags=['checkpoint']).ref}."

    def _has(self, name: str) -> bool:
        return name in self._model().config.hyperparameters()

    def _setting(self, name: str) -> widgets.Text:
        value = self._model().config.to_dict()[name]
        box = widgets.Text(
            str(value),
            description=name.replace("_", " "),
            continuous_update=False,
            tooltip=self._model().config.hyperparameters()[name].takes,
            layout={"width": "240px"},
            style={"description_width": "initial"},
        )
        box.observe(lambda change: self.message.attempt(lambda: self._change(name, change["new"])), "value")
        return box

    def _change(self, name: str, typed: str) -> str:
        model = self._model()
        config_class = type(model.config)
        meant = config_class.read_block({name: typed})
        with model.paused():
            model.config = model.config.replace(**meant)
        return f"{name} is {model.config.to_dict()[name]} from the next update on."


def _name_for(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.partition(" on ")[2].lower()).strip("-") or "model"


def _last(values: Any) -> str:
    known = values[np.isfinite(values)]
    return f"{known[-1]:.3g}" if len(known) else ""


def _mean(updates: Any, episodes: Any) -> Series | None:
    """Return the mean return with a band of one standard deviation of the last 100 episodes around it."""
    if "mean_return" not in updates:
        return None
    steps, means = updates["num_timesteps"], updates["mean_return"]
    known = means[np.isfinite(means)]
    if not len(known):
        return None
    spread = _spread(steps, episodes)
    return Series(steps, means, f"mean {known[-1]:.4g}", means - spread, means + spread)


def _spread(steps: Any, episodes: Any) -> Any:
    """Return the standard deviation of the last 100 returns at each of some environment steps, of shape (n,)."""
    returns = episodes["return"]
    ended = np.searchsorted(episodes["num_timesteps"], steps, side="right")
    sums, squares = (np.concatenate([[0.0], np.cumsum(returns**power)]) for power in (1, 2))
    first = np.maximum(ended - _WINDOW, 0)
    count = np.maximum(ended - first, 1)
    mean = (sums[ended] - sums[first]) / count
    return np.sqrt(np.maximum((squares[ended] - squares[first]) / count - mean**2, 0.0))


def _evaluated(evaluations: Any) -> Series | None:
    if not evaluations.num_rows:
        return None
    steps, means, spread = (evaluations[name] for name in ("num_timesteps", "mean_return", "std_return"))
    return Series(steps, means, f"evaluated {means[-1]:.4g}", means - spread, means + spread)
