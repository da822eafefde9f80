"""What JupyterLab leaves of the HTML in a notebook that it does not trust, as far as rlkit uses it.

From the allow-list in ``packages/apputils/src/sanitizer.ts`` of JupyterLab 4: tags, attributes, and for each property
of ``style`` a pattern of values, all of which that file's own patterns match. What is not here is not used.
"""

import re

TAGS = set(
    re.findall(r"\w+", "br caption code dd details div dl dt img pre span strong summary table tbody td th thead tr")
)
ATTRIBUTES = {
    "details": {"open"},
    "img": {"alt", "src", "width"},
    "td": {"scope"},
    "th": {"scope"},
}  # and style everywhere

_LENGTH = r"(0|\d*\.?\d+(px|em|%))"
_LENGTHS = rf"{_LENGTH}( {_LENGTH}){{0,3}}"
_COLOUR = r"(#[0-9a-f]{3,6}|rgba?\([\d.,]+\))"
_LINE = rf"{_LENGTH} solid {_COLOUR}"
PROPERTIES = {
    "align-items": r"flex-start",
    "background": rf"{_COLOUR}|none",
    "border": _LINE,
    "border-bottom": _LINE,
    "border-collapse": r"collapse",
    "border-radius": _LENGTH,
    "border-top": _LINE,
    "box-sizing": r"border-box",
    "caption-side": r"top",
    "cursor": r"pointer",
    "display": r"block|flex|grid",
    "flex": rf"[01] [01] ({_LENGTH}|auto)",
    "flex-wrap": r"wrap",
    "float": r"none",
    "font": rf"{_LENGTH} monospace",
    "font-size": _LENGTH,
    "font-weight": r"400|600",
    "gap": _LENGTHS,
    "grid-template-columns": r"max-content minmax\(0,1fr\)",
    "height": rf"{_LENGTH}|auto",
    "line-height": r"[\d.]+",
    "margin": _LENGTHS,
    "margin-top": _LENGTH,
    "max-width": _LENGTH,
    "min-width": _LENGTH,
    "opacity": r"0?\.\d+",
    "overflow-wrap": r"break-word",
    "overflow-x": r"auto",
    "padding": _LENGTHS,
    "padding-top": _LENGTH,
    "text-align": r"left|right",
    "white-space": r"nowrap",
    "width": rf"{_LENGTH}|auto",
}


def lost(tag, attributes):
    """Return what the sanitizer would remove of an element: nothing, if all is well."""
    removed = [] if tag in TAGS else [tag]
    for name, value in attributes:
        if name == "style":
            pairs = [declaration.partition(":") for declaration in value.split(";")]
            removed += [pair for pair in pairs if not re.fullmatch(PROPERTIES.get(pair[0], "-"), pair[2])]
        elif name not in ATTRIBUTES.get(tag, ()):
            removed.append(name)
    return removed
