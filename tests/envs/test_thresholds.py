from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as vector_wrappers

import rlkit
from rlkit.envs import EnvironmentSource, reward_threshold
from rlkit.envs.thresholds import threshold_of_vector

SAME_STEP = AutoresetMode.SAME_STEP


def cartpole(**kwargs):
    return gymnasium.make("CartPole-v1", **kwargs)


class Halved(gymnasium.RewardWrapper):
    def reward(self, reward):
        return reward / 2


class Seen(gymnasium.ObservationWrapper):
    def observation(self, observation):
        return observation


class Bonus(Seen):
    """Is called a wrapper of observations, and adds to rewards all the same."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + 1, *rest


class Named(gymnasium.Wrapper):
    """Changes nothing."""


class Shorter(wrappers.TimeLimit):
    """A limit that counts in a way of its own."""

    def step(self, action):
        self._elapsed_steps += 1
        return super().step(action)


def threshold(env, **kwargs):
    return EnvironmentSource(env, kwargs or None).reward_threshold


@pytest.mark.parametrize(
    ("env_id", "kwargs", "expected"),
    [
        ("CartPole-v1", {}, 475),
        ("CartPole-v1", {"render_mode": "rgb_array"}, 475),
        ("CartPole-v1", {"max_episode_steps": 500}, 475),
        ("CartPole-v1", {"sutton_barto_reward": False}, 475),
        ("CartPole-v1", {"sutton_barto_reward": True}, None),
        ("CartPole-v1", {"max_episode_steps": 200}, None),
        ("CartPole-v1", {"max_episode_steps": 1000}, None),
        ("CartPole-v1", {"max_episode_steps": -1}, None),
        ("MountainCarContinuous-v0", {"goal_velocity": 0}, 90),
        ("MountainCarContinuous-v0", {"goal_velocity": 0.05}, None),
        ("FrozenLake8x8-v1", {"map_name": "8x8"}, 0.85),
        ("FrozenLake8x8-v1", {"map_name": "4x4"}, None),
        ("FrozenLake-v1", {"is_slippery": False}, None),
        ("FrozenLake-v1", {"desc": np.array([["S", "F"], ["F", "G"]])}, None),
        ("Pendulum-v1", {}, None),
    ],
)
def test_an_id_has_its_threshold_where_arguments_change_nothing_that_is_rewarded(env_id, kwargs, expected):
    assert threshold(env_id, **kwargs) == expected
    assert reward_threshold(env_id, kwargs) == expected
    assert threshold(gymnasium.make(env_id, **kwargs)) == expected
    assert threshold(lambda: gymnasium.make(env_id, **kwargs)) == expected


UNCHANGED = {
    "nothing": lambda env: env,
    "episodes counted": wrappers.RecordEpisodeStatistics,
    "checked": wrappers.PassiveEnvChecker,
    "the same limit": lambda env: wrappers.TimeLimit(env, 500),
    "a longer limit outside": lambda env: wrappers.TimeLimit(env, 600),
    "observations of one's own": Seen,
    "observations scaled": lambda env: wrappers.TransformObservation(env, lambda x: x / 2, env.observation_space),
    "frames": lambda env: wrappers.FrameStackObservation(env, 2),
    "time": wrappers.TimeAwareObservation,
    "no step of its own": Named,
    "several": lambda env: Named(Seen(wrappers.RecordEpisodeStatistics(env))),
}
CHANGED = {
    "rewards scaled": lambda env: wrappers.TransformReward(env, lambda reward: 0.1 * reward),
    "rewards clipped": lambda env: wrappers.ClipReward(env, 0, 0.5),
    "rewards of one's own": Halved,
    "rewards below another wrapper": lambda env: wrappers.RecordEpisodeStatistics(Halved(env)),
    "rewards in a wrapper of observations": Bonus,
    "a shorter limit": lambda env: wrappers.TimeLimit(env, 100),
    "a limit of one's own": lambda env: Shorter(env, 500),
    "actions repeated": lambda env: wrappers.RepeatAction(env, 2) if hasattr(wrappers, "RepeatAction") else Halved(env),
    "frames skipped": lambda env: wrappers.MaxAndSkipObservation(env, 2),
    "no limit": lambda env: env.unwrapped,
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_an_environment_keeps_its_threshold_in_wrappers_that_leave_rewards_and_limits_alone(name):
    assert threshold(UNCHANGED[name](cartpole())) == 475
    assert threshold(lambda: UNCHANGED[name](cartpole())) == 475


@pytest.mark.parametrize("name", CHANGED)
def test_an_environment_whose_rewards_or_limits_may_differ_has_no_threshold(name):
    assert threshold(CHANGED[name](cartpole())) is None
    assert threshold(lambda: CHANGED[name](cartpole())) is None


@pytest.mark.parametrize("mode", ["sync", "async", "vector_entry_point"])
@pytest.mark.parametrize(
    ("kwargs", "expected"), [({}, 475), ({"sutton_barto_reward": True}, None), ({"max_episode_steps": 50}, None)]
)
def test_a_vector_environment_has_the_threshold_of_its_environments(mode, kwargs, expected):
    vector = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode=mode, **kwargs)
    source = EnvironmentSource(vector)
    assert source.reward_threshold == expected
    if source._vector is not vector:
        source._vector.close()
    vector.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(("wrapper", "expected"), [(Halved, None), (Seen, 475)])
def test_wrappers_inside_a_vector_environment_count(mode, wrapper, expected):
    vector = gymnasium.make_vec(
        "CartPole-v1",
        2,
        vectorization_mode=mode,
        wrappers=[wrapper],
        vector_kwargs={"autoreset_mode": SAME_STEP},
    )
    assert threshold(vector) == expected
    vector.close()


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (vector_wrappers.RecordEpisodeStatistics, 475),
        (lambda env: vector_wrappers.TransformReward(env, lambda rewards: rewards / 10), None),
        (lambda env: vector_wrappers.ClipReward(env, 0, 0.5), None),
        (vector_wrappers.NormalizeReward, None),
    ],
)
def test_wrappers_around_a_vector_environment_count(mode, wrap, expected):
    vector = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode=mode)
    assert threshold_of_vector(wrap(vector)) == expected


def test_a_vector_environment_of_different_environments_has_no_threshold():
    vector = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode="sync")
    vector.envs[1] = Halved(vector.envs[1])
    assert threshold(vector) is None


def test_a_vector_environment_of_ones_own_functions_has_no_spec_and_no_threshold():
    for make in (SyncVectorEnv, AsyncVectorEnv):
        vector = make([cartpole], autoreset_mode=SAME_STEP)
        assert threshold(vector) is None
        vector.close()


@pytest.fixture
def registered(environments):
    """Environments that somebody registered: with a threshold of their own, one of them in a wrapper of rewards."""

    def halved():
        return Halved(environments.ActionReward())

    gymnasium.register("rlkit-test/Mine-v0", environments.ActionReward, reward_threshold=0.5, max_episode_steps=7)
    gymnasium.register("rlkit-test/Halved-v0", halved, reward_threshold=0.25)
    yield
    for name in ("Mine", "Halved"):
        gymnasium.registry.pop(f"rlkit-test/{name}-v0")


@pytest.mark.parametrize(("name", "expected"), [("Mine", 0.5), ("Halved", 0.25)])
def test_what_somebody_registered_keeps_its_threshold(registered, name, expected):
    env_id = f"rlkit-test/{name}-v0"
    assert threshold(env_id) == threshold(gymnasium.make(env_id)) == expected
    assert threshold(Halved(gymnasium.make(env_id))) is None


def test_an_evaluation_that_cuts_episodes_off_earlier_says_nothing_of_a_threshold():
    model = rlkit.create("ppo", "CartPole-v1", seed=0)
    assert model.evaluate(2).reward_threshold == 475
    assert model.evaluate(2, max_episode_steps=500).reward_threshold == 475
    assert model.evaluate(2, max_episode_steps=900).reward_threshold == 475
    shorter = model.evaluate(2, max_episode_steps=499)
    assert shorter.reward_threshold is None
    assert "solved" not in repr(shorter)


@pytest.mark.parametrize(("kwargs", "expected"), [({}, 475), ({"max_episode_steps": 50}, None)])
def test_a_loaded_model_has_the_threshold_of_the_environment_it_was_trained_in(tmp_path, kwargs, expected):
    path = rlkit.create("ppo", "CartPole-v1", env_kwargs=kwargs, seed=0).save(tmp_path / "a.rlkit")
    loaded = rlkit.load(path)
    assert loaded.reward_threshold == expected  # before its environment is made
    assert loaded.evaluate(1).reward_threshold == expected
    assert loaded.reward_threshold == expected


def test_an_environment_without_its_limit_is_cut_off_in_evaluations(monkeypatch):
    monkeypatch.setattr("rlkit.models.agent._LONGEST_EPISODE", 5)
    model = rlkit.create("ppo", lambda: cartpole().unwrapped, seed=0)
    with pytest.warns(UserWarning, match="were cut off"):
        assert model.evaluate(2).lengths.max() == 5
