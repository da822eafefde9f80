"""Jobs: training runs that threads drive in the background, to be watched, stopped and waited for."""

from __future__ import annotations

import contextvars
import itertools
import threading
import traceback
import weakref
from types import TracebackType
from typing import Any, Literal

from rlkit.display import html, text
from rlkit.display.html import Markup, Tone
from rlkit.errors import TrainingError, in_two_lines, visible
from rlkit.forks import Guard, in_child
from rlkit.training.callbacks import Callback
from rlkit.training.history import History
from rlkit.training.progress import JobDisplay
from rlkit.training.run import TrainingRun
from rlkit.training.view import run_html, run_text

Status = Literal["running", "paused", "finished", "stopped", "failed"]

_TONES: dict[Status, Tone] = {
    "running": "accent",
    "paused": "neutral",
    "finished": "good",
    "stopped": "neutral",
    "failed": "bad",
}


class TrainingJob:
    """A training run that a thread drives, as ``model.train_in_background`` returns it. Making one starts it.

    Args:
        number: What it is called by.
        run: What to train.
        display: What shows it, if anything does.

    Attributes:
        number: 1 for the first job of this process, then 2, and so on.
        title: What is trained, such as ``"PPO on CartPole-v1"``.
        history: What has happened so far: it grows while the job runs.
        total_timesteps: Environment steps that were asked for.
    """

    def __init__(self, number: int, run: TrainingRun, display: Callback | None = None) -> None:
        self.number = number
        self.history: History = run.history
        self.title = run.history.title
        self.total_timesteps = run.total_timesteps
        self._run: TrainingRun | None = run  # until it ends: a job that is kept in the list must not keep its model
        self._model = weakref.ref(run.model) if run.model is not None else lambda: None
        self._display = display if isinstance(display, JobDisplay) else None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._ended = threading.Event()
        in_child(self._leave_to_parent)
        # In the context of the cell that starts it: what callbacks print belongs below that cell.
        work = contextvars.copy_context().run
        self._thread = threading.Thread(target=work, args=(self._work,), name=f"rlkit job {number}", daemon=True)
        if self._display is not None:
            self._display.open(self)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._drive()
        except BaseException as error:  # noqa: BLE001 - kept for whoever looks at the job or waits for it
            self._error, self._traceback = error, error.__traceback__
            self.history.error = self.history.error or in_two_lines(error)
        self._run = None
        try:
            if self._display is not None:
                self._display.close(self)
        finally:
            self._ended.set()

    def _drive(self) -> None:
        run = self._run
        assert run is not None  # noqa: S101 - this is the thread that will set it to None
        for _ in run:
            pass

    def _leave_to_parent(self) -> None:
        """End, in a forked process, what goes on in its parent alone: nobody must wait for it."""
        if self._run is not None:
            remedy = "Wait for it there, or train a model in this process."
            error = TrainingError(f"{self} trains in the process that this one was forked from.", remedy)
            self._error, self.history.error = error, in_two_lines(error)
            self._run = self._display = None
        self._ended = threading.Event()
        self._ended.set()

    @property
    def model(self) -> Any:
        """What trains; None where nobody holds the model any more."""
        return self._model()

    @property
    def status(self) -> Status:
        """``"running"``, ``"paused"``, ``"finished"``, ``"stopped"`` before all steps were taken, or ``"failed"``."""
        run = self._run
        if run is not None:
            return "paused" if run.is_paused else "running"
        if self._error is not None:
            return "failed"
        return "stopped" if self.history.stop_reason else "finished"

    @property
    def error(self) -> BaseException | None:
        """What the training failed by; None where it did not."""
        return self._error

    @property
    def num_timesteps(self) -> int:
        """Environment steps so far."""
        run = self._run
        return self.history.num_timesteps if run is None else run.num_timesteps

    @property
    def seconds(self) -> float:
        """How long it has trained so far, or did until it ended."""
        run = self._run
        return self.history.seconds if run is None else run.seconds

    @property
    def stop_reason(self) -> str:
        """Why somebody asked to stop; empty where nobody did."""
        run = self._run
        return self.history.stop_reason if run is None else run.stop_reason

    @property
    def is_paused(self) -> bool:
        """Whether it waits to be resumed."""
        run = self._run
        return run is not None and run.is_paused

    def stop(self, reason: str = "asked to stop") -> None:
        """End the training after the update under way. Returns at once; nothing happens where it has ended.

        Args:
            reason: Why, as the history will say.
        """
        run = self._run
        if run is not None:
            run.stop(reason)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._run is not None

    def pause(self) -> None:
        """Let the training wait after the update under way, until :meth:`resume` or :meth:`stop`."""
        run = self._run
        if run is not None:
            run.pause()

    def resume(self) -> None:
        """Let a training go on that was paused."""
        run = self._run
        if run is not None:
            run.resume()

    def wait(self, timeout: float | None = None) -> History:
        """Wait until the training has ended, and return what happened. Ctrl-C ends the wait, and not the job.

        Args:
            timeout: Seconds to wait at most; for ever where None.

        Raises:
            TrainingError: The time has passed, or the job waits for itself, as a callback of its own would.
            BaseException: What the training failed by.
        """
        if threading.current_thread() is self._thread:
            raise TrainingError(f"{self} cannot wait for itself.", "Call run.stop() in a callback.")
        if not self._ended.wait(None if timeout is None else min(timeout, threading.TIMEOUT_MAX)):
            problem = f"{self} is still running after {text.duration(timeout)}."
            raise TrainingError(problem, "Wait longer, or end it: job.stop().")
        if self._display is not None:
            self._display.close(self)
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)  # not with what an earlier wait added to it
        return self.history

    def forget_locals(self) -> None:
        """Let go of what the frames of the error refer to: the model, its environments, its replay buffer.

        Until another job starts they are kept, for a debugger to look at, as Python keeps those of its last error.
        """
        error = self._error
        while error is not None:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__

    def __str__(self) -> str:
        return visible(f"Job {self.number} ({self.title})")

    def __repr__(self) -> str:
        run = self._run  # taken once: the thread may end meanwhile
        if run is not None:
            return f"Job {self.number}, {self.status}: {run_text(run)}"
        return f"Job {self.number}, {self.status}: {self.history!r}"

    def _repr_html_(self) -> str:
        run = self._run
        badge = _badge(self.status)
        head = Markup(f'<div style="font-size:13px;margin:4px 0">Job {self.number} {badge}</div>')
        return html.join(head, run_html(run) if run is not None else Markup(self.history._repr_html_()))


class JobList(list[TrainingJob]):
    """Jobs, as :func:`jobs` returns them: a list that shows as a table."""

    _HEADERS = ("job", "what", "status", "steps", "of", "mean return", "time", "note")

    def __repr__(self) -> str:
        return text.table(self._HEADERS, map(_row, self)) if self else _NONE

    def _repr_html_(self) -> str:
        if not self:
            return html.muted(_NONE)
        rows = [
            (number, _unbroken(title), _badge(status), steps, total, mean_return, _unbroken(time), note)
            for number, title, status, steps, total, mean_return, time, note in map(_row, self)
        ]
        return html.table(self._HEADERS, rows)


_Row = tuple[int, str, Status, int, int, float | None, str, str]


def _row(job: TrainingJob) -> _Row:
    history = job.history
    mean_return = history.mean_return if history.episodes.num_rows else None
    note = history.error.partition("\n")[0] or history.stop_reason
    time = text.duration(job.seconds)
    return (job.number, job.title, job.status, job.num_timesteps, job.total_timesteps, mean_return, time, note)


def _unbroken(words: str) -> Markup:
    return Markup(f'<span style="white-space:nowrap">{html.escape(words)}</span>')


def _badge(status: Status) -> Markup:
    return html.badge(status, _TONES[status])


_START = "model.train_in_background(steps)"
_NONE = f"No job: {_START} starts one."
_LISTED = 12  # in an error
_MOST_ENDED = 5  # in a list

_started: list[TrainingJob] = []
_numbers = itertools.count(1)
_starting = Guard()
in_child(_started.clear)


def start_job(run: TrainingRun, display: Callback | None = None) -> TrainingJob:
    """Return a job whose thread drives ``run`` from now on.

    Args:
        run: A run that nobody has driven yet.
        display: The one of its callbacks that shows it, if any does.
    """
    with _starting.lock:  # whoever lists jobs finds it, also its own callbacks
        for earlier in _started:
            earlier.forget_locals()
        _started[:] = jobs()  # what is older is let go, with its history
        job = TrainingJob(next(_numbers), run, display)
        _started.append(job)
    return job


def jobs() -> JobList:
    """Return the jobs of this process that run, and the five newest of those that have ended, the newest last."""
    with _starting.lock:
        ended = [job for job in _started if not job.is_running]
        return JobList(job for job in _started if job.is_running or job in ended[-_MOST_ENDED:])


def find_job(which: object) -> TrainingJob:
    """Return a job by its number, or the newest one of a model.

    Args:
        which: A number, as number or as text, or a model.

    Raises:
        TrainingError: There is no such job.
    """
    known = jobs()
    by_number = isinstance(which, int | str)
    for job in reversed(known):
        if str(job.number) == str(which) if by_number else which is not None and which in (job, job.model):
            return job
    if not known:
        raise TrainingError("No training was started in the background.", f"Start one: {_START}.")
    problem = f"There is no job {which!r:.80}." if by_number else f"No job trains {which!r:.80}."
    raise TrainingError(problem, f"Choose from {', '.join(str(job.number) for job in known[-_LISTED:])}.")
