"""Noticing what others change. Threads are waited for, never slept for."""

import gc
import threading
import weakref

import pytest

from rlkit.notebook.widgets.models import follower as module
from rlkit.notebook.widgets.models.follower import Follower

SECONDS = 300  # more than anything here takes, even on a busy machine


class Seen:
    """Counts calls, and can be waited for."""

    def __init__(self):
        self.count = 0
        self._called = threading.Event()

    def __call__(self):
        self.count += 1
        self._called.set()

    def wait(self):
        assert self._called.wait(SECONDS)


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def make(registry, seen, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    made = []

    def make():
        made.append(Follower(registry, seen))
        return made[-1]

    yield make
    for follower in made:
        follower.stop()


def settle(follower, seen):
    """Look until nothing is so young any more that it may be another thing."""
    before = -1
    while before != seen.count:
        before = seen.count
        follower.look()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "Follower._look_again of rlkit"]


@pytest.mark.parametrize(
    "change",
    [
        lambda other, keep: keep(),
        lambda other, keep: keep("acrobot"),
        lambda other, keep: other.tag("cartpole:1", "a"),
        lambda other, keep: other.set_alias("cartpole", "best", 1),
        lambda other, keep: other.delete("cartpole:1"),
        lambda other, keep: other.rename("cartpole", "pole"),
    ],
    ids=["version", "model", "tag", "alias", "deletion", "name"],
)
def test_a_change_by_others_is_noticed(make, seen, keep, other, change):
    keep()
    follower = make()
    settle(follower, seen)
    before = seen.count
    change(other, keep)
    follower.look()
    assert seen.count == before + 1


def test_where_nothing_changes_nobody_is_called(make, seen, keep, registry, monkeypatch):
    keep()
    follower = make()
    settle(follower, seen)
    before = seen.count
    monkeypatch.setattr(type(registry), "versions", lambda self: pytest.fail("It lists versions."))
    follower.look()
    assert seen.count == before


def test_a_folder_that_comes_and_goes_is_noticed(make, seen, keep, folder):
    follower = make()
    keep()
    follower.look()
    assert seen.count == 1
    folder.rename(folder.with_name("away"))
    follower.look()
    assert seen.count == 2


def test_a_folder_that_cannot_be_read_is_noticed_once(make, seen, keep, folder):
    follower = make()
    folder.write_text("a file")
    follower.look()
    follower.look()
    assert seen.count == 1


def test_started_it_looks_by_itself_until_it_is_stopped(make, seen, keep):
    follower = make()
    follower.start()
    follower.start()
    (thread,) = threads()
    assert follower.follows
    keep()
    seen.wait()
    follower.stop()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert not follower.follows


def test_where_there_are_no_threads_it_looks_when_asked(make, seen, keep, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    follower = make()
    follower.start()
    keep()
    follower.look()
    assert seen.count == 1


def test_it_ends_when_nobody_holds_it(registry, seen, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    follower = Follower(registry, seen)
    follower.start()
    (thread,) = threads()
    left = weakref.ref(follower)
    del follower
    thread.join(SECONDS)
    gc.collect()
    assert not thread.is_alive()
    assert left() is None
