"""A job's monitor in the output of the cell that started it; when the job has ended, its card stands there instead."""

from __future__ import annotations

from rlkit.notebook.progress import NotebookProgress
from rlkit.notebook.widgets.monitor import TrainingMonitor
from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun


class MonitorProgress(NotebookProgress):
    """The display of a job with buttons. Where widgets do not show, what it had come to at its start stands there."""

    def open(self, job: TrainingJob) -> None:
        """Show the job below the cell that starts it."""
        self._job = job
        self._monitor = TrainingMonitor(job)
        data = {"text/plain": repr(job), "text/html": job._repr_html_()}
        self._begin({**self._monitor._repr_mimebundle_(), **data}, job, job.history)

    def close(self, job: TrainingJob) -> None:
        """Leave the job's card, which needs no kernel."""
        super().close(job)
        self._monitor.close_all()

    def _show(self, run: TrainingRun) -> None:
        self._monitor.refresh()
