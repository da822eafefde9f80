"""Environments whose right policies and values are known, as others test with."""

from __future__ import annotations

import numpy as np
import pytest

import rlkit
from rlkit.models.ppo import PPO, PPOConfig


def trained(env, steps, **settings):
    config = {"n_steps": 64, "batch_size": 64, "n_epochs": 10, "learning_rate": 0.01, "gamma": 0.5, "net_arch": [16]}
    model = PPO(PPOConfig(**{**config, **settings}), env, seed=0)
    model.train(steps)
    return model


def value(model, *observation):
    return float(model.network.values(np.array([observation], np.float32))[0])


def test_a_constant_reward_gives_its_value(environments):
    assert value(trained(environments.ConstantReward, 2000), 0) == pytest.approx(1, abs=0.02)


def test_a_reward_that_depends_on_the_observation_gives_each_its_value(environments):
    model = trained(environments.ObservationReward, 3000)
    assert value(model, 1) == pytest.approx(1, abs=0.05)
    assert value(model, -1) == pytest.approx(-1, abs=0.05)


def test_a_reward_that_comes_later_is_discounted(environments):
    model = trained(environments.DelayedReward, 4000)
    assert value(model, 1) == pytest.approx(1, abs=0.05)
    assert value(model, 0) == pytest.approx(0.5, abs=0.05)


def test_a_reward_that_depends_on_the_action_gives_the_policy(environments):
    model = trained(environments.ActionReward, 3000)
    assert model.predict([0.0]) == 1
    assert np.mean([model.predict([0.0], deterministic=False) for _ in range(100)]) > 0.9
    assert value(model, 0) == pytest.approx(1, abs=0.1)


def test_a_reward_that_depends_on_both_gives_policy_and_value(environments):
    model = trained(environments.ObservationActionReward, 4000)
    assert model.predict([[1.0], [-1.0]]).tolist() == [1, 0]
    assert value(model, 1) == pytest.approx(1, abs=0.1)
    assert value(model, -1) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("first_observation", "first_action"), [(0, 0), (3, -2)])
def test_the_identity_is_learnt(environments, first_observation, first_action):
    def make():
        return environments.Identity(4, first_observation, first_action, length=100)

    model = trained(make, 2000, gamma=0.0)
    assert model.evaluate(5).mean >= 90


def test_an_endless_environment_that_is_cut_off_has_the_value_of_going_on(environments):
    # Were the cut taken for an end, the value could not pass the 20 rewards of an episode.
    model = trained(environments.Endless, 40_000, gamma=0.98, gae_lambda=0.95, n_steps=128, batch_size=128)
    assert value(model, 1) == pytest.approx(50, abs=1)


def solve(seed):
    model = rlkit.create("ppo", env="CartPole-v1", seed=seed)
    model.train(100_000)
    return model.evaluate(100, seed=1000 + seed).mean


def test_cartpole_is_solved_with_the_shipped_settings():
    assert solve(0) >= 475


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_cartpole_is_solved_whatever_the_seed(seed):
    assert solve(seed) >= 475
