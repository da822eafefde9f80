from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from rlkit.envs import Step
from rlkit.training.replay import ReplayBuffer, transition_bytes


def step_of(observations, rewards, terminated, truncated):
    return Step(observations, rewards, terminated, truncated, observations, [])


def filled(buffer, steps, rng, cuts=()):
    """Add ``steps`` steps; return for each environment its transitions, oldest first.

    An observation is its own number, so that every transition is told from every other.
    """
    told = [[] for _ in range(buffer.n_envs)]
    for t in range(steps):
        numbers = np.arange(buffer.n_envs) + 10 * t
        actions, rewards = rng.integers(5, size=buffer.n_envs), rng.normal(size=buffer.n_envs)
        terminated, truncated = rng.random(buffer.n_envs) < 0.15, rng.random(buffer.n_envs) < 0.15
        following = (numbers + 10).astype(np.float32)[:, None]
        if t in cuts:
            buffer.cut()
            for episode in told:
                if episode:
                    episode[-1]["ended"] = True
        buffer.add(numbers.astype(np.float32)[:, None], actions, step_of(following, rewards, terminated, truncated))
        for i, episode in enumerate(told):
            transition = {
                "observation": numbers[i],
                "action": actions[i],
                "reward": np.float32(rewards[i]),
                "next": numbers[i] + 10,
                "terminated": terminated[i],
                "ended": terminated[i] or truncated[i],
            }
            episode.append(transition)
    return told


def walk(transitions, start, gamma, n_steps):
    """The n-step transition from ``start``, as the book defines it."""
    reward, discount = 0.0, 1.0
    for transition in transitions[start : start + n_steps]:
        reward += discount * transition["reward"]
        discount *= gamma
        if transition["ended"]:
            break
    return reward, transition["next"], 0.0 if transition["terminated"] else discount


@given(
    capacity=st.integers(1, 40),
    n_envs=st.integers(1, 3),
    steps=st.integers(1, 60),
    n_steps=st.integers(1, 6),
    gamma=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    seed=st.integers(0, 1000),
    cut=st.integers(0, 60),
)
@settings(max_examples=200)
def test_what_is_drawn_is_what_a_list_of_the_last_transitions_gives(  # noqa: PLR0917 - hypothesis names them
    capacity, n_envs, steps, n_steps, gamma, seed, cut
):
    rng = np.random.default_rng(seed)
    buffer = ReplayBuffer(capacity, n_envs, 1)
    told = filled(buffer, steps, rng, cuts={cut})
    rows = max(capacity // n_envs, 1)
    kept = [transitions[-rows:] for transitions in told]
    known = {t["observation"]: (transitions, i) for transitions in kept for i, t in enumerate(transitions)}
    assert len(buffer) == len(known) == min(rows, steps) * n_envs
    drawn = buffer.sample(64, rng, gamma=gamma, n_steps=n_steps)
    for i in range(64):
        transitions, start = known[drawn.observations[i, 0]]
        reward, following, discount = walk(transitions, start, gamma, n_steps)
        assert drawn.actions[i] == transitions[start]["action"]
        assert drawn.rewards[i] == pytest.approx(reward, rel=1e-5, abs=1e-6)
        assert drawn.next_observations[i, 0] == following
        assert drawn.discounts[i] == pytest.approx(discount, rel=1e-5)


def test_every_transition_is_drawn_equally_often():
    rng = np.random.default_rng(0)
    buffer = ReplayBuffer(12, 3, 1)
    filled(buffer, 9, rng)
    drawn = buffer.sample(60_000, rng, gamma=0.9).observations[:, 0]
    _, counts = np.unique(drawn, return_counts=True)
    assert len(counts) == 12
    np.testing.assert_allclose(counts, 5000, rtol=0.06)


def test_dtypes_are_those_of_networks():
    rng = np.random.default_rng(0)
    buffer = ReplayBuffer(10, 1, 2)
    buffer.add(
        np.ones((1, 2)), np.array([3]), step_of(np.ones((1, 2)), np.ones(1), np.zeros(1, bool), np.zeros(1, bool))
    )
    for n_steps in (1, 3):
        drawn = buffer.sample(4, rng, gamma=0.9, n_steps=n_steps)
        kinds = [drawn.observations.dtype, drawn.rewards.dtype, drawn.next_observations.dtype, drawn.discounts.dtype]
        assert set(kinds) == {np.dtype(np.float32)}
        assert drawn.actions.dtype == np.int64


@pytest.mark.parametrize("steps", [3, 5, 7, 13])
def test_it_goes_on_from_its_state_bit_for_bit(steps):
    one, two = ReplayBuffer(10, 2, 1), ReplayBuffer(10, 2, 1)
    filled(one, steps, np.random.default_rng(0))
    two.set_state(one.get_state())
    for buffer in (one, two):
        filled(buffer, 4, np.random.default_rng(1))
    drawn = [buffer.sample(50, np.random.default_rng(2), gamma=0.9, n_steps=3) for buffer in (one, two)]
    for name in type(drawn[0]).__slots__:
        np.testing.assert_array_equal(getattr(drawn[0], name), getattr(drawn[1], name))


def test_the_state_is_a_copy_of_as_much_as_is_filled():
    buffer = ReplayBuffer(1_000_000, 1, 1)
    filled(buffer, 5, np.random.default_rng(0))
    state = buffer.get_state()
    assert len(state["observations"]) == 5
    filled(buffer, 1, np.random.default_rng(0))
    assert len(state["observations"]) == 5


@pytest.mark.parametrize(
    "damage",
    [
        {"actions": np.zeros(44, np.int64)},
        {"actions": np.zeros(9, np.int64)},
        {"next_row": -1},
        {"next_row": 3},
        {"rewards": np.zeros(5, np.float32)},
        {"observations": np.zeros((10, 4), np.float32)},
    ],
)
def test_a_state_that_does_not_fit_is_refused(damage):
    buffer = ReplayBuffer(40, 2, 1)
    filled(buffer, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"not fit|shape"):
        ReplayBuffer(40, 2, 1).set_state({**buffer.get_state(), **damage})


@given(
    capacity=st.integers(3, 40),
    n_envs=st.integers(1, 3),
    other=st.integers(1, 3),
    steps=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
def test_laid_out_for_another_number_of_environments_it_holds_the_same_transitions(
    capacity, n_envs, other, steps, seed
):
    rng = np.random.default_rng(seed)
    buffer = ReplayBuffer(capacity, n_envs, 1)
    told = filled(buffer, steps, rng)
    kept = [transitions[-(capacity // n_envs) :] for transitions in told]
    known = {t["observation"]: (transitions, i) for transitions in kept for i, t in enumerate(transitions)}
    again = buffer.laid_out_for(other, capacity)
    assert (again.n_envs, len(again)) == (other, min(len(buffer) // other, capacity // other) * other)
    if not len(again):
        return
    found = set()
    drawn = again.sample(300, rng, gamma=0.5, n_steps=3)
    for i in range(300):
        transitions, start = known[drawn.observations[i, 0]]
        found.add((drawn.observations[i, 0], drawn.actions[i]))
        assert drawn.actions[i] == transitions[start]["action"]
        # A way may be shorter than before, where a piece ends, but never leads elsewhere.
        ways = [walk(transitions, start, 0.5, n) for n in (1, 2, 3)]
        way = (float(drawn.rewards[i]), drawn.next_observations[i, 0], float(drawn.discounts[i]))
        assert any(way == pytest.approx(each, rel=1e-5, abs=1e-6) for each in ways)
    filled(again, 3, rng)


def test_a_buffer_of_float64_keeps_large_numbers_apart_also_in_its_state():
    buffer = ReplayBuffer(20, 1, 1, np.float64)
    for i in range(10):
        now, following = np.array([[1.7e9 + i]]), np.array([[1.7e9 + i + 1]])
        buffer.add(now, np.array([0]), step_of(following, np.zeros(1), np.zeros(1, bool), np.zeros(1, bool)))
    again = ReplayBuffer(20, 1, 1, np.float64)
    again.set_state(buffer.get_state())
    for one in (buffer, again, buffer.laid_out_for(2, 20)):
        drawn = one.sample(500, np.random.default_rng(0), gamma=0.9)
        assert drawn.observations.dtype == drawn.next_observations.dtype == np.float64
        assert set(drawn.observations[:, 0]) == set(1.7e9 + np.arange(10))
        np.testing.assert_array_equal(drawn.next_observations, drawn.observations + 1)


def test_a_buffer_of_float64_takes_a_state_of_float32():
    old = ReplayBuffer(8, 2, 1)
    filled(old, 6, np.random.default_rng(0))
    buffer = ReplayBuffer(8, 2, 1, np.float64)
    buffer.set_state(old.get_state())
    one, other = (each.sample(50, np.random.default_rng(1), gamma=0.9, n_steps=2) for each in (old, buffer))
    np.testing.assert_array_equal(one.observations, other.observations)
    np.testing.assert_array_equal(one.rewards, other.rewards)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bytes_of_a_transition_are_those_of_all_arrays(dtype):
    buffer = ReplayBuffer(64, 4, 5, dtype)
    assert transition_bytes(5, dtype) * 64 == sum(array.nbytes for array in buffer._arrays().values())
