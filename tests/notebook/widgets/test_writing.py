from __future__ import annotations

import pytest

from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPOConfig
from rlkit.notebook.widgets import writing


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("learning_rate", 0.001, "--learning-rate 0.001"),
        ("learning_rate", "lin_0.001", "--learning-rate lin_0.001"),
        ("gamma", 1e-05, "--gamma 1e-05"),
        ("sde_sample_freq", -1, "--sde-sample-freq=-1"),
        ("use_sde", True, "--use-sde"),
        ("use_sde", False, "--no-use-sde"),
        ("target_kl", None, "--target-kl none"),
        ("normalize", "none", "--normalize none"),
        ("net_arch", [64, 64], "--net-arch 64,64"),
        ("net_arch", [64], "--net-arch 64"),
        ("net_arch", [], "--net-arch '[]'"),
        ("net_arch", {"pi": [8], "vf": []}, "--net-arch '{pi: [8], vf: []}'"),
    ],
)
def test_every_kind_of_value_is_an_option(name, value, written):
    assert writing.options({name: value}, PPOConfig.hyperparameters()) == [written]


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("ppo", None), "ppo"),
        (("ppo", "CartPole-v1"), "ppo CartPole-v1"),
        (("ppo", "a package:Env-v0", "none"), "ppo 'a package:Env-v0' --preset none"),
        (("ppo", None, "Pendulum-v1"), "ppo --preset Pendulum-v1"),
    ],
)
def test_a_call_names_algorithm_environment_and_preset(arguments, written):
    assert writing.call(*arguments) == written


def test_a_block_has_a_line_for_each_value_that_is_not_the_default():
    config = PPOConfig(gamma=0.5, net_arch={"pi": [8] * 80, "vf": []}, target_kl=0.01)
    assert writing.block(config).splitlines() == [
        "gamma: 0.5",
        f"net_arch: {{pi: {[8] * 80}, vf: []}}",
        "target_kl: 0.01",
    ]
    assert writing.block(DQNConfig()) == ""
