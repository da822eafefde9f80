"""Confirm: a question in place, before something is done that somebody might regret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget
import ipywidgets

from rlkit.display import html
from rlkit.notebook.widgets.look import Look


class Dismiss(anywidget.AnyWidget):
    """Tells when Escape is pressed in what it stands in, which has the class ``rlkit-dismissible``.

    Args:
        dismissed: Called then.
    """

    _esm = Path(__file__).with_name("dismiss.js")

    def __init__(self, dismissed: Callable[[], None]) -> None:
        super().__init__()
        self.on_msg(lambda *_: dismissed())


class Confirm(ipywidgets.VBox):
    """A question with two answers. It is not seen while there is nothing to ask.

    Args:
        look: What it shares with others.

    Attributes:
        question: What would happen.
        yes: The button that does it.
        no: The button that gives it up, as Escape does.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._action: Callable[[], object] | None = None
        self._opener: ipywidgets.DOMWidget | None = None
        self.question = look.make(ipywidgets.HTML)
        self.yes = look.make(ipywidgets.Button, "rlkit-yes")
        self.no = look.make(ipywidgets.Button, description="Cancel", tooltip="Do nothing (Esc)")
        self.yes.on_click(lambda _: self._do())
        self.no.on_click(lambda _: self.give_up())
        row = look.make(ipywidgets.HBox, "rlkit-row", children=[self.yes, self.no, Dismiss(self.give_up)])
        super().__init__([self.question, row], layout=look.hidden)
        self._dom_classes = ("rlkit-confirm", "rlkit-dismissible")

    @property
    def asks(self) -> bool:
        """Whether there is a question now."""
        return self._action is not None

    def ask(self, words: str, label: str, action: Callable[[], object], opener: ipywidgets.DOMWidget) -> None:
        """Ask before something is done.

        Args:
            words: What would happen, of one or several lines.
            label: What the button says that does it.
            action: Does it.
            opener: What the person pressed, which has the focus again when that is given up.
        """
        self.question.value = html.stacked(*map(html.plain, words.split("\n")))
        self.yes.description = label
        self._action, self._opener = action, opener
        self.layout = self._look.shown
        self.no.focus()

    def give_up(self) -> None:
        """Do nothing."""
        if self._opener is not None:
            self._opener.focus()
        self.forget()

    def forget(self) -> None:
        """Ask no longer: something else is done now."""
        self._action = self._opener = None
        self.layout = self._look.hidden

    def _do(self) -> None:
        action = self._action
        self.forget()
        if action is not None:  # a second press of the same button finds none
            action()
