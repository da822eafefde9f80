"""Scripts of several files as one: a page of a notebook has no address from which they could import each other."""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "(?P<path>\.[^"]*)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function|const|class)", re.MULTILINE)


def joined(path: Path) -> str:
    """Return an ES module with those that it imports by relative paths before it, each once.

    Names at their top level must differ, and be imported as they are called.

    Args:
        path: The module. What it exports stays exported; the others' exports do not.
    """
    modules = _imported(path.resolve(), {})
    *others, own = modules.values()
    return "\n".join([*(_EXPORT.sub("", other) for other in others), own])


def _imported(path: Path, modules: dict[Path, str]) -> dict[Path, str]:
    """Add a module, without its imports, to others, behind those that it imports."""
    source = path.read_text(encoding="utf-8")
    for found in _IMPORT.finditer(source):
        other = (path.parent / found["path"]).resolve()
        if other not in modules:
            _imported(other, modules)
    modules[path] = _IMPORT.sub("", source)
    return modules
