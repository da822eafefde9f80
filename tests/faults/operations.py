"""All that changes a registry, each in a folder that has something of everything."""

from __future__ import annotations

import itertools
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rlkit.registry import ModelRegistry
from rlkit.storage.packing import PackedModel, pack

STORE = "outer/inner/store"
"""Where a store is, in folders that are not there before the first version is."""

GIVEN = {"cartpole": 5, "acrobot": 1, "swing": 2, "pendulum": 3}
"""The highest number that was given under each name in the registry that :func:`fill` makes."""

ORPHAN = "0123456789abcdef" * 4


class Model:
    """Has what a registry needs of a model, and bytes of its own by its number."""

    def __init__(self, number: int, size: int = 2) -> None:
        self._number, self._size = number, size

    def packed(self, *, slim: bool = False) -> PackedModel:
        """Return little, so that every byte of it can be tried."""
        generator = np.random.default_rng(self._number)
        state = {"algorithm": "ppo", "weights": generator.random(self._size, dtype="f4")}
        return PackedModel({**_TOLD, "metrics": {"mean_return": float(self._number % 3)}}, pack(state))


_TOLD = {
    "algorithm": "ppo",
    "config": {"gamma": 0.9},
    "env_kwargs": {},
    "num_timesteps": 5,
    "num_episodes": 1,
    "wall_time": 0.5,
    "learning_curve": {"steps": [5], "mean_return": [1.0]},
    "left_out": "",
}


def fill(folder: Path) -> None:
    """Make a registry of three models, one of which had another name, with aliases, children, versions in the trash.

    It is called ``store``; a file ``model.rlkit`` beside it holds what it does not.
    """
    registry = ModelRegistry(folder / "store")
    for number in range(1, 6):
        registry.register(Model(number), "cartpole", tags=[f"tag{number}"])
    registry.set_alias("cartpole", "best", 2)
    registry.set_alias("cartpole", "gone", 3)
    registry.delete("cartpole:3")
    registry.copy("cartpole:1", "acrobot")
    for number in (11, 12):
        registry.register(Model(number), "swing", parent="cartpole:2")
    registry.delete("swing:1")
    registry.rename("swing", "pendulum")
    registry.register(Model(13), "pendulum", parent="swing:2")
    registry.versions()
    elsewhere = ModelRegistry(folder / "elsewhere")
    elsewhere.register(Model(77), "taken", tags=["far"])
    elsewhere.export_file("taken:1", folder / "model.rlkit")
    shutil.rmtree(folder / "elsewhere")


def litter(folder: Path) -> None:
    """Leave behind what crashes do."""
    (folder / "objects" / ORPHAN[:2]).mkdir()
    (folder / "objects" / ORPHAN[:2] / ORPHAN[2:]).write_bytes(b"needed by nobody")
    (folder / "models" / "cartpole" / ".000009.json.0123456789ab.tmp").write_bytes(b"half")
    (folder / "models" / ".swing.0123456789ab.tmp").mkdir()
    (folder / "models" / ".swing.0123456789ab.tmp" / "meta.json").write_bytes(b"half")


def nothing(_: Path) -> None:
    """Leave the folder as it is."""


@dataclass(frozen=True)
class Operation:
    """Something that is done to a registry.

    Attributes:
        name: What it does.
        run: Does it, given the registry.
        names: The models whose numbers it may have to do with.
        before: Brings the folder to where it starts.
        stages: Where it is a series of changes, each of which is whole: all but the last.
        purges: Whether it deletes what is in the trash, one by one.
        empty: Whether it starts without a folder.
        reads: Whether it needs nothing of the disk, and so cannot fail.
    """

    name: str
    run: Callable[[ModelRegistry], object]
    names: tuple[str, ...] = ("cartpole",)
    before: Callable[[Path], None] = nothing
    stages: tuple[Callable[[ModelRegistry], object], ...] = ()
    purges: bool = False
    empty: bool = False
    reads: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def __call__(self, registry: ModelRegistry) -> object:
        """Do it."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "An identical model is already registered")
            return self.run(registry)


def _imported(registry: ModelRegistry) -> object:
    return registry.import_file(registry.folder.with_name("model.rlkit"), "lander")


def _deleting(*references: str) -> tuple[Callable[[ModelRegistry], object], ...]:
    def delete(references: tuple[str, ...], registry: ModelRegistry) -> None:
        for reference in references:
            registry.delete(reference)

    return tuple(lambda registry, end=end: delete(references[:end], registry) for end in range(1, len(references)))


def _without_index(folder: Path) -> None:
    (folder / "index.jsonl").unlink()


OPERATIONS = (
    Operation("register a first version in a new folder", lambda r: r.register(Model(1), "cartpole"), empty=True),
    Operation(
        "register a first version of a new model",
        lambda r: r.register(Model(21), "lander", tags=["new"]),
        names=("lander",),
    ),
    Operation("register a further version", lambda r: r.register(Model(22), "cartpole", parent="cartpole:2")),
    Operation(
        "register a version whose bytes are there", lambda r: r.register(Model(2), "acrobot"), names=("acrobot",)
    ),
    Operation("register the same model with new tags", lambda r: r.register(Model(2), "cartpole", tags=["again"])),
    Operation("register the same model with nothing new", lambda r: r.register(Model(2), "cartpole")),
    Operation("register under a former name", lambda r: r.register(Model(23), "swing"), names=("swing", "pendulum")),
    Operation("delete a version", lambda r: r.delete("cartpole:1")),
    Operation("delete the newest version", lambda r: r.delete("cartpole:5")),
    Operation("delete by alias", lambda r: r.delete("cartpole@best")),
    Operation("delete by a former name", lambda r: r.delete("swing:2"), names=("pendulum", "swing")),
    Operation("restore a version", lambda r: r.restore("cartpole:3")),
    Operation("restore by a former name", lambda r: r.restore("swing:1"), names=("pendulum", "swing")),
    Operation("set an alias", lambda r: r.set_alias("acrobot", "best", 1), names=("acrobot",)),
    Operation("move an alias", lambda r: r.set_alias("cartpole", "best", 4)),
    Operation("delete an alias", lambda r: r.delete_alias("cartpole", "best")),
    Operation("promote", lambda r: r.promote("cartpole", mode="min")),
    Operation("tag", lambda r: r.tag("cartpole:2", "x", "y")),
    Operation("untag", lambda r: r.untag("cartpole:2", "tag2")),
    Operation("describe", lambda r: r.describe("cartpole:4", "A good one.")),
    Operation("add metrics", lambda r: r.add_metrics("cartpole:4", {"mean_return": 9.0, "other": 1.0})),
    Operation("copy to a new model", lambda r: r.copy("cartpole:2", "lander"), names=("lander",)),
    Operation("copy to a model that is there", lambda r: r.copy("cartpole@best", "acrobot"), names=("acrobot",)),
    Operation("rename", lambda r: r.rename("cartpole", "pole"), names=("cartpole", "pole")),
    Operation("rename back", lambda r: r.rename("pendulum", "swing"), names=("swing", "pendulum")),
    Operation("import a file", _imported, names=("lander",)),
    Operation(
        "prune",
        lambda r: r.prune("cartpole", 1, force=True),
        stages=_deleting("cartpole:1", "cartpole:2", "cartpole:4"),
    ),
    Operation("collect garbage", lambda r: r.gc(), before=litter, purges=True, names=("cartpole", "swing")),
    Operation("reindex", lambda r: r.reindex()),
    Operation("search where the index is lost", lambda r: r.versions(), before=_without_index, reads=True),
)


def subsets(items: list[str]) -> Iterator[tuple[str, ...]]:
    """Return every selection of the items."""
    return itertools.chain.from_iterable(itertools.combinations(items, size) for size in range(len(items) + 1))
