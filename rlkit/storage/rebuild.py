"""What the bytes of a class call when they are opened.

The names of these functions and the order of their arguments stand in files: they stay, and what must change gets a
function beside them.
"""

from __future__ import annotations

import abc
import enum
import types
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import pydantic


def namespace(name: str) -> dict[str, Any]:
    """Return globals for functions of one module, without anything in them yet."""
    return {"__name__": name}


def globals_of(module: types.ModuleType) -> dict[str, Any]:
    """Return the globals of a module."""
    return vars(module)


def cell() -> types.CellType:
    """Return a variable of an enclosing function, without a value yet."""
    return types.CellType()


def set_cell(variable: types.CellType, value: object) -> None:
    """Give a variable of an enclosing function its value."""
    variable.cell_contents = value


def function(
    code: types.CodeType,
    global_names: dict[str, Any],
    closure: tuple[types.CellType, ...] | None,
    attributes: Mapping[str, Any],
) -> types.FunctionType:
    """Return a function, whose globals and closure may get their values later."""
    made = types.FunctionType(code, global_names, closure=closure)
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


def set_function_attribute(made: types.FunctionType, name: str, value: object) -> None:
    """Give a function an attribute that its author hung on it."""
    setattr(made, name, value)


class _Stop(Exception):  # noqa: N818 - no error
    """A class is made, and its bases have not been told."""


class _First:
    """The first attribute of a class, which stops the making of it before anything of its own or its bases' runs.

    Python completes a class, calls ``__set_name__`` of its attributes, and last ``__init_subclass__`` of its bases.
    """

    made: type | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        type.__delattr__(owner, name)
        self.made = owner
        raise _Stop


def metaclass_of(bases: tuple[type, ...]) -> type[type]:
    """Return the class of a class with these bases: the most derived of theirs."""
    return max(map(type, bases), key=lambda metaclass: len(metaclass.__mro__))


def bare_class(metaclass: type[type] | None, name: str, bases: tuple[type, ...], attributes: Mapping[str, Any]) -> type:
    """Return a class with these attributes and no others, as no code of its metaclass or its bases runs.

    A metaclass of None is that of the bases.

    What that code did when the class was defined, it did to the attributes: doing it again would do it twice, without
    the keywords of the class, and enter the class where others find it.
    """
    first = _First()
    try:
        type.__new__(metaclass or metaclass_of(bases), name, bases, {" first": first, **attributes})
    except Exception:  # Python 3.11 raises a RuntimeError from _Stop
        if first.made is None:
            raise
    cls = first.made
    if isinstance(cls, abc.ABCMeta):
        abc._abc_init(cls)  # type: ignore[attr-defined] # noqa: SLF001 - all else that ABCMeta does
    return cls  # type: ignore[return-value] # made, or it has raised


def add_virtual_subclass(cls: abc.ABCMeta, subclass: type) -> None:
    """Let an abstract class take another one for its subclass."""
    abc.ABCMeta.register(cls, subclass)


def type_variable(
    kind: Callable[..., Any], name: str, module: str, constraints: tuple[Any, ...], settings: Mapping[str, Any]
) -> Any:
    """Return a variable of ``typing``."""
    made = kind(name, *constraints, **settings)
    made.__module__ = module
    return made


def new_class(
    metaclass: Callable[..., type] | None, name: str, bases: tuple[type, ...], attributes: dict[str, Any]
) -> type:
    """Return a class with those attributes that do not refer to it; a metaclass of None is that of the bases.

    Files of format 2 call it: ``bare_class`` took its place.
    """
    return (metaclass or type)(name, bases, attributes)


def enum_class(  # noqa: PLR0917 - as files call it
    metaclass: type | None,
    name: str,
    bases: tuple[type, ...],
    attributes: Mapping[str, Any],
    values: Mapping[str, Any],
    boundary: enum.FlagBoundary | None = None,
    states: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> type:
    """Return an enumeration.

    Args:
        metaclass: Its class; that of the bases where None.
        name: Its name.
        bases: Its bases.
        attributes: Its methods.
        values: The values of its members, aliases among them.
        boundary: What an enumeration of flags does with a value that it has no flag for.
        states: Further attributes of members, by name.
    """

    def fill(names: dict[str, Any]) -> None:
        for each, value in {**attributes, **values}.items():
            names.__setitem__(each, value)  # one by one: the dict of an enumeration takes note of members

    keywords: dict[str, Any] = {"metaclass": metaclass} if metaclass else {}
    if boundary is not None:
        keywords["boundary"] = boundary
    made = types.new_class(name, bases, keywords, fill)
    for each, state in states.items():
        vars(getattr(made, each)).update(state)
    return made


def pydantic_class(
    metaclass: Callable[..., type] | None,
    name: str,
    bases: tuple[type, ...],
    attributes: dict[str, Any],
    parts: Mapping[str, Any],
) -> type:
    """Return a class of pydantic, which makes its validators anew.

    Args:
        metaclass: Its class; that of the bases where None.
        name: Its name.
        bases: Its bases.
        attributes: Methods and the config.
        parts: ``"fields"``: of each, its type, the rest of ``Annotated``, and the arguments of ``Field``;
            ``"private"``: of each private attribute, the arguments of ``PrivateAttr``; ``"decorators"``: of each
            decorated method, pydantic's name of the decorator, the fields, and the other arguments;
            ``"class_variables"``: names.
    """
    annotations: dict[str, Any] = dict.fromkeys(parts["class_variables"], ClassVar)
    for field, (kind, metadata, settings) in parts["fields"].items():
        annotations[field] = Annotated[kind, *metadata] if metadata else kind
        attributes[field] = pydantic.Field(**settings)
    for attribute, settings in parts["private"].items():
        attributes[attribute] = pydantic.PrivateAttr(**settings)
    for method, (decorator, fields, settings) in parts["decorators"].items():
        attributes[method] = getattr(pydantic, decorator)(*fields, **settings)(attributes[method])
    return (metaclass or type)(name, bases, {**attributes, "__annotations__": annotations})


def set_attribute(cls: type, name: str, value: object) -> None:
    """Give a class an attribute that may refer to the class itself."""
    type.__setattr__(cls, name, value)


def set_global(global_names: dict[str, Any], name: str, value: object) -> None:
    """Give functions a global."""
    global_names[name] = value
