from __future__ import annotations

import math

import numpy as np

from rlkit.models.actor_critic import ActorCritic
from rlkit.models.config import NetArch
from rlkit.nn.heads import CategoricalHead, GaussianHead


def make(sizes=(64, 64), features=4, head=None):
    return ActorCritic(features, head or CategoricalHead(3), NetArch(sizes, sizes), "tanh", np.random.default_rng(0))


def test_networks_begin_with_sb3s_gains():
    network = make()
    gains = {"actor": [math.sqrt(2), math.sqrt(2), 0.01], "critic": [math.sqrt(2), math.sqrt(2), 1.0]}
    for name, expected in gains.items():
        for i, gain in enumerate(expected):
            singular = np.linalg.svd(network.parameters[f"{name}.{i}.weight"], compute_uv=False)
            np.testing.assert_allclose(singular, gain, rtol=1e-5)
            assert not network.parameters[f"{name}.{i}.bias"].any()


def test_policy_and_value_share_no_parameters():
    network = make((8,))
    network.forward(np.ones((2, 4), np.float32))
    network.backward(np.ones((2, 3), np.float32), np.zeros(2, np.float32))
    assert network.parameters.grad("actor.0.weight").any()
    assert not network.parameters.grad("critic.0.weight").any()


def test_values_have_the_shape_of_the_observations_and_are_no_buffer():
    network = make((8,), features=2)
    observations = np.random.default_rng(1).normal(size=(5, 4, 2)).astype(np.float32)
    values = network.values(observations)
    kept = values.copy()
    assert values.shape == (5, 4)
    network.values(observations[:1] * 2)
    network.forward(observations[0])
    np.testing.assert_array_equal(values, kept)
    np.testing.assert_allclose(values[3], network.critic(observations[3])[:, 0], rtol=1e-6)


def test_the_spread_of_real_actions_is_a_parameter_like_any_other():
    network = make((8,), head=GaussianHead(2, -1.0))
    np.testing.assert_array_equal(network.parameters["log_std"], np.full(2, -1, np.float32))
    observations = np.ones((3, 4), np.float32)
    policy, _ = network.forward(observations)
    network.backward(policy.backward(np.ones((3, 2), np.float32), np.ones(3, np.float32)), np.zeros(3, np.float32))
    assert network.parameters.grad("log_std").any()


def test_predicting_draws_as_training_does_and_uses_no_buffer():
    network = make((8,))
    observations = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    drawn = network.predict(observations, np.random.default_rng(2))
    noise = next(network.head.noise(np.random.default_rng(2), 1, 50))
    np.testing.assert_array_equal(network.act(observations, noise), drawn)
    kept = network.actor.latent.copy()
    network.predict(observations[::-1], None)
    np.testing.assert_array_equal(network.actor.latent, kept)
