from __future__ import annotations

import math
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from rlkit.config import ModelConfig
from rlkit.envs import EnvironmentSource
from rlkit.errors import (
    ConfigError,
    EnvironmentContractError,
    MissingEnvironmentError,
    SpaceMismatchError,
    TrainingError,
    UnknownEnvironmentError,
    UnsupportedSpaceError,
)
from rlkit.models.a2c import A2C
from rlkit.models.agent import Agent
from rlkit.models.dqn import DQN, DQNConfig
from rlkit.models.ppo import PPO, PPOConfig

SMALL = PPOConfig(n_envs=2, n_steps=16, batch_size=8, n_epochs=2, net_arch=[8])


def make(env="CartPole-v1", seed=0, config=SMALL):
    return PPO(config, env, seed=seed)


def parameters(model):
    return model.network.parameters.vector.copy()


# -- evaluation --------------------------------------------------------------------------------------------------------


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
    assert len(made) == 1 + 8 + 2  # two to see whether they ignore their seeds
    assert all(env.closed == 1 for env in made)


def test_an_episode_without_an_end_is_cut_off_with_a_warning(monkeypatch, environments):
    monkeypatch.setattr("rlkit.models.agent._LONGEST_EPISODE", 30)
    model = PPO(PPOConfig(), lambda: environments.Counting(length=10**9), seed=0)
    with pytest.warns(UserWarning, match="5 of 5 episodes did not end within 30 steps and were cut off"):
        evaluation = model.evaluate(5)
    assert evaluation.lengths.tolist() == [30] * 5
    assert evaluation.cut_off == 5
    assert "5 after 30 steps" in repr(evaluation)


def test_episodes_are_cut_off_where_the_caller_says(environments):
    model = PPO(PPOConfig(), environments.Counting, seed=0)
    assert model.evaluate(3, max_episode_steps=3).lengths.tolist() == [3] * 3
    assert model.evaluate(3, max_episode_steps=3).cut_off == 3
    ended = model.evaluate(3, max_episode_steps=9)
    assert (ended.lengths.tolist(), ended.cut_off) == ([4] * 3, 0)
    with pytest.raises(TrainingError, match="max_episode_steps = 0"):
        model.evaluate(3, max_episode_steps=0)


@pytest.mark.parametrize(("kwargs", "limited"), [({}, True), ({"max_episode_steps": -1}, False)])
def test_an_environment_with_a_limit_of_its_own_gets_no_other(monkeypatch, kwargs, limited):
    asked = []
    separate = EnvironmentSource.separate
    monkeypatch.setattr(EnvironmentSource, "separate", lambda self, n, limit: asked.append(limit) or separate(self, n))
    PPO(PPOConfig(), "CartPole-v1", env_kwargs=kwargs, seed=0).evaluate(2)
    assert asked == [None if limited else 100_000]


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


# -- watching ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("seed", [None, 11])
@pytest.mark.parametrize("env", ["CartPole-v1", "Acrobot-v1"])
def test_the_episode_watched_is_the_first_that_is_evaluated(env, seed, deterministic):
    model = make(env)
    evaluation = model.evaluate(1, seed=seed, deterministic=deterministic)
    recording = model.watch(seed, deterministic=deterministic)
    assert recording.seed == evaluation.seed
    assert (recording.episode_return, recording.length) == (evaluation.returns[0], evaluation.lengths[0])
    assert recording.deterministic is deterministic
    assert recording.title == f"PPO on {env}, one episode"


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_watching_does_not_disturb_training(algorithm):
    config = SMALL if algorithm is PPO else DQNConfig(net_arch=[8], learning_starts=0)
    models = [algorithm(config, "CartPole-v1", seed=0) for _ in range(2)]
    runs = [model.training(192) for model in models]
    for updates in zip(*runs, strict=True):
        models[0].watch(len(updates), deterministic=False)
        models[0].watch()
    states = [model.get_state() for model in models]
    assert pickle.dumps(states[0]) == pickle.dumps(states[1])
    actions = [model.predict(np.zeros((50, 4)), deterministic=False) for model in models]
    np.testing.assert_array_equal(*actions)


@pytest.mark.parametrize(("algorithm", "network"), [(PPO, "critic"), (PPO, "actor"), (DQN, "q")])
def test_watching_uses_no_buffer_of_training(algorithm, network):
    model = algorithm(env="CartPole-v1", seed=0)
    buffered = model.q_network if network == "q" else getattr(model.network, network)
    outputs = buffered.forward(np.full((1, 4), 9, np.float32))
    before = outputs.copy()
    model.watch(max_steps=3)
    np.testing.assert_array_equal(outputs, before)


def test_a_callers_vector_environment_is_left_alone_by_watching(environments):
    model = PPO(PPOConfig(n_steps=8, batch_size=8), SyncVectorEnv([environments.Counting] * 2), seed=0)
    run = model.training(64)
    next(run)
    assert model.watch().rewards.tolist() == [1, 2, 3, 4]
    run.close()


def test_watching_takes_the_way_that_acting_takes():
    model = make("Pendulum-v1", config=SMALL.replace(normalize="both"))
    model.train(256)
    recording = model.watch()
    np.testing.assert_allclose(recording.actions, model.predict(recording.observations[:-1]), atol=1e-6)
    assert recording.length == 200


def test_values_are_in_the_unit_of_the_rewards():
    model = make("Pendulum-v1", config=SMALL.replace(normalize="rewards"))
    model.train(256)
    recording = model.watch()
    learned = model.network.critic(recording.observations[:-1])[:, 0]
    spread = math.sqrt(model._normalizer.return_statistics.variance[0])
    assert spread > 2
    np.testing.assert_allclose(recording.values, learned * spread, rtol=1e-4)


@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN])
def test_what_the_model_knew_is_recorded_as_it_is_told(algorithm):
    model = algorithm(env="CartPole-v1", seed=0)
    recording = model.watch(max_steps=5)
    states = recording.observations[:-1]
    for name, told in [
        ("values", model.predict_values),
        ("action_values", model.action_values),
        ("action_probabilities", model.action_probabilities),
    ]:
        if told(states) is None:
            assert getattr(recording, name) is None
        else:
            np.testing.assert_allclose(getattr(recording, name), told(states), rtol=1e-5)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_recording_what_the_model_knew_changes_no_action(algorithm, deterministic):
    class Silent(algorithm):
        def _estimates(self, features):
            return {}

    recordings = [kind(env="CartPole-v1", seed=0).watch(3, deterministic=deterministic) for kind in (algorithm, Silent)]
    for name in ("observations", "actions", "rewards"):
        one, other = (getattr(recording, name).tobytes() for recording in recordings)
        assert one == other


def test_a_model_without_an_estimate_has_no_values():
    class Plain(PPO):
        def _values(self, features):
            return Agent._values(self, features)

    assert Plain(SMALL, "CartPole-v1", seed=0).watch().values is None


def test_another_environment_of_the_same_spaces_can_be_watched(environments):
    recording = make().watch(env=gymnasium.make("CartPole-v1", max_episode_steps=3))
    assert (recording.length, recording.ending) == (3, "cut off by the environment")
    with pytest.raises(SpaceMismatchError, match="built for"):
        make().watch(env=environments.Counting)


def test_an_episode_without_an_end_is_cut_off_and_says_so(monkeypatch, environments):
    monkeypatch.setattr("rlkit.models.agent._LONGEST_WATCHED", 30)
    model = PPO(PPOConfig(), lambda: environments.Counting(length=10**9), seed=0)
    recording = model.watch()
    assert (recording.length, recording.cut_off) == (30, True)
    assert "cut off after 30 steps" in repr(recording)
    assert model.watch(max_steps=40).length == 40


@pytest.mark.parametrize("max_steps", [0, -1, 1.5, True, "3"])
def test_a_number_of_steps_to_watch_that_is_none_is_refused(max_steps):
    with pytest.raises(TrainingError, match="max_steps = "):
        make().watch(max_steps=max_steps)


@pytest.mark.parametrize("seed", [-1, "x", 1.5, True])
def test_a_seed_to_watch_that_is_none_is_refused(seed):
    with pytest.raises(ConfigError, match="seed = "):
        make().watch(seed)


def test_a_model_that_has_nothing_to_watch_says_so():
    with pytest.raises(MissingEnvironmentError, match="cannot be watched"):
        PPO().watch()
    with pytest.raises(MissingEnvironmentError, match="cannot be watched"):
        PPO().watch(env="CartPole-v1")


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
def test_actions_that_an_algorithm_cannot_take_are_refused_with_what_it_takes(env):
    with pytest.raises(UnsupportedSpaceError, match="It takes action spaces of type Discrete"):
        DQN(env=env)


def test_observations_of_another_kind_are_refused_with_what_is_taken(environments):
    space = spaces.Dict({"a": spaces.Text(5)})
    with pytest.raises(UnsupportedSpaceError, match=r"at \['a'\]: it is a Text.\nIt takes observation spaces"):
        make(lambda: environments.Told(space, [{"a": "x"}]))


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
