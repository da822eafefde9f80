from __future__ import annotations

import errno
import sys
from types import SimpleNamespace

import pytest

from rlkit.errors import TrainingError
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.training import Callback
from rlkit.training.progress import ProgressBar, default_progress, progress_callback


@pytest.fixture
def model(environments):
    return PPO(PPOConfig(n_steps=8, batch_size=8), environments.Identity, seed=0)


@pytest.fixture(autouse=True)
def outside_notebooks(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    default_progress.reset()
    yield
    default_progress.reset()


def test_true_shows_a_bar_that_ends_at_all_steps(model, capsys):
    model.train(60, progress=True)
    shown = capsys.readouterr().err
    assert "PPO on custom environment" in shown
    assert "60.0/60.0" in shown
    assert "mean return" in shown


def test_false_shows_nothing(model, capsys):
    model.train(8, progress=False)
    assert capsys.readouterr().err == ""


def test_none_shows_nothing_where_nobody_looks(model, capsys):
    model.train(8)
    assert capsys.readouterr().err == ""


def test_none_shows_a_bar_in_a_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(progress_callback(None), ProgressBar)


def test_none_shows_a_bar_in_a_notebook(monkeypatch):
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(progress_callback(None), ProgressBar)


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_none_shows_no_bar_where_ipython_is_imported_and_there_is_no_kernel(monkeypatch, shell):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert progress_callback(None) is None


def test_a_callback_takes_the_place_of_the_bar(model, capsys):
    updates = []

    class Mine(Callback):
        def on_update(self, run, update):
            updates.append(update)

    model.train(16, progress=Mine())
    assert len(updates) == 2
    assert capsys.readouterr().err == ""


def test_a_notebook_can_put_its_own_in_the_place_of_the_default():
    mine = Callback()
    default_progress.make = lambda: mine
    assert progress_callback(None) is mine
    assert progress_callback(progress=True) is mine
    assert progress_callback(progress=False) is None


def test_in_the_background_a_terminal_shows_none_and_a_notebook_a_bar(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert progress_callback(None, background=True) is None
    assert isinstance(progress_callback(progress=True, background=True), ProgressBar)
    assert progress_callback(progress=False, background=True) is None
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(progress_callback(None, background=True), ProgressBar)


def test_a_notebook_can_put_its_own_in_the_place_of_what_shows_jobs():
    mine = Callback()
    default_progress.make_for_job = lambda: mine
    assert progress_callback(None, background=True) is mine
    default_progress.reset()
    assert progress_callback(None, background=True) is not mine


def test_the_bar_is_closed_after_an_error(model, capsys):
    class Failing(Callback):
        def on_update(self, run, update):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.train(16, callbacks=Failing(), progress=True)
    assert "PPO on" in capsys.readouterr().err


@pytest.mark.parametrize("progress", ["bar", 1, [], Callback])
def test_what_is_no_progress_is_refused(model, progress):
    with pytest.raises(TrainingError, match="Give True, False or a callback"):
        model.train(8, progress=progress)


class Broken:
    """A pipe that nobody reads any more, or a file that is closed."""

    def __init__(self, error):
        self.error = error

    def isatty(self):
        return True

    def write(self, text):
        raise self.error

    flush = fileno = lambda self: self.write("")


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), ValueError("I/O operation on closed file.")]
)
@pytest.mark.parametrize("progress", [True, None])
def test_a_bar_that_nobody_sees_any_more_ends_no_training(model, monkeypatch, error, progress):
    monkeypatch.setattr(sys, "stderr", Broken(error))
    assert model.train(24, progress=progress).num_timesteps == 24


@pytest.mark.parametrize("progress", [True, None])
def test_a_process_without_standard_error_can_train(model, monkeypatch, progress):
    monkeypatch.setattr(sys, "stderr", None)
    assert model.train(24, progress=progress).num_timesteps == 24


def test_a_closed_standard_error_is_no_terminal(monkeypatch):
    class Closed(Broken):
        def isatty(self):
            raise self.error

    monkeypatch.setattr(sys, "stderr", Closed(ValueError("I/O operation on closed file.")))
    assert progress_callback(None) is None
