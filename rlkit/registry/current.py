"""Which registry a person works with."""

from __future__ import annotations

import os
from pathlib import Path

from rlkit.forks import Guard
from rlkit.registry.names import check_folder
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
        StoreError: ``folder`` is not a path, or it is a URL or the path of a file.
    """
    if folder is None:
        folder = os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER
    chosen = check_folder(folder)
    with _open_guard.lock:
        return _open.setdefault(chosen, ModelRegistry(chosen))


def use_registry(folder: str | os.PathLike[str]) -> ModelRegistry:
    """Make the registry in a folder the current one, for this process and those that it starts.

    It sets the environment variable ``RLKIT_HOME``. To open a registry without making it current, use
    ``rlkit.registry(folder)``.

    Args:
        folder: The folder, which need not be there yet.

    Returns:
        The registry.

    Raises:
        StoreError: ``folder`` is not a path, or it is a URL or the path of a file.
    """
    registry = open_registry(folder)
    os.environ[FOLDER_VARIABLE] = str(registry.folder)
    return registry
