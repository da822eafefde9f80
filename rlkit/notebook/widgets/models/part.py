"""Part: what the parts of the model browser have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets

from rlkit.forks import Guard
from rlkit.notebook.widgets.look import Look
from rlkit.registry import ModelRegistry


class Part(ipywidgets.VBox):
    """A part that shows something of a registry. By itself it brings its style sheet along.

    Args:
        registry: Where the models are.
        look: What it shares with the parts around it; None for a part by itself.
    """

    def __init__(self, registry: ModelRegistry, look: Look | None = None) -> None:
        self.registry = registry
        self._guard = Guard()  # what others change is shown by another thread than that which serves a click
        self._alone = look is None
        self._look = look or Look()
        super().__init__(layout=self._look.shown)

    def _fill(self, name: str, children: Sequence[ipywidgets.Widget]) -> None:
        """Put widgets inside, below the style sheet where that is needed."""
        self.children = [*([self._look.sheet()] if self._alone else []), *children]
        self._dom_classes = ("rlkit-part", name)

    def _framed(self, widget: ipywidgets.DOMWidget) -> ipywidgets.DOMWidget:
        """Return a box around an anywidget, which cannot be hidden itself: it takes no notice of its layout."""
        return self._look.make(ipywidgets.VBox, "rlkit-frame", children=[widget])

    def _row(self, *children: ipywidgets.Widget) -> ipywidgets.DOMWidget:
        return self._look.make(ipywidgets.HBox, "rlkit-row", children=children)

    def _button(self, label: str, tooltip: str, action: Callable[[], object], *classes: str) -> ipywidgets.DOMWidget:
        button = self._look.make(ipywidgets.Button, *classes, description=label, tooltip=tooltip)
        button.on_click(lambda _: action())
        return button

    def _show(self, widget: ipywidgets.DOMWidget, *, shown: bool) -> None:
        widget.layout = self._look.layout(shown=shown)
