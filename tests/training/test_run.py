from __future__ import annotations

import gc
import signal
import threading
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from rlkit.errors import TrainingError
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.training import Callback, stopwatch

SECONDS = 300  # more than anything here takes, even on a busy machine


class Recorder(Callback):
    """Notes the name of every hook that is called."""

    def __init__(self):
        self.calls = []

    def on_start(self, run):
        self.calls.append("start")

    def on_rollout(self, run):
        self.calls.append("rollout")

    def on_episode(self, run, episode):
        self.calls.append("episode")

    def on_update(self, run, update):
        self.calls.append("update")

    def on_end(self, run):
        self.calls.append("end")


def calling(hook, action):
    """A callback that does one thing in one hook."""
    return type("Calling", (Callback,), {hook: lambda self, run, *rest: action(run)})()


@pytest.fixture
def model(environments):
    config = PPOConfig(n_envs=2, n_steps=4, batch_size=8, n_epochs=1)
    return PPO(config, lambda: environments.Counting(length=4), seed=0)


@pytest.fixture
def sigint():
    """Put back the handler of Ctrl-C, whatever a test does to it."""
    previous = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, previous)


def test_callbacks_are_called_in_the_order_of_what_happens(model):
    recorder = Recorder()
    model.train(16, callbacks=recorder)
    one_update = ["episode", "episode", "rollout", "update"]
    assert recorder.calls == ["start", *one_update, *one_update, "end"]


def test_a_run_takes_one_callback_as_train_does(model):
    recorder = Recorder()
    for _ in model.training(8, callbacks=recorder):
        pass
    assert recorder.calls == ["start", "episode", "episode", "rollout", "update", "end"]


@pytest.mark.parametrize("callbacks", [5, None, print, Callback, [Callback()], [None], "on_end"])
def test_what_is_no_callback_is_refused_before_anything_runs(model, callbacks):
    wrong = [*callbacks, 5] if isinstance(callbacks, list) else callbacks
    with pytest.raises(TrainingError, match="is no callback"):
        model.train(8, callbacks=wrong)
    assert not model.is_trained
    assert model.train(8).num_timesteps == 8


def test_every_callback_is_told_in_the_order_given(model):
    told = []
    model.train(8, callbacks=[calling("on_update", lambda run, n=n: told.append(n)) for n in (1, 2, 3)])
    assert told == [1, 2, 3]


def test_an_update_says_what_is_known_after_it(model):
    updates = list(model.training(16))
    assert [update.num_timesteps for update in updates] == [8, 16]
    assert {update.total_timesteps for update in updates} == {16}
    assert updates[0].seconds <= updates[1].seconds
    assert updates[1].mean_return == 1 + 2 + 3 + 4
    assert updates[1].mean_length == 4
    assert updates[0].metrics["minibatches"] == 1
    assert updates[1].steps_per_second > 0


def test_training_takes_whole_rollouts_until_the_steps_are_taken(model):
    assert model.train(9).num_timesteps == 16
    assert model.num_timesteps == 16


@pytest.mark.parametrize(("hook", "updates"), [("on_start", 0), ("on_episode", 1), ("on_rollout", 1), ("on_update", 1)])
def test_stop_from_any_hook_ends_the_run_after_the_update_under_way(model, hook, updates):
    recorder = Recorder()
    history = model.train(1000, callbacks=[calling(hook, lambda run: run.stop("enough")), recorder])
    assert history.updates.num_rows == updates
    assert history.stop_reason == "enough"
    assert recorder.calls[-1] == "end"
    assert model.train(8).updates.num_rows == 1


def test_stop_in_on_end_does_no_harm(model):
    assert model.train(8, callbacks=calling("on_end", lambda run: run.stop())).updates.num_rows == 1


def test_the_first_reason_to_stop_is_kept(model):
    def stop_twice(run):
        run.stop("first")
        run.stop("second")

    assert model.train(100, callbacks=calling("on_update", stop_twice)).stop_reason == "first"


def test_a_run_that_took_all_its_steps_has_no_reason_to_have_stopped(model):
    assert model.train(8).stop_reason == ""


@pytest.mark.parametrize("hook", ["on_episode", "on_rollout", "on_update"])
def test_callbacks_are_told_of_the_end_after_an_error_and_the_model_trains_on(model, hook):
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError):
        model.train(100, callbacks=[calling(hook, lambda run: 1 / 0), recorder])
    assert recorder.calls[-1] == "end"
    assert recorder.calls.count("end") == 1
    assert model.history.stop_reason == "ZeroDivisionError"
    assert model.history.error == "ZeroDivisionError: division by zero"
    assert model.train(8).stop_reason == model.history.error == ""


def test_all_callbacks_are_told_of_the_end_even_where_one_of_them_fails(model):
    def fail(run):
        raise OSError("the disk is full")

    first, last = Recorder(), Recorder()
    with pytest.raises(OSError, match="the disk is full"):
        model.train(8, callbacks=[first, calling("on_end", fail), last])
    assert first.calls[-1] == last.calls[-1] == "end"


def test_an_error_at_the_start_is_the_one_that_shows_and_only_who_was_started_is_told_of_the_end(model):
    before, after = Recorder(), Recorder()
    # The progress bar, started last, has nothing to close: its own error must not hide this one.
    with pytest.raises(ZeroDivisionError):
        model.train(8, callbacks=[before, calling("on_start", lambda run: 1 / 0), after], progress=True)
    assert before.calls == ["start", "end"]
    assert after.calls == []


def test_an_error_at_the_start_does_not_lock_the_model_while_its_traceback_is_kept(model):
    run = model.training(8, callbacks=[calling("on_start", lambda run: 1 / 0)])
    with pytest.raises(ZeroDivisionError):
        next(run)
    assert model.train(8).updates.num_rows == 1


def test_a_run_is_a_plain_iterator(model):
    run = model.training(24)
    assert iter(run) is run
    assert next(run).num_timesteps == 8
    assert [update.num_timesteps for update in run] == [16, 24]
    with pytest.raises(StopIteration):
        next(run)
    assert run.ended


def test_nothing_is_called_before_the_first_update_is_asked_for(model):
    recorder = Recorder()
    model.training(8, callbacks=[recorder])
    assert recorder.calls == []


def test_a_run_says_how_long_it_has_taken_and_why_it_is_asked_to_stop(model):
    run = model.training(24)
    assert (run.seconds, run.stop_reason) == (0, "")
    update = next(run)
    assert run.seconds >= update.seconds > 0
    run.stop("seen enough")
    assert run.stop_reason == "seen enough"


def test_close_ends_the_run_at_the_last_update_tells_callbacks_and_frees_the_model(model):
    recorder = Recorder()
    run = model.training(1000, callbacks=[recorder])
    next(run)
    run.close()
    assert recorder.calls[-1] == "end"
    assert run.ended
    assert list(run) == []
    assert run.history.num_timesteps == 8
    assert run.history.stop_reason == "closed"
    run.close()
    assert recorder.calls.count("end") == 1
    assert model.train(8).num_timesteps == 8


def test_closing_a_run_that_never_began_frees_the_model(model):
    run = model.training(1000)
    run.close()
    assert run.ended
    assert model.train(8).num_timesteps == 8


def test_a_run_stopped_before_its_first_update_frees_the_model(model):
    run = model.training(1000)
    run.stop()
    assert list(run) == []
    assert model.train(8).num_timesteps == 8


@pytest.mark.parametrize("started", [False, True])
def test_two_runs_of_one_model_are_refused(model, started):
    run = model.training(1000)
    if started:
        next(run)
    with pytest.raises(TrainingError, match="training already"):
        model.training(8)
    with pytest.raises(TrainingError, match=r"run\.close"):
        model.train(8)
    assert next(run).num_timesteps > 0


def test_training_from_inside_a_callback_is_refused(model):
    with pytest.raises(TrainingError, match="training already"):
        model.train(100, callbacks=calling("on_update", lambda run: model.train(8)))


@pytest.mark.parametrize("started", [False, True])
def test_a_run_that_nobody_holds_any_more_does_not_keep_the_model(model, started):
    gc.disable()  # a run refers to itself: it must not take the collector's chance visit
    try:
        run = model.training(1000)
        if started:
            next(run)
        abandoned = weakref.ref(run)
        del run
        assert model.train(8).num_timesteps == 8
        assert abandoned() is None
    finally:
        gc.enable()


def test_a_loop_that_breaks_leaves_the_model_free(model):
    for _ in model.training(1000):
        break
    assert model.train(8).updates.num_rows == 1


def test_a_thread_can_drive_a_run_and_another_stop_it(model):
    first_update = threading.Event()
    run = model.training(10**9, callbacks=[calling("on_update", lambda run: first_update.set())])
    thread = threading.Thread(target=lambda: [None for _ in run])
    thread.start()
    assert first_update.wait(SECONDS)
    run.stop("button")
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert run.history.stop_reason == "button"


def test_a_thread_and_the_main_thread_train_the_same_model_alike(environments):
    models = [PPO(PPOConfig(n_steps=8, batch_size=8), environments.Identity, seed=3) for _ in range(2)]
    models[0].train(64)
    thread = threading.Thread(target=models[1].train, args=(64,))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(models[0].network.parameters.vector, models[1].network.parameters.vector)


def test_environments_stay_open_from_one_run_to_the_next_until_the_model_is_closed(environments):
    made = []

    def make():
        made.append(environments.Counting())
        return made[-1]

    model = PPO(PPOConfig(n_steps=4, batch_size=4), make, seed=0)
    model.train(8)
    run = model.training(100)
    next(run)
    with pytest.raises(TrainingError, match="is training"):
        model.close()
    run.close()
    assert [env.closed for env in made] == [1, 0]
    model.close()
    model.close()
    assert [env.closed for env in made] == [1, 1]
    model.train(8)
    assert [env.closed for env in made] == [1, 1, 0]


def test_environments_are_closed_when_nothing_refers_to_the_model(environments):
    made = []

    def make():
        made.append(environments.Counting())
        return made[-1]

    model = PPO(PPOConfig(n_steps=4, batch_size=4), make, seed=0)
    model.train(8)
    del model
    gc.collect()
    assert [env.closed for env in made] == [1, 1]


def test_environments_that_failed_are_replaced(environments):
    made = []

    class Failing(environments.Counting):
        def __init__(self):
            super().__init__()
            made.append(self)

        def step(self, action):
            if len(made) == 2:
                raise OSError("the simulator died")
            return super().step(action)

    model = PPO(PPOConfig(n_steps=4, batch_size=4), Failing, seed=0)
    with pytest.raises(OSError, match="died"):
        model.train(8)
    model.train(8)
    assert [env.closed for env in made] == [1, 1, 0]


def test_progress_remaining_falls_from_the_first_update_to_zero_at_the_last(model):
    seen = []
    model.train(32, callbacks=calling("on_rollout", lambda run: seen.append(run.progress_remaining)))
    assert seen == [0.75, 0.5, 0.25, 0.0]


def test_progress_remaining_is_never_negative(model):
    seen = []
    model.train(9, callbacks=calling("on_rollout", lambda run: seen.append(run.progress_remaining)))
    assert seen == pytest.approx([1 / 9, 0.0])


def test_each_call_of_train_runs_its_schedules_from_the_start(environments):
    config = PPOConfig(n_steps=8, batch_size=8, learning_rate="lin_0.01", clip_range="lin_0.2_0.1")
    model = PPO(config, environments.Identity, seed=0)
    for _ in range(2):
        updates = model.train(32).updates
        np.testing.assert_allclose(updates["learning_rate"], [0.01, 0.0075, 0.005, 0.0025])
        np.testing.assert_allclose(updates["clip_range"], [0.2, 0.175, 0.15, 0.125])


def test_a_run_of_a_single_rollout_learns_at_the_full_rate(environments):
    model = PPO(PPOConfig(n_steps=8, batch_size=8, learning_rate="lin_0.01"), environments.Identity, seed=0)
    assert model.train(8).updates["learning_rate"].tolist() == [0.01]


def test_closing_in_the_middle_of_an_update_says_what_to_do(model):
    with pytest.raises(TrainingError, match=r"run\.stop"):
        model.train(9, callbacks=calling("on_rollout", lambda run: run.close()))
    assert model.train(9).num_timesteps >= 9


def test_ctrl_c_ends_the_call_after_the_update_and_the_model_trains_on(model, sigint):
    recorder = Recorder()
    before = signal.getsignal(signal.SIGINT)
    interrupt = calling("on_episode", lambda run: signal.raise_signal(signal.SIGINT) if not run.stopped else None)
    history = model.train(1000, callbacks=[interrupt, recorder])
    assert history.stop_reason == "interrupted"
    assert history.updates.num_rows == 1
    assert recorder.calls[-2:] == ["update", "end"]
    assert signal.getsignal(signal.SIGINT) is before
    assert "interrupted" in repr(history)
    assert "interrupted" in repr(model)
    assert model.train(8).stop_reason == ""


def test_a_second_ctrl_c_interrupts_at_once_and_the_model_trains_on(model, sigint):
    recorder = Recorder()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.train(1000, callbacks=[calling("on_episode", lambda run: signal.raise_signal(signal.SIGINT)), recorder])
    assert "update" not in recorder.calls
    assert recorder.calls[-1] == "end"
    assert signal.getsignal(signal.SIGINT) is before
    assert (model.history.stop_reason, model.history.error) == ("interrupted", "")
    assert model.train(8).stop_reason == ""


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN, lambda *args: None])
def test_whatever_handler_ctrl_c_had_is_put_back(model, sigint, handler):
    signal.signal(signal.SIGINT, handler)
    model.train(8)
    assert signal.getsignal(signal.SIGINT) == handler


def test_the_handler_is_put_back_after_an_error(model, sigint):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        model.train(8, callbacks=calling("on_update", lambda run: 1 / 0))
    assert signal.getsignal(signal.SIGINT) is before


def test_iterating_a_run_leaves_ctrl_c_alone(model):
    before = signal.getsignal(signal.SIGINT)
    run = model.training(16)
    next(run)
    assert signal.getsignal(signal.SIGINT) is before
    run.close()


def test_a_history_has_a_row_for_each_update_and_each_episode(model):
    history = model.train(24)
    assert history.updates["num_timesteps"].tolist() == [8, 16, 24]
    assert history.episodes["num_timesteps"].tolist() == [8, 8, 16, 16, 24, 24]
    assert history.episodes["return"].tolist() == [10] * 6
    assert history.episodes["length"].tolist() == [4] * 6
    assert (history.total_timesteps, history.num_timesteps) == (24, 24)
    assert {"seconds", "mean_return", "policy_loss", "value_loss", "approx_kl"} <= set(history.updates)
    assert model.num_episodes == 6


def test_the_model_remembers_all_calls_of_train(model):
    first, second = model.train(16), model.train(8)
    assert model.history is second
    assert model.learning_curve["steps"] == [8, 16, 24]
    assert model.wall_time == pytest.approx(first.seconds + second.seconds)


def until_it_moves(run):
    """Let the thread that trains go on: one that looks again and again would hold it up."""
    seen = run.num_timesteps
    while run.num_timesteps == seen and not run.ended:
        pass


def test_a_pause_waits_for_the_update_under_way_and_holds_the_next(model):
    run = model.training(10**9)
    seen = []

    def drive():
        for _ in run:
            pass

    thread = threading.Thread(target=drive)
    thread.start()
    for _ in range(20):
        until_it_moves(run)
        with run.paused():
            before = (run.num_timesteps, run.history.updates.num_rows, model.network.parameters.vector.copy())
            with run.paused():  # whoever pauses may pause again
                after = (run.num_timesteps, run.history.updates.num_rows, model.network.parameters.vector.copy())
            seen.append(run.num_timesteps)
        np.testing.assert_array_equal(before[2], after[2])
        assert before[:2] == after[:2]
    run.stop()
    thread.join()
    assert seen == sorted(set(seen))


def test_a_callback_may_pause_its_own_run(model):
    def look(run):
        with run.paused():
            states.append(model.get_state())

    states = []
    history = model.train(9, callbacks=calling("on_update", look))
    assert len(states) == history.updates.num_rows


def test_a_state_that_is_taken_while_a_thread_trains_is_that_between_two_updates():
    config = PPOConfig(n_envs=2, n_steps=16, batch_size=32, n_epochs=3, net_arch=[8])
    model = PPO(config, "CartPole-v1", seed=0)
    run = model.training(10**9)
    thread = threading.Thread(target=lambda: [None for _ in run])
    thread.start()
    states = []
    for _ in range(30):
        until_it_moves(run)
        states.append(model.get_state())
    run.stop()
    thread.join()
    made = [state["networks"]["optimizer"]["steps"] for state in states]
    expected = [3 * state["num_timesteps"] // 32 for state in states]
    assert made == expected
    assert len(set(made)) > 1


def test_training_goes_on_exactly_from_a_state_that_was_taken_while_a_thread_trained():
    config = PPOConfig(n_envs=2, n_steps=16, batch_size=32, n_epochs=3, net_arch=[8])
    model = PPO(config, "CartPole-v1", seed=0)
    run = model.training(3200)
    thread = threading.Thread(target=lambda: [None for _ in run])
    thread.start()
    until_it_moves(run)
    state = model.get_state()
    thread.join()
    fresh = PPO(config, "CartPole-v1", seed=0)
    fresh.train(state["num_timesteps"])
    np.testing.assert_array_equal(fresh.get_state()["networks"]["parameters"], state["networks"]["parameters"])


def test_a_run_that_is_paused_waits_until_it_is_resumed_and_does_not_count_the_time(model, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def passes(run):
        now[0] += 1

    run = model.training(1000, callbacks=calling("on_rollout", passes))
    next(run)
    run.pause()
    waiting, wait = threading.Event(), run._going.wait
    monkeypatch.setattr(run._going, "wait", lambda: [waiting.set(), wait()])
    thread = threading.Thread(target=next, args=(run,))
    thread.start()
    assert waiting.wait(SECONDS)
    now[0] += 1000
    assert thread.is_alive()
    assert run.is_paused
    assert run.history.updates.num_rows == 1
    assert run.seconds == 1
    run.resume()
    thread.join()
    assert run.history.updates.num_rows == 2
    assert run.seconds == 2


def test_a_run_that_is_paused_can_be_stopped_and_one_that_is_stopped_is_not_paused(model):
    run = model.training(1000)
    next(run)
    run.pause()
    run.stop()
    assert not run.is_paused
    run.pause()
    assert not run.is_paused
    assert list(run) == []
