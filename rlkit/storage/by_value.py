"""How a class is written as what it is made of, in dill's format.

dill writes the values. Classes, functions and modules are written here: dill itself takes along every global that has
the name of any attribute (of a method that says ``self.batch``, the notebook's ``batch``), fails where classes refer
to each other through a third thing, and loses the fields of pydantic's classes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import dis
import enum
import importlib
import inspect
import pickle
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import dill
import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rlkit.storage import rebuild

_PROTOCOL = 4
_MAIN = ("__main__", "__mp_main__")
"""What the module of a script or a notebook is called, which in another process is another module."""

_FILE = "<saved class>"
"""Stands for the source file: that of a notebook's cell has a process id in its name, and is nowhere else."""

_Definition = tuple[Callable[..., type], tuple[Any, ...], dict[str, Any]]
"""What makes a class, its arguments after metaclass, name and bases, and attributes that are set afterwards."""


def can_be_imported(obj: Any) -> bool:
    """Whether another process can get a class or a function by the name of its module and its own."""
    module = sys.modules.get(str(getattr(obj, "__module__", None)))
    if module is None or module.__name__ in _MAIN or getattr(module, "__spec__", None) is None:
        return False
    found: object = module
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is obj


class Pickler(dill.Pickler):  # type: ignore[misc] # dill has no types
    """dill's pickler, with ways of its own for classes, functions and modules.

    Anything may refer to anything, as it does in a notebook: so functions and classes are made first, and what is not
    needed to make one waits until no other is being made.

    Attributes:
        at: What is being written, in words.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, protocol=_PROTOCOL, byref=False, recurse=True)
        self.at = ""
        self._equal: dict[tuple[type, object], object] = {}
        self._namespaces: dict[int, _Namespace] = {}
        self._variables: dict[int, str] = {}
        self._waiting: deque[tuple[str, Callable[..., object], tuple[object, ...]]] = deque()
        self._making = 0

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:  # noqa: FBT001, FBT002 - dill's signature
        """Write any object."""
        kind = type(obj)
        if kind in (str, bytes):  # which of the equal ones are one object depends on what ran before
            obj = self._equal.setdefault((kind, obj), obj)
        save = None if id(obj) in self.memo else _saver(obj)
        if save is None:
            super().save(obj, save_persistent_id)
        else:
            save(self, obj)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write an object as something to import."""
        name = name or getattr(obj, "__qualname__", None) or str(obj.__name__)
        module = pickle.whichmodule(obj, name)  # type: ignore[attr-defined] # it has no stub
        if module in _MAIN:
            message = f"{name} would be imported from {module}, which is another module elsewhere"
            raise pickle.PicklingError(message)
        super().save_global(obj, name)

    def _make(self, obj: object, builder: Callable[..., object], *arguments: object) -> None:
        self._making += 1
        self.save_reduce(builder, arguments, obj=obj)
        self._making -= 1

    def _wait(self, at: str, call: Callable[..., object], *arguments: object) -> None:
        self._waiting.append((at, call, arguments))

    def _complete(self) -> None:
        while self._waiting and not self._making:
            outer, (self.at, call, arguments) = self.at, self._waiting.popleft()
            self.save_reduce(call, arguments)
            self.write(pickle.POP)
            self.at = outer  # not where the call above raises: then it says what could not be written

    def save_class(self, cls: type) -> None:
        """Write a class: how to import it, or what it is made of."""
        if can_be_imported(cls):
            self.save_global(cls, cls.__qualname__)
            return
        for base in (type(cls), *cls.__bases__):  # whole before the class is made, when they may run code
            if not can_be_imported(base):
                self.save(base)
                self.write(pickle.POP)
        builder, arguments, later = _definition(cls)
        self._make(cls, builder, type(cls), cls.__name__, cls.__bases__, *arguments)
        for name, value in later.items():
            self._wait(f"{cls.__qualname__}.{name}", rebuild.set_attribute, cls, name, value)
        self._complete()

    def save_function(self, function: types.FunctionType) -> None:
        """Write a function: how to import it, or what it is made of."""
        if can_be_imported(function):
            self.save_global(function, function.__qualname__)
            return
        code, uses = function.__code__, f"which {function.__qualname__} uses"
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self._variables.setdefault(id(cell), f"{name!r}, {uses}")
        names = self._globals(function)
        self._make(function, rebuild.function, code, names, function.__closure__, _function_attributes(function))
        for name, value in vars(function).items():
            self._wait(f"{function.__qualname__}.{name}", setattr, function, name, value)
        if isinstance(names, _Namespace):
            for name in names.missing(code):
                self._wait(f"{name!r}, {uses}", rebuild.set_global, names, name, names.values[name])
            for module in names.submodules(code):
                self._wait(module, importlib.import_module, module)
        self._complete()

    def _globals(self, function: types.FunctionType) -> dict[str, Any] | _Namespace:
        """Return the globals of a module that can be imported as they are, and a stand-in for any others."""
        values = function.__globals__
        name = str(values.get("__name__"))
        if name not in _MAIN and name in sys.modules and vars(sys.modules[name]) is values:
            return values
        return self._namespaces.setdefault(id(values), _Namespace(name, values))

    def save_namespace(self, names: _Namespace) -> None:
        """Write the globals of functions, which get their values later."""
        self.save_reduce(rebuild.namespace, (names.name,), obj=names)

    def save_cell(self, cell: types.CellType) -> None:
        """Write a variable of an enclosing function."""
        self._make(cell, rebuild.cell)
        with contextlib.suppress(ValueError):  # it has no value yet
            self._wait(self._variables.get(id(cell), self.at), rebuild.set_cell, cell, cell.cell_contents)
        self._complete()

    def save_code(self, code: types.CodeType) -> None:
        """Write the code of a function without the name of its file."""
        dill.Pickler.dispatch[types.CodeType](self, code.replace(co_filename=_FILE))

    def save_module(self, module: types.ModuleType) -> None:
        """Write how to import a module."""
        name = module.__name__
        if name in _MAIN or sys.modules.get(name) is not module:
            message = f"the module {name} cannot be imported elsewhere"
            raise pickle.PicklingError(message)
        self.save_reduce(importlib.import_module, (name,), obj=module)

    def save_dict(self, values: dict[Any, Any]) -> None:
        """Write a dict, or a module's whole namespace as how to import that."""
        name = values.get("__name__")
        module = sys.modules.get(name) if isinstance(name, str) else None
        if module is not None and vars(module) is values:
            self.save_reduce(vars, (module,), obj=values)
        else:
            pickle._Pickler.save_dict(self, values)  # type: ignore[attr-defined] # noqa: SLF001 - the class dill extends

    def save_set(self, values: set[Any] | frozenset[Any]) -> None:
        """Write a set in an order that does not depend on hashes, which differ between processes."""
        ordered = sorted(values, key=lambda value: (type(value).__name__, repr(value)))
        self.save_reduce(type(values), (ordered,), obj=values)


class _Namespace:
    """Stands for the globals of a module that cannot be imported, of which only what is used is written.

    Attributes:
        name: Name of the module.
        values: All globals.
    """

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        self.name = name
        self.values = values
        self._written = {"__name__", "__builtins__"}

    def missing(self, code: types.CodeType) -> list[str]:
        """Return the globals that code uses and that were not returned before."""
        names = [name for name in dict.fromkeys(_globals_used(code)) if name in self.values]
        new = [name for name in names if name not in self._written]
        self._written.update(new)
        return new

    def submodules(self, code: types.CodeType) -> list[str]:
        """Return modules that code reaches through a package which does not import them by itself.

        After ``import xml.etree.ElementTree`` a notebook has the global ``xml`` alone, and importing that does not do.
        """
        words = set(_words(code))
        found = []
        for used in dict.fromkeys(_globals_used(code)):
            package = self.values.get(used)
            # A package with a __getattr__ imports its modules when they are asked for.
            if (
                isinstance(package, types.ModuleType)
                and hasattr(package, "__path__")
                and "__getattr__" not in vars(package)
            ):
                start = f"{package.__name__}."
                names = sorted(name for name in list(sys.modules) if name.startswith(start))
                found += [name for name in names if words.issuperset(name.removeprefix(start).split("."))]
        return found


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _globals_used(code: types.CodeType) -> Iterator[str]:
    for each in _nested(code):
        for instruction in dis.get_instructions(each):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                yield instruction.argval


def _words(code: types.CodeType) -> Iterator[str]:
    for each in _nested(code):
        yield from each.co_names


def _function_attributes(function: types.FunctionType) -> dict[str, Any]:
    names = ["__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__"]
    # From Python 3.14 annotations are a function, which may name what is not there yet.
    names.append("__annotate__" if hasattr(function, "__annotate__") else "__annotations__")
    return {name: getattr(function, name) for name in names}


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


def _definition(cls: type) -> _Definition:
    if isinstance(cls, enum.EnumMeta):
        return _enum_definition(cls)
    if isinstance(cls, type(pydantic.BaseModel)):
        return _pydantic_definition(cls)
    attributes: dict[str, Any] = {"__qualname__": cls.__qualname__}
    later: dict[str, Any] = {}
    for name, value in vars(cls).items():
        if name in _LEFT_OUT or isinstance(value, types.MemberDescriptorType):
            continue
        (attributes if name in _BEFORE or isinstance(value, _METHODS) or _is_plain(value) else later)[name] = value
    return rebuild.new_class, (attributes,), later


def _enum_definition(cls: enum.EnumMeta) -> _Definition:
    if "__new_member__" in vars(cls):
        message = f"the enumeration {cls.__qualname__} has a __new__ of its own"
        raise pickle.PicklingError(message)
    said = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    methods = {name: value for name, value in vars(cls).items() if isinstance(value, _METHODS)}
    own = {name: value for name, value in methods.items() if getattr(value, "__module__", None) != "enum"}
    values: dict[str, Any] = {name: member.value for name, member in vars(cls)["_member_map_"].items()}
    return rebuild.enum_class, ({**said, **own}, values), {}


_DECORATORS = ("field_validator", "model_validator", "field_serializer", "model_serializer", "computed_field")


def _pydantic_definition(cls: type[pydantic.BaseModel]) -> _Definition:
    """Return what a class of pydantic was made of, without all that pydantic made of it."""
    own = inspect.get_annotations(cls)
    if not cls.__pydantic_fields_complete__:
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
    for name, value in vars(cls).items():
        if name in attributes or name in parts["fields"] or name in parts["private"]:
            continue
        if isinstance(value, _METHODS):
            method = _without_pydantic(value)
            attributes.update({} if method is None else {name: method})
        elif name in ("__module__", "__doc__"):
            attributes[name] = value
        # Pydantic makes names that begin with _ private: any other was hung on the finished class, as a cache is.
        elif name in parts["class_variables"] or not name.startswith("_"):
            later[name] = value
    return rebuild.pydantic_class, (attributes, parts), later


def _without_pydantic(method: Any) -> Any:
    """Return what pydantic wrapped into a method of its own; None where it made all of it."""
    made_in = getattr(method, "__globals__", {}).get("__name__", "")
    return getattr(method, "__wrapped__", None) if made_in.startswith("pydantic.") else method


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
    found = {}
    for kind in _DECORATORS:
        for name, decorator in getattr(known, f"{kind}s").items():
            if name in vars(cls):
                settings = {
                    each.name: getattr(decorator.info, each.name) for each in dataclasses.fields(decorator.info)
                }
                settings.pop("wrapped_property", None)
                fields = list(settings.pop("fields", ()))
                given = {name: value for name, value in settings.items() if value not in (None, PydanticUndefined)}
                found[name] = (kind, fields, given)
    return found


_SAVERS: dict[type, Callable[[Pickler, Any], None]] = {
    types.FunctionType: Pickler.save_function,
    types.CodeType: Pickler.save_code,
    types.CellType: Pickler.save_cell,
    types.ModuleType: Pickler.save_module,
    _Namespace: Pickler.save_namespace,
    dict: Pickler.save_dict,
    set: Pickler.save_set,
    frozenset: Pickler.save_set,
}


def _saver(obj: object) -> Callable[[Pickler, Any], None] | None:
    if isinstance(obj, type):
        return None if obj.__module__ == "builtins" else Pickler.save_class
    return _SAVERS.get(types.ModuleType if isinstance(obj, types.ModuleType) else type(obj))
