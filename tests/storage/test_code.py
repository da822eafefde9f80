"""Classes as bytes: a process without their source makes them again, whole, and nothing else comes along."""

import importlib
import json
import os
import pickle
import subprocess
import sys
import types
import warnings

import dill
import nbformat
import pytest
from hypothesis import given, settings, strategies as st

from rlkit.errors import CorruptArtifactError, ModelDefinitionError, StoreError
from rlkit.models.ppo import PPO
from rlkit.storage import code
from rlkit.storage.code import contents, decode_class, encode_class

DEFINITIONS = '''
import abc
import math
import xml.etree.ElementTree
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import KEEP, Enum, Flag, auto
from functools import cached_property, lru_cache, wraps
from typing import ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import pydantic

import rlkit
from rlkit.config import Scheduled, hyperparameter
from rlkit.models.a2c import A2C
from rlkit.models.base import ModelBase
from rlkit.models.dqn import DQN
from rlkit.models.ppo import PPO

SCALE = 0.5
TABLE = {"one": np.arange(3.0)}
batch = np.zeros(1_000_000)  # the name of an attribute below, and never used itself
unrelated = rlkit.create("ppo", env="CartPole-v1")
SMALL = {"net_arch": [8]}


def deeper(x):
    return float(np.sum(x)) * SCALE


def helper(x):
    return deeper(x) + 1


helper.note = "hung on"
NESTED, NAMED = "nested", "named"

count = 0


def increase():
    global count
    count += 1


def counted():
    return count


class Phase(Enum):
    """Phases."""

    START = 1
    END = "end"

    @property
    def twice(self):
        return [self.value] * 2


class Point(NamedTuple):
    x: int
    y: int = 3

    def norm(self):
        return math.hypot(self.x, self.y)


@dataclass(frozen=True)
class Settings:
    a: int = 1
    b: list = field(default_factory=list)

    def total(self):
        return self.a + len(self.b)


@dataclass(slots=True)
class Slotted:
    a: int = 1


def doubled(function):
    @wraps(function)
    def wrapper(*args):
        return 2 * function(*args)

    return wrapper


class Methods(PPO):
    """PPO with methods."""

    constant = 7
    words = frozenset({"a", "b", "c", "d"})
    array = np.arange(3)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.batch = 1

    def plain(self, more: int = 3, *, most=4) -> float:
        return self.constant + self.batch + more + most

    @classmethod
    def of_the_class(cls):
        return cls.__name__

    @staticmethod
    def of_none(x):
        return helper(x)

    @property
    def read(self):
        return self.constant

    @cached_property
    def once(self):
        return self.constant + 1

    @lru_cache
    def cached(self):
        return self.constant + 2

    @contextmanager
    def block(self):
        yield SCALE

    @doubled
    def decorated(self):
        return self.constant

    def inner(self):
        return [(lambda: SCALE)() for letter in "ab" if letter in {"a", "z"}]


class Globals(PPO):
    def helpers(self):
        return helper(TABLE["one"])

    def modules(self):
        return [each() for each in [lambda: xml.etree.ElementTree.fromstring("<a/>").tag]]

    def nested(self):
        def within():
            return [name for name in [NESTED]]

        class Within:
            name = NAMED

        return [*within(), Within.name]

    def counts(self):
        increase()
        increase()
        return counted()

    def classes(self):
        return [Phase.END.twice, Phase(1).name, Phase.__doc__, Point(4).norm(), Settings(2, [1]).total(), Slotted(5).a]


class Base(PPO):
    tagged = ""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.tagged = f"tagged {SCALE}"

    def step(self):
        return ["base"]

    def overridden(self):
        return "base"


class Derived(Base):
    def step(self):
        return [*super().step(), "derived"]

    def overridden(self):
        return __class__.__name__


KNOWN = {}


class Friend:
    def make(self):
        return Knot


class Knot(PPO):
    """Refers to itself in every way."""

    def all_the_same(self):
        return [cls is type(self) for cls in (Knot, Friend().make(), KNOWN["knot"], Knot.mirror["knot"])]


KNOWN["knot"] = Knot
Knot.mirror = {"knot": Knot}


def make_local(n):
    class Local(PPO):
        def enclosed(self):
            return n

    return Local


Local = make_local(5)


class Configured(PPO):
    class Config(PPO.Config):
        """Hyperparameters of Configured."""

        knob: float = hyperparameter(0.25, "A knob.", ge=0, le=1, scale="log", unit="turns", common=True)
        rate: Scheduled = hyperparameter("lin_0.5", "A schedule.", gt=0)
        n_epochs: int = hyperparameter(2, "Fewer.", ge=1)
        even: int | None = hyperparameter(None, "Even.")
        seen: ClassVar[list] = ["seen"]
        _note: str = pydantic.PrivateAttr(default="note")

        @pydantic.field_validator("even")
        @classmethod
        def _is_even(cls, value):
            if value is not None and value % 2:
                raise ValueError(f"it must be even, {helper(1)}")
            return value

        @pydantic.model_validator(mode="after")
        def _not_both(self):
            if self.knob == 1 and self.even == 2:
                raise ValueError("not both")
            return self

        @classmethod
        def adjust(cls, values, *, chosen):
            changes = super().adjust(values, chosen=chosen)
            return {**changes, "even": 4} if values.get("knob") == 0.75 else changes

        def doubled(self):
            return self.knob * 2

    config: Config


class Other(Configured):
    class Config(Configured.Config):
        knob: float = hyperparameter(0.5, "Another knob.", ge=0)


@rlkit.register_model("registered")
class Registered(PPO):
    """Known to the factory."""


class OnDQN(DQN):
    def kind(self):
        return super()._get_experience.__name__


class OnA2C(A2C):
    def kind(self):
        return self.algorithm


class FromScratch(ModelBase):
    """Counts."""

    algorithm = "scratch"
    action_spaces = PPO.action_spaces

    class Config(rlkit.ModelConfig):
        start: int = hyperparameter(3, "Where counting begins.")

    def _build_networks(self, features, action_space):
        self.weights = np.full(features, self.config.start)

    def _updates(self, run):
        while True:
            yield {"count": 1.0}

    def _act(self, features, rng):
        return (features @ self.weights > 0).astype(np.int64)

    def _get_networks(self):
        return {"weights": self.weights}

    def _set_networks(self, state):
        self.weights = state["weights"]


class Plugin(abc.ABC):
    plugins = []
    scale = 1.0

    def __init_subclass__(cls, *, scale, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.scale = scale
        Plugin.plugins.append(cls)
        act = cls.act
        cls.act = lambda self: 2 * act(self)


@Plugin.register
class Virtual:
    pass


class Access(Flag, boundary=KEEP):
    READ = auto()
    WRITE = auto()


Value = TypeVar("Value", bound=int)


class Box(Generic[Value]):
    pass


class Hooked(Plugin, PPO, scale=5.0):
    def act(self):
        return 1

    def known(self):
        mine = Plugin.plugins == [type(self)]
        return [mine, isinstance(Virtual(), Plugin), Access(9).value, Box.__parameters__[0] is Value]


class Shell(PPO):
    def name(self):
        try:
            return type(get_ipython()).__name__
        except NameError:
            return "no shell"
'''

BUILT = 'made = cls(cls.Config(n_steps=16, batch_size=8, net_arch=[8]), "CartPole-v1", seed=0)'
USES = {
    "a model of it learns and predicts": (
        "Methods",
        "made.train(32).num_timesteps, made.predict(np.zeros((5, 4), np.float32)).shape[0]",
        [32, 5],
    ),
    "a model of DQN predicts": (
        "OnDQN",
        'cls(cls.Config(net_arch=[8]), "CartPole-v1", seed=0).predict(np.zeros((5, 4), np.float32)).shape[0]',
        5,
    ),
    "a model of A2C predicts": (
        "OnA2C",
        'cls(cls.Config(net_arch=[8]), "CartPole-v1", seed=0).predict(np.zeros((5, 4), np.float32)).shape[0]',
        5,
    ),
    "a model of an algorithm of its own predicts": (
        "FromScratch",
        'cls(cls.Config(start=5), "CartPole-v1", seed=0).predict(np.eye(4, dtype=np.float32)).tolist(), cls.algorithm',
        [[1] * 4, "scratch"],
    ),
    "methods and their defaults": ("Methods", "made.plain(), made.plain(0, most=0)", [15, 8]),
    "methods of the class and of none": ("Methods", "cls.of_the_class(), made.of_none([1, 2])", ["Methods", 2.5]),
    "properties": ("Methods", "made.read, made.once, made.once, made.cached()", [7, 8, 8, 9]),
    "decorated methods": ("Methods", "made.decorated(), made.block().__enter__()", [14, 0.5]),
    "functions within methods": ("Methods", "made.inner()", [0.5]),
    "attributes": (
        "Methods",
        "cls.constant, sorted(cls.words), cls.array.tolist()",
        [7, ["a", "b", "c", "d"], [0, 1, 2]],
    ),
    "its names and its docstring": (
        "Methods",
        "cls.__name__, cls.__qualname__, cls.__module__, cls.__doc__, cls.plain.__qualname__, cls.decorated.__name__",
        ["Methods", "Methods", "__main__", "PPO with methods.", "Methods.plain", "decorated"],
    ),
    "annotations": (
        "Methods",
        "cls.plain.__annotations__ == {'more': int, 'return': float}, cls.decorated.__wrapped__(made)",
        [True, 7],
    ),
    "helper functions, constants and modules": ("Globals", "made.helpers(), made.modules()", [2.5, ["a"]]),
    "globals of functions and classes within methods": ("Globals", "made.nested()", ["nested", "named"]),
    "what was hung on a function": (
        "Globals",
        "cls.helpers.__globals__['helper'].note",
        "hung on",
    ),
    "globals that functions share": ("Globals", "made.counts()", 2),
    "helper classes": ("Globals", "made.classes()", [["end", "end"], "START", "Phases.", 5.0, 3, 5]),
    "a base that is of __main__ too": (
        "Derived",
        "made.step(), made.overridden(), cls.tagged, cls.__base__.__name__, cls.__base__.tagged",
        [["base", "derived"], "Derived", "tagged 0.5", "Base", ""],
    ),
    "what the hook of a base made of it, once": ("Hooked", "cls.scale, made.act()", [5.0, 2]),
    "what the classes that it uses were told": ("Hooked", "made.known()", [True, True, 9, True]),
    "references to itself": ("Knot", "made.all_the_same()", [True] * 4),
    "a class made in a function": ("Local", "made.enclosed(), cls.__qualname__", [5, "make_local.<locals>.Local"]),
    "a registered class keeps its name": (
        "Registered",
        "cls.algorithm, cls.__doc__",
        ["registered", "Known to the factory."],
    ),
    "the defaults of a config": (
        "Configured",
        "[cls.Config().to_dict()[name] for name in ('knob', 'rate', 'n_epochs', 'even', 'gamma')]",
        [0.25, "lin_0.5", 2, None, 0.99],
    ),
    "what is known of a hyperparameter": (
        "Configured",
        (
            "[getattr(cls.Config.hyperparameters()['knob'], name) for name in"
            " ('kind', 'meaning', 'bounds', 'scale', 'unit', 'common')]"
        ),
        ["float", "A knob.", {"minimum": 0, "maximum": 1}, "log", "turns", True],
    ),
    "the order of the hyperparameters": (
        "Configured",
        "list(cls.Config.model_fields)[-3:], list(cls.Config.model_fields)[:-3] == list(PPO.Config.model_fields)",
        [["knob", "rate", "even"], True],
    ),
    "bounds and validators of a config": (
        "Configured",
        "refused(knob=2), refused(even=3), refused(knob=1.0, even=2), refused(wrong=1)",
        [
            "knob = 2 is not allowed: it must be at most 1.",
            "even = 3 is not allowed: it must be even, 1.5.",
            "not both",
            "Config has no hyperparameter 'wrong'.",
        ],
    ),
    "the methods of a config": (
        "Configured",
        "cls.Config(knob=0.5).doubled(), cls.Config(knob=0.75).even, cls.Config.__doc__, cls.Config.__qualname__",
        [1.0, 4, "Hyperparameters of Configured.", "Configured.Config"],
    ),
    "class variables and private attributes of a config": (
        "Configured",
        "cls.Config.seen, cls.Config.preset_file, cls.Config()._note",
        [["seen"], "ppo.yaml", "note"],
    ),
    "a class variable of a config stays one": (
        "Configured",
        "type('Config', (cls.Config,), {'seen': ['more'], '__module__': 'here'}).seen",
        ["more"],
    ),
    "a config goes through its state": (
        "Configured",
        "cls.Config.from_state(cls.Config(knob=0.5).get_state()) == cls.Config(knob=0.5)",
        True,
    ),
    "a config's base that is of __main__ too": (
        "Other",
        (
            "cls.Config().to_dict()['knob'], refused(even=3), cls.Config.__base__ is cls.__base__.Config,"
            " cls.Config.__base__().to_dict()['knob']"
        ),
        [0.5, "even = 3 is not allowed: it must be even, 1.5.", True, 0.25],
    ),
    "a config can be derived from it": (
        "Configured",
        "type('Config', (cls.Config,), {'__annotations__': {'more': int}, 'more': 1})(knob=0.5).to_dict()['more']",
        1,
    ),
    "what only a shell has is not missed before it is used": ("Shell", "made.name()", "no shell"),
}
CLASSES = sorted({name for name, _, _ in USES.values()})

KEEP = f"""
import pathlib
from rlkit.storage.code import encode_class

for each in {CLASSES}:
    pathlib.Path(each).write_bytes(encode_class(globals()[each]))
"""
USE = f"""
import json, pathlib
import numpy as np
from rlkit.errors import ConfigError
from rlkit.models.ppo import PPO
from rlkit.storage.code import decode_class

def refused(**values):
    try:
        cls.Config(**values)
    except ConfigError as error:
        return error.problem

results = {{}}
for use, (name, expression, _) in {USES!r}.items():
    cls = decode_class(pathlib.Path(name).read_bytes())
    if issubclass(cls, PPO):
        {BUILT}
    results[use] = eval(expression)
print(json.dumps(results))
"""
NOTEBOOK = """
import sys
import nbformat
from nbclient import NotebookClient

NotebookClient(nbformat.read(sys.argv[1], as_version=4), timeout=600, startup_timeout=600).execute()
"""


def python(folder, *arguments, warnings="error", **environment):
    """Run Python in a folder, which must neither fail nor complain, and return what it printed."""
    command = [sys.executable, "-W", warnings, *arguments]
    set_too = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    result = subprocess.run(command, cwd=folder, env=set_too, capture_output=True, text=True, check=False, timeout=600)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


def keep_from_script(folder):
    (folder / "script.py").write_text(DEFINITIONS + KEEP)
    assert python(folder, "script.py", PYTHONHASHSEED="1") == ""
    (folder / "script.py").unlink()


def keep_from_command(folder):
    assert python(folder, "-c", DEFINITIONS + KEEP, PYTHONHASHSEED="2") == ""


def keep_from_notebook(folder):
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in (DEFINITIONS, KEEP)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "notebook.ipynb")
    subprocess.run([sys.executable, "-c", NOTEBOOK, "notebook.ipynb"], cwd=folder, check=True, timeout=600)
    (folder / "notebook.ipynb").unlink()


HOMES = {"script": keep_from_script, "command": keep_from_command, "notebook": keep_from_notebook}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Folders with all classes as bytes, by where they were defined."""
    folders = {}

    def kept(home):
        if home not in folders:
            folders[home] = tmp_path_factory.mktemp(home)
            HOMES[home](folders[home])
        return folders[home]

    return kept


@pytest.fixture(scope="module")
def used(kept):
    """What the classes did in a process that has nothing but their bytes."""
    results = {}

    def used(home):
        if home not in results:
            results[home] = json.loads(python(kept(home), "-c", USE))
        return results[home]

    return used


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("home", HOMES)
def test_a_fresh_process_has_the_class_whole(used, home, use):
    assert used(home)[use] == USES[use][2]


@pytest.mark.parametrize("name", CLASSES)
def test_equal_source_gives_equal_bytes_in_any_process(kept, name):
    assert (kept("script") / name).read_bytes() == (kept("command") / name).read_bytes()


@pytest.mark.parametrize("home", HOMES)
def test_nothing_comes_along_that_is_not_used(kept, home):
    for name in CLASSES:
        data = (kept(home) / name).read_bytes()
        assert len(data) < 20_000
        assert b"unrelated" not in data
        assert str(kept(home)).encode() not in data
        assert b"ipykernel" not in data


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_that_was_opened_gives_the_same_bytes_again(kept, name):
    data = (kept("script") / name).read_bytes()
    assert encode_class(decode_class(data)) == data


def test_a_class_that_was_used_gives_the_same_bytes_again(kept):
    data = (kept("script") / "Configured").read_bytes()
    cls = decode_class(data)
    cls.Config.hyperparameters()
    model = cls(cls.Config(n_steps=16, batch_size=8, net_arch=[8]), "CartPole-v1", seed=0)
    model.train(16)
    assert isinstance(model, PPO)
    assert encode_class(cls) == data


def test_postponed_annotations_need_no_names_of_the_notebook(tmp_path):
    source = """
from __future__ import annotations
import pathlib
from dataclasses import dataclass
from typing import ClassVar, Literal
from rlkit.config import hyperparameter
from rlkit.models.ppo import PPO
from rlkit.storage.code import encode_class

Choice = Literal["a", "b"]

@dataclass
class Pair:
    choice: Choice = "a"

class Mine(PPO):
    class Config(PPO.Config):
        choice: Choice = hyperparameter("a", "A or b.")
        shared: ClassVar[dict[str, Choice]] = {}

    def pair(self, choice: Choice) -> Pair:
        return Pair(choice)

pathlib.Path("Mine").write_bytes(encode_class(Mine))
"""
    python(tmp_path, "-c", source)
    cls = decode_class((tmp_path / "Mine").read_bytes())
    assert cls.Config.hyperparameters()["choice"].choices == ("a", "b")
    assert cls.Config.shared == {}
    assert cls(cls.Config(choice="b")).pair("b").choice == "b"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that can be imported, with a model class."""
    (tmp_path / "importable.py").write_text(
        "from rlkit.models.ppo import PPO\n\nclass Mine(PPO):\n    class Inner(PPO):\n        pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("importable")
    sys.modules.pop("importable", None)


def test_a_class_that_can_be_imported_is_not_kept(module):
    assert encode_class(PPO) is None
    assert encode_class(module.Mine) is None
    assert encode_class(module.Mine.Inner) is None


def test_a_class_that_is_no_longer_what_its_name_says_is_kept(module):
    old, module.Mine = module.Mine, None
    assert decode_class(encode_class(old)).__name__ == "Mine"


def test_a_class_of_a_module_that_nobody_else_can_import_is_kept(monkeypatch):
    made = types.ModuleType("made")
    exec("from rlkit.models.ppo import PPO\nn = 3\nclass Mine(PPO):\n    def f(self): return n\n", vars(made))  # noqa: S102
    monkeypatch.setitem(sys.modules, "made", made)
    data = encode_class(made.Mine)
    monkeypatch.delitem(sys.modules, "made")
    assert decode_class(data)().f() == 3


def define(source, name="Mine"):
    """A class of a __main__ that has nothing but this source."""
    names = {"__name__": "__main__"}
    exec(source, names)  # noqa: S102 - the tests' own
    return names[name]


def test_what_could_not_be_opened_again_is_refused_at_once():
    source = "import ctypes\nclass Mine(ctypes.Structure): ..."
    with pytest.raises(ModelDefinitionError, match="Mine cannot be kept with its models: This class cannot be opened"):
        encode_class(define(source))
    needs = (
        "import pydantic\nclass Mine(pydantic.BaseModel):\n    def __init_subclass__(cls, *, must): ...\n"
        "class More(Mine, must=1): ..."
    )
    with pytest.raises(ModelDefinitionError, match="must"):
        encode_class(define(needs, "More"))


OTHERWISE = {
    "an instance whose class changes what it is made with": (
        (
            "class Odd(int):\n    def __new__(cls, value): return super().__new__(cls, value + 1)\n"
            "class Mine:\n    fine = 1\n    odd = Odd(3)\n"
        ),
        "Mine.odd",
    ),
    "a hook of a config that wraps a method": (
        (
            "import pydantic\n"
            "class Base(pydantic.BaseModel):\n"
            "    def __init_subclass__(cls):\n"
            "        act = cls.act\n"
            "        cls.act = lambda self: 2 * act(self)\n"
            "class Mine:\n"
            "    class Config(Base):\n"
            "        def act(self): return 1\n"
        ),
        "Mine.Config.act",
    ),
}


@pytest.mark.parametrize("kind", OTHERWISE)
def test_what_would_come_back_otherwise_is_refused_by_name(kind):
    source, at = OTHERWISE[kind]
    with pytest.raises(ModelDefinitionError) as refused:
        encode_class(define(source))
    assert f"because of {at}: it is another one after being written and read" in refused.value.problem


def test_a_class_is_opened_to_be_compared_once(monkeypatch):
    cls = define("class Mine:\n    def once(self): return 'opened once'\n")
    data = encode_class(cls)
    monkeypatch.setattr(code, "decode_class", None)
    assert encode_class(cls) == data


def test_no_hook_runs_when_a_class_is_kept_or_opened():
    """A class would else take the place of the notebook's in whatever its bases enter it."""
    source = (
        "class Meta(type):\n"
        "    def __new__(meta, *args):\n        ran.append(1)\n        return super().__new__(meta, *args)\n"
        "    def __init__(cls, *args):\n        ran.append(2)\n"
        "class Base(metaclass=Meta):\n"
        "    def __init_subclass__(cls): ran.append(3)\n"
        "class Named:\n"
        "    def __set_name__(self, owner, name): ran.append(4)\n"
        "class Mine(Base):\n    named = Named()\n"
    )
    cls = define(f"ran = []\n{source}")
    ran = cls.__init_subclass__.__func__.__globals__["ran"]
    assert ran == [1, 2, 1, 4, 3, 2]
    opened = decode_class(encode_class(cls))
    assert ran == opened.__init_subclass__.__func__.__globals__["ran"] == [1, 2, 1, 4, 3, 2]


def test_nothing_is_printed_or_warned_of(capfd, recwarn):
    source = "import pydantic\nclass Mine(pydantic.BaseModel):\n    model_x: int = 1\n    copy: int = 2\n"
    with warnings.catch_warnings(action="ignore"):
        cls = define(source)
    decode_class(encode_class(cls))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_module_that_is_missing_is_named(module):
    data = encode_class(define("import importable\nclass Mine:\n    def f(self): return importable.Mine"))
    del sys.modules["importable"]
    sys.path_importer_cache.clear()
    sys.path.pop(0)
    with pytest.raises(CorruptArtifactError, match="needs the module importable") as refused:
        decode_class(data)
    assert "pip install importable" in refused.value.remedy


def test_a_name_that_a_module_has_no_more_is_named(module):
    data = encode_class(define("from importable import Mine as Base\nclass Mine(Base): ..."))
    del module.Mine
    with pytest.raises(CorruptArtifactError, match="Mine"):
        decode_class(data)


def test_code_of_another_python_is_refused_before_it_crashes_this_one():
    data = encode_class(define("class Mine: ..."))
    here = sys.implementation.cache_tag
    other = here[:-1] + ("x" if here[-1] != "x" else "y")
    with pytest.raises(CorruptArtifactError, match=f"kept by {other}, and this is {here}"):
        decode_class(data.replace(here.encode(), other.encode()))


def test_what_fails_as_it_is_opened_is_explained():
    source = (
        "class Part:\n"
        "    def __init__(self): self.fails = []\n"
        "    def __setstate__(self, state):\n"
        "        if state['fails']: raise RuntimeError('it fails')\n"
        "        vars(self).update(state)\n"
        "class Mine:\n    part = Part()\n"
    )
    cls = define(source)
    data = encode_class(cls)
    cls.part.fails.append(1)
    with pytest.raises(ModelDefinitionError, match="RuntimeError: it fails"):
        encode_class(cls)
    assert decode_class(data).part.fails == []


def pickled(obj):
    return dill.dumps((sys.implementation.cache_tag, obj))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        pickle.dumps(None),
        pickle.dumps({}),
        pickle.dumps((1, PPO)),
        pickled(PPO)[:-1],
        pickled(5),
        pickled({}),
    ],
)
def test_what_is_no_class_is_refused(data):
    with pytest.raises(CorruptArtifactError):
        decode_class(data)


def imports_of(data):
    return list(contents(data).reached)


def test_what_a_class_reaches_for_is_listed_as_a_person_knows_it():
    data = encode_class(
        define(
            "import subprocess\n"
            "import numpy as np\n"
            "import importlib.metadata\n"
            "from os import system\n"
            "from rlkit.models.ppo import PPO\n"
            "def helper():\n"
            "    from urllib.request import urlopen\n"
            "    return np\n"
            "class Mine(PPO):\n"
            "    def f(self):\n"
            "        import socket as s\n"
            "        return subprocess, system, helper, importlib.metadata\n"
            "    class Config(PPO.Config):\n"
            "        n_epochs: int = 3\n"
        )
    )
    assert imports_of(data) == [
        "socket",
        "subprocess",
        "urllib.request",
        "importlib",
        "importlib.metadata",
        "numpy",
        "rlkit.models.ppo.PPO",
        "importlib.import_module",
        f"{os.name}.system",
        "rlkit.models.ppo.PPOConfig",
    ]


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_runs_while_it_is_listed(tmp_path, protocol):
    mark = tmp_path / "mark"
    data = pickle.dumps(("cpython", [Call(os.system, f"touch {mark}")]), protocol, fix_imports=False)
    assert imports_of(data) == [f"{os.name}.system"]
    assert not mark.exists()


def test_what_a_class_pulls_in_by_other_ways_is_not_hidden():
    evaluated = pickle.dumps(Call(eval, "1"), 4)
    assert imports_of(evaluated) == ["builtins.eval"]
    looked_up = pickle.dumps(Call(getattr, Call(importlib.import_module, "os"), "system"), 4)
    assert set(imports_of(looked_up)) == {"os", "importlib.import_module", "builtins.getattr"}
    computed = pickle.dumps(Call(importlib.import_module, Call(str, b"os", "ascii")), 4)
    assert set(imports_of(computed)) == {"importlib.import_module", "builtins.str"}


def test_no_twist_of_the_stack_hides_a_module():
    called = b"\x80\x04cimportlib\nimport_module\n"
    for argument in (b"\x8c\x02os20\x85R.", b"\x8c\x02os\x940(h\x00tR.", b"(1\x8c\x02os\x85R."):
        assert "os" in imports_of(called + argument)


def test_parts_of_a_package_that_imports_them_by_itself_are_not_listed():
    data = encode_class(
        define("import numpy as np\nclass Mine:\n    def f(self): return np.random.default_rng(np.linalg)")
    )
    assert imports_of(data) == ["numpy", "importlib.import_module"]


def test_import_statements_are_found_past_the_first_256_names():
    names = "; ".join(f"x.a{n}" for n in range(300))
    source = f"class Mine:\n    def f(self, x):\n        {names}\n        import ctypes\n"
    assert imports_of(encode_class(define(source))) == ["ctypes"]


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_random_bytes_are_no_class(data):
    with pytest.raises(StoreError):
        decode_class(data)


GOOD = encode_class(
    define("import math\nclass Mine:\n    a = {1, 2}\n    def f(self, *, x=(1, [2])): return math.pi\n")
)


@given(st.data())
@settings(max_examples=300)
def test_damaged_bytes_are_listed_or_refused(data):
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        names = imports_of(bytes(damaged))
    except StoreError:  # and nothing else
        return
    assert all(isinstance(name, str) for name in names)
