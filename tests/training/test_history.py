from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from rlkit.config.changes import ConfigChange
from rlkit.training.columns import Columns
from rlkit.training.history import WINDOW, History


def recorded(returns, *, every=1):
    """A history with an episode of each return, and an update after every so many."""
    history = History("PPO on Test-v0", 1000)
    for i, value in enumerate(returns):
        history.add_episode(10 * (i + 1), float(value), i + 1)
        if (i + 1) % every == 0:
            history.num_timesteps = 10 * (i + 1)
            history.updates.append({"num_timesteps": history.num_timesteps, "mean_return": history.mean_return})
    return history


def test_the_mean_return_is_that_of_the_last_100_episodes():
    returns = np.arange(250)
    history = recorded(returns)
    assert WINDOW == 100
    assert history.mean_return == pytest.approx(returns[-100:].mean())
    assert history.mean_length == pytest.approx(np.arange(151, 251).mean())


def test_means_are_nan_before_the_first_episode_ended():
    history = History("PPO on Test-v0", 1000)
    assert math.isnan(history.mean_return)
    assert math.isnan(history.mean_length)


def test_a_window_of_huge_and_small_returns_keeps_its_precision():
    # A running sum would keep an error of the huge return after it has left the window.
    history = recorded([1e17, *[1.0] * 100])
    assert history.mean_return == 1.0


def test_the_learning_curve_has_at_most_the_points_asked_for_with_both_ends():
    history = recorded(range(1000))
    curve = history.learning_curve(50)
    assert len(curve["steps"]) == len(curve["mean_return"]) == 50
    assert curve["steps"][0] == 10
    assert curve["steps"][-1] == 10_000
    assert curve["steps"] == sorted(set(curve["steps"]))


def test_the_learning_curve_leaves_out_updates_before_the_first_episode():
    history = History("PPO on Test-v0", 1000)
    history.updates.append({"num_timesteps": 5, "mean_return": math.nan})
    history.updates.append({"num_timesteps": 10, "mean_return": 3.0})
    assert history.learning_curve() == {"steps": [10.0], "mean_return": [3.0]}


def test_the_learning_curve_of_nothing_is_empty():
    assert History("PPO on Test-v0", 1000).learning_curve() == {"steps": [], "mean_return": []}


def test_a_history_is_one_line_and_a_curve():
    history = recorded(range(10))
    history.seconds = 2.0
    first, second = repr(history).split("\n")
    assert first == "PPO on Test-v0: 100 steps in 2.0 s · 50 steps/s · mean return 4.5 over the last 10 episodes"
    assert len(second) == 10


def test_a_history_without_episodes_says_so():
    assert repr(History("PPO on Test-v0", 10)).endswith("no episode ended")


def test_a_history_says_why_it_stopped():
    history = recorded([1.0])
    history.stop_reason = "interrupted"
    assert history.summary.endswith("stopped: interrupted")


@pytest.mark.parametrize("episodes", [0, 1, 2, 500])
def test_a_history_of_any_length_has_html_and_a_picture(episodes):
    history = recorded([3.0] * episodes)
    assert "PPO on Test-v0" in history._repr_html_()
    assert "Learning curve of PPO on Test-v0" in history.plot()._repr_html_()


def test_html_escapes_what_a_person_typed():
    assert "<b>" not in History("<b>x</b>", 10)._repr_html_()


def test_a_thread_may_read_the_curve_while_another_records():
    history = History("PPO on Test-v0", 1000)
    failures, done = [], threading.Event()

    def read():
        while not done.is_set():
            curve = history.learning_curve()
            if len(curve["steps"]) != len(curve["mean_return"]):
                failures.append(curve)

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(3000):
        history.updates.append({"num_timesteps": i, "mean_return": float(i)})
    done.set()
    reader.join()
    assert not failures
    assert history.updates["mean_return"].tolist() == list(range(3000))


def test_a_row_added_between_reading_two_columns_does_not_break_the_curve(monkeypatch):
    history = recorded([1.0, 2.0])
    read = Columns.__getitem__

    def append_then_read(columns, name):
        # As a training thread would: to the history's own columns, whichever are being read.
        history.updates.append({"num_timesteps": 99, "mean_return": 99.0})
        history.episodes.append({"num_timesteps": 99, "return": 99.0})
        return read(columns, name)

    monkeypatch.setattr(Columns, "__getitem__", append_then_read)
    assert history.learning_curve() == {"steps": [10.0, 20.0], "mean_return": [1.0, 1.5]}
    assert "mean" in history._repr_html_()


def test_what_is_not_known_is_a_dash_in_the_table_of_figures():
    history = recorded([1.0, 2.0])
    history.updates.append({"num_timesteps": 30, "mean_return": 2.0, "loss": 0.5})
    shown = history._repr_html_()
    assert "–" in shown  # noqa: RUF001 - what a table shows for no value
    assert "nan" not in shown


def test_a_plot_of_few_points_takes_as_many_from_a_long_run_as_from_a_short_one():
    long, short = recorded(range(50_000), every=5).plot(100).svg, recorded(range(100), every=1).plot(100).svg
    assert len(long) < 1.5 * len(short)
    assert "mean 49,950" in long


def test_a_history_that_an_error_ended_says_which_in_text_and_html():
    history = recorded([1.0])
    history.error = "TrainingError: <it> broke\nMend it."
    assert repr(history).endswith("TrainingError: <it> broke\nMend it.")
    assert "TrainingError: &lt;it&gt; broke" in history._repr_html_()
    assert "Mend it." in history._repr_html_()


def test_a_change_of_a_setting_is_said_and_drawn_where_it_was():
    history = History("PPO on Test-v0", 100)
    for step in (20, 40, 60, 80):
        history.updates.append({"num_timesteps": step, "mean_return": float(step)})
        history.num_timesteps = step
    before = history.plot().svg
    history.add_config_change(ConfigChange(40, "learning_rate", 0.001, 0.0001))
    history.add_config_change(ConfigChange(40, "ent_coef", 0.0, 0.01))
    assert "learning_rate  0.001 until step 40, then 0.0001" in repr(history)
    assert "0.001 until step 40, then 0.0001" in history._repr_html_()
    assert history.plot().svg.count('stroke-dasharray="1 3"') == 1
    history.config_changes = ()
    assert history.plot().svg == before
