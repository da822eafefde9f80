"""Reading a pickle without running it: what it would import, call and build.

The opcodes are followed on a simulated stack, so that a name means what it would mean to an unpickler. Time and memory
grow with the length of the bytes alone, whatever they would build.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from rlkit.errors import CorruptArtifactError

PROTOCOL = 4
"""The pickle protocol of all that rlkit writes: the newest without out-of-band buffers."""

PLAIN = frozenset(
    (  # noqa: SIM905 - a list of forty quoted words reads worse
        "PROTO FRAME MARK STOP NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT "
        "SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 EMPTY_LIST APPEND APPENDS "
        "EMPTY_DICT SETITEM SETITEMS EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3 TUPLE STACK_GLOBAL REDUCE BUILD"
    ).split(),
)
"""The opcodes of a state. None refers back to an earlier value (no memo, no DUP), so every byte of the result has cost
a byte of the file: nothing can multiply while it loads."""

BY_VALUE = PLAIN | frozenset(
    ["LONG4", "MEMOIZE", "BINGET", "LONG_BINGET", "NEWOBJ", "NEWOBJ_EX", "POP", "POP_MARK", "GLOBAL"]
)
"""The opcodes of a class by value: those of Python's pickler, and GLOBAL, which dill writes for a few names."""

_DEEPEST = 1_000
"""How deep tuples, lists and dicts may lie in each other: Python's pickler reaches less, and Python's stack more."""
_REPEATED = 4
"""How many times the bytes of a pickle the parts of a tuple, and of the tuples in it, may be: one that holds another
twice, and so on, takes twice the time at each level when it is the key of a dict."""
LONGEST_NAME = 255


class Name(NamedTuple):
    """Something that would be imported.

    Attributes:
        module: The module.
        name: What is looked up in it; attributes of attributes have dots.
    """

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def is_plain(self) -> bool:
        """Whether both parts are what an import statement could say."""
        return is_dotted_name(self.module) and is_dotted_name(self.name)


def is_dotted_name(word: object) -> TypeGuard[str]:
    """Whether a value is a name as an import statement could say it, of a length that somebody would give it."""
    return isinstance(word, str) and len(word) <= LONGEST_NAME and all(part.isidentifier() for part in word.split("."))


class Built:
    """Something that would be built.

    Attributes:
        parts: Of a tuple, what is in it: strings, numbers, bytes, None, :class:`Name` and Built.
    """

    __slots__ = ("depth", "parts", "size")

    def __init__(self, parts: list[Any] | None = None, depth: int = 0, size: int = 0) -> None:
        self.parts = parts
        self.depth = depth
        self.size = size


@dataclass(frozen=True)
class Contents:
    """What is in a pickle.

    Attributes:
        reached: What it would import, in order and without repeats; a text where it would reach outside of itself in
            another way, or by a name that only running it would tell.
        strange: What rlkit never writes, in words: names of opcodes and others.
        calls: Each call of something imported: its name, and the arguments.
        builds: How many of ``"array"``, ``"dict"``, ``"list"``, ``"object"`` (instances of classes) and ``"call"``
            (calls of what it imports, which build arrays too) it would build, as far as there are any.
        result: What it would give.
    """

    reached: tuple[Name | str, ...]
    strange: tuple[str, ...]
    calls: tuple[tuple[Name, list[Any]], ...]
    builds: dict[str, int]
    result: Any


def read(data: bytes, allowed: frozenset[str]) -> Contents:
    """Tell what is in a pickle, without running any of it.

    Args:
        data: A whole pickle, from any source.
        allowed: The opcodes that rlkit writes of such: ``PLAIN``, where keys of dicts must be text, or ``BY_VALUE``.

    Raises:
        CorruptArtifactError: The bytes are not one whole pickle, or build what no pickler of rlkit would reach, and
            nothing in them would be imported.
    """
    machine = _Machine(data, allowed)
    try:
        machine.run()
    except (ValueError, LookupError) as error:  # a half pickle may still be an attack: what it would import comes first
        if not machine.reached:
            problem = f"These bytes are no whole pickle that rlkit could have written: {error}."
            raise CorruptArtifactError(problem, "Restore the file from a backup.") from error
        machine.strange[f"an end in the middle: {error}"] = None
    return Contents(
        tuple(machine.reached), tuple(machine.strange), tuple(machine.calls), machine.builds, machine.result
    )


_SHOWN = 12  # names of imports that fit into an error


def shown(reached: Sequence[object]) -> str:
    """Write what would be imported for an error: some of it, and how much more there is."""
    more = f" and {len(reached) - _SHOWN:,} more" if len(reached) > _SHOWN else ""
    return ", ".join(map(str, reached[:_SHOWN])) + more or "nothing by name"


_LITERALS = frozenset(
    (  # noqa: SIM905 - as above
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE "
        "SHORT_BINUNICODE BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
    ).split(),
)
_OPCODES = {
    opcode.code.encode("latin-1"): (opcode.name, opcode.arg.reader if opcode.arg else None, opcode.name in _LITERALS)
    for opcode in pickletools.opcodes
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_START = 2  # bytes of the opcode PROTO
_OUTSIDE = {
    "EXT1": "entry {} of the extension registry",
    "EXT2": "entry {} of the extension registry",
    "EXT4": "entry {} of the extension registry",
    "PERSID": "persistent id {!r:.80}",
    "BINPERSID": "a persistent id",
    "NEXT_BUFFER": "an out-of-band buffer",
    "READONLY_BUFFER": "an out-of-band buffer",
}
_ARRAY = Name("dill._dill", "_create_array")


class _Machine:
    """Follows opcodes as an unpickler does, and notes what it meets instead of importing, calling or building it."""

    def __init__(self, data: bytes, allowed: frozenset[str]) -> None:
        self.reached: dict[Name | str, None] = {}
        self.strange: dict[str, None] = {}
        self.calls: list[tuple[Name, list[Any]]] = []
        self.builds: dict[str, int] = {}
        self.result: Any = None
        self._data = data
        self._allowed = allowed
        self._is_plain = allowed == PLAIN
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stack under each mark
        self._memo: dict[int, Any] = {}
        self._popped: list[Any] = []  # by the opcodes POP and POP_MARK just before

    def run(self) -> None:
        """Follow all opcodes.

        Raises:
            ValueError: They end too early, go on after their end, or nest too deep.
            LookupError: They take from an empty stack or memo.
        """
        file, allowed = io.BytesIO(self._data), self._allowed
        name = ""
        while name != "STOP":
            code = file.read(1)
            if code not in _OPCODES:
                message = f"byte {file.tell()} is no opcode" if code else "it has no end"
                raise ValueError(message)
            name, reader, is_literal = _OPCODES[code]
            argument = None if reader is None else reader(file)
            if name not in allowed:
                self.strange[name] = None
            if self._popped and name not in ("POP", "POP_MARK"):
                self._check_popped(name, argument)
            if is_literal:
                self._stack.append(argument)
            elif name == "PROTO":
                if file.tell() != _START or argument != PROTOCOL:  # it changes what names mean
                    self.strange[f"PROTO {argument}"] = None
            else:
                self._step(name, argument)
        after = len(self._data) - file.tell()
        if after:
            message = f"{after} bytes follow its end"
            raise ValueError(message)

    def _step(self, name: str, argument: Any) -> None:  # noqa: C901, PLR0912, PLR0915 - one branch an opcode
        stack = self._stack
        match name:
            case "MEMOIZE" | "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[len(self._memo) if argument is None else int(argument)] = stack[-1]
            case "BINGET" | "LONG_BINGET" | "GET":
                stack.append(self._memo[int(argument)])
            case "MARK":
                self._below.append(stack)
                self._stack = []
                self._check_depth(len(self._below))
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append(_CONSTANTS[name])
            case "SETITEM":
                self._set(name, self._taken(2))
            case "SETITEMS":
                self._set(name, self._since_mark())
            case "STACK_GLOBAL":
                self._import(*self._taken(2))
            case "TUPLE":
                self._tuple(self._since_mark())
            case "EMPTY_TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3":
                self._tuple(self._taken(_TUPLES[name]))
            case "REDUCE":
                self._call("call", *self._taken(2))
            case "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_SET":
                self._build(name.removeprefix("EMPTY_").lower(), [])
            case "APPEND":
                self._add(name, self._taken(1))
            case "APPENDS" | "ADDITEMS":
                self._add(name, self._since_mark())
            case "BUILD":
                self._taken(1)
                self._add(name, [])
            case "NEWOBJ":
                self._call("object", *self._taken(2))
            case "NEWOBJ_EX":
                self._call("object", *self._taken(3)[:2])
            case "GLOBAL":
                self._import(*argument.split(" ", 1))  # pickletools joins the two by a blank
            case "INST":
                self._import(*argument.split(" ", 1))
                self._stack.pop()
                self._build("object", self._since_mark())
            case "LIST" | "DICT" | "FROZENSET" | "OBJ":
                self._build("object" if name == "OBJ" else name.lower(), self._since_mark())
            case "POP" if stack:
                self._popped.append(stack.pop())
            case "POP":
                self.strange["POP of a mark"] = None
                self._since_mark()
            case "POP_MARK":
                self._popped += reversed(self._since_mark())
            case "DUP":
                stack.append(stack[-1])
            case "STOP":
                self.result = stack.pop()
                if stack or self._below:
                    self.strange["values that are left over"] = None
            case _ if name in _OUTSIDE:
                if name in ("BINPERSID", "READONLY_BUFFER"):
                    stack.pop()
                self.reached[_OUTSIDE[name].format(argument)] = None
                stack.append(Built())

    def _taken(self, n: int) -> list[Any]:
        """Take the last values off the stack."""
        start = len(self._stack) - n
        if start < 0:
            message = "its stack runs empty"
            raise ValueError(message)
        taken = self._stack[start:]
        del self._stack[start:]
        return taken

    def _since_mark(self) -> list[Any]:
        """Take all values since the last mark off the stack."""
        taken, self._stack = self._stack, self._below.pop()
        return taken

    def _check_popped(self, name: str, argument: Any) -> None:
        """Note where values were thrown away that no call had made: a pickler does so with parts of a tuple alone.

        It finds that it has written the tuple already, inside one of the parts. So it takes the parts off the stack
        again, and gets the tuple from the memo.
        """
        popped, self._popped = self._popped, []
        got = self._memo.get(int(argument)) if name in ("BINGET", "LONG_BINGET") else None
        if isinstance(got, Built) and got.parts and popped[: -len(got.parts) - 1 : -1] == got.parts:
            del popped[-len(got.parts) :]
        if not all(isinstance(value, Built) for value in popped):
            self.strange["POP of a name or a literal"] = None

    def _import(self, module: object, name: object) -> None:
        found = Name(module, name) if isinstance(module, str) and isinstance(name, str) else None
        if found is None or (found not in self.reached and not found.is_plain):
            shown = f"{found.module:.80}.{found.name:.80}" if found else "a name that is not written in it"
            self.reached[shown] = None
            self.strange["a name that no import has"] = None
            self._stack.append(Built())
            return
        self.reached[found] = None
        self._stack.append(found)
        if found == _ARRAY:
            self._count("array")

    def _count(self, kind: str) -> None:
        self.builds[kind] = self.builds.get(kind, 0) + 1

    def _check_depth(self, depth: int) -> None:
        if depth > _DEEPEST:
            message = f"it nests deeper than {_DEEPEST} levels"
            raise ValueError(message)

    def _tuple(self, parts: list[Any]) -> None:
        depth, size = 0, len(parts)
        for part in parts:
            if isinstance(part, Built):
                size += part.size
                depth = max(depth, part.depth)
        self._check_depth(depth + 1)
        if size > _REPEATED * len(self._data):
            message = "its tuples hold others over and over"
            raise ValueError(message)
        self._stack.append(Built(parts, depth + 1, size))

    def _build(self, kind: str, items: list[Any]) -> None:
        self._count(kind)
        self._stack.append(Built(depth=1 if self._is_plain else 0))
        self._add(kind, items)

    def _add(self, name: str, items: list[Any]) -> None:
        """Add items to the list, dict or object on the stack."""
        target = self._stack[-1]
        if not isinstance(target, Built) or target.parts is not None:
            self.strange[f"{name} on something else than was built"] = None
            return
        if self._is_plain:  # else anything may hold itself
            for item in items:
                if isinstance(item, Built) and item.depth >= target.depth:
                    target.depth = item.depth + 1
            self._check_depth(target.depth)

    def _set(self, name: str, items: list[Any]) -> None:
        if self._is_plain and not all(type(key) is str for key in items[::2]):
            message = "a dict in it has a key that is not text"
            raise ValueError(message)
        self._add(name, items)

    def _call(self, kind: str, called: object, arguments: object) -> None:
        self._count(kind)
        if not isinstance(arguments, Built) or arguments.parts is None:
            self.strange["a call with arguments that are not written in it"] = None
        elif isinstance(called, Name):
            self.calls.append((called, arguments.parts))
        self._stack.append(Built())
