"""Slider: choose one of several marks by moving along them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Int, List, TraitError, Unicode, validate


class Slider(anywidget.AnyWidget):
    """A slider of the page's own: that of ipywidgets has no name that a screen reader could say.

    Attributes:
        marks: Words for each place where it can stand, from one end to the other; at least one.
        place: Where it stands, from 0 on.
        label: What it is for, in words.
        disabled: Whether it cannot be moved.

    Raises:
        TraitError: There is no such place.
    """

    _esm = Path(__file__).with_name("slider.js")

    marks = List(Unicode(), ["0"], minlen=1).tag(sync=True)
    place = Int(0).tag(sync=True)
    label = Unicode().tag(sync=True)
    disabled = Bool(default_value=False).tag(sync=True)

    @validate("place")
    def _check(self, proposal: Any) -> int:
        place: int = proposal["value"]
        if not 0 <= place < len(self.marks):
            raise TraitError(f"There is no place {place} among {len(self.marks)} marks.")
        return place
