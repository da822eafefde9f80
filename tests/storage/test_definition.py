"""What a class was made of: all that pydantic, enum and abc add to it is made anew."""

import json

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
