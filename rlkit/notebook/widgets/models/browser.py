"""ModelBrowser: find, look at, compare and use the models that a registry keeps, by hand."""

from __future__ import annotations

from typing import Any

import ipywidgets
from traitlets import Any as AnyTrait, List, Unicode

import rlkit
from rlkit.display import html
from rlkit.errors import RLKitError, in_two_lines
from rlkit.notebook.widgets.models.actions import Assign, VersionActions
from rlkit.notebook.widgets.models.comparison import VersionComparison
from rlkit.notebook.widgets.models.details import VersionDetails
from rlkit.notebook.widgets.models.follower import Follower
from rlkit.notebook.widgets.models.part import Part
from rlkit.notebook.widgets.models.trash import Trash
from rlkit.notebook.widgets.models.versions import VersionTable
from rlkit.notebook.widgets.twin import Twinned
from rlkit.registry import ModelRegistry


class ModelBrowser(Twinned, Part):
    """All versions of all models: a table to choose from, and below it what is known of the chosen ones.

    From when it is shown it follows what other notebooks and programs change; inside a widget of somebody's own,
    from ``follower.start()`` on.

    Args:
        registry: Where the models are; None for the current registry.
        assign: Puts a model into a variable of the notebook; without it there is no box for its name.

    Attributes:
        folder: Where the models are.
        query: Words, or an expression of the search language; empty for all.
        sort: A field to sort by, with ``-`` before it where the largest come first.
        selected: References of the versions that are chosen, the last one last.
        version: The last of them, or None: what can be loaded or changed.
        model: The model that was loaded last, or None.
        versions: The table.
        actions: What can be done with the version.
        details: What is known of the version, where one is chosen.
        comparison: The versions side by side, where several are chosen.
        trash: What was deleted.
        follower: Notices what others change.
    """

    folder = Unicode(read_only=True)
    query = Unicode()
    sort = Unicode()
    selected = List(Unicode())
    version = Unicode(None, allow_none=True)
    model = AnyTrait(None, allow_none=True)

    def __init__(self, registry: ModelRegistry | None = None, assign: Assign | None = None) -> None:
        super().__init__(rlkit.registry() if registry is None else registry)
        registry, look = self.registry, self._look
        self.set_trait("folder", str(registry.folder))
        self.versions = VersionTable(registry, look)
        self.actions = VersionActions(registry, assign, look)
        self.details = VersionDetails(registry, look)
        self.comparison = VersionComparison(registry, look)
        self.trash = Trash(registry, look)
        self._fill("rlkit-browser", [self.versions, self.actions, self.details, self.comparison, self.trash])
        for name in ("sort", "query", "selected"):
            ipywidgets.link((self.versions, name), (self, name))
        for part in (self, self.actions):
            ipywidgets.dlink((self.versions, "version"), (part, "version"))
        ipywidgets.dlink((self.versions, "selected"), (self.comparison, "selected"))
        ipywidgets.dlink((self.actions, "model"), (self, "model"))
        self.observe(self._choose, "selected")
        self.observe(lambda _: self.renew(), ["sort", "query", "selected"])
        self.follower = Follower(registry, self.refresh)
        for part in (self.actions, self.trash):
            part.observe(lambda _: self.follower.look(), "changes")

    def refresh(self) -> None:
        """Look again at everything that is shown."""
        for part in (self.versions, self.actions, self.details, self.comparison, self.trash):
            part.refresh()
        self.renew()

    def _choose(self, change: Any) -> None:
        """Show one version by itself: several stand side by side, and nothing more is read of them."""
        refs = change["new"]
        self.details.version = refs[0] if len(refs) == 1 else None

    def framed(self) -> ipywidgets.VBox:
        """Return what is put on a page; from then on it follows the registry."""
        self.follower.look()
        self.follower.start()
        return super().framed()

    def close(self) -> None:
        """Take it away from all pages, and follow the registry no longer."""
        if hasattr(self, "follower"):  # else it could not be made: its folder cannot be read
            self.follower.stop()
        super().close()

    # -- where widgets do not show -----------------------------------------------------------------------------------

    def twin(self) -> dict[str, str]:
        """Return what stands for it where no widget can: the page of the table and the version, by MIME type."""
        said, table = self.versions.said, self.versions.shown
        words, page = self._card()
        head = html.muted(said) if said else ""
        return {
            "text/plain": "\n\n".join(part for part in (said, repr(table) if table else "", words) if part),
            "text/html": html.stacked(head, table._repr_html_() if table else "", page),
        }

    def _card(self) -> tuple[str, str]:
        """Return the version as text and as HTML."""
        if self.version is None:
            return "", ""
        try:
            version = self.registry.get(self.version)
            return str(version), version._repr_html_()
        except RLKitError as error:
            told = in_two_lines(error)
            return told, html.alarm(told)
