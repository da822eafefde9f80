"""The functions that stand in ``rlkit`` itself."""

import pathlib

import pytest

import rlkit
from rlkit.errors import InvalidReferenceError, ModelNotFoundError, StoreError


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def test_load_tells_files_from_versions():
    model = rlkit.create("ppo", env="CartPole-v1", seed=0)
    rlkit.register(model, "cartpole")
    model.save("kept.rlkit")
    assert rlkit.load("cartpole").seed == rlkit.load("cartpole:1").seed == 0
    assert rlkit.load("kept.rlkit").seed == rlkit.load(pathlib.Path("kept.rlkit")).seed == 0
    with pytest.raises(ModelNotFoundError):
        rlkit.load("kept")
    with pytest.raises(StoreError):
        rlkit.load("cartpole.rlkit")


def test_opening_a_registry_does_not_change_where_models_go_and_choosing_one_does(tmp_path):
    model = rlkit.create("ppo", env="CartPole-v1", seed=0)
    other = rlkit.registry("other")
    assert rlkit.register(model, "cartpole").ref == "cartpole:1"
    assert (rlkit.registry().folder, other.models()) == (tmp_path / "store", [])
    for registry in (other, "other", tmp_path / "other"):
        rlkit.register(model, "pole", registry=registry, allow_duplicate=True)
        assert rlkit.load("pole", registry=registry).seed == 0
    assert (other.models(), rlkit.registry().models()) == (["pole"], ["cartpole"])
    assert rlkit.use_registry("other") is other
    assert rlkit.registry() is other
    assert rlkit.load("pole:3").seed == 0


@pytest.mark.parametrize("source", [5, None, b"cartpole", ["cartpole"]])
def test_what_is_neither_file_nor_reference_is_refused(source):
    with pytest.raises(InvalidReferenceError, match="must be a string"):
        rlkit.load(source)


def test_environments_are_listed_and_described_with_the_algorithms_that_take_them():
    (acrobot,) = rlkit.environments("acrobot")
    assert acrobot.presets == ("a2c", "dqn", "ppo")
    assert rlkit.environment("Acrobot").algorithms == ("a2c", "dqn", "ppo")
    assert rlkit.environment("Pendulum").algorithms == ("a2c", "ppo")
