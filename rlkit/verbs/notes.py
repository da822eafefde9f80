"""What rlkit warns of, as whoever types a line should read it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def notes() -> Iterator[None]:
    """Print what is warned of inside to standard error, each time: as a sentence, without the place in rlkit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for each in caught:
        sys.stderr.write(f"Note: {each.message}\n")
