"""Lines with a magic, put right when IPython has made Python of them and before it runs that.

IPython hands a semicolon at the end of a line to the magic, and shows its value all the same. Of a magic that does
not exist it prints a word, and notebook testers take the cell for a good one: here rlkit's help is asked for it, which
fails with the nearest that exists.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection

_TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""  # as repr() writes it
_LINE = re.compile(rf"get_ipython\(\)\.run_line_magic\(({_TEXT}), ({_TEXT})\)")
_CELL = re.compile(rf"get_ipython\(\)\.run_cell_magic\(({_TEXT}), ({_TEXT}), ({_TEXT})\)")
_NAME = re.compile(r"(rl_\w*)(.*)", re.DOTALL)
_SEMICOLON = re.compile(r";\s*$")


def make_transformer(line: Collection[str], cell: Collection[str]) -> Callable[[list[str]], list[str]]:
    """Return a transformer for ``ip.input_transformers_post``.

    Args:
        line: Names of the line magics that exist.
        cell: Names of the cell magics that exist.
    """

    def of_line(call: re.Match[str]) -> str:
        return rewritten(call, line, "line", "%", "")

    def of_cell(call: re.Match[str]) -> str:
        # IPython would print a word about a cell without a body, too; here it is one without values.
        body = repr("\n") if call[3] == "''" else call[3]
        return rewritten(call, cell, "cell", "%%", f", {body}")

    def rewritten(call: re.Match[str], known: Collection[str], kind: str, sign: str, body: str) -> str:
        found, words = _NAME.fullmatch(ast.literal_eval(call[1])), ast.literal_eval(call[2])
        if found is None:
            return call[0]
        name, more = found.groups()
        if more[:1].isspace():  # IPython's names end at a space: a tab or a semicolon may stand in one
            more, words = "", f"{more.strip()} {words}".strip()
        if name not in known or more not in {"", ";"}:
            return _ask_for(f"{sign}{name}{more}")
        words, semicolons = _SEMICOLON.subn("", ";" if more else words)
        # A semicolon after the call would do where IPython keeps a history of cells, which notebook testers tell it not
        # to.
        return f"get_ipython().run_{kind}_magic('{name}', {words!r}{body}){'; None' * semicolons}"

    def transform(lines: list[str]) -> list[str]:
        return [_CELL.sub(of_cell, _LINE.sub(of_line, text)) if "_magic(" in text else text for text in lines]

    return transform


def _ask_for(call: str) -> str:
    return f"get_ipython().run_line_magic('rl_help', {call!r})"
