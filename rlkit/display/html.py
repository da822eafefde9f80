"""HTML rendering: cards, tables and badges that read well in light and dark and survive a sanitizer.

A notebook that JupyterLab does not trust loses style sheets, scripts, inline SVG and CSS variables. So all
style is literal and inline, text keeps the colour of its page, lines are half-transparent grey, and the tags
(``dl``, ``table``, ``details``, ``strong``) say the same where no style survives at all.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from rlkit.display import text
from rlkit.errors import visible

Tone = Literal["neutral", "accent", "good", "bad"]

_MATHEMATICS = re.compile(r"\$|\\(?=[(\[]|begin\b)")  # what begins or ends it
_PICTURE_DATA = re.compile(r'(?<=;base64,)[^"]*')
_MOST_BYTES, _MOST_ITEMS, _MOST_BADGES = 10_000, 100, 6
_LONGEST, _LONGEST_BADGE = 120, 40  # letters of a text in a cell, and of one that cannot be broken
_LINE = "1px solid rgba(128,128,128,.3)"
_FAINT_LINE = "1px solid rgba(128,128,128,.18)"
_TABLE = "margin:0;border-collapse:collapse;font-size:12px"
_MUTED = "opacity:.68"  # of the page's own ink: a contrast of 4.5 and more on white and on black
_CAPTION = f"caption-side:top;text-align:left;padding:2px 10px;{_MUTED}"
_CELL = "padding:3px 10px;text-align:"
_TYPED = "font:12px monospace"
_CARD = (
    f"border:{_LINE};border-radius:7px;padding:12px 16px 13px;margin:2px 0 6px;max-width:880px;"
    "box-sizing:border-box;font-size:13px;line-height:1.45;overflow-wrap:break-word"
)
_BODY = "display:flex;flex-wrap:wrap;gap:12px 32px;align-items:flex-start;margin-top:11px"
_ALARM = "background:rgba(212,72,72,.15);border-radius:5px;padding:6px 11px;margin:0 0 11px;overflow-wrap:break-word"
_PILL = "border-radius:9px;padding:1px 8px;font-size:.86em;font-weight:400;white-space:nowrap"
_GRID = "display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 18px;width:auto;margin:0"
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
    """Make a value safe to stand in XML, in text and in quoted attributes.

    Args:
        value: Markup stays as it is; numbers and None are written as ``text.number`` does.

    Returns:
        Escaped text; control characters, and what turns its direction round, are shown as Python writes them.
    """
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(visible(text.number(value), keep="\t\n\r")))


def plain(value: object) -> Markup:
    """Make a value safe to stand as text in HTML: no part of it is taken for markup, nor for mathematics.

    Args:
        value: Markup stays as it is; numbers and None are written as ``text.number`` does.

    Returns:
        Escaped text; JupyterLab typesets what stands between two dollar signs, unless each is an element of its own.
    """
    return value if isinstance(value, Markup) else Markup(_MATHEMATICS.sub(r"<span>\g<0></span>", escape(value)))


def _brief(value: object, longest: int = _LONGEST) -> Markup:
    """Escape a text, and cut it where it is longer than a cell should be. Whole it is in Python, and in the text."""
    if isinstance(value, Markup):
        return value
    line = text.number(value)
    return plain(line if len(line) <= longest else text.shortened(line, longest))


def badge(label: object, tone: Tone = "neutral") -> Markup:
    """Mark a word: an alias, a tag, a state.

    Args:
        label: What it says.
        tone: Tint behind it.

    Returns:
        An inline pill.
    """
    return Markup(f'<span style="background:{_TINTS[tone]};{_PILL}">{_brief(label, _LONGEST_BADGE)}</span>')


def badges(labels: Iterable[object], tone: Tone = "neutral") -> Markup:
    """Set several badges side by side.

    Args:
        labels: What they say.
        tone: Tint behind them.

    Returns:
        Inline pills with a space between: of very many the first, and how many more there are.
    """
    said = list(labels)
    more = [muted(f"and {len(said) - _MOST_BADGES:,} more")] if len(said) > _MOST_BADGES else []
    return Markup(" ".join([*(badge(label, tone) for label in said[:_MOST_BADGES]), *more]))


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
    return Markup(f'<span style="{_MUTED}">{plain(value)}</span>')


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
    return Markup(plain(separator).join(plain(part) for part in parts))


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
    rows = "".join(f"{term}{_brief(label)}</dt>{value}{_brief(cell)}</dd>" for label, cell in pairs)
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
    head = "".join(f'<th scope="col" style="{_CELL}{side}">{_brief(title)}</th>' for title, side in headers)
    top = f'<caption style="{_CAPTION}">{plain(caption)}</caption>' if caption else ""
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
    return Markup(f"<strong>{_brief(content)}</strong>"), f"{style};background:{_TINTS['good']}"


def _cell(content: object, style: str, *, named: bool = False) -> str:
    """Set a cell of a body; the one that names its row is a header, in regular weight."""
    start, end = ('th scope="row"', ";font-weight:400") if named else ("td", "")
    return f'<{start} style="{_CELL}{style}{end}">{_brief(content)}</{start[:2]}>'


def config_table(settings: Iterable[tuple[str, object, str, str]]) -> Markup:
    """Set hyperparameters so that what somebody chose stands out from what was left alone.

    Args:
        settings: Name, value, source and meaning of each. The source says in a word or two where the value
            came from; the sources ``"default"`` and empty are set back, any other stands out. Meanings have no column
            where all are empty.

    Returns:
        A table with one row for each setting.
    """
    rows = list(settings)
    titles = ["hyperparameter", "value", "from", *["meaning"] * any(meaning for *_, meaning in rows)]
    lines = (_setting(name, text.literal(value), *rest)[: len(titles)] for name, value, *rest in rows)
    return _table([(title, "left") for title in titles], map("".join, lines))


def settings_that_fit(
    settings: Sequence[tuple[str, object, str, str]], rest: str, around: Callable[[Markup], Markup]
) -> Markup:
    """Set hyperparameters as ``config_table`` does, as many as stay small.

    Args:
        settings: Name, value, source and meaning of each.
        rest: What shows those that are left out, such as ``"model.config.to_dict()"``.
        around: Returns the display that the table is a part of.
    """

    def render(shown: int) -> Markup:
        return around(join(config_table(settings[:shown]), left_out(len(settings) - shown, rest)))

    return as_many_as_fit(render, len(settings))


def left_out(number: int, rest: str) -> Markup:
    """Say how many are not shown, and what shows them.

    Args:
        number: How many.
        rest: A call or an attribute, such as ``"registry.models()"``.

    Returns:
        A line; empty for none.
    """
    return note(join(f"… and {number:,} more: ", code(rest))) if number else Markup()


def note(words: object) -> Markup:
    """Set a line below a table, where its first column begins.

    Args:
        words: Text or markup.

    Returns:
        A block, set back.
    """
    return Markup(f'<div style="padding:4px 10px;font-size:12px;{_MUTED}">{plain(words)}</div>')


def _setting(name: str, value: str, source: str, meaning: str) -> tuple[str, ...]:
    """Set the cells of one row; the style of its cells is theirs and not of elements inside, which halves the bytes."""
    chosen = source not in {"", "default"}
    name, value = (text.shortened(word, _LONGEST) for word in (name, value))
    whole = ";white-space:nowrap" if " " in value and len(value) <= _LONGEST_BADGE else ""
    return (
        f'<th scope="row" style="{_CELL}left;{_TYPED}">{plain(name)}</th>',
        _cell(Markup(f"<strong>{plain(value)}</strong>") if chosen else value, f"left;{_TYPED}{whole}"),
        _cell(source, "left;white-space:nowrap" if chosen else f"left;{_MUTED}"),
        _cell(meaning, f"left;{_MUTED}"),
    )


def stacked(*parts: str) -> Markup:
    """Put blocks one below the other.

    Args:
        parts: Markup of each, used as it is; empty ones are left out.

    Returns:
        One piece of markup.
    """
    first, *others = [part for part in parts if part] or [""]
    return Markup(first + "".join(f'<div style="margin-top:10px">{part}</div>' for part in others))


def as_many_as_fit(render: Callable[[int], Markup], count: int) -> Markup:
    """Show as many items as stay small: a notebook keeps every output that it ever showed.

    Args:
        render: Returns the markup of so many items; where some are left out, it says how many and which call shows
            them.
        count: How many there are.

    Returns:
        The markup of all, or of the most that take less than ten kilobytes, pictures aside.
    """
    if count <= _MOST_ITEMS and _bytes(whole := render(count)) < _MOST_BYTES:
        return whole
    fits, too_many = 0, min(count, _MOST_ITEMS + 1)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _bytes(render(middle)) < _MOST_BYTES else (fits, middle)
    return render(fits)


def _bytes(markup: str) -> int:
    return len(_PICTURE_DATA.sub("", markup).encode())


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
    line = f'<summary style="cursor:pointer">{_brief(summary)}</summary>'
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
    head = f'<div><strong style="font-size:15px;font-weight:600">{_brief(title)}</strong></div>'
    if subtitle:
        line = subtitle if isinstance(subtitle, Markup) else muted(_brief(subtitle, 2 * _LONGEST))
        head += f'<div style="margin-top:1px">{line}</div>'
    facts = field_list(fields)
    body = f'<div style="flex:0 1 auto;min-width:190px;max-width:100%">{facts}</div>' if facts else ""
    body += f'<div style="flex:1 1 400px;max-width:100%">{picture}</div>' if picture else ""
    middle = f'<div style="{_BODY}">{body}</div>' if body else ""
    folded = "".join(fold(summary, content) for summary, content in details)
    return Markup(f'<div style="{_CARD}">{head}{middle}{folded}</div>')
