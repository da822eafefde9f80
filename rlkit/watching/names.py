"""What the numbers of an observation and the actions mean, in the environments that come with Gymnasium."""

from __future__ import annotations

import math
from typing import NamedTuple

from gymnasium import spaces

from rlkit.envs.encoding import Space, leaves
from rlkit.envs.make import Environment


class Names(NamedTuple):
    """Words for numbers; empty where they are not known.

    Attributes:
        observation: Of each number of an observation.
        action: Of each discrete action, or of each number of an action.
    """

    observation: tuple[str, ...] = ()
    action: tuple[str, ...] = ()


class _Known(NamedTuple):
    observation: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


_CAR = ("position", "velocity")
_WALKED = ("left", "down", "right", "up")
_LEG = ("hip {} angle", "hip {} speed", "knee {} angle", "knee {} speed", "leg {} ground contact")

_KNOWN: dict[str, _Known] = {
    "CartPoleEnv": _Known(
        ("cart position", "cart velocity", "pole angle", "pole angular velocity"), ("push left", "push right")
    ),
    "MountainCarEnv": _Known(_CAR, ("push left", "no push", "push right")),
    "Continuous_MountainCarEnv": _Known(_CAR, controls=("force",)),
    "PendulumEnv": _Known(("cos angle", "sin angle", "angular velocity"), controls=("torque",)),
    "AcrobotEnv": _Known(
        (
            *(f"{function} angle {link}" for link in (1, 2) for function in ("cos", "sin")),
            "angular velocity 1",
            "angular velocity 2",
        ),
        ("torque -1", "no torque", "torque +1"),
    ),
    "LunarLander": _Known(
        (
            *("x", "y", "x velocity", "y velocity", "angle", "angular velocity"),
            *("left leg contact", "right leg contact"),
        ),
        ("no engine", "left engine", "main engine", "right engine"),
        ("main engine", "side engines"),
    ),
    "BipedalWalker": _Known(
        (
            *("hull angle", "hull angular velocity", "x velocity", "y velocity"),
            *(name.format(leg) for leg in (1, 2) for name in _LEG),
            *(f"lidar {ray}" for ray in range(1, 11)),
        ),
        controls=("hip 1 torque", "knee 1 torque", "hip 2 torque", "knee 2 torque"),
    ),
    "CarRacing": _Known(
        choices=("coast", "steer right", "steer left", "gas", "brake"), controls=("steering", "gas", "brake")
    ),
    "FrozenLakeEnv": _Known(("square",), _WALKED),
    "CliffWalkingEnv": _Known(("square",), ("up", "right", "down", "left")),
    "TaxiEnv": _Known(("state",), ("south", "north", "east", "west", "pick up", "drop off")),
    "BlackjackEnv": _Known(("player's sum", "dealer's card", "usable ace"), ("stick", "hit")),
}
"""By the name of a class of Gymnasium's, whose documentation says what its numbers are."""


def names_of(env: Environment) -> Names:
    """Return what is known of an environment, or of one whose subclass it is.

    A wrapper that gives other observations or takes other actions is believed to mean something else by them.
    """
    bare = env.unwrapped
    found = (_KNOWN.get(kind.__name__) for kind in type(bare).__mro__ if kind.__module__.startswith("gymnasium.envs."))
    known = next((each for each in found if each is not None), _Known())
    action = known.choices if isinstance(env.action_space, spaces.Discrete) else known.controls
    return Names(
        known.observation
        if env.observation_space == bare.observation_space and _size(bare.observation_space) == len(known.observation)
        else (),
        action if env.action_space == bare.action_space and _choices(bare.action_space) == len(action) else (),
    )


def _size(space: Space) -> int:
    """Return how many numbers an element of a space has."""
    return sum(math.prod(leaf.shape or ()) for _, leaf in leaves(space))


def _choices(space: Space) -> int:
    return int(space.n) if isinstance(space, spaces.Discrete) else _size(space)
