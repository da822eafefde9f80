"""IPython shells inside the test process: one that tests share, and one of a test's own that notes what it shows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.testing.globalipapp import start_ipython
from traitlets.config import Config

import rlkit


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


@pytest.fixture(autouse=True)
def no_job_outlives_its_test():
    """End what a test has started in the background: what it shows when it ends would be shown by the next test."""
    yield
    for job in rlkit.jobs():
        job.stop()
        job._thread.join()


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


@pytest.fixture(scope="session")
def session_shell():
    return start_ipython()


@pytest.fixture
def shell(session_shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    session_shell.run_line_magic("load_ext", "rlkit")
    yield session_shell
    session_shell.run_line_magic("unload_ext", "rlkit")
    session_shell.reset(new_session=False)
    session_shell.config.pop("RLMagics", None)  # %config tells the whole shell


@pytest.fixture
def run(shell):
    """Run a cell, and raise what it raises."""

    def run(cell):
        result = shell.run_cell(cell)
        result.raise_error()
        return result.result

    return run
