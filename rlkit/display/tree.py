"""Trees, as text with box characters and as a picture: one line for each node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rlkit.display import marks, text
from rlkit.display.marks import INK, PALETTE

Kind = Literal["plain", "focus", "missing", "more"]

_SIGNS: dict[Kind, str] = {"plain": "○ ", "focus": "● ", "missing": "× ", "more": ""}  # noqa: RUF001 - a sign
_ROW, _STEP, _LEFT, _TOP = 23, 20, 9, 13  # pixels: height of a line, indent of a level, place of the first node
_LONGEST = 48


@dataclass(frozen=True, slots=True)
class Node:
    """One line of a tree.

    Args:
        label: What it is.
        badges: Short words behind the label.
        note: What is known of it: it stands in a column of its own.
        kind: ``"focus"`` for the one that was asked for, ``"missing"`` for one that is only known by name,
            ``"more"`` for what was left out.
        children: What hangs below it, in order.
    """

    label: str
    badges: tuple[str, ...] = ()
    note: str = ""
    kind: Kind = "plain"
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    node: Node
    open_levels: tuple[bool, ...]  # for each level above: whether more of its children follow

    @property
    def depth(self) -> int:
        return len(self.open_levels)


def _lines(node: Node, open_levels: tuple[bool, ...] = ()) -> Iterator[_Line]:
    yield _Line(node, open_levels)
    for child in node.children:
        yield from _lines(child, (*open_levels, child is not node.children[-1]))


def tree_text(root: Node) -> str:
    """Draw a tree with box characters.

    Args:
        root: What stands on top.

    Returns:
        One line for each node, with its badges and its note in columns.
    """
    lines = list(_lines(root))
    cells = [
        (_branches(line) + _SIGNS[line.node.kind] + text.one_line(line.node.label), *_rest(line.node)) for line in lines
    ]
    widths = [max(map(text.display_width, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - text.display_width(cell)) for cell, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for row in cells
    )


def _rest(node: Node) -> tuple[str, str]:
    return text.one_line(" ".join(node.badges)), text.one_line(node.note)


def _branches(line: _Line) -> str:
    *above, last = (False, *line.open_levels)
    stems = "".join("│  " if follows else "   " for follows in above[1:])
    return stems + ("├─ " if last else "└─ ") if line.depth else ""


def tree_svg(root: Node) -> str:
    """Draw a tree: filled where it was asked for, hollow elsewhere.

    Args:
        root: What stands on top.

    Returns:
        SVG text, as wide as its longest line and as high as it has nodes.
    """
    lines = list(_lines(root))
    ends = [_label_end(line) for line in lines]
    notes = max(ends) + 18
    width = notes + max(marks.width_of(line.node.note) for line in lines)
    parts = [_elbow(lines, row) for row in range(1, len(lines))]
    parts += [_entry(line, row, notes) for row, line in enumerate(lines)]
    return marks.document(round(width), _TOP + _ROW * (len(lines) - 1) + 13, parts)


def _x(depth: int) -> int:
    return _LEFT + _STEP * depth


def _y(row: int) -> int:
    return _TOP + _ROW * row


def _elbow(lines: list[_Line], row: int) -> str:
    """Lead from the parent's line down and across to this one."""
    depth = lines[row].depth
    above = next(index for index in range(row - 1, -1, -1) if lines[index].depth < depth)
    x, y = _x(depth - 1), _y(row)
    gap = 6 if lines[row].node.kind != "more" else 2
    dash = ' stroke-dasharray="2 3"' if "more" in (lines[row].node.kind, lines[above].node.kind) else ""
    path = f"M{x} {_y(above) + 6}V{y - 6}q0 6 6 6H{_x(depth) - gap}"
    return f'<path d="{path}" fill="none" stroke="{INK}" stroke-opacity=".55"{dash}/>'


def _entry(line: _Line, row: int, notes: float) -> str:
    node, x, y = line.node, _x(line.depth), _y(row)
    at, focus = float(_label_start(line)), node.kind == "focus"
    label = text.shortened(node.label, _LONGEST)
    colour = PALETTE[0] if focus else INK
    parts = [_sign(node.kind, x, y), marks.write(at, y + 4, label, fill=colour, weight=600 if focus else 400, size=12)]
    at += _label_width(node) + 8
    for badge in node.badges:
        wide = marks.width_of(badge) + 10
        parts.append(
            f'<rect x="{at:.1f}" y="{y - 8}" width="{wide:.1f}" height="16" rx="8" '
            f'fill="{PALETTE[0]}" fill-opacity=".18"/>'
        )
        parts.append(marks.write(at + wide / 2, y + 4, badge, anchor="middle", fill=PALETTE[0]))
        at += wide + 5
    parts.append(marks.write(notes, y + 4, node.note))
    return "".join(parts)


def _sign(kind: Kind, x: int, y: int) -> str:
    if kind == "more":
        return ""
    if kind == "missing":
        return f'<path d="M{x - 3.5} {y - 3.5}l7 7m0-7l-7 7" stroke="{INK}" stroke-width="1.5"/>'
    fill = f'fill="{PALETTE[0]}"' if kind == "focus" else f'fill="none" stroke="{INK}" stroke-width="1.5"'
    return f'<circle cx="{x}" cy="{y}" r="{5 if kind == "focus" else 4}" {fill}/>'


def _label_start(line: _Line) -> int:
    return _x(line.depth) + (4 if line.node.kind == "more" else 11)


def _label_width(node: Node) -> float:
    label = text.shortened(node.label, _LONGEST)
    return marks.width_of(label, bold=node.kind == "focus") * 12 / 11


def _label_end(line: _Line) -> float:
    badges = sum(marks.width_of(badge) + 15 for badge in line.node.badges)
    return _label_start(line) + _label_width(line.node) + (8 + badges if badges else 0)
