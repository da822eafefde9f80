from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.training.normalize import Normalizer, RunningStatistics

ALL = np.ones(3, bool)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=8), st.integers(0, 100))
def test_running_statistics_are_those_of_all_rows_however_they_came(sizes, seed):
    rows = np.random.default_rng(seed).normal(3, 20, (sum(sizes), 2))
    statistics = RunningStatistics(2)
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        statistics.update(part)
    assert statistics.count == len(rows)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(statistics.variance, rows.var(axis=0), rtol=1e-12, atol=1e-24)


def test_large_numbers_far_from_zero_lose_no_variance():
    rows = 1e8 + np.random.default_rng(0).normal(size=(10_000, 1))
    statistics = RunningStatistics(1)
    for part in np.split(rows, 100):
        statistics.update(part)
    assert statistics.variance[0] == pytest.approx(rows.var(), rel=1e-3)


def test_what_is_off_passes_unchanged():
    normalizer = Normalizer(ALL)
    normalizer.begin(2)
    features, rewards = np.ones((2, 3), np.float32), np.array([5.0, 6.0])
    assert normalizer.learn(features) is features
    assert normalizer.observations(features) is features
    assert normalizer.learn_rewards(rewards, np.zeros(2, bool)) is rewards
    assert normalizer.get_state() == {}


def test_learning_moves_the_statistics_and_looking_does_not():
    normalizer = Normalizer(ALL, observations=True)
    features = np.random.default_rng(0).normal(5, 2, (100, 3)).astype(np.float32)
    normalizer.learn(features)
    state = normalizer.get_state()
    normalizer.observations(features + 100)
    np.testing.assert_equal(normalizer.get_state(), state)
    normalizer.learn(features + 100)
    assert normalizer.get_state()["observations"]["count"] > state["observations"]["count"]


def test_one_hot_features_stay_as_they_are():
    normalizer = Normalizer(np.array([True, False, False]), observations=True)
    features = np.array([[10, 1, 0], [20, 0, 1]], np.float32)
    normalized = normalizer.learn(features)
    np.testing.assert_array_equal(normalized[:, 1:], features[:, 1:])
    assert abs(normalized[:, 0]).max() < 2


def test_numbers_far_out_are_cut():
    normalizer = Normalizer(ALL, observations=True, rewards=True)
    normalizer.begin(1)
    for value in (0.0, 1.0) * 50:
        normalizer.learn(np.full((1, 3), value, np.float32))
        normalizer.learn_rewards(np.array([value]), np.array([True]))
    assert normalizer.observations(np.full((1, 3), 1e6, np.float32)).tolist() == [[10, 10, 10]]
    assert normalizer.observations(np.full((1, 3), -1e6, np.float32)).tolist() == [[-10, -10, -10]]
    assert normalizer.rewards(np.array([1e6, -1e6])).tolist() == [10, -10]


def test_rewards_are_scaled_by_the_spread_of_the_discounted_return_and_keep_their_sign():
    gamma, rng = 0.9, np.random.default_rng(0)
    normalizer = Normalizer(ALL, rewards=True, gamma=gamma)
    normalizer.begin(2)
    returns, seen = np.zeros(2), []
    for _ in range(50):
        rewards, ended = rng.normal(-3, 1, 2), rng.random(2) < 0.2
        normalizer.learn_rewards(rewards, ended)
        returns = returns * gamma + rewards
        seen.extend(returns)
        returns[ended] = 0
    spread = np.std(seen)
    np.testing.assert_allclose(normalizer.rewards(np.array([-2.0, 4.0])), np.array([-2, 4]) / spread, rtol=1e-3)


def test_the_scale_of_rewards_is_what_they_are_divided_by():
    assert Normalizer(ALL).reward_scale == 1
    normalizer = Normalizer(ALL, rewards=True)
    normalizer.begin(2)
    rewards = np.array([5.0, -3.0])
    scaled = normalizer.learn_rewards(rewards, np.zeros(2, bool))
    np.testing.assert_allclose(scaled * normalizer.reward_scale, rewards)
    assert normalizer.reward_scale > 1


def test_new_episodes_begin_without_a_return():
    normalizer = Normalizer(ALL, rewards=True, gamma=1.0)
    for _ in range(3):
        normalizer.begin(1)
        normalizer.learn_rewards(np.array([7.0]), np.array([False]))
    assert normalizer.return_statistics.mean[0] == pytest.approx(7, rel=1e-3)
    assert normalizer.return_statistics.variance[0] < 0.01


def test_statistics_go_on_from_their_state_bit_for_bit():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 4, 3)).astype(np.float32)
    whole = Normalizer(ALL, observations=True, rewards=True)
    whole.begin(4)
    for row in features[:10]:
        whole.learn(row)
    resumed = Normalizer(ALL, observations=True, rewards=True)
    resumed.set_state(whole.get_state())
    resumed.begin(4)
    for row in features[10:]:
        np.testing.assert_array_equal(whole.learn(row), resumed.learn(row))


@pytest.mark.parametrize("part", ["observations", "returns"])
@pytest.mark.parametrize("damaged", [np.zeros(1), np.zeros(4), 0.0])
def test_statistics_of_another_shape_are_refused(part, damaged):
    state = Normalizer(ALL, observations=True, rewards=True).get_state()
    state[part]["mean"] = np.zeros(2) if np.shape(damaged) == state[part]["mean"].shape else damaged
    with pytest.raises(ValueError, match="shape"):
        Normalizer(ALL, observations=True, rewards=True).set_state(state)


def test_the_state_is_a_copy():
    normalizer = Normalizer(ALL, observations=True)
    state = normalizer.get_state()
    normalizer.learn(np.ones((5, 3), np.float32))
    np.testing.assert_array_equal(state["observations"]["mean"], np.zeros(3))


@pytest.mark.parametrize("offset", [0.0, 1.0, -1.7e9, 1.7e9, 1e12])
def test_statistics_far_from_zero_are_exact_from_the_first_row(offset):
    rows = offset + np.random.default_rng(1).normal(size=(500, 2))
    statistics = RunningStatistics(2)
    for n in range(len(rows)):
        statistics.update(rows[n : n + 1])
        seen = rows[: n + 1]
        assert statistics.count == n + 1
        np.testing.assert_allclose(statistics.mean, seen.mean(axis=0), rtol=1e-14, atol=1e-14)
        np.testing.assert_allclose(statistics.variance, (seen - offset).var(axis=0), rtol=1e-3, atol=1e-6)


def test_a_clock_has_its_own_spread():
    statistics = RunningStatistics(1)
    for second in range(10):
        statistics.update(1.7e9 + np.full((1, 1), second))
    assert statistics.mean[0] == pytest.approx(1.7e9 + 4.5, abs=1e-6)
    assert np.sqrt(statistics.variance[0]) == pytest.approx(np.arange(10).std(), rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1.7e9 + 0.1, -3e38])
@pytest.mark.parametrize("n", [1, 3, 100])
def test_what_has_not_varied_yet_is_centred_and_not_scaled(value, n):
    normalizer = Normalizer(np.ones(1, bool), observations=True)
    assert normalizer.observations(np.array([[3.0]])).tolist() == [[pytest.approx(3, rel=1e-6)]]  # before the first row
    for _ in range(n):
        assert abs(normalizer.learn(np.full((2, 1), value))).max() <= abs(value) * 1e-14
    if abs(value) < 1e10:
        assert normalizer.observations(np.array([[value + 2]])).tolist() == [[pytest.approx(2, rel=1e-6)]]


def test_the_first_row_becomes_0_and_the_second_1_or_minus_1():
    normalizer = Normalizer(ALL, observations=True)
    assert normalizer.learn(np.array([[1.7e9, 5.0, -3.0]])).tolist() == [[0, 0, 0]]
    np.testing.assert_allclose(normalizer.learn(np.array([[1.7e9 + 2, 1.0, -3.0]])), [[1, -1, 0]], rtol=1e-6)


def test_observations_are_rounded_after_they_are_normalized():
    normalizer = Normalizer(np.ones(1, bool), observations=True)
    clock = 1.7e9 + np.arange(10.0)[:, None]
    normalized = normalizer.learn(clock)
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(normalized, (clock - clock.mean()) / clock.std(), rtol=1e-5)


def test_rewards_are_kept_until_returns_vary():
    normalizer = Normalizer(ALL, rewards=True)
    normalizer.begin(1)
    for _ in range(3):  # episodes of one step, all worth the same
        assert normalizer.learn_rewards(np.array([7.0]), np.array([True])).tolist() == [7]
    normalizer.learn_rewards(np.array([9.0]), np.array([True]))
    assert normalizer.reward_scale == pytest.approx(np.std([7, 7, 7, 9]))


def test_statistics_of_before_they_began_with_nothing_go_on():
    rows = np.random.default_rng(0).normal(3, 2, (50, 3))
    old = {"mean": rows.mean(axis=0), "variance": rows.var(axis=0), "count": 1e-4 + 50}
    normalizer = Normalizer(ALL, observations=True)
    normalizer.set_state({"observations": old})
    scaled = np.clip((rows - old["mean"]) / np.sqrt(old["variance"] + 1e-8), -10, 10)
    np.testing.assert_allclose(normalizer.observations(rows), scaled, rtol=1e-6)
    more = np.random.default_rng(1).normal(5, 1, (20, 3))
    normalizer.learn(more)
    together = np.concatenate([rows, more])
    np.testing.assert_allclose(normalizer.observation_statistics.mean, together.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(normalizer.observation_statistics.variance, together.var(axis=0), rtol=1e-5)
