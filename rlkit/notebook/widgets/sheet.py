"""Sheet: what the page has to know of our widgets."""

from __future__ import annotations

from pathlib import Path

import anywidget

_SHEETS = ("shown", "form", "browser")


class Sheet(anywidget.AnyWidget):
    """Brings the style sheets to the page, and keeps keys that are pressed in the output that it stands in.

    It is not seen. Without it widgets have the look of ipywidgets', and JupyterLab takes keys that are meant for a list
    or a slider.
    """

    _esm = Path(__file__).with_name("sheet.js")
    _css = "\n".join(
        Path(__file__).with_name(f"{name}.css").read_text("utf-8") for name in ("shown", "form", "browser")
    )
