"""Names of numbers and actions."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.classic_control import CartPoleEnv

from rlkit.envs import newest_id
from rlkit.watching.names import names_of

CARTPOLE = ("cart position", "cart velocity", "pole angle", "pole angular velocity")


# By its version, or by what it is built on (importing Box2D for the first time), which is not of interest here.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("env_id", "observations", "actions"),
    [
        ("CartPole-v1", 4, ("push left", "push right")),
        ("MountainCar-v0", 2, ("push left", "no push", "push right")),
        ("MountainCarContinuous-v0", 2, ("force",)),
        ("Pendulum-v1", 3, ("torque",)),
        ("Acrobot-v1", 6, ("torque -1", "no torque", "torque +1")),
        ("LunarLander-v3", 8, ("no engine", "left engine", "main engine", "right engine")),
        ("LunarLanderContinuous-v3", 8, ("main engine", "side engines")),
        ("BipedalWalker-v3", 24, ("hip 1 torque", "knee 1 torque", "hip 2 torque", "knee 2 torque")),
        ("CarRacing-v3", 0, ("steering", "gas", "brake")),
        ("FrozenLake-v1", 1, ("left", "down", "right", "up")),
        ("CliffWalking-v1", 1, ("up", "right", "down", "left")),
        ("Taxi", 1, ("south", "north", "east", "west", "pick up", "drop off")),
        ("Blackjack-v1", 3, ("stick", "hit")),
    ],
)
def test_the_environments_of_gymnasium_have_a_name_for_each_number(env_id, observations, actions):
    names = names_of(gymnasium.make(newest_id(env_id)))
    assert len(set(names.observation)) == observations
    assert names.action == actions


def test_the_names_of_choices_and_of_controls_are_told_apart():
    assert names_of(gymnasium.make("CarRacing-v3", continuous=False)).action[1:3] == ("steer right", "steer left")


@pytest.mark.parametrize(("action", "side"), [(0, -1), (1, 1)])
def test_pushing_left_pushes_left(action, side):
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    observation = env.step(action)[0]
    assert names_of(env).action[action] == ("push left" if side < 0 else "push right")
    assert np.sign(observation[names_of(env).observation.index("cart velocity")]) == side


def test_a_subclass_has_the_names_of_what_it_is_made_from():
    class Rewarded(CartPoleEnv):
        pass

    assert names_of(Rewarded()).observation == CARTPOLE


def test_a_subclass_with_other_spaces_has_none():
    class Grown(CartPoleEnv):
        def __init__(self):
            super().__init__()
            self.observation_space = spaces.Box(-1, 1, (5,), np.float32)
            self.action_space = spaces.Discrete(3)

    assert names_of(Grown()) == ((), ())


def test_what_a_wrapper_makes_of_them_has_none():
    timed = gymnasium.wrappers.TimeAwareObservation(gymnasium.make("CartPole-v1"))
    assert names_of(timed) == ((), ("push left", "push right"))
    torque = gymnasium.wrappers.RescaleAction(gymnasium.make("Pendulum-v1"), np.float32(-1), np.float32(1))
    assert names_of(torque).action == ()


def test_a_class_of_the_same_name_from_elsewhere_has_none(environments):
    other = type("CartPoleEnv", (environments.Counting,), {})
    assert names_of(other()) == ((), ())
