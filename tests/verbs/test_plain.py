"""What verbs return, as JSON."""

import json

import pytest

import rlkit
from rlkit.verbs.plain import to_plain


def as_json(value):
    """Return what a script reads; NaN and infinity are no JSON."""
    return json.loads(json.dumps(to_plain(value), allow_nan=False))


@pytest.fixture
def model():
    return rlkit.create("ppo", "CartPole-v1", seed=0, n_steps=16, batch_size=64, n_epochs=1)


def test_versions_and_what_is_made_of_them(registry):
    assert as_json(registry.get("cartpole:1"))["ref"] == "cartpole:1"
    assert [version["ref"] for version in as_json(registry.versions())] == ["cartpole:1", "cartpole:2", "pendulum:1"]
    compared = as_json(registry.compare("cartpole:1", "cartpole:2"))
    assert [version["ref"] for version in compared["versions"]] == list(compared["curves"])
    differ = as_json(registry.diff("cartpole:1", "cartpole:2"))
    assert differ["metrics"]["mean_return"]["change"] == 350.0
    assert differ["facts"]["seed"] == [0, 1]
    assert as_json(registry.lineage("cartpole:1"))["children"] == []
    assert as_json(registry.card("cartpole:1"))["markdown"].startswith("# cartpole:1")
    assert as_json(registry)["models"] == ["cartpole", "pendulum"]


def test_reports(registry):
    assert as_json(registry.verify())["ok"] is True
    assert as_json(registry.prune("cartpole", 1, dry_run=True))["deleted"] == ["cartpole:1"]
    assert as_json(registry.gc(dry_run=True))["versions"] == []
    assert as_json(registry.inspect("cartpole:1"))["objects"][0]["kind"] == "state"


def test_what_a_model_did(model):
    history = as_json(model.train(64, progress=False))
    assert (history["num_timesteps"], history["mean_return"]) == (128, history["mean_return"])
    assert set(history["evaluations"]) == set()
    assert len(as_json(model.evaluate(3))["returns"]) == 3
    recording = as_json(model.watch())
    assert len(recording["rewards"]) == recording["length"]


def test_a_mean_that_is_not_known_is_none():
    model = rlkit.create("ppo", "Pendulum-v1", n_steps=16, n_envs=1, batch_size=16)
    assert as_json(model.train(1, progress=False))["mean_return"] is None


def test_configs_and_descriptions(model, tmp_path):
    assert as_json(model.config)["sources"]["n_steps"] == "caller"
    assert as_json(rlkit.factory.describe("ppo"))["defaults"]["net_arch"] == [64, 64]
    assert [algorithm["name"] for algorithm in as_json(rlkit.factory)] == rlkit.factory.names()
    assert "CartPole-v1" in [each["id"] for each in as_json(rlkit.environments())]
    assert as_json(rlkit.environment("CartPole-v1"))["reward_threshold"] == 475.0
    assert as_json(tmp_path) == str(tmp_path)
