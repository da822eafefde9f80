"""SVG pictures: learning curves, comparisons, histograms and rows of small panels.

Made to be shown as an image, where nothing is inherited from the page: the background is clear, and every
colour has a contrast of at least 3 to 1 on white and on a dark page alike.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np
from numpy.typing import ArrayLike

from rlkit.display import marks, scale, text
from rlkit.display.html import Markup, escape
from rlkit.display.marks import INK, PALETTE, Frame, Line
from rlkit.display.scale import Array, Axis

WIDTH = 540
HEIGHT = 220

_DOTS = 600
_LONGEST_ALT = 400  # letters
_SOLID = 3  # of the distinct colours are drawn solid, the others dashed
_LINE_POINTS = 240
_FEWEST_POINTS = 60
_MOMENTS = 20
_ALL_PANELS = 820  # pixels: fills a card
_PANEL_WIDTH, _PANEL_HEIGHT, _PANEL_GAP = 258, 112, 22


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line of a picture.

    Args:
        x: Positions, of shape (n,).
        y: Values, of shape (n,); rows with NaN or infinity are left out.
        label: Written at the end of the line, or above its panel.
        low: Lower edge of a band around the line, of shape (n,).
        high: Upper edge of the band; a band needs both.
    """

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    low: ArrayLike | None = None
    high: ArrayLike | None = None


def learning_curve(
    steps: ArrayLike,
    returns: ArrayLike,
    mean_steps: ArrayLike = (),
    mean_returns: ArrayLike = (),
    *,
    evaluated: tuple[ArrayLike, ArrayLike] = ((), ()),
    threshold: float | None = None,
    changes: Sequence[float] = (),
    title: str | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """Draw returns against environment steps: a faint dot for each episode, a bold line for their mean.

    Args:
        steps: Environment steps when each episode ended, of shape (episodes,).
        returns: Undiscounted return of each episode, of shape (episodes,).
        mean_steps: Environment steps of the rolling mean, of shape (n,).
        mean_returns: Rolling mean of the returns, of shape (n,).
        evaluated: Environment steps and mean returns of evaluations on the way, each of shape (m,).
        threshold: Return from which the environment counts as solved.
        changes: Environment steps at which hyperparameters changed: thin dotted lines upwards.
        title: Written above the picture.
        width: Pixels across.
        height: Pixels down.

    Returns:
        SVG text, under 15 KB however many episodes there are.

    Raises:
        ValueError: Steps and returns, or those of the mean, differ in length.
    """
    lines = [
        Series(x, y, f"{name} {marks.value(float(known[-1]))}" if (known := scale.clean(x, y)[1]).size else "")
        for name, (x, y) in {"mean": (mean_steps, mean_returns), "evaluated": evaluated}.items()
    ]
    return line_chart(
        [line for i, line in enumerate(lines) if not i or line.label],
        points=(steps, returns),
        threshold=threshold,
        threshold_label="" if threshold is None else f"solved at {marks.value(threshold)}",
        moments=changes,
        x_label="environment steps",
        y_label="return",
        title=title or "",
        width=width,
        height=height,
    )


def line_chart(
    series: Iterable[Series],
    *,
    points: tuple[ArrayLike, ArrayLike] = ((), ()),
    threshold: float | None = None,
    threshold_label: str = "",
    moments: Sequence[float] = (),
    x_label: str = "",
    y_label: str = "",
    title: str = "",
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """Draw lines, each labelled at its end, over optional faint dots and a dashed line of reference.

    Args:
        series: Lines, the most important first.
        points: Positions and values of single observations behind the first line.
        threshold: Value of a line of reference across the picture.
        threshold_label: Written on the line of reference.
        moments: Positions of dotted lines from bottom to top; at most 20 of them are drawn.
        x_label: Meaning and unit of the positions.
        y_label: Meaning and unit of the values.
        title: Written above the picture.
        width: Pixels across.
        height: Pixels down.

    Returns:
        SVG text.

    Raises:
        ValueError: The columns of a series differ in length.
    """
    shown = list(series)
    limit = max(_FEWEST_POINTS, min(_LINE_POINTS, 900 // max(1, len(shown))))
    lines = [_ready(one, colour, limit) for one, colour in zip(shown, cycle(PALETTE), strict=False)]
    cloud_x, cloud_y = scale.clean(*points)
    cloud = scale.thin_points(cloud_x, cloud_y, _DOTS)
    (reference,) = scale.clean([] if threshold is None else [threshold])
    if not cloud[0].size and not any(line.x.size for line in lines):
        return marks.empty(width, height, title)
    top = 9.0 + 18 * bool(title) + 19 * bool(y_label)
    ends = [line.label for line in lines if line.x.size]
    heights = [cloud[1], reference, *(edge for line in lines for edge in (line.y, *(line.band or ())))]
    frame = _frame([cloud[0], *(line.x for line in lines)], heights, (top, height - 36.0), (width, ends))
    parts = [
        marks.write(0, 13, title, weight=600, size=12),
        marks.write(0, top - 15, y_label),
        marks.grid(frame, x_label),
        marks.dots(frame, *cloud),
        *(marks.band(frame, line) for line in lines),
        *(marks.reference(frame, value, threshold_label) for value in reference.tolist()),
        marks.moments(frame, moments[:: -(-len(moments) // _MOMENTS) or 1]),
        *(marks.stroke(frame, line) for line in reversed(lines)),
        marks.end_labels(frame, lines),
    ]
    return marks.document(width, height, parts)


def overlay(
    series: Sequence[Series],
    others: Sequence[Series] = (),
    *,
    more: str = "",
    x_label: str = "",
    y_label: str = "",
    width: int = 720,
    height: int = 260,
) -> str:
    """Draw lines to be told apart by colour, dash and label, over thin grey ones that give them their surroundings.

    Args:
        series: Lines, the most important first; more than six repeat a colour.
        others: Lines without colour and label.
        more: What the grey lines are, written above them.
        x_label: Meaning and unit of the positions.
        y_label: Meaning and unit of the values.
        width: Pixels across.
        height: Pixels down.

    Returns:
        SVG text.

    Raises:
        ValueError: The columns of a series differ in length.
    """
    looks = cycle([(colour, (7, 4) * (index >= _SOLID)) for index, colour in enumerate(marks.DISTINCT)])
    limit = max(12, min(_LINE_POINTS // 2, 720 // max(1, len(series))))
    lines = [replace(_ready(one, colour, limit), dash=dash) for one, (colour, dash) in zip(series, looks, strict=False)]
    behind = [_ready(one, INK, max(12, min(40, 1200 // len(others)))) for one in others]
    shown = [line for line in (*lines, *behind) if line.x.size]
    if not shown:
        return marks.empty(width, height)
    rows, ends = (28.0, height - 36.0), [line.label for line in lines if line.x.size]
    frame = _frame((line.x for line in shown), (line.y for line in shown), rows, (width, ends))
    parts = [
        marks.write(0, 13, y_label),
        marks.write(frame.x.end, 13, more, anchor="end"),
        marks.grid(frame, x_label),
        marks.backdrop(frame, behind),
        *(marks.stroke(frame, line) for line in reversed(lines)),
        marks.end_labels(frame, lines, leaders=True),
    ]
    return marks.document(width, height, parts)


def small_multiples(panels: Iterable[Series], *, columns: int = 4, x_label: str = "") -> str:
    """Draw a row of small pictures, one for each quantity, each with its own scale.

    Args:
        panels: Quantities; the label of each is the title of its panel.
        columns: Most panels side by side; fewer where that makes the rows equally long.
        x_label: Meaning and unit of the positions, written once.

    Returns:
        SVG text.

    Raises:
        ValueError: The columns of a panel differ in length.
    """
    shown = list(panels)
    limit = max(_FEWEST_POINTS, min(_LINE_POINTS // 2, 600 // max(1, len(shown))))
    lines = [_ready(panel, PALETTE[0], limit) for panel in shown]
    if not lines:
        return marks.empty(_PANEL_WIDTH, _PANEL_HEIGHT)
    rows = math.ceil(len(lines) / columns)
    columns = math.ceil(len(lines) / rows)
    size = min(_PANEL_WIDTH, (_ALL_PANELS + _PANEL_GAP) // columns - _PANEL_GAP)
    across, down = size + _PANEL_GAP, _PANEL_HEIGHT + _PANEL_GAP
    parts = [
        f'<g transform="translate({index % columns * across} {index // columns * down})">{_panel(line, size)}</g>'
        for index, line in enumerate(lines)
    ]
    width, height = columns * across - _PANEL_GAP, rows * down - _PANEL_GAP
    parts.append(marks.write(0, height + 12, x_label and f"across: {x_label}"))
    return marks.document(width, height + 17 * bool(x_label), parts)


def histogram(values: ArrayLike, label: str = "return", *, width: int = WIDTH, height: int = 160) -> str:
    """Draw how often values occur, and where their mean stands.

    Args:
        values: Numbers of any shape; NaN and infinity are left out.
        label: What the values are.
        width: Pixels across.
        height: Pixels down.

    Returns:
        SVG text.
    """
    (numbers,) = scale.clean(values)
    if not numbers.size:
        return marks.empty(width, height)
    edges, counts = scale.bins(numbers, 24)
    low, high, most = float(edges[0]), float(edges[-1]), float(counts.max())
    y_axis = Axis(0, most * 1.08, height - 36.0, 27, max(1.0, scale.round_step(most, 3)))
    step = scale.round_step(high - low, 8)
    # The outermost labels of x stand under the corners, half of each beyond.
    beyond = max(marks.width_of(tick) for _, tick in Axis(low, high, 0, 1, step).ticks()) / 2
    left = max(9 + max(marks.width_of(tick) for _, tick in y_axis.ticks()), beyond)
    frame = Frame(Axis(low, high, left, width - max(18, beyond), step), y_axis)
    mean = float(np.sum(numbers / numbers.size))
    parts = [
        marks.write(0, 13, "count"),
        marks.grid(frame, label),
        marks.bars(frame, edges, counts),
        marks.flag(frame, mean, f"mean {marks.value(mean)}"),
    ]
    return marks.document(width, height, parts)


def picture(svg: str, alt: str, width: int | None = None, height: int | None = None) -> Markup:
    """Wrap a picture so that it survives where inline SVG does not.

    Args:
        svg: SVG text.
        alt: What the picture shows, for those who do not see it.
        width: Pixels across; by default as many as the picture has.
        height: Pixels down; given with the width, they hold the picture's place before it is read.

    Returns:
        An ``<img>`` that holds the picture and shrinks with a narrow page.
    """
    data, told = base64.b64encode(svg.encode()).decode(), escape(text.shortened(alt, _LONGEST_ALT))
    size = "".join(f' {name}="{pixels}"' for name, pixels in {"width": width, "height": height}.items() if pixels)
    style = "display:block;max-width:100%;height:auto"
    return Markup(f'<img src="data:image/svg+xml;base64,{data}" alt="{told}"{size} style="{style}">')


def _ready(series: Series, colour: str, limit: int) -> Line:
    banded = series.low is not None and series.high is not None
    low_edge = series.y if series.low is None else series.low
    high_edge = series.y if series.high is None else series.high
    x, y, low, high = scale.clean(series.x, series.y, low_edge, high_edge)
    kept = scale.thin_line(x, y, limit)
    return Line(x[kept], y[kept], (low[kept], high[kept]) if banded else None, series.label, colour)


def _frame(
    across: Iterable[Array],
    heights: Iterable[Array],
    rows: tuple[float, float],
    room: tuple[int, Iterable[str]],
) -> Frame:
    """Fit the axes between the labels of the ticks on the left and those of the lines on the right."""
    (top, bottom), (width, ends) = rows, room
    y = Axis.over(heights, bottom, top, pad=0.05, ticks=5)
    left = 9 + max((marks.width_of(tick) for _, tick in y.ticks()), default=0)
    right = width - 16 - max((marks.width_of(marks.short(label), bold=True) for label in ends), default=0)
    return Frame(Axis.over(across, left, max(right, left + 40), pad=0, ticks=6), y)


def _panel(line: Line, width: int) -> str:
    title = marks.write(0, 11, marks.short(line.label), weight=600)
    if not line.x.size:
        return title + marks.write(0, 30, "nothing to show yet")
    y = Axis.over([line.y], _PANEL_HEIGHT - 20.0, 24, pad=0.05, ticks=3)
    left = 9 + max((marks.width_of(tick) for _, tick in y.ticks()), default=0)
    frame = Frame(Axis.over([line.x], left, width - 18.0, pad=0, ticks=3), y)
    last = marks.write(width, 11, marks.value(float(line.y[-1])), anchor="end", fill=line.colour, weight=600)
    return title + last + marks.grid(frame) + marks.stroke(frame, line)
