"""VersionTable: all versions of a registry, a page at a time, to sort, search and choose from."""

from __future__ import annotations

import warnings
from typing import Any

import ipywidgets
from traitlets import Int, List, Unicode, observe

from rlkit.display import html, text
from rlkit.errors import QueryError, RLKitError, StoreError, in_two_lines
from rlkit.notebook.widgets.look import Look, labelled
from rlkit.notebook.widgets.message import Message
from rlkit.notebook.widgets.models.columns import Column, columns_for, rows_of
from rlkit.notebook.widgets.models.part import Part
from rlkit.notebook.widgets.models.searching import condition
from rlkit.notebook.widgets.models.table import Table
from rlkit.registry import ModelRegistry, ModelVersion, VersionList

PAGE = 20
"""Rows of a page: what a notebook shows without scrolling."""
_NEWEST = "-created"
_HELP = (
    "Words that occur in names, tags, aliases or descriptions; or an expression, such as\n"
    "metrics.mean_return > 400 and algorithm = 'ppo' and 'baseline' in tags"
)
_EMPTY = "No model is kept in {} yet. Train one, then keep it: %rl_save agent cartpole"
_GONE = "The folder {} is gone. Its models are shown again when it is back."


class VersionTable(Part):
    """Versions of all models, the newest first.

    Args:
        registry: Where the models are.
        look: What it shares with the parts around it; None for a part by itself.

    Attributes:
        query: Words, or an expression of the search language; empty for all.
        sort: A field to sort by, with ``-`` before it where the largest come first.
        page: The page that is shown, from 0.
        selected: References of the versions that are chosen, the last one last.
        version: The last of them, or None.
        problem: What is wrong with the query.
        message: What is wrong with the registry, or what there is to say of the versions.
        said: The same as text; empty where there is nothing to say.
    """

    query = Unicode()
    sort = Unicode(_NEWEST)
    page = Int(0, min=0)
    selected = List(Unicode())
    version = Unicode(None, allow_none=True, read_only=True)

    def __init__(self, registry: ModelRegistry, look: Look | None = None) -> None:
        super().__init__(registry, look)
        self._columns: list[Column] = []
        self._total = 0
        self._found: list[ModelVersion] = []
        self._was_there = False
        self.said = ""
        self.message = self._look.make(Message, "rlkit-message")
        self.table = Table(label="Versions of models")
        self._frame = self._framed(self.table)
        self._fill("rlkit-versions", [self._make_head(), self.message, self._frame, self._make_foot()])
        ipywidgets.link((self, "query"), (self.search, "value"))
        for name in ("sort", "selected"):
            ipywidgets.link((self, name), (self.table, name))
        self.refresh()

    def _make_head(self) -> ipywidgets.DOMWidget:
        make, hint = self._look.make, "words, or metrics.mean_return > 400"
        self.search = make(ipywidgets.Text, "rlkit-search", placeholder=hint, **labelled("search", _HELP))
        self.count = make(ipywidgets.HTML)
        self.problem = make(Message, "rlkit-wrong")
        return make(ipywidgets.HBox, "rlkit-head", children=[self.search, self.count, self.problem])

    def _make_foot(self) -> ipywidgets.DOMWidget:
        make = self._look.make
        self.chosen = make(ipywidgets.HTML)
        self.clear = self._button("clear", "Choose none of them", lambda: setattr(self, "selected", []))
        self.place = make(ipywidgets.HTML, "rlkit-place")
        self.back = self._button("Previous", "Previous page", lambda: self._turn(-1))
        self.forth = self._button("Next", "Next page", lambda: self._turn(1))
        parts = [self.chosen, self.clear, self.place, self.back, self.forth]
        return make(ipywidgets.HBox, "rlkit-row", children=parts)

    # -- what it shows -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what the registry keeps: other programs may have changed it."""
        with self._guard.lock:
            try:
                self.said = self._read()
                self.message.tell(self.said)
            except StoreError as error:
                self._total, self.said = 0, in_two_lines(error)
                self.message.fail(error)
            self._find()

    def _read(self) -> str:
        """Read what there is to choose from, and return what there is to say of it."""
        there = self.registry.folder.is_dir()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            everything = self.registry.versions()
        self._total = len(everything)
        if not there and self._was_there:
            return _GONE.format(self.registry.folder)
        self._was_there = there
        self._columns = columns_for(everything)
        damaged = dict.fromkeys(str(each.message) for each in caught)
        empty = [] if everything else [_EMPTY.format(self.registry.folder)]
        return "\n".join([*self._without_the_lost(), *damaged, *empty])

    def _find(self) -> None:
        """Find those that are asked for, in order, and show a page of them."""
        try:
            with warnings.catch_warnings(action="ignore"):  # it was said of all
                order = None if self.sort in ("ref", "-ref") else self.sort  # numbers, not letters
                found = self.registry.search(condition(self.query), order) if self._total else []
        except QueryError as error:  # what was found before stays
            self.problem.fail(error)
            return
        except StoreError:  # refresh() has told why, or will
            found = []
        self.problem.clear()
        self._found = found[::-1] if self.sort == "-ref" else found
        self._draw()

    def _without_the_lost(self) -> list[str]:
        """Choose no longer what is there no longer, and what was renamed by its new name; say which is lost."""
        before, now, lost = self.selected, [], []
        for ref in before:
            try:
                now.append(self.registry.get(ref).ref)
            except StoreError:  # damaged: whoever shows it says so
                now.append(ref)
            except RLKitError:  # deleted, or no reference at all
                lost.append(ref)
        if now != before:  # else somebody may be choosing just now
            self.selected = now
        return [f"Not there any more: {', '.join(lost)}."] if lost else []

    def _draw(self) -> None:
        """Show a page of what was found."""
        with self._guard.lock:
            found, last = len(self._found), max(0, (len(self._found) - 1) // PAGE)
            self.page = min(self.page, last)
            first = self.page * PAGE
            shown = self._found[first : first + PAGE]
            with self.table.hold_sync():
                self.table.columns = [column.head() for column in self._columns]
                self.table.rows = rows_of(self._columns, shown)
            self.count.value = html.muted(_counted(found, self._total))
            self.place.value = html.muted(
                f"{first + 1:,}\N{EN DASH}{first + len(shown):,} of {found:,}" if shown else ""
            )
            self.back.disabled, self.forth.disabled = self.page == 0, self.page == last
            for turn in (self.back, self.place, self.forth):
                self._show(turn, shown=last > 0)
            self._show(self._frame, shown=self._total > 0)
            self._tell_chosen()

    def _tell_chosen(self) -> None:
        count = len(self.selected)
        self.chosen.value = html.muted(f"{count:,} chosen") if count else ""
        self._show(self.clear, shown=count > 0)

    @property
    def shown(self) -> VersionList:
        """The versions on the page."""
        return VersionList(self._found[self.page * PAGE : (self.page + 1) * PAGE], ranked=True)

    # -- what a person does ------------------------------------------------------------------------------------------

    def _turn(self, pages: int) -> None:
        self.page = max(0, self.page + pages)

    @observe("query", "sort")
    def _ask(self, _: object) -> None:
        with self._guard.lock:
            self.page = 0
            self._find()

    @observe("page")
    def _open(self, _: object) -> None:
        self._draw()

    @observe("selected")
    def _choose(self, change: Any) -> None:
        self.set_trait("version", change["new"][-1] if change["new"] else None)
        self._tell_chosen()


def _counted(found: int, total: int) -> str:
    versions = f"{text.number(total)} version{'' if total == 1 else 's'}"
    return versions if found >= total else f"{found:,} of {versions}"
