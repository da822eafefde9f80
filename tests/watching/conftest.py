"""An environment that renders, and an episode to show."""

from __future__ import annotations

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rlkit.models.ppo import PPO, PPOConfig


class Painted(gymnasium.Env):
    """Renders a white column that moves a pixel to the right with every step."""

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 20}  # noqa: RUF012 - as Gymnasium has it

    def __init__(self, length: int = 5, render_mode: str | None = None) -> None:
        self.observation_space = spaces.Box(0, 1e6, (1,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.render_mode = render_mode
        self.length = length
        self.rendered: list[int] = []
        self.closed = 0

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.full(1, self.steps, np.float32), 0.5, self.steps >= self.length, False, {}

    def render(self):
        assert self.render_mode == "rgb_array"
        self.rendered.append(self.steps)
        return self.picture()

    def picture(self):
        frame = np.zeros((8, 12, 3), np.uint8)
        frame[:, self.steps % 12] = 255
        return frame

    def close(self):
        self.closed += 1


@pytest.fixture(scope="session")
def painted():
    """The class above."""
    return Painted


def model_on(env, **settings):
    return PPO(PPOConfig(**{"net_arch": [4], **settings}), env, seed=0)


@pytest.fixture(scope="session")
def recordings(painted, environments):
    """Episodes of every kind: one replayed from states, one of frames, one without a picture."""
    return SimpleNamespace(
        drawn=model_on("CartPole-v1").watch(3),
        rendered=model_on(painted).watch(3),
        blind=model_on(environments.Counting).watch(3),
    )


@pytest.fixture(scope="session")
def watched():
    """Returns an episode of an untrained model on an environment."""
    return lambda env, seed=3, settings=None, **options: model_on(env, **(settings or {})).watch(seed, **options)
