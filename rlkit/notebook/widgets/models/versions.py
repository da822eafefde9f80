"""VersionTable: all versions of a registry, a page at a time, to sort, search and choose from."""

from __future__ import annotations

import warnings
from typing import Any

import ipywidgets
from traitlets import Int, List, Unicode, observe

from rlkit.display import html, text
from rlkit.errors import ModelNotFoundError, QueryError, StoreError, in_two_lines
from rlkit.notebook.widgets.look import Look, labelled
from rlkit.notebook.widgets.message import Message
from rlkit.notebook.widgets.models.columns import Column, columns_for, rows_of
from rlkit.notebook.widgets.models.part import Part
from rlkit.notebook.widgets.models.searching import condition
from rlkit.notebook.widgets.models.table import Table
from rlkit.registry import ModelRegistry, VersionList

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
        message: What was wrong, or what there is to say of the versions.
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
        self._found = VersionList()
        self._was_there = False
        self.said = ""
        make = self._look.make
        self.search = make(
            ipywidgets.Text,
            "rlkit-search",
            placeholder="words, or metrics.mean_return > 400",
            **labelled("search", _HELP),
        )
        self.count = make(ipywidgets.HTML, "rlkit-count")
        self.message = make(Message, "rlkit-message")
        self.table = make(Table, label="Versions of models")
        self.back = self._button("Previous", "Previous page", lambda: self._turn(-1), "rlkit-turn")
        self.forth = self._button("Next", "Next page", lambda: self._turn(1), "rlkit-turn")
        self.place = make(ipywidgets.HTML, "rlkit-place")
        self.chosen = make(ipywidgets.HTML, "rlkit-chosen")
        self.clear = self._button("clear", "Choose none of them", lambda: setattr(self, "selected", []))
        foot = make(
            ipywidgets.HBox,
            "rlkit-row",
            "rlkit-foot",
            children=[self.chosen, self.clear, self.place, self.back, self.forth],
        )
        head = make(ipywidgets.HBox, "rlkit-head", children=[self.search, self.count])
        self._fill("rlkit-versions", [head, self.message, self.table, foot])
        for own, part, name in (("query", self.search, "value"), ("sort", self.table, "sort")):
            ipywidgets.link((self, own), (part, name))
        ipywidgets.link((self, "selected"), (self.table, "selected"))
        self.refresh()

    # -- what it shows -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what the registry keeps: other programs may have changed it."""
        with self._lock:
            try:
                said = self._read()
            except QueryError as error:  # what was found before stays
                self.message.fail(error)
                return
            except StoreError as error:
                self._found, self._total, said = VersionList(), 0, in_two_lines(error)
                self.message.fail(error)
            else:
                self.message.tell(said)
            self.said = said
            self._draw()

    def _read(self) -> str:
        """Find the versions that are asked for, and return what there is to say of them."""
        there = self.registry.folder.is_dir()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            everything = self.registry.versions()
            self._columns = columns_for(everything) if everything else self._columns
            self._total = len(everything)
            order = None if self.sort in ("ref", "-ref") else self.sort
            found = self.registry.search(condition(self.query), order)
        self._found = VersionList(found[::-1] if self.sort == "-ref" else found, ranked=True)
        gone = self._was_there and not there
        self._was_there = self._was_there or there
        if gone:
            return _GONE.format(self.registry.folder)
        said = [*self._without_the_lost(), *dict.fromkeys(str(each.message) for each in caught)]
        return "\n".join(said) if self._total else "\n".join([*said, _EMPTY.format(self.registry.folder)])

    def _without_the_lost(self) -> list[str]:
        """Choose no longer what is there no longer, and what was renamed by its new name; say which is lost."""
        now: list[str] = []
        lost: list[str] = []
        for ref in self.selected:
            try:
                now.append(self.registry.get(ref).ref)
            except ModelNotFoundError:
                lost.append(ref)
            except StoreError:  # damaged: whoever shows it says so
                now.append(ref)
        self.selected = now
        return [f"Not there any more: {', '.join(lost)}."] if lost else []

    def _draw(self) -> None:
        """Show a page of what was found."""
        with self._lock:
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
            self._show(self.table, shown=self._total > 0)
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
        if self.children:
            self.page = 0
            self.refresh()

    @observe("page")
    def _open(self, _: object) -> None:
        self._draw()

    @observe("selected")
    def _choose(self, change: Any) -> None:
        self.set_trait("version", change["new"][-1] if change["new"] else None)
        self._tell_chosen()


def _counted(found: int, total: int) -> str:
    versions = f"{text.number(total)} version{'' if total == 1 else 's'}"
    return versions if found == total else f"{found:,} of {versions}"
