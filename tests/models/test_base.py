from __future__ import annotations

import copy
import math
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from rlkit.config import ModelConfig
from rlkit.errors import (
    ConfigError,
    EnvironmentContractError,
    MissingEnvironmentError,
    SpaceMismatchError,
    StateError,
    StoreError,
    TrainingError,
    UnknownEnvironmentError,
    UnsupportedSpaceError,
)
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.training import Callback

SMALL = PPOConfig(n_envs=2, n_steps=16, batch_size=8, n_epochs=2, net_arch=[8])


def make(env="CartPole-v1", seed=0, config=SMALL):
    return PPO(config, env, seed=seed)


def parameters(model):
    return model.network.parameters.vector.copy()


def same_state(one, other):
    """Whether two states are equal to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_state(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


# -- determinism -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_envs", [2, 8])
def test_two_runs_of_one_seed_give_the_same_bits(n_envs):
    config = SMALL.replace(n_envs=n_envs)
    one, other = make(config=config), make(config=config)
    one.train(256)
    other.train(256)
    assert same_state(one.get_state(), other.get_state())
    assert (parameters(one) != parameters(make(seed=1, config=config))).any()


def test_the_global_random_state_is_neither_used_nor_changed():
    np.random.seed(1)  # noqa: NPY002 - the state that must not matter
    one = make()
    before = np.random.get_state()  # noqa: NPY002 - the same
    one.train(64)
    one.evaluate(2)
    one.predict(np.zeros(4), deterministic=False)
    after = np.random.get_state()  # noqa: NPY002 - the same
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    np.random.seed(2)  # noqa: NPY002 - the same
    other = make()
    other.train(64)
    np.testing.assert_array_equal(parameters(one), parameters(other))


def test_two_models_trained_in_turns_do_not_disturb_each_other():
    alone = make()
    list(alone.training(96))
    one, other = make(), make(seed=1)
    runs = one.training(96), other.training(96)
    for _ in zip(*runs, strict=True):
        pass
    np.testing.assert_array_equal(parameters(one), parameters(alone))


def test_predicting_and_evaluating_do_not_change_training():
    quiet, busy = make(), make()

    class Busy(Callback):
        def on_episode(self, run, episode):
            busy.predict(np.zeros((3, 4)), deterministic=False)

        def on_rollout(self, run):
            busy.evaluate(2, deterministic=False)

        def on_update(self, run, update):
            busy.evaluate(7)

    quiet.train(96)
    busy.train(96, callbacks=Busy())
    np.testing.assert_array_equal(parameters(quiet), parameters(busy))


def test_an_unseeded_model_draws_a_seed_that_gives_it_again():
    one = make(seed=None)
    assert make(seed=None).seed != one.seed
    np.testing.assert_array_equal(parameters(one), parameters(make(seed=one.seed)))


# -- evaluation --------------------------------------------------------------------------------------------------------


def test_evaluating_between_two_trainings_changes_nothing():
    one, other = make(), make()
    one.train(64)
    one.evaluate(3)
    one.train(64)
    other.train(64)
    other.train(64)
    assert same_state(one.get_state(), other.get_state())


@pytest.mark.parametrize("deterministic", [True, False])
def test_evaluating_twice_gives_the_same_result(deterministic):
    model = make()
    one, other = (model.evaluate(5, deterministic=deterministic) for _ in range(2))
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    assert one.seed == other.seed


def test_an_evaluations_seed_is_its_own():
    model = make()
    assert model.evaluate(2, seed=5).seed == 5
    assert (model.evaluate(8, seed=5).returns != model.evaluate(8, seed=6).returns).any()
    np.testing.assert_array_equal(make(seed=3).evaluate(2).returns, make(seed=3).evaluate(2).returns)
    assert make(seed=3).evaluate(1).seed != make(seed=4).evaluate(1).seed


def test_episodes_are_evaluated_in_environments_of_their_own(environments):
    made = []

    def factory():
        made.append(environments.Counting())
        return made[-1]

    model = make(factory)
    assert model.evaluate(40).episodes == 40
    assert len(made) == 1 + 32
    assert all(env.closed == 1 for env in made)


def test_an_evaluation_says_what_it_was_of():
    result = make().evaluate(3)
    assert result.title == "PPO on CartPole-v1, evaluated"
    assert result.reward_threshold == 475
    assert result.episodes == 3


def test_another_environment_of_the_same_spaces_can_be_evaluated():
    model = make()
    result = model.evaluate(2, env=gymnasium.make("CartPole-v1", max_episode_steps=3))
    assert result.lengths.tolist() == [3, 3]
    assert model.evaluation is None


def test_a_model_that_was_restored_without_an_environment_can_be_evaluated_on_a_given_one(environments):
    restored = PPO.from_state(make(environments.Counting).get_state())
    assert restored.evaluate(2, env=environments.Counting).returns.tolist() == [10, 10]
    with pytest.raises(MissingEnvironmentError, match="no environment"):
        restored.evaluate(2)


def test_an_environment_of_other_spaces_cannot_be_evaluated():
    with pytest.raises(SpaceMismatchError, match="built for"):
        make().evaluate(1, env="Acrobot-v1")


def test_a_model_without_networks_cannot_be_evaluated():
    with pytest.raises(MissingEnvironmentError):
        PPO().evaluate(1, env="CartPole-v1")
    with pytest.raises(MissingEnvironmentError):
        PPO().evaluate(1)


@pytest.mark.parametrize("episodes", [0, -1, 1.5, True, "3", None])
def test_a_number_of_episodes_that_is_none_is_refused(episodes):
    with pytest.raises(TrainingError, match="episodes = "):
        make().evaluate(episodes)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("seed", [-1, "x", 1.5, True])
def test_an_evaluation_seed_that_is_none_is_refused(seed, deterministic):
    with pytest.raises(ConfigError, match="seed = "):
        make().evaluate(1, seed=seed, deterministic=deterministic)


def test_the_last_evaluation_is_forgotten_when_the_model_trains_on():
    model = make()
    assert model.evaluation is None
    result = model.evaluate(2)
    assert model.evaluation is result
    assert model.metadata["metrics"] == result.metrics
    model.train(32)
    assert model.evaluation is None
    assert model.metadata["metrics"] == {}


# -- acting ------------------------------------------------------------------------------------------------------------


def test_one_observation_gives_one_action_and_a_batch_an_array():
    model = make()
    action = model.predict(np.zeros(4))
    assert np.ndim(action) == 0
    assert model.action_space.contains(action)
    assert model.predict(np.zeros((5, 4))).shape == (5,)
    assert model.predict([[0, 0, 0, 0]]).shape == (1,)
    assert model.predict(np.zeros((0, 4))).shape == (0,)


def test_a_batch_gives_the_actions_of_its_rows():
    model = make()
    model.train(256)
    observations = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert model.predict(observations).tolist() == [model.predict(one) for one in observations]


def test_the_deterministic_action_is_the_most_probable_one():
    model = make()
    observations = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(observations), model.network.actor(observations).argmax(axis=1))


def test_drawn_actions_have_the_policys_frequencies():
    model = make()
    drawn = model.predict(np.zeros((4000, 4)), deterministic=False)
    logits = model.network.actor(np.zeros((1, 4), np.float32))[0].astype(float)
    assert drawn.mean() == pytest.approx(np.exp(logits[1]) / np.exp(logits).sum(), abs=0.04)


def test_actions_begin_where_the_action_space_does(environments):
    model = make(lambda: environments.Identity(3, 5, 7))
    actions = model.predict(np.full(300, 6), deterministic=False)
    assert set(actions.tolist()) == {7, 8, 9}
    assert all(model.action_space.contains(action) for action in actions)
    assert model.action_space.contains(model.predict(5))
    model.train(32)


@pytest.mark.parametrize(
    "observation", [np.zeros(3), np.zeros((4, 1)), np.zeros((1, 1, 4)), "left", None, 1.0, [[0], [1, 2]]]
)
def test_an_observation_that_does_not_fit_is_refused_with_the_shapes_that_do(observation):
    with pytest.raises(SpaceMismatchError, match=r"\(4,\) or a batch of shape \(n, 4\)"):
        make().predict(observation)


@pytest.mark.parametrize("observation", [4, -1, 1.5, math.nan, [0, 4]])
def test_a_choice_outside_the_observation_space_is_refused(environments, observation):
    with pytest.raises(SpaceMismatchError):
        make(environments.Identity).predict(observation)


def test_a_model_without_networks_cannot_predict_and_says_what_to_do():
    with pytest.raises(MissingEnvironmentError, match=r"model\.build"):
        PPO().predict(np.zeros(4))


def test_predicting_while_training_uses_no_buffer_of_training():
    model = make()
    kept = model.predict(np.zeros((3, 4)))
    before = kept.copy()
    model.train(64)
    np.testing.assert_array_equal(kept, before)


# -- building ----------------------------------------------------------------------------------------------------------


def test_an_environment_may_come_later():
    model = PPO(SMALL, seed=0)
    assert model.observation_space is None
    assert model.env_name == "no environment"
    with pytest.raises(MissingEnvironmentError, match="cannot train"):
        model.train(32)
    assert model.build("CartPole-v1") is model
    np.testing.assert_array_equal(parameters(model), parameters(make()))


def test_another_environment_of_the_same_spaces_keeps_the_networks():
    model = make()
    model.train(32)
    before = parameters(model)
    model.build(gymnasium.make("CartPole-v1", sutton_barto_reward=True))
    np.testing.assert_array_equal(parameters(model), before)
    assert model.metadata["env_kwargs"] == {"sutton_barto_reward": True}


def test_an_environment_of_other_spaces_is_refused_and_the_old_one_kept():
    model = make()
    with pytest.raises(SpaceMismatchError, match="observation space"):
        model.build("Acrobot-v1")
    assert model.env_name == "CartPole-v1"
    model.train(32)


@pytest.mark.parametrize("env", ["Pendulum-v1", "MountainCarContinuous-v0"])
def test_box_actions_are_refused_with_what_is_taken(env):
    with pytest.raises(UnsupportedSpaceError, match="It takes action spaces of type Discrete"):
        make(env)


def test_observations_of_another_kind_are_refused_with_what_is_taken(environments):
    space = spaces.Dict({"a": spaces.Discrete(2)})
    with pytest.raises(UnsupportedSpaceError, match="Box or Discrete"):
        make(lambda: environments.Told(space, [{"a": 0}]))


def test_an_unknown_environment_is_refused():
    with pytest.raises(UnknownEnvironmentError, match="Did you mean 'CartPole-v1'"):
        make("CartPol-v1")


def test_a_lying_environment_is_told_so_when_training(environments):
    space = spaces.Box(0, 1, (2,), np.float32)
    with pytest.raises(EnvironmentContractError):
        make(lambda: environments.Told(space, [np.zeros(3)])).train(32)


def test_arguments_of_the_environment_reach_it():
    model = PPO(SMALL, "CartPole-v1", env_kwargs={"max_episode_steps": 2}, seed=0)
    assert set(model.train(64).episodes["length"]) == {2}
    assert model.evaluate(3).lengths.tolist() == [2, 2, 2]


def test_a_vector_environment_sets_n_envs_where_the_caller_did_not(environments):
    model = PPO(PPOConfig(n_steps=16, batch_size=8), SyncVectorEnv([environments.Counting] * 3), seed=0)
    assert model.config.n_envs == 3
    assert model.train(48).updates.num_rows == 1
    assert model.train(48).updates.num_rows == 1
    assert model.evaluate(2).returns.tolist() == [10, 10]


def test_a_vector_environment_of_another_number_than_the_callers_is_refused(environments):
    with pytest.raises(ConfigError, match="n_envs = 2, but the vector environment has 3"):
        PPO(SMALL, SyncVectorEnv([environments.Counting] * 3), seed=0)


def test_a_config_of_another_algorithm_is_refused():
    class Other(ModelConfig):
        pass

    with pytest.raises(ConfigError, match="PPO cannot use a Other"):
        PPO(Other())


@pytest.mark.parametrize("seed", [-1, "x", 1.5, True, [1]])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ConfigError, match="seed = "):
        PPO(seed=seed)


@pytest.mark.parametrize("seed", [0, 2**70, np.int64(3)])
def test_any_whole_number_from_zero_is_a_seed(seed):
    assert PPO(seed=seed).seed == seed


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "100", math.nan])
def test_steps_that_are_none_are_refused(steps):
    with pytest.raises(TrainingError, match="steps = ") as refused:
        make().train(steps)
    assert "whole number" in refused.value.remedy


def test_without_steps_training_takes_those_of_the_config():
    assert make(config=SMALL.replace(n_timesteps=96)).train().num_timesteps == 96
    assert make().train(np.int64(64)).num_timesteps == 64


# -- state -------------------------------------------------------------------------------------------------------------

RESUME = """
import sys
import numpy as np
import rlkit

model = rlkit.load(sys.argv[1])
model.train(96)
model.save(sys.argv[2])
"""


def test_training_goes_on_in_a_fresh_process_bit_for_bit(tmp_path):
    whole, half = make(), make()
    whole.train(64)
    whole.train(96)
    half.train(64)
    saved, resumed = half.save(tmp_path / "half.rlkit"), tmp_path / "resumed.rlkit"
    subprocess.run([sys.executable, "-c", RESUME, str(saved), str(resumed)], check=True, timeout=60)
    assert same_state(PPO.load(resumed).get_state(), whole.get_state())


def test_a_saved_model_predicts_the_same_and_knows_all_it_knew(tmp_path):
    model = make()
    model.train(256)
    restored = PPO.load(model.save(tmp_path / "model.rlkit"))
    observations = np.random.default_rng(0).normal(size=(50, 4))
    np.testing.assert_array_equal(restored.predict(observations), model.predict(observations))
    assert same_state(restored.get_state(), model.get_state())
    assert restored.metadata == {**model.metadata, "metrics": {}}
    assert restored.config == model.config
    assert restored.config.sources == model.config.sources
    assert restored.wall_time == model.wall_time
    np.testing.assert_array_equal(restored.evaluate(4).returns, model.evaluate(4).returns)


def test_the_environment_of_an_id_is_made_again_when_it_is_needed():
    model = PPO(SMALL, "CartPole-v1", env_kwargs={"max_episode_steps": 2}, seed=0)
    restored = PPO.from_state(model.get_state())
    assert restored.env_name == "CartPole-v1"
    assert restored.evaluate(2).lengths.tolist() == [2, 2]


def test_a_limit_given_to_an_environment_instance_is_kept():
    restored = PPO.from_state(make(gymnasium.make("CartPole-v1", max_episode_steps=2)).get_state())
    assert restored.evaluate(2).lengths.tolist() == [2, 2]


def test_an_environment_in_wrappers_is_asked_for_and_not_replaced_by_a_bare_one():
    wrapped = gymnasium.wrappers.TransformReward(gymnasium.make("CartPole-v1"), lambda reward: -reward)
    restored = PPO.from_state(make(wrapped).get_state())
    with pytest.raises(MissingEnvironmentError, match=r"model\.build"):
        restored.train(32)
    assert restored.build(wrapped).evaluate(1).mean < 0


def test_a_custom_environment_is_asked_for_after_loading(environments):
    model = make(environments.Counting)
    model.train(32)
    restored = PPO.from_state(model.get_state())
    assert restored.env_name == "custom environment"
    restored.build(environments.Counting)
    restored.train(32)
    model.train(32)
    assert same_state(restored.get_state(), model.get_state())


def test_a_model_without_networks_has_a_state_too():
    restored = PPO.from_state(PPO(SMALL, seed=3).get_state())
    assert restored.observation_space is None
    np.testing.assert_array_equal(parameters(restored.build("CartPole-v1")), parameters(make(seed=3)))


def test_a_state_is_a_copy():
    model = make()
    state = model.get_state()
    kept = copy.deepcopy(state)
    model.train(64)
    assert same_state(state, kept)
    restored = PPO.from_state(state)
    restored.train(64)
    assert same_state(state, kept)


def test_set_state_goes_back_to_a_moment_bit_for_bit():
    model = make()
    model.train(32)
    state = model.get_state()
    model.train(64)
    after = model.get_state()
    model.set_state(state)
    assert same_state(model.get_state(), state)
    model.train(64)
    assert same_state(model.get_state(), after)


def test_set_state_keeps_the_environment_that_the_model_has(environments):
    model, other = make(environments.Counting), make(lambda: environments.Counting(length=7))
    model.set_state(other.get_state())
    assert model.evaluate(1).lengths.tolist() == [4]
    shorter = make(gymnasium.make("CartPole-v1", max_episode_steps=2))
    shorter.set_state(make().get_state())
    assert shorter.metadata["env_kwargs"] == {"max_episode_steps": 2}
    assert shorter.evaluate(1).lengths.tolist() == [2]


def test_a_model_can_take_a_state_while_it_trains():
    model = make()
    start = model.get_state()

    class Back(Callback):
        def on_update(self, run, update):
            model.set_state(start)
            with pytest.raises(TrainingError, match="training already"):
                model.training(32)

    model.train(64, callbacks=Back())
    np.testing.assert_array_equal(parameters(model), start["networks"]["parameters"])


def damage(state, path, value):
    """A deep copy of a state with one part changed, or taken away where the value is ``del``."""
    damaged = copy.deepcopy(state)
    part = damaged
    for key in path[:-1]:
        part = part[key]
    if value is del_:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return damaged


del_ = object()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["algorithm"], "dqn"),
        (["algorithm"], del_),
        (["format"], 2),
        (["format"], "1"),
        (["format"], del_),
        (["networks"], None),
        (["networks"], del_),
        (["networks", "parameters"], del_),
        (["networks", "parameters"], np.zeros(5)),
        (["networks", "parameters"], np.zeros(1)),
        (["networks", "parameters"], 0.5),
        (["networks", "parameters"], "zeros"),
        (["networks", "parameters"], None),
        (["networks", "optimizer"], {}),
        (["networks", "optimizer", "first"], np.zeros(1)),
        (["networks", "optimizer", "second"], 0.0),
        (["networks", "optimizer", "steps"], "many"),
        (["rng"], {}),
        (["rng"], None),
        (["rng", "bit_generator"], "MT19937"),
        (["observation_space"], {}),
        (["observation_space"], {"type": "Dict"}),
        (["action_space"], None),
        (["action_space"], {"type": "Box", "low": 0, "high": 1, "shape": [1], "dtype": "float32"}),
        (["config"], {}),
        (["config"], None),
        (["config", "values", "gamma"], 2.0),
        (["config", "values", "gama"], 0.5),
        (["seed"], -1),
        (["seed"], del_),
        (["env_kwargs"], 3),
        (["learning_curve"], del_),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_leaves_the_model_as_it_was(path, value):
    model = make()
    model.train(32)
    state = model.get_state()
    before = copy.deepcopy(state)
    with pytest.raises((StateError, ConfigError, UnsupportedSpaceError)):
        model.set_state(damage(state, path, value))
    assert same_state(model.get_state(), before)
    model.train(32)
    twin = make()
    twin.train(32)
    twin.train(32)
    np.testing.assert_array_equal(parameters(model), parameters(twin))


def test_the_state_of_a_model_for_other_spaces_is_refused_and_leaves_the_model_as_it_was():
    model = make()
    before = model.get_state()
    with pytest.raises(SpaceMismatchError):
        model.set_state(make("Acrobot-v1").get_state())
    with pytest.raises(StateError, match="never had an environment"):
        model.set_state(PPO(SMALL).get_state())
    assert same_state(model.get_state(), before)


def test_a_newer_format_says_to_update():
    with pytest.raises(StateError, match="pip install -U rlkit"):
        PPO.from_state({**make().get_state(), "format": 99})


def test_a_state_is_loaded_only_into_its_own_algorithm(tmp_path):
    class Other(PPO):
        algorithm = "other"

    path = make().save(tmp_path / "model.rlkit")
    with pytest.raises(StateError, match="'ppo' model, not of 'other'"):
        Other.load(path)


@pytest.mark.parametrize("name", ["cartpole", "cartpole.zip", ""])
def test_a_file_that_load_would_not_take_for_one_is_not_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=r"does not end in \.rlkit"):
        make().save(name)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="no file"):
        PPO.load(tmp_path / "missing.rlkit")


def test_an_environment_of_other_spaces_is_refused_when_loading(tmp_path):
    path = make().save(tmp_path / "model.rlkit")
    with pytest.raises(SpaceMismatchError):
        PPO.load(path, env="Acrobot-v1")


# -- display -----------------------------------------------------------------------------------------------------------


def test_a_model_is_one_line_of_text():
    model = make()
    assert repr(model) == "<PPO on CartPole-v1: untrained, seed 0>"
    model.train(32)
    assert repr(model) == "<PPO on CartPole-v1: trained 32 steps, seed 0>"


@pytest.mark.parametrize("steps", [None, 32, 512])
def test_a_model_has_html_at_every_moment(steps):
    model = make()
    if steps:
        model.train(steps)
        model.evaluate(2)
    shown = model._repr_html_()
    assert "PPO on CartPole-v1" in shown
    assert "gamma" in shown
    assert "<script" not in shown


def test_a_model_is_described_while_a_thread_makes_its_evaluation_out_of_date(monkeypatch):
    model = make()
    model.train(32)
    seen = [model.evaluate(2)]
    monkeypatch.setattr(PPO, "evaluation", property(lambda _: seen.pop() if seen else None))
    assert "evaluated" in model._repr_html_()
    seen = [model.evaluate(2)]
    assert model.metadata["metrics"]


def test_html_of_a_model_without_environment_says_so():
    assert "PPO without an environment" in PPO(SMALL)._repr_html_()
    assert repr(PPO(SMALL, seed=3)) == "<PPO without an environment: untrained, seed 3>"


def test_what_describes_a_model_is_json():
    model = make()
    model.train(64)
    metadata = model.metadata
    assert metadata["algorithm"] == "ppo"
    assert metadata["config"] == model.config.to_dict() == model.hyperparameters
    assert (metadata["env_id"], metadata["seed"], metadata["num_timesteps"]) == ("CartPole-v1", 0, 64)
    assert metadata["action_space"] == {"type": "Discrete", "n": 2, "start": 0, "dtype": "int64"}
    assert metadata["wall_time"] > 0
    assert len(metadata["learning_curve"]["steps"]) == len(metadata["learning_curve"]["mean_return"])
