from __future__ import annotations

import copy
import errno
import gc
import math
import os
import pickle
import shutil
import weakref

import gymnasium
import numpy as np
import pytest

import rlkit
from rlkit.callbacks import Checkpoint, EvaluateEvery, StopAtReturn, StopWithoutImprovement
from rlkit.errors import (
    ModelDefinitionError,
    SpaceMismatchError,
    StoreError,
    TrainingError,
    UnknownEnvironmentError,
)
from rlkit.storage import files
from rlkit.training import Callback, History


@pytest.fixture
def model(environments):
    return rlkit.create("ppo", environments.ActionReward, seed=0, n_envs=2, n_steps=8, batch_size=16)


class Played(Callback):
    """Gives the run's history the mean returns it is told, one an update, in place of what was played."""

    def __init__(self, *means: float) -> None:
        self.means = list(means)

    def on_update(self, run, update):
        run.history._recent_returns.clear()
        run.history._recent_returns.append(self.means.pop(0))


def episodes_so_far(run_length):
    """Callbacks judge a mean of 100 episodes: give a run as many before its first."""

    class Before(Callback):
        def on_start(self, run):
            for _ in range(run_length):
                run.history.add_episode(0, 0.0, 1)

    return Before()


def test_evaluations_are_made_every_so_many_steps_and_at_the_end(model):
    history = model.train(80, callbacks=EvaluateEvery(32, 2))
    assert history.evaluations["num_timesteps"].tolist() == [32, 64, 80]
    assert set(history.evaluations) == {"num_timesteps", "mean_return", "std_return"}


def test_the_last_evaluation_is_the_models_own(model):
    history = model.train(64, callbacks=EvaluateEvery(32, 5))
    assert model.evaluation is not None
    assert model.evaluation.mean == history.evaluations["mean_return"][-1]


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_evaluating_on_the_way_changes_nothing_in_training(environments, algorithm):
    def trained(callbacks):
        made = rlkit.create(algorithm, environments.Identity, seed=3, n_envs=2, normalize=True)
        made.train(200, callbacks=callbacks)
        return made.get_state()

    alone, watched = trained(()), trained(EvaluateEvery(20, 3, deterministic=False))
    np.testing.assert_equal(alone, watched)


def test_the_best_is_saved_to_a_file_and_restored(environments, tmp_path):
    path = tmp_path / "best.rlkit"
    evaluate = EvaluateEvery(16, 4, path=path, restore_best=True)
    states = {}

    class Spoil(Callback):
        """Makes the policy of every update but the second prefer the wrong action."""

        def on_update(self, run, update):
            run.model.network.parameters["actor.2.bias"][:] = [0, 9] if update.num_timesteps == 32 else [9, 0]
            states[update.num_timesteps] = run.model.get_state(slim=True)

    model = rlkit.create(
        "ppo", environments.ActionReward, seed=0, n_envs=2, n_steps=8, batch_size=16, learning_rate=1e-6
    )
    history = model.train(64, callbacks=[Spoil(), evaluate])
    assert history.evaluations["mean_return"].tolist() == [-1, 1, -1, -1]
    assert evaluate.best.mean == 1
    assert evaluate.best_timesteps == 32
    np.testing.assert_equal(model.get_state(slim=True), states[32])
    np.testing.assert_equal(rlkit.load(path, environments.ActionReward).get_state(slim=True), states[32])
    assert model.evaluation is evaluate.best
    assert model.history is history
    assert model.wall_time == history.seconds > 0
    assert max(model.learning_curve["steps"], default=0) <= 32
    assert model.train(16).num_timesteps == 16


class Set(Callback):
    """Makes the policy of an update the best or the worst, in place of what was learnt."""

    def __init__(self, *policies: str) -> None:
        self.policies = list(policies)

    def on_update(self, run, update):
        biases = {"good": [0, 9], "bad": [9, 0]}
        run.model.network.parameters["actor.2.bias"][:] = biases[self.policies.pop(0)]


@pytest.fixture
def make(environments):
    """Makes models that learn next to nothing by themselves."""

    def make(algorithm="ppo", **settings):
        settings = {"seed": 0, "n_envs": 2, "n_steps": 8, "learning_rate": 1e-6, **settings}
        if algorithm == "ppo":
            settings["batch_size"] = 16
        return rlkit.create(algorithm, environments.ActionReward, **settings)

    return make


def mean_of(path, environments):
    return rlkit.load(path, environments.ActionReward).evaluate(4).mean


def test_the_best_of_all_calls_is_kept(make, environments, tmp_path):
    path = tmp_path / "best.rlkit"
    evaluate = EvaluateEvery(16, 4, path=path, restore_best=True)
    model = make()
    model.train(32, callbacks=[Set("bad", "good"), evaluate])
    best, state, saved = evaluate.best, model.get_state(slim=True), path.read_bytes()
    assert (best.mean, evaluate.best_timesteps) == (1, 32)
    history = model.train(48, callbacks=[Set("bad", "bad", "bad"), evaluate])
    assert history.evaluations["mean_return"].tolist() == [-1, -1, -1]
    assert evaluate.best is best
    assert evaluate.best_timesteps == model.num_timesteps == 32
    assert path.read_bytes() == saved
    np.testing.assert_equal(model.get_state(slim=True), state)
    assert model.evaluation is best
    assert list(tmp_path.iterdir()) == [path]


def test_a_better_model_of_a_later_call_replaces_the_best(make, environments, tmp_path):
    path = tmp_path / "best.rlkit"
    evaluate = EvaluateEvery(16, 4, path=path)
    model = make()
    model.train(16, callbacks=[Set("bad"), evaluate])
    model.train(16, callbacks=[Set("good"), evaluate])
    assert (evaluate.best.mean, evaluate.best_timesteps) == (1, 32)
    assert mean_of(path, environments) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_another_model_has_a_best_of_its_own_and_the_first_ones_file_is_kept(make, environments, tmp_path, algorithm):
    path = tmp_path / "best.rlkit"
    evaluate = EvaluateEvery(16, 4, path=path, restore_best=True)
    make().train(16, callbacks=[Set("good"), evaluate])
    saved = path.read_bytes()
    other = make(algorithm, seed=1)
    with pytest.warns(UserWarning, match=r"best\.rlkit is already there.*\n?.*becomes best-1\.rlkit"):
        other.train(16, callbacks=[Set("bad"), evaluate])
    assert evaluate.best.mean == -1
    assert other.num_timesteps == 16
    assert mean_of(path, environments) == -1
    assert (tmp_path / "best-1.rlkit").read_bytes() == saved


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_file_that_is_already_there_is_kept_beside(make, environments, tmp_path, content):
    path = tmp_path / "best.rlkit"
    if content is None:
        make().save(path)  # the same script, run again
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    (tmp_path / "best-1.rlkit").write_bytes(b"an earlier one")
    with pytest.warns(UserWarning, match=r"best-2\.rlkit"):
        make().train(32, callbacks=[Set("good", "bad"), EvaluateEvery(16, 4, path=path)])
    assert mean_of(path, environments) == 1
    assert (tmp_path / "best-1.rlkit").read_bytes() == b"an earlier one"
    assert (tmp_path / "best-2.rlkit").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_stays_where_it_is_if_nothing_is_saved(make, tmp_path):
    path = tmp_path / "best.rlkit"
    path.write_bytes(b"no model")

    class Fail(Callback):
        def on_update(self, run, update):
            raise KeyError

    with pytest.warns(UserWarning, match="already there"), pytest.raises(KeyError):
        make().train(16, callbacks=[Fail(), EvaluateEvery(16, 4, path=path)])
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("best.rlkit", b"no model")]


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_a_training_that_goes_on_from_a_file_keeps_its_best(make, environments, tmp_path, algorithm):
    path = tmp_path / "best.rlkit"
    model = make(algorithm)
    model.train(48, callbacks=[Set("bad", "good", "bad"), EvaluateEvery(16, 4, path=path)])
    saved = path.read_bytes()
    again = rlkit.load(model.save(tmp_path / "checkpoint.rlkit"), environments.ActionReward)
    evaluate = EvaluateEvery(16, 4, path=path, restore_best=True)
    again.train(32, callbacks=[Set("bad", "bad"), evaluate])
    assert path.read_bytes() == saved
    assert (evaluate.best.mean, evaluate.best_timesteps, again.num_timesteps) == (1, 32, 32)
    np.testing.assert_equal(
        again.get_state(slim=True), rlkit.load(path, environments.ActionReward).get_state(slim=True)
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["best.rlkit", "checkpoint.rlkit"]


def test_the_earlier_best_is_compared_in_the_evaluation_of_this_training(make, environments, tmp_path):
    class Reversed(environments.ActionReward):
        def reward(self, action):
            return -super().reward(action)

    path = tmp_path / "best.rlkit"
    model = make()
    model.train(16, callbacks=[Set("good"), EvaluateEvery(16, 4, path=path)])
    evaluate = EvaluateEvery(16, 4, env=Reversed, path=path)
    model.train(16, callbacks=[Set("bad"), evaluate])
    assert evaluate.best.mean == 1
    assert mean_of(path, environments) == -1


@pytest.mark.parametrize("change", [{"seed": 1}, {"gamma": 0.5}, {"net_arch": [8]}])
def test_a_file_of_another_training_is_no_earlier_state(make, tmp_path, change):
    path = tmp_path / "best.rlkit"
    other = make(**change)
    other.train(16, callbacks=EvaluateEvery(16, 4, path=path))
    model = make()
    model.train(16)
    with pytest.warns(UserWarning, match="already there"):
        model.train(16, callbacks=[Set("bad"), EvaluateEvery(16, 4, path=path)])


def test_in_another_environment_the_best_begins_anew_unless_evaluations_have_one_of_their_own(make, environments):
    model, own, fixed = make(), EvaluateEvery(16, 4), EvaluateEvery(16, 4, env=environments.ActionReward)
    model.train(16, callbacks=[Set("good"), own, fixed])
    model.build(environments.ActionReward)
    model.train(16, callbacks=[Set("bad"), own, fixed])
    assert (own.best.mean, own.best_timesteps) == (-1, 32)
    assert (fixed.best.mean, fixed.best_timesteps) == (1, 16)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda callback: pickle.loads(pickle.dumps(callback))])
def test_a_callback_can_be_copied_after_a_run_and_its_copy_begins_anew(make, copied):
    model, evaluate, stop = make(), EvaluateEvery(16, 4), StopWithoutImprovement(32)
    model.train(16, callbacks=[Set("good"), evaluate, stop])
    other = copied(evaluate)
    model.train(16, callbacks=[Set("bad"), other, copied(stop)])
    assert (other.best.mean, evaluate.best.mean) == (-1, 1)


def test_a_callback_keeps_no_model_alive(make):
    evaluate = EvaluateEvery(16, 4)
    model = make()
    model.train(16, callbacks=evaluate)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


class FullDisk(files.System):
    """A disk that is full while it is said to be."""

    full = False

    def write(self, descriptor, data):
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data)


@pytest.fixture
def disk(monkeypatch):
    disk = FullDisk()
    monkeypatch.setattr(files, "system", disk)
    return disk


class Fill(Callback):
    """Makes the disk full, or not, after each update."""

    def __init__(self, disk, *full):
        self.disk, self.full = disk, list(full)

    def on_update(self, run, update):
        self.disk.full = self.full.pop(0)


@pytest.mark.parametrize(
    "full",
    [(False, True, True, False), (False, True, False, False)],
    ids=["at the last evaluation", "at an evaluation that is no better"],
)
def test_a_full_disk_ends_no_training_and_the_best_is_saved_when_it_has_space(make, environments, tmp_path, disk, full):
    path = tmp_path / "best.rlkit"
    evaluate = EvaluateEvery(16, 4, path=path, restore_best=True)
    contents = []

    class Look(Callback):
        def on_update(self, run, update):
            contents.append(path.read_bytes())

    callbacks = [Set("bad", "good", "bad", "bad"), Fill(disk, *full), evaluate, Look()]
    with pytest.warns(
        UserWarning, match=r"best model is not saved(?s:.*)No space left(?s:.*)Training goes on"
    ) as warned:
        history = make().train(64, callbacks=callbacks)
    assert len(warned) == 1
    assert history.num_timesteps == 64
    assert contents[0] == contents[1]  # the earlier best, whole
    assert (evaluate.best.mean, evaluate.best_timesteps) == (1, 32)
    assert mean_of(path, environments) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_the_best_is_saved_at_the_end_where_the_disk_has_space_only_then(make, environments, tmp_path, disk):
    class Free(Callback):
        def on_end(self, run):
            disk.full = False

    path = tmp_path / "best.rlkit"
    callbacks = [Free(), EvaluateEvery(16, 4, path=path)]
    disk.full = True
    with pytest.warns(UserWarning, match="not saved") as warned:
        make().train(32, callbacks=[Set("good", "bad"), *callbacks])
    assert len(warned) == 1
    assert mean_of(path, environments) == 1


def test_a_folder_that_is_gone_ends_no_training(make, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()

    class Delete(Callback):
        def on_update(self, run, update):
            shutil.rmtree(folder, ignore_errors=True)

    with pytest.warns(UserWarning, match="there is no folder") as warned:
        history = make().train(48, callbacks=[Delete(), EvaluateEvery(16, 4, path=folder / "best.rlkit")])
    assert len(warned) == 1
    assert history.evaluations.num_rows == 3


def test_a_full_disk_loses_no_file_that_was_already_there(make, tmp_path, disk):
    path = tmp_path / "best.rlkit"
    path.write_bytes(b"no model")
    disk.full = True
    with pytest.warns(UserWarning, match="already there|not saved"):
        make().train(16, callbacks=[Set("good"), EvaluateEvery(16, 4, path=path)])
    assert b"no model" in [each.read_bytes() for each in tmp_path.iterdir()]


def test_without_being_asked_the_model_stays_what_it_was_last(model):
    model.train(64, callbacks=EvaluateEvery(16, 2))
    assert model.num_timesteps == 64


def test_the_learning_curve_shows_evaluations(model):
    plain = model.train(64).plot()._repr_html_()
    watched = model.train(64, callbacks=EvaluateEvery(16, 2)).plot()
    assert "evaluated" not in plain
    assert "evaluated" in watched.svg


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "10", None, True])
def test_steps_and_episodes_are_whole_numbers(wrong):
    with pytest.raises(TrainingError, match="is not allowed"):
        EvaluateEvery(wrong)
    with pytest.raises(TrainingError, match="episodes"):
        EvaluateEvery(10, wrong)
    with pytest.raises(TrainingError, match="steps"):
        StopWithoutImprovement(wrong)


def test_a_file_with_another_ending_is_refused_before_training():
    with pytest.raises(StoreError, match=r"does not end in \.rlkit"):
        EvaluateEvery(10, path="best.pkl")


def test_training_stops_at_a_return(model):
    means = [-1.0, 0.2, 0.5, 0.9]
    history = model.train(1000, callbacks=[episodes_so_far(100), Played(*means), StopAtReturn(0.5)])
    assert history.updates.num_rows == 3
    assert history.stop_reason == "mean return 0.5 reached 0.5"


def test_a_few_lucky_episodes_stop_nothing(model):
    history = model.train(64, callbacks=[Played(9, 9, 9, 9), StopAtReturn(0.5)])
    assert history.updates.num_rows == 4


def test_a_threshold_that_does_not_apply_stops_nothing():
    for env in ({"env_kwargs": {"max_episode_steps": 100}}, {"env_kwargs": {"sutton_barto_reward": True}}):
        model = rlkit.create("ppo", "CartPole-v1", seed=0, **env)
        with pytest.raises(TrainingError, match="says no return"):
            model.train(64, callbacks=StopAtReturn())
        assert not model.is_trained


def test_a_judge_of_evaluations_takes_the_threshold_of_their_environment(model):
    cartpole = rlkit.create("ppo", "CartPole-v1", seed=0)
    shorter = EvaluateEvery(16, 1, max_episode_steps=20)
    with pytest.raises(TrainingError, match="says no return"):
        cartpole.train(64, callbacks=[shorter, StopAtReturn(of="evaluation")])
    scaled = lambda: gymnasium.wrappers.TransformReward(gymnasium.make("CartPole-v1"), lambda r: 100 * r)  # noqa: E731
    trained = rlkit.create("ppo", scaled, seed=0, n_envs=1, n_steps=8, batch_size=8)
    stop = StopAtReturn(of="evaluation")
    trained.train(16, callbacks=[EvaluateEvery(8, 2, env="CartPole-v1"), stop])
    assert stop._threshold == 475


def test_the_environments_own_threshold_is_the_default():
    model = rlkit.create("ppo", "CartPole-v1", seed=0)
    history = model.train(2000, callbacks=[episodes_so_far(100), Played(474.9, 475.0), StopAtReturn()])
    assert history.stop_reason == "mean return 475 reached 475"


def test_an_environment_without_a_threshold_needs_a_number(model):
    with pytest.raises(TrainingError, match="says no return"):
        model.train(64, callbacks=StopAtReturn())
    assert not model.is_trained


def test_training_stops_at_an_evaluation(model):
    history = model.train(2000, callbacks=[EvaluateEvery(16, 5), StopAtReturn(1.0, of="evaluation")])
    assert history.evaluations["mean_return"][-1] == 1.0
    assert history.num_timesteps < 2000


@pytest.mark.parametrize("judge", [StopAtReturn(1, of="evaluation"), StopWithoutImprovement(1, of="evaluation")])
def test_waiting_for_evaluations_that_nobody_makes_is_refused(model, judge):
    with pytest.raises(TrainingError, match="EvaluateEvery"):
        model.train(64, callbacks=judge)
    assert not model.is_trained


def test_a_judge_of_evaluations_comes_after_who_makes_them(model):
    with pytest.raises(TrainingError, match="nothing in front of it"):
        model.train(64, callbacks=[StopAtReturn(1, of="evaluation"), EvaluateEvery(16)])


def test_nothing_has_failed_to_improve_before_it_was_evaluated_again(model):
    stop = StopWithoutImprovement(16, min_delta=1000, of="evaluation")
    history = model.train(1000, callbacks=[EvaluateEvery(64, 2), stop])
    assert history.num_timesteps == 128  # at the second evaluation, not at the first update after the first


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"max_episode_steps": 0}, "max_episode_steps = 0"),
        ({"max_episode_steps": False}, "max_episode_steps = False"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_numbers_of_an_evaluation_are_checked_at_once(settings, named):
    with pytest.raises(TrainingError, match=named):
        EvaluateEvery(16, **settings)


def test_what_speaks_against_an_evaluation_is_told_before_training(model, tmp_path):
    wrong = {
        UnknownEnvironmentError: {"env": "CartPole-v99"},
        SpaceMismatchError: {"env": "CartPole-v1"},
        StoreError: {"path": tmp_path / "missing" / "best.rlkit"},
    }
    for error, settings in wrong.items():
        with pytest.raises(error):
            model.train(64, callbacks=EvaluateEvery(16, **settings))
    assert not model.is_trained


class CannotBeMade(gymnasium.Env):
    """Can be made so many times."""

    left = 1

    def __init__(self):
        if not self.left:
            raise RuntimeError("the license is taken")
        type(self).left -= 1
        self.observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)


class NoReset(CannotBeMade):
    left = 100

    def reset(self, *, seed=None, options=None):
        raise RuntimeError("the simulator does not answer")


class NoStep(NoReset):
    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 0.0, False, {}


@pytest.mark.parametrize(
    ("env", "told"), [(CannotBeMade, "license"), (NoReset, "simulator"), (NoStep, "step returned")]
)
def test_an_environment_for_evaluation_that_fails_does_so_before_the_first_step(model, env, told):
    with pytest.raises(Exception, match=told):
        model.train(64, callbacks=EvaluateEvery(1024, 2, env=env))
    assert not model.is_trained


def test_what_the_check_of_an_evaluation_makes_it_closes(environments):
    made = []

    def make():
        made.append(environments.Counting())
        return made[-1]

    model = rlkit.create("ppo", make, seed=0, n_envs=1, n_steps=8, batch_size=8)
    before = len(made)
    model.check_evaluation()
    model.check_evaluation(make)
    assert len(made) > before
    assert all(env.closed == 1 for env in made)


def test_a_model_that_cannot_be_saved_is_told_before_the_first_step(make, environments, tmp_path):
    class Nameless(type(make())):
        """Has no name in the factory."""

    model = Nameless(make().config, environments.ActionReward, seed=0)
    for callback in (EvaluateEvery(16, 2, path=tmp_path / "best.rlkit"), Checkpoint("x", 16, registry=tmp_path)):
        with pytest.raises(ModelDefinitionError, match="no name"):
            model.train(64, callbacks=callback)
    assert not model.is_trained


def test_a_file_that_cannot_be_written_is_told_before_the_first_step(model, tmp_path, monkeypatch):
    (tmp_path / "folder.rlkit").mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        model.train(64, callbacks=EvaluateEvery(16, 2, path=tmp_path / "folder.rlkit"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StoreError, match="Choose a folder that you may write to"):
        model.train(64, callbacks=EvaluateEvery(16, 2, path=tmp_path / "best.rlkit"))
    assert not model.is_trained


def test_patience_goes_on_over_calls_of_training(model):
    means = [0.4, 0.3, 0.2, 0.3, 0.1, 0.2, 0.3, 0.2]
    played, stop = Played(*means), StopWithoutImprovement(48)
    ran = []
    for _ in range(4):
        history = model.train(32, callbacks=[episodes_so_far(100), played, stop])
        ran.append(history.updates.num_rows)
    # 48 steps after the first update of 16, and 48 more after that stop: the best is still the first.
    assert ran == [2, 2, 2, 1]
    assert history.stop_reason == "no better than 0.4 for 48 steps"


def test_patience_in_many_short_calls_is_that_of_a_long_one(make):
    means = [0.1, 0.4, 0.3, 0.4, 0.2, 0.1]
    played, stop, model = Played(*means), StopWithoutImprovement(48), make()
    histories = [model.train(16, callbacks=[episodes_so_far(100), played, stop]) for _ in range(5)]
    assert [bool(history.stop_reason) for history in histories] == [False] * 4 + [True]


def test_patience_with_another_model_begins_anew(make):
    stop = StopWithoutImprovement(32)
    make().train(32, callbacks=[episodes_so_far(100), Played(0.9, 0.1), stop])
    history = make().train(48, callbacks=[episodes_so_far(100), Played(0.3, 0.2, 0.1), stop])
    assert history.stop_reason == "no better than 0.3 for 32 steps"


def test_steps_for_which_nothing_is_known_cost_no_patience(model):
    stop = StopWithoutImprovement(32)
    model.train(32, callbacks=[episodes_so_far(100), Played(0.4, 0.3), stop])
    assert not model.train(64, callbacks=[stop]).stop_reason  # too few episodes for a mean
    assert model.train(64, callbacks=[episodes_so_far(100), Played(0.2, 0.2), stop]).updates.num_rows == 1


def test_training_stops_when_nothing_got_better_for_so_long(model):
    means = [0.1, 0.4, 0.3, 0.4, 0.2, 0.1]
    history = model.train(1000, callbacks=[episodes_so_far(100), Played(*means), StopWithoutImprovement(48)])
    assert history.updates.num_rows == 5  # three updates of 16 steps after the best
    assert history.stop_reason == "no better than 0.4 for 48 steps"


def test_an_improvement_smaller_than_min_delta_is_none(model):
    means = [0.1, 0.15, 0.18, 0.2, 0.5]
    stop = StopWithoutImprovement(32, min_delta=0.1)
    history = model.train(1000, callbacks=[episodes_so_far(100), Played(*means), stop])
    assert history.updates.num_rows == 3


def test_nothing_has_failed_to_improve_while_nothing_is_known(model):
    history = model.train(64, callbacks=StopWithoutImprovement(16))
    assert history.updates.num_rows == 4


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "475", True])
def test_a_return_is_a_number(wrong):
    with pytest.raises(TrainingError, match="mean_return"):
        StopAtReturn(wrong)


@pytest.mark.parametrize("wrong", [-0.1, math.nan, None])
def test_min_delta_is_a_number_from_0(wrong):
    with pytest.raises(TrainingError, match="min_delta"):
        StopWithoutImprovement(10, min_delta=wrong)


@pytest.mark.parametrize("wrong", ["evaluations", None, 1])
def test_what_is_judged_is_one_of_two(wrong):
    with pytest.raises(TrainingError, match="'training' or 'evaluation'"):
        StopAtReturn(1, of=wrong)


def test_a_history_without_evaluations_has_none():
    assert History("x", 1).evaluations.num_rows == 0
