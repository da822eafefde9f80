from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from rlkit.errors import TrainingError
from rlkit.models.actor_critic import ActorCritic
from rlkit.models.on_policy import Batch
from rlkit.models.ppo import PPO, PPOConfig, ppo_loss
from rlkit.nn.heads import BernoulliHead, CategoricalHead, GaussianHead, MultiCategoricalHead, StateDependentHead
from rlkit.training import Callback

FEATURES, CHOICES = 3, 4
HEADS = {
    "discrete": lambda: CategoricalHead(CHOICES),
    "multi-discrete": lambda: MultiCategoricalHead([2, 3]),
    "multi-binary": lambda: BernoulliHead(3),
    "box": lambda: GaussianHead(2, -0.5),
    "box with gsde": lambda: StateDependentHead(2, -0.5),
}


def reference(log_probs, entropies, values, batch, config, *, clip_range, clip_range_vf):
    """The loss as the paper and SB3 write it, one transition at a time. Returns the total and its three parts."""
    n = len(batch)
    advantages = [float(a) for a in batch.advantages]
    if config.normalize_advantage and n > 1:
        mean = sum(advantages) / n
        std = math.sqrt(sum((a - mean) ** 2 for a in advantages) / (n - 1))
        advantages = [(a - mean) / (std + 1e-8) for a in advantages]
    policy = value = entropy = 0.0
    for i in range(n):
        ratio = math.exp(log_probs[i]) / math.exp(batch.log_probs[i])
        clipped = min(max(ratio, 1 - clip_range), 1 + clip_range)
        policy -= min(ratio * advantages[i], clipped * advantages[i]) / n
        predicted = values[i]
        if clip_range_vf is not None:
            predicted = batch.values[i] + min(max(values[i] - batch.values[i], -clip_range_vf), clip_range_vf)
        value += (predicted - batch.returns[i]) ** 2 / n
        entropy -= entropies[i] / n
    return policy + config.ent_coef * entropy + config.vf_coef * value, policy, value, entropy


def make(config, size, seed=0, head="discrete"):
    """A network in float64 and a batch of a somewhat older policy, so that ratios are on both sides of the clip."""
    rng = np.random.default_rng(seed)
    network = ActorCritic(FEATURES, HEADS[head](), config.net_arch, config.activation, rng, dtype=np.float64)
    network.parameters.vector += rng.normal(0, 0.3, network.parameters.size)
    observations = rng.normal(size=(size, FEATURES))
    values = network.critic(observations)[:, 0]
    actions = network.predict(observations, rng)
    log_probs = network.policy(observations).log_prob(actions)
    batch = Batch(
        observations,
        actions,
        values + rng.normal(0, 0.3, size),
        log_probs + rng.normal(0, 0.3, size),
        rng.normal(size=size),
        rng.normal(size=size),
    )
    return network, batch


def of(network, batch, config, *, clip_range=0.2, clip_range_vf=None):
    """The policy and the loss of a network on a batch."""
    policy, values = network.forward(batch.observations)
    log_probs, entropies = policy.log_prob(batch.actions), policy.entropy()
    loss = ppo_loss(log_probs, entropies, values, batch, config, clip_range=clip_range, clip_range_vf=clip_range_vf)
    return policy, loss


@pytest.fixture
def check_gradient(numeric_gradient):
    def check_gradient(network, batch, config, *, clip_range_vf=None):
        def total():
            return of(network, batch, config, clip_range_vf=clip_range_vf)[1].total

        policy, loss = of(network, batch, config, clip_range_vf=clip_range_vf)
        network.backward(policy.backward(batch.actions, loss.by_log_probs, loss.by_entropy), loss.by_values)
        gradient, numeric = network.parameters.gradient, numeric_gradient(total, network.parameters.vector)
        assert np.linalg.norm(gradient - numeric) <= 1e-6 * max(np.linalg.norm(gradient), np.linalg.norm(numeric), 1e-8)
        return loss

    return check_gradient


def configured(**settings):
    return PPOConfig(**{"net_arch": [5, 4], **settings})


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("clip_range_vf", [None, 0.1, 10.0])
@pytest.mark.parametrize("ent_coef", [0.0, 0.7])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_gradient_equals_finite_differences(check_gradient, normalize, clip_range_vf, ent_coef, size):
    config = configured(normalize_advantage=normalize, ent_coef=ent_coef)
    network, batch = make(config, size)
    check_gradient(network, batch, config, clip_range_vf=clip_range_vf)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("net_arch", [[], [6], {"pi": [3], "vf": [7, 2]}])
def test_gradient_is_right_for_every_network(check_gradient, activation, net_arch):
    config = configured(activation=activation, net_arch=net_arch, ent_coef=0.1)
    network, batch = make(config, 6)
    check_gradient(network, batch, config)


@pytest.mark.parametrize("ent_coef", [0.0, 0.7])
@pytest.mark.parametrize("net_arch", [[], [5, 4]])
@pytest.mark.parametrize("head", [name for name in HEADS if name != "box with gsde"])
def test_gradient_is_right_for_every_kind_of_action(check_gradient, head, net_arch, ent_coef):
    config = configured(net_arch=net_arch, ent_coef=ent_coef)
    network, batch = make(config, 6, head=head)
    check_gradient(network, batch, config)


@pytest.mark.parametrize("ent_coef", [0.0, 0.7])
def test_gsdes_gradient_is_right_without_hidden_layers_which_do_not_learn_of_the_spread(check_gradient, ent_coef):
    config = configured(net_arch=[], ent_coef=ent_coef)
    network, batch = make(config, 6, head="box with gsde")
    check_gradient(network, batch, config)


@pytest.mark.parametrize(
    ("ratio", "advantage", "gradient_stops"),
    [
        (1.5, 1.0, True),  # gone up as wanted, far enough
        (1.5, -1.0, False),  # gone up against what is wanted: the way back stays open
        (0.5, 1.0, False),  # gone down against what is wanted
        (0.5, -1.0, True),  # gone down as wanted, far enough
        (1.1, 1.0, False),  # inside the range, either way
        (1.1, -1.0, False),
        (0.9, 1.0, False),
        (0.9, -1.0, False),
    ],
)
def test_each_branch_of_the_clipped_objective(check_gradient, ratio, advantage, gradient_stops):
    config = configured(normalize_advantage=False)
    network, batch = make(config, 1)
    batch.log_probs[:] = network.policy(batch.observations).log_prob(batch.actions) - math.log(ratio)
    batch.advantages[:] = advantage
    loss = check_gradient(network, batch, config)
    assert (np.abs(loss.by_log_probs).max() == 0) == gradient_stops
    clipped = min(max(ratio, 0.8), 1.2)
    assert loss.policy == pytest.approx(-min(ratio * advantage, clipped * advantage))
    assert loss.clip_fraction == float(abs(ratio - 1) > 0.2)


@pytest.mark.parametrize(("moved", "inside"), [(0.05, True), (-0.05, True), (0.5, False), (-0.5, False)])
def test_each_branch_of_the_value_clip(check_gradient, moved, inside):
    config = configured()
    network, batch = make(config, 1)
    batch.values[:] = network.critic(batch.observations)[:, 0] - moved
    loss = check_gradient(network, batch, config, clip_range_vf=0.1)
    assert bool(loss.by_values.any()) == inside


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("clip_range_vf", [None, 0.1])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_loss_equals_the_paper(normalize, clip_range_vf, size):
    config = configured(normalize_advantage=normalize, ent_coef=0.3, vf_coef=0.7)
    network, batch = make(config, size)
    policy, loss = of(network, batch, config, clip_range_vf=clip_range_vf)
    log_probs, values = policy.log_prob(batch.actions), network.critic(batch.observations)[:, 0]
    limits = {"clip_range": 0.2, "clip_range_vf": clip_range_vf}
    expected = reference(log_probs, policy.entropy(), values, batch, config, **limits)
    assert (loss.total, loss.policy, loss.value, loss.entropy) == pytest.approx(expected, rel=1e-10)


def test_kl_and_clip_fraction_are_those_of_the_ratios():
    config = configured()
    network, batch = make(config, 50)
    policy, loss = of(network, batch, config)
    ratios = np.exp(policy.log_prob(batch.actions) - batch.log_probs)
    assert loss.approx_kl == pytest.approx(np.mean(ratios - 1 - np.log(ratios)))
    assert loss.clip_fraction == pytest.approx(np.mean(np.abs(ratios - 1) > 0.2))
    assert 0 < loss.clip_fraction < 1


def test_the_loss_changes_nothing_it_is_given():
    config = configured(ent_coef=0.1)
    network, batch = make(config, 5)
    policy, values = network.forward(batch.observations)
    log_probs, entropies = policy.log_prob(batch.actions), policy.entropy()
    given = [log_probs, entropies, values, *(getattr(batch, name) for name in Batch.__slots__)]
    kept = [array.copy() for array in given]
    ppo_loss(log_probs, entropies, values, batch, config, clip_range=0.2, clip_range_vf=0.1)
    for array, copy in zip(given, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_an_unmoved_policy_has_ratio_one_and_the_plain_policy_gradient():
    config = configured(normalize_advantage=False)
    network, batch = make(config, 6)
    policy = network.policy(batch.observations)
    batch.log_probs[:] = policy.log_prob(batch.actions)
    policy, loss = of(network, batch, config)
    np.testing.assert_allclose(loss.by_log_probs, -batch.advantages / 6, atol=1e-15)
    expected = (policy.probs - np.eye(CHOICES)[batch.actions]) * batch.advantages[:, None] / 6
    np.testing.assert_allclose(policy.backward(batch.actions, loss.by_log_probs), expected, atol=1e-15)
    assert loss.policy == pytest.approx(-batch.advantages.mean())
    assert loss.approx_kl == pytest.approx(0, abs=1e-15)


def test_every_transition_is_used_once_an_epoch_the_odd_remainder_too(environments, monkeypatch):
    taken = []
    take = Batch.take
    monkeypatch.setattr(Batch, "take", lambda batch, rows: taken.append(rows) or take(batch, rows))
    PPO(PPOConfig(n_steps=10, batch_size=4, n_epochs=3), environments.Identity, seed=0).train(10)
    assert [len(rows) for rows in taken] == [4, 4, 2] * 3
    epochs = [np.concatenate(taken[i : i + 3]) for i in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 3
    assert any((epochs[0] != epoch).any() for epoch in epochs[1:])


def test_an_update_ends_at_the_first_minibatch_whose_kl_passes_one_and_a_half_times_the_target(
    environments, monkeypatch
):
    module, divergences = sys.modules["rlkit.models.ppo"], []

    def watched(*args, **settings):
        loss = ppo_loss(*args, **settings)
        divergences.append(loss.approx_kl)
        return loss

    monkeypatch.setattr(module, "ppo_loss", watched)
    settings = {"n_steps": 64, "batch_size": 16, "n_epochs": 20, "learning_rate": 0.01}
    free = PPO(PPOConfig(**settings), environments.Identity, seed=0)
    assert free.train(64).updates["minibatches"][0] == 80
    # Between the target and what ends the update lies the largest divergence of the first minibatches.
    target = max(divergences[:10]) / 1.4
    expected = next(i for i, kl in enumerate(divergences, start=1) if kl > 1.5 * target)
    assert 10 < expected < 80
    held = PPO(PPOConfig(**settings, target_kl=target), environments.Identity, seed=0)
    assert held.train(64).updates["minibatches"][0] == expected
    assert held.get_state()["networks"]["optimizer"]["steps"] == expected - 1


def test_without_a_step_the_metrics_are_those_of_the_rollouts_policy(environments):
    config = PPOConfig(n_steps=32, batch_size=32, n_epochs=1)
    updates = PPO(config, environments.Identity, seed=0).train(32).updates
    assert updates["approx_kl"][0] == pytest.approx(0, abs=1e-6)
    assert updates["clip_fraction"][0] == 0
    assert updates["entropy"][0] == pytest.approx(math.log(4), abs=1e-3)


class Kept(Callback):
    """Keeps the networks as they were after the last update."""

    def on_update(self, run, update):
        self.networks = run.model._get_networks()


@pytest.mark.parametrize("batch_size", [8, 2])  # in smaller ones some gradient steps go well before one fails
def test_an_update_that_is_not_finite_ends_training_and_leaves_the_model_at_its_last_good_one(environments, batch_size):
    space = environments.Counting().observation_space
    observation = np.zeros(2, np.float32)
    # Finite, and so large that the square of the error is not.
    env = environments.Told(space, [observation], [1.0] * 20 + [1e30] + [1.0] * 20)
    model, kept = PPO(PPOConfig(n_steps=8, batch_size=batch_size, gae_lambda=0), env, seed=1), Kept()
    with pytest.raises(TrainingError, match=r"no longer finite, after 24 steps: .* value loss inf"):
        model.train(1000, callbacks=kept)
    assert model.history.updates.num_rows == 2
    np.testing.assert_equal(model._get_networks(), kept.networks)
    assert np.isfinite(model.network.parameters.vector).all()


def test_an_interrupt_in_the_middle_of_an_update_leaves_the_model_at_its_last_whole_one(environments):
    model, kept = PPO(PPOConfig(n_steps=8, batch_size=2, n_epochs=2), environments.Identity, seed=0), Kept()
    step = model._optimizer.step

    def interrupted(gradient, learning_rate):
        if model._optimizer.steps == 11:
            raise KeyboardInterrupt
        step(gradient, learning_rate)

    model._optimizer.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        model.train(1000, callbacks=kept)
    np.testing.assert_equal(model._get_networks(), kept.networks)
    assert kept.networks["optimizer"]["steps"] == 8
