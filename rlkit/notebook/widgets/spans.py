"""Which numbers a slider offers for a hyperparameter: those around its default, within its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rlkit.config import Hyperparameter

_DOUBLINGS, _DECADES = 7, 2
"""How far a logarithmic slider reaches to either side of the default: a hundred times, or about that."""
_PLAUSIBLE = 0.01
"""Where a logarithmic slider is centred when the default is none or 0: weights and limits are often near it."""
_MOST_STEPS = 100
"""Of a linear slider: it is about as many pixels long."""


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers of a slider.

    Attributes:
        low: Smallest number; its exponent where there is a base.
        high: Largest number; its exponent where there is a base.
        step: Between two numbers, or two exponents.
        base: Of a logarithmic slider, 2 or 10; 0 for a linear one.
        whole: Whether the numbers are whole.
        start: Where the slider stands while there is no number.
    """

    low: float
    high: float
    step: float
    base: int
    whole: bool
    start: float

    def place(self, number: float) -> int:
        """Return how many steps from its lower end a slider stands for a number, at an end for what is beyond."""
        if self.base and number <= 0:
            return 0
        along = _log(number, self.base) if self.base else number
        return round((min(max(along, self.low), self.high) - self.low) / self.step)

    def at(self, place: int) -> float:
        """Return the number so many steps from the lower end."""
        along = min(self.low + place * self.step, self.high)
        return float(self.base**along if self.base else along)

    def numbers(self) -> list[int | float]:
        """Return all numbers, from the lower end to the upper, as a person would write them."""
        return [self.rounded(self.at(place)) for place in range(self.place(math.inf) + 1)]

    def rounded(self, number: float) -> int | float:
        """Return a slider's number as a person would write it: two digits of a logarithmic one."""
        if self.whole:
            number = round(number)
        if self.base == 10:  # noqa: PLR2004 - powers of two are written in full
            number = float(f"{number:.2g}")
        return round(number) if self.whole else float(f"{number:.10g}")


def span_of(field: Hyperparameter, default: object) -> Span | None:
    """Return the numbers that a slider for a hyperparameter should offer; None where only a box is of use.

    Args:
        field: What is known of it.
        default: Its default as plain data.
    """
    if field.kind not in ("int", "float", "schedule"):
        return None
    number = float(default) if isinstance(default, int | float) else 0.0
    low = field.bounds.get("minimum", field.bounds.get("exclusiveMinimum", -math.inf))
    high = field.bounds.get("maximum", field.bounds.get("exclusiveMaximum", math.inf))
    if field.scale == "log":
        return _logarithmic(number, low, high, whole=field.kind == "int")
    if math.isinf(low) or math.isinf(high):
        return None
    return _linear(field, number, low, high)


def _logarithmic(number: float, low: float, high: float, *, whole: bool) -> Span:
    centre = number if number > 0 else (1.0 if whole else _PLAUSIBLE)
    base = 2 if whole and math.log2(centre).is_integer() else 10
    reach = _DOUBLINGS if base == 2 else _DECADES  # noqa: PLR2004 - the base
    first, last = math.floor(_log(centre, base)) - reach, math.ceil(_log(centre, base)) + reach
    least = max(low, 1) if whole else low
    if least > 0:
        first = max(first, math.ceil(_log(least, base)))
    if not math.isinf(high):
        last = min(last, math.floor(_log(high, base)))
    # Ten steps a decade, as preferred numbers have.
    return Span(first, max(last, first), 1 if base == 2 else 0.1, base, whole, centre)  # noqa: PLR2004 - the base


def _log(number: float, base: int) -> float:
    return math.log2(number) if base == 2 else math.log10(number)  # noqa: PLR2004 - both exact for powers


def _linear(field: Hyperparameter, number: float, low: float, high: float) -> Span:
    whole = field.kind == "int"
    if whole and high - low > _MOST_STEPS:  # a bound that only keeps mistakes out, far from what is usual
        high = min(high, max(low + 10, 10 * abs(number)))
    step = 1.0 if whole else 10.0 ** math.floor(math.log10((high - low) / _MOST_STEPS))
    first = low + step * ("exclusiveMinimum" in field.bounds)
    last = high - step * ("exclusiveMaximum" in field.bounds)
    return Span(first, last, step, 0, whole, min(max(number, first), last))
