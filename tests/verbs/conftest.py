"""Verbs as a shell runs them, and a registry of their own."""

import pytest

import rlkit
from rlkit.verbs import Scope


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "store"


@pytest.fixture
def run():
    def run(verb, line, scope=None):
        scope = scope or Scope()
        words = verb.split("rlkit", line)
        return verb.run(verb.parser("rlkit", words, scope).parse(words), scope)

    return run


@pytest.fixture
def registry():
    """Return a registry with two versions of cartpole and one of pendulum."""
    registry = rlkit.registry()
    for seed, reached in ((0, 100.0), (1, 450.0)):
        model = rlkit.create("ppo", "CartPole-v1", seed=seed, net_arch=[4])
        registry.register(model, "cartpole", tags=["small"], metrics={"mean_return": reached})
    registry.register(rlkit.create("a2c", "Pendulum-v1", seed=0, net_arch=[4]), "pendulum", description="swings")
    return registry
