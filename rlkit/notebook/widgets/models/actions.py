"""VersionActions: what can be done with one version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
from traitlets import Any as AnyTrait, Int, Unicode, observe

from rlkit.display import html
from rlkit.errors import ModelNotFoundError, RLKitError, UntrustedArtifactError
from rlkit.notebook.widgets.fold import Fold
from rlkit.notebook.widgets.look import Look, labelled
from rlkit.notebook.widgets.message import Message
from rlkit.notebook.widgets.models.confirm import Confirm
from rlkit.notebook.widgets.models.part import Part
from rlkit.notebook.widgets.models.words import WordList
from rlkit.registry import ModelRegistry, ModelVersion

Assign = Callable[[str, object], None]

_VARIABLE = "Of the notebook, for the model."
_TAG = "Words to find versions by."
_ALIAS = "A word that points to one version of a model, such as best. It moves here if it points elsewhere."
_TRUST = "Its class would run here as your own code does. Do that only where you trust who made {}."
_DELETE = "{} moves to the trash, from where it can be restored. Its number is not given again."


class VersionActions(Part):
    """Load a version, change its tags, aliases and description, or delete it.

    Args:
        registry: Where the models are.
        assign: Puts a model into a variable of the notebook; without it there is no box for its name.
        look: What it shares with the parts around it; None for a part by itself.

    Attributes:
        version: Its reference, or None.
        model: The model that was loaded last, or None.
        changes: How often the registry was changed here, so that others know when to look again.
        message: What was done, or what was wrong and what would be right.
        confirm: The question before a version is deleted, or code that came with it is run.
    """

    version = Unicode(None, allow_none=True)
    model = AnyTrait(None, allow_none=True)
    changes = Int(0)

    def __init__(self, registry: ModelRegistry, assign: Assign | None = None, look: Look | None = None) -> None:
        super().__init__(registry, look)
        self._assign = assign
        self._shown = ("", "")  # reference and description
        make = self._look.make
        self.title = make(ipywidgets.HTML, "rlkit-title")
        self.variable = make(ipywidgets.Text, "rlkit-word", value="agent", **labelled("variable", _VARIABLE))
        self.load = self._button("Load", "Rebuild the model", self._load, "rlkit-first")
        self.delete = self._button("Delete…", "Move this version to the trash", self._ask_delete, "rlkit-delete")
        self.confirm = Confirm(self._look)
        self.message = make(Message, "rlkit-message")
        self.tags = WordList(self._look, "tag", _TAG, self._tag, self._untag)
        self.aliases = WordList(self._look, "alias", _ALIAS, self._set_alias, self._delete_alias)
        self.description = make(ipywidgets.Textarea, "rlkit-text-area", rows=4, **labelled("description", "Markdown."))
        self.describe = self._button("Save description", "Replace the description", self._describe)
        self.fold = Fold(self._look, "Description", [self.description, self.describe])
        variable = [] if assign is None else [self.variable]
        loading = self._row(self.title, *variable, self.load, self.delete)
        labels = make(ipywidgets.HBox, "rlkit-row", "rlkit-labels", children=[self.tags, self.aliases])
        self.body = make(ipywidgets.VBox, "rlkit-body", children=[loading, labels, self.fold])
        self._fill("rlkit-actions", [self.body, self.confirm, self.message])
        self.refresh()

    # -- what it shows -----------------------------------------------------------------------------------------------

    @observe("version")
    def _change(self, change: Any) -> None:
        self.confirm.forget()
        if change["new"] is not None:  # else it may just have been said that it was deleted
            self.message.clear()
        self.refresh()

    def refresh(self) -> None:
        """Look again at the version: another program may have changed it. What somebody is typing stays."""
        with self._guard.lock:
            self._show(self.body, shown=self.version is not None)
            if self.version is None:
                return
            self.title.value = f"<strong>{html.plain(self.version)}</strong>"
            try:
                version = self.registry.get(self.version)
            except RLKitError:  # whoever presses a button is told
                return
            self._show_words(version)

    def _show_words(self, version: ModelVersion) -> None:
        self.tags.show(version.tags)
        self.aliases.show(version.aliases)
        ref, before = self._shown
        if version.ref != ref or self.description.value == before:  # else somebody is writing another one
            self.description.value = version.description
        self._shown = version.ref, version.description

    # -- what it does ------------------------------------------------------------------------------------------------

    def _chosen(self) -> str:
        if self.version is None:
            raise ModelNotFoundError("No version is chosen.", "Choose one in the table.")
        ref: str = self.version
        return ref

    def _change_registry(self, action: Callable[[str], str]) -> bool:
        """Change something of the version, and say what, or why not; return whether it was changed."""
        self.confirm.forget()
        try:
            said = action(self._chosen())
        except RLKitError as error:
            self.message.fail(error)
            return False
        self.refresh()
        self.changes += 1
        self.message.tell(said)
        return True

    def _load(self) -> None:
        self.confirm.forget()
        self.message.attempt(self._load_trusting_none)

    def _load_trusting_none(self) -> str:
        try:
            return self._put(self._chosen())
        except UntrustedArtifactError:
            ref = self._chosen()
            self.confirm.ask(
                _TRUST.format(ref),
                "Trust it and load",
                lambda: self.message.attempt(lambda: self._put(ref, trust=True)),
                self.load,
            )
            raise

    def _put(self, ref: str, *, trust: bool = False) -> str:
        """Load a version, put it where it is wanted, and say where."""
        model = self.registry.load(ref, trust=trust)
        where = self.variable.value.strip()
        if self._assign is not None:
            self._assign(where, model)
        self.model = model
        return f"{where} holds {ref}." if self._assign is not None else f"The attribute model holds {ref}."

    def _tag(self, tag: str) -> bool:
        return self._change_registry(lambda ref: f"{self.registry.tag(ref, tag).ref} has the tag {tag}.")

    def _untag(self, tag: str) -> None:
        self._change_registry(lambda ref: f"{self.registry.untag(ref, tag).ref} has no tag {tag} any more.")

    def _set_alias(self, alias: str) -> bool:
        def point(ref: str) -> str:
            version = self.registry.get(ref)
            self.registry.set_alias(version.name, alias, version.version)
            return f"{version.name}@{alias} is {version.ref}."

        return self._change_registry(point)

    def _delete_alias(self, alias: str) -> None:
        def forget(ref: str) -> str:
            name = self.registry.get(ref).name
            self.registry.delete_alias(name, alias)
            return f"{name} has no alias {alias} any more."

        self._change_registry(forget)

    def _describe(self) -> None:
        typed = self.description.value
        self._change_registry(lambda ref: f"{self.registry.describe(ref, typed).ref} is described.")

    def _ask_delete(self) -> None:
        self.message.attempt(self._ask_to_delete)

    def _ask_to_delete(self) -> str:
        version = self.registry.get(self._chosen())
        words = [_DELETE.format(version.ref)]
        if version.aliases:
            names = ", ".join(f"@{alias}" for alias in version.aliases)
            words.append(f"Until then {names} of {version.name} points nowhere.")
        self.confirm.ask("\n".join(words), f"Delete {version.ref}", lambda: self._delete(version.ref), self.delete)
        return ""

    def _delete(self, ref: str) -> None:
        def trash(_: str) -> str:
            self.registry.delete(ref)
            return f"{ref} is in the trash."

        self._change_registry(trash)
