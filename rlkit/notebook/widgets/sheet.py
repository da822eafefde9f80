"""Sheet: what the page has to know of our widgets."""

from __future__ import annotations

from pathlib import Path

import anywidget


class Sheet(anywidget.AnyWidget):
    """Brings the style sheets to the page, and keeps keys that are pressed in the output that it stands in.

    It is not seen. Without it widgets have the look of ipywidgets', and JupyterLab takes keys that are meant for a list
    or a slider.
    """

    _esm = Path(__file__).with_name("sheet.js")
    _css = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sorted(Path(__file__).parent.glob("*.css")))
