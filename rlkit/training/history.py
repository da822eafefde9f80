"""History: what happened in a training run, as arrays, as text and as a picture."""

from __future__ import annotations

import math
import textwrap
from collections import deque

import numpy as np

from rlkit.config.changes import ConfigChange, describe_changes, with_change
from rlkit.display import html, svg, text
from rlkit.display.picture import Picture
from rlkit.training.columns import Columns

_MOST_FIGURES = 12  # of an algorithm, in a display
OUR_COLUMNS = {"num_timesteps", "seconds", "mean_return", "mean_length"}
"""Names of the columns of updates that every algorithm has; the others are its own."""

WINDOW = 100
"""Episodes over which the mean return is taken, as everyone in the field does."""


class History:
    """What happened in one call of ``train``.

    Args:
        title: What is trained.
        total_timesteps: Environment steps that were asked for.
        reward_threshold: The mean return from which the environment counts as solved, or None.

    Attributes:
        title: What was trained, such as ``"PPO on CartPole-v1"``.
        updates: Columns with a row an update: ``num_timesteps, seconds, mean_return, mean_length`` and the
            algorithm's own, such as ``policy_loss``.
        episodes: Columns with a row an episode: ``num_timesteps`` (when it ended), ``return``, ``length``.
        evaluations: Columns with a row an evaluation on the way, by :class:`~rlkit.callbacks.EvaluateEvery`:
            ``num_timesteps, mean_return, std_return``.
        config_changes: Changes of hyperparameters by ``model.reconfigure``, in order, by steps of this call.
        total_timesteps: Environment steps that were asked for.
        num_timesteps: Environment steps that were taken.
        seconds: How long it took.
        stop_reason: Why it ended before its time; empty where it did not.
        error: The error that ended it, as text of one or two lines; empty where none did.
        reward_threshold: The mean return from which the environment counts as solved, or None.
    """

    def __init__(self, title: str, total_timesteps: int, reward_threshold: float | None = None) -> None:
        self.title = title
        self.updates = Columns()
        self.episodes = Columns()
        self.evaluations = Columns()
        self.config_changes: tuple[ConfigChange, ...] = ()
        self.total_timesteps = total_timesteps
        self.num_timesteps = 0
        self.seconds = 0.0
        self.stop_reason = ""
        self.error = ""
        self.reward_threshold = reward_threshold
        self._recent_returns: deque[float] = deque(maxlen=WINDOW)
        self._recent_lengths: deque[int] = deque(maxlen=WINDOW)

    def add_episode(self, num_timesteps: int, episode_return: float, length: int) -> None:
        """Add an episode that ended after ``num_timesteps`` steps of the run."""
        self.episodes.append({"num_timesteps": num_timesteps, "return": episode_return, "length": length})
        self._recent_returns.append(episode_return)
        self._recent_lengths.append(length)

    def add_config_change(self, change: ConfigChange) -> None:
        """Record a change of a hyperparameter during the call."""
        self.config_changes = with_change(self.config_changes, change)

    @property
    def mean_return(self) -> float:
        """Mean return of the last 100 episodes; NaN before the first has ended."""
        return _mean(self._recent_returns)

    @property
    def mean_length(self) -> float:
        """Mean length of the last 100 episodes; NaN before the first has ended."""
        return _mean(self._recent_lengths)

    @property
    def steps_per_second(self) -> float:
        """Environment steps a second."""
        return self.num_timesteps / self.seconds if self.seconds else 0.0

    def learning_curve(self, points: int = 200) -> dict[str, list[float]]:
        """Return at most ``points`` points of the mean return: ``{"steps": […], "mean_return": […]}``."""
        if not self.updates.num_rows:
            return {"steps": [], "mean_return": []}
        updates = self.updates.snapshot()
        steps, means = updates["num_timesteps"], updates["mean_return"]
        known = np.flatnonzero(np.isfinite(means))
        if len(known) > points:
            known = known[np.linspace(0, len(known) - 1, points).round().astype(int)]
        return {"steps": steps[known].tolist(), "mean_return": means[known].tolist()}

    def plot(self, points: int | None = None) -> Picture:
        """Return the learning curve: episodes, their running mean, and the environment's threshold.

        Args:
            points: Draw at most so many episodes and updates, evenly taken: then it takes as long however many there
                are. All where None.
        """
        columns = (self.episodes, self.updates, self.evaluations)
        episodes, updates, evaluations = (c.snapshot() if points is None else c.thinned(points) for c in columns)
        drawing = svg.learning_curve(
            episodes.get("num_timesteps", ()),
            episodes.get("return", ()),
            updates.get("num_timesteps", ()),
            updates.get("mean_return", ()),
            evaluated=(evaluations.get("num_timesteps", ()), evaluations.get("mean_return", ())),
            threshold=self.reward_threshold,
            changes=sorted({change.num_timesteps for change in self.config_changes}),
        )
        return Picture(drawing, f"Learning curve of {self.title}: {self.summary}")

    @property
    def summary(self) -> str:
        """The run in one line."""
        steps = f"{text.number(self.num_timesteps)} steps in {text.duration(self.seconds)}"
        speed = f"{text.number(round(self.steps_per_second))} steps/s"
        count = self.episodes.num_rows
        last = f"mean return {text.number(self.mean_return)} over the last {min(count, WINDOW)} episodes"
        ending = f"stopped: {self.stop_reason}" if self.stop_reason else ""
        return " · ".join(part for part in (steps, speed, last if count else "no episode ended", ending) if part)

    def __repr__(self) -> str:
        curve = text.sparkline(self.learning_curve()["mean_return"])
        head = textwrap.fill(text.one_line(f"{self.title}: {self.summary}"), text.WIDTH)
        changed = text.fields(describe_changes(self.config_changes).items(), width=text.WIDTH)
        return "\n".join(part for part in (head, changed, curve, self.error) if part)

    def _repr_html_(self) -> str:
        details = [("Losses and other figures", self._figures())] if self.updates.num_rows else []
        picture = html.join(html.alarm(self.error), self.plot()._repr_html_())
        changed = describe_changes(self.config_changes).items()
        return html.card(self.title, subtitle=self.summary, fields=changed, picture=picture, details=details)

    def _figures(self) -> str:
        """Return the algorithm's own columns as HTML: a small curve of each, and a table of a few of their values."""
        updates = self.updates.snapshot()
        names = [name for name in updates if name not in OUR_COLUMNS]
        more = html.left_out(max(0, len(names) - _MOST_FIGURES), "history.updates")
        names = names[:_MOST_FIGURES]
        steps, places = updates["num_timesteps"], (0, updates.num_rows // 2, -1)
        panels = [svg.Series(steps, updates[name], name.replace("_", " ")) for name in names]
        alt = f"Curves of {', '.join(panel.label for panel in panels)}: their values are in the table below"
        rows = [(name.replace("_", " "), *(_known(updates[name][place]) for place in places)) for name in names]
        table = html.table(("figure", "first update", "halfway", "last update"), rows, numeric={1, 2, 3})
        return html.stacked(
            svg.picture(svg.small_multiples(panels, x_label="environment steps"), alt), html.join(table, more)
        )


def _mean(recent: deque[float] | deque[int]) -> float:
    values = tuple(recent)  # a thread that trains may add one meanwhile
    return sum(values) / len(values) if values else math.nan


def _known(value: float) -> float | None:
    """Return a number as a table shows it: None for NaN, such as the loss before anything was learnt."""
    return None if math.isnan(value) else float(value)
