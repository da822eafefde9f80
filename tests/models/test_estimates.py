"""What a model knows of a state beside the action that it takes there."""

from __future__ import annotations

import numpy as np
import pytest

from rlkit.errors import MissingEnvironmentError, SpaceMismatchError
from rlkit.models.dqn import DQN, DQNConfig
from rlkit.models.ppo import PPO, PPOConfig

SMALL = PPOConfig(n_envs=2, n_steps=16, batch_size=8, n_epochs=2, net_arch=[8])


def make(env="CartPole-v1", config=SMALL):
    return PPO(config, env, seed=0)


def test_the_value_of_a_state_is_the_critics():
    model = make()
    states = np.eye(4, dtype=np.float32)
    values = model.predict_values(states)
    np.testing.assert_array_equal(values, model.network.critic(states)[:, 0])
    assert model.predict_values(states[1]) == pytest.approx(values[1])
    assert np.ndim(model.predict_values(states[1])) == 0


def test_the_value_of_a_state_is_that_of_the_best_action():
    model = DQN(env="CartPole-v1", seed=0)
    states = np.eye(4, dtype=np.float32)
    values = model.action_values(states)
    np.testing.assert_array_equal(values, model.q_network(states))
    np.testing.assert_array_equal(model.predict_values(states), values.max(axis=1))
    np.testing.assert_array_equal(model.predict(states), values.argmax(axis=1))
    assert model.action_values(states[0]).shape == (2,)


def test_action_values_are_in_the_unit_of_the_rewards():
    model = DQN(DQNConfig(normalize="rewards", learning_starts=0, net_arch=[8]), "Acrobot-v1", seed=0)
    model.train(64)
    model._normalizer.return_statistics.variance[:] = 9
    states = np.zeros((1, 6), np.float32)
    np.testing.assert_allclose(model.action_values(states), model.q_network(states) * 3, rtol=1e-4)


@pytest.mark.parametrize("deterministic", [True, False])
def test_probabilities_are_those_that_actions_are_drawn_with(deterministic):
    model = make("Acrobot-v1")
    state = np.random.default_rng(0).normal(size=6).astype(np.float32)
    probabilities = model.action_probabilities(state)
    assert probabilities.shape == (3,)
    assert probabilities.sum() == pytest.approx(1)
    drawn = model.predict(np.tile(state, (4000, 1)), deterministic=deterministic)
    expected = np.eye(3)[probabilities.argmax()] if deterministic else probabilities
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 4000, expected, atol=0.04)


def test_observations_are_normalized_for_estimates_as_for_actions():
    model = make(config=SMALL.replace(normalize="observations"))
    model.train(256)
    state = np.full(4, 0.5, np.float32)
    normalized = model._normalizer.observations(state[None])
    assert not np.allclose(normalized, state)
    assert model.predict_values(state) == pytest.approx(model.network.critic(normalized)[0, 0])


def test_what_an_algorithm_does_not_know_is_none():
    assert make().action_values(np.zeros(4)) is None
    assert DQN(env="CartPole-v1").action_probabilities(np.zeros(4)) is None
    assert make("Pendulum-v1").action_probabilities(np.zeros(3)) is None


@pytest.mark.parametrize("method", ["predict_values", "action_values", "action_probabilities"])
def test_estimates_of_what_is_no_observation_are_refused(method):
    with pytest.raises(SpaceMismatchError, match="does not fit"):
        getattr(make(), method)(np.zeros(3))
    with pytest.raises(MissingEnvironmentError, match="cannot predict"):
        getattr(PPO(), method)(np.zeros(4))
