"""What a class in bytes is made of, read without opening it: its functions and attributes, and what these use."""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import pickle
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from rlkit.errors import CorruptArtifactError
from rlkit.storage import rebuild

_SHOWN = 48
"""Letters of a constant."""


@dataclass(frozen=True)
class Constant:
    """A value that travels with a class.

    Attributes:
        name: Where it stands: ``"SCALE"``, ``"Mine.shift"``, ``"n in Mine.act"``, ``"Mine.act(x=)"``.
        type: The name of its type.
        text: Its beginning; ``"not shown"`` of what looks like a secret.
        is_secret: Whether its name or its text look like a password's or an access token's.
    """

    name: str
    type: str
    text: str
    is_secret: bool = False


class Change(NamedTuple):
    """A part of a class that another version of it has otherwise.

    Attributes:
        name: Its name, such as ``"Mine.act"``.
        left: What it is on the left, in words; empty where it is not there.
        right: What it is on the right, likewise.
    """

    name: str
    left: str
    right: str


@functools.lru_cache(maxsize=16)  # a class is kept with each of its models
def constants_of(data: bytes) -> tuple[Constant, ...]:
    """List the values that the bytes of a class hold: globals, enclosing variables, defaults and attributes.

    Args:
        data: What ``encode_class`` returned, from any source. Nothing in it is run.

    Returns:
        What looks like a secret first, in the middle of a function too; then the others by name.

    Raises:
        CorruptArtifactError: It cannot be read.
    """
    with _reading():
        found = dict.fromkeys(each for part in _parts(data) for each in _constants(part))
    return tuple(sorted(found, key=lambda each: (not each.is_secret, each.name)))


PYTHON = "Python"
"""The name of a change of the Python that the code is of."""


@functools.lru_cache(maxsize=16)  # a class that differs is compared each time a version is loaded
def changes(left: bytes, right: bytes) -> tuple[Change, ...]:
    """List what differs between the bytes of two classes, but for where the lines of their source stood.

    Args:
        left: What ``encode_class`` returned, from any source. Nothing in it is run.
        right: Likewise.

    Returns:
        The methods, functions, attributes and constants that differ, in the order in which the class leads to them;
        ``PYTHON`` alone where code of different Pythons cannot be compared.

    Raises:
        CorruptArtifactError: One of them cannot be read.
    """
    with _reading():
        one, other = _summaries(left), _summaries(right)
    if one[PYTHON] != other[PYTHON]:  # then all code differs
        return (_change(PYTHON, one[PYTHON], other[PYTHON]),)
    names = dict.fromkeys([*one, *other])
    return tuple(_change(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name))


def _change(name: str, left: _Summary | None, right: _Summary | None) -> Change:
    texts = [side.text if side else "" for side in (left, right)]
    if left and right and left.text == right.text:  # what differs is not at its beginning, or is code
        texts = [f"{side.text} {side.digest[:6]}" for side in (left, right)]
    return Change(name, *texts)


class _Summary(NamedTuple):
    text: str
    digest: str


def _summaries(data: bytes) -> dict[str, _Summary]:
    """Return what each part is, by name."""
    found: dict[str, list[_Part]] = {}  # a method is an attribute of its class and a function; and names come twice
    for part in _parts(data):
        found.setdefault(part.name, []).append(part)
    digests = _Digests()
    return {
        name: _Summary(
            next((_CODE_TEXT for part in parts if isinstance(part.value, _Function)), _short(parts[0])),
            _digest(digests.of(part.value, inside=True) for part in parts),
        )
        for name, parts in found.items()
    }


@contextmanager
def _reading() -> Iterator[None]:
    """Say of bytes that fail in any way that they are no class."""
    try:
        yield
    except RecursionError:
        raise CorruptArtifactError("These bytes are nested too deep for a class.", "Do not use this file.") from None
    except Exception as error:
        problem = f"These bytes hold no class: {type(error).__name__}: {error}."
        raise CorruptArtifactError(problem, "Restore the file from a backup.") from error


# -- what a pickle would build ---------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Name:
    """Something that would be imported."""

    dotted: str

    def __call__(self, *arguments: Any) -> Any:
        build = _BUILDERS.get(self.dotted)
        return build(*arguments) if build else _Call(self.dotted, list(arguments))


@dataclass(eq=False)
class _Call:
    """What a call of something imported would return, or an instance of a class."""

    function: str
    arguments: list[Any]
    more: list[Any] = field(default_factory=list)

    def __call__(self, *arguments: Any) -> _Call:
        return _Call(f"{self.function}()", [self, *arguments])

    def __setstate__(self, state: Any) -> None:
        self.more.append(state)

    def append(self, value: Any) -> None:
        self.more.append(value)

    def extend(self, values: list[Any]) -> None:
        self.more += values

    def __setitem__(self, key: Any, value: Any) -> None:
        self.more.append((key, value))


@dataclass(eq=False)
class _Dict:
    """A dict, whose keys are never hashed: their making could take for ever."""

    items: list[tuple[Any, Any]] = field(default_factory=list)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))


@dataclass(eq=False)
class _Field:
    """A field of a class of pydantic."""

    default: Any
    more: tuple[Any, ...]


@dataclass(eq=False)
class _Class:
    name: str
    heads: tuple[Any, ...]
    """Its metaclass, its bases, and what else it is made of."""
    attributes: dict[str, Any]

    def set(self, name: str, value: Any) -> None:
        self.attributes[_word(name)] = value


@dataclass(eq=False)
class _Function:
    code: Any
    names: Any
    closure: Any
    attributes: dict[str, Any]

    @property
    def name(self) -> str:
        return _word(self.attributes.get("__qualname__"))


@dataclass(eq=False)
class _Holder:
    """The globals of functions, or one variable of an enclosing function."""

    values: dict[str, Any] = field(default_factory=dict)


def _values(holder: Any) -> Iterable[Any]:
    return holder.values.values() if isinstance(holder, _Holder) else ()


def _word(name: Any) -> str:
    return name if isinstance(name, str) else "?"


def _by_name(values: Any) -> dict[str, Any]:
    return {_word(key): value for key, value in values.items} if isinstance(values, _Dict) else {}


def _made_class(metaclass: Any, name: Any, bases: Any, attributes: Any, *more: Any) -> _Class:
    own = _by_name(attributes)
    parts = _by_name(more[0]) if more else {}
    if isinstance(parts.get("fields"), _Dict):  # a class of pydantic
        fields = {name: _made_field(*each) for name, each in _by_name(parts.pop("fields")).items()}
        parts, more = fields, tuple(parts.values())
    own.pop("__firstlineno__", None)
    return _Class(_word(own.get("__qualname__", name)), (metaclass, bases, *more[1:]), {**own, **parts})


def _made_field(annotation: Any, metadata: Any, settings: Any) -> _Field:
    names = _by_name(settings)
    return _Field(names.get("default", names.get("default_factory")), (annotation, metadata, settings))


def _made_function(code: Any, names: Any, closure: Any, attributes: Any) -> _Function:
    return _Function(code, names, closure, _by_name(attributes))


def _set_function_attribute(made: _Function, name: str, value: Any) -> None:
    made.attributes[_word(name)] = value


def _set_global(names: _Holder, name: str, value: Any) -> None:
    names.values[_word(name)] = value


def _set_cell(cell: _Holder, value: Any) -> None:
    cell.values[""] = value


_REBUILDERS: dict[Callable[..., Any], Callable[..., Any]] = {
    rebuild.bare_class: _made_class,
    rebuild.new_class: _made_class,
    rebuild.enum_class: _made_class,
    rebuild.pydantic_class: _made_class,
    rebuild.set_attribute: _Class.set,
    rebuild.function: _made_function,
    rebuild.set_function_attribute: _set_function_attribute,
    rebuild.namespace: lambda _name: _Holder(),
    rebuild.set_global: _set_global,
    rebuild.cell: _Holder,
    rebuild.set_cell: _set_cell,
}
_BUILDERS: dict[str, Callable[..., Any]] = {
    "dill._dill._load_type": lambda name: _Name(f"builtins.{_word(name)}"),
    **{f"{rebuild.__name__}.{function.__name__}": build for function, build in _REBUILDERS.items()},
}
_CODE = "dill._dill._create_code"
_ARGUMENTS, _CONSTANTS, _VARIABLES, _FREE = 1, 8, 10, 17
"""Where these stand among the arguments of _CODE."""
_PLACES = {0, 11, 14, 15}
"""Where those stand which say where the source was."""


class _Reader(pickle._Unpickler):  # noqa: SLF001 - that in C lets nobody say how a dict is built
    """Builds stand-ins for whatever a pickle would import, call and build."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001

    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module: str, name: str) -> _Name:
        return _Name(f"{module}.{name}")

    def get_extension(self, code: int) -> None:
        self.append(_Name(f"extension {code}"))

    def _push_dict(self) -> None:
        self.append(_Dict())

    def _push_set(self) -> None:
        self.append(_Call("builtins.set", []))

    def _push_marked_dict(self) -> None:
        items = self.pop_mark()
        self.append(_Dict(list(zip(items[::2], items[1::2], strict=True))))

    def _push_frozenset(self) -> None:
        self.append(_Call("builtins.frozenset", self.pop_mark()))

    def _add_items(self) -> None:
        items = self.pop_mark()
        self.stack[-1].extend(items)

    def _push_object(self) -> None:
        arguments, made = self.stack.pop(), self.stack.pop()
        self.append(_Call(_dotted(made), list(arguments)))

    def _push_object_ex(self) -> None:
        keywords, arguments, made = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.append(_Call(_dotted(made), [*arguments, keywords]))

    def _refuse(self) -> None:
        message = "a bytearray, which no class holds"  # and which takes memory for bytes that are not there
        raise pickle.UnpicklingError(message)

    for _opcode, _handler in (
        (pickle.BYTEARRAY8, _refuse),
        (pickle.EMPTY_DICT, _push_dict),
        (pickle.DICT, _push_marked_dict),
        (pickle.EMPTY_SET, _push_set),
        (pickle.FROZENSET, _push_frozenset),
        (pickle.ADDITEMS, _add_items),
        (pickle.NEWOBJ, _push_object),
        (pickle.NEWOBJ_EX, _push_object_ex),
    ):
        dispatch[_opcode[0]] = _handler


def _dotted(made: Any) -> str:
    return made.dotted if isinstance(made, _Name) else str(getattr(made, "name", "an object"))


# -- the parts -------------------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    name: str
    value: Any
    key: str = ""
    """What it is called where it stands."""


def _parts(data: bytes) -> list[_Part]:
    """Return everything with a name that the bytes hold, in the order in which it is reached."""
    tag, cls = _Reader(io.BytesIO(data)).load()
    waiting: deque[Any] = deque([cls])
    seen: dict[int, Any] = {}
    found = [_Part(PYTHON, _Name(_word(tag)))]
    while waiting:
        value = waiting.popleft()
        if id(value) in seen or isinstance(value, str | bytes | int | float | None):
            continue
        seen[id(value)] = value
        named, more = _inside(value, seen)
        found += named
        waiting += [*(part.value for part in named if part.value is not value), *more]
    return found


def _inside(value: Any, seen: dict[int, Any]) -> tuple[list[_Part], Sequence[Any]]:
    """Return the parts with a name of a value, and what else is in it."""
    if isinstance(value, _Class):
        own = [_Part(f"{value.name}.{name}", each, name) for name, each in value.attributes.items()]
        return [_Part(value.name, value), *own], value.heads
    if isinstance(value, _Function):
        return [_Part(value.name, value), *_defaults(value), *_used(value, seen)], list(value.attributes.values())
    if isinstance(value, _Call):
        return [], [*value.arguments, *value.more]
    if isinstance(value, _Field):
        return [], value.more
    if isinstance(value, _Dict):
        return [], [part for pair in value.items for part in pair]
    return [], list(value) if isinstance(value, list | tuple) else ()


def _code_argument(function: _Function, place: int) -> Any:
    code = function.code
    known = isinstance(code, _Call) and code.function == _CODE and len(code.arguments) > place
    return code.arguments[place] if known else ()


def _defaults(function: _Function) -> Iterator[_Part]:
    count, names = _code_argument(function, _ARGUMENTS), _code_argument(function, _VARIABLES)
    values = function.attributes.get("__defaults__") or ()
    positional = names[:count][-len(values) :] if values else ()
    keywords = function.attributes.get("__kwdefaults__")
    pairs = [*zip(positional, values, strict=True), *(keywords.items if isinstance(keywords, _Dict) else ())]
    yield from (_Part(f"{function.name}({_word(name)}=)", value, _word(name)) for name, value in pairs)


def _used(function: _Function, seen: dict[int, Any]) -> Iterator[_Part]:
    """Yield the enclosing variables and the globals of a function, once for all functions that use them."""
    for name, cell in zip(_code_argument(function, _FREE), function.closure or (), strict=False):
        if id(cell) not in seen:
            seen[id(cell)] = cell
            yield from (_Part(f"{_word(name)} in {function.name}", value, _word(name)) for value in _values(cell))
    if isinstance(function.names, _Holder) and id(function.names) not in seen:
        seen[id(function.names)] = function.names
        yield from (_Part(name, value, name) for name, value in function.names.values.items())


# -- what they are ---------------------------------------------------------------------------------------------------


class _Digests:
    """Hashes of values: of classes and functions in them only the name, as they are parts themselves."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}

    def of(self, value: Any, *, inside: bool = False) -> str:
        if isinstance(value, _Class | _Function) and not inside:
            return f"<{value.name}>"
        if value is None or isinstance(value, str | bytes | int | float):
            return _digest([type(value).__name__, hex(value) if isinstance(value, int) else repr(value)])
        if id(value) not in self._known or inside:
            self._known[id(value)] = value, "…"  # where it holds itself
            words = _digest(word if isinstance(word, str) else self.of(word[0]) for word in _words(value))
            self._known[id(value)] = value, words
        return self._known[id(value)][1]


def _digest(words: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _words(value: Any) -> Iterator[str | tuple[Any]]:
    """Yield what says what a value is: texts, and values in tuples of one."""
    yield type(value).__name__
    if isinstance(value, _Name):
        yield value.dotted
    elif isinstance(value, _Class):  # its attributes are parts themselves
        yield from ((each,) for each in value.heads)
        yield ", ".join(sorted(value.attributes))
    elif isinstance(value, _Function):
        yield from ((value.code,), *((value.attributes.get(name),) for name in ("__doc__", "__annotations__")))
        yield from ((each,) for name, each in value.attributes.items() if not name.startswith("__"))
        for cell in value.closure or ():  # the values in them are parts themselves
            yield from (f"<{each.name}>" for each in _values(cell) if isinstance(each, _Class | _Function))
    elif isinstance(value, _Call):
        yield value.function
        arguments = value.arguments
        if value.function == _CODE:
            arguments = [each for place, each in enumerate(arguments) if place not in _PLACES]
        yield from ((each,) for each in (*arguments, "", *value.more))
    elif isinstance(value, _Field):
        yield from ((each,) for each in value.more)
    elif isinstance(value, _Dict):
        yield from ((each,) for pair in value.items for each in pair)
    elif isinstance(value, list | tuple):
        yield from ((each,) for each in value)


_TYPES = {
    "dill._dill._create_array": "numpy.ndarray",
    "numpy._core.multiarray.scalar": "numpy.generic",
    "rlkit.storage.rebuild.globals_of": "dict",
}


def _type_of(value: Any) -> str:
    if isinstance(value, _Field):
        return _type_of(value.default)
    if isinstance(value, _Call):
        if value.function in ("copyreg._reconstructor", "builtins.getattr") and value.arguments:
            return _dotted(value.arguments[0])
        return _TYPES.get(value.function, value.function.removeprefix("builtins."))
    return "dict" if isinstance(value, _Dict) else type(value).__name__


def _short(part: _Part) -> str:
    """Write the beginning of a value, without anything in it that looks like a secret."""
    text = ""
    for word in _text(part.value, part.key, 0):
        text += word
        if len(text) > _SHOWN:
            return f"{text[: _SHOWN - 1]}…"
    return text


_DEEPEST, _LARGE = 6, 64
"""Levels, and bits of a number."""
_CODE_TEXT = "code"


def _text(value: Any, name: str, depth: int) -> Iterator[str]:
    """Yield the words of a value that is called by a name."""
    if isinstance(value, _Field):
        value = value.default
    if _is_secret(name, value):
        yield _NOT_SHOWN
    elif (alone := _text_alone(value, depth)) is not None:
        yield alone
    elif isinstance(value, _Dict):
        pairs = (((key, ""), (each, _word(key))) for key, each in value.items)
        yield from _listed((part for pair in pairs for part in pair), "{}", depth)
    elif isinstance(value, list | tuple):
        yield from _listed(((each, name) for each in value), "[]" if isinstance(value, list) else "()", depth)
    else:
        parts = [] if value.function in _TYPES else [*value.arguments, *value.more]
        yield _type_of(value)
        yield from _listed(((each, name) for each in parts), "()", depth)


def _text_alone(value: Any, depth: int) -> str | None:
    """Write a value that has no parts, or whose parts are not shown."""
    if isinstance(value, str | bytes):
        return repr(value[: _SHOWN + 1])
    if isinstance(value, int) and value.bit_length() > _LARGE:
        return "a large int"
    if value is None or isinstance(value, float | int):
        return repr(value)
    if isinstance(value, _Function | _Class):
        kind = _CODE_TEXT if isinstance(value, _Function) else "class"
        return f"<{kind} {value.name}>" if depth else kind
    if isinstance(value, _Name):
        return value.dotted
    return "…" if depth >= _DEEPEST or isinstance(value, _Holder) else None


def _listed(parts: Iterable[tuple[Any, str]], brackets: str, depth: int) -> Iterator[str]:
    """Yield the words of several values, each with what it is called."""
    yield brackets[0]
    for index, (value, name) in enumerate(parts):
        if index:
            yield ": " if brackets == "{}" and index % 2 else ", "
        yield from _text(value, name, depth + 1)
    yield brackets[1]


# -- constants and secrets -------------------------------------------------------------------------------------------

_NOT_SHOWN = "(not shown)"
_NO_CONSTANTS = ("importlib.", "functools.", "_collections.", "builtins.getattr", "builtins.tuple")
_MOST_WORDS = 10_000
_SECRET_NAME = re.compile(
    r"(^|_)(token|password|passwd|passphrase|pwd|secret|credentials?|api_?key|access_?key|private_?key|auth)(_|$)"
)
_KEY_NAME = re.compile(r"(^|_)keys?(_|$)")
_SECRET_TEXT = re.compile(
    r"gh[pousr]_\w{20}|github_pat_\w{20}|glpat-[\w-]{16}|\bsk-[\w-]{16}|\b(AKIA|ASIA)[0-9A-Z]{16}|\bhf_\w{16}"
    r"|\bxox[abeoprs]-[\w-]{10}|\bAIza[\w-]{30}|\bnpm_\w{30}|\bpypi-[\w-]{30}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.|\w://[^\s/:@]+:[^\s/@]+@"
)
_LONG_KEY = 16


def _is_secret(name: str, value: Any) -> bool:
    """Whether a text, or the name of one, looks like a password's or an access token's."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str) or not value:
        return False
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if _SECRET_NAME.search(words) or _SECRET_TEXT.search(value):
        return True
    return bool(_KEY_NAME.search(words)) and len(value) >= _LONG_KEY and not re.search(r"\s", value)


def _constants(part: _Part) -> Iterator[Constant]:
    """Yield what of a part is a constant."""
    if isinstance(part.value, _Function):
        if any(_is_secret("", text) for text in _texts(part.value.code)):
            yield Constant(f"a text in {part.name}", "str", _NOT_SHOWN, is_secret=True)
    elif _is_constant(part.value) and not (part.key.startswith("__") and part.key.endswith("__")):
        words = itertools.islice(_text(part.value, part.key, 0), _MOST_WORDS)
        secret = any(word is _NOT_SHOWN for word in words)
        yield Constant(part.name, _type_of(part.value), _short(part), secret)


def _is_constant(value: Any) -> bool:
    """Whether a value is more than a class, a module or a method, however that is wrapped."""
    waiting, seen = [value], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, _Field):
            part = part.default
        if isinstance(part, _Call):
            if id(part) not in seen and not part.function.startswith(_NO_CONSTANTS):
                waiting += [*part.arguments, *part.more]
            seen.add(id(part))
        elif not (part is None or isinstance(part, _Class | _Function | _Name | _Holder)):
            return True
    return False


def _texts(code: Any) -> Iterator[str | bytes]:
    """Yield the texts that stand in the code of a function, and of those in it."""
    waiting, seen = [code], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, str | bytes):
            yield part
        elif isinstance(part, tuple | _Call) and id(part) not in seen:
            seen.add(id(part))
            is_code = isinstance(part, _Call) and part.function == _CODE and len(part.arguments) > _CONSTANTS
            waiting += part if isinstance(part, tuple) else [part.arguments[_CONSTANTS]] if is_code else []
