"""A model that is no model but has what a registry needs, and a registry to keep it in."""

import contextlib
import copy
import importlib

import numpy as np
import pytest

from rlkit.registry import ModelRegistry


class FakeModel:
    """Gives a state and metadata as real models do."""

    def __init__(self, weight=0.0, **metadata):
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
            **metadata,
        }

    def get_state(self, *, slim=False):
        return copy.deepcopy(self.state)

    def paused(self):
        return contextlib.nullcontext()


class FakeFactory:
    """Rebuilds a FakeModel from its state, and remembers what else it was given."""

    def from_state(self, state, env=None, *, wall_time=0.0):
        model = FakeModel(wall_time=wall_time)
        model.state, model.env = state, env
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
    monkeypatch.setattr(importlib.import_module("rlkit.registry.registry"), "factory", FakeFactory())
    return ModelRegistry(folder)


@pytest.fixture
def make_model():
    return FakeModel


@pytest.fixture
def content():
    return listing
