"""The panel of ``%rl_ui`` on a page, as a person finds its parts: by what they are and what they are called."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from .notebook import Notebook

SOURCE = "%load_ext rlkit\n%rl_ui create ppo CartPole-v1"
"""The cell that shows it."""


class Panel:
    """The panel that the first cell of a notebook shows.

    Args:
        book: The notebook, whose first cell has run.
    """

    def __init__(self, book: Notebook) -> None:
        self.book = book
        self.page = book.page
        self.output = book.outputs(0).first  # below it stands its twin
        self.line = self.output.locator(".rlkit-written pre").first
        self.message = self.output.locator(".widget-html-content")
        self.canvas = self.output.locator("canvas").first
        expect(self.button("Create")).to_be_visible()

    def control(self, role: str, name: str) -> Locator:
        """Return what is of this role and has this name."""
        return self.output.get_by_role(role, name=name, exact=True)

    def box(self, name: str) -> Locator:
        """Return a box to type into."""
        return self.control("textbox", name).or_(self.control("combobox", name))

    def button(self, name: str) -> Locator:
        """Return the first button that is called this, after its icon."""
        return self.output.get_by_role("button", name=re.compile(rf"(^|\W){re.escape(name)}$")).first

    def field(self, name: str) -> Locator:
        """Return a hyperparameter with all that belongs to it."""
        return self.output.locator(".rlkit-field").filter(has=self.page.get_by_label(name, exact=True))

    def type(self, name: str, words: str) -> None:
        """Type into a box instead of what stands there, and finish it with Enter."""
        self.box(name).fill(words)
        self.box(name).press("Enter")

    def unfold(self) -> None:
        """Unfold what is folded away."""
        for fold in self.output.locator(".rlkit-toggle").all():
            fold.click()
        expect(self.line).to_be_visible()

    def train(self, steps: str) -> None:
        """Create a model and start its training, until the curve is there."""
        self.button("Create").click()
        expect(self.output).to_contain_text("Created: it is in agent.")
        self.type("steps", steps)
        self.button("Train").click()
        expect(self.canvas).to_be_visible()

    def redraws(self) -> None:
        """Wait until the curve looks other than now."""
        changes(self.canvas, pixels(self.canvas))


def pixels(canvas: Locator) -> str:
    """Return what a canvas shows."""
    return canvas.evaluate("canvas => canvas.toDataURL()")


def changes(canvas: Locator, before: str) -> None:
    """Wait until a canvas shows something else than before."""
    canvas.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas.element_handle(), before]
    )
