"""Environments whose right policies and values are known, as others test with, and returns that others published."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import rlkit

SETTINGS = {
    "ppo": {"n_steps": 64, "batch_size": 64, "n_epochs": 10, "learning_rate": 0.01},
    "a2c": {"n_steps": 8, "n_envs": 4, "learning_rate": 0.01, "gae_lambda": 0.95},
    "dqn": {
        "learning_rate": 0.003,
        "learning_starts": 100,
        "target_update_interval": 50,
        "train_freq": 2,
        "exploration_fraction": 0.5,
        "buffer_size": 5000,
    },
}
every_algorithm = pytest.mark.parametrize("algorithm", list(SETTINGS))


def trained(algorithm, env, steps, **settings):
    config = {**SETTINGS[algorithm], "gamma": 0.5, "net_arch": [16], **settings}
    model = rlkit.create(algorithm, env=env, seed=0, preset=None, **config)
    model.train(steps)
    return model


def value(model, *observation):
    """The value of a state: of its best action, where the model knows values of actions."""
    features = np.array([observation], np.float32)
    if model.algorithm == "dqn":
        return float(model.q_network(features).max())
    return float(model.network.values(features)[0])


@every_algorithm
def test_a_constant_reward_gives_its_value(environments, algorithm):
    assert value(trained(algorithm, environments.ConstantReward, 2000), 0) == pytest.approx(1, abs=0.02)


@every_algorithm
def test_a_reward_that_depends_on_the_observation_gives_each_its_value(environments, algorithm):
    model = trained(algorithm, environments.ObservationReward, 4000)
    assert value(model, 1) == pytest.approx(1, abs=0.05)
    assert value(model, -1) == pytest.approx(-1, abs=0.05)


@every_algorithm
def test_a_reward_that_comes_later_is_discounted(environments, algorithm):
    model = trained(algorithm, environments.DelayedReward, 6000)
    assert value(model, 1) == pytest.approx(1, abs=0.05)
    assert value(model, 0) == pytest.approx(0.5, abs=0.05)


@every_algorithm
def test_a_reward_that_depends_on_the_action_gives_the_policy(environments, algorithm):
    model = trained(algorithm, environments.ActionReward, 3000)
    assert model.predict([0.0]) == 1
    assert np.mean([model.predict([0.0], deterministic=False) for _ in range(100)]) > 0.9
    assert value(model, 0) == pytest.approx(1, abs=0.1)


@every_algorithm
def test_a_reward_that_depends_on_both_gives_policy_and_value(environments, algorithm):
    model = trained(algorithm, environments.ObservationActionReward, 6000)
    assert model.predict([[1.0], [-1.0]]).tolist() == [1, 0]
    assert value(model, 1) == pytest.approx(1, abs=0.1)
    assert value(model, -1) == pytest.approx(1, abs=0.1)


@every_algorithm
@pytest.mark.parametrize(("first_observation", "first_action"), [(0, 0), (3, -2)])
def test_the_identity_is_learnt(environments, algorithm, first_observation, first_action):
    def make():
        return environments.Identity(4, first_observation, first_action, length=100)

    model = trained(algorithm, make, 2000, gamma=0.0)
    assert model.evaluate(5).mean >= 90


class IdentityOf(gymnasium.Env):
    """Reward for an action that equals the observation, part by part."""

    def __init__(self, space):
        self.observation_space = self.action_space = space

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        self.state = self.observation_space.sample()
        return self.state, {}

    def step(self, action):
        if isinstance(self.action_space, spaces.Box):
            reward = 1 - float(np.abs(action - self.state).mean())
        else:
            reward = float(np.all(action == self.state))
        self.steps += 1
        self.state = self.observation_space.sample()
        return self.state, reward, False, self.steps >= 100, {}


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
@pytest.mark.parametrize(
    "space", [spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(3), spaces.Box(-1, 1, (2,), np.float32)], ids=str
)
def test_the_identity_of_several_parts_is_learnt(algorithm, space):
    model = trained(algorithm, lambda: IdentityOf(space), 6000, gamma=0.0, log_std_init=-0.5)
    assert model.evaluate(5).mean >= 90


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_the_identity_of_numbers_is_learnt_with_noise_that_depends_on_the_state(algorithm):
    space = spaces.Box(-1, 1, (2,), np.float32)
    settings = {"use_sde": True, "log_std_init": -1, "net_arch": [32], "learning_rate": 0.003}
    model = trained(algorithm, lambda: IdentityOf(space), 6000, gamma=0.0, **settings)
    assert model.evaluate(5).mean >= 90


ENDLESS = {
    "ppo": {"gae_lambda": 0.95, "n_steps": 128, "batch_size": 128},
    "a2c": {"gae_lambda": 0.95, "n_steps": 16},
    "dqn": {"learning_rate": 0.01, "batch_size": 64, "target_update_interval": 20, "n_steps": 3},
}


@every_algorithm
def test_an_endless_environment_that_is_cut_off_has_the_value_of_going_on(environments, algorithm):
    # Were the cut taken for an end, the value could not pass the 20 rewards of an episode.
    settings = {"gamma": 0.98, "learning_rate": "lin_0.01", **ENDLESS[algorithm]}
    model = trained(algorithm, environments.Endless, 40_000, **settings)
    assert value(model, 1) == pytest.approx(50, abs=1)


# -- published returns -------------------------------------------------------------------------------------------------


@every_algorithm
def test_cartpole_is_solved_with_the_shipped_settings(algorithm):
    model = rlkit.create(algorithm, env="CartPole-v1", seed=0)
    model.train()
    assert model.evaluate(100, seed=1_000_000).mean >= 475


def benchmark():
    """The module benchmarks/returns.py, which has the targets and how they are measured."""
    path = Path(__file__).parents[2] / "benchmarks" / "returns.py"
    spec = importlib.util.spec_from_file_location("returns", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["returns"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


RETURNS = benchmark()


@pytest.mark.long
@pytest.mark.parametrize("case", RETURNS.CASES, ids=lambda case: f"{case.env}, {case.algorithm}")
def test_returns_reach_the_published_ones_on_every_seed(case):
    returns = np.array([RETURNS.run(case, seed, {})["mean"] for seed in range(5)])
    assert case.reached(returns), returns


def test_the_interquartile_mean_is_that_of_the_middle_half():
    # rliable takes scipy.stats.trim_mean(scores, 0.25): of five numbers the lowest and the highest are left out.
    assert RETURNS.interquartile_mean([9.0, -100.0, 1.0, 2.0, 3.0]) == 2
    assert RETURNS.interquartile_mean([[8.0, 0.0, 2.0, 4.0]] * 2).tolist() == [3, 3]
    case = RETURNS.Case("CartPole-v1", "ppo", 500, 475, "")
    assert case.reached([500, 500, 500, 500, 480])
    assert not case.reached([500, 500, 500, 499, 498])
    assert not case.reached([500, 500, 500, 500, 474])
    low, high = RETURNS.interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert 1 <= low < 3 < high <= 5
