"""What a class in bytes is made of: read from any bytes, without opening them, in a time that their length bounds."""

import os
import pickle
import string

import pytest
from hypothesis import given, settings, strategies as st

from rlkit.errors import CorruptArtifactError
from rlkit.storage.code import encode_class
from rlkit.storage.parts import PYTHON, changes, constants_of

SOURCE = """
import enum, functools, pydantic
import numpy as np
SCALE = 0.5
TABLE = {"one": [1, 2], "two": np.arange(3)}
def helper(x, most=3):
    return SCALE * x
class Kind(enum.Enum):
    A = 1
class Base:
    base = (1, 2)
def make(n):
    class Mine(Base):
        '''Mine.'''
        limit = 7
        words = frozenset({"a", "b"})
        class Config(pydantic.BaseModel):
            knob: float = pydantic.Field(default=0.25, ge=0)
            items: list = pydantic.Field(default_factory=list)
            def doubled(self): return self.knob * 2
        def act(self, x=1, *, y=(2, 3)):
            return helper(x) + n + self.limit
        @functools.lru_cache
        def cached(self): return Kind.A
        @property
        def wide(self): return TABLE
        @classmethod
        def known(cls): return cls
    return Mine
Mine = make(5)
"""


def encoded(source=SOURCE):
    names = {"__name__": "__main__"}
    exec(source, names)  # noqa: S102 - the tests' own
    return encode_class(names["Mine"])


def test_the_constants_of_a_class_are_listed_with_where_they_stand():
    found = {each.name: (each.type, each.text) for each in constants_of(encoded()) if not each.is_secret}
    mine = "make.<locals>.Mine"
    assert found.pop(f"{mine}.Config.model_config")[0] == "dict"
    assert found == {
        "SCALE": ("float", "0.5"),
        "TABLE": ("dict", "{'one': [1, 2], 'two': numpy.ndarray()}"),
        "helper(most=)": ("int", "3"),
        "Kind.A": ("int", "1"),
        "Base.base": ("tuple", "(1, 2)"),
        f"{mine}.limit": ("int", "7"),
        f"{mine}.words": ("frozenset", "frozenset(['a', 'b'])"),
        f"{mine}.Config.knob": ("float", "0.25"),
        f"{mine}.act(x=)": ("int", "1"),
        f"{mine}.act(y=)": ("tuple", "(2, 3)"),
        f"n in {mine}.act": ("int", "5"),
    }


TOKEN = f"ghp_{string.ascii_letters[:36]}"
SECRETS = {
    "API_TOKEN = 'abc'\nclass Mine:\n    def f(self): return API_TOKEN": "API_TOKEN",
    "class Mine:\n    password = 'abc'": "Mine.password",
    "class Mine:\n    __secret = b'abc'": "Mine._Mine__secret",
    "class Mine:\n    def f(self, apiKey='abc'): ...": "Mine.f(apiKey=)",
    "class Mine:\n    options = {'login': {'passwd': 'abc'}}": "Mine.options",
    "class Mine:\n    key = 'abcdefghijklmnop0'": "Mine.key",
    f"class Mine:\n    x = '{TOKEN}'": "Mine.x",
    f"class Mine:\n    def f(self): return lambda: 'Bearer {TOKEN}'": "a text in Mine.f",
    "class Mine:\n    x = 'sk-abcdefghijklmnopqrst'": "Mine.x",
    "class Mine:\n    x = 'AKIAABCDEFGHIJKLMNOP'": "Mine.x",
    "class Mine:\n    x = ['hf_abcdefghijklmnopqrst']": "Mine.x",
    "class Mine:\n    x = 'postgresql://me:abc@host/db'": "Mine.x",
    "class Mine:\n    x = '-----BEGIN RSA PRIVATE KEY-----'": "Mine.x",
    "class A:\n    def __init__(self): self.token = 'abc'\nclass Mine:\n    client = A()": "Mine.client",
}


@pytest.mark.parametrize("source", SECRETS)
def test_what_looks_like_a_secret_is_named_and_not_shown(source):
    found = constants_of(encoded(source))
    assert [each.name for each in found if each.is_secret] == [SECRETS[source]]
    assert "(not shown)" in found[0].text
    assert "abc" not in found[0].text
    assert "ghp" not in str(found)


@pytest.mark.parametrize(
    "source",
    [
        "tokens = 5\nclass Mine:\n    def f(self): return tokens",
        "class Mine:\n    max_tokens, tokenizer, key, keys = 3, 'word', 'observation', ['x']",
        "class Mine:\n    password, secret = None, ''",
        "class Mine:\n    def f(self, monkey='abcdefghijklmnopqrst'): '''It has no token: and no password.'''",
        "class Mine:\n    url = 'https://host/path?x=1'",
    ],
)
def test_what_is_none_is_shown(source):
    assert not [each for each in constants_of(encoded(source)) if each.is_secret]


CHANGES = {
    ("limit = 7", "limit = 8"): [("make.<locals>.Mine.limit", "7", "8")],
    ("SCALE = 0.5", "SCALE = 0.75"): [("SCALE", "0.5", "0.75")],
    ("make(5)", "make(6)"): [("n in make.<locals>.Mine.act", "5", "6")],
    ("most=3", "most=4"): [("helper(most=)", "3", "4")],
    ("A = 1", "A = 2"): [("Kind.A", "1", "2")],
    ("default=0.25", "default=0.5"): [("make.<locals>.Mine.Config.knob", "0.25", "0.5")],
    ("        limit = 7\n", ""): ["make.<locals>.Mine", ("make.<locals>.Mine.limit", "7", "")],
    ("ge=0", "ge=1"): ["make.<locals>.Mine.Config.knob"],
    ("helper(x) + n", "helper(x) - n"): ["make.<locals>.Mine.act"],
    ("self.knob * 2", "self.knob * 3"): ["make.<locals>.Mine.Config.doubled"],
    ("SCALE * x", "x * SCALE"): ["helper"],
    ("return Kind.A", "return Kind"): ["make.<locals>.Mine.cached"],
    ("@classmethod", "@staticmethod"): ["make.<locals>.Mine.known"],
    ("np.arange(3)", "np.arange(4)"): ["TABLE"],
    ("'''Mine.'''", "'''It.'''"): [("make.<locals>.Mine.__doc__", "'Mine.'", "'It.'")],
    ("Mine(Base)", "Mine"): ["make.<locals>.Mine", "Base", "Base.base"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_is_named(change):
    assert change[0] in SOURCE
    found = [
        each for each in changes(encoded(), encoded(SOURCE.replace(*change))) if not each.name.startswith("Base.__")
    ]
    expected = CHANGES[change]
    assert [each.name if isinstance(one, str) else tuple(each) for each, one in zip(found, expected, strict=True)] == (
        expected
    )
    assert all(each.left != each.right for each in found)


def test_where_the_source_stands_makes_no_difference():
    moved = SOURCE.replace("    class Mine", "    # A comment.\n\n    class Mine").replace(
        "        limit", "\n        limit"
    )
    assert encoded(moved) != encoded()
    assert changes(encoded(), encoded(moved)) == ()


def test_code_of_another_python_is_not_compared():
    (change,) = changes(encoded(), encoded("class Mine: ...").replace(b"cpython-3", b"cpython-9"))
    assert change.name == PYTHON
    assert change.right.startswith("cpython-9")


class Call:
    def __reduce__(self):
        return os.mkdir, ("made",)


def test_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(("tag", [Call()]))
    assert constants_of(data) == ()
    assert not list(tmp_path.iterdir())


HOSTILE = {
    "tuples of tuples": b"(" + b"\x8c\x01t)" + b"2\x86" * 5_000 + b"t.",
    "tuples as keys": b"(\x8c\x01t})" + b"2\x86" * 500 + b"Nst.",
    "calls of calls": b"(\x8c\x01tcos\nmkdir\n)R" + b"2\x86cos\nmkdir\n\x8c\x00\x86R"[:3] * 50 + b"t.",
    "a bytearray that is not there": b"(\x8c\x01t\x96\xff\xff\xff\xff\x0f\x00\x00\x00t.",
    "a long text that is not there": b"(\x8c\x01t\x8d\xff\xff\xff\xff\x0f\x00\x00\x00t.",
    "lists in lists": b"(\x8c\x01t" + b"(" * 5_000 + b"l" * 5_000 + b"t.",
    "a class that is none": b"(\x8c\x01tcrlkit.storage.rebuild\nbare_class\n(NNNNtRt.",
    "a function that is none": b"(\x8c\x01tcrlkit.storage.rebuild\nfunction\n(NNNNtRt.",
    "an attribute of none": b"(\x8c\x01tcrlkit.storage.rebuild\nset_attribute\n(N\x8c\x01aNtRt.",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_made_to_hang_or_to_fill_the_memory_does_neither(kind):
    for read in (constants_of, lambda data: changes(data, encoded())):
        try:
            read(HOSTILE[kind])
        except CorruptArtifactError:
            continue


def test_calls_that_share_calls_are_each_looked_at_once():
    data = b"(\x8c\x01tcos\nmkdir\n)R\x940"
    for index in range(60):
        twice = b"h" + bytes([index])
        data += b"cos\nmkdir\n(" + twice + twice + b"tR\x940"
    assert constants_of(data + twice + b"t.") == ()


GOOD = encoded()


@given(st.binary(max_size=60))
@settings(max_examples=200)
def test_random_bytes_are_refused(data):
    with pytest.raises(CorruptArtifactError):
        constants_of(data)


@given(st.data())
@settings(max_examples=200)
def test_damaged_bytes_are_read_or_refused(data):
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        constants_of(bytes(damaged))
        changes(bytes(damaged), GOOD)
    except CorruptArtifactError:
        return
