"""How long a press of Tab takes with 1,000 models in the registry: python benchmarks/completion.py.

In an IPython shell, through its own completer, as a kernel does it: medians of 50 presses for each place in a line,
and beside them what IPython takes for an attribute of a module, with Jedi and without. Ends with 1 where one of rlkit's
takes more than 10 ms.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import rlkit

MOST = 10.0
"""Milliseconds."""
MODELS = 1000
PRESSES = 50
CELLS = (
    "%rl_tr",
    "%rl_create p",
    "%rl_create ppo cartp",
    "%rl_create ppo CartPole-v1 --learn",
    "%rl_create ppo CartPole-v1 --activation ",
    "x = %rl_load ",
    "x = %rl_load model-0",
    "x = %rl_load model-0500:",
    "x = %rl_load model-0500@",
    "%rl_tag model-0500 ",
    "%rl_search metrics.",
    "%rl_search algorithm = 'ppo' --order-by -metrics.",
    "%%rl_config ppo --as config\nn_steps: 64\nlearn",
)


def filled(folder: str) -> None:
    """Register the models."""
    os.environ["RLKIT_HOME"] = folder
    model = rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[8])
    registry = rlkit.registry()
    for number in range(MODELS):
        tags, metrics = [f"tag-{number % 7}"], {"mean_return": float(number)}
        registry.register(model, f"model-{number:04d}", tags=tags, metrics=metrics, allow_duplicate=True)
    registry.set_alias("model-0500", "best", 1)


def press(shell: InteractiveShell, cell: str) -> tuple[float, int]:
    """Return the milliseconds of a press of Tab at the end of a cell, and how many completions it gave."""
    started = time.perf_counter()
    with provisionalcompleter():
        found = list(shell.Completer.completions(cell, len(cell)))
    return 1000 * (time.perf_counter() - started), len(found)


def median(shell: InteractiveShell, cell: str) -> tuple[float, int]:
    """Return the median of many presses, and how many completions each gave."""
    presses = [press(shell, cell) for _ in range(PRESSES)]
    return statistics.median(milliseconds for milliseconds, _ in presses), presses[0][1]


def main() -> int:
    """Print a line for each place; return 0, or 1 where one takes too long."""
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "rlkit")
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        filled(folder)
        first, _ = press(shell, "x = %rl_load ")
        print(
            f"Tab with {MODELS:,} models, medians of {PRESSES} (the first press, which opens the index: {first:.0f} ms)"
        )
        for cell in CELLS:
            milliseconds, count = median(shell, cell)
            slow = slow or milliseconds > MOST
            print(f"{milliseconds:7.2f} ms  {count:4d}  {cell!r}")
    shell.run_cell("import numpy")
    for jedi in (True, False):
        shell.Completer.use_jedi = jedi
        milliseconds, count = median(shell, "numpy.arr")
        print(f"{milliseconds:7.2f} ms  {count:4d}  'numpy.arr' of IPython {'with' if jedi else 'without'} Jedi")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
