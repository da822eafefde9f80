from __future__ import annotations

import numpy as np
import pytest

from rlkit.errors import ConfigError, TrainingError
from rlkit.models.a2c import A2C, A2CConfig, a2c_loss
from rlkit.models.actor_critic import ActorCritic
from rlkit.models.on_policy import Batch
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.nn.heads import CategoricalHead, GaussianHead
from rlkit.nn.optimizers import Adam, RMSprop

HEADS = {"discrete": lambda: CategoricalHead(4), "box": lambda: GaussianHead(2, -0.5)}


def make(config, size, head="discrete"):
    """A network in float64 and a batch."""
    rng = np.random.default_rng(0)
    network = ActorCritic(3, HEADS[head](), config.net_arch, config.activation, rng, dtype=np.float64)
    network.parameters.vector += rng.normal(0, 0.3, network.parameters.size)
    observations, unused = rng.normal(size=(size, 3)), np.zeros(size)
    actions = network.predict(observations, rng)
    return network, Batch(observations, actions, unused, unused, rng.normal(size=size), rng.normal(size=size))


def of(network, batch, config):
    policy, values = network.forward(batch.observations)
    return policy, a2c_loss(policy.log_prob(batch.actions), policy.entropy(), values, batch, config)


@pytest.mark.parametrize("head", list(HEADS))
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("ent_coef", [0.0, 0.7])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_gradient_equals_finite_differences(numeric_gradient, head, normalize, ent_coef, size):
    config = A2CConfig(net_arch=[5, 4], normalize_advantage=normalize, ent_coef=ent_coef, vf_coef=0.7)
    network, batch = make(config, size, head)
    policy, loss = of(network, batch, config)
    network.backward(policy.backward(batch.actions, loss.by_log_probs, loss.by_entropy), loss.by_values)
    gradient = network.parameters.gradient.copy()
    numeric = numeric_gradient(lambda: of(network, batch, config)[1].total, network.parameters.vector)
    assert np.linalg.norm(gradient - numeric) <= 1e-6 * np.linalg.norm(numeric)


@pytest.mark.parametrize("normalize", [True, False])
def test_loss_equals_the_paper(normalize):
    config = A2CConfig(net_arch=[5, 4], normalize_advantage=normalize, ent_coef=0.3, vf_coef=0.7)
    network, batch = make(config, 7)
    policy, loss = of(network, batch, config)
    log_probs, entropies, values = policy.log_prob(batch.actions), policy.entropy(), network.critic(batch.observations)
    advantages = batch.advantages
    if normalize:
        advantages = (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)
    parts = (
        -sum(advantages[i] * log_probs[i] for i in range(7)) / 7,
        sum((values[i, 0] - batch.returns[i]) ** 2 for i in range(7)) / 7,
        -sum(entropies) / 7,
    )
    assert (loss.policy, loss.value, loss.entropy) == pytest.approx(parts, rel=1e-10)
    assert loss.total == pytest.approx(parts[0] + 0.7 * parts[1] + 0.3 * parts[2], rel=1e-10)


class PPOWithRMSprop(PPO):
    """PPO with the optimizer of A2C."""

    algorithm = "ppo-rmsprop"

    def _make_optimizer(self, vector):
        return RMSprop(vector, eps=1e-5)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_ppo_configured_as_a2c_is_a2c(optimizer, env):
    # Huang et al. 2022, "A2C is a special case of PPO", arXiv 2205.09123.
    shared = {"n_envs": 4, "n_steps": 5, "gae_lambda": 1.0, "learning_rate": 7e-4, "ent_coef": 0.01, "gamma": 0.95}
    shared |= {"normalize": "none", "use_sde": False, "log_std_init": 0.0, "vf_coef": 0.4, "ortho_init": True}
    a2c = A2C(A2CConfig(**shared, optimizer=optimizer), env, seed=1)
    settings = {"n_epochs": 1, "batch_size": 20, "normalize_advantage": False, "clip_range": 0.2}
    ppo = (PPO if optimizer == "adam" else PPOWithRMSprop)(PPOConfig(**shared, **settings), env, seed=1)
    before = a2c.network.parameters.vector.copy()
    a2c.train(2000)
    ppo.train(2000)
    ours = a2c.network.parameters.vector
    assert np.abs(ours - before).max() > 0.01
    np.testing.assert_array_equal(ours, ppo.network.parameters.vector)


def test_one_step_is_taken_on_each_rollout(environments):
    model = A2C(A2CConfig(n_envs=2, n_steps=5, optimizer="adam"), environments.Identity, seed=0)
    assert model.train(50).updates.num_rows == 5
    assert model._optimizer.steps == 5


@pytest.mark.parametrize(
    ("settings", "kind", "tensorflow"),
    [
        ({}, RMSprop, False),
        ({"optimizer": "rmsprop_tf"}, RMSprop, True),
        ({"optimizer": "adam", "rms_prop_eps": 1e-3}, Adam, None),
    ],
)
def test_the_optimizer_is_the_one_asked_for(environments, settings, kind, tensorflow):
    optimizer = A2C(A2CConfig(**settings), environments.Identity, seed=0)._optimizer
    assert type(optimizer) is kind
    assert getattr(optimizer, "tensorflow", None) == tensorflow
    assert optimizer.eps == settings.get("rms_prop_eps", 1e-5)


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ConfigError, match="optimizer"):
        A2CConfig(optimizer="sgd")


def test_a_gradient_that_is_not_finite_ends_training_before_it_reaches_the_parameters(environments):
    space = environments.Counting().observation_space
    env = environments.Told(space, [np.zeros(2, np.float32)], [1.0] * 20 + [1e30] + [1.0] * 20)
    model = A2C(A2CConfig(n_steps=8), env, seed=0)
    with pytest.raises(TrainingError, match=r"no longer finite, after 24 steps: .* value loss inf"):
        model.train(1000)
    assert np.isfinite(model.network.parameters.vector).all()
    assert model.history.updates.num_rows == 2
