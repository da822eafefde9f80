"""Schedules: hyperparameters that change while a model trains, as classes that can be saved and compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """A value as a function of the progress that remains."""

    def __call__(self, progress_remaining: float) -> float:
        """Return the value when ``progress_remaining`` (1 at the start, 0 at the end) is left."""


@dataclass(frozen=True, slots=True)
class ConstantSchedule:
    """The same value throughout."""

    value: float

    def __call__(self, progress_remaining: float) -> float:  # noqa: ARG002 - the interface of a schedule
        """Return the value, whatever progress remains."""
        return self.value


@dataclass(frozen=True, slots=True)
class LinearSchedule:
    """A straight line from ``start`` to ``end`` over one call of ``train``.

    Written ``lin_0.001`` (to zero, as in RL Zoo's files) or ``lin_0.001_0.0001`` (to another end).
    """

    start: float
    end: float = 0.0

    def __post_init__(self) -> None:
        # Plain floats, whatever came: NumPy's are written otherwise, and would not be read back.
        for name, value in (("start", float(self.start)), ("end", float(self.end))):
            if not math.isfinite(value):
                message = f"the {name} of a schedule must be finite, not {value}"
                raise ValueError(message)
            object.__setattr__(self, name, value)

    def __call__(self, progress_remaining: float) -> float:
        """Return the value when ``progress_remaining`` (1 at the start, 0 at the end) is left."""
        return self.end + (self.start - self.end) * progress_remaining

    def __str__(self) -> str:
        return f"lin_{self.start!r}" if self.end == 0 else f"lin_{self.start!r}_{self.end!r}"


def as_schedule(value: float | LinearSchedule) -> Schedule:
    """Return ``value`` as a schedule: a number is constant."""
    return value if isinstance(value, LinearSchedule) else ConstantSchedule(value)


def parse_linear(text: str) -> LinearSchedule:
    """Read ``lin_START`` or ``lin_START_END``.

    Raises:
        ValueError: The text is not of that form, or a number in it is not finite.
    """
    head, *numbers = text.strip().split("_")
    if head != "lin" or len(numbers) not in (1, 2):
        message = f"{text!r} is no schedule: write lin_0.001 (to zero) or lin_0.001_0.0001"
        raise ValueError(message)
    return LinearSchedule(*map(float, numbers))
