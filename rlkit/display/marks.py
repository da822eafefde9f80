"""The marks that pictures are made of: lines, dots, bands, bars, grids and labels, each an SVG fragment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rlkit.display import text
from rlkit.display.html import escape
from rlkit.display.scale import Array, Axis

PALETTE = ("#2f7cd4", "#cf6a17", "#2e945c", "#9b62cf", "#d04a6b", "#0f8e9c")
DISTINCT = ("#2f7cd4", "#ff261c", "#824afd", "#2d9721", "#8b5d9c", "#9d6a50")
"""Colours that stay apart for every kind of colour blindness, and from the ink."""
INK = "#7a7a7a"  # stands out from white as much as from #111
LETTER = 6.9  # pixels: a digit of the 11 px font, in the widest of the usual fonts

_FONT = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"
_GRAIN = 4  # coordinates are whole quarters of a pixel: short to write, too fine to see
_LABEL_GAP = 13.0
_LONGEST_LABEL = 24
_FEW = 100  # fewer dots may be larger


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A series made ready to draw.

    Args:
        x: Finite positions in order, of shape (n,).
        y: Finite values, of shape (n,).
        band: Lower and upper edge around the line, each of shape (n,), or None.
        label: Short name.
        colour: Of the line and its label.
        dash: Pixels drawn and left out in turn, such as ``(7, 4)``; empty for a solid line.
    """

    x: Array
    y: Array
    band: tuple[Array, Array] | None
    label: str
    colour: str
    dash: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """The two axes of a picture.

    Args:
        x: Axis across.
        y: Axis upwards: it starts at the larger pixel.
    """

    x: Axis
    y: Axis

    def points(self, x: Array, y: Array) -> list[tuple[int, int]]:
        """Find where numbers stand.

        Args:
            x: Positions, of shape (n,).
            y: Values, of shape (n,).

        Returns:
            Whole coordinates, four to a pixel.
        """
        across, up = np.rint(self.x.place(x) * _GRAIN), np.rint(self.y.place(y) * _GRAIN)
        return list(zip(across.astype(int).tolist(), up.astype(int).tolist(), strict=True))


def short(label: str) -> str:
    """Cut a label to what fits beside a picture.

    Args:
        label: Text of any length.

    Returns:
        One line of at most 24 letters.
    """
    line = text.one_line(label)
    return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1] + "…"


def width_of(label: str, *, bold: bool = False) -> float:
    """Estimate how wide a label will be.

    Args:
        label: One line of text.
        bold: Whether it is set in bold.

    Returns:
        Pixels.
    """
    return LETTER * (1.1 if bold else 1) * text.display_width(label)


def value(number: float) -> str:
    """Write a number beside a mark, with a true minus sign as on the axes.

    Args:
        number: A finite number.

    Returns:
        Text for a label.
    """
    return text.number(number).replace("-", "−")  # noqa: RUF001 - a true minus sign


def write(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    fill: str = INK,
    weight: int = 400,
    size: int = 11,
) -> str:
    """Write a label.

    Args:
        x: Pixel of its anchor.
        y: Pixel of its baseline.
        content: Text, which is escaped.
        anchor: ``"start"``, ``"middle"`` or ``"end"``.
        fill: Colour.
        weight: 400 for regular, 600 for bold.
        size: Height of the font in pixels.

    Returns:
        An SVG fragment, empty without text.
    """
    if not content:
        return ""
    extra = "" if anchor == "start" else f' text-anchor="{anchor}"'
    extra += "" if fill == INK else f' fill="{fill}"'
    extra += "" if weight == 400 else f' font-weight="{weight}"'  # noqa: PLR2004 - the weight of the document
    extra += "" if size == 11 else f' font-size="{size}"'  # noqa: PLR2004 - the size of the document
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{escape(content)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, *, opacity: float = 0.2, extra: str = "") -> str:
    """Draw a hairline.

    Args:
        x1: Pixel where it begins.
        y1: Pixel where it begins.
        x2: Pixel where it ends.
        y2: Pixel where it ends.
        opacity: From 0 to 1.
        extra: More SVG attributes.

    Returns:
        An SVG fragment.
    """
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{INK}" stroke-opacity="{opacity}"{extra}/>'


def grid(frame: Frame, x_label: str = "") -> str:
    """Draw light lines at the ticks of y, ticks along x, and all their labels.

    Args:
        frame: Axes.
        x_label: Meaning of the positions.

    Returns:
        An SVG fragment.
    """
    x, y = frame.x, frame.y
    floor, parts = round(y.start) + 0.5, []
    for at, label in y.ticks():
        level = round(at) + 0.5
        parts.append(rule(x.start, level, x.end, level, opacity=0.45 if label == "0" else 0.2))
        parts.append(write(x.start - 7, at + 4, label, anchor="end"))
    parts.append(rule(x.start, floor, x.end, floor, opacity=0.45))
    for at, label in x.ticks():
        parts.append(rule(round(at) + 0.5, floor, round(at) + 0.5, floor + 4, opacity=0.45))
        parts.append(write(at, floor + 15, label, anchor="middle"))
    parts.append(write((x.start + x.end) / 2, floor + 30, x_label, anchor="middle"))
    return "".join(parts)


def dots(frame: Frame, x: Array, y: Array) -> str:
    """Draw single observations, faintly: equal places once.

    Args:
        frame: Axes.
        x: Positions, of shape (n,).
        y: Values, of shape (n,).

    Returns:
        One path of round strokes without length, which takes fewer bytes than as many circles.
    """
    places = sorted(set(frame.points(x, y)))
    if not places:
        return ""
    moves = (_pair("m", *_minus(place, last)) + "h0" for last, place in pairwise(places))
    start = _pair("M", *places[0]) + "h0"
    return _path(start + "".join(moves), PALETTE[0], 5.0 if len(places) < _FEW else 2.8, 'stroke-opacity=".45"')


def stroke(frame: Frame, line: Line) -> str:
    """Draw a line; one of a single point becomes a dot.

    Args:
        frame: Axes.
        line: What to draw.

    Returns:
        An SVG fragment.
    """
    places = frame.points(line.x, line.y)
    if not places:
        return ""
    dash = f'stroke-dasharray="{" ".join(str(pixels * _GRAIN) for pixels in line.dash)}"' if line.dash else ""
    return _path(_polyline(places) + "h0", line.colour, 6.0 if len(places) == 1 else 2.2, dash)


def backdrop(frame: Frame, lines: Iterable[Line]) -> str:
    """Draw lines thin and grey, behind those that matter.

    Args:
        frame: Axes.
        lines: What to draw.

    Returns:
        One path, empty without lines.
    """
    shapes = "".join(_polyline(places) + "h0" for line in lines if (places := frame.points(line.x, line.y)))
    return _path(shapes, INK, 1.1, 'stroke-opacity=".4"') if shapes else ""


def band(frame: Frame, line: Line) -> str:
    """Fill the band around a line.

    Args:
        frame: Axes.
        line: A line, with a band or without.

    Returns:
        An SVG fragment.
    """
    if line.band is None or not line.x.size:
        return ""
    low, high = line.band
    places = frame.points(np.concatenate((line.x, line.x[::-1])), np.concatenate((low, high[::-1])))
    shape = f'<path d="{_polyline(places)}z" fill="{line.colour}" fill-opacity=".16"'
    return f'{shape} transform="scale({1 / _GRAIN})"/>'


def reference(frame: Frame, value: float, label: str) -> str:
    """Draw a dashed line across, with its label on the left, towards the middle, where early learning is not.

    Args:
        frame: Axes.
        value: Where it crosses the y axis.
        label: What it means.

    Returns:
        An SVG fragment.
    """
    level = frame.y.pixel(value)
    line = rule(frame.x.start, level, frame.x.end, level, opacity=1, extra=' stroke-dasharray="4 4"')
    upper = level < (frame.y.start + frame.y.end) / 2
    return line + write(frame.x.start + 5, level + (13 if upper else -5), label)


def moments(frame: Frame, positions: Sequence[float]) -> str:
    """Draw dotted lines upwards.

    Args:
        frame: Axes.
        positions: Where they cross the x axis; those beyond its ends are left out.

    Returns:
        An SVG fragment; empty for none.
    """
    shown = [frame.x.pixel(position) for position in positions if frame.x.low <= position <= frame.x.high]
    return "".join(rule(x, frame.y.start, x, frame.y.end, opacity=0.6, extra=' stroke-dasharray="1 3"') for x in shown)


def end_labels(frame: Frame, lines: Sequence[Line], *, leaders: bool = False) -> str:
    """Write the label of each line at its end, moved apart where they would touch.

    Args:
        frame: Axes.
        lines: Lines that may have labels.
        leaders: Whether a dotted line leads to a label that stands away from the end of its line.

    Returns:
        An SVG fragment.
    """
    named = sorted(
        ((frame.y.pixel(float(line.y[-1])), line) for line in lines if line.y.size and line.label),
        key=lambda pair: pair[0],
    )
    levels: list[float] = []
    for level, _ in named:
        levels.append(max(level, levels[-1] + _LABEL_GAP) if levels else level)
    overflow = max(0.0, levels[-1] - frame.y.start) if levels else 0.0
    return "".join(
        write(frame.x.end + 8, level - overflow + 4, short(line.label), fill=line.colour, weight=600)
        + (_leader(frame, line, own, level - overflow) if leaders else "")
        for level, (own, line) in zip(levels, named, strict=True)
    )


def _leader(frame: Frame, line: Line, own: float, level: float) -> str:
    end = frame.x.pixel(float(line.x[-1]))
    if frame.x.end - end < _LABEL_GAP and abs(level - own) < _LABEL_GAP / 2:
        return ""
    path = f"M{end + 4:.1f} {own:.1f}L{frame.x.end + 5:.1f} {level:.1f}"
    return f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-dasharray="1 3"/>'


def bars(frame: Frame, edges: Array, counts: Array) -> str:
    """Draw a bar for each bin that is not empty.

    Args:
        frame: Axes.
        edges: Where bins begin and end, of shape (n + 1,).
        counts: Height of each, of shape (n,).

    Returns:
        An SVG fragment.
    """
    across, tops, floor = frame.x.place(edges), frame.y.place(counts), round(frame.y.start)
    gap = 1.0 if across[1] - across[0] > 4 else 0.0  # noqa: PLR2004 - narrow bars would drown in their gaps
    shapes = (
        f"M{left + gap / 2:.1f} {floor}V{min(top, floor - 1):.1f}H{right - gap / 2:.1f}V{floor}z"
        for left, right, top, count in zip(across, across[1:], tops, counts, strict=False)
        if count
    )
    return f'<path d="{"".join(shapes)}" fill="{PALETTE[0]}" fill-opacity=".85"/>'


def flag(frame: Frame, value: float, label: str) -> str:
    """Draw an upright dashed line, with its label on top where there is more room.

    Args:
        frame: Axes.
        value: Where it crosses the x axis.
        label: What it means.

    Returns:
        An SVG fragment.
    """
    at, top = frame.x.pixel(value), frame.y.end - 9
    line = rule(at, top, at, frame.y.start, opacity=1, extra=' stroke-dasharray="4 4"')
    early = at < (frame.x.start + frame.x.end) / 2
    anchor, shift = ("start", 6) if early else ("end", -6)
    return line + write(at + shift, top + 7, label, anchor=anchor, fill=PALETTE[0], weight=600)


def document(width: float, height: float, parts: Iterable[str]) -> str:
    """Close a picture.

    Args:
        width: Pixels across.
        height: Pixels down.
        parts: SVG fragments, the hindmost first.

    Returns:
        SVG text.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{_FONT}" font-size="11" fill="{INK}">'
        f"{''.join(parts)}</svg>"
    )


def empty(width: float, height: float, title: str = "") -> str:
    """Make the picture of nothing.

    Args:
        width: Pixels across.
        height: Pixels down.
        title: Written above it.

    Returns:
        SVG text.
    """
    border = f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="4" fill="none" stroke="{INK}" '
    parts = (
        border + 'stroke-opacity=".3" stroke-dasharray="4 4"/>',
        write(12, 19, title, weight=600, size=12),
        write(width / 2, height / 2 + 4, "nothing to show yet", anchor="middle"),
    )
    return document(width, height, parts)


def _path(data: str, colour: str, thickness: float, extra: str = "") -> str:
    shape = f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="{thickness * _GRAIN:g}" '
    return shape + f'stroke-linecap="round" stroke-linejoin="round" transform="scale({1 / _GRAIN})" {extra}/>'


def _polyline(places: Sequence[tuple[int, int]]) -> str:
    moves = (_pair("l", *_minus(place, last)) for last, place in pairwise(places))
    return _pair("M", *places[0]) + "".join(moves)


def _minus(place: tuple[int, int], last: tuple[int, int]) -> tuple[int, int]:
    return place[0] - last[0], place[1] - last[1]


def _pair(command: str, x: int, y: int) -> str:
    """A drawing command; a minus sign is separator enough."""
    return f"{command}{x}{'' if y < 0 else ' '}{y}"
