"""What ``%load_ext rlkit`` adds to a shell and ``%unload_ext rlkit`` takes away."""

from __future__ import annotations

import sys
from collections.abc import Callable

from IPython.core.interactiveshell import InteractiveShell

from rlkit.notebook.completion import make_matcher
from rlkit.notebook.magics import RLMagics
from rlkit.notebook.progress import NotebookProgress
from rlkit.notebook.quiet import Quiet
from rlkit.notebook.rewriting import make_transformer
from rlkit.training.callbacks import Callback
from rlkit.training.progress import default_progress

_ATTRIBUTE = "_rlkit_extension"


class Extension:
    """All that rlkit adds to one shell.

    Args:
        shell: The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._quiet = Quiet(shell)
        self._magics = RLMagics(shell, self._quiet)
        self._matcher = make_matcher(self._magics.magics["line"], self._magics.scope)
        self._transformer = make_transformer(*self._magics.magics.values())

    def add(self) -> None:
        """Add the magics, their completion, and in a notebook its own progress display."""
        self._shell.register_magics(self._magics)
        self._shell.Completer.custom_matchers.append(self._matcher)
        self._shell.input_transformers_post.append(self._transformer)
        make, make_for_job = default_progress.make, default_progress.make_for_job
        default_progress.make = lambda: self._display(make)
        default_progress.make_for_job = lambda: self._display(make_for_job)

    def _display(self, otherwise: Callable[[], Callback | None]) -> Callback | None:
        """Return what shows a training, as the settings say."""
        if self._magics.progress == "none":
            return None
        if getattr(self._shell, "kernel", None) is None:
            return otherwise()
        if is_captured():
            from rlkit.notebook.widgets.live import ProgressCaptured  # noqa: PLC0415 - widgets only where they are used

            return ProgressCaptured(self._quiet, buttons=self._magics.progress == "monitor")
        if self._magics.progress == "monitor":
            from rlkit.notebook.widgets.live import MonitorProgress  # noqa: PLC0415 - widgets only where they are used

            return MonitorProgress(self._quiet)
        return NotebookProgress(self._quiet)

    def remove(self) -> None:
        """Take all of it away."""
        manager = self._shell.magics_manager
        for kind, magics in self._magics.magics.items():
            for name in magics:
                manager.magics[kind].pop(name, None)
        manager.registry.pop(type(self._magics).__name__, None)
        self._shell.configurables.remove(self._magics)  # type: ignore[arg-type] # IPython's annotation names the shell
        self._shell.Completer.custom_matchers.remove(self._matcher)
        self._shell.input_transformers_post.remove(self._transformer)
        self._quiet.remove()
        default_progress.reset()


def is_captured() -> bool:
    """Say whether an ``ipywidgets.Output`` takes what is shown now; it knows so by the message that it waits for."""
    widgets = getattr(sys.modules.get("ipywidgets.widgets.widget"), "_instances", {})
    return any(type(widget).__name__ == "Output" and widget.msg_id for widget in list(widgets.values()))


def load(shell: InteractiveShell) -> None:
    """Add what rlkit adds, once however often it is loaded."""
    unload(shell)
    extension = Extension(shell)
    extension.add()
    setattr(shell, _ATTRIBUTE, extension)


def unload(shell: InteractiveShell) -> None:
    """Remove what :func:`load` added, so that the next one takes the verbs as they are in their files by then."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is None:
        return
    extension.remove()
    delattr(shell, _ATTRIBUTE)
    for name in [name for name in sys.modules if name.startswith(("rlkit.notebook", "rlkit.verbs"))]:
        del sys.modules[name]
