"""A strip of stills: some moments of an episode side by side, which need no script."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rlkit.display import marks, text
from rlkit.display.marks import INK
from rlkit.watching.scenes import Floats, Pose, Scene, Shape

MOMENTS = 6
_WIDTH, _GAP, _CAPTION = 520, 8, 17


def moments(length: int, most: int = MOMENTS) -> NDArray[np.int64]:
    """Return steps that are spread evenly over an episode of ``length`` steps, its start and its end among them."""
    return np.unique(np.rint(np.linspace(0, length, min(most, length + 1))).astype(np.int64))


def filmstrip(scene: Scene, states: Floats, steps: NDArray[np.int64]) -> str:
    """Draw moments of an episode side by side.

    Args:
        scene: How to draw the environment.
        states: float64 ``(moments, n)``.
        steps: The step of each moment, written below it.

    Returns:
        SVG text.
    """
    columns, rows = _layout(scene, len(steps))
    scale = min((_WIDTH + _GAP) / columns - _GAP, scene.width * 0.75) / scene.width
    across, down = scene.width * scale + _GAP, scene.height * scale + _CAPTION
    poses = scene.poses(states)
    drawn = [f'<g id="g">{_drawn(scene.ground)}</g>']
    drawn += [f'<g id="p{k}">{_drawn(part)}</g>' for k, part in enumerate(scene.parts)]
    parts = [f"<defs>{''.join(drawn)}</defs>"]
    for i, step in enumerate(steps.tolist()):
        x, y = i % columns * across, i // columns * down
        parts.append(_panel(scene, [_at(pose, i) for pose in poses], (x, y, scale)))
        parts.append(marks.write(x + (across - _GAP) / 2, y + down - 4, _caption(i, step), anchor="middle"))
    return marks.document(round(columns * across - _GAP), round(rows * down), parts)


def told(scene: Scene, states: Floats, steps: NDArray[np.int64]) -> str:
    """Return what a strip shows, in words."""
    return "; ".join(
        f"step {text.number(step)}: {scene.describe(state)}" for step, state in zip(steps.tolist(), states, strict=True)
    )


def _layout(scene: Scene, count: int) -> tuple[int, int]:
    """Return columns and rows: scenes that are wide in two rows, so that their parts can still be seen."""
    rows = 2 if scene.width > scene.height and count > MOMENTS // 2 else 1
    return math.ceil(count / rows), rows


def _caption(index: int, step: int) -> str:
    return f"step {text.number(step)}" if index == 0 else text.number(step)


def _at(pose: Pose, i: int) -> tuple[float, float, float]:
    return float(pose.x[i]), float(pose.y[i]), math.degrees(float(pose.angle[i]))


def _panel(scene: Scene, poses: list[tuple[float, float, float]], place: tuple[float, float, float]) -> str:
    x, y, scale = place
    width, height = scene.width * scale, scene.height * scale
    moved = "".join(
        f'<g transform="translate({px:.1f} {py:.1f})rotate({angle:.1f})"><use href="#p{k}"/>'
        for k, (px, py, angle) in enumerate(poses)
    )
    frame = f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{width - 1:.1f}" height="{height - 1:.1f}" rx="3" '
    frame += f'fill="none" stroke="{INK}" stroke-opacity=".4"/>'
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    view = f'viewBox="0 0 {scene.width} {scene.height}"'
    return f'<svg {size} {view}><use href="#g"/>{moved}{"</g>" * len(poses)}</svg>{frame}'


def _drawn(shapes: tuple[Shape, ...]) -> str:
    return "".join(map(_shape, shapes))


def _shape(shape: Shape) -> str:
    if not shape.width:
        return f'<path d="{shape.path}" fill="{shape.colour}"/>'
    line = f'fill="none" stroke="{shape.colour}" stroke-width="{shape.width:g}"'
    return f'<path d="{shape.path}" {line} stroke-linecap="round" stroke-linejoin="round"/>'
