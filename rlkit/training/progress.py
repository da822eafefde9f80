"""Progress of a run: a bar in a terminal, and the place where a notebook puts its own."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from tqdm import tqdm

from rlkit.display import text
from rlkit.display.note import in_notebook
from rlkit.errors import TrainingError, in_two_lines, warn_caller
from rlkit.training.callbacks import Callback, Update

if TYPE_CHECKING:
    from rlkit.training.jobs import TrainingJob
    from rlkit.training.run import TrainingRun

Progress = bool | Callback | None


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar that nothing depends on: standard error may be closed, or a pipe that nobody reads any more."""

    def display(self, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(OSError, ValueError):
            return super().display(*args, **kwargs)

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # the last of a bar that was never whole
            super().close()


def _bar(run: TrainingRun) -> _Bar:
    """Return a bar on standard error; one that shows nothing where there is none, or it is closed."""

    def made(*, disable: bool) -> _Bar:
        title = text.one_line(run.history.title)
        return _Bar(total=run.total_timesteps, desc=title, unit=" steps", unit_scale=True, disable=disable)

    with contextlib.suppress(OSError, ValueError):
        return made(disable=sys.stderr is None)
    return made(disable=True)


class ProgressBar(Callback):
    """A line of text that shows how far a run is, on standard error."""

    only_shows: ClassVar[bool] = True

    def on_start(self, run: TrainingRun) -> None:
        """Draw an empty bar."""
        self._bar = _bar(run)

    def on_update(self, run: TrainingRun, update: Update) -> None:  # noqa: ARG002 - the interface of a callback
        """Draw the bar as far as the run is."""
        if not math.isnan(update.mean_return):
            self._bar.set_postfix_str(f"mean return {text.number(update.mean_return)}", refresh=False)
        self._bar.update(min(update.num_timesteps, update.total_timesteps) - self._bar.n)

    def on_end(self, run: TrainingRun) -> None:  # noqa: ARG002 - the interface of a callback
        """Leave the bar as it is."""
        self._bar.close()


class JobDisplay(Callback):
    """Base of callbacks that show a run, and can show one which a thread in the background drives as well."""

    only_shows: ClassVar[bool] = True

    def open(self, job: TrainingJob) -> None:
        """Show a job that is about to begin. The thread that starts it calls this, whose output it belongs to."""

    def close(self, job: TrainingJob) -> None:
        """Show how a job ended, in the place of what was shown before.

        The job's own thread calls this, and after it each thread that waited for the job: where a notebook is
        executed without anybody to look, only what the cell under way sends is kept.
        """

    _has_failed = False

    def attempt(self, draw: Callable[[], object]) -> None:
        """Draw something of a run; where that fails, warn, and draw nothing more of it: training goes on."""
        if self._has_failed:
            return
        try:
            draw()
        except Exception as error:  # noqa: BLE001 - whatever stands between here and the page may fail
            self._has_failed = True
            told = f"The display of the training failed: {in_two_lines(error)}\nTraining goes on without it."
            with contextlib.suppress(OSError, ValueError):  # standard error may be closed as well
                warn_caller(told)


class _Default:
    """What ``progress=None`` means: replaced by the notebook extension while it is loaded.

    Attributes:
        make: Makes what shows a run, or None.
        make_for_job: Makes what shows a run in the background, or None.
    """

    make: Callable[[], Callback | None]
    make_for_job: Callable[[], Callback | None]

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Show a bar where standard error is a terminal, or the output of a notebook's cell.

        In the background only in a notebook: in a terminal it would be drawn over what a person types.
        """
        self.make = lambda: ProgressBar() if somebody_looks() else None
        self.make_for_job = lambda: ProgressBar() if in_notebook() else None


def somebody_looks() -> bool:
    """Say whether standard error is a terminal, or the output of a notebook's cell."""
    try:
        in_terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        in_terminal = False
    return in_terminal or in_notebook()


default_progress = _Default()


def progress_callback(progress: Progress, *, background: bool = False) -> Callback | None:
    """Return the callback that shows progress, or None: see ``ModelBase.train``.

    Args:
        progress: What a caller gave.
        background: Whether a thread in the background is to drive the run.

    Raises:
        TrainingError: ``progress`` is none of what it may be.
    """
    if isinstance(progress, Callback):
        return progress
    if not isinstance(progress, bool | None):
        raise TrainingError(f"progress = {progress!r:.80} is not allowed.", "Give True, False or a callback.")
    make = default_progress.make_for_job if background else default_progress.make
    if progress is None:
        return make()
    return (make() or ProgressBar()) if progress else None
