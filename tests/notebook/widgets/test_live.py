"""A training that a cell waits for, with its buttons."""

from importlib import import_module

import pytest
from ipywidgets.widgets.widget import _instances

import rlkit
from rlkit.errors import TrainingError

from .test_subshell import Kernel

VIEW = "application/vnd.jupyter.widget-view+json"


class Clock:
    """Stands where the module ``time`` is read, and goes on by a tenth of a second with every update."""

    now = 1000.0

    def perf_counter(self):
        return self.now

    monotonic = perf_counter

    def sleep(self, seconds):
        """Return at once. The clock is not the sleeper's: threads of other tests may still be ending."""


class Press(rlkit.Callback):
    """Does something with the monitor as soon as it is shown; gives up after five seconds of the clock."""

    def __init__(self, shell, clock, press):
        self.shell = shell
        self.clock = clock
        self.press = press
        self.monitor = None

    def on_update(self, run, update):
        self.clock.now += 0.1
        views = [shown["data"][VIEW] for shown in self.shell.published if VIEW in shown["data"]]
        if self.monitor is None and views:
            self.monitor, _ = _instances[views[-1]["model_id"]].children
            self.press(self.monitor)
        elif update.seconds > 5:
            run.stop("nothing was shown")


@pytest.fixture
def train(own_shell, tmp_path, monkeypatch):
    """Train in a cell; press when the monitor is shown."""
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    clock = Clock()
    for name in ("rlkit.notebook.progress", "rlkit.notebook.widgets.live", "rlkit.training.stopwatch"):
        monkeypatch.setattr(import_module(name), "time", clock)  # the extension may have loaded the module anew

    def train(press, **settings):
        model = rlkit.create("ppo", "CartPole-v1", seed=0, n_steps=64, n_envs=8, n_epochs=1, **settings)
        callback = Press(own_shell, clock, press)
        own_shell.user_ns.update(model=model, callback=callback)
        history = own_shell.run("history = model.train(10**9, callbacks=[callback])\nhistory")
        return model, callback.monitor, history

    return train


def test_its_buttons_are_answered_where_a_thread_serves_them(own_shell, train):
    own_shell.kernel = Kernel("one")
    _, monitor, history = train(lambda monitor: monitor.stop.click())
    assert history.stop_reason == "asked to stop"
    assert "stopped: asked to stop" in monitor.head.value  # a page that is loaded anew may go on showing it
    assert monitor.stop.disabled
    last = own_shell.published[-1]["data"]
    assert VIEW not in last
    assert "asked to stop" in last["text/html"]
    assert own_shell.shown_values == []


def test_what_is_changed_and_kept_meanwhile_is(own_shell, train):
    own_shell.kernel = Kernel("one")

    def press(monitor):
        monitor.settings["ent_coef"].value = "0.01"
        monitor.checkpoint.click()
        monitor.stop.click()

    model, _, _ = train(press)
    assert model.config.ent_coef == 0.01
    assert rlkit.registry().get("cartpole-v1").tags == ("checkpoint",)


def test_there_are_none_that_would_only_be_answered_when_the_cell_has_ended(own_shell, train):
    own_shell.kernel = Kernel()
    _, monitor, history = train(lambda monitor: monitor.stop.click())
    assert monitor is None
    assert history.stop_reason == "nothing was shown"
    assert "<img" in own_shell.published[-1]["data"]["text/html"]


def test_a_training_that_fails_leaves_its_card_and_its_error(own_shell, train):
    own_shell.kernel = Kernel("one")

    def press(monitor):
        raise TrainingError("The press failed.", "Press again.")

    with pytest.raises(TrainingError, match="The press failed"):
        train(press)
    last = own_shell.published[-1]["data"]
    assert VIEW not in last
    assert "The press failed" in last["text/html"]
