"""Run a tutorial as a person would, from top to bottom: print what each cell shows, and keep it as a page.

python notebooks/run.py notebooks/01_quickstart.ipynb
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter


def show(cell: nbformat.NotebookNode) -> None:
    """Print a cell and the text of what it showed."""
    print("\n".join(f"    {line}" for line in cell.source.splitlines()))
    for output in cell.get("outputs", []):
        plain = output.get("text") or output.get("data", {}).get("text/plain", "")
        if plain.strip():
            print(plain.rstrip())
    print()


def main(source: Path) -> int:
    """Run one notebook; return 0, or 1 where a cell failed."""
    # The kernel runs in the notebook's folder: a registry named from here must stay the one that was meant.
    if "RLKIT_HOME" in os.environ:
        os.environ["RLKIT_HOME"] = str(Path(os.environ["RLKIT_HOME"]).resolve())
    notebook = nbformat.read(source, as_version=4)
    resources = {"metadata": {"path": str(source.parent)}}
    started = time.perf_counter()
    # The kernel warns of every start that it listens on a local port; its errors still show.
    quiet = ["--IPKernelApp.log_level=40"]
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources, extra_arguments=quiet)
    try:
        with client.setup_kernel():
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    client.execute_cell(cell, index)
                    show(cell)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    page = Path("build") / f"{source.stem}.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    print(f"{source} ran in {time.perf_counter() - started:.1f} s. Look at it: {page}; try it: make lab")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
