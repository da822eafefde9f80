"""Curve: lines on a canvas that move while a model trains, with a picture of them where no script runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from numpy.typing import ArrayLike
from traitlets import Bool, Dict, Float, Int, List, Unicode

from rlkit.display import scale, scripts, svg, text
from rlkit.display.marks import PALETTE
from rlkit.display.svg import Series
from rlkit.notebook.widgets.twin import Twinned

_DOTS = 300
_LINE_POINTS = 200


class Curve(Twinned, anywidget.AnyWidget):
    """Lines over faint dots, each labelled at its end. Pointing at it tells the values there.

    Attributes:
        lines: What is drawn, as :meth:`draw` puts it there: ``name``, ``label``, ``colour`` and ``kind`` of each, and
            ``x``, ``y`` and for a band ``low`` and ``high`` as the bytes of float32 arrays.
        threshold: Value of a line of reference across the picture, or None.
        threshold_label: Written on it.
        x_label: Meaning and unit of the positions.
        y_label: Meaning and unit of the values.
        bold: Whether the latter stands as a title.
        alt: What the picture shows, for those who do not see it.
        height: Pixels down; it is as wide as its place.
    """

    _esm = scripts.joined(Path(__file__).with_name("curve.js"))

    lines = List(Dict()).tag(sync=True)
    threshold = Float(None, allow_none=True).tag(sync=True)
    threshold_label = Unicode().tag(sync=True)
    x_label = Unicode("environment steps").tag(sync=True)
    y_label = Unicode("return").tag(sync=True)
    bold = Bool(default_value=False).tag(sync=True)
    alt = Unicode("Nothing to show yet").tag(sync=True)
    height = Int(230, min=60).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._drawn: tuple[Sequence[Series], tuple[ArrayLike, ArrayLike]] = ((), ((), ()))

    def draw(self, series: Iterable[Series], points: tuple[ArrayLike, ArrayLike] = ((), ()), alt: str = "") -> None:
        """Draw lines, the most important first, over single observations.

        Args:
            series: Lines; the first word of a label names it where somebody points.
            points: Positions and values of single observations, each of shape (n,).
            alt: What the picture shows, in words.

        Raises:
            ValueError: The columns of a series differ in length.
        """
        shown = list(series)
        self._drawn = (shown, points)
        lines = [_line(one, colour) for one, colour in zip(shown, cycle(PALETTE), strict=False)]
        x, y = scale.clean(*points)
        x, y = scale.thin_points(x, y, _DOTS)
        dots = [{"kind": "dots", "name": "", "label": "", "colour": PALETTE[0], "x": _bytes(x), "y": _bytes(y)}]
        with self.hold_sync():
            self.lines = [*dots, *reversed(lines)]
            self.alt = alt or self.alt

    def picture(self) -> str:
        """Return what is drawn as an image in HTML, which needs no script."""
        series, points = self._drawn
        drawing = svg.line_chart(
            series,
            points=points,
            threshold=self.threshold,
            threshold_label=self.threshold_label,
            x_label=self.x_label,
            y_label=self.y_label,
            height=self.height,
        )
        return svg.picture(drawing, self.alt)

    def twin(self) -> dict[str, str]:
        """Return what is drawn as a picture, and what that shows in words, by MIME type."""
        return {"text/plain": text.one_line(self.alt), "text/html": self.picture()}


def _line(series: Series, colour: str) -> dict[str, Any]:
    banded = series.low is not None and series.high is not None
    low, high = (series.low, series.high) if banded else (series.y, series.y)
    columns = scale.clean(series.x, series.y, low, high)  # type: ignore[arg-type] # both or neither
    kept = scale.thin_line(columns[0], columns[1], _LINE_POINTS)
    x, y, low_edge, high_edge = (_bytes(column[kept]) for column in columns)
    line = {"kind": "line", "label": series.label, "name": series.label.partition(" ")[0], "colour": colour}
    band = {"low": low_edge, "high": high_edge} if banded else {}
    return {**line, "x": x, "y": y, **band}


def _bytes(values: ArrayLike) -> bytes:
    return np.asarray(values, "<f4").tobytes()
