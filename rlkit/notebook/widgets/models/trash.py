"""Trash: deleted versions, and how they come back."""

from __future__ import annotations

import warnings

import ipywidgets
from traitlets import Int

from rlkit.display import html
from rlkit.errors import RLKitError, in_two_lines
from rlkit.notebook.widgets.fold import Fold
from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.message import Message
from rlkit.notebook.widgets.models.columns import columns_for, rows_of
from rlkit.notebook.widgets.models.confirm import Confirm
from rlkit.notebook.widgets.models.part import Part
from rlkit.notebook.widgets.models.table import Table
from rlkit.registry import ModelRegistry

_MOST = 50
_MOST_DAMAGED = 3
_RESTORE = "{} {} back, with tags, metrics and those aliases that do not point elsewhere now."


class Trash(Part):
    """Deleted versions, folded away; they are read when that is opened.

    Args:
        registry: Where the models are.
        look: What it shares with the parts around it; None for a part by itself.

    Attributes:
        changes: How often the registry was changed here, so that others know when to look again.
        fold: What it is folded away in.
        table: The deleted versions, of many those that come first by name.
        said: What there is to say of the trash, or why it cannot be read.
        message: What was done, or what was wrong and what would be right.
        confirm: The question before versions come back.
    """

    changes = Int(0)

    def __init__(self, registry: ModelRegistry, look: Look | None = None) -> None:
        super().__init__(registry, look)
        self.table = Table(label="Deleted versions", sortable=False)
        self._frame = self._framed(self.table)
        self.said = self._look.make(ipywidgets.HTML)
        self.restore = self._button("Restore…", "Bring the chosen versions back", self._ask)
        self.confirm = Confirm(self._look)
        self.message = self._look.make(Message, "rlkit-message")
        inside = [self.said, self._frame, self._row(self.restore), self.confirm, self.message]
        self.fold = Fold(self._look, "Trash", inside)
        self.fold.observe(lambda _: self.refresh(), "opened")
        self.table.observe(lambda _: self._choose(), "selected")
        self._fill("rlkit-trash", [self.fold])
        self._choose()

    def refresh(self) -> None:
        """Look again at the trash, if somebody looks at it."""
        if self.fold.opened:
            with self._guard.lock:
                try:
                    self._draw()
                except RLKitError as error:  # until it can be read again
                    self.said.value = html.alarm(in_two_lines(error))

    def _draw(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            found = self.registry.trash()
        shown = found[:_MOST]
        columns = columns_for(shown)
        self.table.selected = [version.ref for version in shown if version.ref in self.table.selected]
        with self.table.hold_sync():
            self.table.columns = [column.head() for column in columns]
            self.table.rows = rows_of(columns, shown)
        self._show(self._frame, shown=bool(found))
        self._show(self.restore, shown=bool(found))
        more = (
            f"The first {_MOST} of {len(found):,}. registry.restore('name:1') brings back any." if found[_MOST:] else ""
        )
        damaged = list(dict.fromkeys(str(each.message) for each in caught))
        if damaged[_MOST_DAMAGED:]:
            damaged[_MOST_DAMAGED:] = [
                f"{len(damaged) - _MOST_DAMAGED} more are damaged: registry.verify() lists them."
            ]
        self.said.value = html.alarm("\n".join(damaged)) or html.muted(more if found else "The trash is empty.")

    def _choose(self) -> None:
        self.confirm.forget()
        self.restore.disabled = not self.table.selected

    def _ask(self) -> None:
        refs = list(self.table.selected)
        what = refs[0] if len(refs) == 1 else f"{len(refs)} versions"
        words = _RESTORE.format(", ".join(refs), "comes" if len(refs) == 1 else "come")
        self.confirm.ask(words, f"Restore {what}", lambda: self._restore(refs), self.restore)

    def _restore(self, refs: list[str]) -> None:
        self.message.attempt(lambda: f"Restored: {', '.join([self.registry.restore(ref).ref for ref in refs])}.")
        self.refresh()
        self.changes += 1
