"""Commands measured in turn, so that a change in the machine's speed falls on all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping


def seconds(code: str) -> float:
    """Return how long a Python process takes to run ``code``, on one core where the system can pin it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    pin = ["taskset", "-c", "0"] if sys.platform == "linux" else []
    started = time.perf_counter()
    subprocess.run([*pin, sys.executable, "-c", code], check=True, env=environment, capture_output=True)
    return time.perf_counter() - started


def compare(title: str, codes: Mapping[str, str], runs: int) -> None:
    """Run each piece of code ``runs`` times in turn; print medians and the ratio of each to the first."""
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(runs):
        for name, code in codes.items():
            times[name].append(seconds(code))
    print(f"\n{title} (whole process, one core, median of {runs})")
    base = times[next(iter(codes))]
    for name, values in times.items():
        ratio = statistics.median(other / own for own, other in zip(base, values, strict=True))
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"  {name:32s}{statistics.median(values):8.2f} s   ({spread})   x {ratio:.2f}")
