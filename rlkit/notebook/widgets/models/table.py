"""Table: rows to choose from, of which a page at a time goes to the browser."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Bool, Dict, List, Unicode


class Table(anywidget.AnyWidget):
    """A table of HTML's own. Titles sort it, a click chooses a row, its box adds the row to others.

    The arrows move among rows, Enter chooses one, Space adds it. What a cell says is text, never markup.

    Attributes:
        label: Name of the table, for those who do not see it.
        columns: ``name`` and ``title`` of each, and whether it is ``numeric``.
        rows: The ``key`` of each, unlike all others, and its ``cells``: the ``text`` and the ``marks`` of each.
        sort: Name of the column that the rows are sorted by, with ``-`` before it where the largest come first.
        sortable: Whether its titles can be pressed.
        selected: Keys of chosen rows, which may be on other pages; the last was chosen last.
    """

    _esm = Path(__file__).with_name("table.js")

    label = Unicode().tag(sync=True)
    columns = List(Dict()).tag(sync=True)
    rows = List(Dict()).tag(sync=True)
    sort = Unicode().tag(sync=True)
    sortable = Bool(default_value=True).tag(sync=True)
    selected = List(Unicode()).tag(sync=True)
