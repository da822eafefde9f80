"""A run as it is shown while it goes on: how far it is, how good it is, and its learning curve so far."""

from __future__ import annotations

import math
from typing import Protocol

from rlkit.display import svg, text
from rlkit.display.html import Markup
from rlkit.display.progress import progress_bar
from rlkit.training.history import History


class Running(Protocol):
    """What is known of a run, or of a job, while it goes on."""

    history: History
    total_timesteps: int

    @property
    def num_timesteps(self) -> int:
        """Environment steps so far."""

    @property
    def seconds(self) -> float:
        """How long it has trained so far."""

    @property
    def stop_reason(self) -> str:
        """Why somebody asked to stop; empty where nobody did."""

    @property
    def is_paused(self) -> bool:
        """Whether it waits to be resumed."""


_POINTS = 100
"""Most episodes and updates in the curve: it takes a millisecond and 10 KB, however long the run."""


def run_text(run: Running) -> str:
    """Return how far a run is, in one line."""
    return f"{text.one_line(run.history.title)} {_part(run):4.0%} {_figures(run)}"


def run_bar(run: Running, picture: str = "") -> Markup:
    """Return how far a run is as HTML: a bar and figures, and a picture below them."""
    return progress_bar(run.history.title, _part(run), _figures(run), picture)


def run_html(run: Running) -> Markup:
    """Return how far a run is as HTML: a bar, figures and the learning curve. A thread may drive the run meanwhile."""
    curve = run.history.plot(_POINTS)
    # Its size stands in the page, which would jump if the picture were only measured when it is read.
    picture = svg.picture(curve.svg, f"Learning curve of {run.history.title} so far", svg.WIDTH, svg.HEIGHT)
    return run_bar(run, picture)


def _part(run: Running) -> float:
    return min(run.num_timesteps / run.total_timesteps, 1.0)


def _figures(run: Running) -> str:
    steps, seconds = run.num_timesteps, run.seconds
    figures = [f"{text.number(steps)} of {text.number(run.total_timesteps)} steps"]
    if steps and seconds:
        left = seconds * (run.total_timesteps / steps - 1)
        figures.append(f"{text.number(round(steps / seconds))} steps/s")
        figures.append(f"{text.duration(max(left, 0.0))} left")
    if not math.isnan(mean_return := run.history.mean_return):
        figures.append(f"mean return {text.number(mean_return)}")
    evaluations = run.history.evaluations.snapshot()
    if evaluations.num_rows:
        mean, std = (text.number(float(evaluations[name][-1])) for name in ("mean_return", "std_return"))
        figures.append(f"evaluated {mean} ± {std}")
    if run.is_paused:
        figures.append("paused")
    if run.stop_reason:
        figures.append(f"stopping: {run.stop_reason}")
    return " · ".join(figures)
