"""Markdown rendering: text and tables that no name, tag or value can break, on GitHub and in JupyterLab alike.

Values stand in code: there GitHub mentions nobody, and JupyterLab takes no dollar sign for mathematics. What has a
meaning in Markdown becomes a character reference, which never has one: backslashes mean different things within
tables, within code and to different readers.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from textwrap import indent
from typing import Any
from urllib.parse import quote

from rlkit.display import text
from rlkit.errors import visible

_Token = Mapping[str, Any]  # of mistune's syntax tree

_STRUCTURE = re.compile(r"[\\`*\[\]{}<>|~$#@]|&(?=[#\w])|!$|(?<![^\W_])_|_(?![^\W_])")  # mean_return is a word
_BEGIN = re.compile(r"^(\d*)([-+=:%.)])(?=[-=:%\s]|$)")  # of a list, a heading, a directive
_MATHEMATICS = re.compile(r"&#(?:36|92);")
_SIMPLE = re.compile(r"[\w .,:=+/()'\"-]+")  # which means nothing in Markdown outside of code, either
_LONGEST = 20_000  # letters of a description; what is longer is text
_TAME = re.compile(r"[\w .,:;/@%+=?'\"()\[\]{}*#!^–…·-]+")  # noqa: RUF001 - an en dash stands for no value
_NOT_WORD = re.compile(r"[^\w ,+-]|_")  # a dot or a colon may make a link


def escape(value: object) -> str:
    """Make a value safe to stand in a line of Markdown or in a table.

    Args:
        value: Anything; numbers and None are written as ``text.number`` does.

    Returns:
        One line that shows as the text it is.
    """
    line = _STRUCTURE.sub(_reference, text.one_line(text.number(value)))
    return _MATHEMATICS.sub(r"<span>\g<0></span>", line)  # JupyterLab looks for it in what a page shows


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
    return _code_element(line)


def _code_element(content: str) -> str:
    return f"<code>{_NOT_WORD.sub(_reference, content)}</code>"


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


def tamed(source: str) -> str:
    """Take somebody's Markdown, and leave of it what is harmless wherever it is rendered.

    Emphasis, lists, quotes, tables, code and links to ``http``, ``https`` and ``mailto`` stay. Headings move below
    those of a page with two levels. A picture becomes a link to it: showing it would send a request to a stranger's
    server. All else, HTML included, becomes text. The result is written from the syntax tree, so that another Markdown
    parser reads the same in it.

    Args:
        source: Markdown of several lines.

    Returns:
        Markdown without HTML of theirs, and without an open end.
    """
    import mistune  # noqa: PLC0415 - 20 ms that only a description costs

    source = source.strip()
    if len(source) <= _LONGEST:
        with suppress(RecursionError):  # nested too deep
            return _blocks(mistune.create_markdown(renderer=None, plugins=["table"])(source))  # type: ignore[arg-type]
    return _paragraph(source)


def _blocks(tokens: Iterable[_Token], gap: str = "\n\n") -> str:
    return gap.join(block for block in map(_block, tokens) if block)


def _block(token: _Token) -> str:  # noqa: PLR0911 - one for each kind
    children = token.get("children", ())
    match token["type"]:
        case "blank_line":
            return ""
        case "thematic_break":
            return "***"
        case "paragraph" | "block_text":
            return _lines(children)
        case "heading":
            level = min(token["attrs"]["level"] + 2, 6)
            return f"{'#' * level} {' '.join(_lines(children).split())}"
        case "block_code":
            return _code_block(token["raw"])
        case "block_quote":
            return indent(_blocks(children), "> ", lambda _: True)
        case "list":
            return _list(token)
        case "table":
            head, *body = children
            rows = [row["children"] for part in body for row in part["children"]]
            right = [i for i, cell in enumerate(head["children"]) if cell["attrs"]["align"] == "right"]
            return table(_cells(head["children"]), map(_cells, rows), right)
    return _paragraph(token.get("raw", ""))


def _cells(cells: Iterable[_Token]) -> list[str]:
    return [" ".join(_inline(cell["children"]).split()) for cell in cells]


def _list(token: _Token) -> str:
    first = token["attrs"].get("start", 1)
    signs = [f"{first + i}. " if token["attrs"]["ordered"] else "- " for i in range(len(token["children"]))]
    gap = "\n" if token["tight"] else "\n\n"
    items = [_blocks(item["children"], gap) for item in token["children"]]
    return gap.join(
        sign + indent(item, " " * len(sign)).lstrip() for sign, item in zip(signs, items, strict=True)
    ).rstrip()


def _code_block(raw: str) -> str:
    lines = [visible(line.expandtabs(4)) for line in raw.rstrip().split("\n")]
    content = "\n".join(lines)
    if not re.search(r"[<&$\\]", content):
        return block(content)
    return f"<pre>{_code_element(content)}</pre>"  # its line ends are references as well


def _paragraph(raw: str) -> str:
    """Write text of several lines, none of whose letters has a meaning."""
    return "\n".join(_begun(escape(line)) for line in raw.split("\n") if line.strip())


def _lines(tokens: Iterable[_Token]) -> str:
    """Write a paragraph: what stands at the begin of a line makes no list and no heading of it."""
    return "\n".join(_begun(line.lstrip()) for line in _inline(tokens).split("\n") if line.strip())


def _begun(line: str) -> str:
    return _BEGIN.sub(lambda found: f"{found[1]}&#{ord(found[2])};", line)


def _inline(tokens: Iterable[_Token], *, in_link: bool = False) -> str:
    return "".join(_span(token, in_link=in_link) for token in tokens)


def _span(token: _Token, *, in_link: bool) -> str:  # noqa: PLR0911 - the same
    children = token.get("children", ())
    match token["type"]:
        case "softbreak":
            return "\n"
        case "linebreak":
            return "  \n"
        case "emphasis":
            return f"*{_inline(children, in_link=in_link)}*"
        case "strong":
            return f"**{_inline(children, in_link=in_link)}**"
        case "codespan":
            line = text.one_line(html.unescape(token["raw"]))
            return code(line) if _SIMPLE.fullmatch(line) else _code_element(line)
        case "link" | "image":
            words, url = _inline(children, in_link=True), _address(token["attrs"]["url"])
            return words if in_link or not url else f"[{words or 'link'}]({url})"
    return _words(token.get("raw", ""))


def _words(raw: str) -> str:
    """Write text within a line, whose spaces at the ends matter."""
    line = html.unescape(raw)
    return f"{' ' * line[:1].isspace()}{escape(line)}{' ' * (line[-1:].isspace() and bool(line.strip()))}"


def _address(url: str) -> str:
    """Return an address that may be followed, with no character that Markdown or HTML gives a meaning; else nothing."""
    url = html.unescape(url).strip()
    if not url.lower().startswith(("http://", "https://", "mailto:")):
        return ""
    return quote(url.encode(errors="replace"), safe=":/?#@=+,;%&-._~").replace("&", "&amp;")
