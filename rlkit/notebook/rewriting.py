"""Lines with a magic, put right when IPython has made Python of them and before it runs that.

IPython hands a semicolon at the end of a line to the magic, and shows its value all the same. Of a magic that does
not exist it prints a word, and notebook testers take the cell for a good one: here rlkit's help is asked for it, which
fails with the nearest that exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

_TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""  # as repr() writes it
_NAME = r"'(rl_\w*)([^']*)'"  # IPython's names end at a space: a semicolon may stand in one
_LINE = re.compile(rf"get_ipython\(\)\.run_line_magic\({_NAME}, ({_TEXT})\)")
_CELL = re.compile(rf"get_ipython\(\)\.run_cell_magic\({_NAME}, ({_TEXT}), ({_TEXT})\)")
_SEMICOLON = re.compile(r";\s*(?=['\"]$)")


def make_transformer(line: Collection[str], cell: Collection[str]) -> Callable[[list[str]], list[str]]:
    """Return a transformer for ``ip.input_transformers_post``.

    Args:
        line: Names of the line magics that exist.
        cell: Names of the cell magics that exist.
    """

    def of_line(call: re.Match[str]) -> str:
        name, more, words = call.groups()
        if name not in line or more not in {"", ";"}:
            return _ask_for(f"%{name}{more}")
        words = repr(";") if more else words
        return f"get_ipython().run_line_magic('{name}', {_SEMICOLON.sub('', words)}){_semicolon(words)}"

    def of_cell(call: re.Match[str]) -> str:
        name, more, words, body = call.groups()
        if name not in cell or more not in {"", ";"}:
            return _ask_for(f"%%{name}{more}")
        words = repr(";") if more else words
        # IPython would print a word about a cell without a body, too; here it is one without values.
        body = repr("\n") if body == "''" else body
        return f"get_ipython().run_cell_magic('{name}', {_SEMICOLON.sub('', words)}, {body}){_semicolon(words)}"

    def transform(lines: list[str]) -> list[str]:
        return [_CELL.sub(of_cell, _LINE.sub(of_line, text)) if "_magic('rl_" in text else text for text in lines]

    return transform


def _semicolon(words: str) -> str:
    """Return what makes a line show nothing, where some words end with a semicolon.

    A semicolon after the call would do where IPython keeps a history of cells, which notebook testers tell it not to.
    """
    return "; None" * bool(_SEMICOLON.search(words))


def _ask_for(call: str) -> str:
    return f"get_ipython().run_line_magic('rl_help', {call!r})"
