"""Ctrl-C at any moment leaves no lock behind."""

import contextlib
import dis
import itertools
import sys
import threading
from pathlib import Path

import pytest
from filelock import lock_descriptor

import rlkit
from rlkit.registry import ModelRegistry
from rlkit.storage import files

OURS = tuple(str(Path(rlkit.__file__).with_name(each)) for each in ("registry", "storage"))
CHECKED = ("CALL", "JUMP_BACKWARD", "RESUME")  # after these instructions, and where a function begins, Python looks


class Interrupted:
    """Works until Python looks for signals for the so many-th time, in code that a lock depends on, and finds Ctrl-C.

    Python does not look between any two instructions: a ``with`` that calls nothing but C is not torn apart.
    """

    def __init__(self, at):
        self._at = at
        self.looks = 0
        self._before = {}  # the instruction before, of each frame

    def __call__(self, work, *arguments):
        """Return what Ctrl-C raised, with all that its traceback holds on to; None where the work was done before."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            work(*arguments)
        except KeyboardInterrupt as interrupt:
            return interrupt
        finally:
            sys.settrace(before)
            self._before.clear()
        return None

    def _trace(self, frame, event, _):
        path = frame.f_code.co_filename
        if not path.startswith(OURS) and path not in (contextlib.__file__, threading.__file__):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        before = self._before.get(frame, "")
        if event == "opcode":
            self._before[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        if event == "call" or (event == "opcode" and before.startswith(CHECKED)):
            self.looks += 1
            if self.looks == self._at:
                raise KeyboardInterrupt
        return self._trace


class Unflushed(files.System):
    """Nobody waits for the disk."""

    def fsync(self, descriptor):
        pass

    def flush(self, path, folder):
        pass


WORKS = {
    "register": lambda registry, model: registry.register(model, "a"),
    "tag": lambda registry, model: registry.tag("a:1", "b"),
    "prune": lambda registry, model: registry.prune("a", 0, dry_run=True),
    "gc": lambda registry, model: registry.gc(dry_run=True),
    "lock": lambda registry, model: take(registry),
}


def take(registry):
    with registry._store.writing(), registry._store.standstill():
        pass


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 37])
def test_ctrl_c_leaves_no_lock_behind_wherever_it_comes(tmp_path, make_model, monkeypatch, work, every):
    monkeypatch.setattr(files, "system", Unflushed())
    monkeypatch.chdir(tmp_path)  # where there is no git to ask
    every = 1 if work is WORKS["lock"] else every
    for at in itertools.count(1, every):
        registry, model = ModelRegistry(tmp_path / str(at)), make_model()
        registry.register(make_model(), "a")
        interrupted = Interrupted(at)
        interrupt = interrupted(work, registry, model)
        lock = registry.folder / ".lock"
        with lock.open("rb") as file:
            assert lock_descriptor(file.fileno(), blocking=False), f"held after interrupt {at}: {interrupt!r}"
        held = files._held.files.get(lock)
        assert held is None or held.closed
        if interrupted.looks < at:
            break
    assert at > 20
    assert registry.verify().ok
