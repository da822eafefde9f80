"""Plain-text rendering: numbers as people write them, aligned tables and curves of block characters."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from numbers import Integral, Real
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from rlkit.errors import visible

MISSING = "–"  # noqa: RUF001 - an en dash is what a table shows for no value
_BLOCKS = "▁▂▃▄▅▆▇█"
_EXACT = 1e15  # from here on a float is no longer one certain integer: its digits would be invented
_MOST_PLACES = 6  # smaller fractions read better as powers of ten
_NARROWEST, _WIDEST = 30, 60  # columns: of the last of a table that is broken, and of the others
WIDTH = 118  # columns of a wide terminal, and of an output in JupyterLab
_JOINERS = "\u200c\u200d"  # which no terminal gives a column
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def is_number(value: object) -> TypeGuard[Real]:
    """Say whether a value is shown as a number, which a bool is not.

    Args:
        value: Anything.

    Returns:
        True for the integers and floats of Python and NumPy.
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def number(value: object) -> str:
    """Write a number as a person would: enough digits to compare, no more.

    Args:
        value: A number of Python or NumPy, or None. Anything else is written as ``str`` does.

    Returns:
        For example ``"100,096"``, ``"487.3"``, ``"4.12"``, ``"0.0003"``, ``"1e-08"``; an en dash for None.
    """
    if value is None:
        return MISSING
    if not is_number(value):
        return str(value)
    if isinstance(value, Integral):
        return f"{int(value):,}"
    real = float(value)
    if not math.isfinite(real) or abs(real) >= _EXACT:
        return f"{real:g}"
    if abs(real) < 1:
        return f"{real:.3g}" if real else "0"
    written = f"{real:,.{_places(real)}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _places(real: float) -> int:
    """Decimal places that leave three or four significant digits to a number that is not zero."""
    power = math.floor(math.log10(abs(real)))
    return 2 - power if power < 0 else max(0, 2 - max(0, power - 1))


def column(values: Iterable[object]) -> list[str]:
    """Write the cells of a table column, the fractions all with as many places, so that digits line up.

    Args:
        values: Cells; those that are not numbers are written as ``number`` does.

    Returns:
        One text for each cell.
    """
    cells = list(values)
    sizes = [abs(float(cell)) for cell in cells if is_number(cell)]
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    places = _places(largest) if largest else 0
    # Where one cell dwarfs another, common places would print the small one as zero.
    alike = all(10.0**-places <= size < _EXACT for size in sizes if size)
    if not alike or places > _MOST_PLACES or all(size.is_integer() for size in sizes):
        return [number(cell) for cell in cells]
    return [f"{float(cell):,.{places}f}" if is_number(cell) else number(cell) for cell in cells]


def literal(value: object) -> str:
    """Write a setting so that it can be typed back: exact, without thousands separators.

    Args:
        value: A hyperparameter: number, string, bool, None or a list of those.

    Returns:
        The string itself for a string, else its Python form, for example ``"0.0003125"`` or ``"[64, 64]"``.
    """
    return value if isinstance(value, str) else repr(value.item() if isinstance(value, np.generic) else value)


def duration(seconds: float | None) -> str:
    """Write a span of time in the one or two units that matter.

    Args:
        seconds: Seconds, or None where nothing was timed.

    Returns:
        For example ``"35 ms"``, ``"4.1 s"``, ``"2 min 03 s"``, ``"1 h 20 min"``, ``"3 d 04 h"``.
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 0.9995:  # noqa: PLR2004 - what rounds to a full second is written as one
        return f"{seconds * 1e3:.3g} ms" if seconds else "0 s"
    if seconds < 59.95:  # noqa: PLR2004 - what rounds to a full minute is written as one
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, part, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size:,} {unit} {whole % size // part:02d} {below}"
    return f"{whole:.1f} s"


def size(byte_count: int | None) -> str:
    """Write a number of bytes in decimal units, as file managers do.

    Args:
        byte_count: Bytes, or None where unknown.

    Returns:
        For example ``"512 B"``, ``"34.2 kB"``, ``"1.5 MB"``.
    """
    if byte_count is None:
        return MISSING
    value, unit = float(byte_count), 0
    while abs(value) >= 999.95 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - rounds to 1000 at one decimal
        value, unit = value / 1000, unit + 1
    return f"{value:,.1f} {_UNITS[unit]}" if unit else f"{byte_count} B"


def one_line(text: str) -> str:
    """Make text safe for one line of a terminal: white space becomes single spaces, control characters visible.

    Args:
        text: Any text.

    Returns:
        The text on one line, without escape sequences.
    """
    return " ".join(visible(text, keep="\t\n\r").split())


def shortened(text: str, width: int) -> str:
    """Cut text in its middle: the end of a reference is the number that tells it from its neighbours.

    Args:
        text: Any text.
        width: Most letters to keep, at least 3.

    Returns:
        One line of at most ``width`` letters, such as ``"a-long-na…ame:12"``.
    """
    line = one_line(text)
    if len(line) <= width:
        return line
    tail = (width - 1) // 2
    return f"{line[: width - 1 - tail]}…{line[len(line) - tail :]}"


def display_width(text: str) -> int:
    """Count the columns a terminal gives to a text.

    Args:
        text: One line of text.

    Returns:
        Columns: two for a wide East Asian letter, none for a combining mark or a joiner, else one.
    """
    widths = (
        0 if unicodedata.combining(c) or c in _JOINERS else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text
    )
    return sum(widths)


def _pad(text: str, width: int, *, right: bool) -> str:
    fill = " " * (width - display_width(text))
    return fill + text if right else text + fill


def numeric_columns(rows: Sequence[Sequence[object]], count: int) -> frozenset[int]:
    """Find the columns that hold nothing but numbers and gaps.

    Args:
        rows: Cells, row by row.
        count: Number of columns.

    Returns:
        Indices of columns with at least one number and otherwise only None.
    """
    columns = [[row[index] for row in rows] for index in range(count)]
    return frozenset(
        index
        for index, cells in enumerate(columns)
        if any(map(is_number, cells)) and all(cell is None or is_number(cell) for cell in cells)
    )


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Collection[int] | None = None,
    *,
    width: int | None = None,
) -> str:
    """Lay out an aligned table: columns of numbers to the right, all else to the left.

    Args:
        headers: Column titles.
        rows: Cells, as many in each row as there are headers.
        numeric: Indices of columns to set on the right; by default those that hold only numbers.
        width: Where the lines should end: what is longer in the last column goes on below, and in others is cut; None
            for no end.

    Returns:
        Lines without trailing spaces: headers, a rule, one line for each row.
    """
    body = [tuple(row) for row in rows]
    right = numeric_columns(body, len(headers)) if numeric is None else numeric
    written = [
        [one_line(text) for text in (header, *column(row[index] for row in body))]
        for index, header in enumerate(headers)
    ]
    if width is not None:
        written = _wrapped(written, width)
    widths = [max(map(display_width, cells)) for cells in written]
    written = [[cells[0], "─" * widest, *cells[1:]] for cells, widest in zip(written, widths, strict=True)]
    lines = (
        "  ".join(_pad(cell, widths[i], right=i in right) for i, cell in enumerate(line)).rstrip()
        for line in zip(*written, strict=True)
    )
    return "\n".join(lines)


def _wrapped(columns: list[list[str]], width: int) -> list[list[str]]:
    """Break the cells of the last column, with empty cells before what goes on below; cut those of the others."""
    *others, last = columns
    others = [[shortened(cell, _WIDEST) for cell in cells] for cells in others]
    room = max(_NARROWEST, width - sum(2 + max(map(display_width, cells)) for cells in others))
    broken = [textwrap.wrap(cell, room) or [""] for cell in last]
    spread = [
        [part for cell, lines in zip(cells, broken, strict=True) for part in [cell, *[""] * (len(lines) - 1)]]
        for cells in others
    ]
    return [*spread, [line for lines in broken for line in lines]]


def fields(pairs: Iterable[tuple[str, object]], *, width: int | None = None) -> str:
    """Lay out labelled values, one a line, the values in one column.

    Args:
        pairs: Label and value; numbers are written as ``number`` does.
        width: Where the lines should end: what is longer goes on below; None for no end.

    Returns:
        Lines such as ``"episodes  612"``.
    """
    lines = [(one_line(label), one_line(number(value))) for label, value in pairs]
    columns = [[cells[i] for cells in lines] for i in range(2)]
    labels, values = columns if width is None or not lines else _wrapped(columns, width)
    widest = max(map(display_width, labels), default=0)
    return "\n".join(
        f"{_pad(label, widest, right=False)}  {value}".rstrip() for label, value in zip(labels, values, strict=True)
    )


def sparkline(values: ArrayLike, width: int = 40) -> str:
    """Draw a curve with block characters.

    Args:
        values: Numbers in order, of any shape; more than ``width`` of them are averaged in groups.
        width: Most characters to use.

    Returns:
        One character for each value or group: a low block for the lowest, a full one for the highest, a
        space where there is no finite number. Empty without values.
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    groups = np.array_split(numbers, min(width, numbers.size)) if numbers.size and width > 0 else []
    means = [_mean(group) for group in groups]
    known = [mean for mean in means if mean is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(" " if mean is None else _block(mean, low, high) for mean in means)


def _mean(group: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    finite = group[np.isfinite(group)]
    # Divided first: the sum of huge values would overflow.
    return float(np.sum(finite / finite.size)) if finite.size else None


def _block(value: float, low: float, high: float) -> str:
    span = high / 2 - low / 2  # halves, for high - low may exceed the largest float
    share = (value / 2 - low / 2) / span if span > 0 else 0.5
    return _BLOCKS[min(int(share * len(_BLOCKS)), len(_BLOCKS) - 1)]
