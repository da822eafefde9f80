"""Training in the background."""

from __future__ import annotations

import contextvars
import gc
import signal
import threading
import weakref

import numpy as np
import pytest

import rlkit
from rlkit.errors import TrainingError
from rlkit.models.dqn import DQN, DQNConfig
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.training import Callback
from rlkit.training.jobs import JobList, find_job, jobs
from rlkit.training.progress import JobDisplay, default_progress

SECONDS = 300  # more than anything here takes, even on a busy machine


def calling(hook, action):
    """A callback that does one thing in one hook."""
    return type("Calling", (Callback,), {hook: lambda self, run, *rest: action(run)})()


class Held(Callback):
    """Stops after the first update until it is let go."""

    def __init__(self):
        self.reached, self.release = threading.Event(), threading.Event()

    def on_update(self, run, update):
        self.reached.set()
        assert self.release.wait(SECONDS)


@pytest.fixture
def make(environments):
    def make():
        config = PPOConfig(n_envs=2, n_steps=4, batch_size=8, n_epochs=1)
        return PPO(config, lambda: environments.Counting(length=4), seed=0)

    return make


@pytest.fixture
def model(make):
    return make()


@pytest.fixture
def held():
    held = Held()
    yield held
    held.release.set()


@pytest.fixture
def running(model, held):
    """A job that has made one update and waits in it."""
    job = model.train_in_background(80, callbacks=held)
    assert held.reached.wait(SECONDS)
    yield job
    held.release.set()
    job.stop()
    job.wait(SECONDS)


def failing(model, error):
    """A job that has failed."""

    def fail(run):
        raise error

    job = model.train_in_background(80, callbacks=calling("on_update", fail))
    with pytest.raises(type(error)):
        job.wait(SECONDS)
    return job


def test_a_job_trains_as_train_does(make):
    ours, theirs = make(), make()
    history = ours.train_in_background(64).wait(SECONDS)
    expected = theirs.train(64)
    np.testing.assert_array_equal(ours.network.parameters.vector, theirs.network.parameters.vector)
    np.testing.assert_array_equal(history.updates["policy_loss"], expected.updates["policy_loss"])
    assert ours.history is history


def test_a_job_says_how_far_it_is_while_it_runs_and_what_came_of_it(running, held, model):
    assert running.status == "running"
    assert running.error is None
    assert (running.num_timesteps, running.total_timesteps) == (8, 80)
    assert running.history.updates.num_rows == 1
    assert running.model is model
    assert running.seconds > 0
    held.release.set()
    history = running.wait(SECONDS)
    assert running.status == "finished"
    assert history is running.history
    assert (history.num_timesteps, running.num_timesteps) == (80, 80)
    assert running.seconds == history.seconds


def test_stop_returns_at_once_and_ends_the_job_after_the_update_under_way(running, held, model):
    running.stop("seen enough")
    assert running.status == "running"
    held.release.set()
    assert running.wait(SECONDS).stop_reason == "seen enough"
    assert running.status == "stopped"
    assert model.num_timesteps == 8
    running.stop("again")
    assert running.history.stop_reason == "seen enough"


def test_a_job_that_a_callback_stops_is_stopped(model):
    job = model.train_in_background(80, callbacks=calling("on_update", lambda run: run.stop("good enough")))
    assert job.wait(SECONDS).stop_reason == "good enough"
    assert job.status == "stopped"


def test_an_error_is_kept_and_raised_to_who_waits_and_not_printed(model, capsys):
    job = failing(model, ZeroDivisionError("division by zero"))
    assert job.status == "failed"
    assert isinstance(job.error, ZeroDivisionError)
    assert job.history.error == "ZeroDivisionError: division by zero"
    assert capsys.readouterr().err == ""
    assert model.train(8).num_timesteps == 8


def test_an_error_that_is_waited_for_twice_has_the_same_traceback(model):
    def depth(traceback):
        return 0 if traceback is None else 1 + depth(traceback.tb_next)

    job = failing(model, ZeroDivisionError())
    depths = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError) as caught:
            job.wait(SECONDS)
        depths.append(depth(caught.tb))
    assert len(set(depths)) == 1


def test_even_an_exit_in_a_callback_is_kept_for_who_waits(model):
    job = failing(model, SystemExit(3))
    assert (job.status, job.history.error) == ("failed", "SystemExit: 3")


def test_waiting_too_long_is_an_error_that_names_the_job(running):
    with pytest.raises(TrainingError, match=rf"Job {running.number} \(PPO on custom environment\) is still running"):
        running.wait(0.001)
    assert running.status == "running"


def test_ctrl_c_ends_the_wait_and_not_the_job(model):
    waiting, release = threading.Event(), threading.Event()

    def interrupt(run):
        if run.num_timesteps == 8:
            waiting.wait(SECONDS)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # which wakes one that waits
            release.wait(SECONDS)

    job = model.train_in_background(80, callbacks=calling("on_update", interrupt))
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come before the wait has begun
        waiting.set()
        job.wait(SECONDS)
    assert job.status == "running"
    release.set()
    assert job.wait(SECONDS).num_timesteps == 80
    assert job.history.stop_reason == ""


def test_a_job_does_not_wait_for_itself(model):
    job = model.train_in_background(80, callbacks=calling("on_update", lambda run: find_job(model).wait()))
    with pytest.raises(TrainingError, match="cannot wait for itself"):
        job.wait(SECONDS)


def test_jobs_are_numbered_and_listed_the_newest_last(make):
    one, two = (make().train_in_background(8) for _ in range(2))
    assert two.number == one.number + 1
    assert jobs()[-2:] == [one, two]
    one.wait(SECONDS)
    two.wait(SECONDS)
    assert rlkit.jobs()[-2:] == [one, two]


def test_jobs_that_have_ended_leave_the_list_but_for_the_five_newest(make, running, held):
    ended = [make().train_in_background(16) for _ in range(8)]
    for job in ended:
        job.wait(SECONDS)
    assert jobs()[-6:] == [running, *ended[3:]]
    gone = weakref.ref(ended[0])
    newest = make().train_in_background(16)
    newest.wait(SECONDS)
    assert jobs()[-6:] == [running, *ended[4:], newest]
    del job, ended
    gc.collect()
    assert gone() is None


def test_jobs_are_found_by_number_and_by_model(model):
    one = model.train_in_background(8)
    one.wait(SECONDS)
    two = model.train_in_background(8)
    two.wait(SECONDS)
    assert find_job(one.number) is find_job(str(one.number)) is one
    assert find_job(model) is find_job(two) is two


@pytest.mark.parametrize(("which", "problem"), [(10**6, "There is no job 1000000"), ("x", "There is no job 'x'")])
def test_a_job_that_is_not_there_is_an_error_that_names_those_that_are(model, which, problem):
    job = model.train_in_background(8)
    job.wait(SECONDS)
    with pytest.raises(TrainingError, match=problem) as caught:
        find_job(which)
    assert caught.value.remedy.endswith(f"{job.number}.")


@pytest.mark.parametrize("which", [None, 2.5])
def test_what_never_trained_in_the_background_has_no_job(make, which):
    make().train_in_background(8).wait(SECONDS)
    with pytest.raises(TrainingError, match="No job trains"):
        find_job(make() if which is None else which)


def test_without_jobs_the_error_says_how_to_start_one(monkeypatch):
    monkeypatch.setattr("rlkit.training.jobs._started", [])
    with pytest.raises(TrainingError, match="train_in_background"):
        find_job(1)
    assert "train_in_background" in repr(jobs())
    assert "train_in_background" in jobs()._repr_html_()


def test_a_model_that_trains_in_the_background_is_not_trained_twice(running, model):
    count = len(jobs())
    for train in (model.train_in_background, model.train, model.training):
        with pytest.raises(TrainingError, match="training already"):
            train(8)
    assert len(jobs()) == count


@pytest.mark.parametrize(
    "arguments", [{"steps": 0}, {"steps": 8, "callbacks": [5]}, {"steps": 8, "progress": "bar"}], ids=str
)
def test_what_cannot_be_trained_starts_no_job(model, arguments):
    count = len(jobs())
    with pytest.raises(TrainingError):
        model.train_in_background(**arguments)
    assert len(jobs()) == count
    assert model.train(8).num_timesteps == 8


def test_many_threads_start_jobs_of_their_own(make):
    models = [make() for _ in range(8)]
    started = []
    threads = [
        threading.Thread(target=lambda model=model: started.append(model.train_in_background(80))) for model in models
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert {job.wait(SECONDS).num_timesteps for job in started} == {80}
    numbers = [job.number for job in jobs()]
    assert numbers == sorted(set(numbers))


def test_callbacks_run_in_the_context_of_whoever_started_the_job(model):
    place = contextvars.ContextVar("place", default="elsewhere")
    seen = []
    place.set("here")
    job = model.train_in_background(8, callbacks=calling("on_update", lambda run: seen.append(place.get())))
    place.set("somewhere else")
    job.wait(SECONDS)
    assert seen == ["here"]


def test_a_job_that_has_ended_keeps_no_model(make):
    model = make()
    kept = weakref.ref(model)
    job = model.train_in_background(8)
    job.wait(SECONDS)
    del model
    gc.collect()
    assert kept() is None
    assert job.model is None
    assert job.history.num_timesteps == 8


def test_a_job_that_failed_keeps_its_model_until_another_starts(make):
    model = make()
    kept = weakref.ref(model)
    job = failing(model, ZeroDivisionError())
    del model
    make().train_in_background(8).wait(SECONDS)
    gc.collect()
    assert kept() is None
    assert isinstance(job.error, ZeroDivisionError)


def test_a_running_job_shows_how_far_it_is_and_an_ended_one_its_history(running, held):
    shown, html = repr(running), running._repr_html_()
    assert shown.startswith(f"Job {running.number}, running: PPO on custom environment  10% 8 of 80 steps")
    assert "8 of 80 steps" in html
    assert "width:10.0%" in html
    held.release.set()
    running.wait(SECONDS)
    shown, html = repr(running), running._repr_html_()
    assert shown.startswith(f"Job {running.number}, finished: PPO on custom environment: 80 steps in")
    assert "finished" in html
    assert running.history._repr_html_() in html


def test_a_failed_job_shows_its_error_in_two_lines(model):
    job = failing(model, TrainingError("It <broke>.", "Mend it."))
    assert repr(job).endswith("TrainingError: It <broke>.\nMend it.")
    assert "TrainingError: It &lt;broke&gt;." in job._repr_html_()
    assert "Mend it." in job._repr_html_()


def test_a_job_may_be_shown_while_its_thread_goes_on(model):
    job = model.train_in_background(10**9)
    shown = [(repr(job), job._repr_html_(), repr(jobs()), jobs()._repr_html_()) for _ in range(50)]
    job.stop()
    job.wait(SECONDS)
    assert all("running" in text for of_one in shown for text in of_one)


def test_jobs_show_as_a_table(make):
    stopped = make().train_in_background(80, callbacks=calling("on_update", lambda run: run.stop("seen <enough>")))
    stopped.wait(SECONDS)
    failed = failing(make(), TrainingError("It broke.", "Mend it."))
    table, html = repr(JobList([stopped, failed])), JobList([stopped, failed])._repr_html_()
    header, _, first, second = table.splitlines()
    assert header.split() == ["job", "what", "status", "steps", "of", "mean", "return", "time", "note"]
    assert "stopped" in first
    assert first.endswith("seen <enough>")
    assert second.endswith("TrainingError: It broke.")
    assert "seen &lt;enough&gt;" in html
    assert html.count("<tr>") == 3


class Recording(JobDisplay):
    def __init__(self):
        self.told = []

    def open(self, job):
        self.told.append(("open", job.status, threading.current_thread()))

    def close(self, job):
        self.told.append(("close", job.status, threading.current_thread()))

    def on_end(self, run):
        self.told.append(("end", "", threading.current_thread()))


def test_a_display_is_told_of_a_job_by_its_starter_by_its_thread_and_by_who_waits(model):
    display, me = Recording(), threading.current_thread()
    job = model.train_in_background(8, progress=display)
    job.wait(SECONDS)
    mine = [(what, status, thread is me) for what, status, thread in display.told]
    assert mine == [
        ("open", "running", True),
        ("end", "", False),
        ("close", "finished", False),
        ("close", "finished", True),
    ]


def test_a_job_in_a_terminal_draws_no_bar_unless_asked_to(model, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    default_progress.reset()
    model.train_in_background(8).wait(SECONDS)
    assert capsys.readouterr().err == ""
    model.train_in_background(8, progress=True).wait(SECONDS)
    assert "PPO on" in capsys.readouterr().err


@pytest.fixture(params=["ppo", "dqn"])
def learner(request):
    if request.param == "ppo":
        return PPO(PPOConfig(n_envs=2, n_steps=16, batch_size=32, n_epochs=3, net_arch=[8]), "CartPole-v1", seed=0)
    return DQN(DQNConfig(net_arch=[8], learning_starts=32, batch_size=16), "CartPole-v1", seed=0)


def test_a_model_is_used_while_it_trains_in_the_background(learner, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    job = learner.train_in_background(10**9)
    while not job.history.updates.num_rows:
        pass
    observations = np.zeros((5, 4), np.float32)
    assert learner.predict(observations).shape == (5,)
    version = rlkit.register(learner, "busy")
    again = rlkit.load("busy")
    assert learner.save(tmp_path / "busy.rlkit").exists()
    assert "trained" in repr(learner)
    assert learner._repr_html_()
    assert job.status == "running"
    job.stop()
    job.wait(SECONDS)
    assert again.num_timesteps == version.num_timesteps < learner.num_timesteps
    assert again.num_timesteps == again.get_state()["num_timesteps"]


def test_an_evaluation_meanwhile_is_that_of_one_policy(learner, monkeypatch):
    job = learner.train_in_background(10**9)
    while not job.history.updates.num_rows:
        pass
    seen = []
    act = type(learner)._act

    def acting(self, features, rng):
        seen.append(next(iter(learner.parameters.values())).tobytes())
        return act(self, features, rng)

    monkeypatch.setattr(type(learner), "_act", acting)
    result = learner.evaluate(3, seed=0)
    job.stop()
    job.wait(SECONDS)
    assert result.episodes == 3
    assert len(seen) > 3
    assert len(set(seen)) == 1


def test_training_goes_on_after_an_evaluation_meanwhile_as_if_there_had_been_none(learner):
    job = learner.train_in_background(3000)
    while not job.history.updates.num_rows:
        pass
    learner.evaluate(2)
    job.wait(SECONDS)
    alone = type(learner)(learner.config, "CartPole-v1", seed=0)
    alone.train(3000)
    for name, array in learner.parameters.items():
        np.testing.assert_array_equal(array, alone.parameters[name])


def test_a_job_is_paused_and_resumed(model):
    updates = []
    job = model.train_in_background(10**9, callbacks=calling("on_update", updates.append))
    while not updates:
        pass
    job.pause()
    assert (job.status, job.is_running) == ("paused", True)
    assert "paused" in repr(job)
    with model.paused():
        count = len(updates)
    assert count == len(updates)
    job.resume()
    while len(updates) == count:
        pass
    job.pause()
    job.stop()
    assert job.wait(SECONDS).stop_reason == "asked to stop"
    job.pause()
    job.resume()
    assert (job.status, job.is_running) == ("stopped", False)
