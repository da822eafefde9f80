"""The monitor of a job, with its buttons pressed."""

import threading

import pytest

import rlkit
from rlkit.callbacks import EvaluateEvery
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.training.progress import default_progress

SECONDS = 300  # more than anything here takes, even on a busy machine


@pytest.fixture
def model():
    return rlkit.create("ppo", "CartPole-v1", seed=0, n_steps=16, n_envs=2, batch_size=32, n_epochs=1)


@pytest.fixture
def updated():
    """A callback whose event is set after each update."""

    class Updated(rlkit.Callback):
        def __init__(self):
            self.event = threading.Event()

        def on_update(self, run, update):
            self.event.set()

        def wait(self):
            self.event.clear()
            assert self.event.wait(SECONDS)

    return Updated()


@pytest.fixture
def job(model, updated, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    job = model.train_in_background(10**9, callbacks=[EvaluateEvery(64, 2), updated], progress=False)
    updated.wait()
    updated.wait()
    yield job
    job.stop()
    job.wait(SECONDS)


@pytest.fixture
def monitor(job):
    return TrainingMonitor(job)


def test_it_shows_how_far_the_job_is_and_its_curve(monitor, updated):
    assert "PPO on CartPole-v1" in monitor.head.value
    assert "steps/s" in monitor.head.value
    names = [line["name"] for line in monitor.curve.lines]
    assert {"mean", "evaluated"} <= set(names)
    before = monitor.head.value
    updated.wait()
    monitor.refresh()
    assert monitor.head.value != before


def test_losses_are_drawn_where_they_are_unfolded(monitor):
    assert monitor.panels == {}
    monitor._figures.selected_index = 0
    assert {"policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction"} <= set(monitor.panels)
    assert all(panel.lines for panel in monitor.panels.values())


def test_pause_and_resume(monitor, job):
    monitor.pause.click()
    assert (job.status, monitor.pause.description) == ("paused", "Resume")
    monitor.pause.click()
    assert (job.status, monitor.pause.description) == ("running", "Pause")


def test_stop_leaves_a_usable_model(monitor, job, model):
    monitor.stop.click()
    assert job.wait(SECONDS).stop_reason == "asked to stop"
    assert model.evaluate(1).episodes == 1


def test_a_checkpoint_is_the_next_version_of_the_name(monitor):
    assert monitor.name.value == "cartpole-v1"
    monitor.name.value = " pole "
    monitor.checkpoint.click()
    assert "Kept as pole:1." in monitor.message.value
    assert rlkit.registry().get("pole").tags == ("checkpoint",)


def test_a_name_that_is_not_allowed_is_said_and_the_training_goes_on(monitor, job, updated):
    monitor.name.value = "../x"
    monitor.checkpoint.click()
    assert "InvalidNameError" in monitor.message.value
    assert not rlkit.registry().models()
    updated.wait()
    assert job.is_running


def test_what_may_change_while_it_trains_is_changed(monitor, model, updated):
    monitor.settings["learning_rate"].value = "1e-5"
    monitor.settings["ent_coef"].value = "0.01"
    assert (model.config.learning_rate, model.config.ent_coef) == (1e-5, 0.01)
    assert "ent_coef is 0.01 from the next update on." in monitor.message.value
    updated.wait()
    updated.wait()
    assert model.history.updates["learning_rate"][-1] == 1e-5
    assert [change.name for change in model.history.config_changes] == ["learning_rate", "ent_coef"]


def test_every_setting_of_the_monitor_may_change_while_a_model_trains(monitor, model):
    assert set(monitor.settings) <= set(model.config.live_names())


@pytest.mark.parametrize("typed", ["7", "fast", "", "nan"])
def test_what_may_not_be_is_said_in_the_configs_own_words_and_not_used(monitor, model, typed):
    before = model.config
    monitor.settings["learning_rate"].value = typed
    assert model.config is before
    assert "learning_rate" in monitor.message.value
    assert "ConfigError" in monitor.message.value


def test_dqn_has_no_entropy_to_weigh(tmp_path):
    model = rlkit.create("dqn", "CartPole-v1", net_arch=[8], learning_starts=10)
    job = model.train_in_background(10**9, progress=False)
    try:
        assert list(TrainingMonitor(job).settings) == ["learning_rate"]
    finally:
        job.stop()
        job.wait(SECONDS)


def test_a_job_that_has_ended_leaves_its_card_and_no_widget(own_shell, model):
    own_shell.user_ns["model"] = model
    job = own_shell.run("job = model.train_in_background(10**9)\njob")
    view = "application/vnd.jupyter.widget-view+json"
    while not (views := [shown["data"] for shown in own_shell.published if view in shown["data"]]):
        assert job.is_running
    assert "PPO on CartPole-v1" in views[-1]["text/html"]
    job.stop()
    job.wait(SECONDS)
    last = own_shell.published[-1]["data"]
    assert view not in last
    assert "stopped" in last["text/html"]
    assert "<img" in last["text/html"]
    assert own_shell.shown_values == []


def test_a_job_that_is_over_at_once_shows_no_widget(own_shell, model, monkeypatch):
    monkeypatch.setattr("rlkit.notebook.widgets.live._SECONDS_WITHOUT", 1e9)
    own_shell.user_ns["model"] = model
    own_shell.run("job = model.train_in_background(200)\njob").wait(SECONDS)
    assert not any("application/vnd.jupyter.widget-view+json" in shown["data"] for shown in own_shell.published)
    assert "finished" in own_shell.published[-1]["data"]["text/html"]


def test_the_monitor_is_what_a_job_shows_in_a_kernel(own_shell):
    assert type(default_progress.make_for_job()).__name__ == "MonitorProgress"
    own_shell.run("%config RLMagics.progress = 'live'")
    assert type(default_progress.make_for_job()).__name__ == "NotebookProgress"
    own_shell.run("%config RLMagics.progress = 'none'")
    assert default_progress.make_for_job() is None
    assert default_progress.make() is None


def test_two_monitors_of_a_job_agree_whether_it_waits(job, monitor):
    other = TrainingMonitor(job)
    other.pause.click()
    monitor.refresh()
    assert monitor.pause.description == "Resume"
    job.resume()
    monitor.refresh()
    assert monitor.pause.description == "Pause"


def test_a_model_that_nothing_holds_any_more_is_missed_with_a_word(job, monitor, monkeypatch):
    monkeypatch.setattr(type(job), "model", None)
    monitor.settings["learning_rate"].value = "0.001"
    assert "Nothing holds the model any more." in monitor.message.value
    monitor.message.clear()
    monitor.checkpoint.click()
    assert "Nothing holds the model any more." in monitor.message.value
