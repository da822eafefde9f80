"""A sentence that is shown, not printed: what was done, and how to undo it."""

from __future__ import annotations

from rlkit.display.html import muted
from rlkit.display.text import one_line


class Note(str):
    """Text that shows as itself, without quotes, and quietly in a notebook."""

    __slots__ = ()

    def __repr__(self) -> str:
        return one_line(str(self))

    def _repr_html_(self) -> str:
        return muted(str(self))
