"""Every tutorial runs from top to bottom, and no cell raises or complains."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_a_tutorial_runs_without_errors_and_stays_small(path, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    assert max(len(str(output)) for output in outputs) < 50_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_is_kept_with_what_it_showed(path):
    notebook = nbformat.read(path, as_version=4)
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert shown
    assert not [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]


WRONG = "%load_ext rlkit\n%rl_create pppo --env CartPole-v1"


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong.ipynb"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WRONG)], metadata=metadata)
    nbformat.write(notebook, path)
    return path


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_a_wrong_magic_fails_a_notebook_that_is_executed_in_two_lines(wrong):
    notebook = nbformat.read(wrong, as_version=4)
    with pytest.raises(CellExecutionError, match="UnknownAlgorithmError"):
        NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output.traceback == ["UnknownAlgorithmError: There is no algorithm 'pppo'.", "Did you mean 'ppo'?"]


def test_a_wrong_magic_fails_nbval_even_where_it_is_lax(wrong):
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-W", "default", str(wrong)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=wrong.parent)
    assert "1 failed" in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_of_a_tutorial_is_there_twice(path):
    sources = Counter(cell.source.strip() for cell in nbformat.read(path, as_version=4).cells)
    assert [source for source, times in sources.items() if times > 1] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_line_of_a_tutorial_gives_an_option_twice(path):
    cells = nbformat.read(path, as_version=4).cells
    lines = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    magics = [line for line in lines if "%rl_" in line]
    assert magics
    options = re.compile(r"(?<=\s)--[a-z-]+(?:[ =](?!-)\S+)?")
    assert [line for line in magics if any(n > 1 for n in Counter(options.findall(line)).values())] == []
