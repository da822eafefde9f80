"""A run as it is shown while it goes on."""

from __future__ import annotations

import re

import pytest

from rlkit.models.ppo import PPO, PPOConfig
from rlkit.training.view import run_html, run_text


@pytest.fixture
def run(environments):
    config = PPOConfig(n_envs=2, n_steps=4, batch_size=8, n_epochs=1)
    run = PPO(config, lambda: environments.Counting(length=4), seed=0).training(32)
    yield run
    run.close()


def test_a_run_that_has_not_begun_is_shown_without_figures_that_nobody_knows(run):
    assert run_text(run) == "PPO on custom environment   0% 0 of 32 steps"
    assert "0 of 32 steps<" in run_html(run)
    assert "width:0.0%" in run_html(run)


def test_a_run_says_how_far_and_how_good_it_is(run):
    next(run)
    shown = r"PPO on custom environment  25% 8 of 32 steps · [\d,]+ steps/s · [\d.]+ m?s left · mean return 10"
    assert re.fullmatch(shown, run_text(run))
    assert "width:25.0%" in run_html(run)
    assert "mean return 10<" in run_html(run)


def test_the_last_evaluation_is_told(run):
    run.history.evaluations.append({"num_timesteps": 8, "mean_return": 3.0, "std_return": 1.0})
    run.history.evaluations.append({"num_timesteps": 16, "mean_return": 7.5, "std_return": 2.0})
    assert run_text(run).endswith("evaluated 7.5 ± 2")


def test_a_run_that_is_about_to_stop_says_why(run):
    run.stop("seen <enough>")
    assert run_text(run).endswith("stopping: seen <enough>")
    assert "stopping: seen &lt;enough&gt;" in run_html(run)


def test_steps_beyond_those_asked_for_are_no_more_than_all(environments):
    model = PPO(PPOConfig(n_envs=2, n_steps=4, batch_size=8), lambda: environments.Counting(length=4), seed=0)
    run = model.training(9)
    list(run)
    assert "100% 16 of 9 steps" in run_text(run)
    assert " 0 s left" in run_text(run)
    assert "width:100.0%" in run_html(run)


def test_the_curve_is_a_picture_whose_place_is_kept(run):
    next(run)
    assert re.search(
        r'<img src="data:image/svg\+xml;base64,[^"]+" alt="Learning curve [^"]+" width="540" height="220"',
        run_html(run),
    )


def test_a_long_run_is_drawn_of_as_few_points_as_a_short_one(run, monkeypatch):
    drawn = []

    def draw(*columns, **options):
        drawn.extend(len(column) for column in (*columns, *options["evaluated"]))
        return "<svg/>"

    monkeypatch.setattr("rlkit.display.svg.learning_curve", draw)
    for i in range(5000):
        run.history.add_episode(i, float(i), 1)
        for columns in (run.history.updates, run.history.evaluations):
            columns.append({"num_timesteps": i, "mean_return": float(i), "std_return": 0.0})
    run_html(run)
    assert len(drawn) == 6
    assert max(drawn) <= 200
