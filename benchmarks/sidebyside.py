"""Commands measured in turn, so that a change in the machine's speed falls on all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping


def seconds(code: str) -> float:
    """Return how long a Python process takes to run ``code``, on one core where the system can pin it.

    Where the code prints a number, that is what it measured itself, and it is returned instead.
    """
    # A kernel that somebody forced upon OpenBLAS would slow NumPy alone, and not PyTorch, which has another BLAS.
    forced = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    environment = {name: value for name, value in os.environ.items() if name not in forced}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    pin = ["taskset", "-c", "0"] if sys.platform == "linux" else []
    started = time.perf_counter()
    process = subprocess.run(
        [*pin, sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.PIPE, text=True
    )
    took = time.perf_counter() - started
    return float(process.stdout) if process.stdout.strip() else took


def compare(title: str, codes: Mapping[str, str], runs: int, measured: str = "whole process") -> float:
    """Run each piece of code ``runs`` times in turn; print medians and the ratio of each to the first.

    Returns:
        The ratio of the second to the first: how many times as fast the first is.
    """
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(runs):
        for name, code in codes.items():
            times[name].append(seconds(code))
    print(f"\n{title} ({measured}, one core, median of {runs})")
    base, *others = times.values()
    ratios = {}
    for name, values in times.items():
        ratios[name] = statistics.median(other / own for own, other in zip(base, values, strict=True))
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"  {name:32s}{statistics.median(values):8.2f} s   ({spread})   x {ratios[name]:.2f}", flush=True)
    return ratios[list(times)[1]] if others else 1.0
