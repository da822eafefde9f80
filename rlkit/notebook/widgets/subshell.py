"""Widgets that answer while a cell runs: ipykernel 7 serves them from a thread of its own, a subshell."""

from __future__ import annotations

from contextvars import Context, copy_context

import ipywidgets
from IPython.core.getipython import get_ipython

_asked: list[ipywidgets.Widget] = []


def ask_for_subshell() -> None:
    """Open a widget that nobody sees: a page that knows of subshells asks for one where there is none yet."""
    if not _asked:
        _asked.append(ipywidgets.Layout())


def subshell_context() -> Context | None:
    """Return a context in which widgets are to be made and changed, so that a subshell serves what is done to them.

    ipykernel 7.4 takes a click to the thread that sent something to the button last, by the header of what that thread
    works on. While a cell runs, that is the thread of the cell, which would serve the click when it has ended.

    Returns:
        None where there is no subshell: of ipykernel 6, or for a page that knows of none.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    threads = getattr(kernel, "shell_channel_thread", None)
    subshells = threads.manager.list_subshell() if threads is not None else []
    if not subshells:
        return None
    parent = kernel.get_parent()  # type: ignore[union-attr] # a kernel has the threads
    header = {**parent.get("header", {}), "subshell_id": subshells[-1]}
    context = copy_context()
    context.run(kernel.set_parent, [], {**parent, "header": header})  # type: ignore[union-attr] # the same
    return context
