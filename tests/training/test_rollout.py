from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.errors import ConfigError
from rlkit.training.rollout import Rollout, generalized_advantages


def naive(rewards, values, next_values, ended, *, gamma, gae_lambda):
    """Equation 16 as the paper writes it: for each step, the sum over all later ones of its episode."""
    advantages = np.zeros(len(rewards))
    for t in range(len(rewards)):
        weight = 1.0
        for later in range(t, len(rewards)):
            advantages[t] += weight * (rewards[later] + gamma * next_values[later] - values[later])
            weight *= gamma * gae_lambda
            if ended[later]:
                break
    return advantages


def column(*numbers):
    return np.array(numbers, np.float64)[:, None]


@given(
    st.tuples(st.integers(1, 20), st.integers(1, 3)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 0.6),
    st.integers(0, 2**32 - 1),
)
def test_advantages_equal_the_sum_of_the_paper(shape, gamma, gae_lambda, share, seed):
    rng = np.random.default_rng(seed)
    rewards, values, following = rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=shape)
    terminated, truncated = rng.random(shape) < share, rng.random(shape) < share
    next_values = np.where(terminated, 0, following)
    ended = terminated | truncated
    advantages = generalized_advantages(rewards, values, next_values, ended, gamma=gamma, gae_lambda=gae_lambda)
    for env in range(shape[1]):
        columns = (array[:, env] for array in (rewards, values, next_values, ended))
        np.testing.assert_allclose(advantages[:, env], naive(*columns, gamma=gamma, gae_lambda=gae_lambda), atol=1e-10)


def test_with_lambda_1_and_values_0_advantages_are_discounted_returns():
    zeros, ended = column(0, 0, 0), np.zeros((3, 1), bool)
    advantages = generalized_advantages(column(1, 2, 4), zeros, zeros, ended, gamma=0.5, gae_lambda=1.0)
    assert advantages[:, 0].tolist() == [1 + 1 + 1, 2 + 2, 4]


def test_with_lambda_0_advantages_are_one_step_errors():
    advantages = generalized_advantages(
        column(1, 1), column(3, 5), column(5, 7), np.zeros((2, 1), bool), gamma=0.5, gae_lambda=0.0
    )
    assert advantages[:, 0].tolist() == [1 + 2.5 - 3, 1 + 3.5 - 5]


def test_nothing_flows_back_over_the_end_of_an_episode_but_the_value_of_what_was_cut_off():
    values = column(0, 0, 0)
    ended = np.array([[False], [True], [False]])
    cut_off = generalized_advantages(column(1, 1, 100), values, column(0, 10, 0), ended, gamma=0.5, gae_lambda=1.0)
    terminal = generalized_advantages(column(1, 1, 100), values, column(0, 0, 0), ended, gamma=0.5, gae_lambda=1.0)
    assert cut_off[:, 0].tolist() == [1 + 0.5 * 6, 6, 100]
    assert terminal[:, 0].tolist() == [1.5, 1, 100]


def test_advantages_of_float32_are_float32_and_inputs_are_not_changed():
    arrays = [np.ones((4, 2), np.float32) for _ in range(3)]
    ended = np.zeros((4, 2), bool)
    advantages = generalized_advantages(*arrays, ended, gamma=0.9, gae_lambda=0.9)
    assert advantages.dtype == np.float32
    assert all((array == 1).all() for array in arrays)


@pytest.mark.parametrize("kind", ["observations", "actions", "rewards"])
def test_a_flat_rollout_has_the_environments_of_one_step_side_by_side(kind):
    rollout = Rollout(3, 2, 4)
    array = getattr(rollout, kind)
    array[1, 0], array[1, 1] = 7, 8
    flat = rollout.flat(array)
    assert len(flat) == rollout.size == 6
    assert (flat[2] == 7).all()
    assert (flat[3] == 8).all()


def test_a_rollout_that_no_memory_holds_is_told_with_its_size():
    with pytest.raises(ConfigError, match=r"n_steps 1,000,000 x n_envs 4,096 observations takes 163,840,000 GB"):
        Rollout(1_000_000, 4096, 10_000_000)
