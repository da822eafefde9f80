from __future__ import annotations

import pytest

from rlkit.config import presets
from rlkit.errors import ConfigError
from rlkit.models.ppo import PPOConfig


@pytest.mark.parametrize("env_id", presets.names("ppo.yaml"))
def test_every_shipped_preset_is_a_valid_config(env_id):
    config = PPOConfig.resolve(env_id=env_id)
    assert f"preset {env_id}" in config.sources.values()


def test_presets_are_listed_by_name():
    assert "CartPole-v1" in presets.names("ppo.yaml")
    assert presets.names("") == []


def test_there_is_nothing_to_choose_without_a_file():
    assert presets.choose("", "CartPole-v1", "auto") == ("", {})
    assert presets.choose("", None, None) == ("", {})
    with pytest.raises(ConfigError, match="no preset"):
        presets.choose("", "CartPole-v1", "CartPole-v1")


def test_a_choice_names_the_preset_and_its_settings():
    name, settings = presets.choose("ppo.yaml", "CartPole-v1", "auto")
    assert name == "CartPole-v1"
    assert settings["gamma"] == 0.98


@pytest.mark.parametrize("preset", [5, ["CartPole-v1"], ""])
def test_what_is_no_name_of_a_preset_is_refused(preset):
    with pytest.raises(ConfigError, match="There is no preset"):
        presets.choose("ppo.yaml", "CartPole-v1", preset)
