"""VersionDetails: all that is known of one version, behind tabs that read what they show when they are opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
from traitlets import Unicode, observe

from rlkit.display import html, text
from rlkit.display.html import Markup
from rlkit.display.svg import Series
from rlkit.errors import RLKitError, in_two_lines
from rlkit.factory import factory
from rlkit.notebook.widgets.curve import Curve
from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.models.part import Part
from rlkit.registry import ModelRegistry, ModelVersion
from rlkit.registry.facts import metric_names, same


class VersionDetails(Part):
    """A version: its card, metrics, learning curve, config, and what it was trained on from.

    Args:
        registry: Where the models are.
        look: What it shares with the parts around it; None for a part by itself.

    Attributes:
        version: Its reference, or None.
        tabs: The tabs; each is read when it is opened.
        curve: Its learning curve.
    """

    version = Unicode(None, allow_none=True)

    def __init__(self, registry: ModelRegistry, look: Look | None = None) -> None:
        super().__init__(registry, look)
        make = self._look.make
        self.curve = Curve(height=260)
        self._frame = self._framed(self.curve)
        self._views: dict[str, Callable[[ModelVersion], object]] = {
            "Overview": lambda version: version._repr_html_(),
            "Metrics": _metrics,
            "Learning curve": self._draw_curve,
            "Config": _config,
            "Lineage": lambda version: registry.lineage(version.ref)._repr_html_(),
        }
        self.pages = {title: make(ipywidgets.HTML, "rlkit-page") for title in self._views}
        inside = [self._beside_curve(page) if title == "Learning curve" else page for title, page in self.pages.items()]
        self.tabs = make(ipywidgets.Tab, "rlkit-tabs", children=inside, titles=tuple(self._views), selected_index=0)
        self.tabs.observe(lambda _: self._draw(), "selected_index")
        self._fill("rlkit-details", [self.tabs])
        self.refresh()

    def _beside_curve(self, page: ipywidgets.DOMWidget) -> ipywidgets.DOMWidget:
        return self._look.make(ipywidgets.VBox, children=[page, self._frame])

    @observe("version")
    def _change(self, _: object) -> None:
        for page in self.pages.values():
            page.value = ""
        self.refresh()

    def refresh(self) -> None:
        """Look again at the version: another program may have changed it."""
        self._show(self.tabs, shown=self.version is not None)
        self._draw()

    def _draw(self) -> None:
        """Read what the open tab shows."""
        with self._guard.lock:
            if self.version is None:
                return
            title = list(self._views)[self.tabs.selected_index or 0]
            try:
                said = str(self._views[title](self.registry.get(self.version)))
            except RLKitError as error:
                said = html.alarm(in_two_lines(error))
            self.pages[title].value = said

    def _draw_curve(self, version: ModelVersion) -> Markup:
        """Draw the learning curve, and return what stands above it."""
        curve = version.learning_curve
        steps, returns = curve.get("steps", []), curve.get("mean_return", [])
        self._show(self._frame, shown=len(steps) > 1)
        if len(steps) < 2:  # noqa: PLR2004 - one point is no curve
            return html.muted(f"No learning curve of {version.ref} is recorded.")
        line = Series(steps, returns, f"mean {text.number(returns[-1])}")
        self.curve.draw([line], alt=f"Learning curve of {version.ref}")
        return Markup()


def _metrics(version: ModelVersion) -> Markup:
    metrics = version.metrics
    rows = [(name.replace("_", " "), text.number(metrics[name])) for name in metric_names([version])]
    return html.table(("metric", "value"), rows, numeric={1}) if rows else html.muted(f"{version.ref} has no metrics.")


def _config(version: ModelVersion) -> Markup:
    """Set all hyperparameters; those that are not at their default stand out."""
    defaults, meanings = _known_of(version.algorithm)
    rows = [
        (name, value, _source(value, defaults[name]) if name in defaults else "", meanings.get(name, ""))
        for name, value in version.config.items()
    ]
    return html.config_table(rows) if rows else html.muted(f"{version.ref} has no hyperparameters.")


def _source(value: object, default: object) -> str:
    return "default" if same(value, default) else "set"


def _known_of(algorithm: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return default and meaning of each hyperparameter; nothing where the algorithm is not known here."""
    try:
        config = factory.get(algorithm).Config
        return config().to_dict(), {name: field.meaning for name, field in config.hyperparameters().items()}
    except Exception:  # noqa: BLE001 - its class is not known here, or is another package's and fails in any way
        return {}, {}
