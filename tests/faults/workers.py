"""Processes and threads for races and kills.

Each process is forked from one that has rlkit loaded and runs a single thread, so that it starts in no time and
inherits no lock that somebody holds.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .stores import rebuild_models

Told = list[Any]
"""What a job tells its test: one message."""


class Job(NamedTuple):
    """Work to be done in a process or thread of its own.

    Attributes:
        work: Is given a line to the test, a store and the arguments.
        arguments: Values that JSON knows.
    """

    work: Callable[..., None]
    arguments: tuple[Any, ...] = ()


class Line:
    """What a job knows of its test and of the others; it is over when the process is.

    Args:
        out: Takes messages.
        gate: Can be read from when all may start.
        busy: Can be read from when all who write have ended.
    """

    def __init__(self, out: int, gate: int, busy: int) -> None:
        self._out, self._gate, self._busy = out, gate, busy

    def tell(self, *message: Any) -> None:
        """Tell the test something, which knows it even if this process is killed now."""
        os.write(self._out, json.dumps(message).encode("ascii") + b"\n")

    def start_together(self) -> None:
        """Wait until all others are ready, too."""
        os.read(self._gate, 1)

    def others_write(self) -> bool:
        """Whether somebody who writes is still at work."""
        return not select.select([self._busy], [], [], 0)[0]


class Worker:
    """A process that does a job.

    Args:
        pid: Its number.
        out: Where its messages are read.
        wait: Returns how the process of a number ended.
    """

    def __init__(self, pid: int, out: int, wait: Callable[[int], int]) -> None:
        self._pid, self._wait = pid, wait
        self._out = os.fdopen(out, encoding="ascii")

    def __iter__(self) -> Iterator[Told]:
        """Return what it tells, until it has ended."""
        with self._out:
            yield from map(json.loads, self._out)

    def kill(self) -> None:
        """Kill it; what it told before can still be read."""
        os.kill(self._pid, signal.SIGKILL)

    def ended(self) -> int:
        """Return how it ended: 0, or the signal that killed it as a negative number."""
        return self._wait(self._pid)


class Processes:
    """Starts jobs, each in a process of its own.

    Args:
        modules: Those beside this one that jobs are in.
    """

    def __init__(self, *modules: str) -> None:
        here = Path(__file__)
        self._connection, theirs = socket.socketpair()
        paths = [str(here.parent.parent), *sys.path]
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", f"{here.parent.name}.{here.stem}", str(theirs.fileno()), *modules],
                cwd=here.root,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """End the process that others are forked from."""
        self._connection.close()
        self._server.wait()

    def start(self, store: type, folder: Path, job: Job) -> Worker:
        """Start a job that waits for nobody."""
        with contextlib.closing(Ends()) as ends:
            return self._started(store, folder, job, ends.read, ends.read)

    def _started(self, store: type, folder: Path, job: Job, gate: int, busy: int) -> Worker:
        out, theirs = os.pipe()
        request = {"job": _name_of(job.work), "store": _name_of(store), "folder": str(folder), "with": job.arguments}
        pid = self._asked(request, [theirs, gate, busy])
        os.close(theirs)
        return Worker(pid, out, lambda pid: self._asked({"wait": pid}, []))

    def _asked(self, request: dict[str, Any], descriptors: list[int]) -> int:
        socket.send_fds(self._connection, [json.dumps(request).encode("ascii")], descriptors)
        answer = self._connection.recv(1024)
        assert answer, "the process that others are forked from has ended"
        return int(answer)

    def race(self, store: type, folder: Path, writers: Sequence[Job], others: Sequence[Job] = ()) -> list[list[Told]]:
        """Do jobs at the same time.

        Args:
            store: Of which class each opens a store.
            folder: Where the store is.
            writers: Jobs that end by themselves.
            others: Jobs that may go on until all those have ended.

        Returns:
            What each job told; last of all a message that begins with "failed" where it did not end well.
        """
        with contextlib.closing(Ends()) as gate, contextlib.closing(Ends()) as busy:
            ends = [busy.write] * len(writers) + [busy.read] * len(others)
            jobs = zip([*writers, *others], ends, strict=True)
            workers = [self._started(store, folder, job, gate.read, end) for job, end in jobs]
        told = [list(worker) for worker in workers]
        for worker, messages in zip(workers, told, strict=True):
            ended = worker.ended()
            if ended and (not messages or messages[-1][0] != "failed"):
                messages.append(["failed", f"ended by {ended}"])
        return told


class Ends:
    """The two ends of a pipe, to be closed: then whoever holds the end to read from knows it."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()

    def close(self) -> None:
        """Close both."""
        os.close(self.read)
        os.close(self.write)


class Threads:
    """Does jobs in threads of this process.

    Args:
        shared: Whether all use one object for the store, or one each.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared

    def race(self, store: type, folder: Path, writers: Sequence[Job], others: Sequence[Job] = ()) -> list[list[Told]]:
        """Do jobs at the same time: see :meth:`Processes.race`."""
        jobs = [*writers, *others]
        one, gate = store(folder), threading.Barrier(len(jobs))
        writing = [threading.Event() for _ in writers]
        lines = [_ThreadLine(gate, writing) for _ in jobs]
        works = []
        for number, (line, job) in enumerate(zip(lines, jobs, strict=True)):
            mine = one if self._shared else store(folder)
            over = writing[number : number + 1]
            works.append(threading.Thread(target=_in_thread, args=(line, mine, job, over)))
        for work in works:
            work.start()
        for work in works:
            work.join()
        return [line.told for line in lines]


class _ThreadLine:
    """What :class:`Line` is to a process."""

    def __init__(self, gate: threading.Barrier, writing: list[threading.Event]) -> None:
        self._gate, self._writing = gate, writing
        self.told: list[Told] = []

    def tell(self, *message: Any) -> None:
        self.told.append(list(message))

    def start_together(self) -> None:
        self._gate.wait()

    def others_write(self) -> bool:
        return not all(event.is_set() for event in self._writing)


def _in_thread(line: _ThreadLine, store: object, job: Job, over: list[threading.Event]) -> None:
    try:
        job.work(line, store, *job.arguments)
    except Exception:  # noqa: BLE001 - whatever happens in a thread must reach the test
        line.tell("failed", traceback.format_exc())
    finally:
        for event in over:
            event.set()


# -- the process that others are forked from -------------------------------------------------------------------------


def _name_of(thing: Any) -> str:
    return f"{thing.__module__.rpartition('.')[2]}:{thing.__qualname__}"


def _named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(f".{module}", __package__), attribute)


def _serve(connection: socket.socket) -> None:
    """Fork, and wait for those forked, as often as asked to."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 65536, 3)
        if not message:
            return
        request = json.loads(message)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                connection.close()
                _work(Line(*descriptors), request)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(str(answer).encode("ascii"))


def _work(line: Line, request: dict[str, Any]) -> None:
    """Do a job in a process that was forked for it, and end the process."""
    status = 1
    try:
        _named(request["job"])(line, _named(request["store"])(Path(request["folder"])), *request["with"])
        status = 0
    except Exception:  # noqa: BLE001 - whatever happens here must reach the test
        line.tell("failed", traceback.format_exc())
    finally:
        os._exit(status)


def _main(descriptor: str, *modules: str) -> None:
    warnings.simplefilter("error")
    rebuild_models()
    for module in modules:
        importlib.import_module(f".{module}", __package__)
    with socket.socket(fileno=int(descriptor)) as connection:
        _serve(connection)


if __name__ == "__main__":
    _main(*sys.argv[1:])
