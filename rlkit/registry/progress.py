"""Progress of work on many files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from tqdm import tqdm

from rlkit.training.progress import somebody_looks


@contextlib.contextmanager
def ticking(title: str, total: int, *, progress: bool | None) -> Iterator[Callable[[], object]]:
    """Show a bar on standard error while the block works.

    Args:
        title: What it does.
        total: How many steps it has.
        progress: Whether to show it; None where somebody looks: in a terminal or a notebook.

    Yields:
        What to call after each step.
    """
    shown = somebody_looks() if progress is None else progress
    with tqdm(total=total, desc=title, unit=" versions", leave=False, disable=not shown, delay=0.3) as bar:
        yield bar.update
