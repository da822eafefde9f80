"""Environments as people write them: correct enough to be trained in, and unlike Gymnasium's own in one way each."""

from __future__ import annotations

import random

import gymnasium
import numpy as np
from gymnasium import spaces

ACTIONS = {
    "Discrete": spaces.Discrete(3),
    "MultiDiscrete": spaces.MultiDiscrete([2, 3]),
    "MultiBinary": spaces.MultiBinary(3),
    "Box": spaces.Box(-2, 5, (2,), np.float32),
}


class Tidy(gymnasium.Env):
    """Does all that Gymnasium asks for: an episode of 7 steps from a random start, rewarded for large actions."""

    length = 7

    def __init__(self, actions: str = "Discrete") -> None:
        self.observation_space = spaces.Box(-10, 10, (2,), np.float32)
        self.action_space = ACTIONS[actions]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        self.position = float(self.draw())
        return self.observe(), {}

    def draw(self):
        return self.np_random.normal()

    def observe(self):
        return np.array([self.position, self.steps / self.length], np.float32)

    def step(self, action):
        self.steps += 1
        reward = float(np.sum(action)) + self.position
        return self.observe(), reward, self.steps >= self.length, False, {}


class ReusesItsArray(Tidy):
    """Writes every observation into the same array."""

    def __init__(self, *args):
        super().__init__(*args)
        self.array = np.zeros(2, np.float32)

    def observe(self):
        self.array[:] = super().observe()
        return self.array


class ChangesTheAction(Tidy):
    """Modifies the array that it receives as an action."""

    def step(self, action):
        result = super().step(action)
        if isinstance(action, np.ndarray) and action.ndim:
            action[:] = 0
        return result


class SamplesFromItsSpaces(Tidy):
    """Draws its starts from a space of its own, and noise from the space of actions."""

    def draw(self):
        return float(self.observation_space.sample()[0]) + float(np.sum(self.action_space.sample()))


class SharesItsSpaces(SamplesFromItsSpaces):
    """Has one space for all environments of its class."""

    observation_space = spaces.Box(-10, 10, (2,), np.float32)
    action_space = ACTIONS["Discrete"]

    def __init__(self, actions: str = "Discrete") -> None:
        type(self).action_space = ACTIONS[actions]


class CutsOff(Tidy):
    """Ends its episodes by truncation, and says so with NumPy's bools."""

    def step(self, action):
        observation, reward, ended, _, info = super().step(action)
        return observation, np.float64(reward), np.bool_(0), np.bool_(ended), info


class EndsAtOnce(Tidy):
    """Has episodes of one step."""

    length = 1


class ObservesInFloat64(Tidy):
    """Declares and returns float64."""

    def __init__(self, *args):
        super().__init__(*args)
        self.observation_space = spaces.Box(-10, 10, (2,), np.float64)

    def observe(self):
        return super().observe().astype(np.float64)


class ObservesLists(Tidy):
    """Returns lists where arrays are due."""

    def observe(self):
        return super().observe().tolist()


class ObservesDicts(Tidy):
    """Returns the same dict, filled anew, each time."""

    def __init__(self, *args):
        super().__init__(*args)
        self.observation_space = spaces.Dict(place=spaces.Box(-10, 10, (2,), np.float32), late=spaces.Discrete(2))
        self.told = {"place": np.zeros(2, np.float32), "late": 0}

    def observe(self):
        self.told["place"][:] = super().observe()
        self.told["late"] = int(self.steps > 3)
        return self.told


class RewardsWithIntegers(Tidy):
    """Returns rewards that are Python's integers."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, round(reward), *rest


class KeepsALevel(Tidy):
    """Becomes harder with every episode, which it stores beside the state of the episode."""

    def __init__(self, *args):
        super().__init__(*args)
        self.level = 0

    def reset(self, *, seed=None, options=None):
        self.level += 1
        return super().reset(seed=seed)


class WalksThroughData(Tidy):
    """Plays one item of a data set an episode, in turn, whatever the seed."""

    def __init__(self, *args):
        super().__init__(*args)
        self.item = -1

    def draw(self):
        self.item += 1
        return self.item % 5


class DrawsFromItsOwnGenerator(Tidy):
    """Has a generator of its own, which seeds do not reach."""

    def __init__(self, *args):
        super().__init__(*args)
        self.rng = np.random.default_rng(5)

    def draw(self):
        return self.rng.normal()


class DrawsFromNumPy(Tidy):
    """Draws from NumPy's global generator."""

    def draw(self):
        return np.random.normal()  # noqa: NPY002 - that is the fault


class DrawsFromPython(Tidy):
    """Draws from Python's global generator."""

    def draw(self):
        return random.gauss(0, 1)


REPEATABLE = [
    Tidy,
    ReusesItsArray,
    ChangesTheAction,
    SamplesFromItsSpaces,
    SharesItsSpaces,
    CutsOff,
    EndsAtOnce,
    ObservesInFloat64,
    ObservesLists,
    ObservesDicts,
    RewardsWithIntegers,
    KeepsALevel,
]
"""What a seed settles, all of it: two runs of one seed give the same bits."""
