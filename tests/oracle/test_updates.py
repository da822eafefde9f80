"""Updates next to those of Stable-Baselines3 on PyTorch, from the same weights and the same batch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

from rlkit.models.a2c import A2C, A2CConfig
from rlkit.models.dqn import DQN, DQNConfig
from rlkit.models.on_policy import Batch
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.training.normalize import Normalizer
from rlkit.training.replay import Transitions

with np.load(Path(__file__).with_name("updates.npz")) as stored:
    ARRAYS = dict(stored)
TOLD = json.loads(str(ARRAYS.pop("told")))
ON_POLICY = [name for name in TOLD if name.startswith(("ppo", "a2c"))]
DQNS = [name for name in TOLD if name.startswith("dqn")]
ACTIONS = {
    "discrete": spaces.Discrete(4),
    "multi-discrete": spaces.MultiDiscrete([2, 3]),
    "multi-binary": spaces.MultiBinary(3),
    "box": spaces.Box(-2, 2, (2,), np.float32),
}


def case(name):
    """The arrays and the settings of a case."""
    found = {key.removeprefix(f"{name}/"): array for key, array in ARRAYS.items() if key.startswith(f"{name}/")}
    return found, TOLD[name]["settings"]


def action_space(actions):
    if actions.dtype.kind == "f":
        return ACTIONS["box"]
    return ACTIONS[
        {1: "discrete", 2: "multi-discrete", 3: "multi-binary"}[1 if actions.ndim == 1 else actions.shape[1]]
    ]


def same_weights(after, expected, before):
    """Equal to 1e-5, and so is what was added, relative to its size: an update that is left out does not pass."""
    np.testing.assert_allclose(after, expected, atol=1e-5, rtol=0)
    assert np.linalg.norm(after - expected) <= 1e-3 * np.linalg.norm(expected - before)
    assert np.linalg.norm(expected - before) > 0.01


@pytest.mark.parametrize("name", ON_POLICY)
def test_an_on_policy_update_is_that_of_sb3(name):
    arrays, settings = case(name)
    observations, actions = arrays["observations"], arrays["actions"]
    cls, config = (PPO, PPOConfig) if name.startswith("ppo") else (A2C, A2CConfig)
    model = cls(config(net_arch=[6, 5], n_steps=len(actions), **settings), seed=0)
    model._build_for(spaces.Box(-10, 10, observations.shape[1:], np.float32), action_space(actions))
    model.network.parameters.vector[:] = arrays["before"]
    names = ("observations", "actions", "values", "log_probs", "advantages", "returns")
    batch = Batch(**{key: arrays[key] for key in names})
    for _ in range(1 if cls is PPO else 3):
        metrics = model._update(batch, 1.0)
    same_weights(model.network.parameters.vector, arrays["after"], arrays["before"])
    for key, value in TOLD[name]["losses"].items():
        assert metrics[key] == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("name", DQNS)
def test_gradient_steps_of_dqn_are_those_of_torch(name):
    arrays, settings = case(name)
    observations = arrays["observations"]
    model = DQN(DQNConfig(net_arch=[6, 5], **settings), seed=0)
    model._build_for(spaces.Box(-10, 10, observations.shape[1:], np.float32), ACTIONS["discrete"])
    model._parameters.vector[:], model._target_parameters.vector[:] = arrays["before"], arrays["target"]
    discounts = (settings["gamma"] * ~arrays["terminated"]).astype(np.float32)
    batch = Transitions(observations, arrays["actions"], arrays["rewards"], arrays["next_observations"], discounts)
    next_values = model.target_network(batch.next_observations)
    for _ in range(3):
        model._gradient_step(batch, next_values, settings["learning_rate"])
    same_weights(model._parameters.vector, arrays["after"], arrays["before"])


def test_observations_and_rewards_are_normalised_as_by_vecnormalize():
    arrays, settings = case("normalization")
    observations, rewards, dones = arrays["observations"], arrays["rewards"], arrays["dones"]
    everything = np.ones(observations.shape[2], bool)
    normalizer = Normalizer(everything, observations=True, rewards=True, gamma=settings["gamma"])
    for statistics in (normalizer.observation_statistics, normalizer.return_statistics):
        statistics.count = 1e-4  # as SB3's begin, with a part of a row at 0
    normalizer.begin(observations.shape[1])
    found, found_rewards = [normalizer.learn(observations[0])], [np.zeros(observations.shape[1])]
    for t in range(1, len(observations)):
        found.append(normalizer.learn(observations[t]))
        found_rewards.append(normalizer.learn_rewards(rewards[t].astype(np.float64), dones[t]))
    np.testing.assert_allclose(found, arrays["normalized"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found_rewards, arrays["normalized_rewards"], rtol=1e-4, atol=1e-5)
    assert np.abs(arrays["normalized"]).max() == 10  # the limit was met
