"""What stands for a widget where none can be shown: in a saved, exported or untrusted notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
from IPython.core.getipython import get_ipython
from IPython.display import display, update_display

from rlkit.display import html, text
from rlkit.notebook.widgets.look import Look

_HEADERS = ("hyperparameter", "value", "from", "meaning")
_WITHOUT_COMPLAINT = (
    "<style>.jp-OutputArea-child:not(:has(> .jp-OutputArea-output > *))"
    ":has(+ .jp-OutputArea-child .rlkit-twin) { display: none }</style>"
)
"""JupyterLab says "Loading widget" and then "Error displaying widget" where it finds none, in words without an element
around them: not above its twin."""


class Twinned:
    """A widget that leaves a picture of itself in the notebook.

    A notebook keeps widgets' names and not what they show. An output of its own stands below such a widget, therefore,
    and what the widget brings to the page hides it: whoever opens the notebook without the widget finds the twin.
    """

    _is_shown = False

    def twin(self) -> dict[str, str]:
        """Return what stands for the widget, as HTML and as text, by MIME type."""
        raise NotImplementedError

    def renew(self) -> None:
        """Show in the notebook what stands for the widget by now. Any thread may call this."""
        if self._is_shown:
            update_display(self._wrapped(), raw=True, display_id=self._mark)  # type: ignore[no-untyped-call]

    def framed(self) -> ipywidgets.VBox:
        """Return what is put on a page: the widget, and what hides its twin there."""
        look = Look()
        hides_twin = ipywidgets.HTML(f"<style>.{self._mark} {{ display: none }}</style>", layout=look.hidden)
        sheets = [] if isinstance(self, ipywidgets.Box) else [look.sheet()]  # boxes have one among their parts
        return ipywidgets.VBox([self, hides_twin, *sheets]).add_class("rlkit-shown")

    def _ipython_display_(self, **_: Any) -> None:
        if getattr(get_ipython(), "kernel", None) is None:  # a terminal
            display(self.twin(), raw=True)  # type: ignore[no-untyped-call]
            return
        self._is_shown = True
        view = self.framed()._repr_mimebundle_()
        display({**view, "text/plain": "", "text/html": ""}, raw=True)  # type: ignore[no-untyped-call]
        display(self._wrapped(), raw=True, display_id=self._mark)  # type: ignore[no-untyped-call]

    @property
    def _mark(self) -> str:
        return f"rlkit-twin-{self.model_id}"  # type: ignore[attr-defined] # of the widget

    def _wrapped(self) -> dict[str, str]:
        twin = self.twin()
        content = f'<div class="rlkit-twin {self._mark}">{_WITHOUT_COMPLAINT}{twin["text/html"]}</div>'
        return {**twin, "text/html": content}


def settings(title: str, line: str, wrong: str, rows: Sequence[tuple[str, object, str, str]]) -> dict[str, str]:
    """Return a choice of hyperparameters as HTML and as text, by MIME type.

    Args:
        title: What they are for.
        line: What makes the same; empty while something is wrong.
        wrong: What is wrong, of one or several lines.
        rows: Name, value, source and meaning of each.
    """

    def around(table: html.Markup) -> html.Markup:
        subtitle = html.code(line) if line else ""
        return html.card(title, subtitle, picture=html.join(html.alarm(wrong), table))

    written = [(name, text.literal(value), source, meaning) for name, value, source, meaning in rows]
    parts = [title, line, wrong, text.table(_HEADERS, written, width=text.WIDTH)]
    return {
        "text/plain": "\n".join(part for part in parts if part),
        "text/html": html.settings_that_fit(rows, "form.config.to_dict()", around),
    }
