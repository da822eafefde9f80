from __future__ import annotations

import numpy as np
import pytest

from rlkit.models.ppo import PPO, PPOConfig


class Watched(PPO):
    """PPO that keeps the batches it learns from."""

    algorithm = "watched"

    def _update(self, batch, progress_remaining):
        self.batches.append(batch.take(np.arange(len(batch))))  # a copy: the next rollout writes to the same arrays
        return super()._update(batch, progress_remaining)


def watched(env, **settings):
    model = Watched(PPOConfig(**{"n_epochs": 1, **settings}), env, seed=0)
    model.batches = []
    return model


@pytest.mark.parametrize("kind", ["looped", "vector"])
def test_a_batch_holds_the_transitions_in_order_each_with_its_own_observation(environments, kind):
    env = environments.CountingVector() if kind == "vector" else lambda: environments.Counting(length=3)
    model = watched(env, n_envs=2, n_steps=6, batch_size=12)
    model.train(12)
    (batch,) = model.batches
    observations = batch.observations.reshape(6, 2, 2)
    lengths = (2, 3) if kind == "vector" else (3, 3)
    for i, length in enumerate(lengths):
        expected = [[t // length, t % length] for t in range(6)]
        np.testing.assert_array_equal(observations[:, i], expected)


def test_what_the_batch_knows_of_the_policy_is_what_acted(environments):
    model = watched(environments.Identity, n_steps=64, batch_size=64)
    before = model.network.parameters.vector.copy()
    model.train(64)
    (batch,) = model.batches
    after = model.network.parameters.vector.copy()
    model.network.parameters.vector[:] = before
    logits = model.network.actor(batch.observations)
    expected = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(64), batch.actions]
    np.testing.assert_allclose(batch.log_probs, expected, rtol=1e-5)
    np.testing.assert_allclose(batch.values, model.network.critic(batch.observations)[:, 0], rtol=1e-5, atol=1e-6)
    assert (after != before).any()


@pytest.mark.parametrize("ending", ["terminated", "truncated", "both"])
def test_only_what_is_cut_off_has_a_value_after_its_end(environments, ending):
    gamma, gae_lambda = 0.9, 0.7
    settings = {"n_steps": 8, "batch_size": 8, "gamma": gamma, "gae_lambda": gae_lambda}
    model = watched(lambda: environments.Counting(3, ending), **settings)
    critic = model.network.critic
    observed = np.array([[t // 3, t % 3] for t in range(9)], np.float32)
    last = observed[:8] + np.array([0, 1])  # where each transition truly led: not to the start of the next episode
    values, following = critic(observed)[:8, 0], critic(last.astype(np.float32))[:, 0]
    model.train(8)
    (batch,) = model.batches
    ended = np.arange(8) % 3 == 2
    next_values = np.where(ended & (ending != "truncated"), 0, following)
    advantage, expected = 0.0, []
    for t in reversed(range(8)):
        delta = (t % 3 + 1) + gamma * next_values[t] - values[t]
        advantage = delta + gamma * gae_lambda * (0 if ended[t] else advantage)
        expected.append(advantage)
    np.testing.assert_allclose(batch.advantages, expected[::-1], rtol=1e-5)
    np.testing.assert_allclose(batch.returns, batch.advantages + batch.values, rtol=1e-5)


def test_the_next_rollout_goes_on_where_the_last_one_ended(environments):
    model = watched(lambda: environments.Counting(length=5), n_steps=3, batch_size=3)
    model.train(9)
    observations = np.concatenate([batch.observations for batch in model.batches])
    np.testing.assert_array_equal(observations, [[t // 5, t % 5] for t in range(9)])


def test_every_call_of_train_begins_new_episodes(environments):
    model = watched(lambda: environments.Counting(length=5), n_steps=3, batch_size=3)
    model.train(3)
    model.train(3)
    assert [batch.observations[0].tolist() for batch in model.batches] == [[0, 0], [0, 0]]


def test_a_batchs_transitions_are_chosen_by_row(environments):
    model = watched(environments.Identity, n_steps=6, batch_size=6)
    model.train(6)
    (batch,) = model.batches
    part = batch.take(np.array([4, 1]))
    assert len(part) == 2
    np.testing.assert_array_equal(part.observations, batch.observations[[4, 1]])
    np.testing.assert_array_equal(part.returns, batch.returns[[4, 1]])
