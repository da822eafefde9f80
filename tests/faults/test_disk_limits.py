"""A disk may be full, files may have a limit, and a folder may be read-only: what is there stays, and can be read."""

import contextlib
import ctypes
import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from rlkit.errors import ModelNotFoundError, StoreError
from rlkit.registry import ModelRegistry, reader
from rlkit.storage.packing import state_of

from .checks import refused, told
from .harness import Full, ReadOnly, Watched, on
from .operations import OPERATIONS, STORE

WRITING = [operation for operation in OPERATIONS if not operation.reads]


class Counting(Watched):
    """Counts the bytes that are written."""

    def __init__(self):
        super().__init__()
        self.written = 0

    def called(self, name, *arguments):
        result = self.done(name, *arguments)
        self.written += result if name == "write" else 0
        return result


def rooms(ground, operation, parts):
    """How much room there may be for what an operation writes: none, nearly enough, and in between."""
    root = ground.copy(operation)
    with on(Counting()) as system:
        operation(ground.registry(root))
    return sorted({system.written * part // parts for part in range(parts)} | {max(0, system.written - 1)})


def test_a_disk_that_runs_full_loses_nothing(ground, operation):
    assert told(refused(ground, operation, map(Full, rooms(ground, operation, 3)))) == ""


@pytest.mark.long
def test_a_disk_that_runs_full_at_any_byte_loses_nothing(ground, operation):
    assert told(refused(ground, operation, map(Full, rooms(ground, operation, 200)))) == ""


# -- limits that the operating system sets -------------------------------------------------------------------------

PROGRAM = """
import errno, json, resource, signal, sys
import numpy as np
from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry
from rlkit.storage import files
from rlkit.storage.packing import PackedModel, pack

class Model:
    def __init__(self, number, size=200):
        self.state = {"algorithm": "ppo", "weights": np.full(size, number, "f4")}
    def packed(self, *, slim=False):
        return PackedModel({"algorithm": "ppo", "config": {}}, pack(self.state))

class Counted(files.System):
    room = 1 << 20
    def write(self, descriptor, data):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = super().write(descriptor, data[:self.room])
        self.room -= count
        return count
    def unlink(self, path):
        self.room += path.stat().st_size
        super().unlink(path)

folder, how = sys.argv[1:3]
registry, unlimited = ModelRegistry(folder), resource.getrlimit(resource.RLIMIT_FSIZE)

def state(registry):
    return {each.ref: registry._store.read_object(each.to_dict()).hex() for each in registry.versions()}

def attempt(model, limit=unlimited[0]):
    before, error = state(registry), None
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
        registry.register(model, "a")
    except StoreError as refused:
        error = str(refused)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    after, report = state(ModelRegistry(folder)), registry.verify()
    kept = before.items() <= after.items() and state(registry) == after
    print(json.dumps({"error": error, "kept": kept, "new": len(after) - len(before), "ok": report.ok}))
    return error is None

if how == "limited":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for number, limit in enumerate(range(0, 2400, int(sys.argv[3]))):
        attempt(Model(number), limit)
else:
    if how == "counted":
        files.system = Counted()
    number = 1
    while attempt(Model(number, 20_000)):
        number += 1
    registry.delete("a:1")
registry.gc()
attempt(Model(99_999))
print(json.dumps(registry.verify().garbage))
"""


def answers(folder, *arguments, before=()):
    """Run the program, and return what became of each attempt to register, the last of which was without limits."""
    command = [*before, sys.executable, "-c", PROGRAM, str(folder), *map(str, arguments)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    *attempts, garbage = map(json.loads, printed.splitlines())
    assert garbage == []
    for attempt in attempts:
        assert attempt["kept"]
        assert attempt["ok"]
        assert attempt["new"] == (attempt["error"] is None)
    *limited, last = attempts
    assert last["error"] is None
    return limited


@pytest.mark.parametrize("step", [100, pytest.param(1, marks=pytest.mark.long)])
def test_a_limit_of_the_size_of_files_loses_nothing(memory, step):
    limited = answers(memory / "store", "limited", step)
    errors = [attempt["error"] for attempt in limited]
    assert None in errors
    assert errors[0]
    for error in filter(None, errors):
        assert str(memory) in error
        assert "ulimit -f" in error


MOUNT = ("unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1028k tmpfs "$0" && exec "$@"')


@functools.cache
def can_mount():
    """Whether this user may mount a disk in memory that nobody else sees."""
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([*MOUNT, folder, "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("disk", ["counted", *(["mounted"] if can_mount() else [])])
def test_a_full_disk_loses_nothing_and_takes_more_when_something_was_deleted(memory, disk):
    limited = answers(memory, disk, before=[*MOUNT, str(memory)] if disk == "mounted" else [])
    *accepted, refused = [attempt["error"] for attempt in limited]
    assert len(accepted) > 5
    assert set(accepted) == {None}
    assert f"{memory}" in refused
    assert "The disk is full: free some space" in refused


# -- disks that can only be read -----------------------------------------------------------------------------------


class Opening:
    """Opens a state as the real factory does, and builds nothing of it."""

    def rebuild(self, objects, env=None, **_):
        model = Opened()
        model.parameters = {"weights": state_of(objects)["weights"]}
        return model


class Opened:
    """What was loaded."""


def refusal(look, reference):
    with pytest.raises(ModelNotFoundError) as refused:
        look(reference)
    return refused.value


READING = {
    "models": lambda registry: registry.models(),
    "get": lambda registry: registry.get("cartpole@best"),
    "get by a former name": lambda registry: registry.get("swing:2"),
    "get what is not there": lambda registry: refusal(registry.get, "cartpole:9"),
    "load": lambda registry: registry.load("cartpole").parameters,
    "versions": lambda registry: registry.versions(),
    "search": lambda registry: registry.search("metrics.mean_return > 0", order_by="-metrics.mean_return"),
    "compare": lambda registry: registry.compare("cartpole:1", "cartpole:2"),
    "diff": lambda registry: registry.diff("cartpole:1", "cartpole:2"),
    "lineage": lambda registry: registry.lineage("pendulum:3"),
    "card": lambda registry: registry.card("cartpole:2"),
    "verify": lambda registry: registry.verify(),
    "trash": lambda registry: registry.trash(),
    "inspect": lambda registry: registry.inspect("cartpole:2"),
    "learning curve": lambda registry: registry.get("cartpole:2").learning_curve,
}


@contextlib.contextmanager
def mounted_read_only(folder):
    with on(ReadOnly(folder)):
        yield


@contextlib.contextmanager
def not_permitted(folder):
    """Let this user write to no file in a folder, not even as root."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        with on(Watched()), without_privileges():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextlib.contextmanager
def without_privileges():
    """Take from root what lets it write where the permissions of a file do not."""
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None)
    if os.geteuid() != 0:
        yield
        return
    assert libc.capget(header, data) == 0
    all_of_them, overriding = data[0], 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    try:
        data[0] = all_of_them & ~overriding
        assert libc.capset(header, data) == 0
        yield
    finally:
        data[0] = all_of_them
        assert libc.capset(header, data) == 0


WAYS = pytest.mark.parametrize("read_only", [mounted_read_only, not_permitted])


@pytest.fixture
def store(ground, monkeypatch):
    monkeypatch.setattr(reader, "factory", Opening())
    tag = next(operation for operation in OPERATIONS if operation.name == "tag")
    return ground.copy(tag) / STORE


def everything(folder):
    """All that is in a folder, with times: what must stay the same where nothing may be written."""
    paths = [folder, *folder.rglob("*")]
    return {path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in paths}


@WAYS
@pytest.mark.parametrize("index", ["as it was", "lost", "old", "damaged"])
def test_a_store_that_can_only_be_read_answers_as_ever(store, read_only, index, tmp_path):
    path = store / "index.jsonl"
    if index == "lost":
        path.unlink()
    elif index == "damaged":
        path.write_bytes(path.read_bytes()[100:])
    elif index == "old":
        old = path.read_bytes()
        with on(Watched()):
            ModelRegistry(store).delete("cartpole:1")
            ModelRegistry(store).restore("cartpole:1")
        path.write_bytes(old)
    with on(Watched()):
        copy = shutil.copytree(store, tmp_path / "copy")
        expected = {name: str(read(ModelRegistry(copy))) for name, read in READING.items()}
    before = everything(store)
    with read_only(store):
        registry = ModelRegistry(store)
        found = {name: str(read(registry)) for name, read in READING.items()}
        exported = registry.export_file("cartpole:2", tmp_path / "elsewhere.rlkit")
    assert {name: text.replace(str(store), str(copy)) for name, text in found.items()} == expected
    assert everything(store) == before
    with on(Watched()):
        assert ModelRegistry(copy).import_file(exported, "again").tags == ("tag2",)


@WAYS
@pytest.mark.parametrize("writing", WRITING, ids=str)
def test_who_writes_to_a_store_that_can_only_be_read_is_told_so(ground, read_only, writing):
    store = ground.copy(writing) / STORE
    store.parent.mkdir(parents=True, exist_ok=True)
    before = everything(store.parent)
    with read_only(store.parent), pytest.raises(StoreError) as refused:
        writing(ModelRegistry(store))
    assert str(store.parent) in refused.value.problem
    expected = {mounted_read_only: "The disk is read-only", not_permitted: "Choose a folder that you may write to"}
    assert expected[read_only] in refused.value.remedy
    assert everything(store.parent) == before
