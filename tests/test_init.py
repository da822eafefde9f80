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


@pytest.mark.parametrize("source", [5, None, b"cartpole", ["cartpole"]])
def test_what_is_neither_file_nor_reference_is_refused(source):
    with pytest.raises(InvalidReferenceError, match="must be a string"):
        rlkit.load(source)


def test_environments_are_listed_and_described_with_the_algorithms_that_take_them():
    (acrobot,) = rlkit.environments("acrobot")
    assert acrobot.presets == ("a2c", "dqn", "ppo")
    assert rlkit.environment("Acrobot").algorithms == ("a2c", "dqn", "ppo")
    assert rlkit.environment("Pendulum").algorithms == ("a2c", "ppo")
