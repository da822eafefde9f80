"""Message: a line of a widget that says what was done, or what was wrong and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from rlkit.display import html
from rlkit.errors import in_two_lines


class Message(widgets.HTML):
    """A line that is empty until there is something to say, which screen readers read out then."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.add_class("rlkit-said")

    def attempt(self, action: Callable[[], str]) -> None:
        """Do something, and say what was done, or why it was not."""
        try:
            self.tell(action())
        except Exception as error:  # noqa: BLE001 - environments and classes are a person's own, and fail in any way
            self.fail(error)

    def tell(self, words: str) -> None:
        """Say what was done."""
        self.value = _told(words)

    def withdraw(self, words: str) -> None:
        """Say no longer what was said, unless something else was said since."""
        if self.value == _told(words):
            self.clear()

    def fail(self, error: Exception) -> None:
        """Say what was wrong, and what would be right."""
        self.alarm(in_two_lines(error))

    def alarm(self, words: str) -> None:
        """Say what is wrong, in one or several lines."""
        self.value = f'<div role="alert">{html.alarm(words)}</div>'

    def clear(self) -> None:
        """Say nothing."""
        self.value = ""


def _told(words: str) -> str:
    return f'<div role="status">{html.muted(words)}</div>' if words else ""
