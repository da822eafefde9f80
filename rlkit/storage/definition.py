"""What a class was made of: what another process needs to make it again."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import pickle
import types
from collections.abc import Callable
from typing import Any

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rlkit.storage import rebuild

Definition = tuple[Callable[..., type], tuple[Any, ...], dict[str, Any]]
"""What makes a class, its arguments after metaclass, name and bases, and attributes that are set afterwards."""

_METHODS = (types.FunctionType, classmethod, staticmethod, property)
_LEFT_OUT = {
    "__dict__",
    "__weakref__",
    "_abc_impl",  # caches
    "__static_attributes__",  # in an order that differs between processes
    "__annotations_cache__",
}
_BEFORE = {"__slots__", "__orig_bases__", "__type_params__"}
"""Attributes without which a class cannot be made."""


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return type(value) is tuple and all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str, bytes)


def definition(cls: type) -> Definition:
    """Return what a class was made of.

    Args:
        cls: The class; pydantic's classes and enumerations are understood too.

    Returns:
        A function of ``rebuild`` and its arguments, which hold nothing that may refer to the class itself, and the
        attributes that may.

    Raises:
        pickle.PicklingError: It cannot be made again.
    """
    if isinstance(cls, enum.EnumMeta):
        return _enum_definition(cls)
    if isinstance(cls, type(pydantic.BaseModel)):
        return _pydantic_definition(cls)
    attributes: dict[str, Any] = {"__qualname__": cls.__qualname__}
    later: dict[str, Any] = {}
    for name, value in vars(cls).items():
        if name in _LEFT_OUT or isinstance(value, types.MemberDescriptorType):
            continue
        if name not in _BEFORE and not isinstance(value, _METHODS) and not _is_plain(value):
            later[name], value = value, None  # noqa: PLW2901 - in its place among the others
        attributes[name] = value
    return rebuild.bare_class, (attributes,), later


def _enum_definition(cls: enum.EnumMeta) -> Definition:
    if "__new_member__" in vars(cls):
        message = f"the enumeration {cls.__qualname__} has a __new__ of its own"
        raise pickle.PicklingError(message)
    members: dict[str, enum.Enum] = vars(cls)["_member_map_"]
    attributes: dict[str, Any] = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    later: dict[str, Any] = {}
    for name, value in vars(cls).items():
        if isinstance(value, _METHODS):
            if getattr(value, "__module__", None) != "enum":
                attributes[name] = value
        elif name not in members and not (name.startswith("_") and name.endswith("_")):  # those are enum's own
            later[name] = value
    values = {name: member.value for name, member in members.items()}
    states = {name: _own_state(member) for name, member in members.items() if _own_state(member)}
    return rebuild.enum_class, (attributes, values, getattr(cls, "_boundary_", None), states), later


def _own_state(member: enum.Enum) -> dict[str, Any]:
    return {name: value for name, value in vars(member).items() if not (name.startswith("_") and name.endswith("_"))}


_MADE_BY_PYDANTIC = ("model_fields", "model_computed_fields")  # in versions before 2.10; others begin with _
_DECORATORS = ("field_validator", "model_validator", "field_serializer", "model_serializer", "computed_field")


def _pydantic_definition(cls: type[pydantic.BaseModel]) -> Definition:
    """Return what a class of pydantic was made of, without all that pydantic made of it."""
    own = inspect.get_annotations(cls)
    if cls.model_rebuild(raise_errors=False) is False:
        message = f"a field of {cls.__qualname__} has a type that is not defined"
        raise pickle.PicklingError(message)
    inherited = {id(each) for base in cls.__bases__ for each in getattr(base, "__private_attributes__", {}).values()}
    parts: dict[str, Any] = {
        "fields": {name: _field(field) for name, field in cls.model_fields.items() if name in own},
        "private": {
            name: {"default": each.default, "default_factory": each.default_factory}
            for name, each in cls.__private_attributes__.items()
            if id(each) not in inherited
        },
        "decorators": _decorators(cls),
        "class_variables": [name for name in own if name in cls.__class_vars__],
    }
    attributes: dict[str, Any] = {"__qualname__": cls.__qualname__, "model_config": dict(cls.model_config)}
    later: dict[str, Any] = {}
    made = {*attributes, *parts["fields"], *parts["private"], *_MADE_BY_PYDANTIC}
    for name, value in vars(cls).items():
        if name in made:
            continue
        if isinstance(value, _METHODS):
            method = _without_pydantic(value)
            if method is not None and method not in [_without_pydantic(getattr(b, name, None)) for b in cls.__bases__]:
                attributes[name] = method
        elif name in ("__module__", "__doc__", "__orig_bases__"):
            attributes[name] = value
        # Pydantic makes names that begin with _ private: any other was hung on the finished class, as a cache is.
        elif name in parts["class_variables"] or not name.startswith("_"):
            later[name] = value
    return rebuild.pydantic_class, (attributes, parts), later


def _without_pydantic(method: Any) -> Any:
    """Return what pydantic wrapped into a method of its own; None where it made all of it."""
    while method is not None and getattr(method, "__globals__", {}).get("__name__", "").startswith("pydantic."):
        method = getattr(method, "__wrapped__", None)
    return method


def _field(field: FieldInfo) -> tuple[Any, list[Any], dict[str, Any]]:
    """Return a field's type, the rest of ``Annotated``, and the arguments of ``Field``."""
    blank = pydantic.Field()
    names = [name for name in inspect.signature(pydantic.Field).parameters if hasattr(blank, name)]
    settings = {name: getattr(field, name) for name in names if getattr(field, name) is not getattr(blank, name)}
    return field.annotation, list(field.metadata), settings


def _decorators(cls: type[pydantic.BaseModel]) -> dict[str, tuple[str, list[str], dict[str, Any]]]:
    """Return, of each method that pydantic calls, the name of its decorator, the fields, and the other arguments."""
    known = cls.__pydantic_decorators__
    if any(name in vars(cls) for name in [*known.validators, *known.root_validators]):
        message = f"{cls.__qualname__} has a validator in the style of pydantic 1"
        raise pickle.PicklingError(message)
    return {
        name: (kind, *_decorator_arguments(decorator.info))
        for kind in _DECORATORS
        for name, decorator in getattr(known, f"{kind}s").items()
        if name in vars(cls)
    }


def _decorator_arguments(info: Any) -> tuple[list[str], dict[str, Any]]:
    values = {each.name: getattr(info, each.name) for each in dataclasses.fields(info)}
    fields = values.pop("fields", ())
    values.pop("wrapped_property", None)
    return list(fields), {name: value for name, value in values.items() if value not in (None, PydanticUndefined)}
