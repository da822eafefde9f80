"""What the bytes of a class call when they are opened.

The names of these functions and the order of their arguments stand in files: they stay, and what must change gets a
function beside them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
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


def new_class(
    metaclass: Callable[..., type] | None, name: str, bases: tuple[type, ...], attributes: dict[str, Any]
) -> type:
    """Return a class with those attributes that do not refer to it; a metaclass of None is that of the bases."""
    return (metaclass or type)(name, bases, attributes)


def enum_class(
    metaclass: type | None,
    name: str,
    bases: tuple[type, ...],
    attributes: Mapping[str, Any],
    values: Mapping[str, Any],
) -> type:
    """Return an enumeration of the values; a metaclass of None is that of the bases."""

    def fill(names: dict[str, Any]) -> None:
        for each, value in {**attributes, **values}.items():
            names.__setitem__(each, value)  # one by one: the dict of an enumeration takes note of members

    return types.new_class(name, bases, {"metaclass": metaclass} if metaclass else {}, fill)


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
