"""Reading a pickle without running it: which opcodes it has and what it would import."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import Any

from rlkit.errors import CorruptArtifactError

ALLOWED = frozenset(
    (  # noqa: SIM905 - a list of forty quoted words reads worse
        "PROTO FRAME MARK STOP NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT "
        "SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 EMPTY_LIST APPEND APPENDS "
        "EMPTY_DICT SETITEM SETITEMS EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3 TUPLE STACK_GLOBAL REDUCE BUILD"
    ).split(),
)
"""The opcodes that rlkit's own encoder writes. None refers back to an earlier value (no memo, no DUP), so
every byte of the result has cost a byte of the file: nothing can multiply while it loads."""

_UNTRUSTED = {
    "EXT1": "entry {} of the extension registry",
    "EXT2": "entry {} of the extension registry",
    "EXT4": "entry {} of the extension registry",
    "PERSID": "persistent id {!r}",
    "BINPERSID": "a persistent id",
    "NEXT_BUFFER": "an out-of-band buffer",
    "READONLY_BUFFER": "an out-of-band buffer",
}
_STRINGS = {
    "SHORT_BINUNICODE",
    "BINUNICODE",
    "BINUNICODE8",
    "UNICODE",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
}
_PUTS = {"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_UNKNOWN = "?"


def scan(data: bytes) -> tuple[list[str], list[str]]:
    """List what a pickle would reach for, without running any of it.

    Args:
        data: A whole pickle.

    Returns:
        What it would import or look up outside itself, such as ``"os.system"``, in order and without repeats;
        and the names of opcodes that rlkit never writes.

    Raises:
        CorruptArtifactError: The bytes are not one whole pickle, and nothing in them would be imported.
    """
    reached: dict[str, None] = {}
    strange: dict[str, None] = {}
    try:
        for name, argument in _resolved(data):
            if name not in ALLOWED:
                strange[name] = None
            if name in ("STACK_GLOBAL", "GLOBAL", "INST"):
                reached[str(argument)] = None
            elif name in _UNTRUSTED:
                reached[_UNTRUSTED[name].format(argument)] = None
    except ValueError as error:  # a half pickle may still be an attack: what it would import comes first
        if not reached:
            problem = f"These bytes are not a whole pickle: {error}."
            raise CorruptArtifactError(problem, "Restore the file from a backup.") from error
        strange["TRUNCATED"] = None
    return list(reached), list(strange)


_BUILT = {
    "EMPTY_DICT": "dict",
    "DICT": "dict",
    "EMPTY_LIST": "list",
    "LIST": "list",
    "OBJ": "object",
    "INST": "object",
    "NEWOBJ": "object",
    "NEWOBJ_EX": "object",
    "REDUCE": "call",
}
_ARRAY = "dill._dill._create_array"


def count(data: bytes) -> dict[str, int]:
    """Count what a pickle would build, without running any of it.

    Args:
        data: A whole pickle.

    Returns:
        How many of ``"array"``, ``"dict"``, ``"list"``, ``"object"`` (instances of classes) and ``"call"`` (calls of
        what it imports, which build arrays too), as far as there are any.

    Raises:
        CorruptArtifactError: The bytes are not one whole pickle.
    """
    counts: dict[str, int] = {}
    try:
        for name, argument in _resolved(data):
            kind = "array" if name == "STACK_GLOBAL" and argument == _ARRAY else _BUILT.get(name)
            if kind is not None:
                counts[kind] = counts.get(kind, 0) + 1
    except ValueError as error:
        problem = f"These bytes are not a whole pickle: {error}."
        raise CorruptArtifactError(problem, "Restore the file from a backup.") from error
    return counts


class _Name(str):
    """Something imported, on the stack."""

    __slots__ = ()


_MARK = object()


def calls(data: bytes) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the functions that a pickle would call, without running any of it.

    Args:
        data: A whole pickle.

    Yields:
        The dotted name, and the arguments, with None for any that is no string, bytes, number or tuple of such.

    Raises:
        CorruptArtifactError: The bytes are not one whole pickle.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "REDUCE":
                called, arguments = stack[-2:]
                if isinstance(called, _Name) and isinstance(arguments, tuple):
                    yield str(called), arguments
            _step(opcode, argument, stack, memo)
    except (ValueError, LookupError) as error:
        problem = f"These bytes are not a whole pickle: {error}."
        raise CorruptArtifactError(problem, "Restore the file from a backup.") from error


def _step(opcode: pickletools.OpcodeInfo, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """Do to the stack what an opcode would, with None for whatever it would build or return."""
    name = opcode.name
    if name in _PUTS:
        memo[len(memo) if name == "MEMOIZE" else int(argument)] = stack[-1]
        return
    taken = _take(stack, opcode.stack_before)
    if name in _GETS:
        stack.append(memo[int(argument)])
    elif name in ("GLOBAL", "STACK_GLOBAL"):
        stack.append(_Name(".".join(map(str, argument.split(" ") if name == "GLOBAL" else taken))))
    elif name == "EMPTY_TUPLE" or name.startswith("TUPLE"):
        stack.append(tuple(taken))
    elif name == "DUP":
        stack += [*taken, *taken]
    elif name == "MARK":
        stack.append(_MARK)
    elif opcode.stack_after:
        stack.append(None if opcode.stack_before else argument)


def _take(stack: list[Any], before: list[pickletools.StackObject]) -> list[Any]:
    if pickletools.markobject not in before:
        start = first = len(stack) - len(before)
    else:
        start = len(stack)
        while stack[start - 1] is not _MARK:
            start -= 1
        first = start - 1 - before.index(pickletools.markobject)
    if first < 0:
        message = "its stack runs empty"
        raise ValueError(message)
    taken = stack[start:]
    del stack[first:]
    return taken


def _resolved(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield opcode names and arguments, with the dotted names of imports as far as they are literal."""
    strings: list[str] = [_UNKNOWN, _UNKNOWN]
    memo: dict[int, str] = {}
    top = _UNKNOWN  # what the last opcode pushed, as far as it was a string
    position = 0
    argument: Any
    for opcode, argument, start in pickletools.genops(data):
        name, position = opcode.name, start or 0
        if name in _STRINGS or name in _GETS:
            top = str(argument) if name in _STRINGS else memo.get(int(argument), _UNKNOWN)
            strings.append(top)
        elif name in _PUTS:
            memo[len(memo) if name == "MEMOIZE" else int(argument)] = top
        else:
            top = _UNKNOWN
        if name == "STACK_GLOBAL":
            argument = ".".join(strings[-2:])  # noqa: PLW2901 - the argument that this opcode takes from the stack
        elif name in ("GLOBAL", "INST"):
            argument = str(argument).replace(" ", ".")  # noqa: PLW2901 - pickletools joins the two by a blank
        yield name, argument
    if position != len(data) - 1:
        message = f"{len(data) - 1 - position} bytes follow its end"
        raise ValueError(message)
