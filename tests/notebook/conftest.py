"""An IPython shell inside the test process."""

import pytest
from IPython.testing.globalipapp import start_ipython


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
