"""CreatePanel: choose an algorithm, an environment and hyperparameters by hand; create, train, evaluate and keep."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import ipywidgets
from traitlets import Any as AnyTrait

import rlkit
from rlkit.display.note import collected
from rlkit.envs import EnvironmentSource
from rlkit.errors import ConfigError, TrainingError
from rlkit.factory import factory
from rlkit.models.base import ModelBase
from rlkit.notebook.widgets.form import ConfigForm
from rlkit.notebook.widgets.live import MonitorInside
from rlkit.notebook.widgets.message import Message
from rlkit.notebook.widgets.monitor import STOPPING
from rlkit.notebook.widgets.naming import name_for
from rlkit.notebook.widgets.twin import Twinned
from rlkit.training.jobs import TrainingJob
from rlkit.verbs.parser import parse_whole_number

_EPISODES = 100
_LABELS = {"description_width": "90px"}

Assign = Callable[[str, object], None]


class CreatePanel(Twinned, ipywidgets.VBox):
    """All that it takes from an idea to a kept model, by hand.

    Args:
        algorithm: What to begin with.
        env_id: Gymnasium id of the environment to begin with.
        assign: Puts a model into a variable of the notebook; without it there is no box for its name.
        variable: Name of that variable to begin with.
        seed: Seed to begin with; None to draw one.

    Attributes:
        model: The model that was created, or None.
        job: Its training, if it was started.
        form: Its hyperparameters.
        problem: What is wrong with the environment, below its box.
        message: What was done, or what was wrong and what would be right.

    Raises:
        UnknownAlgorithmError: There is no such algorithm.
        UnknownEnvironmentError: There is no such environment.
    """

    model = AnyTrait(None, allow_none=True)

    def __init__(
        self,
        algorithm: str = "ppo",
        env_id: str | None = "CartPole-v1",
        assign: Assign | None = None,
        *,
        variable: str = "agent",
        seed: int | None = None,
    ) -> None:
        self._assign = assign
        self.job: TrainingJob | None = None
        if env_id is not None:
            EnvironmentSource(env_id)  # says which is nearest, where there is none
        self.form = ConfigForm(algorithm, env_id)
        self.algorithm = ipywidgets.Dropdown(
            options=factory.names(), value=algorithm, description="algorithm", style=_LABELS
        )
        ids = [each.id for each in rlkit.environments() if each.is_available]
        self.environment = ipywidgets.Combobox(
            options=ids, value=env_id or "", description="environment", continuous_update=False, style=_LABELS
        )
        self.seed = _box("seed", "" if seed is None else str(seed), placeholder="drawn")
        self.variable = _box("variable", variable)
        self.steps = _box("steps", placeholder="from config")
        self.name = _box("name", placeholder=name_for(env_id or ""))
        self.problem = Message()
        self.message = Message()
        self.shown = ipywidgets.VBox()
        self.buttons = {
            "Create": self._button("Create", "plus", "Make a new model of these settings", self._create),
            "Train": self._button("Train", "play", "Train it, while the notebook stays free", self._train),
            "Stop": self._button("Stop", "stop", "End the training after the update under way", self._stop),
            "Evaluate": self._button("Evaluate", "check", "Play 100 episodes that it has never seen", self._evaluate),
            "Save": self._button("Save", "save", "Keep it as the next version of the name", self._save),
        }
        for box in (self.algorithm, self.environment):
            box.observe(lambda _: self.problem.attempt(self._choose), "value")
        self.form.observe(self._renew_all, "config")
        self.observe(lambda _: self._enable(), "model")
        super().__init__(
            [
                ipywidgets.HBox([self.algorithm, self.environment]).add_class("rlkit-choices"),
                self.problem,
                self.form,
                self._actions(),
                self.message,
                self.shown,
            ]
        )
        self._enable()

    def _renew_all(self, _: object) -> None:
        """Take notice of other settings, or of the end of a training."""
        self._enable()
        self.renew()

    def _end_training(self, job: TrainingJob) -> None:
        self.message.withdraw(STOPPING)
        self._renew_all(job)

    def _actions(self) -> ipywidgets.GridBox:
        """Return boxes and buttons: a row for each thing to do, in the order in which they are done."""
        variable = ipywidgets.Label() if self._assign is None else self.variable
        rows = [
            (self.seed, variable, ("Create",)),
            (self.steps, ipywidgets.Label(), ("Train", "Stop", "Evaluate")),
            (self.name, ipywidgets.Label(), ("Save",)),
        ]
        cells = []
        for first, second, names in rows:
            buttons = ipywidgets.HBox([self.buttons[name] for name in names])
            cells += [first, second, buttons.add_class("rlkit-buttons")]
        return ipywidgets.GridBox(cells).add_class("rlkit-steps")

    def _button(self, name: str, icon: str, tooltip: str, action: Callable[[], str]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=name, icon=icon, tooltip=tooltip)
        button.on_click(lambda _: self._attempt(action))
        return button

    def _attempt(self, action: Callable[[], str]) -> None:
        self.message.attempt(action)
        self._enable()

    def _enable(self) -> None:
        """Let those buttons be pressed that can do something now."""
        trains = self.job is not None and self.job.is_running
        can = {
            "Create": self.form.config is not None,
            "Train": self.model is not None and not trains,
            "Stop": trains,
            "Evaluate": self.model is not None,
            "Save": self.model is not None,
        }
        for name, button in self.buttons.items():
            button.disabled = not can[name]

    # -- what the buttons do -----------------------------------------------------------------------------------------

    def _choose(self) -> str:
        self.message.clear()  # it was said of another choice
        env_id = self.environment.value.strip() or None
        self.form.choose(self.algorithm.value, self.form.env_id)  # whatever is wrong with the environment
        if env_id is not None:
            EnvironmentSource(env_id)
        self.form.choose(self.algorithm.value, env_id)
        return ""

    def _create(self) -> str:
        if self.form.config is None:
            raise ConfigError("A setting is wrong.", "It says so beside itself.")
        seed = _whole("seed", self.seed.value)
        model = factory.create_from_config(
            self.algorithm.value, self.form.config, self.environment.value.strip() or None, seed=seed
        )
        where = "panel.model"
        if self._assign is not None:
            where = self.variable.value.strip()
            self._assign(where, model)
        self.name.placeholder = name_for(model.env_name)
        before, self.model, self.job = self.job, model, None
        self._show(model)
        goes_on = f" {before} goes on: %rl_ui monitor {before.number}" if before and before.is_running else ""
        return f"Created: it is in {where}.{goes_on}"

    def _created(self) -> ModelBase:
        if self.model is None:
            raise TrainingError("There is no model yet.", "Press Create first.")
        model: ModelBase = self.model
        return model

    def _train(self) -> str:
        steps = _whole("steps", self.steps.value)
        model = self._created()

        def place(widget: ipywidgets.Widget) -> None:
            if self.model is model:  # else there is a new one, and this training is not shown any more
                self._place(widget)

        self.job = model.train_in_background(steps, progress=MonitorInside(place, self._end_training))
        return ""

    def _stop(self) -> str:
        if self.job is not None:
            self.job.stop()
        return STOPPING

    def _evaluate(self) -> str:
        model = self._created()
        self.message.tell(f"Playing {_EPISODES} episodes \N{HORIZONTAL ELLIPSIS}")
        result = model.evaluate(_EPISODES)
        if self.job is None or not self.job.is_running:
            self._show(result)
        return f"Mean return {result.mean:.4g} ± {result.std:.4g} over {result.episodes} episodes."

    def _save(self) -> str:
        name = self.name.value.strip() or self.name.placeholder
        with collected() as told:
            version = rlkit.register(self._created(), name)
        return " ".join(told) or f"Kept as {version.ref}."

    def _show(self, value: Any) -> None:
        self._place(ipywidgets.HTML(str(value._repr_html_())))

    def _place(self, widget: ipywidgets.Widget) -> None:
        if self.shown.children != (widget,):
            self.shown.children = (widget,)
            self.renew()

    # -- where widgets do not show -----------------------------------------------------------------------------------

    def twin(self) -> dict[str, str]:
        """Return the settings, and what is shown of the model, by MIME type."""
        settings = self.form.twin()
        cards = [shown.value for shown in self.shown.children if isinstance(shown, ipywidgets.HTML)]
        return {**settings, "text/html": "".join([settings["text/html"], *cards])}


def _box(description: str, value: str = "", **traits: Any) -> ipywidgets.Text:
    """Return a box to type into, which is heard of when that is finished."""
    return ipywidgets.Text(value, description=description, style=_LABELS, continuous_update=False, **traits)


def _whole(name: str, typed: str) -> int | None:
    """Return the whole number in a box; None where it is empty.

    Raises:
        ConfigError: It is something else.
    """
    if not typed.strip():
        return None
    try:
        return parse_whole_number(typed)
    except argparse.ArgumentTypeError as error:
        raise ConfigError(f"{name}: {error}.", "Or leave it empty.") from None
