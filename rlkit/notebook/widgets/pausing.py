"""PauseButton: lets a training wait, or go on."""

from __future__ import annotations

from typing import Any

import ipywidgets

from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun


class PauseButton(ipywidgets.Button):
    """A button that says what it would do by now: cells and other monitors pause the same training.

    Args:
        job: The training.
        tooltip: What it does.
    """

    def __init__(self, job: TrainingJob | TrainingRun, tooltip: str) -> None:
        self._job = job
        super().__init__(tooltip=tooltip)
        self.on_click(self._press)
        self.refresh()

    def refresh(self) -> None:
        """Look again whether the training waits."""
        self.description, self.icon = ("Resume", "play") if self._job.is_paused else ("Pause", "pause")

    def _press(self, _: Any) -> None:
        if self._job.is_paused:
            self._job.resume()
        else:
            self._job.pause()
        self.refresh()
