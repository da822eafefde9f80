"""WordList: words of a version that can be taken away one by one, and a box to add one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets

from rlkit.display import text
from rlkit.notebook.widgets.look import Look, close, labelled

_LONGEST = 40


class WordList(ipywidgets.HBox):
    """Tags or aliases.

    Args:
        look: What it shares with others.
        kind: What they are called: ``"tag"``.
        meaning: What they are for.
        add: Called with a word to add; returns whether that was done.
        remove: Called with a word to take away.

    Attributes:
        words: The words; :meth:`show` changes them.
        buttons: What takes each of them away.
        box: Where another one is typed.
    """

    def __init__(
        self, look: Look, kind: str, meaning: str, add: Callable[[str], bool], remove: Callable[[str], object]
    ) -> None:
        self._look, self._kind = look, kind
        self._add, self._remove = add, remove
        self.words: tuple[str, ...] = ()
        self.buttons: dict[str, ipywidgets.DOMWidget] = {}
        self.box = look.make(ipywidgets.Text, "rlkit-word", placeholder=f"new {kind}", **labelled(kind, meaning))
        self.box.on_msg(self._enter)
        self.add = look.make(ipywidgets.Button, description=f"Add {kind}", tooltip=f"Give it this {kind}")
        self.add.on_click(lambda _: self._take())
        self._list = look.make(ipywidgets.HBox, "rlkit-words")
        super().__init__([self.box, self.add, self._list], layout=look.shown)
        self._dom_classes = ("rlkit-row",)

    def show(self, words: Sequence[str]) -> None:
        """Show other words."""
        if tuple(words) == self.words:
            return
        self.words, before = tuple(words), self._list.children
        self.buttons = {word: self._button(word) for word in words}
        self._list.children = list(self.buttons.values())
        for button in before:
            close(button)

    def _button(self, word: str) -> ipywidgets.DOMWidget:
        label = f"{text.shortened(word, _LONGEST)} \N{MULTIPLICATION SIGN}"
        button = self._look.make(
            ipywidgets.Button, "rlkit-mark", description=label, tooltip=f"Remove the {self._kind} {word}"
        )
        button.on_click(lambda _: self._remove(word))
        return button

    def _enter(self, _: object, content: dict[str, object], __: object) -> None:
        if content.get("event") == "submit":  # the Enter key
            self._take()

    def _take(self) -> None:
        if self._add(self.box.value.strip()):
            self.box.value = ""
