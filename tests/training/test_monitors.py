from __future__ import annotations

import math

import numpy as np
import pytest

import rlkit
from rlkit.callbacks import EvaluateEvery, StopAtReturn, StopWithoutImprovement
from rlkit.errors import SpaceMismatchError, StoreError, TrainingError, UnknownEnvironmentError
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
