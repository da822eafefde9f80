"""A picture that a notebook shows and a script can keep."""

from __future__ import annotations

from dataclasses import dataclass

from rlkit.display import text
from rlkit.display.svg import picture


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its description.

    Attributes:
        svg: The drawing, SVG text.
        alt: What it shows, in words.
    """

    svg: str
    alt: str

    def __repr__(self) -> str:
        return f"<Picture: {text.one_line(self.alt)}>"

    def _repr_html_(self) -> str:
        return picture(self.svg, self.alt)
