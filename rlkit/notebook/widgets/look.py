"""What parts of widgets share: layouts, the labels' style, and the style sheet."""

from __future__ import annotations

import ipywidgets

from rlkit.display import html
from rlkit.notebook.widgets.sheet import Sheet


class Look:
    """Layouts that many widgets share: each of their own would be one more message to the browser.

    Attributes:
        shown: Layout of what is to be seen.
        hidden: Layout of what is not.
    """

    def __init__(self) -> None:
        self.shown = ipywidgets.Layout()
        self.hidden = ipywidgets.Layout(display="none")
        self._styles: dict[type, ipywidgets.Style] = {}

    def make(self, kind: type, *classes: str, **traits: object) -> ipywidgets.DOMWidget:
        """Return a widget of a class that takes layout and style from here.

        Args:
            kind: Class of the widget.
            classes: For the style sheet.
            traits: Of the widget.
        """
        if kind in self._styles:
            traits["style"] = self._styles[kind]
        widget = kind(layout=self.shown, _dom_classes=classes, **traits)
        if widget.has_trait("style"):
            self._styles.setdefault(kind, widget.style)
        return widget

    def sheet(self) -> Sheet:
        """Return a widget that is not seen, and brings the style sheet to the page."""
        return Sheet(layout=self.hidden)

    def layout(self, *, shown: bool) -> ipywidgets.Layout:
        """Return the layout of what is to be seen or not."""
        return self.shown if shown else self.hidden


def labelled(label: str, tooltip: str) -> dict[str, object]:
    """Return traits of a widget that has a label, with a tooltip on that.

    The label is an element of HTML's, tied to its control. ipywidgets has no tooltip where there is a description: it
    is made here as part of that.

    Args:
        label: What stands before the control.
        tooltip: What shows over the label.
    """
    description = f'<span title="{html.escape(tooltip)}">{html.plain(label)}</span>'
    return {"description": description, "description_allow_html": True}


def close(widget: ipywidgets.Widget) -> None:
    """Close a widget and all that is inside it, as ipywidgets does not."""
    for child in getattr(widget, "children", ()):
        close(child)
    widget.close()
