"""Memory: what a run will take, compared before its first step with what is free.

An operating system promises memory that it does not have and kills a process that writes to too much of it: a run that
is too large would die in the middle, without an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from rlkit.errors import ConfigError

_SHARE = 0.9
"""Part of the free memory that a run may plan with: networks, environments and other programs take some, too."""
_ROOT = Path("/")


def available_memory() -> float:
    """Return how many bytes this process can still take: free in the machine and in its container; inf if unknown."""
    import psutil  # noqa: PLC0415 - loaded when a run starts, not with rlkit

    try:
        free = float(psutil.virtual_memory().available)
    except (OSError, RuntimeError, NotImplementedError):
        free = math.inf
    return min([free, *_container_memory(_ROOT)])


def _container_memory(root: Path) -> Iterator[float]:
    """Yield how many bytes each control group of this process leaves free, on Linux: a container is one.

    Args:
        root: Folder that holds ``proc`` and ``sys``.
    """
    for controllers, path in re.findall(r"^\d+:([^:]*):(.*)$", _text(root / "proc/self/cgroup"), re.MULTILINE):
        if not controllers:
            top, limit, usage, cache = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
            usage, cache = "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        inner = Path(path.lstrip("/"))
        for group in (inner, *inner.parents):  # the last of which is the top: in a container its own group
            folder = root / top / group
            allowed, taken = _text(folder / limit).strip(), _text(folder / usage).strip()
            if allowed.isdigit() and taken.isdigit():  # "max" is no limit
                cached = re.search(rf"^{cache} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
                yield max(0, int(allowed) - int(taken) + (int(cached[1]) if cached else 0))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def require_memory(name: str, count: int, bytes_each: int, *, held: int = 0, what: str, remedy: str) -> None:
    """Raise where there is not enough memory for what a run needs.

    Args:
        name: Hyperparameter that says how many items the run keeps.
        count: Its value.
        bytes_each: Bytes of one item, in all arrays together.
        held: How many items are in memory already.
        what: What the items are.
        remedy: What else takes less memory.

    Raises:
        ConfigError: It needs more than nine tenths of what is free.
    """
    free = available_memory()
    needed = bytes_each * (count - held)
    if needed <= _SHARE * free:
        return
    fits = held + int(_SHARE * free / bytes_each)
    problem = f"{name} = {count} takes {_gigabytes(needed)} of memory for {what}; {_gigabytes(free)} are free."
    raise ConfigError(problem, f"Set {name} to {fits} or less, or {remedy}." if fits else f"{remedy.capitalize()}.")


def _gigabytes(number: float) -> str:
    return f"{number / 1e9:,.2f} GB" if number < 1e10 else f"{number / 1e9:,.0f} GB"  # noqa: PLR2004 - three digits
