"""Markdown rendering: text and tables that no name, tag or value can break, on GitHub and in JupyterLab alike.

Values stand in code: there GitHub mentions nobody, and JupyterLab takes no dollar sign for mathematics. What has a
meaning in Markdown becomes a character reference, which never has one: backslashes mean different things within
tables, within code and to different readers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rlkit.display import text

_STRUCTURE = re.compile(r"[\\`*_\[\]<>|~$&#!@]")
_TAME = re.compile(r"[\w .,:;/@%+=?'\"()\[\]{}*#!^–…·-]+")  # noqa: RUF001 - an en dash stands for no value
_NOT_WORD = re.compile(r"[^\w ,+-]|_")  # a dot or a colon may make a link


def escape(value: object) -> str:
    """Make a value safe to stand in a line of Markdown or in a table.

    Args:
        value: Anything; numbers and None are written as ``text.number`` does.

    Returns:
        One line that shows as the text it is.
    """
    return _STRUCTURE.sub(_reference, text.one_line(text.number(value)))


def code(value: object) -> str:
    """Set something that is typed: a name, a reference, a hyperparameter's value.

    Args:
        value: Anything; numbers and None are written as ``text.number`` does.

    Returns:
        One line of code: between backticks, or in an HTML element where something in it could end that.
    """
    line = text.one_line(text.number(value))
    if not line:
        return ""
    if _TAME.fullmatch(line):
        return f"`{line}`"
    return f"<code>{_NOT_WORD.sub(_reference, line)}</code>"


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"


def block(source: str, language: str = "") -> str:
    """Set lines of code.

    Args:
        source: The lines.
        language: What they are written in.

    Returns:
        A fenced block, whose fence is longer than any in it.
    """
    longest = max((len(run) for run in re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{source}\n{fence}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], numeric: Collection[int] = ()) -> str:
    """Lay out a table.

    Args:
        headers: Column titles, in Markdown.
        rows: Cells in Markdown, as ``escape`` and ``code`` write it.
        numeric: Indices of columns to set on the right.

    Returns:
        Lines: headers, a rule, one for each row.
    """
    rule = ["---:" if index in numeric else "---" for index in range(len(headers))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (headers, rule, *rows))


def bullets(lines: Iterable[str]) -> str:
    """Lay out a list.

    Args:
        lines: Entries, in Markdown.

    Returns:
        One line for each.
    """
    return "\n".join(f"- {line}" for line in lines)


def closed(source: str) -> str:
    """Take somebody's Markdown as it is, and end what would go on beyond it: a fence of code, an HTML comment.

    Args:
        source: Markdown of several lines.

    Returns:
        The same, with the missing end.
    """
    fence = ""
    for line in source.splitlines():
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)", line)
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence) and not found[2].strip():
            fence = ""
    if fence:
        return f"{source}\n{fence}"
    return source if source.rfind("<!--") <= source.rfind("-->") else f"{source} -->"
