"""Which registry a person works with."""

from __future__ import annotations

import os
from pathlib import Path

from rlkit.errors import StoreError
from rlkit.forks import Guard
from rlkit.registry.registry import ModelRegistry

DEFAULT_FOLDER = "rlkit_artifacts"
FOLDER_VARIABLE = "RLKIT_HOME"

_open: dict[Path, ModelRegistry] = {}
_open_guard = Guard()


def open_registry(folder: str | os.PathLike[str] | None = None) -> ModelRegistry:
    """Open the registry in a folder; the same folder gives the same registry.

    Args:
        folder: The folder; else the environment variable ``RLKIT_HOME``; else ``rlkit_artifacts`` in the folder
            worked in now.

    Returns:
        The registry. Nothing is written by opening it.

    Raises:
        StoreError: ``folder`` is no path, or that of a file.
    """
    if not isinstance(folder, str | os.PathLike | None):
        raise StoreError(f"{folder!r:.80} is no folder.", "Give a path, or nothing for the current registry.")
    chosen = Path(folder or os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER).expanduser().absolute()
    there = next(place for place in (chosen, *chosen.parents) if os.path.lexists(place))
    if not os.path.isdir(there):  # noqa: PTH112 - says no where Path.is_dir would raise
        raise StoreError(f"{str(there)!r} is no folder.", "Give the path of a folder, which need not be there yet.")
    with _open_guard.lock:
        return _open.setdefault(chosen, ModelRegistry(chosen))


def use_registry(folder: str | os.PathLike[str]) -> ModelRegistry:
    """Make the registry in a folder the current one, for this process and those that it starts.

    Args:
        folder: The folder, which need not be there yet.

    Returns:
        The registry.

    Raises:
        StoreError: ``folder`` is no path, or that of a file.
    """
    registry = open_registry(folder)
    os.environ[FOLDER_VARIABLE] = str(registry.folder)
    return registry
