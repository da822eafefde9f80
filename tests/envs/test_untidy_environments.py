"""Environments as people write them: trained in, evaluated, copied and gone on from, by every algorithm there is."""

from __future__ import annotations

import copy
import gc
import json
import multiprocessing
import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cloudpickle
import dill
import gymnasium
import numpy as np
import pytest
import untidy
from gymnasium.utils import EzPickle
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import rlkit
from rlkit.callbacks import EvaluateEvery
from rlkit.errors import EnvironmentContractError, MissingEnvironmentError, TrainingError

ALGORITHMS = rlkit.factory.names()


def parameters(model):
    """All that a model has learned, in one array."""
    return np.concatenate([array.ravel() for array in model.parameters.values()])


def state_of(model):
    """What a model goes on from, but for the number of its calls of train."""
    return {name: part for name, part in model.get_state().items() if name != "learning_curve"}


# -- every algorithm in every untidy environment -----------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits(untidy_model):
    one, two = untidy_model(), untidy_model()
    for model in (one, two):
        model.train(64)
    np.testing.assert_equal(state_of(one), state_of(two))


def test_evaluation_on_the_way_changes_nothing(untidy_model):
    alone, watched = untidy_model(), untidy_model()
    alone.train(96)
    watched.train(96, callbacks=EvaluateEvery(16, episodes=3))
    np.testing.assert_equal(state_of(alone), state_of(watched))


def test_parts_of_a_run_give_what_the_whole_run_gives(untidy_model):
    whole, parts = untidy_model(learning_rate="lin_0.01"), untidy_model(learning_rate="lin_0.01")
    whole.train(total=192)
    for _ in range(10):
        parts.train(20, total=192)
    np.testing.assert_equal(state_of(parts), state_of(whole))


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_trains_as_the_original_does(untidy_model, copied):
    original = untidy_model()
    original.train(64)
    other = copied(original)
    np.testing.assert_equal(other.get_state(), original.get_state())
    for model in (original, other):
        model.train(64)
    np.testing.assert_equal(state_of(other), state_of(original))


# -- copies ------------------------------------------------------------------------------------------------------------


def by(library):
    return lambda model: library.loads(library.dumps(model))


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": by(pickle),
    "dill": by(dill),
    "cloudpickle": by(cloudpickle),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("age", ["without an environment", "fresh", "trained", "loaded"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_copy_is_a_full_model(tmp_path, small_model, name, age, how):
    model = small_model(name, None if age == "without an environment" else "CartPole-v1")
    if age in ("trained", "loaded"):
        model.train(64)
    if age == "loaded":
        model = rlkit.load(model.save(tmp_path / "model.rlkit"))
    other = COPIES[how](model)
    assert type(other) is type(model)
    np.testing.assert_equal(other.get_state(), model.get_state())
    for each in (model, other):
        each.build("CartPole-v1").train(64)
    np.testing.assert_equal(other.get_state(), model.get_state())
    observation = np.zeros(4, np.float32)
    before = model.predict_values(observation)
    assert other.predict_values(observation) == before
    other.train(64)
    assert other.predict_values(observation) != before  # what it predicts is what it has learned
    assert model.predict_values(observation) == before
    again = rlkit.load(other.save(tmp_path / "copy.rlkit"))
    assert again.predict_values(observation) == other.predict_values(observation)


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_knows_what_happened_to_the_original(small_model, how):
    model = small_model("ppo", "CartPole-v1")
    history = model.train(64)
    evaluation = model.evaluate(3)
    model.predict(np.zeros(4, np.float32), deterministic=False)
    other = COPIES[how](model)
    assert repr(other.history) == repr(history)
    np.testing.assert_array_equal(other.evaluation.returns, evaluation.returns)
    assert other.wall_time == model.wall_time
    drawn = [[m.predict(np.zeros(4, np.float32), deterministic=False) for _ in range(9)] for m in (model, other)]
    assert drawn[0] == drawn[1]


def test_a_copy_of_a_model_in_the_middle_of_a_run_goes_on_in_the_same_episodes(small_model):
    model = small_model("ppo", untidy.KeepsALevel)
    model.train(40, total=200)
    other = copy.deepcopy(model)
    for each in (model, other):
        each.train(total=200)
    np.testing.assert_equal(other.get_state(), model.get_state())


# A vector environment in the middle of its episodes is not pickled.
@pytest.mark.parametrize(
    ("env", "how"),
    [(env, how) for env in ("CartPole-v1", "FrozenLake-v1") for how in ("deepcopy", "pickle")] + [("sync", "deepcopy")],
)
@pytest.mark.parametrize("n_envs", [1, 8])
def test_a_copy_continues_a_run_wherever_the_original_does(small_model, env, n_envs, how):
    given = SyncVectorEnv([untidy.Tidy] * n_envs) if env == "sync" else env
    model = small_model("ppo", given, n_envs=n_envs)
    model.train(n_envs * 8)
    other = COPIES[how](model)
    for each in (model, other):
        each.train(total=n_envs * 32)
    np.testing.assert_equal(other.get_state(), model.get_state())


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_a_copy_of_what_is_copied_by_making_begins_new_episodes(small_model, name):
    model = small_model(name, "LunarLander-v3")
    model.train(32, total=200)
    other = copy.deepcopy(model)
    other.train(total=200)
    assert other.num_timesteps >= 200


CROSSES = """
import pickle, sys
import cloudpickle, dill, gymnasium, numpy as np
import rlkit

class Mine(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-9, 9, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.normal(size=1).astype(np.float32), {}
    def step(self, action):
        return self.np_random.normal(size=1).astype(np.float32), float(action), self.np_random.random() < 0.2, False, {}

given = {"class": Mine, "object": Mine(), "lambda": lambda: Mine()}[sys.argv[2]]
model = rlkit.create("ppo", given, seed=0, n_steps=8, batch_size=8, net_arch=[4], preset=None)
model.train(16, progress=False)
library = {"pickle": pickle, "dill": dill, "cloudpickle": cloudpickle}[sys.argv[1]]
with open(sys.argv[3], "wb") as file:
    file.write(library.dumps(model))
model.train(16, progress=False)
np.save(sys.argv[4], model.get_state()["networks"]["parameters"])
"""


@pytest.mark.parametrize("library", ["pickle", "dill", "cloudpickle"])
def test_a_class_of_a_script_crosses_with_its_model(tmp_path, library):
    for given in ("class", "object", "lambda"):
        file, trained_there = tmp_path / f"{given}.pickle", tmp_path / f"{given}.npy"
        subprocess.run([sys.executable, "-c", CROSSES, library, given, str(file), str(trained_there)], check=True)
        model = pickle.loads(file.read_bytes())
        model.train(16)
        np.testing.assert_array_equal(model.get_state()["networks"]["parameters"], np.load(trained_there))


def test_an_environment_that_cannot_be_read_back_does_not_take_the_model_with_it(monkeypatch, small_model):
    model = small_model("ppo", untidy.Tidy())
    written = pickle.dumps(model)
    monkeypatch.delattr(untidy, "Tidy")
    with pytest.warns(UserWarning, match=r"cannot be made here.*model\.build\(env\)"):
        other = pickle.loads(written)
    np.testing.assert_array_equal(parameters(other), parameters(model))


def test_a_copy_shares_no_environment_with_the_original(small_model):
    given = untidy.KeepsALevel()
    model = small_model("ppo", given)
    model.train(32)
    other = copy.deepcopy(model)
    ours, theirs = model._environments.vector.envs, other._environments.vector.envs
    assert {id(env.unwrapped) for env in ours}.isdisjoint({id(env.unwrapped) for env in theirs})
    assert [env.level for env in theirs] == [env.level for env in ours]
    model.close()
    other.train(32)


def trained(model):
    """Train a model that came from another process, and return what it has learned."""
    model.train(64, progress=False)
    return parameters(model), model


@pytest.mark.parametrize("env", ["CartPole-v1", untidy.Tidy, untidy.Tidy()], ids=["id", "class", "object"])
def test_copies_cross_to_other_processes_and_back(small_model, env):
    model = small_model("ppo", env)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        there, came_back = pool.submit(trained, model).result()
    model.train(64)
    np.testing.assert_array_equal(there, parameters(model))
    np.testing.assert_equal(came_back.get_state(), model.get_state())


def test_what_cannot_be_pickled_is_left_out_with_a_warning_and_asked_for(small_model):
    given = untidy.Tidy()
    given.stream = (i for i in range(3))
    model = small_model("ppo", lambda: given if given.stream else None)
    with pytest.warns(UserWarning, match=r"custom environment cannot be pickled.*model\.build\(env\)"):
        other = pickle.loads(pickle.dumps(model))
    with pytest.raises(MissingEnvironmentError, match="has no environment"):
        other.train(32)
    other.build(untidy.Tidy).train(32)


def test_a_vector_environment_is_copied_where_it_can_be(small_model):
    model = small_model("ppo", SyncVectorEnv([untidy.Tidy] * 2))
    other = copy.deepcopy(model)
    for each in (model, other):
        each.train(64)
    np.testing.assert_equal(other.get_state(), model.get_state())


def test_processes_have_no_copies_and_are_asked_for(small_model):
    vector = AsyncVectorEnv([untidy.Tidy] * 2)
    model = small_model("ppo", vector)
    model.train(32)
    other = copy.deepcopy(model)
    with pytest.raises(MissingEnvironmentError, match="has no environment"):
        other.train(32)
    np.testing.assert_array_equal(parameters(other), parameters(model))
    vector.close()


# -- seeds that are ignored --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env", [untidy.DrawsFromItsOwnGenerator(), untidy.DrawsFromItsOwnGenerator])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_environments_that_are_copies_of_each_other_are_warned_of_before_the_first_step(small_model, env, name):
    model = small_model(name, env)
    with pytest.warns(UserWarning, match=r"Different seeds give .* identical first episodes") as told:
        model.train(32)
    assert len(told) == 1
    assert "np_random" in str(told[0].message)
    model.train(32)  # and not again


def test_copies_of_each_other_are_warned_of_in_an_evaluation(small_model):
    model = small_model("ppo", untidy.DrawsFromItsOwnGenerator)
    with pytest.warns(UserWarning, match="identical first episodes"):
        assert model.evaluate(4).std == 0


def test_an_environment_without_chance_is_not_warned_of(small_model):
    model = small_model("ppo", "CliffWalking-v1")
    model.train(32)


def test_an_object_with_its_own_generator_is_evaluated_in_other_episodes_each_time(small_model):
    evaluation = small_model("ppo", untidy.DrawsFromItsOwnGenerator()).evaluate(32)
    assert len(set(evaluation.returns)) == 32


def test_training_on_goes_on_in_the_generator_of_an_object(small_model):
    model = small_model("ppo", untidy.DrawsFromItsOwnGenerator(), n_envs=1)
    returns = [model.train(64).episodes["return"] for _ in range(2)]
    starts = [model._environments.vector.envs[0].unwrapped.rng.bit_generator.state["state"]["state"]]
    model.train(64)
    starts.append(model._environments.vector.envs[0].unwrapped.rng.bit_generator.state["state"]["state"])
    assert starts[0] != starts[1]
    assert not np.array_equal(*returns)


class NotSeeded(untidy.Tidy):
    """Draws from its own np_random, which its reset does not seed."""

    def reset(self, *, seed=None, options=None):
        return super().reset()


@pytest.mark.parametrize("env", [NotSeeded, NotSeeded(), lambda: SyncVectorEnv([NotSeeded] * 2)])
def test_a_reset_that_does_not_seed_the_generator_is_warned_of_once(small_model, env):
    model = small_model("ppo", env() if getattr(env, "__name__", "") == "<lambda>" else env)
    with pytest.warns(UserWarning, match=r"does not seed self\.np_random.*super\(\)\.reset\(seed=seed\)") as told:
        model.train(32)
    assert len(told) == 1
    model.train(32)


def test_a_reset_that_seeds_with_something_else_is_no_fault(small_model):
    class Shifted(untidy.Tidy):
        def reset(self, *, seed=None, options=None):
            return super().reset(seed=None if seed is None else seed + 1)

    model = small_model("ppo", Shifted)
    model.train(32)
    model.train(32)


# -- how many environments an evaluation has ---------------------------------------------------------------------------


def made_of(env):
    """A class that counts its objects, but for copies."""
    made = []

    class Made(env):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    return Made, made


def test_an_object_that_walks_through_a_data_set_is_evaluated_item_by_item(small_model):
    model = small_model("ppo", untidy.WalksThroughData())
    model.build(walks := untidy.WalksThroughData())
    returns = model.evaluate(5).returns
    steps = [model.watch().length, walks.item]
    actions = returns - 7 * np.arange(5)  # the reward of each of 7 steps is the item's number and the actions' sum
    assert (actions >= 0).all()
    assert (actions <= 7 * 2).all()
    assert steps == [7, -1]  # the object itself is never stepped


@pytest.mark.parametrize(
    ("n_envs", "episodes", "made"), [(None, 20, 8), (None, 3, 3), (1, 20, 1), (13, 20, 13), (9, 4, 4)]
)
def test_an_evaluation_makes_as_many_environments_as_it_says_and_never_more(small_model, n_envs, episodes, made):
    env, objects = made_of(untidy.Tidy)
    model = small_model("ppo", env)
    del objects[:]
    assert model.evaluate(episodes, n_envs=n_envs).episodes == episodes
    assert len(objects) == made


@pytest.mark.parametrize("n_envs", [0, -1, 2.5, "4", True])
def test_a_number_of_environments_that_is_none_is_refused(small_model, n_envs):
    with pytest.raises(TrainingError, match="n_envs"):
        small_model("ppo", "CartPole-v1").evaluate(3, n_envs=n_envs)


def test_a_vector_environment_has_the_number_that_it_has(small_model):
    model = small_model("ppo", SyncVectorEnv([untidy.Tidy] * 2))
    assert model.evaluate(5, n_envs=2).episodes == 5
    with pytest.raises(TrainingError, match="n_envs = 3, but the vector environment has 2"):
        model.evaluate(5, n_envs=3)


# -- what environments store -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env", [untidy.KeepsALevel(), untidy.KeepsALevel])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_an_environment_stores_is_there_in_the_next_call_of_train(small_model, env, name):
    model = small_model(name, env)
    model.train(64)
    levels = [each.unwrapped.level for each in model._environments.vector.envs]
    assert min(levels) > 1
    model.train(64)
    assert all(new > old for new, old in zip([e.level for e in model._environments.vector.envs], levels, strict=True))


def test_an_evaluation_changes_nothing_that_training_environments_store(small_model):
    model = small_model("ppo", untidy.KeepsALevel())
    model.train(32)
    levels = [each.level for each in model._environments.vector.envs]
    model.evaluate(5)
    assert [each.level for each in model._environments.vector.envs] == levels


def test_an_environment_that_holds_the_model_is_closed_with_it(small_model):
    closed = []

    class SelfPlay(untidy.Tidy):
        opponent = None

        def close(self):
            closed.append(self.opponent is not None)

    model = small_model("ppo", SelfPlay)
    model.train(32)
    for env in model._environments.vector.envs:
        env.opponent = model
    del closed[:], model, env
    gc.collect()
    assert closed == [True, True]


ENDS = """
import sys
sys.path.insert(0, sys.argv[1])
import untidy, rlkit

class Says(untidy.Tidy):
    def close(self):
        print("closed")

model = rlkit.create("ppo", Says, n_steps=8, batch_size=8)
model.train(8, progress=False)
print("end of the script")
"""


def test_environments_are_closed_when_python_ends():
    ran = subprocess.run(
        [sys.executable, "-c", ENDS, str(Path(untidy.__file__).parent)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == ["closed", "end of the script", "closed"]  # the first is looked at for its spaces
    assert ran.stderr == ""


# -- one environment for two -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_single_instance_trains_as_one_that_is_made_anew(small_model, name):
    shared = untidy.Tidy()
    one, other = small_model(name, lambda: shared, n_envs=1), small_model(name, untidy.Tidy, n_envs=1)
    for model in (one, other):
        model.train(64)
    np.testing.assert_equal(one.get_state(), other.get_state())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_single_instance_is_not_evaluated_while_it_trains(small_model, name):
    shared = untidy.Tidy()
    model = small_model(name, lambda: shared, n_envs=1)
    with pytest.raises(EnvironmentContractError, match="is in use already"):
        model.train(64, callbacks=EvaluateEvery(16, episodes=2))
    assert model.num_timesteps == 0  # before the first step
    model.train(64)
    for play in (lambda: model.evaluate(2), model.watch):
        with pytest.raises(EnvironmentContractError, match="makes a new environment in each call"):
            play()
    model.train(64)


def test_two_models_do_not_train_in_one_instance(small_model):
    closed = []

    class Closed(untidy.Tidy):
        def close(self):
            closed.append(self)

    shared = Closed()
    one = small_model("ppo", lambda: shared, n_envs=1)
    one.train(32)
    del closed[:]
    other = small_model("a2c", lambda: shared, n_envs=1)
    with pytest.raises(EnvironmentContractError, match="is in use already"):
        other.train(32)
    assert closed == []  # it is the first one's
    one.close()
    other.train(32)


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_object_that_says_it_is_its_own_copy_asks_for_a_function(small_model, wrapped):
    class Single(untidy.Tidy):
        def __deepcopy__(self, memo):
            return self

    env = gymnasium.wrappers.TimeLimit(Single(), 5) if wrapped else Single()
    with pytest.raises(rlkit.RLKitError, match="Give a function that makes one"):
        small_model("ppo", env)


def test_an_instance_twice_in_a_vector_environment_is_refused(small_model):
    shared = untidy.Tidy()
    model = small_model("ppo", SyncVectorEnv([lambda: shared] * 2))
    with pytest.raises(EnvironmentContractError, match="more than once"):
        model.train(32)


# -- vector environments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_vector_environment_that_was_passed_trains_in_any_mode(small_model, name, kind, mode):
    expected = small_model(name, untidy.Tidy)
    expected.train(96)
    vector = kind([untidy.Tidy] * 2, autoreset_mode=mode)
    model = small_model(name, vector)
    model.train(96)
    assert model._environments.vector.env.unwrapped is vector
    np.testing.assert_array_equal(parameters(model), parameters(expected))
    vector.close()


def test_processes_stay_as_they_were_started(small_model):
    vector = AsyncVectorEnv([untidy.Tidy] * 2, context="spawn", shared_memory=False, autoreset_mode="SameStep")
    processes = list(vector.processes)
    model = small_model("ppo", vector)
    model.train(32)
    assert model._environments.vector.env.processes == processes
    vector.close()


def test_processes_that_would_lose_transitions_are_refused_with_the_way_out(small_model):
    vector = AsyncVectorEnv([untidy.Tidy] * 2, shared_memory=False)
    with pytest.raises(EnvironmentContractError, match=r"autoreset_mode=AutoresetMode\.SAME_STEP"):
        small_model("ppo", vector)
    vector.close()


@pytest.mark.parametrize("make", ["sync", "async", "vector_entry_point"])
def test_what_was_changed_about_a_vector_environment_is_trained_and_not_forgotten(tmp_path, small_model, make):
    vector = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode=make)
    if make == "vector_entry_point":
        vector.gravity = 1.0
    else:
        vector.set_attr("gravity", [1.0, 1.0])
    model = small_model("ppo", vector)
    model.train(32)
    assert model.metadata["env_id"] is None
    assert model.metadata["env_modified"] == ["gravity"]
    if make == "sync":
        assert [env.unwrapped.gravity for env in vector.envs] == [1.0, 1.0]
        assert model.watch().length
    elif make == "vector_entry_point":
        assert model._environments.vector.env.unwrapped is vector
        assert vector.gravity == 1.0
    other = rlkit.load(model.save(tmp_path / "model.rlkit"))
    with pytest.raises(MissingEnvironmentError, match=r"CartPole-v1 whose gravity had been changed[\s\S]*env=env"):
        other.train(32)
    vector.close()


def test_a_vector_environment_that_trains_is_not_evaluated_unless_it_has_copies(small_model):
    vector = AsyncVectorEnv([untidy.Tidy] * 2)
    model = small_model("ppo", vector)
    with pytest.raises(EnvironmentContractError, match=r"cannot be copied[\s\S]*EvaluateEvery\(\.\.\., env="):
        model.train(32, callbacks=EvaluateEvery(16, episodes=2))
    assert model.num_timesteps == 0
    model.train(32, callbacks=EvaluateEvery(16, episodes=2, env=untidy.Tidy))
    assert model.evaluate(3).episodes == 3  # in the vector environment itself, which does not train now
    model.train(32)
    run = model.training(64)
    next(run)
    with pytest.raises(EnvironmentContractError, match="is in use already"):
        model.evaluate(3, env=vector)
    run.close()
    vector.close()


def test_a_vector_environment_that_was_given_to_an_evaluation_is_reset_and_used(small_model):
    vector = SyncVectorEnv([untidy.KeepsALevel] * 2)
    model = small_model("ppo", untidy.KeepsALevel)
    model.evaluate(6, env=vector)
    assert [env.level for env in vector.envs] == [4, 4]
    assert not vector.closed


def test_evaluation_in_the_vector_environment_ends_its_episodes_of_training(small_model):
    vector = AsyncVectorEnv([untidy.Tidy] * 2)
    model = small_model("ppo", vector)
    model.train(20, total=100)
    model.evaluate(2)
    model.train(total=100)  # in new episodes: nobody knows where the others were
    assert model.num_timesteps >= 100
    vector.close()


# -- modified environments ---------------------------------------------------------------------------------------------


def pendulum(gravity=0.0):
    env = gymnasium.make("Pendulum-v1")
    env.unwrapped.g = gravity
    return env


@pytest.mark.parametrize("env", [pendulum(), pendulum], ids=["object", "function"])
def test_a_modified_environment_is_recorded_and_asked_for(tmp_path, env):
    model = rlkit.create("ppo", env, seed=0, preset=None, n_steps=8, batch_size=8)
    assert (model.metadata["env_id"], model.metadata["env_name"]) == (None, "Pendulum-v1")
    assert model.metadata["env_modified"] == ["g"]
    path = model.save(tmp_path / "model.rlkit")
    other = rlkit.load(path)
    with pytest.raises(MissingEnvironmentError, match=r"Pendulum-v1 whose g had been changed[\s\S]*rlkit\.load"):
        other.evaluate(2)
    assert rlkit.load(path, env=env).evaluate(5).mean == model.evaluate(5).mean


def test_what_is_changed_about_an_environment_after_a_model_was_made_changes_no_copy(small_model):
    given = gymnasium.make("CartPole-v1")
    model = small_model("ppo", given)
    given.unwrapped.gravity = 0.0
    model.train(32)
    assert {env.unwrapped.gravity for env in model._environments.vector.envs} == {9.8}
    assert model.metadata["env_modified"] == []


class MadeAgain(untidy.Tidy, EzPickle):
    """Is copied by making it again, as the environments of Box2D and MuJoCo are."""

    def __init__(self):
        EzPickle.__init__(self)
        super().__init__()
        self.level = 0


def test_what_was_changed_about_an_environment_that_is_copied_by_making_is_kept(small_model):
    given = gymnasium.make("LunarLander-v3")
    given.unwrapped.gravity = -2.0
    model = small_model("ppo", given)
    model.train(32)
    assert {env.unwrapped.gravity for env in model._environments.vector.envs} == {-2.0}
    assert model.metadata["env_modified"] == ["gravity"]
    levelled = MadeAgain()
    levelled.level = 7
    model = small_model("ppo", levelled)
    model.train(32)
    assert {env.level for env in model._environments.vector.envs} == {7}
    vector = SyncVectorEnv([MadeAgain] * 2)
    vector.set_attr("level", [7, 7])
    source = small_model("ppo", vector)._source
    assert source.evaluation(2).env.get_attr("level") == (7, 7)


def test_an_environment_that_was_only_used_is_not_modified():
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=3)
    for _ in range(5):
        env.step(1)
    model = rlkit.create("ppo", env, seed=0)
    assert model.metadata["env_id"] == "CartPole-v1"
    assert model.metadata["env_modified"] == []


@pytest.mark.parametrize("change", ["attribute", "method"])
def test_every_kind_of_change_counts(change):
    env = gymnasium.make("CartPole-v1")
    if change == "attribute":
        env.unwrapped.difficulty = 3
    else:
        env.unwrapped.step = env.unwrapped.step
    assert rlkit.create("ppo", env, seed=0).metadata["env_id"] is None


def test_a_changed_time_limit_is_an_argument_of_the_id(tmp_path):
    env = gymnasium.make("CartPole-v1")
    layer = env
    while not isinstance(layer, gymnasium.wrappers.TimeLimit):
        layer = layer.env
    layer._max_episode_steps = 3
    model = rlkit.create("ppo", env, seed=0)
    assert (model.metadata["env_id"], model.metadata["env_kwargs"]) == ("CartPole-v1", {"max_episode_steps": 3})
    loaded = rlkit.load(model.save(tmp_path / "model.rlkit"))
    assert model.evaluate(5).lengths.max() == loaded.evaluate(5).lengths.max() == 3


def test_a_version_in_the_registry_says_what_was_modified(tmp_path):
    rlkit.registry(tmp_path).register(rlkit.create("ppo", pendulum(), seed=0, preset=None), "swing")
    manifest = json.loads((tmp_path / "models" / "swing" / "000001.json").read_text())
    assert (manifest["env_id"], manifest["env_name"], manifest["env_modified"]) == (None, "Pendulum-v1", ["g"])


# -- randomness that seeds do not reach --------------------------------------------------------------------------------


@pytest.mark.parametrize(("env", "name"), [(untidy.DrawsFromNumPy, "np.random"), (untidy.DrawsFromPython, "random")])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_global_generators_are_warned_of_once(small_model, algorithm, env, name):
    model = small_model(algorithm, env)
    with pytest.warns(UserWarning, match=rf"draws from {name}, which the seed") as told:
        model.train(32)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.train(32)


def test_global_generators_in_a_later_step_are_noticed_too(small_model):
    class Late(untidy.Tidy):
        def step(self, action):
            if self.steps == 5:
                np.random.random()  # noqa: NPY002 - that is the fault
            return super().step(action)

    with pytest.warns(UserWarning, match="draws from np.random"):
        small_model("ppo", Late).train(32)


def test_evaluation_does_not_disturb_the_spaces_that_training_samples_from(small_model):
    alone, watched = (small_model("ppo", untidy.SharesItsSpaces) for _ in range(2))
    alone.train(64)
    watched.train(64, callbacks=EvaluateEvery(16, episodes=3))
    np.testing.assert_array_equal(parameters(alone), parameters(watched))


@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv])
def test_spaces_are_seeded_in_vector_environments_too(small_model, kind):
    vectors = [kind([untidy.SamplesFromItsSpaces] * 2) for _ in range(2)]
    models = [small_model("ppo", vector) for vector in vectors]
    for model in models:
        model.train(64)
    np.testing.assert_array_equal(*map(parameters, models))
    for vector in vectors:
        vector.close()


# -- callbacks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("n_envs", [1, 2])
def test_a_callback_may_take_a_normalized_model_back_to_a_state(small_model, name, n_envs):
    class GoesBack(rlkit.Callback):
        def on_update(self, run, update):
            run.model.set_state(run.model.get_state())

    alone, back = (small_model(name, untidy.Tidy, n_envs=n_envs, normalize=True) for _ in range(2))
    alone.train(64)
    back.train(64, callbacks=GoesBack())
    np.testing.assert_array_equal(parameters(alone), parameters(back))


@pytest.mark.parametrize("kind", ["csv", "json", "evaluation", "checkpoint", "patience"])
def test_one_callback_does_not_serve_two_runs_at_the_same_time(tmp_path, small_model, kind):
    callback = {
        "csv": lambda: rlkit.callbacks.LogToCSV(tmp_path / "log.csv"),
        "json": lambda: rlkit.callbacks.LogToJSONLines(tmp_path / "log.json"),
        "evaluation": lambda: EvaluateEvery(16, episodes=1, restore_best=True),
        "checkpoint": lambda: rlkit.callbacks.Checkpoint("walk", 16, registry=tmp_path),
        "patience": lambda: rlkit.callbacks.StopWithoutImprovement(1000),
    }[kind]()
    one, other = small_model("ppo", untidy.Tidy, seed=0), small_model("ppo", untidy.Tidy, seed=1)
    first = one.training(64, callbacks=callback)
    next(first)
    with pytest.raises(TrainingError, match=rf"{type(callback).__name__} serves another run"):
        other.train(64, callbacks=callback)
    assert not other.is_trained
    for _ in first:
        pass
    other.train(64, callbacks=callback)
