"""A forked process works as a fresh one does, whatever threads of its parent were doing."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import rlkit
from rlkit.callbacks import Checkpoint
from rlkit.errors import StoreBusyError, TrainingError
from rlkit.forks import Guard, in_child
from rlkit.nn.threads import one_blas_thread
from rlkit.registry import ModelRegistry
from rlkit.storage import files
from rlkit.storage.packing import PackedModel, pack
from rlkit.training import Callback

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="Nothing is forked here."),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

SECONDS = 300  # more than anything here takes, even on a busy machine


class Child:
    """A forked process that does some work, which begins when it is told to."""

    def __init__(self, work):
        ours, theirs = multiprocessing.Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            signal.alarm(SECONDS)  # what hangs for ever must not hang the tests
            try:
                theirs.recv()
                theirs.send_bytes(pickle.dumps((work(), None)))
            except BaseException:  # noqa: BLE001 - whatever it is must reach the test
                theirs.send_bytes(pickle.dumps((None, traceback.format_exc())))
            finally:
                os._exit(0)
        theirs.close()
        self._pipe = ours

    def result(self):
        """Let it begin, and return what the work gives."""
        self._pipe.send("go")
        try:
            result, error = pickle.loads(self._pipe.recv_bytes())
        except EOFError:
            result, error = None, "The child was killed: it hung."
        os.waitpid(self._pid, 0)
        assert error is None, error
        return result


class Elsewhere:
    """Another thread that is inside a block, until the end of this one."""

    def __init__(self, block):
        self._block, self._inside, self._leave = block, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._stay)

    def _stay(self):
        with self._block():
            self._inside.set()
            self._leave.wait(SECONDS)

    def __enter__(self):
        self._thread.start()
        assert self._inside.wait(SECONDS)

    def __exit__(self, *_):
        self._leave.set()
        self._thread.join()


class Model:
    """What a registry needs of a model."""

    def __init__(self, weight):
        self.weight = weight

    def packed(self, *, slim=False):
        state = {"algorithm": "ppo", "weights": np.full(8, self.weight)}
        return PackedModel({"algorithm": "ppo", "config": {}, "wall_time": 0.0}, pack(state))


@pytest.fixture
def registry(tmp_path):
    registry = ModelRegistry(tmp_path / "store")
    registry.register(Model(0.0), "shared")
    assert len(registry.search("version = 1")) == 1
    return registry


def test_a_guard_is_free_in_a_child(registry):
    guard = Guard()
    with Elsewhere(lambda: guard.lock):
        child = Child(lambda: guard.lock.acquire(blocking=False))
        assert not guard.lock.acquire(blocking=False)
        assert child.result()


def test_what_is_to_be_made_anew_lives_no_longer_for_that():
    made = []

    def make(name):
        def renew(_):
            made.append(name)

        return type("Made", (), {"renew": renew})()

    kept, lost = make("kept"), make("lost")
    in_child(kept.renew)
    in_child(lost.renew)
    del lost
    gc.collect()
    assert Child(lambda: made).result() == ["kept"]
    assert made == []


def register(weight):
    version = store.registry.register(Model(weight), "shared", metrics={"weight": weight})
    assert [each.ref for each in store.registry.search(f"metrics.weight = {weight}")] == [version.ref]
    return version.version


store = SimpleNamespace(registry=None)  # of the forked workers: a pool hands them only names


def test_workers_of_a_pool_register_at_once_and_nothing_is_lost(registry, monkeypatch):
    monkeypatch.setattr(store, "registry", registry)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        numbers = pool.map(register, range(1, 17), chunksize=1)
        pool.close()
        pool.join()
    assert sorted(numbers) == list(range(2, 18))
    assert [version.metrics.get("weight") for version in registry.versions("shared")][1:] == [
        weight for _, weight in sorted(zip(numbers, range(1, 17), strict=True))
    ]
    assert registry.verify().ok


def test_a_child_registers_that_was_forked_while_another_thread_wrote(registry, monkeypatch):
    monkeypatch.setattr(store, "registry", registry)
    with Elsewhere(registry._store.writing), Elsewhere(lambda: registry._index._guard):
        child = Child(lambda: register(1.0))
    assert child.result() == 2
    assert registry.get("shared").version == 2


def test_a_child_does_not_hold_the_lock_of_its_parent(registry):
    with registry._store.writing():
        assert Child(lambda: busy(registry)).result()
        children = [Child(lambda: None)]
    with Elsewhere(registry._store.writing):
        children.append(Child(lambda: None))
    with files.lock(registry.folder / ".lock"):  # else it would be held for as long as the children are there
        pass
    for child in children:
        child.result()


def busy(registry):
    try:
        with registry._store.writing(timeout=0):
            return False
    except StoreBusyError:
        return True


def test_a_process_may_be_forked_while_others_take_a_lock(registry):
    def take():
        while not enough.is_set():
            with files.lock(registry.folder / ".lock"):
                pass

    enough = threading.Event()
    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    children = [Child(lambda: None) for _ in range(20)]
    enough.set()
    for thread in threads:
        thread.join()
    with files.lock(registry.folder / ".lock"):
        pass
    for child in children:
        child.result()


class Held(Callback):
    """Stops in the first update until it is let go."""

    def __init__(self):
        self.reached, self.release = threading.Event(), threading.Event()

    def on_update(self, run, update):
        self.reached.set()
        assert self.release.wait(SECONDS)


@pytest.fixture
def make(environments):
    def make(seed=0):
        return rlkit.create("ppo", environments.ActionReward, seed=seed, n_envs=2, n_steps=8, batch_size=16)

    return make


@pytest.fixture
def training(make):
    """A model that a thread trains, which is in the middle of an update, and its job."""
    held = Held()
    model = make()
    job = model.train_in_background(160, callbacks=held, progress=False)
    assert held.reached.wait(SECONDS)
    yield model, job
    held.release.set()
    assert job.wait(SECONDS).num_timesteps == 160


def test_a_job_of_the_parent_does_not_go_on_in_a_child(training):
    model, job = training

    def work():
        with pytest.raises(TrainingError, match="trains in the process that this one was forked from"):
            job.wait()
        job.stop()
        return list(rlkit.jobs()), job.status, job.is_running, repr(job), model.num_timesteps

    jobs, status, is_running, text, steps = Child(work).result()
    assert (jobs, status, is_running, steps) == ([], "failed", False, 16)
    assert "failed" in text
    assert (job in rlkit.jobs(), job.status) == (True, "running")


def test_a_model_can_be_asked_in_a_child_that_trains_in_the_parent(training, environments):
    model, _ = training
    result = Child(lambda: (model.predict(np.zeros(1, np.float32)), model.evaluate(3).episodes)).result()
    assert result[1] == 3


def test_a_child_trains_and_registers_while_the_parent_trains(training, make, registry):
    def work():
        checkpoint = Checkpoint("made", 16, registry=registry)
        make(1).train_in_background(32, callbacks=checkpoint, progress=False).wait()
        return registry.register(make(2), "made").version, [job.status for job in rlkit.jobs()]

    assert Child(work).result() == (3, ["finished"])
    assert [version.num_timesteps for version in registry.versions("made")] == [16, 32, 0]


def test_a_training_of_the_parent_does_not_limit_blas_in_a_child():
    def work():
        with one_blas_thread():
            inside = blas_threads()
        return inside, blas_threads()

    with threadpool_limits(2, user_api="blas"):
        with Elsewhere(one_blas_thread):
            assert Child(work).result() == ({1}, {2})
            assert blas_threads() == {1}
        assert blas_threads() == {2}


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
