"""A training run: an iterator that a loop, a thread or an async task can drive, one update at a time."""

from __future__ import annotations

import inspect
import signal
import threading
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from rlkit.envs import Episode
from rlkit.errors import TrainingError, in_two_lines
from rlkit.forks import Guard, in_child
from rlkit.nn.threads import one_blas_thread
from rlkit.training.callbacks import Callback, Update
from rlkit.training.history import History
from rlkit.training.stopwatch import Stopwatch

Metrics = Mapping[str, float]
Updates = Generator[Metrics, None, None]


_served: weakref.WeakKeyDictionary[Callback, weakref.ref[TrainingRun]] = weakref.WeakKeyDictionary()
"""The last run of each callback that serves one at a time."""


class TrainingRun(Iterator[Update]):
    """One call of ``train``, taken an update at a time.

    Iterate it to train; ``stop`` ends it after the update under way, from a callback or from another thread.

    Args:
        history: Where the run is recorded.
        algorithm: Makes the iterator that collects, updates and yields the metrics of each update.
        callbacks: What to call on the way.
        model: What trains, for callbacks to evaluate or save; None where it is nothing of the kind.
        prepare: What to do before callbacks are told of the start, such as to make the environments: so that a
            callback can find out whether what it will do goes together with them.
        schedule: Environment steps that schedules span, and how many of them were taken before this run; None where
            they span this run alone.

    Attributes:
        model: What trains.
        callbacks: What is called on the way.
        history: What has happened so far.
        num_timesteps: Environment steps so far.
        total_timesteps: Environment steps that were asked for.
        total: Environment steps of the longer run that this one is a part of, whose episodes go on; None where it
            stands alone.
    """

    def __init__(
        self,
        history: History,
        algorithm: Callable[[TrainingRun], Updates],
        callbacks: Sequence[Callback] = (),
        model: Any = None,
        *,
        prepare: Callable[[], object] = lambda: None,
        schedule: tuple[int, int] | None = None,
    ) -> None:
        self._prepare = prepare
        self.history = history
        self.model = model
        self.total_timesteps = history.total_timesteps
        self.total = None if schedule is None else schedule[0]
        self._span, self._before = schedule or (history.total_timesteps, 0)
        self.num_timesteps = 0
        self.callbacks = tuple(callbacks)
        self._stop_reason = ""
        self._stopwatch = Stopwatch()
        self._going = threading.Event()
        self._going.set()
        self._iterator = self._iterate(algorithm)
        self._driver: int | None = None  # the thread that is inside an update
        self._updating = Guard()
        self._turnstile = Guard()
        in_child(self._leave_to_parent)

    @property
    def progress_remaining(self) -> float:
        """1 at the start and 0 when all steps are taken: what schedules depend on."""
        return max(0.0, 1.0 - (self._before + self.num_timesteps) / self._span)

    @property
    def remaining_timesteps(self) -> int:
        """Environment steps until schedules end: more than this run takes where others will go on."""
        return max(0, self._span - self._before - self.num_timesteps)

    @property
    def seconds(self) -> float:
        """How long the run has trained, without the time for which it was paused; 0 before it began."""
        return self._stopwatch.seconds

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return bool(self._stop_reason)

    @property
    def stop_reason(self) -> str:
        """Why somebody asked to stop; empty where nobody did."""
        return self._stop_reason

    def stop(self, reason: str = "asked to stop") -> None:
        """End the run after the update under way; ``reason`` is kept in the history."""
        self._stop_reason = self._stop_reason or reason
        self._going.set()

    def pause(self) -> None:
        """Let whoever drives the run wait before the next update, until :meth:`resume` or :meth:`stop`.

        For another thread than the one that drives it, which could not resume it any more.
        """
        if not self.stopped:
            self._going.clear()

    def resume(self) -> None:
        """Let a run go on that was paused."""
        self._going.set()

    @property
    def is_paused(self) -> bool:
        """Whether somebody paused the run."""
        return not self._going.is_set()

    def _wait_while_paused(self) -> None:
        if self.is_paused:
            self._stopwatch.stop()
            self._going.wait()
            self._stopwatch.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen: all steps were taken, or the run was closed or failed."""
        return inspect.getgeneratorstate(self._iterator) == inspect.GEN_CLOSED

    def close(self) -> None:
        """End the run now: at the last update that was made. Callbacks are told.

        Raises:
            TrainingError: It was called in the middle of an update, by a callback or by another thread.
        """
        if inspect.getgeneratorstate(self._iterator) == inspect.GEN_RUNNING:
            raise TrainingError("The run is in the middle of an update.", "run.stop() ends it after that.")
        self._iterator.close()

    def __next__(self) -> Update:
        self._wait_while_paused()
        with self._turnstile.lock:
            pass  # whoever waits in paused() goes first: a lock alone would let this thread take it again and again
        with self._updating.lock, one_blas_thread():
            self._driver = threading.get_ident()
            try:
                return next(self._iterator)
            finally:
                self._driver = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold the run between two updates inside the block, when another thread drives it.

        In a callback, which is part of an update, the block runs at once.
        """
        if self._driver == threading.get_ident():
            yield
            return
        with self._turnstile.lock, self._updating.lock:
            yield

    def _leave_to_parent(self) -> None:
        """Forget, in a forked process, the thread that drives the run: it is not there."""
        self._going = threading.Event()
        self._going.set()
        if self._driver != threading.get_ident():
            self._driver = None

    def rollout_collected(self) -> None:
        """Tell the callbacks that a rollout was collected."""
        for callback in self.callbacks:
            callback.on_rollout(self)

    def step_taken(self, num_envs: int, episodes: Sequence[Episode]) -> None:
        """Count one step of ``num_envs`` environments, and record the episodes that ended in it."""
        self.num_timesteps += num_envs
        for episode in episodes:
            self.history.add_episode(self.num_timesteps, episode.episode_return, episode.length)
            for callback in self.callbacks:
                callback.on_episode(self, episode)

    def _iterate(self, algorithm: Callable[[TrainingRun], Updates]) -> Generator[Update, None, None]:
        updates = algorithm(self)
        told: list[Callback] = []  # of the start: only they are told of the end
        try:
            self._stopwatch.start()
            self._prepare()
            for callback in self.callbacks:
                if callback.serves_one_run:
                    self._claim(callback)
                callback.on_start(self)
                told.append(callback)
            while not self.stopped and self.num_timesteps < self.total_timesteps:
                metrics = next(updates)
                update = self._record(metrics, self.seconds)
                for callback in self.callbacks:
                    callback.on_update(self, update)
                yield update
        except BaseException as error:
            self.stop("closed" if isinstance(error, GeneratorExit) else type(error).__name__)
            if isinstance(error, Exception):
                self.history.error = in_two_lines(error)
            raise
        finally:
            updates.close()
            self.history.stop_reason = self._stop_reason
            with ExitStack() as stack:  # all are told, even if one of them fails
                for callback in reversed(told):
                    stack.callback(callback.on_end, self)

    def _claim(self, callback: Callback) -> None:
        """Refuse a callback that serves another run, which has not ended."""
        held = _served.get(callback)
        other = held() if held is not None else None
        if other is not None and other is not self and not other.ended:
            problem = f"{type(callback).__name__} serves another run, which has not ended: {other.history.title}."
            raise TrainingError(problem, "Give each run a callback of its own.")
        _served[callback] = weakref.ref(self)

    def _record(self, metrics: Metrics, seconds: float) -> Update:
        history = self.history
        history.num_timesteps = self.num_timesteps
        history.seconds = seconds
        update = Update(
            self.num_timesteps,
            self.total_timesteps,
            seconds,
            history.mean_return,
            history.mean_length,
            metrics,
        )
        history.updates.append(
            {
                "num_timesteps": update.num_timesteps,
                "seconds": seconds,
                "mean_return": update.mean_return,
                "mean_length": update.mean_length,
                **metrics,
            }
        )
        return update


@contextmanager
def interrupt_stops(run: TrainingRun) -> Iterator[None]:
    """Let the first Ctrl-C end ``run`` after the update under way; a second one interrupts at once.

    Python takes signals in the main thread only: in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.getsignal(signal.SIGINT)
    if previous is None:  # a handler that Python did not set, and cannot set again
        previous = signal.default_int_handler

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the interface of a handler
        signal.signal(signal.SIGINT, previous)
        run.stop("interrupted")

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
