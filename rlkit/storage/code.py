"""A model class to bytes and back, where no other process could import it."""

from __future__ import annotations

import builtins
import dis
import functools
import io
import pickle
import sys
import types
import warnings
from collections.abc import Iterator
from dataclasses import replace
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
    _check_python(checked_contents(data))
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


def _check_python(found: opcodes.Contents) -> None:
    """Refuse the bytecode of another Python, which would crash this one."""
    tag = found.result.parts[0] if isinstance(found.result, opcodes.Built) and found.result.parts else None
    if not isinstance(tag, str):
        raise CorruptArtifactError("These bytes hold no class.", "Restore the file from a backup.")
    here = sys.implementation.cache_tag
    if tag != here:
        problem = f"This class was kept by {tag:.80}, and this is {here}: they do not understand each other's code."
        raise CorruptArtifactError(problem, "Define the class here again, or use the Python it was kept with.")


def checked_contents(data: bytes) -> opcodes.Contents:
    """Tell what is in the bytes of a class as :func:`contents` does, where that is all of it.

    Raises:
        CorruptArtifactError: The bytes are no pickle, or have what ``encode_class`` never writes and what may hide
            what they would run.
    """
    found = contents(data)
    if found.strange:
        problem = (
            f"These bytes hold no class: {', '.join(found.strange)} stand in them, which rlkit never writes. "
            f"They reach for {opcodes.shown(found.reached)}."
        )
        raise CorruptArtifactError(problem, "They may hide more: do not use this file. trust=True does not open it.")
    return found


def contents(data: bytes) -> opcodes.Contents:
    """Tell what is in the bytes of a class, without opening them.

    Args:
        data: Bytes from any source.

    Returns:
        What is in them. ``reached`` is what they import when they are opened or used: modules, those of import
        statements inside functions too; then classes, functions and constants by name. Code can reach further in ways
        that nothing short of running it shows. ``strange`` is also what would hide a part of that.

    Raises:
        CorruptArtifactError: The bytes are no pickle.
    """
    found = opcodes.read(data, opcodes.BY_VALUE)
    modules: dict[str, None] = {}
    names = {str(name): None for name in found.reached if name not in _BUILDERS}
    hidden: dict[str, None] = {}
    scanned = 0
    for called, arguments in found.calls:
        if called == _CREATE_CODE:
            instructions, used = _instructions(arguments)
            scanned += len(instructions or b"")
            if instructions is None or scanned > max(_REPEATED * len(data), _ALWAYS):
                hidden["code that is not written in it"] = None
                break
            modules.update(dict.fromkeys(_import_statements(instructions, used)))
        elif called in (_IMPORT_MODULE, _LOAD_TYPE):
            word = arguments[0] if len(arguments) == 1 else None
            if not opcodes.is_dotted_name(word):
                hidden[f"a call of {called} with what is not written in it"] = None
            elif called == _IMPORT_MODULE:
                modules[word] = None
            elif not hasattr(builtins, word):
                names[f"{called}({word!r})"] = None
    reached = (*modules, *(name for name in names if name not in modules))
    return replace(found, reached=reached, strange=(*found.strange, *hidden))


_IMPORT_MODULE = opcodes.Name("importlib", "import_module")
_CREATE_CODE = opcodes.Name("dill._dill", "_create_code")
_LOAD_TYPE = opcodes.Name("dill._dill", "_load_type")
_BUILDERS = {_CREATE_CODE, _LOAD_TYPE} | {
    opcodes.Name(rebuild.__name__, name)
    for name, value in vars(rebuild).items()
    if isinstance(value, types.FunctionType) and value.__module__ == rebuild.__name__
}
"""What builds any class, and imports nothing by itself: by exact names, as attributes of ``rebuild`` lead anywhere."""

_CODE, _NAMES = 7, 9
"""Where the instructions of a function, and the names that they use, stand among the arguments of _CREATE_CODE, the
first of which is its line table."""
_REPEATED, _ALWAYS = 4, 1_000_000
"""How long the instructions of all functions may be together, which share what is equal in them: so many times the
bytes of the class, or so many bytes."""


def _instructions(arguments: list[Any]) -> tuple[bytes | None, list[Any]]:
    """Return the instructions of a function and the names that they use; None where they are made by other calls."""
    if len(arguments) > _NAMES and type(arguments[0]) is type(arguments[_CODE]) is bytes:
        names = arguments[_NAMES]
        if isinstance(names, opcodes.Built) and names.parts is not None:
            return arguments[_CODE], names.parts
    return None, []


def _import_statements(code: bytes, names: list[Any]) -> Iterator[str]:
    """Yield the modules that a function imports, from what its code is made of."""
    high = 0
    for operation, low in zip(code[::2], code[1::2], strict=False):
        index = high | low
        high = index << 8 if operation == dis.EXTENDED_ARG else 0
        if operation == dis.opmap["IMPORT_NAME"] and index < len(names) and isinstance(names[index], str):
            yield names[index][: opcodes.LONGEST_NAME]
