from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import NormalizeObservation, NormalizeReward, TimeLimit
from gymnasium.wrappers.vector import (
    NormalizeObservation as NormalizeVectorObservation,
    NormalizeReward as NormalizeVectorReward,
    RecordEpisodeStatistics,
    TransformReward,
)

import rlkit
from rlkit.envs import EnvironmentSource, newest_id
from rlkit.envs.vector import BatchedEnvironments, LoopedEnvironments
from rlkit.errors import ConfigError, EnvironmentContractError, UnknownEnvironmentError


@pytest.fixture
def registered(environments):
    """Counting-v1, v2 and v10, known to Gymnasium while a test runs."""
    ids = ["rlkit-test/Counting-v1", "rlkit-test/Counting-v2", "rlkit-test/Counting-v10"]
    for env_id in ids:
        gymnasium.register(env_id, environments.Counting, max_episode_steps=9, reward_threshold=6.0)
    yield ids
    for env_id in ids:
        gymnasium.registry.pop(env_id)


def single(source):
    """The one environment of a source."""
    return source.separate(1).envs[0]


def test_an_id_tells_spaces_threshold_and_name():
    source = EnvironmentSource("CartPole-v1")
    assert source.name == source.env_id == "CartPole-v1"
    assert source.observation_space.shape == (4,)
    assert source.action_space == spaces.Discrete(2)
    assert source.reward_threshold == 475
    assert source.fixed_num_envs is None


def test_an_id_without_a_version_is_its_newest(registered):
    assert newest_id("rlkit-test/Counting") == "rlkit-test/Counting-v10"
    assert EnvironmentSource("rlkit-test/Counting").env_id == "rlkit-test/Counting-v10"
    assert EnvironmentSource("CartPole").env_id == "CartPole-v1"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("CartPol-v1", "CartPole-v1"),
        ("cartpole-v1", "CartPole-v1"),
        ("CartPole-v7", "CartPole-v"),
        ("Acrobt", "Acrobot-v1"),
    ],
)
def test_an_unknown_id_suggests_the_nearest(typed, meant):
    with pytest.raises(UnknownEnvironmentError, match=f"Did you mean '{meant}"):
        EnvironmentSource(typed)


@pytest.mark.parametrize("env_id", ["", "no such thing", "Nowhere/Env-v3"])
def test_an_id_unlike_any_says_where_they_are_listed(env_id):
    with pytest.raises(UnknownEnvironmentError, match=r"rlkit\.environments\(\)"):
        EnvironmentSource(env_id)


def test_a_missing_package_is_named_with_the_way_to_install_it():
    def broken():
        message = "tossing is missing, run pip install tossing"
        raise gymnasium.error.DependencyNotInstalled(message)

    gymnasium.register("rlkit-test/Missing-v0", broken)
    try:
        with pytest.raises(UnknownEnvironmentError) as refused:
            EnvironmentSource("rlkit-test/Missing-v0")
    finally:
        gymnasium.registry.pop("rlkit-test/Missing-v0")
    assert "rlkit-test/Missing-v0 needs a package that is not installed" in str(refused.value)
    assert "pip install tossing" in str(refused.value)


def test_arguments_that_the_environment_does_not_take_are_refused():
    with pytest.raises(UnknownEnvironmentError, match="env_kwargs"):
        EnvironmentSource("CartPole-v1", {"gravity_of_the_situation": 1})


@pytest.mark.parametrize("n", [2, 8])
def test_arguments_reach_every_environment(registered, n):
    environment = EnvironmentSource("CartPole-v1", {"max_episode_steps": 3}).separate(n)
    environment.reset(0)
    truncated = [environment.step(np.arange(n) % 2).truncated.all() for _ in range(3)]
    assert truncated == [False, False, True]


@pytest.mark.parametrize("nonsense", [None, 3, object(), ["CartPole-v1"], b"CartPole-v1"])
def test_what_is_no_environment_is_refused(nonsense):
    with pytest.raises(UnknownEnvironmentError, match="Gymnasium id, an Env, a VectorEnv or a function"):
        EnvironmentSource(nonsense)


@pytest.mark.parametrize("function", [lambda name: name, gymnasium.make, len])
def test_a_function_that_needs_arguments_is_refused(function):
    with pytest.raises(UnknownEnvironmentError, match="needs arguments"):
        EnvironmentSource(function)


@pytest.mark.parametrize("missing", ["observation_space", "action_space"])
def test_an_environment_without_a_space_is_told_so(environments, missing):
    class Spaceless(environments.Counting):
        def __init__(self):
            super().__init__()
            delattr(self, missing)

    for env in (Spaceless, Spaceless()):
        with pytest.raises(EnvironmentContractError, match=f"has no {missing}"):
            EnvironmentSource(env)


@pytest.mark.parametrize(
    ("env_id", "env_kwargs"),
    [("FrozenLake-v1", {"map_name": "9x9"}), ("CartPole-v1", {"max_episode_steps": 0})],
)
def test_arguments_that_the_environment_cannot_use_are_refused(env_id, env_kwargs):
    with pytest.raises(UnknownEnvironmentError, match=f"{env_id} cannot be made with") as refused:
        EnvironmentSource(env_id, env_kwargs)
    assert str(env_kwargs) in refused.value.problem


@pytest.mark.parametrize("env_kwargs", [5, "render_mode", [("max_episode_steps", 3)]])
def test_arguments_that_are_no_dict_are_refused(env_kwargs):
    with pytest.raises(ConfigError, match="is no dict"):
        EnvironmentSource("CartPole-v1", env_kwargs)


def test_arguments_are_never_ignored(environments):
    for env in (environments.Counting, environments.Counting(), SyncVectorEnv([environments.Counting])):
        with pytest.raises(ConfigError, match="'length': 7"):
            EnvironmentSource(env, {"length": 7})
        EnvironmentSource(env, {})


@pytest.mark.parametrize("nonsense", [None, "CartPole-v1", 3, spaces.Discrete(2)])
def test_a_function_that_makes_no_environment_is_refused(nonsense):
    with pytest.raises(UnknownEnvironmentError, match=r"must return a gymnasium\.Env"):
        EnvironmentSource(lambda: nonsense)


def test_a_class_is_a_function_that_makes_environments(environments):
    source = EnvironmentSource(environments.Counting)
    assert source.name == "custom environment"
    assert source.env_id is None
    assert isinstance(single(source), environments.Counting)


def test_a_function_is_asked_for_every_environment_even_where_a_vectorised_one_exists():
    def make():
        env = gymnasium.make("CartPole-v1")
        env.unwrapped.gravity = 1.0
        return env

    environment = EnvironmentSource(make).separate(8)
    assert isinstance(environment, LoopedEnvironments)
    assert [env.unwrapped.gravity for env in environment.envs] == [1.0] * 8


def test_an_environment_with_a_spec_is_copied_with_what_was_changed_since():
    given = gymnasium.make("CartPole-v1", max_episode_steps=7)
    given.unwrapped.length = 1.5
    source = EnvironmentSource(given)
    for environment in source.separate(8).envs:
        assert environment is not given
        assert environment.spec.max_episode_steps == 7
        assert environment.unwrapped.length == 1.5
    assert (source.env_id, source.name, source.modified) == (None, "CartPole-v1", ["length"])


def test_an_environment_that_cannot_be_copied_is_made_anew_from_its_spec():
    given = gymnasium.make("CartPole-v1", max_episode_steps=7)
    given.unwrapped.window = (i for i in range(3))
    made = single(EnvironmentSource(given))
    assert made.spec.max_episode_steps == 7
    assert not hasattr(made.unwrapped, "window")


def test_an_environment_without_a_spec_is_copied(environments):
    given = environments.Counting(length=3)
    made = single(EnvironmentSource(given))
    assert made is not given
    assert made.length == 3
    made.reset(seed=0)
    assert given.seeds == []


def test_an_environment_that_cannot_be_copied_asks_for_a_function(environments):
    given = environments.Counting()
    given.generator = (i for i in range(3))
    with pytest.raises(UnknownEnvironmentError, match="Give a function that makes one"):
        EnvironmentSource(given)


@pytest.mark.parametrize("n", [1, 8])
def test_recorded_wrappers_are_kept(n):
    given = gymnasium.wrappers.RescaleObservation(
        gymnasium.wrappers.TransformReward(gymnasium.make("Acrobot-v1"), lambda reward: reward * 10), -1, 1
    )
    environment = EnvironmentSource(given).separate(n)
    environment.reset(0)
    assert environment.step(np.zeros(n, int)).rewards.tolist() == [-10] * n
    assert np.abs(environment.reset(0)).max() <= 1


@pytest.mark.parametrize("n", [1, 8])
def test_wrappers_that_record_nothing_are_kept(n):
    class Tenfold(gymnasium.RewardWrapper):
        def reward(self, reward):
            return reward * 10

    environment = EnvironmentSource(Tenfold(gymnasium.make("CartPole-v1"))).separate(n)
    environment.reset(0)
    assert environment.step(np.zeros(n, int)).rewards.tolist() == [10] * n


def test_an_id_stands_only_for_what_can_be_made_from_it_again():
    plain = EnvironmentSource(gymnasium.make("CartPole-v1", sutton_barto_reward=True))
    assert (plain.env_id, plain.env_kwargs) == ("CartPole-v1", {"sutton_barto_reward": True})
    shorter = EnvironmentSource(gymnasium.make("CartPole-v1", max_episode_steps=7))
    assert (shorter.env_id, shorter.env_kwargs) == ("CartPole-v1", {"max_episode_steps": 7})
    assert single(EnvironmentSource(shorter.env_id, shorter.env_kwargs)).spec.max_episode_steps == 7
    limited = EnvironmentSource(gymnasium.wrappers.TimeLimit(gymnasium.make("CartPole-v1"), 8))
    assert (limited.env_id, limited.env_kwargs) == ("CartPole-v1", {"max_episode_steps": 8})
    wrapped = EnvironmentSource(gymnasium.wrappers.RescaleObservation(gymnasium.make("MountainCar-v0"), -1, 1))
    assert wrapped.env_id is None
    assert wrapped.name == "MountainCar-v0"


def test_an_episode_without_limit_stays_without():
    source = EnvironmentSource(gymnasium.make("CartPole-v1", max_episode_steps=-1))
    assert single(EnvironmentSource(source.env_id, source.env_kwargs)).spec.max_episode_steps is None


@pytest.mark.parametrize("make", [SyncVectorEnv, AsyncVectorEnv])
def test_a_vector_environment_fixes_the_number_and_is_the_one_that_trains(environments, make):
    vector = make([environments.Counting] * 3)
    source = EnvironmentSource(vector)
    assert source.fixed_num_envs == 3
    training = source.training(3)
    assert training.env is vector
    training.close()  # it is the caller's
    assert not vector.closed
    vector.close()


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_a_vector_environment_is_evaluated_in_a_copy_with_what_was_changed_since(mode):
    vector = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode=mode, sutton_barto_reward=True)
    source = EnvironmentSource(vector)
    assert source.env_id == "CartPole-v1"
    assert source.env_kwargs["sutton_barto_reward"] is True
    assert not source.is_evaluated_itself
    evaluation = source.evaluation(1)
    assert evaluation.env.unwrapped is not vector
    evaluation.reset(0)
    assert evaluation.step(np.array([0, 0])).rewards.tolist() == [0, 0]
    evaluation.close()
    assert not vector.closed


def test_a_vector_environment_that_cannot_be_copied_is_evaluated_in_itself_unless_it_trains(environments):
    vector = AsyncVectorEnv([environments.Counting] * 2)
    source = EnvironmentSource(vector)
    assert source.is_evaluated_itself
    assert source.evaluation(1).env is vector
    training = source.training(2)
    training.reset(0)
    with pytest.raises(EnvironmentContractError, match="is in use already"):
        source.evaluation(1).reset(0)
    training.release()
    source.evaluation(1).reset(0)
    vector.close()


def test_a_wrapper_around_a_vector_environment_is_kept_in_evaluation(environments):
    inner = SyncVectorEnv([environments.Counting], autoreset_mode=AutoresetMode.SAME_STEP)
    source = EnvironmentSource(TransformReward(inner, lambda rewards: 10 * rewards))
    evaluation = source.evaluation(1)
    evaluation.reset(0)
    assert evaluation.step(np.array([0])).rewards.tolist() == [10]
    with pytest.raises(UnknownEnvironmentError, match=r"model\.watch\(env="):
        source.single()
    assert EnvironmentSource(RecordEpisodeStatistics(inner)).single().reset()[0].tolist() == [0, 0]


def test_gymnasiums_vectorised_cartpole_is_used_where_it_pays():
    source = EnvironmentSource("CartPole-v1")
    assert isinstance(source.separate(8), BatchedEnvironments)
    assert isinstance(source.separate(2), LoopedEnvironments)
    assert isinstance(EnvironmentSource("Acrobot-v1").separate(8), LoopedEnvironments)


def test_making_a_source_leaves_no_environment_open(environments):
    made = []

    def make():
        made.append(environments.Counting())
        return made[-1]

    EnvironmentSource(make)
    assert [env.closed for env in made] == [1]


def test_arguments_that_cannot_be_saved_make_an_environment_of_its_own():
    plain = EnvironmentSource("CartPole-v1", {"max_episode_steps": 20})
    assert (plain.env_id, plain.env_kwargs) == ("CartPole-v1", {"max_episode_steps": 20})
    odd = EnvironmentSource("FrozenLake-v1", {"desc": np.array([["S", "F"], ["F", "G"]])})
    assert odd.env_id is None
    assert odd.separate(1).observation_space.n == 4


INTERRUPTED = """
import os, signal, sys
import gymnasium, numpy as np
from gymnasium.vector import AsyncVectorEnv
import rlkit

class Interrupt(rlkit.Callback):
    def on_update(self, run, update):
        if update.num_timesteps == 64:
            os.killpg(0, signal.SIGINT)  # as a terminal does it, and a notebook's server

env = AsyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2)
model = rlkit.create("a2c", env, seed=0, n_steps=8)
history = model.train(10_000, callbacks=Interrupt(), progress=False)
print(history.num_timesteps, history.stop_reason, model.train(32, progress=False).num_timesteps)
env.close(terminate=True)  # its own processes were interrupted
"""


def test_ctrl_c_does_not_end_the_processes_of_environments():
    told = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert told.stdout.split() == ["64", "interrupted", "32"]


# -- one environment to look at ----------------------------------------------------------------------------------------


class Modes(gymnasium.Env):
    """Says in which mode it was made, and is in."""

    metadata = {"render_modes": ["human", "rgb_array"]}  # noqa: RUF012 - as Gymnasium has it
    observation_space = spaces.Box(0, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.made_in = self.render_mode = render_mode


@pytest.fixture
def modes_id():
    gymnasium.register("rlkit-test/Modes-v0", Modes)
    yield "rlkit-test/Modes-v0"
    gymnasium.registry.pop("rlkit-test/Modes-v0")


@pytest.mark.parametrize("kwargs", [{}, {"render_mode": "human"}, {"render_mode": "rgb_array"}])
@pytest.mark.parametrize("mode", [None, "rgb_array"])
def test_an_environment_of_an_id_is_made_in_the_render_mode_that_is_wanted(modes_id, kwargs, mode):
    made = EnvironmentSource(modes_id, kwargs).single(render_mode=mode).unwrapped
    assert (made.made_in, made.render_mode) == (mode, mode)


@pytest.mark.parametrize("given", [Modes("human"), lambda: Modes("human"), SyncVectorEnv([Modes])])
@pytest.mark.parametrize("mode", [None, "rgb_array"])
def test_an_environment_that_is_made_elsewhere_is_put_in_the_render_mode_that_is_wanted(given, mode):
    assert EnvironmentSource(given).single(render_mode=mode).render_mode == mode


def test_an_environment_whose_render_mode_is_fixed_keeps_it():
    class Fixed(Modes):
        render_mode = property(lambda self: "human", lambda self, mode: None)

    class Sealed(Modes):
        render_mode = property(lambda self: "human")

        def __init__(self):
            pass

    assert EnvironmentSource(Fixed).single().render_mode == "human"
    assert EnvironmentSource(Sealed).single().render_mode == "human"


def test_a_single_environment_cuts_off_where_it_is_told(environments):
    env = EnvironmentSource(lambda: environments.Counting(9)).single(max_episode_steps=2)
    env.reset()
    assert [env.step(0)[3] for _ in range(2)] == [False, True]


def pendulum():
    """Pendulum without wrappers of Gymnasium's."""
    return gymnasium.make("Pendulum-v1")


def normalized_observations():
    """Pendulum whose observations are normalized, under another wrapper."""
    return TimeLimit(NormalizeObservation(pendulum()), 100)


def normalized_rewards():
    """Pendulum whose rewards are normalized."""
    return NormalizeReward(pendulum())


def normalized_twice():
    """Pendulum whose observations and rewards are normalized."""
    return NormalizeReward(normalized_observations())


def same_step(kind, factories):
    """A vector environment that rlkit takes as it is."""
    return kind(factories, autoreset_mode=AutoresetMode.SAME_STEP)


NORMALIZED = {
    "object": normalized_observations,
    "function": lambda: normalized_observations,
    "reward object": normalized_rewards,
    "both": normalized_twice,
    "sync": lambda: same_step(SyncVectorEnv, [normalized_observations] * 2),
    "async": lambda: same_step(AsyncVectorEnv, [normalized_observations] * 2),
    "one process": lambda: same_step(AsyncVectorEnv, [pendulum, normalized_rewards]),
    "async both": lambda: same_step(AsyncVectorEnv, [normalized_twice]),
    "next step": lambda: AsyncVectorEnv([normalized_observations]),
    "vector": lambda: RecordEpisodeStatistics(NormalizeVectorObservation(SyncVectorEnv([pendulum] * 2))),
    "vector rewards": lambda: NormalizeVectorReward(same_step(SyncVectorEnv, [pendulum] * 2)),
    "wrapped sync": lambda: RecordEpisodeStatistics(same_step(SyncVectorEnv, [normalized_observations] * 2)),
    "wrapped async": lambda: RecordEpisodeStatistics(same_step(AsyncVectorEnv, [normalized_rewards] * 2)),
}


@pytest.mark.parametrize("kind", NORMALIZED)
def test_running_statistics_of_an_environment_are_refused_with_what_to_set_instead(kind):
    env = NORMALIZED[kind]()
    value = {"both": "True", "async both": "True"}.get(kind, '"observations"')
    if kind in ("reward object", "one process", "vector rewards", "wrapped async"):
        value = '"rewards"'
    try:
        with pytest.raises(EnvironmentContractError, match=f"normalize={value}"):
            EnvironmentSource(env)
    finally:
        if isinstance(env, gymnasium.vector.VectorEnv):
            env.close()


def test_running_statistics_are_refused_in_an_id_with_wrappers_and_wherever_an_environment_is_given(tmp_path):
    spec = NormalizeObservation(pendulum()).spec
    gymnasium.register(
        "rlkit-test/Normalized-v0", entry_point=spec.entry_point, additional_wrappers=spec.additional_wrappers
    )
    try:
        with pytest.raises(EnvironmentContractError, match="NormalizeObservation"):
            EnvironmentSource("rlkit-test/Normalized-v0")
    finally:
        gymnasium.registry.pop("rlkit-test/Normalized-v0")
    model = rlkit.create("ppo", "Pendulum-v1", preset=None)
    model.save(tmp_path / "model.rlkit")
    env = normalized_rewards()
    for use in (
        model.build,
        lambda env: model.evaluate(1, env=env),
        lambda env: model.watch(env=env),
        lambda env: rlkit.load(tmp_path / "model.rlkit", env=env),
        lambda env: rlkit.create("dqn", env),
    ):
        with pytest.raises(EnvironmentContractError, match="NormalizeReward"):
            use(env)
    with pytest.raises(EnvironmentContractError, match="NormalizeReward"):
        model.train(1, callbacks=rlkit.callbacks.EvaluateEvery(10**6, env=env))
    assert model.num_timesteps == 0


@pytest.mark.parametrize("vector", [False, True])
def test_fixed_statistics_are_a_transformation_like_any_other(vector):
    def fixed():
        env = NormalizeObservation(pendulum())
        env.update_running_mean = False
        return env

    env = same_step(AsyncVectorEnv, [fixed] * 2) if vector else fixed()
    assert EnvironmentSource(env).observation_space.shape == (3,)
    env.close()


def test_an_environments_own_statistics_of_the_same_name_are_not_refused(environments):
    class Counted(environments.Counting):
        obs_rms = return_rms = 3

    env = same_step(AsyncVectorEnv, [Counted])
    EnvironmentSource(env)
    env.close()


def test_a_refused_environment_that_was_made_for_its_spaces_is_closed(environments):
    made = []

    def make():
        made.append(environments.Counting())
        return NormalizeReward(made[-1])

    with pytest.raises(EnvironmentContractError):
        EnvironmentSource(make)
    assert [env.closed for env in made] == [1]
