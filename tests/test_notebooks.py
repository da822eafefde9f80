"""The tutorials as they are kept, and what makes the run of a notebook fail: `make test` runs each of them in nbval."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_is_kept_with_what_it_showed(path):
    notebook = nbformat.read(path, as_version=4)
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert shown
    assert not [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]


WRONG = "%load_ext rlkit\n%rl_create pppo --env CartPole-v1"


def written(path, *cells):
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata=metadata), path)
    return path


def run_in_nbval(path):
    # No summary (-rN): where the variable CI is set, it repeats each failure in full.
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-kernel-startup-timeout=600", "-W", "default", "-rN"]
    command = [sys.executable, "-m", "pytest", *options, "--color=no", str(path)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=path.parent)


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_a_wrong_magic_fails_a_notebook_that_is_executed_in_two_lines(tmp_path):
    notebook = nbformat.read(written(tmp_path / "wrong.ipynb", nbformat.v4.new_code_cell(WRONG)), as_version=4)
    with pytest.raises(CellExecutionError, match="UnknownAlgorithmError"):
        NotebookClient(notebook, timeout=600, startup_timeout=600, iopub_timeout=600).execute()
    (output,) = notebook.cells[0].outputs
    assert output.traceback == ["UnknownAlgorithmError: There is no algorithm 'pppo'.", "Did you mean 'ppo'?"]


def test_what_nbval_lets_pass_fails_a_tutorial_also_in_cells_whose_output_is_ignored(tmp_path):
    printed = ["import sys\nprint('careful', file=sys.stderr)", "%no_such_magic", "1 / 0"]
    ignored = {"tags": ["nbval-ignore-output", "raises-exception"]}
    sources = [*printed, "print(50_000 * 'x')", "print('fine')"]
    cells = [nbformat.v4.new_code_cell(source, metadata=ignored) for source in sources]
    shutil.copy(FOLDER / "conftest.py", tmp_path)
    output = run_in_nbval(written(tmp_path / "tutorial.ipynb", nbformat.v4.new_code_cell(WRONG), *cells)).stdout
    assert "5 failed, 1 passed" in output
    assert output.count("Cell execution caused an exception") == 1  # nbval itself, lax as it is, notices a wrong magic
    assert output.count("Cell printed an error") == len(printed)
    assert "careful" in output
    assert "`%no_such_magic` not found" in output
    assert "ZeroDivisionError" in output
    assert "Cell shows an output of 50" in output


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
