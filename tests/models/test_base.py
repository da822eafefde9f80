from __future__ import annotations

import copy

import gymnasium
import numpy as np
import pytest
from IPython.lib.pretty import pretty

from rlkit.errors import (
    ConfigError,
    MissingEnvironmentError,
    SpaceMismatchError,
    StateError,
    StoreError,
    TrainingError,
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


def test_evaluating_between_two_trainings_changes_nothing():
    one, other = make(), make()
    one.train(64)
    one.evaluate(3)
    one.train(64)
    other.train(64)
    other.train(64)
    assert same_state(one.get_state(), other.get_state())


# -- state -------------------------------------------------------------------------------------------------------------


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
        (["format"], 4),
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


@pytest.mark.parametrize("wrong", [None, 5, "state", []])
def test_what_is_no_state_is_refused(wrong):
    with pytest.raises(StateError, match="is no state"):
        make().set_state(wrong)


@pytest.mark.parametrize("wrong", [None, 5, b"model.rlkit"])
def test_what_is_no_path_is_told_so(wrong):
    with pytest.raises(StoreError, match="is no path"):
        make().save(wrong)
    with pytest.raises(StoreError, match="is no path"):
        PPO.load(wrong)


def test_a_newer_format_says_to_update():
    with pytest.raises(StateError, match="Update rlkit"):
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


def test_a_models_text_says_what_its_card_does():
    model = PPO(SMALL, "CartPole-v1", seed=3)
    assert pretty(model).splitlines()[:2] == ["PPO on CartPole-v1: untrained", "seed             3"]
    model.train(64)
    model.evaluate(2)
    lines = pretty(model).splitlines()
    assert lines[0] == "PPO on CartPole-v1: trained 64 steps"
    assert [line.split("  ")[0] for line in lines[1:6]] == [
        "seed",
        "episodes",
        "training time",
        "evaluated",
        "hyperparameters",
    ]
    assert "n_steps=" in pretty(model)
    assert "all at their default" in pretty(PPO())


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
