"""HTML rendering: cards, tables and badges that read well in light and dark and survive a sanitizer.

A notebook that JupyterLab does not trust loses style sheets, scripts, inline SVG and CSS variables. So all
style is literal and inline, text keeps the colour of its page, lines are half-transparent grey, and the tags
(``dl``, ``table``, ``details``, ``strong``) say the same where no style survives at all.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from rlkit.display import text

Tone = Literal["neutral", "accent", "good", "bad"]

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML forbids
_LINE = "1px solid rgba(128,128,128,.3)"
_FAINT_LINE = "1px solid rgba(128,128,128,.18)"
_TABLE = "margin:0;border-collapse:collapse;font-size:12px"
_MUTED = "opacity:.68"  # of the page's own ink: a contrast of 4.5 and more on white and on black
_CAPTION = f"caption-side:top;text-align:left;padding:2px 10px;{_MUTED}"
_CELL = "padding:3px 10px;text-align:"
_ACCENT = "color:#2f7cd4"  # read on white and on black alike
_TYPED = "font:12px monospace"
_CARD = (
    f"border:{_LINE};border-radius:7px;padding:12px 16px 13px;margin:2px 0 6px;max-width:880px;"
    "box-sizing:border-box;font-size:13px;line-height:1.45"
)
_BODY = "display:flex;flex-wrap:wrap;gap:12px 32px;align-items:flex-start;margin-top:11px"
_ALARM = "background:rgba(212,72,72,.15);border-radius:5px;padding:6px 11px;margin:0 0 11px;overflow-wrap:break-word"
_PILL = "border-radius:9px;padding:1px 8px;font-size:.86em;font-weight:400;white-space:nowrap"
_GRID = (
    "display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 18px;width:auto;margin:0;"
    "overflow-wrap:break-word"
)
_TINTS: dict[Tone, str] = {
    "neutral": "rgba(128,128,128,.2)",
    "accent": "rgba(47,124,212,.24)",
    "good": "rgba(46,148,92,.26)",
    "bad": "rgba(212,72,72,.26)",
}


class Markup(str):
    """HTML made in this module, which the other functions take as it is; any other text they escape."""

    __slots__ = ()


def escape(value: object) -> Markup:
    """Make a value safe to stand in HTML or XML, in text and in quoted attributes.

    Args:
        value: Markup stays as it is; numbers and None are written as ``text.number`` does.

    Returns:
        Escaped text; characters that XML forbids are shown as U+FFFD.
    """
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", text.number(value))))


def badge(label: object, tone: Tone = "neutral") -> Markup:
    """Mark a word: an alias, a tag, a state.

    Args:
        label: What it says.
        tone: Tint behind it.

    Returns:
        An inline pill.
    """
    return Markup(f'<span style="background:{_TINTS[tone]};{_PILL}">{escape(label)}</span>')


def badges(labels: Iterable[object], tone: Tone = "neutral") -> Markup:
    """Set several badges side by side.

    Args:
        labels: What they say.
        tone: Tint behind them.

    Returns:
        Inline pills with a space between.
    """
    return Markup(" ".join(badge(label, tone) for label in labels))


def code(source: object) -> Markup:
    """Set something that is typed: a name, a command, a reference.

    Args:
        source: What is typed.

    Returns:
        Inline monospaced text without a box, so that a column of it stays calm.
    """
    return Markup(f'<code style="background:none;padding:0">{escape(source)}</code>')


def muted(value: object) -> Markup:
    """Set back what matters less than its surroundings.

    Args:
        value: Text or markup.

    Returns:
        The same at a lower contrast, which is still readable on white and on black.
    """
    return Markup(f'<span style="{_MUTED}">{escape(value)}</span>')


def alarm(message: str) -> Markup:
    """Set an error: its first line in bold, what may follow it below.

    Args:
        message: Text of one or several lines.

    Returns:
        A block on a red tint, empty without text.
    """
    problem, *rest = message.split("\n")
    if not problem:
        return Markup()
    lines = "".join(f"<div>{escape(line)}</div>" for line in rest)
    return Markup(f'<div style="{_ALARM}"><strong>{escape(problem)}</strong>{lines}</div>')


def preformatted(content: object) -> Markup:
    """Set text whose spaces and line ends matter, such as a tree of box characters.

    Args:
        content: Text.

    Returns:
        A monospaced block that scrolls sideways where it is wider than the page.
    """
    return Markup(f'<pre style="margin:0;overflow-x:auto;{_TYPED};line-height:1.35">{escape(content)}</pre>')


def join(*parts: object, separator: str = "") -> Markup:
    """Put pieces one after the other, and escape those that are not markup.

    Args:
        parts: Markup or text.
        separator: Text between them.

    Returns:
        One piece of markup.
    """
    return Markup(escape(separator).join(escape(part) for part in parts))


def field_list(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Set labelled values in two aligned columns.

    Args:
        pairs: Label and value; a value is a number, text or markup.

    Returns:
        A description list.
    """
    # JupyterLab floats dt and dd in list outputs: every one of these styles undoes something there.
    term = f'<dt style="float:none;width:auto;font-weight:400;{_MUTED}">'
    value = '<dd style="float:none;width:auto;margin:0">'
    rows = "".join(f"{term}{escape(label)}</dt>{value}{escape(cell)}</dd>" for label, cell in pairs)
    return Markup(f'<dl style="{_GRID}">{rows}</dl>') if rows else Markup()


def table(
    headers: Sequence[object],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    numeric: Collection[int] | None = None,
    marked: Collection[tuple[int, int]] = (),
) -> Markup:
    """Set a table: the first cell of a row names it, numbers stand on the right.

    Args:
        headers: Column titles.
        rows: Cells, as many in each row as there are headers: numbers, text or markup.
        caption: One line above the table.
        numeric: Indices of columns to set on the right; by default those that hold only numbers.
        marked: Row and column of each cell to set in bold on a tint: the best of its column.

    Returns:
        A table that scrolls sideways where it is wider than the page.
    """
    body = [tuple(row) for row in rows]
    right = text.numeric_columns(body, len(headers)) if numeric is None else numeric
    columns = [_written([row[index] for row in body]) for index in range(len(headers))]
    sides = ["right" if index in right else "left" for index in range(len(headers))]
    lines = (
        "".join(
            _cell(*_marked(cell, side, marked=(row, i) in marked), named=not i)
            for i, (cell, side) in enumerate(zip(line, sides, strict=True))
        )
        for row, line in enumerate(zip(*columns, strict=True))
    )
    return _table(zip(headers, sides, strict=True), lines, caption)


def _table(headers: Iterable[tuple[object, str]], lines: Iterable[str], caption: str = "") -> Markup:
    head = "".join(f'<th scope="col" style="{_CELL}{side}">{escape(title)}</th>' for title, side in headers)
    top = f'<caption style="{_CAPTION}">{escape(caption)}</caption>' if caption else ""
    inner = f'{top}<thead style="border-bottom:{_LINE}"><tr>{head}</tr></thead><tbody>'
    inner += "".join(f"<tr>{line}</tr>" for line in lines)
    return Markup(f'<div style="overflow-x:auto"><table style="{_TABLE}">{inner}</tbody></table></div>')


def _written(cells: Sequence[object]) -> list[object]:
    """Replace numbers by texts with common decimal places, and leave text and markup."""
    return [cell if isinstance(cell, str) else done for cell, done in zip(cells, text.column(cells), strict=True)]


def _marked(content: object, style: str, *, marked: bool) -> tuple[object, str]:
    """Return content and style of a cell, both stronger where it is marked: either says it without the other."""
    if not marked:
        return content, style
    return Markup(f"<strong>{escape(content)}</strong>"), f"{style};background:{_TINTS['good']}"


def _cell(content: object, style: str, *, named: bool = False) -> str:
    """Set a cell of a body; the one that names its row is a header, in regular weight."""
    start, end = ('th scope="row"', ";font-weight:400") if named else ("td", "")
    return f'<{start} style="{_CELL}{style}{end}">{escape(content)}</{start[:2]}>'


def config_table(settings: Iterable[tuple[str, object, str, str]]) -> Markup:
    """Set hyperparameters so that what somebody chose stands out from what was left alone.

    Args:
        settings: Name, value, source and meaning of each. The source says in a word or two where the value
            came from; the sources ``"default"`` and empty are set back, any other stands out.

    Returns:
        A table with one row for each setting.
    """
    headers = [(title, "left") for title in ("setting", "value", "from", "meaning")]
    return _table(headers, (_setting(name, text.literal(value), *rest) for name, value, *rest in settings))


def _setting(name: str, value: str, source: str, meaning: str) -> str:
    """Set one row; the style of its cells is theirs and not of elements inside, which halves the bytes."""
    chosen = source not in {"", "default"}
    cells = (
        f'<th scope="row" style="{_CELL}left;{_TYPED}">{escape(name)}</th>',
        _cell(Markup(f"<strong>{escape(value)}</strong>") if chosen else value, f"left;{_TYPED}"),
        _cell(source, f"left;white-space:nowrap;{_ACCENT if chosen else _MUTED}"),
        _cell(meaning, f"left;{_MUTED}"),
    )
    return "".join(cells)


def fold(summary: object, content: str, *, opened: bool = False) -> Markup:
    """Fold something away behind one line.

    Args:
        summary: The line that stays.
        content: Markup, used as it is.
        opened: Whether it starts unfolded.

    Returns:
        A native disclosure that needs no script.
    """
    style = f"border-top:{_FAINT_LINE};margin-top:10px;padding-top:7px"
    line = f'<summary style="cursor:pointer">{escape(summary)}</summary>'
    inner = f'<div style="margin-top:8px">{content}</div>'
    return Markup(f'<details{" open" if opened else ""} style="{style}">{line}{inner}</details>')


def card(
    title: object,
    subtitle: object = "",
    fields: Iterable[tuple[str, object]] = (),
    picture: str = "",
    details: Iterable[tuple[object, str]] = (),
) -> Markup:
    """Set one object: what it is, its facts beside its picture, and what may be unfolded.

    Args:
        title: What it is.
        subtitle: One line that places it: text, or markup such as badges.
        fields: Label and value of each fact; a value is a number, text or markup.
        picture: Markup of a picture, used as it is.
        details: Summary, and markup used as it is, of each part to fold away.

    Returns:
        A bordered block at most 880 pixels wide.
    """
    head = f'<div><strong style="font-size:15px;font-weight:600">{escape(title)}</strong></div>'
    if subtitle:
        line = subtitle if isinstance(subtitle, Markup) else muted(subtitle)
        head += f'<div style="margin-top:1px">{line}</div>'
    facts = field_list(fields)
    body = f'<div style="flex:0 1 auto;min-width:190px;max-width:100%">{facts}</div>' if facts else ""
    body += f'<div style="flex:1 1 400px;max-width:100%">{picture}</div>' if picture else ""
    middle = f'<div style="{_BODY}">{body}</div>' if body else ""
    folded = "".join(fold(summary, content) for summary, content in details)
    return Markup(f'<div style="{_CARD}">{head}{middle}{folded}</div>')
