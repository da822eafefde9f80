"""A model class to bytes and back, where no other process could import it."""

from __future__ import annotations

import dis
import functools
import io
import pickle
import pickletools
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import dill

from rlkit.errors import CorruptArtifactError, ModelDefinitionError
from rlkit.storage import opcodes, parts, rebuild
from rlkit.storage.by_value import Pickler, can_be_imported


def encode_class(cls: type) -> bytes | None:
    """Turn a class that lives in a notebook or a script into bytes that a process without its source can open.

    What it uses goes along, and nothing else: its bases, helper functions, constants and configs of the notebook by
    value, everything that can be imported by name. Equal code gives equal bytes in any process of this Python.

    Args:
        cls: The class.

    Returns:
        A pickle as dill writes it; None where the class can be imported by its name.

    Raises:
        ModelDefinitionError: Something that it uses cannot be kept; the message says which.
    """
    if can_be_imported(cls):
        return None
    buffer = io.BytesIO()
    pickler = Pickler(buffer)
    try:
        data = _dumped(cls, pickler, buffer)
        pickler.at = _differing(data)
        if pickler.at:
            message = "it is another one after being written and read"
            raise pickle.PicklingError(message)  # noqa: TRY301 - refused as what cannot be written at all
    except Exception as error:  # objects fail in any way when they are pickled
        raise _refusal(cls, pickler.at, error) from error
    return data


def _dumped(cls: type, pickler: Pickler, buffer: io.BytesIO) -> bytes:
    with warnings.catch_warnings(action="ignore"):
        pickler.dump((sys.implementation.cache_tag, cls))
    return buffer.getvalue()


@functools.lru_cache(maxsize=64)
def _differing(data: bytes) -> str:
    """Return the part of a class that is not what it was when the class is opened; empty where all is.

    What cannot be opened here will not be tomorrow, and fails.
    """
    buffer = io.BytesIO()
    again = _dumped(decode_class(data), Pickler(buffer), buffer)
    # Which of two equal values are one object may differ, and makes other bytes.
    return "" if again == data else next((each.name for each in parts.changes(data, again)), "")


def _refusal(cls: type, at: str, error: Exception) -> ModelDefinitionError:
    known = isinstance(error, CorruptArtifactError | pickle.PicklingError)
    reason = (str(error).partition("\n")[0] if known else f"{type(error).__name__}: {error}").rstrip(".")
    because = f" because of {at}" if at else ""
    return ModelDefinitionError(
        f"{cls.__name__} cannot be kept with its models{because}: {reason}.",
        "Make such a thing inside the method that needs it, or define the class in a module that can be imported.",
    )


def decode_class(data: bytes) -> type:
    """Turn bytes into the class again. This runs code: the caller has made sure that it is trusted.

    Args:
        data: What ``encode_class`` returned.

    Returns:
        A class; what it is a class of is for the caller to check.

    Raises:
        CorruptArtifactError: The bytes are no class, another Python wrote them, or what they import is not here.
    """
    _check_python(data)
    try:
        with warnings.catch_warnings(action="ignore"):  # of what the class's own author saw when defining it
            _, found = dill.loads(data)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise CorruptArtifactError(
            f"This class needs the module {error.name}, which is not here.",
            f"Install it: pip install {package} (a file of your own: put {package}.py where Python finds it).",
        ) from error
    except Exception as error:  # its code may fail in any way
        problem = f"This class cannot be opened: {type(error).__name__}: {str(error).rstrip('.')}."
        raise CorruptArtifactError(problem, "Use the versions of packages that it was kept with.") from error
    if not isinstance(found, type):
        problem = f"These bytes hold a {type(found).__name__}, not a class."
        raise CorruptArtifactError(problem, "Restore the file from a backup.")
    return found


def _check_python(data: bytes) -> None:
    """Refuse the bytecode of another Python, which would crash this one."""
    tag = None
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name not in ("PROTO", "FRAME"):
                tag = argument if opcode.name == "SHORT_BINUNICODE" else None
                break
    except ValueError:
        pass
    if tag is None:
        raise CorruptArtifactError("These bytes hold no class.", "Restore the file from a backup.")
    here = sys.implementation.cache_tag
    if tag != here:
        problem = f"This class was kept by {tag}, and this is {here}: they do not understand each other's code."
        raise CorruptArtifactError(problem, "Define the class here again, or use the Python it was kept with.")


def imports_of(data: bytes) -> list[str]:
    """List what the bytes of a class reach for when they are opened or used, without opening them.

    Args:
        data: Bytes from any source.

    Returns:
        Modules that they import, those of import statements inside functions too; then the classes, functions and
        constants that they import by name. Code can reach further in ways that nothing short of running it shows.

    Raises:
        CorruptArtifactError: The bytes are no pickle.
    """
    names, _ = opcodes.scan(data)
    modules: dict[str, None] = {}
    for called, arguments in opcodes.calls(data):
        if called == "importlib.import_module":
            modules.update(dict.fromkeys(name for name in arguments[:1] if isinstance(name, str)))
        elif called == _CREATE_CODE:
            modules.update(dict.fromkeys(_import_statements(arguments)))
    shown = [name for name in names if name not in _BUILDERS and not name.startswith(f"{rebuild.__name__}.")]
    return [*modules, *(name for name in shown if name not in modules)]


_CREATE_CODE = "dill._dill._create_code"
_BUILDERS = {_CREATE_CODE, "dill._dill._load_type"}
"""What builds any class, together with ``rebuild``, and imports nothing by itself."""

_CODE, _NAMES = 7, 9
"""Where the instructions of a function, and the names that they use, stand among the arguments of _CREATE_CODE."""


def _import_statements(arguments: tuple[Any, ...]) -> Iterator[str]:
    """Yield the modules that a function imports, from what its code is made of."""
    if len(arguments) <= _NAMES or not isinstance(arguments[_CODE], bytes) or not isinstance(arguments[_NAMES], tuple):
        return
    code, names, high = arguments[_CODE], arguments[_NAMES], 0
    for operation, low in zip(code[::2], code[1::2], strict=False):
        index = high | low
        high = index << 8 if operation == dis.EXTENDED_ARG else 0
        if operation == dis.opmap["IMPORT_NAME"] and index < len(names) and isinstance(names[index], str):
            yield names[index]
