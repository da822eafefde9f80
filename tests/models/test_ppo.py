from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from rlkit.errors import TrainingError
from rlkit.models.on_policy import ActorCritic, Batch
from rlkit.models.ppo import PPO, PPOConfig, ppo_loss

FEATURES, CHOICES = 3, 4


def reference(logits, values, batch, config, clip_range, *, clip_range_vf):
    """The loss as the paper and SB3 write it, one transition at a time. Returns the total and its three parts."""
    n = len(batch)
    advantages = [float(a) for a in batch.advantages]
    if config.normalize_advantage and n > 1:
        mean = sum(advantages) / n
        std = math.sqrt(sum((a - mean) ** 2 for a in advantages) / (n - 1))
        advantages = [(a - mean) / (std + 1e-8) for a in advantages]
    policy = value = entropy = 0.0
    for i in range(n):
        exps = [math.exp(z) for z in logits[i]]
        probs = [e / sum(exps) for e in exps]
        ratio = probs[batch.actions[i]] / math.exp(batch.log_probs[i])
        clipped = min(max(ratio, 1 - clip_range), 1 + clip_range)
        policy -= min(ratio * advantages[i], clipped * advantages[i]) / n
        predicted = values[i]
        if clip_range_vf is not None:
            predicted = batch.values[i] + min(max(values[i] - batch.values[i], -clip_range_vf), clip_range_vf)
        value += (predicted - batch.returns[i]) ** 2 / n
        entropy += sum(p * math.log(p) for p in probs) / n
    return policy + config.ent_coef * entropy + config.vf_coef * value, policy, value, entropy


def make(config, size, seed=0):
    """A network in float64 and a batch of a somewhat older policy, so that ratios are on both sides of the clip."""
    rng = np.random.default_rng(seed)
    network = ActorCritic(FEATURES, CHOICES, config, rng, np.float64)
    network.parameters.vector += rng.normal(0, 0.3, network.parameters.size)
    observations = rng.normal(size=(size, FEATURES))
    logits, values = network.actor(observations), network.critic(observations)[:, 0]
    actions = rng.integers(CHOICES, size=size)
    log_probs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(size), actions]
    batch = Batch(
        observations,
        actions,
        values + rng.normal(0, 0.3, size),
        log_probs + rng.normal(0, 0.3, size),
        rng.normal(size=size),
        rng.normal(size=size),
    )
    return network, batch


@pytest.fixture
def check_gradient(numeric_gradient):
    def check_gradient(network, batch, config, clip_range, *, clip_range_vf=None):
        def total():
            logits, values = network.actor(batch.observations), network.critic(batch.observations)[:, 0]
            return ppo_loss(logits, values, batch, config, clip_range, clip_range_vf=clip_range_vf).total

        logits, values = network.forward(batch.observations)
        loss = ppo_loss(logits, values, batch, config, clip_range, clip_range_vf=clip_range_vf)
        network.backward(loss.logits_gradient, loss.values_gradient)
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
    check_gradient(network, batch, config, 0.2, clip_range_vf=clip_range_vf)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("net_arch", [[], [6], {"pi": [3], "vf": [7, 2]}])
def test_gradient_is_right_for_every_network(check_gradient, activation, net_arch):
    config = configured(activation=activation, net_arch=net_arch, ent_coef=0.1)
    network, batch = make(config, 6)
    check_gradient(network, batch, config, 0.2)


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
    logits = network.actor(batch.observations)
    log_prob = (logits - np.log(np.exp(logits).sum()))[0, batch.actions[0]]
    batch.log_probs[:] = log_prob - math.log(ratio)
    batch.advantages[:] = advantage
    loss = check_gradient(network, batch, config, 0.2)
    assert (np.abs(loss.logits_gradient).max() == 0) == gradient_stops
    clipped = min(max(ratio, 0.8), 1.2)
    assert loss.policy == pytest.approx(-min(ratio * advantage, clipped * advantage))
    assert loss.clip_fraction == float(abs(ratio - 1) > 0.2)


@pytest.mark.parametrize(("moved", "inside"), [(0.05, True), (-0.05, True), (0.5, False), (-0.5, False)])
def test_each_branch_of_the_value_clip(check_gradient, moved, inside):
    config = configured()
    network, batch = make(config, 1)
    batch.values[:] = network.critic(batch.observations)[:, 0] - moved
    loss = check_gradient(network, batch, config, 0.2, clip_range_vf=0.1)
    assert bool(loss.values_gradient.any()) == inside


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("clip_range_vf", [None, 0.1])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_loss_equals_the_paper(normalize, clip_range_vf, size):
    config = configured(normalize_advantage=normalize, ent_coef=0.3, vf_coef=0.7)
    network, batch = make(config, size)
    logits, values = network.forward(batch.observations)
    loss = ppo_loss(logits, values, batch, config, 0.2, clip_range_vf=clip_range_vf)
    expected = reference(logits, values, batch, config, 0.2, clip_range_vf=clip_range_vf)
    assert (loss.total, loss.policy, loss.value, loss.entropy) == pytest.approx(expected, rel=1e-10)


def test_kl_and_clip_fraction_are_those_of_the_ratios():
    config = configured()
    network, batch = make(config, 50)
    logits, values = network.forward(batch.observations)
    loss = ppo_loss(logits, values, batch, config, 0.2)
    log_probs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(50), batch.actions]
    ratios = np.exp(log_probs - batch.log_probs)
    assert loss.approx_kl == pytest.approx(np.mean(ratios - 1 - np.log(ratios)))
    assert loss.clip_fraction == pytest.approx(np.mean(np.abs(ratios - 1) > 0.2))
    assert 0 < loss.clip_fraction < 1


def test_the_loss_changes_nothing_it_is_given():
    config = configured(ent_coef=0.1)
    network, batch = make(config, 5)
    logits, values = network.forward(batch.observations)
    given = [logits, values, *(getattr(batch, name) for name in Batch.__slots__)]
    kept = [array.copy() for array in given]
    ppo_loss(logits, values, batch, config, 0.2, clip_range_vf=0.1)
    for array, copy in zip(given, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_an_unmoved_policy_has_ratio_one_and_the_plain_policy_gradient():
    config = configured(normalize_advantage=False)
    network, batch = make(config, 6)
    logits, values = network.forward(batch.observations)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    batch.log_probs[:] = np.log(probs)[np.arange(6), batch.actions]
    loss = ppo_loss(logits, values, batch, config, 0.2)
    expected = (probs - np.eye(CHOICES)[batch.actions]) * batch.advantages[:, None] / 6
    np.testing.assert_allclose(loss.logits_gradient, expected, atol=1e-15)
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


def test_numbers_that_stop_being_finite_end_training_before_they_reach_the_parameters(environments):
    space = environments.Counting().observation_space
    observation = np.zeros(2, np.float32)
    env = environments.Told(space, [observation], [1.0] * 20 + [math.nan] + [1.0] * 20)
    model = PPO(PPOConfig(n_steps=8, batch_size=8), env, seed=0)
    with pytest.raises(TrainingError, match="no longer finite"):
        model.train(1000)
    assert np.isfinite(model.network.parameters.vector).all()
    assert model.history.updates.num_rows == 2
