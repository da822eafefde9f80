"""Environments that rlkit can draw: rigid parts on a still ground, placed by the environment's state.

A scene is written down once, as SVG path data with a pose for each part. The filmstrip draws it with SVG, the player in
the browser with a canvas, which takes the same path data.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.continuous_mountain_car import Continuous_MountainCarEnv
from gymnasium.envs.classic_control.mountain_car import MountainCarEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from numpy.typing import NDArray

from rlkit.display import text
from rlkit.display.marks import INK, PALETTE
from rlkit.envs.make import Environment

Floats = NDArray[np.float64]

_BLUE, _ORANGE, _GREEN = PALETTE[:3]


class Shape(NamedTuple):
    """One stroke or filled area.

    Attributes:
        path: SVG path data, in pixels of the scene.
        colour: One that reads on light and dark pages alike.
        width: Of the stroke in pixels; 0 fills the path instead.
    """

    path: str
    colour: str
    width: float = 0


class Pose(NamedTuple):
    """Where a part stands, moment by moment, seen from the part before it; the first from the scene's corner.

    Attributes:
        x: Pixels to the right, ``(moments,)``.
        y: Pixels down, ``(moments,)``.
        angle: Radians clockwise, ``(moments,)``.
    """

    x: Floats
    y: Floats
    angle: Floats


class Scene(ABC):
    """How to draw one kind of environment."""

    width: ClassVar[int]
    """Pixels across."""
    height: ClassVar[int]
    """Pixels down."""
    ground: ClassVar[tuple[Shape, ...]]
    """What never moves, the hindmost first."""
    parts: ClassVar[tuple[tuple[Shape, ...], ...]]
    """What moves: each part is carried by the one before it."""
    push: ClassVar[Shape]
    """Arrow of the strongest action, carried by the first part: mirrored for its opposite, smaller for a weaker one."""

    @abstractmethod
    def poses(self, states: Floats) -> list[Pose]:
        """Return the pose of each part, for the environment's states ``(moments, n)``."""

    @abstractmethod
    def describe(self, state: Floats) -> str:
        """Return one state, ``(n,)``, in a few words."""


def scene_of(env: Environment) -> Scene | None:
    """Return how to draw an environment; None where rlkit cannot, or where a subclass draws itself in another way."""
    drawn = type(env.unwrapped)
    return next(
        (scene for kind, scene in _SCENES.items() if issubclass(drawn, kind) and drawn.render is kind.render), None
    )


def _degrees(radians: float) -> float:
    """Return an angle from -180 to 180 degrees."""
    return math.degrees(math.remainder(radians, math.tau))


def _leaning(radians: float) -> str:
    degrees = round(_degrees(radians))
    return "upright" if not degrees else f"{abs(degrees)}° to the {'right' if degrees > 0 else 'left'}"


class _CartPole(Scene):
    width, height = 300, 118
    _UNIT = 57.0  # pixels a metre; an episode ends 2.4 metres from the middle
    _TRACK = 92.0
    ground = (
        Shape("M0 92H300", INK, 1.5),
        Shape(f"M{150 - 2.4 * _UNIT:g} 86v12M{150 + 2.4 * _UNIT:g} 86v12M150 89v6", INK, 1.5),
    )
    parts = (
        (Shape("M-19 -10h38v16h-38z", _BLUE), Shape("M-11 6a4 4 0 1 0 .1 0zM11 6a4 4 0 1 0 .1 0z", INK)),
        (Shape(f"M0 0V{-_UNIT:g}", _ORANGE, 6), Shape("M0 -3a3 3 0 1 0 .1 0z", INK)),
    )
    push = Shape("M25 -2h20m-6 -5l6 5l-6 5", _GREEN, 2.5)

    def poses(self, states: Floats) -> list[Pose]:
        still = np.zeros(len(states))
        cart = Pose(150 + states[:, 0] * self._UNIT, still + self._TRACK - 14, still)
        return [cart, Pose(still, still - 10, states[:, 2])]

    def describe(self, state: Floats) -> str:
        return f"cart at {text.number(round(float(state[0]), 2))}, pole {_leaning(state[2])}"


class _MountainCar(Scene):
    width, height = 252, 180
    _UNIT = 135.0  # pixels for 1 of position and of height

    @staticmethod
    def _hill(position: Floats) -> Floats:
        return np.sin(3 * position) * 0.45 + 0.55

    @classmethod
    def _place(cls, position: Floats) -> tuple[Floats, Floats]:
        return (position + 1.2) * cls._UNIT + 4, 170 - cls._hill(position) * cls._UNIT

    parts = (
        (
            Shape("M-17 -8q2 -11 10 -11h13q7 0 11 11z", _BLUE),
            Shape("M-10 -10a5 5 0 1 0 .1 0zM10 -10a5 5 0 1 0 .1 0z", INK),
        ),
    )
    push = Shape("M22 -11h16m-6 -5l6 5l-6 5", _GREEN, 2.5)

    def poses(self, states: Floats) -> list[Pose]:
        position = states[:, 0]
        return [Pose(*self._place(position), -np.arctan(1.35 * np.cos(3 * position)))]

    def describe(self, state: Floats) -> str:
        return f"car at {text.number(round(float(state[0]), 2))}"


def _mountain() -> tuple[Shape, ...]:
    x, y = _MountainCar._place(np.linspace(-1.2, 0.6, 55))  # noqa: SLF001 - part of the class above
    line = "L".join(f"{a:g} {b:.1f}" for a, b in zip(x, y, strict=True))
    flag_x, flag_y = (round(float(at[0])) for at in _MountainCar._place(np.array([0.5])))  # noqa: SLF001 - the same
    flag = f"M{flag_x} {flag_y}v-30"
    return Shape(f"M{line}", INK, 1.5), Shape(flag, INK, 1.5), Shape(f"{flag}l15 5l-15 6z", _ORANGE)


_MountainCar.ground = _mountain()


class _Pendulum(Scene):
    width, height = 170, 170
    ground = ()
    parts = (
        (Shape("M0 -72a72 72 0 1 0 .1 0z", f"{INK}44", 1),),
        (Shape("M0 0V-62", _ORANGE, 9), Shape("M0 -69a7 7 0 1 0 .1 0z", _ORANGE), Shape("M0 -4a4 4 0 1 0 .1 0z", INK)),
    )
    push = Shape("M34 0A34 34 0 0 0 -34 0m-7 -9l7 10l8 -9", _GREEN, 3)

    def poses(self, states: Floats) -> list[Pose]:
        still = np.zeros(len(states))
        pivot = Pose(still + 85, still + 85, still)
        return [pivot, Pose(still, still, -states[:, 0])]  # the environment counts angles counterclockwise

    def describe(self, state: Floats) -> str:
        return f"pole {_leaning(-state[0])}"


class _Acrobot(Scene):
    width, height = 180, 180
    _LINK = 40.0
    ground = (Shape("M8 50H172", INK, 1.5), Shape("M90 86a4 4 0 1 0 .1 0z", INK))
    parts = (
        (Shape("M0 0V40", _BLUE, 8), Shape("M0 -4a4 4 0 1 0 .1 0z", INK)),
        (Shape("M0 0V40", _ORANGE, 8), Shape("M0 -4a4 4 0 1 0 .1 0z", INK)),
    )
    push = Shape("M15 40A15 15 0 0 0 -15 40m-4 -6l4 7l5 -6", _GREEN, 2.5)

    def poses(self, states: Floats) -> list[Pose]:
        still = np.zeros(len(states))
        return [Pose(still + 90, still + 90, -states[:, 0]), Pose(still, still + self._LINK, -states[:, 1])]

    def describe(self, state: Floats) -> str:
        height = -math.cos(state[0]) - math.cos(state[0] + state[1])
        return f"tip {abs(height):.1f} {'above' if height >= 0 else 'below'} the pivot"


_SCENES: dict[type[Environment], Scene] = {
    CartPoleEnv: _CartPole(),
    MountainCarEnv: _MountainCar(),
    Continuous_MountainCarEnv: _MountainCar(),
    PendulumEnv: _Pendulum(),
    AcrobotEnv: _Acrobot(),
}
