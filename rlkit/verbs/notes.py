"""What rlkit tells and warns of, as whoever types a line should read it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rlkit.display.note import Note, collected, in_notebook, show


@contextmanager
def notes() -> Iterator[None]:
    """Show what is told and warned of inside: below the cell, in a shell on standard error.

    Each is a sentence without a place in rlkit, and names options as they are typed.
    """
    with collected() as told, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for message in [*told, *(str(each.message) for each in caught)]:
        typed = message.replace("Pass allow_duplicate=True", "Add --allow-duplicate")
        if in_notebook():
            show(typed)
        else:
            sys.stderr.write(f"Note: {Note(typed)!r}\n")
