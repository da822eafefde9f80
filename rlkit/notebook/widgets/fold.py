"""A part of a form that is folded away behind a button, which a keyboard reaches as a mouse does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
from traitlets import Bool, Unicode, observe

from rlkit.notebook.widgets.look import Look


class Fold(ipywidgets.VBox):
    """Widgets behind a line that unfolds them.

    Args:
        look: What it shares with others.
        title: The line.
        children: What is folded away.

    Attributes:
        title: The line.
        opened: Whether the person unfolded it.
        forced: Whether it is unfolded whatever the person did, as what is searched is in it.
        toggle: The button.
        content: What is folded away.
    """

    title = Unicode()
    opened = Bool(default_value=False)
    forced = Bool(default_value=False)

    def __init__(self, look: Look, title: str = "", children: Sequence[ipywidgets.Widget] = ()) -> None:
        self._look = look
        self.toggle = look.make(ipywidgets.ToggleButton, "rlkit-toggle")
        self.content = look.make(ipywidgets.VBox, "rlkit-fields", children=children)
        super().__init__(layout=look.shown, children=[self.toggle, self.content])
        self._dom_classes = ("rlkit-fold",)
        self.toggle.observe(self._open, "value")
        self.title = title
        self._draw()

    def _open(self, change: Any) -> None:
        self.opened = change["new"]

    @observe("title", "opened", "forced")
    def _draw(self, _: object = None) -> None:
        unfolded = self.opened or self.forced
        self.toggle.value = self.opened
        self.toggle.disabled = self.forced
        self.toggle.description = f"{'▾' if unfolded else '▸'} {self.title}"
        self.content.layout = self._look.layout(shown=unfolded)
