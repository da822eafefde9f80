"""The filmstrip: moments of an episode side by side."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import gymnasium
import numpy as np
import pytest

from rlkit.watching.filmstrip import filmstrip, moments, told
from rlkit.watching.scenes import scene_of

SPACE = "{http://www.w3.org/2000/svg}"
IDS = ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"]


@pytest.mark.parametrize(
    ("length", "steps"),
    [(1, [0, 1]), (3, [0, 1, 2, 3]), (5, [0, 1, 2, 3, 4, 5]), (500, [0, 100, 200, 300, 400, 500])],
)
def test_moments_are_spread_from_start_to_end(length, steps):
    assert moments(length).tolist() == steps


@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize("env_id", IDS)
def test_a_strip_has_a_panel_and_a_caption_for_each_moment(env_id, count):
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    steps = np.arange(count) * 1000
    drawn = filmstrip(scene_of(env), np.array([env.unwrapped.state] * count, float), steps)
    root = ET.fromstring(drawn)  # noqa: S314 - made a line before
    panels = list(root.iter(f"{SPACE}svg"))[1:]
    assert len(panels) == count
    captions = [node.text for node in root.iter(f"{SPACE}text")]
    assert captions == ["step 0", *(f"{1000 * i:,}" for i in range(1, count))]
    width, height = float(root.get("width")), float(root.get("height"))
    for panel in panels:
        assert float(panel.get("x")) + float(panel.get("width")) <= width + 0.5
        assert float(panel.get("y")) + float(panel.get("height")) < height
    assert len(drawn) < 6000


def test_each_panel_shows_its_own_moment():
    scene = scene_of(gymnasium.make("CartPole-v1"))
    states = np.array([[-2, 0, 0, 0], [2, 0, 0.1, 0]], float)
    root = ET.fromstring(filmstrip(scene, states, np.array([0, 9])))  # noqa: S314 - made a line before
    poses = [
        [node.get("transform") for node in panel.iter(f"{SPACE}g")] for panel in list(root.iter(f"{SPACE}svg"))[1:]
    ]
    assert poses == [
        ["translate(36.0 78.0)rotate(0.0)", "translate(0.0 -10.0)rotate(0.0)"],
        ["translate(264.0 78.0)rotate(0.0)", "translate(0.0 -10.0)rotate(5.7)"],
    ]


def test_a_strip_is_told_in_words():
    scene = scene_of(gymnasium.make("MountainCar-v0"))
    words = told(scene, np.array([[-0.5, 0], [0.5, 0]]), np.array([0, 1500]))
    assert words == "step 0: car at -0.5; step 1,500: car at 0.5"
