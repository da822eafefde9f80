"""Scenes: each shows the state that its environment is in."""

from __future__ import annotations

import re

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv

from rlkit.watching.scenes import scene_of

IDS = ["CartPole-v0", "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"]


def scene(env_id):
    return scene_of(gymnasium.make(env_id))


def place(env_id, state, part, point):
    """Return where a point of a part stands in the scene: each part is carried by the one before it."""
    poses = scene(env_id).poses(np.array([state], float))[: part + 1]
    at = np.array(point, float)
    for pose in reversed(poses):
        angle = pose.angle[0]
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ at
        at = turned + np.array([pose.x[0], pose.y[0]])
    return at


@pytest.mark.filterwarnings("ignore:.*out of date")
@pytest.mark.parametrize("env_id", IDS)
def test_classic_control_is_drawn_in_every_version(env_id):
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    states = np.array([env.unwrapped.state] * 3, float)
    drawn = scene_of(env)
    poses = drawn.poses(states)
    assert len(poses) == len(drawn.parts)
    assert all(column.shape == (3,) for pose in poses for column in pose)
    assert drawn.describe(states[0])


def test_a_subclass_is_drawn_unless_it_draws_itself():
    class Rewarded(CartPoleEnv):
        pass

    class Redrawn(CartPoleEnv):
        def render(self):
            return None

    assert scene_of(Rewarded()) is scene("CartPole-v1")
    assert scene_of(Redrawn()) is None


def test_other_environments_are_not_drawn(environments):
    assert scene_of(environments.Counting()) is None


def test_a_pole_leans_where_its_cart_falls_to():
    top = (0, -50)
    upright = place("CartPole-v1", [0, 0, 0, 0], 1, top)
    right = place("CartPole-v1", [0, 0, 0.2, 0], 1, top)
    assert right[0] > upright[0]
    assert right[1] > upright[1]
    drawn = scene("CartPole-v1")
    assert drawn.describe(np.array([0.5, 0, 0.2, 0])) == "cart at 0.5, pole 11° to the right"
    assert drawn.describe(np.array([-0.5, 0, -0.2, 0])) == "cart at -0.5, pole 11° to the left"


def test_a_cart_is_in_the_picture_as_long_as_its_episode_lasts():
    for x in (-2.4, 2.4):
        assert 0 < place("CartPole-v1", [x, 0, 0, 0], 0, (0, 0))[0] < scene("CartPole-v1").width


def test_a_car_stands_on_its_hill_and_along_it():
    ground = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", scene("MountainCar-v0").ground[0].path), float)
    for position in np.linspace(-1.2, 0.6, 30):
        x, y = place("MountainCar-v0", [position, 0], 0, (0, 0))
        assert y == pytest.approx(np.interp(x, *ground.T), abs=0.2)
        ahead = place("MountainCar-v0", [position, 0], 0, (1e-4, 0)) - [x, y]
        moved = place("MountainCar-v0", [position + 1e-6, 0], 0, (0, 0)) - [x, y]
        np.testing.assert_allclose(ahead / np.linalg.norm(ahead), moved / np.linalg.norm(moved), atol=1e-5)


def test_a_pendulum_points_where_its_observation_says():
    for angle in np.linspace(-7, 7, 15):
        at = place("Pendulum-v1", [angle, 0], 1, (0, -1)) - place("Pendulum-v1", [angle, 0], 1, (0, 0))
        np.testing.assert_allclose(at, [-np.sin(angle), -np.cos(angle)], atol=1e-9)


def test_an_acrobots_tip_is_above_the_line_when_its_episode_ends():
    env = gymnasium.make("Acrobot-v1").unwrapped
    env.reset(seed=0)
    above = []
    for state in np.random.default_rng(0).uniform(-np.pi, np.pi, (200, 4)):
        env.state = state
        above.append(place("Acrobot-v1", state, 1, (0, 40))[1] < 50)
        assert above[-1] == env._terminal()
    assert 0 < sum(above) < 200


@pytest.mark.parametrize(("angle", "told"), [(0, "upright"), (2 * np.pi, "upright"), (-np.pi / 2, "90° to the right")])
def test_angles_are_told_as_they_are_seen(angle, told):
    assert scene("Pendulum-v1").describe(np.array([angle, 0])) == f"pole {told}"
