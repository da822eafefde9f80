"""EpisodePlayer: an episode that a model was watched in, step by step, with what the model knew at each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray
from traitlets import Bool, Dict, Float, Int, TraitError, validate

from rlkit.display import scripts
from rlkit.display.marks import PALETTE
from rlkit.errors import ConfigError
from rlkit.notebook.widgets.twin import Twinned
from rlkit.watching import Recording
from rlkit.watching.components import MOST, components
from rlkit.watching.frames import stills
from rlkit.watching.player import action_range, stage, zoom

SLOWEST, FASTEST = 0.25, 4.0
"""Bounds of the speed."""


class PlaybackError(ConfigError, TraitError):
    """A speed is none: traitlets takes back what was set where it is told so by an error of its own kind."""


class EpisodePlayer(Twinned, anywidget.AnyWidget):
    """An episode to be played, paused, and gone through step by step.

    Beside the picture stands what is known of the step: observation, action, what the model thought of each action,
    reward, return so far, value; below it are curves of reward and value, on which one can click to go to a step. Space
    plays and pauses, arrow keys step, Page Up and Page Down leap ten steps, Home and End go to the ends.

    ``step``, ``playing``, ``speed`` and ``length`` are traits: set from Python they move the picture, and
    ``traitlets.link`` ties them to those of other widgets. The page says at most ten times a second where it is.

    Args:
        recording: What ``model.watch`` returned.

    Attributes:
        recording: The episode.
        step: Steps taken before what is shown: 0 is the start, ``length`` the end. What lies beyond is clamped.
        playing: Whether it plays, where it is shown; from the end it plays anew. It begins when it is first seen,
            unless the person's system asks for less motion.
        speed: 1 is the pace that the environment means to be shown at; 0.25 to 4, all else is refused.
        length: Number of steps; cannot be set.
        episode: What the page needs to show it, columns of numbers as the bytes of float32 arrays; cannot be set.

    Raises:
        ConfigError: ``recording`` is none.
        PlaybackError: The speed is set to what it cannot be; it stays what it was.
    """

    _esm = scripts.joined(Path(__file__).with_name("player.js"))
    _css = Path(__file__).with_name("player.css")

    # The page is ahead of the kernel while it plays: an echo would throw it back.
    step = Int(0).tag(sync=True, echo_update=False)
    playing = Bool(default_value=False).tag(sync=True, echo_update=False)
    speed = Float(1.0).tag(sync=True, echo_update=False)
    length = Int(0, read_only=True).tag(sync=True)
    episode = Dict(read_only=True).tag(sync=True)

    def __init__(self, recording: Recording) -> None:
        if not isinstance(recording, Recording):
            raise ConfigError(f"{recording!r:.80} is no recording of an episode.", "Give what model.watch() returned.")
        self.recording = recording
        super().__init__()
        with self.hold_sync():
            self.set_trait("length", recording.length)
            self.set_trait("episode", told(recording))

    @validate("step")
    def _clamp(self, proposal: Any) -> int:
        return int(min(max(proposal["value"], 0), self.recording.length))

    @validate("speed")
    def _check_speed(self, proposal: Any) -> float:
        speed = float(proposal["value"])
        if not SLOWEST <= speed <= FASTEST:
            problem = f"speed = {speed:g} is no pace to play at."
            raise PlaybackError(problem, f"It takes {SLOWEST:g} to {FASTEST:g}; 1 is the pace that is meant.")
        return speed

    def twin(self) -> dict[str, str]:
        """Return the episode as HTML and as text, by MIME type: what a recording shows by itself."""
        return {"text/plain": repr(self.recording), "text/html": self.recording._repr_html_()}


def told(recording: Recording) -> dict[str, Any]:
    """Return what the page needs to show an episode; columns are float32 bytes, one behind the other.

    Args:
        recording: The episode.
    """
    observation = components(recording.observations, recording.observation_names)
    curves = [{"label": "reward", "column": "rewards", "first": 1, "colour": PALETTE[0]}]
    value = _value(recording)
    if value is not None:
        curves.append({"label": value["label"], "column": "values", "first": 0, "colour": PALETTE[1]})
    return {
        "title": recording.title,
        "summary": recording.summary,
        "length": recording.length,
        "rate": recording.rate,
        "scene": _scene(recording),
        "frames": _frames(recording),
        "no_picture": recording.no_picture,
        "observation": {"names": observation.names, "data": _bytes(observation.numbers)},
        "action": _action(recording),
        "estimates": _estimates(recording),
        "value": value,
        "values": None if recording.values is None else _bytes(recording.values),
        "rewards": _bytes(recording.rewards),
        "returns": _bytes(np.cumsum(recording.rewards)),
        "curves": curves,
    }


def _value(recording: Recording) -> dict[str, str] | None:
    if recording.values is None:
        return None
    meaning = "The return that the model expects from this state on, discounted as it learns"
    return {"label": "value V(s)" if recording.action_values is None else "max Q(s, a)", "meaning": meaning}


def _estimates(recording: Recording) -> dict[str, Any] | None:
    """Return what the model thought of each discrete action; None where it cannot tell, or of very many."""
    for label, estimates in (
        ("probability of each action", recording.action_probabilities),
        ("Q-value of each action", recording.action_values),
    ):
        if estimates is not None and estimates.shape[1] <= MOST:
            probable = estimates is recording.action_probabilities
            span = [0.0, 1.0] if probable else [float(estimates.min()), float(estimates.max())]
            return {"label": label, "columns": estimates.shape[1], "span": span, "data": _bytes(estimates.T)}
    return None


def _action(recording: Recording) -> dict[str, Any]:
    """Return actions as columns: of a discrete space one, counted from 0; names are then those of the choices."""
    space, names = recording.action_space, recording.action_names
    if isinstance(space, spaces.Discrete):
        chosen = recording.actions - space.start
        return {"discrete": True, "names": names, "start": int(space.start), "columns": 1, "data": _bytes(chosen)}
    found = components(recording.actions, names)
    spans = None
    if isinstance(space, spaces.Box) and space.is_bounded() and len(found.names) == space.low.size:
        spans = np.stack([space.low.ravel(), space.high.ravel()], axis=1).tolist()
    columns = len(found.names)
    return {"discrete": False, "names": found.names, "spans": spans, "columns": columns, "data": _bytes(found.numbers)}


def _scene(recording: Recording) -> dict[str, Any] | None:
    scene, states = recording.scene, recording.states
    if scene is None or states is None:
        return None
    low, high = action_range(recording.action_space)
    pushes = None
    if low is not None and high is not None and low != high:
        pushes = _bytes(2 * (recording.actions.astype(np.float64).reshape(-1) - low) / (high - low) - 1)
    return {
        **stage(scene),
        "poses": _bytes(np.stack([column for pose in scene.poses(states) for column in pose])),
        "pushes": pushes,
    }


def _frames(recording: Recording) -> dict[str, Any] | None:
    if recording.frames is None or recording.frame_steps is None:
        return None
    _, height, width, _ = recording.frames.shape
    data, steps = stills(recording.frames, recording.frame_steps)
    return {"data": data, "steps": steps.tolist(), "width": width, "height": height, "zoom": zoom(width, height)}


def _bytes(values: ArrayLike) -> bytes:
    """Return numbers as float32 bytes; what is none becomes one, as the ends of an axis must be."""
    with np.errstate(over="ignore"):
        columns: NDArray[np.float32] = np.nan_to_num(np.asarray(values).astype("<f4"))
    return columns.tobytes()
