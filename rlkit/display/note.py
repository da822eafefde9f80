"""A sentence that is shown, not printed: what was done, and how to undo it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rlkit.display.html import muted
from rlkit.display.text import one_line
from rlkit.errors import warn_caller


class Note(str):
    """Text that shows as itself, without quotes, and quietly in a notebook."""

    __slots__ = ()

    def __repr__(self) -> str:
        return one_line(str(self))

    def _repr_html_(self) -> str:
        return muted(str(self))


_collected: ContextVar[list[str] | None] = ContextVar("collected notes", default=None)


def tell(message: str) -> None:
    """Tell a person what is worth knowing and no fault: below the cell, or as a warning of the script's own line.

    Args:
        message: One sentence or two.
    """
    messages = _collected.get()
    if messages is None:
        show(message)
    else:
        messages.append(message)


def show(message: str) -> None:
    """Show a sentence below the cell; outside a notebook, warn of it with the caller's line."""
    if in_notebook():
        sys.modules["IPython.display"].display(Note(message))
    else:
        warn_caller(message)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect what is told inside, instead of showing it."""
    messages: list[str] = []
    token = _collected.set(messages)
    try:
        yield messages
    finally:
        _collected.reset(token)


def in_notebook() -> bool:
    """Say whether this process is a notebook's kernel, without importing IPython where nobody has."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None
