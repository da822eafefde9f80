"""The live display of a notebook."""

import itertools
import re

import pytest

import rlkit
from rlkit.callbacks import EvaluateEvery
from rlkit.errors import TrainingError
from rlkit.notebook import progress
from rlkit.notebook.progress import NotebookProgress

SMALL = 'model = rlkit.create("ppo", env="CartPole-v1", seed=0, n_steps=16, batch_size=64, n_epochs=1)'


@pytest.fixture
def shell(own_shell):
    own_shell.run(f"import rlkit\n{SMALL}")
    return own_shell


@pytest.fixture
def published(own_shell):
    return own_shell.published


@pytest.fixture
def model(shell):
    return shell.user_ns["model"]


class Clock(rlkit.Callback):
    """A clock that goes on by ``tick`` seconds with every episode and every update, if it is a callback in front."""

    now = 0.0
    tick = 1.0

    def perf_counter(self):
        return self.now

    def on_episode(self, run, episode):
        self.now += self.tick

    def on_update(self, run, update):
        self.now += self.tick


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def calling(action):
    """A callback that does one thing after an update."""
    return type("Calling", (rlkit.Callback,), {"on_update": lambda self, run, update: action(run)})()


def fail(run):
    raise TrainingError("It broke.", "Mend it.")


def test_one_display_is_updated_and_becomes_the_card_of_the_history(published, model):
    history = model.train(1000, progress=NotebookProgress())
    identities = {output["transient"]["display_id"] for output in published}
    assert len(identities) == 1
    assert [output["update"] for output in published] == [False, *[True] * (len(published) - 1)]
    assert published[-1]["data"] == {"text/plain": repr(history), "text/html": history._repr_html_()}
    assert "1,024 steps in" in published[-1]["data"]["text/plain"].replace("\n", " ")


def test_what_stays_after_a_stop_says_why(published, model):
    stop = calling(lambda run: run.stop("seen enough"))
    model.train(1000, callbacks=stop, progress=NotebookProgress())
    assert "stopped: seen enough" in published[-1]["data"]["text/plain"].replace("\n", " ")
    assert "stopped: seen enough" in published[-1]["data"]["text/html"]


def test_what_stays_after_an_error_says_which(published, model):
    with pytest.raises(TrainingError):
        model.train(1000, callbacks=calling(fail), progress=NotebookProgress())
    for shown in published[-1]["data"].values():
        assert "TrainingError: It broke." in shown
        assert "Mend it." in shown


def test_the_bar_is_as_long_as_the_run_has_come(published, model, clock):
    model.train(1024, callbacks=clock, progress=NotebookProgress())
    widths = [re.search(r"width:([\d.]+)%", output["data"]["text/html"]) for output in published[:-1]]
    lengths = [float(width[1]) for width in widths]
    assert lengths == sorted(lengths)
    assert {0, 12.5, 25, 37.5, 50, 62.5, 75, 87.5, 100} <= set(lengths)


def test_an_update_says_all_that_is_known(published, model, clock):
    model.train(1024, callbacks=[clock, EvaluateEvery(512, 2)], progress=NotebookProgress())
    shown = published[-2]["data"]
    for said in ("PPO on CartPole-v1", "100%", "1,024 of 1,024 steps", "steps/s", " left", "mean return", "evaluated"):
        assert said in shown["text/plain"]
        assert said.replace("100%", "100.0%") in shown["text/html"]
    assert '<img src="data:image/svg+xml;base64,' in shown["text/html"]


def test_an_episode_that_ends_within_a_long_rollout_is_shown(published, clock):
    model = rlkit.create("ppo", env="CartPole-v1", seed=0, n_envs=1, n_steps=512, n_epochs=1)
    model.train(512, callbacks=clock, progress=NotebookProgress())
    steps = {re.search(r"([\d,]+) of 512 steps", output["data"]["text/plain"])[1] for output in published[:-1]}
    assert len(steps) > 10


def test_updates_are_far_enough_apart_to_take_their_share_alone(published, model, clock, monkeypatch):
    spent = []
    send = NotebookProgress._send

    def sending(self, data):
        clock.now += 0.5  # as long as this took to send
        spent.append(clock.now)
        send(self, data)

    monkeypatch.setattr(NotebookProgress, "_send", sending)
    model.train(8192, callbacks=clock, progress=NotebookProgress())
    gaps = [later - earlier for earlier, later in itertools.pairwise(spent[:-1])]  # the last is sent at the end
    assert len(gaps) > 1
    assert min(gaps) >= 0.5 / 0.01


def test_updates_that_cost_nothing_are_a_tenth_of_a_second_apart(published, model, clock):
    clock.tick = 0.01
    model.train(16_384, callbacks=clock, progress=NotebookProgress())
    assert 2 < len(published) <= 10 * clock.now + 3


def test_the_cell_that_trains_shows_its_history_once(shell):
    shell.run("model.train(200)")
    assert shell.shown_values == []
    assert "steps in" in shell.published[-1]["data"]["text/plain"]
    shell.run("model.history")
    assert len(shell.shown_values) == 1


def test_the_cell_that_starts_a_job_shows_it_once_and_a_later_one_again(shell):
    job = shell.run("job = model.train_in_background(200)\njob")
    job.wait(600)
    assert shell.shown_values == []
    assert "finished" in shell.published[-1]["data"]["text/plain"]
    assert len({output["transient"]["display_id"] for output in shell.published}) == 1
    shell.run("job")
    assert len(shell.shown_values) == 1


def test_a_cell_that_starts_a_job_and_waits_for_it_shows_it_once(shell):
    shell.run("model.train_in_background(200).wait(600)")
    assert shell.shown_values == []


def test_a_job_shows_its_number_while_it_runs(shell, published, clock):
    shell.push({"clock": clock})
    job = shell.run("job = model.train_in_background(1024, callbacks=clock)\njob.wait(600)\njob")
    assert all(f"Job {job.number}" in output["data"]["text/html"] for output in published)
    assert "running" in published[0]["data"]["text/html"]


def test_a_job_that_fails_shows_its_error_where_it_was_started(shell, published, capsys):
    shell.run(
        "class Fail(rlkit.Callback):\n"
        "    def on_start(self, run):\n"
        "        raise ZeroDivisionError('by nothing')\n"
        "job = model.train_in_background(200, callbacks=Fail())"
    )
    with pytest.raises(ZeroDivisionError):
        shell.user_ns["job"].wait(600)
    assert "failed" in published[-1]["data"]["text/html"]
    assert "ZeroDivisionError: by nothing" in published[-1]["data"]["text/html"]
    assert "ZeroDivisionError: by nothing" in published[-1]["data"]["text/plain"].replace("\n", " ")
    assert "Traceback" not in capsys.readouterr().err


def test_the_card_of_a_long_run_stays_small(model):
    history = model.train(1, progress=False)
    for i in range(100_000):
        history.add_episode(20 * i, float(i % 500), 20)
        row = {"num_timesteps": 20 * i, "mean_return": i % 500, **dict.fromkeys("abcdefghij", float(i % 77))}
        history.updates.append(row)
    assert len(history._repr_html_()) < 50_000


def test_the_same_display_may_show_another_run(published, model):
    display = NotebookProgress()
    model.train_in_background(200, progress=display).wait(600)
    history = model.train(200, progress=display)
    assert published[-1]["data"]["text/plain"] == repr(history)


class Unreachable(NotebookProgress):
    """A display whose page cannot be reached any more after so many messages."""

    def __init__(self, messages):
        super().__init__()
        self.left = messages

    def _view(self, run):
        if not self.left:
            raise BrokenPipeError("nobody reads this")
        self.left -= 1
        return super()._view(run)


@pytest.mark.parametrize("messages", [0, 1, 3])
def test_a_display_that_fails_ends_no_training_and_says_so_once(model, clock, messages):
    with pytest.warns(UserWarning, match=r"BrokenPipeError: nobody reads this\nTraining goes on") as warned:
        history = model.train(640, callbacks=clock, progress=Unreachable(messages))
    assert len(warned) == 1
    assert history.num_timesteps == 640
    assert not history.error


def test_a_display_that_fails_is_shown_again_in_the_next_training(model, clock, published):
    display = Unreachable(0)
    for _ in range(2):
        with pytest.warns(UserWarning, match="nobody reads this"):
            model.train(64, callbacks=clock, progress=display)


def test_a_display_of_ones_own_is_ones_own(model):
    class Mine(rlkit.Callback):
        def on_update(self, run, update):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        model.train(64, progress=Mine())


def test_a_job_whose_display_fails_is_trained(model, monkeypatch):
    def broken(*args, **kwargs):
        raise BrokenPipeError("nobody reads this")

    monkeypatch.setattr(progress, "display", broken)
    with pytest.warns(UserWarning, match="nobody reads this") as warned:
        history = model.train_in_background(640, progress=NotebookProgress()).wait(60)
    assert len(warned) == 1
    assert history.num_timesteps == 640
