"""Writing a class by value: what refers to what stays so, and what cannot be written is named."""

import enum
import sqlite3
import sys
import types
import warnings

import pydantic
import pytest

from rlkit.errors import ModelDefinitionError
from rlkit.storage import opcodes
from rlkit.storage.code import decode_class, encode_class


def define(source, name="Mine"):
    """A class of a __main__ that has nothing but this source."""
    names = {"__name__": "__main__"}
    exec(source, names)  # noqa: S102 - the tests' own
    return names[name]


def moved(source, name="Mine"):
    """The same class as another process has it."""
    return decode_class(encode_class(define(source, name)))


def test_locks_come_free():
    """Even where dill would make one that nobody can ever take."""
    cls = moved(
        "import threading\nclass Mine:\n    one, two = threading.Lock(), threading.RLock()\n    one.acquire()\n"
    )
    assert cls.one.acquire(blocking=False)
    assert cls.two.acquire(blocking=False)


def test_variables_that_functions_share_are_shared():
    cls = moved(
        "def make():\n"
        "    n = 0\n"
        "    class Mine:\n"
        "        def up(self):\n"
        "            nonlocal n\n"
        "            n += 1\n"
        "        def read(self): return n\n"
        "        def late(self): return unset\n"
        "    if n: unset = 1\n"
        "    return Mine\n"
        "Mine = make()\n"
    )
    cls().up()
    assert cls().read() == 1
    with pytest.raises(NameError, match="unset"):
        cls().late()


def test_a_class_that_refers_to_itself_is_made_once():
    cls = moved(
        "class Base:\n"
        "    made = []\n"
        "    def __init_subclass__(cls): cls.made.append(cls.__name__)\n"
        "class Mine(Base):\n"
        "    def f(self): return Mine\n"
    )
    assert cls().f() is cls
    assert cls.made == ["Mine"]  # where it was defined


def test_a_global_of_many_functions_is_written_once():
    data = encode_class(define("n = 300\nclass Mine:\n    def f(self): return n\n    def g(self): return n"))
    calls = opcodes.read(data, opcodes.BY_VALUE).calls
    names = [arguments[1] for called, arguments in calls if called.name == "set_global"]
    assert names == ["n"]


OFFENDERS = {
    "a global of a method": ("db", "class Mine:\n    def f(self): return db", "'db', which Mine.f uses"),
    "a global of a helper": ("db", "def g(): return db\nclass Mine:\n    def f(self): g()", "'db', which g uses"),
    "an attribute": ("db", "class Mine:\n    a = db", "Mine.a"),
    "a part of an attribute": ("db", "class Mine:\n    a = {'x': [db]}", "Mine.a"),
    "a default": ("db", "class Mine:\n    def f(self, x=db): ...", "Mine.f"),
    "an enclosing variable": (
        "db",
        "def make(x):\n    class Mine:\n        def f(self): return x\n    return Mine\nMine = make(db)",
        "'x', which make.<locals>.Mine.f uses",
    ),
    "an attribute of a base": ("db", "class Base:\n    a = db\nclass Mine(Base): ...", "Base.a"),
    "an open file": ("file", "class Mine:\n    def f(self): return file", "'file', which Mine.f uses"),
    "the whole notebook": ("main", "class Mine:\n    def f(self): return main", "'main', which Mine.f uses"),
    "all its globals": ("names", "class Mine:\n    def f(self): return names", "'names', which Mine.f uses"),
    "a field of an unknown type": (
        "pydantic",
        "class Mine:\n    class Config(pydantic.BaseModel):\n        a: 'Nothing'",
        "Mine.Config",
    ),
    "a validator of pydantic 1": (
        "old",
        "class Mine:\n    class Config(old.Model):\n        a: int\n        b = old.validator('a')(lambda cls, v: v)",
        "Mine.Config",
    ),
    "an enumeration with a __new__": (
        "enum",
        (
            "class Kind(enum.Enum):\n    A = 1\n    def __new__(cls, v):\n        made = object.__new__(cls)\n"
            "        made._value_ = v\n        return made\nclass Mine:\n    kind = Kind"
        ),
        "Mine.kind",
    ),
    "nesting without end": ("deep", "class Mine:\n    a = deep", "Mine.a"),
}


@pytest.fixture
def offending(tmp_path):
    """Things that stay where they are, by name."""
    deep = []
    for _ in range(10_000):
        deep = [deep]
    main = sys.modules["__main__"]
    with sqlite3.connect(":memory:") as db, (tmp_path / "file").open("w") as file:
        yield {
            "db": db,
            "file": file,
            "main": main,
            "names": vars(main),
            "deep": deep,
            "pydantic": pydantic,
            "old": types.SimpleNamespace(Model=pydantic.BaseModel, validator=old_validator),
            "enum": enum,
        }
    db.close()


def old_validator(field):
    with warnings.catch_warnings(action="ignore"):
        return pydantic.validator(field)


@pytest.mark.parametrize("kind", OFFENDERS)
def test_what_cannot_be_kept_is_named(kind, offending):
    used, source, at = OFFENDERS[kind]
    names = {"__name__": "__main__", used: offending[used]}
    exec(source, names)  # noqa: S102 - the tests' own
    with pytest.raises(ModelDefinitionError) as refused:
        encode_class(names["Mine"])
    assert refused.value.problem.startswith(f"Mine cannot be kept with its models because of {at}: ")
    assert refused.value.remedy
    assert "\n" not in refused.value.problem
