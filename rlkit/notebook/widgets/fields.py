"""One hyperparameter as a small widget, made from the config class alone."""

from __future__ import annotations

from typing import Any

import ipywidgets
from traitlets import Any as AnyTrait, Bool, Unicode, observe, validate

from rlkit.config import ModelConfig
from rlkit.display import html, text
from rlkit.errors import ConfigError
from rlkit.notebook.widgets.controls import control_for, tooltip
from rlkit.notebook.widgets.look import Look


class Field(ipywidgets.Box):
    """A hyperparameter that a person can see and change.

    What is entered, :attr:`raw`, becomes :attr:`value` where it is right. Where it is not, ``value`` stays at the last
    right one, and ``error`` says why.

    Args:
        config_class: Whose hyperparameter, which judges what is entered in its own words.
        name: Of the hyperparameter.
        look: What the field shares with others, the style sheet too; its own where None.

    Attributes:
        value: Plain data, as ``ModelConfig.to_dict()`` has it. Always right by itself: setting it to anything else
            raises ConfigError.
        source: ``"caller"`` where the person changed it; else where the value comes from: ``"default"``,
            ``"preset NAME"`` or ``"adjusted"``.
        error: Why what is entered is wrong; empty where it is right.
        conflict: How the value does not go with those of other fields, which whoever knows them says.
        changed: Whether the person changed it.

    Raises:
        ConfigError: The class has no such hyperparameter.
    """

    value = AnyTrait()
    source = Unicode("default")
    error = Unicode()
    conflict = Unicode()
    changed = Bool(default_value=False)

    def __init__(self, config_class: type[ModelConfig], name: str, look: Look | None = None) -> None:
        self._judge = config_class
        self._default = config_class.read_value(name, config_class().to_dict().get(name))
        self._base = self._default
        self._base_source = "default"
        self.hyperparameter = config_class.hyperparameters()[name]
        self._look = look or Look()
        self._sheet = [self._look.sheet()] if look is None else []
        self._reset_button: ipywidgets.Button | None = None
        self._problem_line: ipywidgets.HTML | None = None
        self.control = control_for(self.hyperparameter, self._base, self._look)
        self._origin = self._look.make(ipywidgets.HTML, "rlkit-origin", value=self._said_origin())
        super().__init__(layout=self._look.shown, children=[*self.control.parts, self._origin, *self._sheet])
        self._dom_classes = self._classes()
        self.value = self._base
        self.control.show(self._base)  # None, which the trait begins with, is no change that would show it
        self.control.observe(self._entered, "raw")

    @property
    def name(self) -> str:
        """Name of the hyperparameter."""
        return self.hyperparameter.name

    @property
    def raw(self) -> Any:
        """What is entered, right or wrong."""
        return self.control.raw

    @property
    def problem(self) -> str:
        """What is wrong with it, alone or with others; empty where nothing is."""
        return self.error or self.conflict

    def begin(self, value: Any, source: str) -> None:
        """Say what the value is unless the person changes it.

        Args:
            value: Plain data.
            source: Where it comes from.
        """
        if (value, source) == (self._base, self._base_source):
            return
        self._base, self._base_source = value, source
        if not self.changed:
            self.value = value
        self._mark()
        self._dress()

    def reset(self) -> None:
        """Undo what the person changed or entered."""
        self.changed = False
        self.value = self._base
        self.control.show(self._base)
        self.error = ""

    def matches(self, words: str) -> bool:
        """Say whether name or meaning contain all of some words."""
        said = f"{self.name} {self.name.replace('_', ' ')} {self.hyperparameter.meaning}".casefold()
        return all(word in said for word in words.casefold().split())

    def _entered(self, change: Any) -> None:
        try:
            value = self._judge.read_value(self.name, change["new"])
        except ConfigError as error:
            self.error = str(error)
            return
        self.value = value
        self.control.show(value)  # as everybody would write it
        self.error = ""

    @validate("value")
    def _check(self, proposal: Any) -> Any:
        return self._judge.read_value(self.name, proposal["value"])

    @observe("value")
    def _take(self, change: Any) -> None:
        self.changed = change["new"] != self._base
        self.control.show(change["new"])
        self.error = ""

    @observe("changed")
    def _mark(self, _: object = None) -> None:
        self.source = "caller" if self.changed else self._base_source

    @observe("source", "changed", "error", "conflict")
    def _dress(self, _: object = None) -> None:
        """Show where the value comes from, a button to reset what can be, and what is wrong."""
        self._origin.value = self._said_origin()
        parts = [*self.control.parts, self._origin, *self._sheet]
        if self.changed or self.error:
            parts.append(self._button())
        if self.problem:
            parts.append(self._said_problem())
        self.children = parts
        self._dom_classes = self._classes()

    def _classes(self) -> tuple[str, ...]:
        marks = {"changed": self.changed, "default": self.source == "default"}
        names = ["field", self.hyperparameter.kind, *(name for name, holds in marks.items() if holds)]
        return tuple(f"rlkit-{name}" for name in names)

    def _said_origin(self) -> str:
        """Return the source in a word, and the meaning where there is room; a tooltip says the whole of both."""
        word = "changed" if self.changed else self.source.partition(" ")[0]
        source = html.escape(f"{word if self.changed else self.source}: {tooltip(self.hyperparameter, self._default)}")
        meaning = html.escape(self.hyperparameter.meaning)
        return (
            f'<span class="rlkit-source" title="{source}">{html.plain(word)}</span> '
            f'<span class="rlkit-meaning" title="{meaning}">{html.plain(self.hyperparameter.meaning)}</span>'
        )

    def _button(self) -> ipywidgets.Button:
        """Return the button that resets, made when there is first something to reset."""
        if self._reset_button is None:
            self._reset_button = self._look.make(ipywidgets.Button, "rlkit-reset", description="reset")
            self._reset_button.on_click(lambda _: self.reset())
        self._reset_button.tooltip = f"Set {self.name} back to {text.literal(self._base)} ({self._base_source})."
        return self._reset_button

    def _said_problem(self) -> ipywidgets.HTML:
        if self._problem_line is None:
            self._problem_line = self._look.make(ipywidgets.HTML, "rlkit-problem")
        self._problem_line.value = problem(self.problem)
        return self._problem_line


def problem(message: str) -> str:
    """Return what is wrong as HTML, which screen readers read out when it appears.

    Args:
        message: Of one or several lines; the first stands out. Empty where nothing is.
    """
    if not message:
        return ""
    first, *rest = message.split("\n")
    lines = "".join(f"<div>{html.plain(line)}</div>" for line in rest)
    return f'<div role="alert"><strong>{html.plain(first)}</strong>{lines}</div>'
