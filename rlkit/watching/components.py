"""Components: observations and actions of an episode as columns of numbers, few enough to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlkit.display import text

MOST = 30
"""Numbers that a person can read beside a picture."""


class Components(NamedTuple):
    """Columns of numbers.

    Attributes:
        names: Of each column.
        numbers: float32 ``(columns, moments)``.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float32]


def components(batch: Any, names: tuple[str, ...] = ()) -> Components:
    """Return each number of observations or actions; of more than :data:`MOST` their least, mean and greatest.

    Args:
        batch: As Gymnasium batches them: an array ``(moments, …)``; for a Dict a dict of such, for a Tuple a tuple.
        names: Of each number; else they are counted, behind the keys that lead to them.
    """
    parts = [(path, array.reshape(len(array), -1).T) for path, array in _arrays(batch)]
    count = sum(len(columns) for _, columns in parts)
    if count > MOST:
        return _summary([columns for _, columns in parts], count)
    counted = [
        f"{path} {index}" if path and len(columns) > 1 else path or str(index)
        for path, columns in parts
        for index in range(len(columns))
    ]
    with np.errstate(over="ignore"):
        numbers = np.concatenate([columns.astype(np.float32) for _, columns in parts])
    return Components(names if len(names) == count else tuple(counted), numbers)


def _summary(parts: list[NDArray[Any]], count: int) -> Components:
    told = f"of {text.number(count)} numbers"
    least, greatest = np.min([part.min(axis=0) for part in parts], 0), np.max([part.max(axis=0) for part in parts], 0)
    mean = np.sum([part.sum(axis=0, dtype=np.float64) for part in parts], 0) / count
    with np.errstate(over="ignore"):
        numbers = np.stack([least, mean, greatest]).astype(np.float32)
    return Components((f"least {told}", f"mean {told}", f"greatest {told}"), numbers)


def _arrays(batch: Any, path: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(batch, dict | tuple):
        for key, part in batch.items() if isinstance(batch, dict) else enumerate(batch):
            yield from _arrays(part, f"{path} {key}".strip())
    else:
        yield path, np.asarray(batch)
