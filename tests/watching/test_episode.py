"""Playing an episode and keeping all of it."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rlkit.errors import EnvironmentContractError
from rlkit.watching.episode import batched


def test_an_episode_is_kept_moment_by_moment(watched, environments):
    made = []

    def factory():
        made.append(environments.Counting())
        return made[-1]

    recording = watched(factory, seed=7)
    assert recording.observations.tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]]
    assert recording.rewards.tolist() == [1, 2, 3, 4]
    assert recording.rewards.dtype == recording.values.dtype == np.float64
    assert recording.actions.shape == recording.values.shape == (4,)
    assert (recording.terminated, recording.truncated, recording.cut_off) == (True, False, False)
    assert len(made[-1].seeds) == 1
    assert [env.closed for env in made] == [1, 1]


@pytest.mark.parametrize(
    ("ending", "limits", "flags"),
    [
        ("truncated", (4, None), (False, True, False)),
        ("both", (4, None), (True, True, False)),
        ("terminated", (9, 3), (False, True, True)),
        ("terminated", (3, 3), (True, True, False)),
        ("truncated", (3, 4), (False, True, False)),
    ],
)
def test_how_an_episode_ended_is_kept(watched, environments, ending, limits, flags):
    length, max_steps = limits
    recording = watched(lambda: environments.Counting(length, ending), max_steps=max_steps)
    assert (recording.terminated, recording.truncated, recording.cut_off) == flags
    assert recording.length == min(length, max_steps or length)


def test_actions_are_the_environments_own(watched, environments):
    recording = watched(lambda: environments.Identity(3, 5, 7), deterministic=False)
    assert set(recording.actions.tolist()) == {7, 8, 9}
    right = recording.actions - 7 == recording.observations[:-1] - 5
    np.testing.assert_array_equal(recording.rewards, right)


def test_continuous_actions_are_within_their_bounds(watched):
    recording = watched("Pendulum-v1", deterministic=False)
    assert recording.actions.shape == (200, 1)
    assert (np.abs(recording.actions) <= 2).all()


def test_observations_of_many_parts_are_kept_as_a_batch_of_each(watched, environments):
    space = spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Tuple([spaces.Box(0, 1, (2,), np.float32)])})
    told = [{"a": 1, "b": (np.zeros(2, np.float32),)}, {"a": 2, "b": (np.ones(2, np.float32),)}]
    recording = watched(lambda: environments.Told(space, told), max_steps=3)
    assert recording.observations["a"].tolist() == [1, 2, 1, 2]
    assert recording.observations["b"][0].tolist() == [[0, 0], [1, 1], [0, 0], [1, 1]]
    assert recording.observations["b"][0].dtype == np.float32


def test_observations_are_batched_as_a_model_predicts_them(environments):
    space = spaces.Dict({"a": spaces.Box(0, 255, (2, 3), np.uint8), "b": spaces.MultiBinary(2)})
    space.seed(0)
    drawn = [space.sample() for _ in range(4)]
    found = batched(space, drawn)
    expected = gymnasium.vector.utils.concatenate(
        space, drawn, gymnasium.vector.utils.create_empty_array(space, len(drawn))
    )
    for name in ("a", "b"):
        np.testing.assert_array_equal(found[name], expected[name])
        assert found[name].dtype == expected[name].dtype


@pytest.mark.parametrize("observations", [[np.zeros(3)], [np.zeros(2), np.zeros(3)], [np.full(2, np.nan)]])
def test_an_environment_that_breaks_its_word_is_told_so(watched, environments, observations):
    space = spaces.Box(-1, 1, (2,), np.float32)
    with pytest.raises(EnvironmentContractError):
        watched(lambda: environments.Told(space, observations))


def test_an_environment_that_fails_is_closed(watched, environments):
    made = []

    class Failing(environments.Counting):
        def step(self, action):
            raise RuntimeError("broken")

    def factory():
        made.append(Failing())
        return made[-1]

    with pytest.raises(RuntimeError, match="broken"):
        watched(factory)
    assert [env.closed for env in made] == [1, 1]
