"""A progress bar in HTML, as static markup that is sent again whenever it moves."""

from __future__ import annotations

from rlkit.display.html import Markup, muted, plain

_TRACK = (
    "max-width:880px;height:6px;border-radius:3px;background:rgba(128,128,128,.22);margin:5px 0 4px;overflow:hidden"
)
_FILL = "height:6px;border-radius:3px;background:rgb(47,124,212)"


def progress_bar(title: object, part: float, figures: object, picture: str = "") -> Markup:
    """Return a bar with its title above, and its figures and a picture below.

    Args:
        title: What is going on.
        part: How much of it is done, from 0 to 1.
        figures: What is known of it so far.
        picture: Markup of a picture, used as it is.
    """
    percent = f"{min(max(part, 0.0), 1.0):.1%}"
    below = f'<div style="margin-top:8px">{picture}</div>' if picture else ""
    return Markup(
        f'<div style="font-size:13px;line-height:1.45;margin:2px 0 6px">'
        f"<strong>{plain(title)}</strong> {muted(percent)}"
        f'<div style="{_TRACK}"><div style="{_FILL};width:{percent}"></div></div>'
        f"<div>{muted(figures)}</div>{below}</div>"
    )
