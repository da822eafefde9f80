"""What is typed to find versions: words that occur in what is known of them, or an expression to search by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlkit.errors import QueryError
from rlkit.registry.query import Filter

_COMPARES = re.compile("[<>=]")
_FIELDS = ("ref", "algorithm", "env_id", "description", "user")
_LISTS = (("aliases", "@"), ("tags", ""))


@dataclass(frozen=True, slots=True)
class Words:
    """Words that must all occur in what is known of a version, in capitals or not.

    Attributes:
        words: The words, in small letters.
    """

    words: tuple[str, ...]

    def __call__(self, value: Mapping[str, Any]) -> bool:
        """Tell whether they occur in a version's document."""
        parts = [str(value.get(field) or "") for field in _FIELDS]
        parts += [f"{mark}{word}" for field, mark in _LISTS for word in value[field]]
        said = "\n".join(parts).lower()
        return all(word in said for word in self.words)


def condition(query: str) -> Words | str | None:
    """Return what a query means, as ``ModelRegistry.search`` takes it.

    An expression has several words that the search language understands, or ``<``, ``>`` or ``=``. All else are words.

    Args:
        query: What was typed.

    Returns:
        Words, an expression, or None for all versions.

    Raises:
        QueryError: It compares, and the search language does not understand it.
    """
    words = tuple(query.lower().split())
    if not words:
        return None
    compares = _COMPARES.search(query) is not None
    if not compares and len(words) == 1:
        return Words(words)
    try:
        Filter(query)
    except QueryError:
        if compares:
            raise
        return Words(words)
    return query
