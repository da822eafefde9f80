"""What ``%load_ext rlkit`` adds to a shell and ``%unload_ext rlkit`` takes away."""

from __future__ import annotations

from functools import partial

from IPython.core.interactiveshell import InteractiveShell

from rlkit.notebook.magics import RLMagics
from rlkit.notebook.progress import NotebookProgress
from rlkit.notebook.quiet import Quiet
from rlkit.training.progress import default_progress


def load(shell: InteractiveShell) -> None:
    """Add the magics, and in a notebook its own progress display."""
    shell.register_magics(RLMagics)
    if getattr(shell, "kernel", None) is not None:
        default_progress.make = default_progress.make_for_job = partial(NotebookProgress, Quiet.of(shell))


def unload(shell: InteractiveShell) -> None:
    """Remove the magics and the progress display."""
    manager = shell.magics_manager
    for name in RLMagics.names():
        manager.magics["line"].pop(name, None)
    manager.registry.pop(RLMagics.__name__, None)
    Quiet.of(shell).remove()
    default_progress.reset()
