"""What stands for a form where no widget can: in a saved, exported or untrusted notebook."""

from __future__ import annotations

from collections.abc import Sequence

from rlkit.display import html, text

_HEADERS = ("hyperparameter", "value", "from", "meaning")


def twin(title: str, line: str, wrong: str, rows: Sequence[tuple[str, object, str, str]]) -> dict[str, str]:
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
