"""A shell of a test's own, and what it shows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class _Values(DisplayHook):
    """Notes what cells show as their value."""

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.shown_values.append(format_dict)


class _Shell(InteractiveShell):
    """Notes what it shows instead of showing it."""

    displayhook_class = _Values

    def run(self, cell):
        """Run a cell, raise what it raises, and return its value."""
        result = self.run_cell(cell, store_history=True)
        result.raise_error()
        return result.result


@pytest.fixture
def own_shell(monkeypatch):
    """A shell like a notebook's: ``shown_values`` and ``published`` are what its cells showed."""
    shell = _Shell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.shown_values = []
    shell.display_pub = CapturingDisplayPublisher()
    shell.published = shell.display_pub.outputs
    shell.kernel = SimpleNamespace()
    monkeypatch.setattr(InteractiveShell, "_instance", shell)
    shell.run_line_magic("load_ext", "rlkit")
    yield shell
    shell.run_line_magic("unload_ext", "rlkit")
    shell.restore_sys_module_state()
