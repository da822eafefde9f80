"""What a forked process makes anew: locks that threads of its parent held, and what those threads were changing.

A child has one thread, a copy of the one that forked it. A lock that another thread held at that moment stays locked
for ever in the child, and what it guards may be half changed.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

_owned: dict[int, tuple[weakref.ref[object], Callable[[Any], object]]] = {}
_functions: list[Callable[[], object]] = []


def in_child(renew: Callable[[], object]) -> None:
    """Call a function in every process that this one forks, before anything else runs there.

    Args:
        renew: A function; or a method of an object, which is called as long as the object lives. It must not wait for
            a lock.
    """
    if isinstance(renew, MethodType):
        owner = weakref.ref(renew.__self__, _forget)
        _owned[id(owner)] = owner, renew.__func__
    else:
        _functions.append(renew)


def _forget(owner: weakref.ref[object], owned: dict[int, Any] = _owned) -> None:
    owned.pop(id(owner), None)


def _renew() -> None:
    for renew in _functions:
        renew()
    for reference, renew_owner in list(_owned.values()):
        owner = reference()
        if owner is not None:
            renew_owner(owner)


if hasattr(os, "register_at_fork"):  # where processes are forked at all
    os.register_at_fork(after_in_child=_renew)


class Guard:
    """A lock between threads, which is free in a forked child.

    Attributes:
        lock: The lock itself, for ``with``: a thread that holds it may take it again.
    """

    def __init__(self) -> None:
        self._renew()
        in_child(self._renew)

    def _renew(self) -> None:
        self.lock = threading.RLock()
