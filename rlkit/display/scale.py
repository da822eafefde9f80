"""Where numbers stand on a picture: clean arrays, axes with round ticks, short labels, thinning."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]

_LARGEST = 1e300  # what is beyond is drawn as this: the span of two such numbers is still a float
_SMALLEST = 1e-290  # below it a tenth of a span may be no float at all
_FLAT = 1e-12  # a span this small beside its numbers is rounding noise, and is drawn as constant


def clean(*columns: ArrayLike) -> tuple[Array, ...]:
    """Make equally long float arrays of finite numbers, dropping rows where any is NaN or infinite.

    Args:
        columns: Numbers, of any shape; each is flattened.

    Returns:
        As many float64 arrays of shape (n,), ordered by the first.

    Raises:
        ValueError: The columns differ in length.
    """
    arrays = [np.asarray(column, dtype=np.float64).ravel() for column in columns]
    if len({array.size for array in arrays}) > 1:
        lengths = " and ".join(str(array.size) for array in arrays)
        message = f"columns of one picture must be equally long, and these have {lengths} values"
        raise ValueError(message)
    keep = np.all(np.isfinite(arrays), axis=0)
    order = np.argsort(arrays[0][keep], kind="stable")
    return tuple(np.clip(array[keep][order], -_LARGEST, _LARGEST) for array in arrays)


@dataclass(frozen=True, slots=True)
class Axis:
    """A line of numbers laid over a line of pixels.

    Args:
        low: Number at ``start``.
        high: Number at ``end``.
        start: Pixel where the axis begins.
        end: Pixel where it ends.
        step: Distance between ticks.
    """

    low: float
    high: float
    start: float
    end: float
    step: float

    @classmethod
    def over(cls, values: Iterable[Array], start: float, end: float, *, pad: float, ticks: int) -> Axis:
        """Make the axis that shows all values.

        Args:
            values: Arrays of finite numbers, any of which may be empty.
            start: Pixel where the axis begins.
            end: Pixel where it ends.
            pad: Share of the span to leave free at ends that are not zero.
            ticks: About how many intervals to divide it into.

        Returns:
            An axis over the values, and from zero where zero is near them.
        """
        low, high = extent(values)
        margin = (high - low) * pad
        low, high = low - margin * (low != 0), high + margin * (high != 0)
        return cls(low, high, start, end, round_step(high - low, ticks))

    def pixel(self, value: float) -> float:
        """Find the pixel of one number.

        Args:
            value: A number.

        Returns:
            Its pixel.
        """
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def place(self, values: Array) -> Array:
        """Find the pixels of numbers.

        Args:
            values: Numbers, of any shape.

        Returns:
            Pixels, of the same shape.
        """
        return self.start + (values - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """List the round numbers on this axis.

        Returns:
            Pixel and label of each tick.
        """
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        numbers = np.arange(first, last + 1, dtype=np.float64) * self.step
        return list(zip(self.place(numbers).tolist(), tick_labels(numbers, self.step), strict=True))


def extent(values: Iterable[Array]) -> tuple[float, float]:
    """Find a span that holds all values, is not empty, and begins or ends at zero where zero is near.

    Args:
        values: Arrays of finite numbers.

    Returns:
        Lowest and highest number to show: 0 and 1 without values.
    """
    some = [array for array in values if array.size]
    if not some:
        return 0.0, 1.0
    low, high = min(float(array.min()) for array in some), max(float(array.max()) for array in some)
    if _is_flat(low, high):
        return (-0.5, 0.5) if abs(low) <= _SMALLEST else (min(low, 0.0), max(high, 0.0))
    near = 0.3
    if 0 < low < near * high:
        low = 0.0
    if near * low < high < 0:
        high = 0.0
    return low, high


def _is_flat(low: float, high: float) -> bool:
    return high - low <= max(abs(low) * _FLAT, abs(high) * _FLAT, _SMALLEST)


def round_step(span: float, intervals: int) -> float:
    """Choose 1, 2 or 5 times a power of ten, so that a span has no more intervals than wanted.

    Args:
        span: Length to divide, above zero.
        intervals: Most intervals to make.

    Returns:
        Length of one interval.
    """
    raw = span / intervals
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if raw <= power * factor * (1 + 1e-9))


def tick_labels(numbers: Array, step: float) -> list[str]:
    """Write the ticks of one axis alike: the same unit and the same decimal places.

    Args:
        numbers: Ticks.
        step: Distance between them.

    Returns:
        One label for each, such as ``"0"``, ``"20k"``, ``"1.5M"``, ``"−200"`` (with a minus sign).
    """  # noqa: RUF002 - a true minus sign is what the label shows
    largest = float(np.max(np.abs(numbers), initial=0.0))
    unit, suffix = next(
        ((unit, suffix) for unit, suffix in ((1e9, "B"), (1e6, "M"), (1e4, "k")) if largest >= unit),
        (1.0, ""),
    )
    unit = 1e3 if suffix == "k" else unit
    places = max(0, -math.floor(math.log10(step / unit) + 1e-9))
    plain = largest < 1e12 and places <= 4  # noqa: PLR2004 - longer labels read better as powers of ten
    return [_label(number, f"{number / unit:,.{places}f}{suffix}" if plain else f"{number:.3g}") for number in numbers]


def _label(number: float, written: str) -> str:
    return "0" if number == 0 else written.replace("-", "−")  # noqa: RUF001 - a true minus sign


def thin_points(x: Array, y: Array, limit: int) -> tuple[Array, Array]:
    """Choose few points that look like many: of each run of points some evenly spaced order statistics.

    Args:
        x: Positions in order, of shape (n,).
        y: Values, of shape (n,).
        limit: Most points to keep.

    Returns:
        All points where there are few; else lows, highs and quantiles of ``y`` for each part of ``x``.
    """
    if x.size <= limit:
        return x, y
    share = np.array([0, 1 / 3, 2 / 3, 1])
    chosen = []
    for run in np.array_split(np.arange(x.size), limit // share.size):
        ranked = run[np.argsort(y[run], kind="stable")]
        chosen.append(ranked[np.rint(share * (run.size - 1)).astype(int)])
    kept = np.unique(np.concatenate(chosen))
    return x[kept], y[kept]


def thin_line(x: Array, y: Array, limit: int) -> NDArray[np.intp]:
    """Choose the points of a line that matter: its ends, and the lowest and highest of each part.

    Args:
        x: Positions in order, of shape (n,).
        y: Values, of shape (n,).
        limit: Most points to keep.

    Returns:
        Indices in order.
    """
    indices = np.arange(x.size)
    if x.size <= limit:
        return indices
    parts = np.array_split(indices, limit // 2 - 1)
    peaks = [part[pick(y[part])] for part in parts for pick in (np.argmin, np.argmax)]
    return np.unique(np.array([0, *peaks, x.size - 1]))


def bins(values: Array, most: int) -> tuple[Array, Array]:
    """Count values in bins of round width.

    Args:
        values: Finite numbers, at least one.
        most: About how many bins to make at most.

    Returns:
        Edges of shape (n + 1,) and counts of shape (n,). Equal values get one bin amid empty ones; whole
        numbers that are few get one bin each, centred on them.
    """
    low, high = float(values.min()), float(values.max())
    if _is_flat(low, high):
        room = max(abs(low) * 0.05, 0.5)
        return np.linspace(low - room, high + room, 12), np.array([0.0] * 5 + [values.size] + [0.0] * 5)
    step = round_step(high - low, most)
    if step <= 1 and np.all(values == np.rint(values)):
        step, low, high = 1.0, low - 0.5, high + 0.5
        first = low
    else:
        first = math.floor(low / step + 1e-9) * step
    count = max(1, math.ceil((high - first) / step - 1e-9))
    places = np.clip(np.floor((values - first) / step).astype(int), 0, count - 1)
    return first + np.arange(count + 1, dtype=np.float64) * step, np.bincount(places, minlength=count).astype(
        np.float64
    )
