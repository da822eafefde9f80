from __future__ import annotations

import pytest

from rlkit.config import presets
from rlkit.errors import ConfigError
from rlkit.models.a2c import A2CConfig
from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPOConfig

CONFIGS = (A2CConfig, DQNConfig, PPOConfig)


@pytest.mark.parametrize(("config", "env_id"), [(c, env) for c in CONFIGS for env in presets.names(c.preset_file)])
def test_every_shipped_preset_is_a_valid_config(config, env_id):
    assert f"preset {env_id}" in config.resolve(env_id=env_id).sources.values()


def test_presets_are_listed_by_name():
    assert "CartPole-v1" in presets.names("ppo.yaml")
    assert presets.names("") == []


def test_there_is_nothing_to_choose_without_a_file():
    assert presets.choose("", "CartPole-v1", "auto") == ("", {})
    assert presets.choose("", None, None) == ("", {})
    with pytest.raises(ConfigError, match="no preset"):
        presets.choose("", "CartPole-v1", "CartPole-v1")


@pytest.mark.parametrize("env_id", ["NoSuch-v1", None])
def test_an_environment_without_a_preset_of_its_own_has_the_default_one(env_id):
    name, settings = presets.choose("dqn.yaml", env_id, "auto")
    assert name == "default"
    assert settings["double_q"] is True
    assert [presets.choose(f"{algorithm}.yaml", env_id, "auto")[0] for algorithm in ("ppo", "a2c")] == ["default"] * 2
    assert "default" not in presets.names("dqn.yaml")


def test_a_choice_names_the_preset_and_its_settings():
    name, settings = presets.choose("ppo.yaml", "CartPole-v1", "auto")
    assert name == "CartPole-v1"
    assert settings["gamma"] == 0.98


@pytest.mark.parametrize("preset", [5, ["CartPole-v1"], ""])
def test_what_is_no_name_of_a_preset_is_refused(preset):
    with pytest.raises(ConfigError, match="There is no preset"):
        presets.choose("ppo.yaml", "CartPole-v1", preset)
