"""Message: a line of a widget that says what was done, or what was wrong and what would be right."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from rlkit.display import html
from rlkit.errors import in_two_lines


class Message(widgets.HTML):
    """A line that is empty until there is something to say, which screen readers read out then."""

    def attempt(self, action: Callable[[], str]) -> None:
        """Do something, and say what was done, or why it was not."""
        try:
            self.tell(action())
        except Exception as error:  # noqa: BLE001 - environments and classes are a person's own, and fail in any way
            self.fail(error)

    def tell(self, words: str) -> None:
        """Say what was done."""
        self.value = f'<div role="status">{html.muted(words)}</div>'

    def fail(self, error: Exception) -> None:
        """Say what was wrong, and what would be right."""
        self.value = f'<div role="alert">{html.alarm(in_two_lines(error))}</div>'

    def clear(self) -> None:
        """Say nothing."""
        self.value = ""
