"""ConfigChange: a hyperparameter that changed while a model trained, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

from rlkit.display import text

MOST_CHANGES = 200
"""Changes of one hyperparameter in a log: a callback may change it after each of a million updates."""
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A change that ``model.reconfigure`` made.

    Attributes:
        num_timesteps: Environment steps taken when it was made: the next update uses the new value.
        name: Name of the hyperparameter.
        old: Value before, as plain data.
        new: Value afterwards, as plain data.
    """

    num_timesteps: int
    name: str
    old: Any
    new: Any

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the change that gave ``record`` with :meth:`to_dict`.

        Raises:
            TypeError: ``record`` is not one.
        """
        change = cls(**record)
        steps = change.num_timesteps
        plain = all(isinstance(value, str | float | int | list | dict | None) for value in (change.old, change.new))
        if not isinstance(steps, int) or isinstance(steps, bool) or not isinstance(change.name, str) or not plain:
            message = f"{record!r:.80} is not a change of a hyperparameter"
            raise TypeError(message)
        return change

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as plain data."""
        return asdict(self)


def changes_from(records: Iterable[Mapping[str, Any]]) -> tuple[ConfigChange, ...]:
    """Return the changes that gave ``records`` with :meth:`ConfigChange.to_dict`.

    Raises:
        TypeError: One of them is not such a record.
    """
    return tuple(map(ConfigChange.from_dict, records))


def with_change(changes: Sequence[ConfigChange], change: ConfigChange) -> tuple[ConfigChange, ...]:
    """Return a log of changes with another one at its end.

    Changes of one hyperparameter at the same step are one change, or none where the value ends as it began. Of more
    than 200 changes of one hyperparameter every second is left out.
    """
    own = [known for known in changes if known.name == change.name]
    if own and own[-1].num_timesteps == change.num_timesteps:
        last = own.pop()
        changes = [known for known in changes if known is not last]
        change = ConfigChange(change.num_timesteps, change.name, last.old, change.new)
    if change.old == change.new:
        return tuple(changes)
    if len(own) < MOST_CHANGES:
        return (*changes, change)
    others = [known for known in changes if known.name != change.name]
    return tuple(sorted([*others, *_thinned([*own, change])], key=lambda known: known.num_timesteps))


def _thinned(changes: list[ConfigChange]) -> Iterator[ConfigChange]:
    """Yield every second change and the last one, each beginning with the value that the one before it left."""
    kept = changes[:-1:2] + changes[-1:]
    yield kept[0]
    for before, change in pairwise(kept):
        yield ConfigChange(change.num_timesteps, change.name, before.new, change.new)


def describe_changes(changes: Iterable[ConfigChange]) -> dict[str, str]:
    """Return the values of each hyperparameter that changed, and until when each was used.

    For example ``{"learning_rate": "0.001 until step 20,480, then 0.0001"}``.
    """
    by_name: dict[str, list[ConfigChange]] = {}
    for change in changes:
        by_name.setdefault(change.name, []).append(change)
    return {name: _course(own) for name, own in by_name.items()}


def _course(changes: list[ConfigChange]) -> str:
    parts = [f"{text.literal(change.old)} until step {change.num_timesteps:,}" for change in changes]
    if len(parts) > _MOST_SHOWN:
        between = len(parts) - _MOST_SHOWN + 1
        parts = [*parts[: _MOST_SHOWN - 2], f"… {between:,} more …", parts[-1]]
    return f"{', '.join(parts)}, then {text.literal(changes[-1].new)}"
