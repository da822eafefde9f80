"""A part of a form that is folded away behind a button, which a keyboard reaches as a mouse does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
from traitlets import Bool, Tuple, Unicode, observe

from rlkit.notebook.widgets.look import Look


class Fold(ipywidgets.VBox):
    """Widgets behind a line that unfolds them. A page draws them when they are first unfolded.

    Args:
        look: What it shares with others.
        title: The line.
        inside: What is folded away.

    Attributes:
        title: The line.
        inside: What is folded away.
        opened: Whether the person unfolded it.
        forced: Whether it is unfolded whatever the person did, as what is searched is in it.
        toggle: The button.
        content: The place of what is folded away.
    """

    title = Unicode()
    opened = Bool(default_value=False)
    forced = Bool(default_value=False)
    inside = Tuple()

    def __init__(self, look: Look, title: str = "", inside: Sequence[ipywidgets.Widget] = ()) -> None:
        self._look = look
        self.toggle = look.make(ipywidgets.ToggleButton, "rlkit-toggle")
        self.content = look.make(ipywidgets.VBox, "rlkit-fields")
        super().__init__(layout=look.shown, children=[self.toggle, self.content])
        self._dom_classes = ("rlkit-fold",)
        self.toggle.observe(self._open, "value")
        self.title, self.inside = title, tuple(inside)
        self._draw()

    def _open(self, change: Any) -> None:
        self.opened = change["new"]

    @observe("title", "opened", "forced", "inside")
    def _draw(self, _: object = None) -> None:
        unfolded = self.opened or self.forced
        self.toggle.value = self.opened
        self.toggle.disabled = self.forced
        self.toggle.description = f"{'▾' if unfolded else '▸'} {self.title}"
        if unfolded or self.content.children:
            self.content.children = self.inside
        self.content.layout = self._look.layout(shown=unfolded)
