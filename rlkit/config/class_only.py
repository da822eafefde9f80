"""Class methods that return a new object: called on an instance, they would silently leave it as it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar

from rlkit.errors import RLKitError

Method = TypeVar("Method")


class _ClassOnly(classmethod):  # type: ignore[type-arg] # of any signature
    """A class method that raises when it is called on an instance."""

    def __init__(self, function: Callable[..., Any], error: type[RLKitError], remedy: str) -> None:
        super().__init__(function)
        self._error, self._remedy = error, remedy

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return super().__get__(None, owner)
        name = self.__func__.__name__
        problem = f"{type(instance).__name__}.{name} returns a new object: called on an instance it changes nothing."

        @wraps(self.__func__)
        def refuse(*_: object, **__: object) -> NoReturn:
            raise self._error(problem, self._remedy)

        return refuse  # raised by the call, not here: tools look at every attribute


def class_only(error: type[RLKitError], remedy: str) -> Callable[[Method], Method]:
    """Return a decorator of a class method that returns a new object: an instance refuses it.

    Args:
        error: What is raised on an instance.
        remedy: What to write instead.
    """

    def decorate(method: Any) -> Any:
        return _ClassOnly(method.__func__, error, remedy)

    return decorate
