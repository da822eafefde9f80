"""Recording: one complete episode, as a notebook shows it and a file keeps it."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlkit.display import html, svg, text
from rlkit.display.html import Markup
from rlkit.display.svg import Series
from rlkit.envs.spaces import Space
from rlkit.errors import StoreError
from rlkit.storage import files
from rlkit.watching.filmstrip import filmstrip, moments, told
from rlkit.watching.frames import Frames, gif, strip
from rlkit.watching.player import player
from rlkit.watching.scenes import Floats, Scene

_SMALL = 200  # pixels: a picture with fewer across is shown larger


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Recording:
    """One complete episode. Its arrays cannot be written to.

    Attributes:
        observations: Of all moments, the last among them, as Gymnasium batches them: an array
            ``(steps + 1, *space.shape)``; for a Dict space a dict of such, for a Tuple a tuple.
        actions: ``(steps, *action_space.shape)``.
        rewards: float64 ``(steps,)``.
        terminated: Whether the episode ended in a terminal state.
        truncated: Whether it was cut off, by the environment or by ``max_steps``.
        cut_off: Whether that was by ``max_steps``.
        title: What is watched.
        seed: Seed of the environment.
        deterministic: Whether the policy took its most probable action.
        rate: Steps a second, as the environment means to be shown.
        action_space: Of one environment.
        values: The model's own estimate of what the return will be from each state on, discounted as it learns, in
            the unit of ``rewards``: float64 ``(steps,)``. None for a model that makes none.
        action_values: The same for each discrete action, float64 ``(steps, n)``. None for a model that makes none.
        action_probabilities: Of each discrete action by the policy, float64 ``(steps, n)``. None where it has none.
        observation_names: Of the numbers of an observation; empty where they are not known.
        action_names: Of discrete actions, or of the numbers of an action; empty where they are not known.
        scene: How rlkit draws the environment; None where it cannot.
        states: The environment's state at each moment, float64 ``(steps + 1, n)``, where rlkit draws it; else None.
        frames: Pictures that the environment rendered, uint8 ``(n, height, width, 3)``: at most some hundred, evenly
            spaced. None where rlkit draws it, or where there is no picture.
        frame_steps: The step of each frame, int64 ``(n,)``.
        no_picture: Why there is no picture; empty where there is.
    """

    observations: Any
    actions: NDArray[Any]
    rewards: Floats
    terminated: bool
    truncated: bool
    cut_off: bool
    title: str
    seed: int
    deterministic: bool
    rate: float
    action_space: Space
    values: Floats | None = None
    action_values: Floats | None = None
    action_probabilities: Floats | None = None
    observation_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    scene: Scene | None = None
    states: Floats | None = None
    frames: Frames | None = None
    frame_steps: NDArray[np.int64] | None = None
    no_picture: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            _freeze(getattr(self, field.name))

    @property
    def length(self) -> int:
        """Number of steps."""
        return len(self.rewards)

    @property
    def episode_return(self) -> float:
        """Sum of the rewards, undiscounted."""
        return float(self.rewards.sum())

    @property
    def _steps(self) -> str:
        return "1 step" if self.length == 1 else f"{text.number(self.length)} steps"

    @property
    def ending(self) -> str:
        """How the episode ended, in words."""
        if self.terminated:
            return "in a terminal state"
        if self.cut_off:
            return f"cut off after {self._steps} (max_steps)"
        return "cut off by the environment"

    @property
    def summary(self) -> str:
        """Return, length and ending in one line."""
        ended = f"ended {self.ending}" if self.terminated else self.ending
        return f"return {text.number(self.episode_return)}, {self._steps}, {ended}"

    def _figures(self) -> list[tuple[str, str]]:
        figures = [
            ("return", text.number(self.episode_return)),
            ("length", self._steps),
            ("ended", self.ending),
            ("actions", "most probable" if self.deterministic else "drawn from the policy"),
            ("seed", str(self.seed)),
        ]
        if self.values is not None:
            first, last = text.number(float(self.values[0])), text.number(float(self.values[-1]))
            figures.insert(1, ("value", f"{first} at the start, {last} at the end"))
        if self.no_picture:
            figures.append(("no picture", f"{self.no_picture}."))
        return figures

    def _reward_text(self, width: int) -> str:
        low, high = float(self.rewards.min()), float(self.rewards.max())
        if low == high:
            return f"{text.number(low)} in each step"
        return f"{text.sparkline(self.rewards, width)}  {text.number(low)} to {text.number(high)}"

    def __repr__(self) -> str:
        return f"{text.one_line(self.title)}\n{text.fields([*self._figures(), ('rewards', self._reward_text(40))])}"

    def _repr_html_(self) -> str:
        figures = [*self._figures(), ("rewards", self._reward_text(12))]
        if self.scene is not None and self.states is not None:
            return html.card(self.title, fields=figures, picture=self._played(self.scene, self.states))
        curves = svg.picture(svg.small_multiples(self._curves(), x_label="step"), f"{self.title}: {self._curve_alt()}")
        if self.frames is None or self.frame_steps is None:
            return html.card(self.title, fields=figures, picture=curves)
        details = [("Moments", self._strip(self.frames, self.frame_steps)), ("Rewards and values", curves)]
        return html.card(self.title, fields=figures, picture=self._animation(self.frames), details=details)

    def _played(self, scene: Scene, states: Floats) -> Markup:
        steps = moments(self.length)
        still = svg.picture(
            filmstrip(scene, states[steps], steps), f"{self.title}, some moments: {told(scene, states[steps], steps)}"
        )
        return player(
            scene,
            states,
            self.actions,
            self.rewards,
            self.values,
            action_space=self.action_space,
            action_names=self.action_names,
            rate=self.rate,
            total=text.number(self.episode_return),
            label=f"{self.title}, played",
            still=still,
        )

    def _curves(self) -> list[Series]:
        steps = np.arange(1, self.length + 1)
        curves = [Series(steps, self.rewards, "reward"), Series(steps, np.cumsum(self.rewards), "return so far")]
        return curves if self.values is None else [*curves, Series(steps - 1, self.values, "value")]

    def _curve_alt(self) -> str:
        return ", ".join(series.label for series in self._curves()) + f" in {self._steps}"

    def _gif(self) -> bytes | None:
        if self.frames is None or self.frame_steps is None:
            return None
        return gif(self.frames, self.frame_steps, self.rate)

    def _animation(self, frames: Frames) -> Markup:
        alt = f"{self.title}: animation of {self._steps}, return {text.number(self.episode_return)}"
        return _image("gif", self._gif() or b"", alt, frames.shape[2])

    def _strip(self, frames: Frames, steps: NDArray[np.int64]) -> Markup:
        kept = moments(len(frames) - 1)
        told_steps = ", ".join(text.number(int(step)) for step in steps[kept])
        picture = _image("png", strip(frames[kept]), f"{self.title} at the steps {told_steps}")
        return html.join(picture, html.muted(f"steps {told_steps}"))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the episode to a file, and return its path.

        Args:
            path: Ends in ``.html`` for a page that needs nothing else, or in ``.gif`` for an animation, which there is
                only of an environment that renders frames.

        Raises:
            StoreError: It is no path, the ending is another, there are no frames, or the file cannot be written.
        """
        if not isinstance(path, str | os.PathLike):
            raise StoreError(f"{path!r:.80} is no path of a file.", "Write 'episode.html'.")
        target = files.expanded(path)
        if target.suffix == ".html":
            data = self._page().encode()
        elif target.suffix == ".gif":
            animation = self._gif()
            if animation is None:
                problem = f"{target.name!r} cannot be written: this episode has no frames."
                raise StoreError(problem, f"Write '{target.stem}.html', a page that shows it.")
            data = animation
        else:
            problem = f"{str(target)!r} does not end in .html or .gif."
            raise StoreError(problem, f"Write '{target.stem or 'episode'}.html'.")
        files.write_atomic(target, data)
        return target

    def _page(self) -> str:
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<meta name="color-scheme" content="light dark"><title>{html.escape(self.title)}</title></head>'
            f'<body style="font-family:system-ui,sans-serif;margin:20px">{self._repr_html_()}</body></html>\n'
        )


def _freeze(value: object) -> None:
    """Make all arrays in a value read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, dict | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            _freeze(part)


def _image(kind: str, data: bytes, alt: str, width: int | None = None) -> Markup:
    """Return a picture of pixels; one that is small is shown larger, and not blurred."""
    style = "display:block;max-width:100%;height:auto"
    size = ""
    if width is not None and width < _SMALL:
        style += ";image-rendering:pixelated"
        size = f' width="{width * -(-_SMALL // width)}"'
    encoded = base64.b64encode(data).decode()
    return Markup(f'<img src="data:image/{kind};base64,{encoded}" alt="{html.escape(alt)}"{size} style="{style}">')
