"""Several trainings in one picture."""

import threading

import numpy as np
import pytest

import rlkit
from rlkit.errors import TrainingError
from rlkit.notebook.widgets import runs
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.notebook.widgets.runs import RunsMonitor, monitor_of
from rlkit.training.jobs import jobs

SECONDS = 300  # more than anything here takes, even on a busy machine


def train(steps=10**9, **settings):
    model = rlkit.create("ppo", "CartPole-v1", seed=0, n_steps=16, n_envs=2, batch_size=32, n_epochs=1, **settings)
    return model, model.train_in_background(steps, progress=False)


@pytest.fixture
def two():
    """Two models and their jobs, which train until the end of the test."""
    held = [train(learning_rate=1e-3), train(learning_rate=1e-4)]
    yield [job for _, job in held]
    for _, job in held:
        job.stop()
        job.wait(SECONDS)


def until(holds):
    """Wait until something holds, which another thread brings about."""
    for _ in range(SECONDS * 100):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError


def lines(monitor):
    return {line["name"]: line for line in monitor.curve.lines if line["kind"] == "line"}


def test_each_run_has_a_line_and_a_row(two):
    monitor = RunsMonitor(two)
    names = [f"#{job.number}" for job in two]
    until(lambda: all(len(line["x"]) for line in lines(monitor).values()))
    assert sorted(lines(monitor)) == sorted(names)
    assert len({line["colour"] for line in lines(monitor).values()}) == 2
    assert [row.name for row in monitor.rows] == names
    for row, job in zip(monitor.rows, two, strict=True):
        assert lines(monitor)[row.name]["colour"] in row._said.value
        assert job.title in row._said.value


def test_rows_say_what_is_different(two):
    first, second = (row._said.value for row in RunsMonitor(two).rows)
    assert "learning_rate 0.001" in first
    assert "learning_rate 0.0001" in second
    assert "gamma" not in first


def test_it_follows_the_runs_by_itself_and_rests_when_all_have_ended(two):
    monitor = RunsMonitor(two)
    before = monitor.rows[0]._said.value
    until(lambda: monitor.rows[0]._said.value != before)
    for job in two:
        job.stop()
        job.wait(SECONDS)
    until(lambda: all("stopped" in row._said.value for row in monitor.rows))
    assert all(row.stop.disabled and row.pause.disabled for row in monitor.rows)


def test_what_is_drawn_and_over_what_is_chosen(two):
    monitor = RunsMonitor(two)
    until(lambda: "entropy" in monitor._metrics.options)
    monitor._metrics.value = "entropy"
    assert monitor.metric == monitor.curve.y_label == "entropy"
    monitor.over = "seconds"
    assert monitor._overs.value == monitor.curve.x_label == "seconds"
    seconds = np.frombuffer(lines(monitor)[monitor.rows[0].name]["x"], "<f4")
    assert seconds.max() <= max(job.seconds for job in two)


def test_one_thread_draws_at_a_time_so_that_the_last_to_begin_is_seen_last(two, monkeypatch):
    monitor = RunsMonitor(two)
    drawn, free = [], []

    def try_to_draw():
        free.append(monitor._drawing.lock.acquire(blocking=False))

    def draw(lines, **rest):
        thread = threading.Thread(target=try_to_draw)
        thread.start()
        thread.join()
        drawn.append(monitor.curve.y_label)

    monkeypatch.setattr(monitor.curve, "draw", draw)
    monitor.refresh()
    assert drawn
    assert not any(free)


def test_what_there_is_not_is_refused_with_the_nearest(two):
    monitor = RunsMonitor(two)
    until(lambda: "entropy" in monitor._metrics.options)
    with pytest.raises(TrainingError, match="entropy"):
        monitor.metric = "entropie"
    with pytest.raises(TrainingError, match="environment steps"):
        monitor.over = "hours"
    assert (monitor.metric, monitor.over) == ("mean_return", "environment steps")


def test_buttons_are_of_one_run_alone(two):
    monitor = RunsMonitor(two)
    monitor.rows[0].pause.click()
    assert [job.status for job in two] == ["paused", "running"]
    assert "Resume" in monitor.rows[0].pause.description
    monitor.rows[0].pause.click()
    assert two[0].status == "running"
    monitor.rows[1].stop.click()
    two[1].wait(SECONDS)
    assert two[0].is_running


def test_runs_that_have_ended_are_compared_too():
    _, job = train(256)
    job.wait(SECONDS)
    monitor = RunsMonitor([job])
    assert "finished" in monitor.rows[0]._said.value
    assert monitor.rows[0].stop.disabled
    data = monitor.twin()
    assert f"{job.number}" in data["text/plain"]
    assert "<img" in data["text/html"]
    assert "finished" in data["text/html"]


def test_one_that_trains_has_all_its_buttons_and_is_followed(two):
    monitor = monitor_of(two[:1])
    assert isinstance(monitor, TrainingMonitor)
    before = monitor.head.value
    until(lambda: monitor.head.value != before)
    two[0].stop()
    two[0].wait(SECONDS)
    until(lambda: monitor.stop.disabled)
    assert monitor.pause.disabled
    assert not monitor.checkpoint.disabled


def test_none_named_are_all_that_go_on_else_the_newest(two):
    assert type(rlkit.ui.monitor()).__name__ == "RunsMonitor"  # of a module that the extension may have loaded anew
    assert set(two) <= set(monitor_of([]).jobs)
    for job in filter(lambda job: job.is_running, jobs()):
        job.stop()
        job.wait(SECONDS)
    assert monitor_of([]).jobs == jobs()[-1:]


def test_no_training_at_all_is_said(monkeypatch):
    monkeypatch.setattr(runs, "jobs", list)
    with pytest.raises(TrainingError, match="--background"):
        monitor_of([])


def test_the_magic_takes_models_and_numbers(run, shell, two):
    shell.user_ns["agent"] = two[0].model
    monitor = run(f"%rl_ui monitor agent {two[1].number}")
    assert [job.number for job in monitor.jobs] == [job.number for job in two]


def tickers():
    return [thread.name for thread in threading.enumerate() if thread.name.endswith("of rlkit")]


def test_closed_monitors_follow_nothing_any_more(two):
    monitors = [RunsMonitor(two), TrainingMonitor(two[0], follow=True)]
    assert {"RunsMonitor.refresh of rlkit", "TrainingMonitor._tick of rlkit"} <= set(tickers())
    before = len(tickers())
    for monitor in monitors:
        monitor.close()
    until(lambda: len(tickers()) <= before - len(monitors))
    assert all(job.is_running for job in two)


def test_a_job_that_is_named_twice_is_shown_once(two):
    assert [row.job for row in RunsMonitor([*two, two[0]]).rows] == two
    assert isinstance(monitor_of([two[0], two[0]]), TrainingMonitor)


def test_one_that_was_stopped_says_how_it_ended(two):
    monitor = monitor_of(two[:1])
    monitor.pause.click()
    monitor.stop.click()
    until(lambda: monitor.stop.disabled)
    assert "left" not in monitor.head.value
    assert "stopping" not in monitor.head.value
    assert "stopped: asked to stop" in monitor.head.value
    assert not monitor.message.value
    assert "stopped" in monitor.twin()["text/plain"]


def test_one_that_fails_says_by_what():
    followed = threading.Event()

    class Fails(rlkit.Callback):
        def on_update(self, run, update):
            followed.wait(SECONDS)
            raise ZeroDivisionError("<on purpose>")

    model = rlkit.create("ppo", "CartPole-v1", seed=0, n_steps=16)
    monitor = monitor_of([model.train_in_background(10**9, callbacks=[Fails()], progress=False)])
    followed.set()
    until(lambda: monitor.stop.disabled)
    assert "ZeroDivisionError: &lt;on purpose&gt;" in monitor.message.value
    assert "stopping" not in monitor.head.value


def test_bands_are_left_out_where_they_would_cover_each_other(two, monkeypatch):
    monitor = RunsMonitor(two)
    until(lambda: all(len(line["x"]) for line in lines(monitor).values()))
    monitor.refresh()
    assert all("low" in line for line in lines(monitor).values())
    monkeypatch.setattr(runs, "_MOST_BANDS", 1)
    monitor.refresh()
    assert not any("low" in line for line in lines(monitor).values())
