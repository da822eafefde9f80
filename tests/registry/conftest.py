"""A model that is no model but has what a registry needs, and a registry to keep it in."""

import importlib
import itertools

import numpy as np
import pytest

from rlkit.registry import ModelRegistry, ModelVersion
from rlkit.registry.versions import document_of
from rlkit.storage.packing import PackedModel, pack, state_of

_weights = itertools.count(1000)


class FakeModel:
    """Gives a state and metadata as real models do; each has weights of its own, unless told which."""

    def __init__(self, weight=None, **metadata):
        weight = next(_weights) if weight is None else weight
        self.state = {"algorithm": "ppo", "weights": np.full(4, weight, dtype="f4")}
        self.metadata = {
            "algorithm": "ppo",
            "config": {"learning_rate": 0.001, "net_arch": [64, 64]},
            "env_id": "CartPole-v1",
            "env_kwargs": {},
            "observation_space": {"kind": "Box", "shape": [4]},
            "action_space": {"kind": "Discrete", "n": 2},
            "seed": 0,
            "num_timesteps": 1000,
            "num_episodes": 20,
            "wall_time": 1.5,
            "learning_curve": {"steps": [500, 1000], "mean_return": [20.0, 40.0]},
            "left_out": "",
            **metadata,
        }

    def packed(self, *, slim=False):
        return PackedModel(self.metadata, pack(self.state))


class FakeFactory:
    """Rebuilds a FakeModel from its state, and remembers what else it was given."""

    def rebuild(self, objects, env=None, *, metadata=None, trust=False, origin=""):
        model = FakeModel(wall_time=metadata["wall_time"])
        model.state, model.env = state_of(objects), env
        return model


def listing(folder):
    """Every file and folder with its content: what must stay the same when nothing may be written."""
    if not folder.exists():
        return None
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def registry(folder, monkeypatch):
    # As an attribute, rlkit.registry is a function: the module must be asked for by its name.
    monkeypatch.setattr(importlib.import_module("rlkit.registry.reader"), "factory", FakeFactory())
    return ModelRegistry(folder)


@pytest.fixture
def make_model():
    return FakeModel


def version_with(**attributes):
    """A version that no registry keeps, with what is said of it and else with nothing."""
    known = {"algorithm": "ppo", "created": "2026-03-04T05:06:07+00:00", "format": 2, **attributes}
    sha256, size = known.pop("sha256", "ab" * 32), known.pop("size", 115_000)
    aliases, curve = known.pop("aliases", ()), known.pop("learning_curve", {})
    name, number = known.pop("name", "cartpole"), known.pop("version", 3)
    manifest = {**known, "objects": {"state": {"sha256": sha256, "size": size}}, "learning_curve": curve}
    meta = {"aliases": dict.fromkeys(aliases, number), "versions": {}}
    return ModelVersion(document_of(name, number, manifest, meta), lambda *_: manifest)


@pytest.fixture
def make_version():
    return version_with


@pytest.fixture
def content():
    return listing
