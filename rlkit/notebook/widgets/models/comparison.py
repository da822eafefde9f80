"""VersionComparison: the chosen versions side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
from traitlets import List, Unicode, observe

from rlkit.display import html
from rlkit.errors import RLKitError, in_two_lines
from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.models.part import Part
from rlkit.registry import ModelRegistry


class VersionComparison(Part):
    """Versions side by side: what they reached, the hyperparameters that differ, and how they learned.

    It is not seen while there are less than two. Of two it can tell how far their parameters are apart, too: both
    models are loaded for that, when somebody asks.

    Args:
        registry: Where the models are.
        look: What it shares with the parts around it; None for a part by itself.

    Attributes:
        selected: References of the versions.
        differ: The button that asks how two differ.
    """

    selected = List(Unicode())

    def __init__(self, registry: ModelRegistry, look: Look | None = None) -> None:
        super().__init__(registry, look)
        self.page = self._look.make(ipywidgets.HTML, "rlkit-page")
        self.difference = self._look.make(ipywidgets.HTML, "rlkit-page")
        self.differ = self._button("Show how they differ", "Load both, and compare their parameters", self._tell_apart)
        self._fill("rlkit-comparison", [self.page, self.differ, self.difference])
        self.refresh()

    @observe("selected")
    def _change(self, _: object) -> None:
        self.difference.value = ""
        self.refresh()

    def refresh(self) -> None:
        """Look again at the versions: another program may have changed them."""
        with self._guard.lock:
            count = len(self.selected)
            self._show(self, shown=count > 1)
            self._show(self.differ, shown=count == 2)  # noqa: PLR2004 - only two can be told apart
            self.page.value = self._told(lambda: self.registry.compare(*self.selected)) if count > 1 else ""

    def _tell_apart(self) -> None:
        self.difference.value = self._told(lambda: self.registry.diff(*self.selected))

    @staticmethod
    def _told(ask: Callable[[], Any]) -> str:
        """Return what the registry answers as HTML, or why it does not."""
        try:
            return str(ask()._repr_html_())
        except RLKitError as error:
            return html.alarm(in_two_lines(error))
