"""Controls: what a person moves, ticks and types to say one value, by the kind of the hyperparameter.

A control does not judge: it says what was entered, right or wrong, and shows what it is told to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import ipywidgets
from traitlets import Any as AnyTrait, HasTraits

from rlkit.config import Hyperparameter
from rlkit.config.files import parse_value
from rlkit.display import text
from rlkit.notebook.widgets.look import Look, labelled
from rlkit.notebook.widgets.slider import Slider
from rlkit.notebook.widgets.spans import span_of
from rlkit.notebook.widgets.writing import compact

_FIRST_LAYER = 64
"""Units of a layer that is added where there is none."""


class Control(HasTraits):
    """Base of all controls: a box for any text.

    Args:
        field: What is known of the hyperparameter.
        default: Its default as plain data.
        look: What it shares with others.

    Attributes:
        raw: What was entered: text, a choice, True or False, or None for unset.
        box: The widget with the label.
        unset: Ticked for None; None where a value is needed.
        parts: All widgets, in the order of the Tab key.
    """

    raw = AnyTrait()
    box_class: ClassVar[type] = ipywidgets.Text

    def __init__(self, field: Hyperparameter, default: object, look: Look) -> None:
        super().__init__()
        self.field = field
        self._look = look
        self._showing = False
        self._last: Any = None
        self.box = look.make(self.box_class, "rlkit-entry", **self._label(default), **self._settings())
        self.box.observe(self._enter, "value")
        self.parts = [self.box, *self._others(default)]
        self.unset = self._optional() if field.optional else None

    def _label(self, default: object) -> dict[str, object]:
        """Return traits that give the box its label. A hook."""
        return labelled(self.field.name, tooltip(self.field, default))

    def _settings(self) -> dict[str, Any]:
        """Return other traits of the box. A hook."""
        return {"continuous_update": False}

    def _others(self, default: object) -> list[ipywidgets.Widget]:
        """Return the widgets beside the box. A hook."""
        return []

    def _optional(self) -> ipywidgets.Checkbox:
        unset = self._look.make(ipywidgets.Checkbox, "rlkit-unset", description="unset", indent=False)
        unset.observe(self._toggle, "value")
        self.parts.append(unset)
        return unset

    def show(self, value: Any) -> None:
        """Show a value, which is then what was entered.

        Args:
            value: Plain data, right for the hyperparameter.
        """
        with self._quietly():
            if self.unset is not None:
                self.unset.value = value is None
            if value is not None:
                self._last = value
            self._show(value)
            self._enable()
        self.raw = value

    def _show(self, value: Any) -> None:
        """Show a value, or None, in the widgets. A hook."""
        self.box.value = "" if value is None else str(value)

    def _entered(self) -> Any:
        """Return what the widgets say. A hook."""
        return self.box.value

    def _enter(self, _: object = None) -> None:
        if not self._showing:
            self.raw = None if self.unset is not None and self.unset.value else self._entered()

    def _toggle(self, _: object) -> None:
        if self._showing:
            return
        if not self.unset.value:  # type: ignore[union-attr] # only observed where there is one
            with self._quietly():
                self._show(self._last)
        self._enable()
        self._enter()

    def _enable(self) -> None:
        for part in self.parts:
            if part is not self.unset:
                part.disabled = self.unset is not None and self.unset.value

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Change widgets without taking that for something entered."""
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before


class CheckControl(Control):
    """A box to tick."""

    box_class = ipywidgets.Checkbox

    def _label(self, default: object) -> dict[str, object]:
        # ipywidgets makes a tooltip of a tick box's description, elements and all.
        return {"description": self.field.name}

    def _settings(self) -> dict[str, Any]:
        return {"indent": False}

    def _show(self, value: Any) -> None:
        self.box.value = bool(value)


class ChoiceControl(Control):
    """A list to choose from."""

    box_class = ipywidgets.Dropdown

    def _settings(self) -> dict[str, Any]:
        return {"options": self.field.choices}

    def _show(self, value: Any) -> None:
        if value is not None:
            self.box.value = value


class NumberControl(Control):
    """A box to type a number, and a slider where there is a span worth sliding over.

    A slider stands at one of its steps. The box says the number, which may lie between two of them.
    """

    def _others(self, default: object) -> list[ipywidgets.Widget]:
        self._span = span = span_of(self.field, default)
        if span is None:
            return []
        self._last = span.rounded(span.start)  # what unsetting is undone to, until something is shown
        self.slider = self._look.make(
            Slider,
            "rlkit-slider",
            marks=[text.literal(number) for number in span.numbers()],
            place=span.place(span.start),
            label=self.field.name,
        )
        self.slider.observe(self._slide, "place")
        return [self.slider]

    def _slide(self, change: Any) -> None:
        if not self._showing:
            self.box.value = self.slider.marks[change["new"]]

    def _show(self, value: Any) -> None:
        self.box.value = "" if value is None else text.literal(value)
        if self._span is not None and value is not None:
            self.slider.place = self._span.place(value)


class ScheduleControl(NumberControl):
    """A number, and whether it stays or goes along a line to another one while the model trains."""

    def _others(self, default: object) -> list[ipywidgets.Widget]:
        name = self.field.name
        told = labelled(f"course of {name}", "Whether it stays, or goes along a line while the model trains.")
        courses = [("constant", False), ("line to", True)]
        self.shape = self._look.make(ipywidgets.Dropdown, "rlkit-second", options=courses, value=False, **told)
        told = labelled(f"end of {name}", "Its value when the last step is trained.")
        self.end = self._look.make(ipywidgets.Text, "rlkit-second", value="0", continuous_update=False, **told)
        for part in (self.shape, self.end):
            part.observe(self._enter, "value")
        self.shape.observe(lambda _: self._lay_out(), "value")
        self._lay_out()
        return [
            *super()._others(default),
            self._look.make(ipywidgets.HBox, "rlkit-course", children=[self.shape, self.end]),
        ]

    def _lay_out(self) -> None:
        self.end.layout = self._look.layout(shown=self.shape.value)

    def _show(self, value: Any) -> None:
        start, end = value, ""
        if isinstance(value, str):  # lin_START or lin_START_END
            _, start, end = f"{value}_0".split("_")[:3]
            start = float(start)
        self.shape.value = bool(end)
        self.end.value = end or "0"
        super()._show(start)

    def _enable(self) -> None:
        super()._enable()
        self.shape.disabled = self.end.disabled = self.unset is not None and self.unset.value

    def _entered(self) -> str:
        number: str = self.box.value.strip()
        if not self.shape.value or number.startswith("lin_"):
            return number
        words = ["lin", number, self.end.value.strip()]
        if words[-1] in ("", "0"):
            words.pop()
        return "_".join(word.replace("_", "") for word in words)


class SizesControl(Control):
    """A box to type layer sizes, ``64, 64`` or ``{pi: [64], vf: [64]}``, and buttons for one layer more or less."""

    def _others(self, default: object) -> list[ipywidgets.Widget]:
        self.add = self._button("+", "Add a layer, as wide as the last.", self._longer)
        self.remove = self._button("\N{MINUS SIGN}", "Remove the last layer.", lambda sizes: sizes[:-1])
        return [self._look.make(ipywidgets.HBox, "rlkit-layers", children=[self.add, self.remove])]

    def _button(self, sign: str, tooltip: str, change: Any) -> ipywidgets.Button:
        button = self._look.make(ipywidgets.Button, description=sign, tooltip=tooltip)
        button.on_click(lambda _: self._change(change))
        return button

    @staticmethod
    def _longer(sizes: list[int]) -> list[int]:
        return [*sizes, sizes[-1] if sizes else _FIRST_LAYER]

    def _change(self, change: Any) -> None:
        value = self._last or []
        changed = {part: change(sizes) for part, sizes in value.items()} if isinstance(value, dict) else change(value)
        self.box.value = _written_sizes(changed)

    def _show(self, value: Any) -> None:
        self.box.value = "" if value is None else _written_sizes(value)
        parts = value.values() if isinstance(value, dict) else [value]
        self.remove.disabled = not all(parts)

    def _enable(self) -> None:
        self.box.disabled = self.add.disabled = self.unset is not None and self.unset.value

    def _entered(self) -> Any:
        typed = self.box.value.strip()
        if not typed:  # neither None nor a network without layers
            return typed
        return parse_value(typed if typed[0] in "[{" else f"[{typed}]")


def _written_sizes(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) and value else compact(value)


def tooltip(field: Hyperparameter, default: object) -> str:
    """Return what a person should know of a hyperparameter to choose its value.

    Args:
        field: What is known of it.
        default: Its default as plain data.
    """
    unit = f" Unit: {field.unit}." if field.unit else ""
    return f"{field.meaning}\nTakes {field.takes}.{unit} Default: {text.literal(default)}."


_CONTROLS: dict[str, type[Control]] = {
    "bool": CheckControl,
    "choice": ChoiceControl,
    "float": NumberControl,
    "int": NumberControl,
    "schedule": ScheduleControl,
    "sizes": SizesControl,
    "str": Control,
}


def control_for(field: Hyperparameter, default: object, look: Look) -> Control:
    """Return the control for a hyperparameter.

    Args:
        field: What is known of it.
        default: Its default as plain data.
        look: What it shares with others.
    """
    return _CONTROLS[field.kind](field, default, look)
