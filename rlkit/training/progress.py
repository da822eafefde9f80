"""Progress of a run: a bar in a terminal, and the place where a notebook puts its own."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tqdm import tqdm

from rlkit.display import text
from rlkit.errors import TrainingError
from rlkit.training.callbacks import Callback, Update

if TYPE_CHECKING:
    from rlkit.training.run import TrainingRun

Progress = bool | Callback | None


class ProgressBar(Callback):
    """A line of text that shows how far a run is, on standard error."""

    def on_start(self, run: TrainingRun) -> None:
        """Draw an empty bar."""
        self._bar = tqdm(total=run.total_timesteps, desc=run.history.title, unit=" steps", unit_scale=True)

    def on_update(self, run: TrainingRun, update: Update) -> None:  # noqa: ARG002 - the interface of a callback
        """Draw the bar as far as the run is."""
        if not math.isnan(update.mean_return):
            self._bar.set_postfix_str(f"mean return {text.number(update.mean_return)}", refresh=False)
        self._bar.update(min(update.num_timesteps, update.total_timesteps) - self._bar.n)

    def on_end(self, run: TrainingRun) -> None:  # noqa: ARG002 - the interface of a callback
        """Leave the bar as it is."""
        self._bar.close()


class _Default:
    """What ``progress=None`` means: replaced by the notebook extension while it is loaded."""

    make: Callable[[], Callback | None]

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Show a bar where standard error is a terminal, or the output of a notebook's cell."""
        self.make = lambda: ProgressBar() if somebody_looks() else None


def somebody_looks() -> bool:
    """Say whether standard error is a terminal, or the output of a notebook's cell."""
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    """Say whether this process is a notebook's kernel, without importing IPython where nobody has."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


default_progress = _Default()


def progress_callback(progress: Progress) -> Callback | None:
    """Return the callback that shows progress, or None: see ``ModelBase.train``.

    Raises:
        TrainingError: ``progress`` is none of what it may be.
    """
    if isinstance(progress, Callback):
        return progress
    if not isinstance(progress, bool | None):
        raise TrainingError(f"progress = {progress!r:.80} is not allowed.", "Give True, False or a callback.")
    if progress is None:
        return default_progress.make()
    return (default_progress.make() or ProgressBar()) if progress else None
