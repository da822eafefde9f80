"""From a policy's actions to the environment's own, and what it takes to reach the bounds of a Box."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings, strategies as st

import rlkit
from rlkit.errors import TrainingError
from rlkit.models.actions import environment_actions

HUGE = 1.7e308


def column(*numbers):
    return np.array(numbers, np.float32)[:, None]


@pytest.mark.parametrize(
    ("low", "high"), [(500, 1000), (0, 255), (-0.01, 0.01), (-2, 2), (-HUGE, HUGE), (0, HUGE), (3, 3), (-1, 3)]
)
def test_minus_1_and_1_are_the_bounds_and_0_lies_between(low, high):
    rescaled = environment_actions(spaces.Box(low, high, (1,), np.float64), rescale=True)
    actions = rescaled(column(-1, 1, 0, -0.5, -7, 7))[:, 0]
    assert actions[[0, 1, 4, 5]].tolist() == [low, high, low, high]
    middle = low / 2 + high / 2
    quarter = low * 0.75 + high * 0.25
    np.testing.assert_allclose(actions[2:4], [middle, quarter], rtol=1e-12, atol=high * 1e-15)


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=30)
def test_a_box_from_minus_1_to_1_is_as_it_was_bit_for_bit(seed, dtype):
    actions = np.random.default_rng(seed).normal(0, 1, (20, 3)).astype(np.float32)
    actions[0] = [0.0, -0.0, 1e-30]
    box = spaces.Box(-1, 1, (3,), dtype)
    expected = np.clip(actions, -1, 1).astype(dtype)
    for rescale in (True, False):
        given_actions = environment_actions(box, rescale=rescale)(actions)
        assert given_actions.dtype == dtype
        assert given_actions.tobytes() == expected.tobytes()


def test_without_rescaling_actions_are_clipped():
    clipped = environment_actions(spaces.Box(-2, 2, (1,)))
    assert clipped(column(-3, 1.5, 9))[:, 0].tolist() == [-2, 1.5, 2]


def test_numbers_that_lack_a_finite_bound_stay_as_they_are():
    box = spaces.Box(np.array([500, -np.inf, 0, -np.inf, -1]), np.array([1000, np.inf, np.inf, 7, 1]), dtype=np.float64)
    rescaled = environment_actions(box, rescale=True)
    assert rescaled(np.array([[0.5, 0.5, 0.5, 0.5, 0.5], [3, 30, -3, 30, 3]], np.float32)).tolist() == [
        [875, 0.5, 0.5, 0.5, 0.5],
        [1000, 30, 0, 7, 1],
    ]


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        (np.uint8, 0, 255),
        (np.int8, -128, 127),
        (np.int64, -5, 5),
        (np.int64, -(2**63) + 2, 2**63 - 2),
        (np.uint64, 0, 2**64 - 1),
        (np.int32, 2**31 - 10, 2**31 - 1),
    ],
)
def test_integers_are_rounded_and_reach_both_ends(dtype, low, high):
    box = spaces.Box(np.array([low], dtype), np.array([high], dtype), dtype=dtype)
    actions = environment_actions(box, rescale=True)(column(-1, 1, -8, 8, 0.1))
    assert actions.dtype == dtype
    assert actions[:4, 0].tolist() == [low, high, low, high]
    assert all(action in box for action in actions)


def test_every_integer_of_a_box_is_reached():
    rescaled = environment_actions(spaces.Box(0, 255, (1,), np.uint8), rescale=True)
    assert set(rescaled(np.linspace(-1, 1, 2001, dtype=np.float32)[:, None])[:, 0].tolist()) == set(range(256))


def test_bits_of_a_box_are_rounded():
    rescaled = environment_actions(spaces.Box(0, 1, (1,), np.bool_), rescale=True)
    assert rescaled(column(-1, -0.1, 0.1, 1))[:, 0].tolist() == [False, False, True, True]


@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize("bounds", [(-2, 2), (-1, 1), (-np.inf, np.inf)])
def test_an_action_that_is_not_finite_is_refused(bounds, rescale):
    with pytest.raises(TrainingError, match="not finite"):
        environment_actions(spaces.Box(*bounds, (1,)), rescale=rescale)(column(np.nan))


class Target(gymnasium.Env):
    """Pays for actions that are near the upper end of their bounds."""

    def __init__(self, low, high, dtype=np.float32):
        self.observation_space = spaces.Box(0, 1, (1,))
        self.action_space = spaces.Box(low, high, (1,), dtype)
        self.width = float(high) - float(low)

    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32), {}

    def step(self, action):
        distance = (float(self.action_space.high[0]) - float(action[0])) / self.width
        return np.zeros(1, np.float32), -distance, True, False, {}


SMALL = {"n_envs": 4, "n_steps": 16, "net_arch": [8], "preset": None, "seed": 0, "learning_rate": 0.01}


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
@pytest.mark.parametrize(
    ("low", "high", "dtype"), [(500, 1000, np.float32), (0, 255, np.uint8), (-0.01, 0.01, np.float32)]
)
def test_actions_in_any_bounds_are_learned(algorithm, low, high, dtype):
    model = rlkit.create(algorithm, lambda: Target(low, high, dtype), **SMALL)
    before = model.evaluate(1).mean
    assert before == pytest.approx(-0.5, abs=0.05)  # the middle, not one of the ends
    model.train(4000, progress=False)
    assert model.evaluate(1).mean > -0.2


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_predict_evaluation_and_a_recording_rescale_alike(algorithm):
    model = rlkit.create(algorithm, lambda: Target(500, 1000), **SMALL)
    action = model.predict(np.zeros(1, np.float32))
    assert action.dtype == np.float32
    assert model.watch().actions.tolist() == [action.tolist()]
    assert model.evaluate(1).mean == pytest.approx(-(1000 - action[0]) / 500, abs=1e-6)
    clipping = rlkit.create(algorithm, lambda: Target(500, 1000), rescale_actions=False, **SMALL)
    assert clipping.predict(np.zeros(1, np.float32)).tolist() == [500]


def test_presets_that_were_tuned_without_rescaling_leave_it_off():
    for algorithm in ("ppo", "a2c"):
        config_class = rlkit.factory.get(algorithm).Config
        for env_id in ("Pendulum-v1", "MountainCarContinuous-v0", "LunarLanderContinuous-v3"):
            assert not config_class.resolve(env_id=env_id).rescale_actions
        assert config_class.resolve(env_id="Other-v0").rescale_actions
        assert config_class().rescale_actions


def test_a_model_that_was_saved_before_actions_were_rescaled_predicts_what_it_did():
    model = rlkit.create("ppo", lambda: Target(500, 1000), rescale_actions=False, **SMALL)
    state = model.get_state()
    del state["config"]["values"]["rescale_actions"]
    state["config"]["caller"].remove("rescale_actions")
    old = rlkit.factory.from_state(state)
    assert old.predict(np.zeros(1, np.float32)).tolist() == [500]
    # Also where its config is adjusted to a vector environment.
    old.build(gymnasium.vector.SyncVectorEnv([lambda: Target(500, 1000)] * 2))
    assert not rlkit.factory.from_state(old.get_state()).config.rescale_actions


class Zeroing(gymnasium.Env):
    """Pays for bits, and sets those that it got to 0."""

    observation_space, action_space = spaces.Box(0, 1, (1,)), spaces.MultiBinary(3)

    def __init__(self, *, meddles):
        self.meddles = meddles

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        paid = float(action.sum())
        if self.meddles:
            action[...] = 0
        return np.zeros(1, np.float32), paid, self.t == 5, False, {}


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_an_environment_that_changes_its_action_teaches_and_shows_the_same(algorithm):
    models = [rlkit.create(algorithm, lambda m=m: Zeroing(meddles=m), **SMALL) for m in (True, False)]
    for model in models:
        model.train(500, progress=False)
    one, other = models
    np.testing.assert_equal(one.get_state()["networks"], other.get_state()["networks"])
    np.testing.assert_array_equal(one.watch(0).actions, other.watch(0).actions)
    assert one.watch(0).actions.any()
