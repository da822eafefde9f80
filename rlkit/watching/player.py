"""The player: an episode's states as a few kilobytes of HTML and script, which move the parts of a scene."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.display import scripts
from rlkit.display.html import Markup
from rlkit.envs.spaces import Space
from rlkit.watching.scenes import Floats, Pose, Scene

_MOST_MOMENTS = 1000
"""Of a longer episode only every second, third … step is shown: it would fill megabytes, and minutes."""
_LEVELS = 65535
_WIDE, _TALL = 440, 260
"""Pixels of the page that a picture fills at most."""


def player(
    scene: Scene,
    states: Floats,
    actions: NDArray[Any],
    rewards: Floats,
    values: Floats | None,
    *,
    action_space: Space,
    rate: float,
    total: str,
    label: str,
    still: Markup,
    action_names: tuple[str, ...] = (),
) -> Markup:
    """Return a player that takes the place of a still picture where scripts run.

    Args:
        scene: How to draw the environment.
        states: float64 ``(steps + 1, n)``.
        actions: ``(steps, *action_space.shape)``.
        rewards: float64 ``(steps,)``.
        values: float64 ``(steps,)``, or None where they are not known.
        action_space: Of one environment.
        rate: Steps a second.
        total: The return, as it is written elsewhere.
        label: What the picture shows, for those who do not see it.
        still: What is seen where no script runs.
        action_names: Of discrete actions; empty where they are not known.

    Returns:
        Markup that needs nothing from elsewhere; the same for the same episode.
    """
    length = len(rewards)
    stride = -(-length // _MOST_MOMENTS)
    shown = np.append(np.arange(0, length, stride), length)
    low, high = action_range(action_space)
    acting = shown[:-1]
    acted = None if low is None else actions[acting].astype(np.float64).reshape(-1)
    # A moment has the rewards since the one before it, so that their sum stays the return.
    gained = np.add.reduceat(rewards, acting)
    columns = _columns(scene.poses(states[shown]), acted, gained, None if values is None else values[acting])
    ends, data = _packed(columns)
    episode = {
        "label": label,
        **stage(scene),
        "names": action_names if isinstance(action_space, spaces.Discrete) else [],
        "range": [low, high] if low != high else None,
        "moments": len(shown),
        "stride": stride,
        "length": length,
        "rate": rate / stride,
        "total": total,
        "columns": ends,
        "data": data,
    }
    # A "<" could end the script; inside of JSON it can only stand in a string.
    plain = json.dumps(episode, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    key = hashlib.sha256(plain.encode()).hexdigest()[:12]
    return Markup(f'<div data-rlkit-episode="{key}">{still}</div><script>{_script()}("{key}",{plain})</script>')


def stage(scene: Scene) -> dict[str, Any]:
    """Return what the scripts of players need of a scene, whatever happens in it."""
    return {
        "width": scene.width,
        "height": scene.height,
        "zoom": zoom(scene.width, scene.height),
        "ground": scene.ground,
        "parts": scene.parts,
        "push": scene.push,
    }


def zoom(width: int, height: int) -> float:
    """Return how many pixels of the page a pixel of such a picture takes."""
    return round(min(_WIDE / width, _TALL / height), 2)


def _columns(
    poses: Sequence[Pose], actions: Floats | None, rewards: Floats, values: Floats | None
) -> list[Floats | None]:
    """Return what the script needs for each moment: the poses of all parts, then action, reward and value."""
    return [
        *(column for pose in poses for column in pose),
        None if actions is None else _extended(actions),
        np.append(rewards[0], rewards),  # the first is not shown: a column of equal numbers takes no bytes
        None if values is None else _extended(values),
    ]


def action_range(space: Space) -> tuple[float | None, float | None]:
    """Return the ends of a space whose actions are one number each; None for any other."""
    if isinstance(space, spaces.Discrete):
        return int(space.start), int(space.start + space.n - 1)
    if isinstance(space, spaces.Box) and space.low.size == 1 and space.is_bounded():
        return float(space.low.item()), float(space.high.item())
    return None, None


def _extended(column: Floats) -> Floats:
    """Return a column with one moment more, the last, at which nothing is done any more."""
    return np.append(column, column[-1])


def _packed(columns: Sequence[Floats | None]) -> tuple[list[tuple[float, float] | None], str]:
    """Return the ends of each column, and the columns as 16 bits a number in base64: none for one that is constant."""
    ends: list[tuple[float, float] | None] = []
    packed = b""
    for column in columns:
        if column is None:
            ends.append(None)
            continue
        finite = np.nan_to_num(column)
        low, high = (float(f"{end:.7g}") for end in (finite.min(), finite.max()))
        ends.append((low, high))
        if low != high:
            share = np.clip((finite - low) / (high - low), 0, 1)
            packed += np.rint(share * _LEVELS).astype("<u2").tobytes()
    return ends, base64.b64encode(packed).decode()


@cache
def _script() -> str:
    """Return a function of key and episode: the script without what is for those who read it."""
    lines = (line.strip() for line in scripts.joined(Path(__file__).with_name("player.js")).splitlines())
    source = "\n".join(line.removeprefix("export ") for line in lines if line and not line.startswith("//"))
    return f"(function (key, episode) {{\n{source}\nplayAll(key, episode);\n}})"
