"""Columns: a table of numbers that grows row by row while others read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from rlkit.errors import visible

Column = NDArray[np.float64]

_FIRST_ROWS = 16


class Columns(Mapping[str, Column]):
    """Named columns of equal length that grow row by row; read as float64 arrays, which cannot be written to.

    One thread may add rows while others read: what is read has whole rows alone.

    Args:
        rows: Rows to begin with: column name to value.
    """

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()) -> None:
        self._arrays: dict[str, Column] = {}  # longer than there are rows: NaN beyond
        self._capacity = 0
        self._num_rows = 0
        for row in rows:
            self.append(row)

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row. A column that another row lacks is NaN there."""
        if self._num_rows == self._capacity:
            self._grow()
        for name, value in row.items():
            if name not in self._arrays:
                self._arrays[name] = np.full(self._capacity, math.nan)
            self._arrays[name][self._num_rows] = value
        self._num_rows += 1  # last: until now no reader has looked there

    def _grow(self) -> None:
        """Double the room, so that a row costs the same however many there are."""
        self._capacity = max(_FIRST_ROWS, 2 * self._num_rows)
        for name, array in self._arrays.items():
            longer = np.full(self._capacity, math.nan)
            longer[: self._num_rows] = array[: self._num_rows]
            self._arrays[name] = longer

    def snapshot(self) -> Columns:
        """Return the columns as they are now: a thread that trains may add rows between two looks at these."""
        taken = Columns()
        # Without room: rows that are added to it go into arrays of its own.
        taken._num_rows = taken._capacity = self._num_rows
        taken._arrays = self._arrays.copy() if self._num_rows else {}
        return taken

    def thinned(self, most: int) -> Columns:
        """Return a snapshot of at most ``most`` rows: every second, fourth, eighth, ..., and the last.

        So rows that stand in one such snapshot mostly stand in the next, and a picture of them does not jump.
        """
        taken = self.snapshot()
        rows, step = taken.num_rows, 2
        if rows <= most:
            return taken
        while rows > (most - 1) * step:
            step *= 2
        kept = np.append(np.arange(0, rows - 1, step), rows - 1)
        few = Columns()
        few._num_rows = few._capacity = len(kept)
        few._arrays = {name: taken[name][kept] for name in taken}
        return few

    def __getitem__(self, name: str) -> Column:
        rows = self._num_rows  # before the array: one that is replaced meanwhile has as many
        known = self._arrays[name][:rows]
        known.flags.writeable = False
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays.copy())

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return self._num_rows

    def __repr__(self) -> str:
        return visible(f"<Columns: {self.num_rows} rows of {', '.join(self)}>")
