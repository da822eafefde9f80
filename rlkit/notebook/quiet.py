"""Values that a cell does not show, because it has shown them already or was asked not to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

Shows = Callable[[Any], object]


class Quiet:
    """Keeps single objects from being shown as the value of the cell that is running.

    ``display(value)`` shows such an object all the same, and so does any later cell. In a terminal IPython has written
    its ``Out[3]:`` before it asks.

    Args:
        shell: The shell whose cells are meant.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._values: list[object] = []
        self._replaced: dict[type, Shows | None] = {}
        shell.events.register("pre_run_cell", self._forget)  # not "pre_execute": a click on a widget is one, too

    def __call__(self, value: object) -> None:
        """Do not show this very object as the value of the cell that is running."""
        if type(value) not in self._replaced:
            self._take(type(value))
        self._values.append(value)

    def remove(self) -> None:
        """Leave the shell as it was."""
        self._shell.events.unregister("pre_run_cell", self._forget)
        self._forget()
        formatter = self._formatter
        for kind, shows in self._replaced.items():
            formatter.type_printers.pop(kind, None)
            if shows is not None:
                formatter.for_type(kind, shows)
        self._replaced = {}

    @property
    def _formatter(self) -> Any:
        assert self._shell.display_formatter is not None  # noqa: S101 - every shell has one
        return self._shell.display_formatter.ipython_display_formatter

    def _forget(self, _: object = None) -> None:
        """Do so where a cell begins."""
        self._values = []

    def _take(self, kind: type) -> None:
        before: Shows | None = self._formatter.type_printers.get(kind)

        def show(value: object) -> object:
            if any(value is quiet for quiet in self._values) and not _asked_for():
                return None  # IPython takes it for shown
            if before is None:
                raise NotImplementedError  # IPython goes on to the other formatters
            return before(value)

        self._formatter.for_type(kind, show)
        self._replaced[kind] = before


def _asked_for() -> bool:
    """Say whether ``display`` is what shows a value: IPython formats the value of a cell by the same means."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not display.__code__:
        frame = frame.f_back
    return frame is not None
