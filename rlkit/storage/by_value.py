"""How a class is written as what it is made of, in dill's format.

dill writes the values. Classes, functions and modules are written here: dill itself takes along every global that has
the name of any attribute (of a method that says ``self.batch``, the notebook's ``batch``), fails where classes refer
to each other through a third thing, and loses the fields of pydantic's classes.
"""

from __future__ import annotations

import abc
import contextlib
import dis
import functools
import importlib
import io
import pickle
import sys
import threading
import types
import typing
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import dill
import numpy as np

from rlkit.storage import rebuild
from rlkit.storage.definition import definition

_PROTOCOL = 4
_MAIN = ("__main__", "__mp_main__")
"""What the module of a script or a notebook is called, which in another process is another module."""

_FILE = "<saved class>"
"""Stands for the source file: that of a notebook's cell has a process id in its name, and is nowhere else."""


def can_be_imported(obj: Any) -> bool:
    """Whether another process can get a class or a function by the name of its module and its own."""
    found: object = _module(obj.__module__)
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is obj


def _module(name: object) -> types.ModuleType | None:
    """Return the module that another process gets by a name, if there is one."""
    found = sys.modules.get(name) if isinstance(name, str) and name not in _MAIN else None
    return found if getattr(found, "__spec__", None) is not None else None  # a module without one was found nowhere


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
        if kind is str or kind is bytes or (kind is tuple and all(type(part) is str for part in obj)):
            # Which of the equal ones are one object depends on what ran before.
            obj = self._equal.setdefault((kind, obj), obj)
        if kind in _ATOMS:  # as the pickler would after some questions, most of what is written being such
            known = self.memo.get(id(obj))
            if known is None:
                self.dispatch[kind](self, obj)
            else:
                self.write(self.get(known[0]))
            return
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

    def _make(self, obj: object, at: str, builder: Callable[..., object], *arguments: object) -> None:
        outer, self.at = self.at, at
        self._making += 1
        self.save_reduce(builder, arguments, obj=obj)
        self._making -= 1
        self.at = outer  # not where the call above raises: then it says what could not be written

    def _wait(self, at: str, call: Callable[..., object], *arguments: object) -> None:
        self._waiting.append((at, call, arguments))

    def _complete(self) -> None:
        while self._waiting and not self._making:
            outer, (self.at, call, arguments) = self.at, self._waiting.popleft()
            self.save_reduce(call, arguments)
            self.write(pickle.POP)
            self.at = outer

    def save_class(self, cls: type) -> None:
        """Write a class: how to import it, or what it is made of."""
        if can_be_imported(cls):
            self.save_global(cls, cls.__qualname__)
            return
        metaclass = None if type(cls) is rebuild.metaclass_of(cls.__bases__) else type(cls)
        for base in (metaclass, *cls.__bases__):  # whole before the class is made, when they may run code
            if base is not None and not can_be_imported(base):
                self.save(base)
                self.write(pickle.POP)
        builder, arguments, later = definition(cls)
        self._make(cls, cls.__qualname__, builder, metaclass, cls.__name__, cls.__bases__, *arguments)
        for name, value in sorted(later.items()):  # a class that was opened may have them in another order
            self._wait(f"{cls.__qualname__}.{name}", rebuild.set_attribute, cls, name, value)
        for subclass in _virtual_subclasses(cls):
            self._wait(f"{cls.__qualname__}.register", rebuild.add_virtual_subclass, cls, subclass)
        self._complete()

    def save_type_variable(self, variable: Any) -> None:
        """Write a variable of ``typing``: how to import it, or what it is made of."""
        importable = getattr(_module(variable.__module__), str(variable.__name__), None) is variable
        if importable:
            self.save_global(variable, variable.__name__)
            return
        blank = type(variable)("blank")
        settings = {
            name: value
            for name in _TYPE_VARIABLE_SETTINGS
            if (value := getattr(variable, f"__{name}__", None)) is not getattr(blank, f"__{name}__", None)
        }
        constraints = getattr(variable, "__constraints__", ())
        names = variable.__name__, variable.__module__
        self._make(variable, variable.__name__, rebuild.type_variable, type(variable), *names, constraints, settings)

    def save_function(self, function: types.FunctionType) -> None:
        """Write a function: how to import it, or what it is made of."""
        if can_be_imported(function):
            self.save_global(function, function.__qualname__)
            return
        code, uses = function.__code__, f"which {function.__qualname__} uses"
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self._variables.setdefault(id(cell), f"{name!r}, {uses}")
        names = self._globals(function)
        attributes = _function_attributes(function)
        self._make(function, function.__qualname__, rebuild.function, code, names, function.__closure__, attributes)
        for name, value in sorted(vars(function).items()):
            self._wait(f"{function.__qualname__}.{name}", rebuild.set_function_attribute, function, name, value)
        if isinstance(names, _Namespace):
            for name in names.missing(code):
                self._wait(f"{name!r}, {uses}", rebuild.set_global, names, name, names.values[name])
            for module in names.submodules(code):
                self._wait(module, importlib.import_module, module)
        self._complete()

    def _globals(self, function: types.FunctionType) -> dict[str, Any] | _Namespace:
        """Return the globals of a module that can be imported as they are, and a stand-in for any others."""
        values, name = function.__globals__, function.__globals__.get("__name__")
        module = _module(name)
        if module is not None and module.__dict__ is values:
            return module.__dict__
        return self._namespaces.setdefault(id(values), _Namespace(str(name), values))

    def save_namespace(self, names: _Namespace) -> None:
        """Write the globals of functions, which get their values later."""
        self.save_reduce(rebuild.namespace, (names.name,), obj=names)

    def save_cell(self, cell: types.CellType) -> None:
        """Write a variable of an enclosing function."""
        self._make(cell, self.at, rebuild.cell)
        with contextlib.suppress(ValueError):  # it has no value yet
            self._wait(self._variables.get(id(cell), self.at), rebuild.set_cell, cell, cell.cell_contents)
        self._complete()

    def save_code(self, code: types.CodeType) -> None:
        """Write the code of a function without the name of its file."""
        dill.Pickler.dispatch[types.CodeType](self, code.replace(co_filename=_FILE))

    def save_module(self, module: types.ModuleType) -> None:
        """Write how to import a module."""
        if _module(module.__name__) is not module:
            message = f"the module {module.__name__} cannot be imported elsewhere"
            raise pickle.PicklingError(message)
        self.save_reduce(importlib.import_module, (module.__name__,), obj=module)

    def save_dict(self, values: dict[Any, Any]) -> None:
        """Write a dict, or a module's whole namespace as how to import that."""
        name = values.get("__name__")
        module = sys.modules.get(name) if isinstance(name, str) else None
        if module is not None and module.__dict__ is values:
            self.save_reduce(rebuild.globals_of, (module,), obj=values)
        else:
            pickle._Pickler.save_dict(self, values)  # type: ignore[attr-defined] # noqa: SLF001 - the class dill extends

    def save_lock(self, lock: Any) -> None:
        """Write a lock as a new one, which nobody holds."""
        self.save_reduce(threading.RLock if isinstance(lock, _RLOCK) else threading.Lock, (), obj=lock)

    def save_dtype(self, dtype: np.dtype[Any]) -> None:
        """Write one of equal dtypes: numpy has one of a kind, but not of those that it reads from a pickle."""
        super().save(self._equal.setdefault((np.dtype, dtype), dtype))

    def refuse_file(self, file: io.IOBase) -> None:
        """Write no open file, which dill would open again wherever the class is."""
        message = f"an open file, {getattr(file, 'name', file)!r}, stays where it is"
        raise pickle.PicklingError(message)

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
        names = [name for name in _globals_used(code) if name in self.values]
        new = [name for name in names if name not in self._written and not _is_shell(self.values[name])]
        self._written.update(new)
        return new

    def submodules(self, code: types.CodeType) -> list[str]:
        """Return modules that code reaches through a package which does not import them by itself.

        After ``import xml.etree.ElementTree`` a notebook has the global ``xml`` alone, and importing that does not do.
        """
        words = set(_words(code))
        found = []
        for used in _globals_used(code):
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


def _is_shell(value: object) -> bool:
    """Whether a global is IPython's own ``get_ipython``, ``exit`` or ``quit``, which the next shell has again."""
    return type(getattr(value, "__self__", value)).__module__.startswith(("IPython.", "ipykernel."))


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


@functools.lru_cache(maxsize=1024)
def _globals_used(code: types.CodeType) -> tuple[str, ...]:
    """Return the globals that code names, in order."""
    uses = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
    steps = (step for each in _nested(code) for step in dis.get_instructions(each))
    return tuple(dict.fromkeys(step.argval for step in steps if step.opname in uses))


def _words(code: types.CodeType) -> Iterator[str]:
    for each in _nested(code):
        yield from each.co_names


def _virtual_subclasses(cls: type) -> list[type]:
    """Return the classes that an abstract class was told to take for its subclasses."""
    if not isinstance(cls, abc.ABCMeta):
        return []
    registered = (reference() for reference in abc._get_dump(cls)[0])  # type: ignore[attr-defined] # noqa: SLF001 - nothing else tells
    return sorted(
        (each for each in registered if each is not None), key=lambda each: (each.__module__, each.__qualname__)
    )


def _function_attributes(function: types.FunctionType) -> dict[str, Any]:
    names = ["__name__", "__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__"]
    # From Python 3.14 annotations are a function, which may name what is not there yet.
    names.append("__annotate__" if hasattr(function, "__annotate__") else "__annotations__")
    return {name: getattr(function, name) for name in names}


_ATOMS = {str, bytes, tuple, int, float, bool, type(None)}
_TYPE_VARIABLE_SETTINGS = ("bound", "covariant", "contravariant", "infer_variance", "default")
_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())

_SAVERS: dict[type, Callable[[Pickler, Any], None]] = {
    types.FunctionType: Pickler.save_function,
    types.CodeType: Pickler.save_code,
    types.CellType: Pickler.save_cell,
    types.ModuleType: Pickler.save_module,
    _Namespace: Pickler.save_namespace,
    dict: Pickler.save_dict,
    _LOCK: Pickler.save_lock,
    _RLOCK: Pickler.save_lock,
    set: Pickler.save_set,
    frozenset: Pickler.save_set,
    typing.TypeVar: Pickler.save_type_variable,
    typing.ParamSpec: Pickler.save_type_variable,
    typing.TypeVarTuple: Pickler.save_type_variable,
}


def _saver(obj: object) -> Callable[[Pickler, Any], None] | None:
    if isinstance(obj, type):
        return None if obj.__module__ == "builtins" else Pickler.save_class
    if isinstance(obj, np.dtype):
        return Pickler.save_dtype
    if isinstance(obj, io.IOBase) and not isinstance(obj, io.BytesIO | io.StringIO):
        return Pickler.refuse_file
    return _SAVERS.get(types.ModuleType if isinstance(obj, types.ModuleType) else type(obj))
