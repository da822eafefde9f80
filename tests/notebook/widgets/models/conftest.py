"""A registry of small models, and whoever else writes to its folder."""

import itertools

import pytest

import rlkit
from rlkit.registry import ModelRegistry
from rlkit.storage.packing import PackedModel

CURVE = {"steps": [500.0, 1000.0], "mean_return": [20.0, 40.0]}


class Kept:
    """A model as a registry takes it, of which others are told than of the model that it was made of."""

    def __init__(self, packed, **told):
        self._packed = PackedModel(packed.metadata | told, packed.objects)

    def packed(self, *, slim=False):
        return self._packed


@pytest.fixture(scope="session")
def packed():
    return rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[4]).packed()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def registry(folder):
    return ModelRegistry(folder)


@pytest.fixture
def other(folder):
    """The same folder, as another program has it open."""
    return ModelRegistry(folder)


@pytest.fixture
def keep(other, packed):
    """Keep one version from another program: what is said of it, and else a mean return that grows."""
    returns = itertools.count(1.0)

    def keep(name="cartpole", *, metrics=None, learning_curve=CURVE, num_timesteps=1000, told=None, **given):
        metrics = {"mean_return": next(returns)} if metrics is None else metrics
        model = Kept(packed, learning_curve=learning_curve, num_timesteps=num_timesteps, **(told or {}))
        return other.register(model, name, metrics=metrics, allow_duplicate=True, **given)

    return keep


@pytest.fixture
def spoil(folder):
    """Damage the manifest of a version, as a copy that broke off would."""

    def spoil(name, number):
        path = folder / "models" / name / f"{number:06d}.json"
        half = path.with_suffix(".half")
        half.write_bytes(path.read_bytes()[:-9])
        half.replace(path)

    return spoil
