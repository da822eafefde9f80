"""What a class was made of: all that pydantic, enum and abc add to it is made anew."""

import dataclasses
import json
import typing

import pydantic
import pytest

from rlkit.storage.code import decode_class, encode_class
from rlkit.storage.definition import definition


def define(source, name="Mine"):
    """A class of a __main__ that has nothing but this source."""
    names = {"__name__": "__main__"}
    exec(source, names)  # noqa: S102 - the tests' own
    return names[name]


def moved(source, name="Mine"):
    """The same class as another process has it."""
    return decode_class(encode_class(define(source, name)))


WIDE = """
import pydantic

class Mine(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(validate_assignment=True)
    size: int = pydantic.Field(default=1, alias="Size", gt=0)
    items: list[int] = pydantic.Field(default_factory=lambda: [1, 2])
    needed: str

    @pydantic.computed_field
    @property
    def twice(self) -> int:
        return self.size * 2

    @pydantic.field_serializer("items", when_used="json")
    def _joined(self, value) -> str:
        return "+".join(map(str, value))

    @pydantic.model_validator(mode="before")
    @classmethod
    def _strip(cls, values):
        return {name.strip(): value for name, value in values.items()}

    def model_post_init(self, context):
        self._count = len(self.items)

    _count: int = 0
    _made: list[int] = pydantic.PrivateAttr(default_factory=list)

class Frozen(Mine, frozen=True):
    more: float = 2.5

    @pydantic.model_serializer(mode="wrap")
    def _counted(self, handler):
        return {**handler(self), "count": self._count}
"""


def test_a_class_of_pydantic_does_all_that_it_did():
    cls = moved(WIDE)
    one = cls(**{" Size ": 3, "needed": "x"})
    assert one.model_dump() == {"size": 3, "items": [1, 2], "needed": "x", "twice": 6}
    assert json.loads(one.model_dump_json())["items"] == "1+2"
    assert (one._count, one._made) == (2, [])
    with pytest.raises(pydantic.ValidationError, match="greater than 0"):
        one.size = 0
    with pytest.raises(pydantic.ValidationError, match="needed"):
        cls()
    assert cls.model_json_schema() == define(WIDE).model_json_schema()


def test_a_class_of_pydantic_inherits_from_one_that_is_kept_with_it():
    cls = moved(WIDE, "Frozen")
    one = cls(needed="x")
    assert one.model_dump() == {"size": 1, "items": [1, 2], "needed": "x", "twice": 2, "more": 2.5, "count": 2}
    assert cls.__hash__ is not define(WIDE).__hash__
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        one.more = 1.0
    assert list(cls.model_fields) == ["size", "items", "needed", "more"]


def test_what_a_class_of_pydantic_inherits_is_no_part_of_it():
    _, (attributes, parts), later = definition(define(WIDE, "Frozen"))
    assert list(parts["fields"]) == ["more"]
    assert parts["private"] == {}
    assert list(parts["decorators"]) == ["_counted"]
    assert set(attributes) - {"__doc__"} == {"__module__", "__qualname__", "model_config", "_counted"}
    assert later == {}


def test_an_enumeration_keeps_its_aliases_and_methods():
    cls = moved(
        "import enum\n"
        "class Mine(str, enum.Enum):\n"
        "    A = 'a'\n"
        "    B = 'a'\n"
        "    C = 'c'\n"
        "    @classmethod\n"
        "    def _missing_(cls, value): return cls.C\n"
    )
    assert cls.B is cls.A
    assert cls("x") is cls.C
    assert [member.value for member in cls] == ["a", "c"]
    assert cls.A == "a"


def test_a_metaclass_is_kept_with_its_class():
    cls = moved(
        "class Meta(type):\n"
        "    def __call__(cls, *args): return [super().__call__(*args)]\n"
        "class Mine(metaclass=Meta):\n"
        "    __slots__ = ('a', 'b')\n"
        "    def __init__(self): self.a = 1\n"
    )
    (one,) = cls()
    assert one.a == 1
    assert not hasattr(one, "__dict__")
    assert [*definition(cls)[2]] == []


def test_an_abstract_class_stays_abstract():
    cls = moved("import abc\nclass Mine(abc.ABC):\n    @property\n    @abc.abstractmethod\n    def f(self): ...\n")
    with pytest.raises(TypeError, match="abstract"):
        cls()


EXACT = {
    "keywords of the class": (
        "class Base:\n    def __init_subclass__(cls, *, scale): cls.scale = scale\nclass Mine(Base, scale=5.0): ...",
        "Mine.scale",
    ),
    "keywords of the metaclass": (
        (
            "class Meta(type):\n"
            "    def __new__(meta, name, bases, names, *, scale): return super().__new__(meta, name, bases, names)\n"
            "    def __init__(cls, name, bases, names, *, scale): cls.scale = scale\n"
            "class Mine(metaclass=Meta, scale=5.0): ..."
        ),
        "Mine.scale, type(Mine).__name__",
    ),
    "what a metaclass allows nobody to set": (
        (
            "class Meta(type):\n    def __setattr__(cls, name, value): raise AttributeError(name)\n"
            "class Mine(metaclass=Meta):\n    x = [1]\n"
        ),
        "Mine.x",
    ),
    "methods that a metaclass wrapped": (
        (
            "class Meta(type):\n"
            "    def __new__(meta, name, bases, names):\n"
            "        act = names['act']\n"
            "        return super().__new__(meta, name, bases, {**names, 'act': lambda self: 2 * act(self)})\n"
            "class Mine(metaclass=Meta):\n    def act(self): return 1\n"
        ),
        "Mine().act()",
    ),
    "what a descriptor was told": (
        (
            "class Named:\n"
            "    def __set_name__(self, owner, name): self.names = [*getattr(self, 'names', []), name]\n"
            "class Mine:\n    one = Named()\nMine.two = Mine.one\n"
        ),
        "Mine.one.names, Mine.two is Mine.one",
    ),
    "the order of its attributes": (
        "class Mine:\n    b = 1\n    a = [2]\n    def z(self): ...\n    c = {}\n    y = z\nMine.d = 1\n",
        "[name for name in vars(Mine) if not name.startswith('__')], Mine.y is Mine.z",
    ),
    "attributes set and deleted later": (
        (
            "class Mine:\n    gone = 1\n"
            "del Mine.gone\nMine.__doc__ = 'later'\nMine.__qualname__ = 'Other'\n"
            "Mine.get = lambda self: self.table['x']\n"
            "Mine.table = {'x': Mine}\n"
        ),
        "hasattr(Mine, 'gone'), Mine.__doc__, Mine.__qualname__, Mine().get() is Mine",
    ),
    "virtual subclasses": (
        (
            "import abc\nclass Base(abc.ABC): ...\n@Base.register\nclass Other: ...\n@Base.register\nclass More: ...\n"
            "class Mine(Base):\n    others = Other, More\n"
        ),
        "[issubclass(other, Mine.__base__) for other in Mine.others], issubclass(int, Mine.__base__)",
    ),
    "abstract methods": (
        (
            "import abc\nclass Base(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n"
            "class Half(Base): ...\nclass Mine(Base):\n    def f(self): return 1\n    half = Half\n"
        ),
        "Mine().f(), sorted(Mine.half.__abstractmethods__), Mine.__abstractmethods__",
    ),
    "slots": (
        (
            "class Base:\n    __slots__ = ('a', '__weakref__')\n"
            "class Mine(Base):\n    __slots__ = {'b': 'its meaning', '__c': None}\n"
            "    def __init__(self): self.a, self.b, self.__c = 1, 2, 3\n    def c(self): return self.__c\n"
        ),
        "Mine().c(), Mine.__slots__, hasattr(Mine(), '__dict__'), hasattr(Mine(), '__weakref__')",
    ),
    "flags": (
        (
            "import enum\n"
            "class Mine(enum.Flag, boundary=enum.KEEP):\n    R = enum.auto()\n    W = enum.auto()\n    RW = 3\n"
            "    @classmethod\n    def _missing_(cls, value): return super()._missing_(value)\n"
        ),
        "Mine(9).value, Mine.R | Mine.W is Mine.RW, [each.name for each in Mine], list(Mine.__members__), ~Mine.R",
    ),
    "flags that a value must fit": (
        "import enum\nclass Mine(enum.IntFlag, boundary=enum.CONFORM):\n    R = 1\n    W = 2\n",
        "int(Mine(65)), Mine.R + 1",
    ),
    "enumerations": (
        (
            "import enum\n"
            "class Mine(enum.Enum):\n"
            "    A = 1, 'one'\n    B = 2, 'two'\n    C = 1, 'one'\n"
            "    def __init__(self, number, word): self.word = word\n"
            "    @enum.nonmember\n    def helper(): return 9\n"
            "    def _generate_next_value_(name, start, count, last): return name\n"
            "Mine.extra = {'later': Mine.A}\nMine.B.more = [3]\n"
        ),
        (
            "[(each.name, each.value, each.word) for each in Mine], Mine.C is Mine.A, Mine.B.more, Mine.helper(),"
            " Mine.extra['later'] is Mine.A, Mine._generate_next_value_('N', 1, 0, [])"
        ),
    ),
    "enumerations of texts": (
        "import enum\nclass Mine(enum.StrEnum):\n    A = enum.auto()\n",
        "Mine.A == 'a', str(Mine.A), repr(Mine.A)",
    ),
    "dataclasses": (
        (
            "import dataclasses, typing\n"
            "@dataclasses.dataclass(order=True, frozen=True, kw_only=True, slots=True)\n"
            "class Mine:\n"
            "    a: int = 1\n"
            "    b: list = dataclasses.field(default_factory=list, compare=False, metadata={'unit': 'm'})\n"
            "    c: typing.ClassVar[int] = 5\n"
            "    i: dataclasses.InitVar[int] = 3\n"
            "    def __post_init__(self, i): self.b.append(i)\n"
        ),
        (
            "Mine() < Mine(a=2), Mine(i=9).b, [f.name for f in dataclasses.fields(Mine)], repr(Mine()), Mine.c,"
            " dict(dataclasses.fields(Mine)[1].metadata), dataclasses.replace(Mine(), a=4, i=0).a"
        ),
    ),
    "named tuples": (
        (
            "import typing, collections\n"
            "class Base(typing.NamedTuple):\n    x: int\n    y: int = 3\n"
            "class Mine(Base):\n    def norm(self): return self.x + self.y\n"
        ),
        "Mine(1).norm(), Mine(1)._replace(y=5), Mine._field_defaults, Mine._fields",
    ),
    "typed dicts": (
        "import typing\nclass Mine(typing.TypedDict, total=False):\n    a: typing.Required[int]\n    b: str\n",
        "Mine(a=1), Mine.__total__, Mine.__required_keys__, Mine.__optional_keys__",
    ),
    "generic classes": (
        (
            "import typing\nT = typing.TypeVar('T', int, str)\nP = typing.ParamSpec('P')\n"
            "class Base(typing.Generic[T, P]):\n    kind: T\n"
            "class Mine(Base[int, [str]]):\n    t, p, base = T, P, Base\n"
        ),
        (
            "typing.get_type_hints(Mine.base)['kind'] is Mine.t, Mine.base.__parameters__ == (Mine.t, Mine.p),"
            " Mine.__orig_bases__[0].__origin__ is Mine.base, Mine.t.__constraints__, repr(Mine.t), Mine.t.__module__"
        ),
    ),
    "generic classes of pydantic": (
        (
            "import typing, pydantic\nT = typing.TypeVar('T')\n"
            "class Mine(pydantic.BaseModel, typing.Generic[T]):\n    x: T\n"
        ),
        "Mine[int](x='3').x",
    ),
    "protocols": (
        (
            "import typing\n"
            "@typing.runtime_checkable\n"
            "class Acts(typing.Protocol):\n    n: int = 4\n    def act(self): return self.n\n"
            "class Mine(Acts):\n    acts = Acts\n    def __init__(self): self.k = 3\n"
        ),
        "Mine().act(), Mine().k, isinstance(Mine(), Mine.acts), isinstance(3, Mine.acts), Mine._is_protocol",
    ),
    "methods of every kind": (
        (
            "import functools\n"
            "class Mine:\n"
            "    @property\n    def a(self): return self._a\n"
            "    @a.setter\n    def a(self, value): self._a = 2 * value\n"
            "    @functools.cached_property\n    def c(self): return 5\n"
            "    def add(self, x, y=0): return x + y\n"
            "    five = functools.partialmethod(add, 5, y=1)\n"
            "    @functools.singledispatchmethod\n    def kind(self, x): return 'any'\n"
            "    @kind.register\n    def _(self, x: int): return 'int'\n"
            "    @functools.lru_cache(maxsize=3, typed=True)\n    def cached(self): return 8\n"
        ),
        (
            "(one := Mine(), setattr(one, 'a', 2))[1:], one.a, one.c, one.five(), one.kind(1), one.kind(''),"
            " one.cached(), Mine.cached.cache_parameters()"
        ),
    ),
    "what a decorator made of it": (
        (
            "def double(cls):\n"
            "    class Double(cls):\n        def act(self): return 2 * super().act()\n"
            "    Double.__name__, Double.__qualname__ = cls.__name__, cls.__qualname__\n"
            "    return Double\n"
            "@double\nclass Mine:\n    def act(self): return 3\n"
        ),
        "Mine().act(), [each.__qualname__ for each in Mine.__mro__]",
    ),
    "classes in it": (
        "class Mine:\n    class A:\n        class B:\n            def f(self): return Mine.A.B\n",
        "Mine.A.B().f() is Mine.A.B, Mine.A.B.__qualname__",
    ),
}


@pytest.mark.parametrize("what", EXACT)
def test_a_class_is_all_that_it_was(what):
    source, expression = EXACT[what]

    def seen(cls):
        return repr(eval(expression, {"Mine": cls, "typing": typing, "dataclasses": dataclasses}))  # noqa: S307

    original = define(source)
    opened = decode_class(encode_class(original))
    assert seen(opened) == seen(original)
    names = [name for name in vars(original) if name not in CACHES]
    assert set(names) == set(vars(opened)) - CACHES


CACHES = {"_abc_impl", "__static_attributes__", "__annotations_cache__"}
