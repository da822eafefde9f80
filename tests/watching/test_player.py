"""The player: an episode's states as HTML and script."""

from __future__ import annotations

import base64
import dataclasses
import json
import re

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rlkit.watching import Recording, player as module
from rlkit.watching.scenes import scene_of


def episode(html):
    """Return key and data of the player in a page."""
    key, plain = re.search(r'\("(\w+)",(\{.*\})\)</script>', html, re.DOTALL).groups()
    return key, json.loads(plain)


def columns(data):
    """Return the columns as the script reads them."""
    numbers = np.frombuffer(base64.b64decode(data["data"]), "<u2")
    read, start = [], 0
    for ends in data["columns"]:
        if ends is None:
            read.append(None)
        elif ends[0] == ends[1]:
            read.append(np.full(data["moments"], ends[0]))
        else:
            share = numbers[start : start + data["moments"]] / 65535
            read.append(ends[0] + (ends[1] - ends[0]) * share)
            start += data["moments"]
    assert start == len(numbers)
    return read


def shown(recording):
    return episode(recording._repr_html_())[1]


@pytest.mark.parametrize(
    "env_id", ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"]
)
def test_the_script_gets_the_episode_to_within_a_hair(watched, env_id):
    recording = watched(env_id, deterministic=False)
    data = shown(recording)
    *poses, actions, rewards, values = columns(data)
    wanted = [column for pose in recording.scene.poses(recording.states) for column in pose]
    assert len(poses) == 3 * len(data["parts"]) == len(wanted)
    for found, column in zip(poses, wanted, strict=True):
        np.testing.assert_allclose(found, column, atol=np.ptp(column) / 1e5 + 1e-5)
    np.testing.assert_allclose(actions[:-1], recording.actions.reshape(-1), atol=1e-4)
    np.testing.assert_allclose(rewards[1:], recording.rewards, atol=np.ptp(recording.rewards) / 1e5 + 1e-6)
    np.testing.assert_allclose(values[:-1], recording.values, atol=1e-4)
    assert (data["length"], data["stride"], data["moments"]) == (recording.length, 1, recording.length + 1)
    assert data["rate"] == recording.rate


def made_up(length, rewards=None):
    """An episode of CartPole in which everything varies."""
    rng = np.random.default_rng(0)
    return Recording(
        observations=np.zeros((length + 1, 4), np.float32),
        actions=rng.integers(2, size=length),
        rewards=np.ones(length) if rewards is None else rewards,
        terminated=False,
        truncated=True,
        cut_off=False,
        title="PPO on CartPole-v1, one episode",
        seed=3141116543,
        deterministic=True,
        rate=50,
        action_space=spaces.Discrete(2),
        action_names=("left", "right"),
        values=rng.uniform(0, 100, length),
        scene=scene_of(gymnasium.make("CartPole-v1")),
        states=rng.uniform(-1, 1, (length + 1, 4)),
    )


def test_an_episode_of_500_steps_takes_less_than_14_kilobytes_beside_its_strip():
    html = made_up(500)._repr_html_()
    assert len(re.sub("<img [^>]*>", "", html).encode()) < 14_000


def test_a_long_episode_is_thinned_and_keeps_its_end_its_pace_and_its_return():
    rewards = np.random.default_rng(1).normal(size=2501)
    recording = made_up(2501, rewards)
    data = shown(recording)
    x, *_, gained, values = columns(data)
    kept = [*range(0, 2501, 3), 2501]
    assert (data["moments"], data["stride"], data["length"]) == (len(kept), 3, 2501)
    assert data["rate"] == pytest.approx(50 / 3)
    np.testing.assert_allclose(x, recording.scene.poses(recording.states[kept])[0].x, atol=0.01)
    np.testing.assert_allclose(np.cumsum(gained[1:]), np.cumsum(rewards)[np.array(kept[1:]) - 1], atol=0.01)
    np.testing.assert_allclose(values[:-1], recording.values[kept[:-1]], atol=0.01)


def test_what_is_not_known_is_left_out():
    recording = dataclasses.replace(made_up(5), values=None)
    assert shown(recording)["columns"][-1] is None
    assert "value" not in repr(recording)


@pytest.mark.parametrize(
    ("space", "actions", "ends", "names"),
    [
        (spaces.Discrete(2, start=5), [5, 6, 5], [5, 6], ["left", "right"]),
        (spaces.Discrete(1), [0, 0, 0], None, ["left", "right"]),
        (spaces.Box(-2, 2, (1,), np.float32), [[0.5], [1], [-2]], [-2, 2], []),
        (spaces.Box(-np.inf, np.inf, (1,), np.float32), [[0.5], [1], [-2]], None, []),
        (spaces.MultiBinary(2), [[0, 1], [1, 1], [0, 0]], None, []),
    ],
)
def test_actions_are_shown_by_the_ends_of_their_space(space, actions, ends, names):
    recording = dataclasses.replace(made_up(3), action_space=space, actions=np.array(actions))
    data = shown(recording)
    assert (data["range"], data["names"]) == (ends, names)
    found = columns(data)[-3]
    if ends is None and len(np.unique(actions)) > 1:
        assert found is None
    else:
        np.testing.assert_allclose(found[:-1], np.reshape(actions, -1), atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_spoils_no_other_column(value):
    recording = made_up(4)
    values = np.array([1, 2, value, 4])
    data = shown(dataclasses.replace(recording, values=values))
    np.testing.assert_allclose(columns(data)[0], recording.scene.poses(recording.states)[0].x, atol=0.01)


def test_other_episodes_have_other_places_on_the_page(watched):
    keys = {episode(watched("CartPole-v1", seed)._repr_html_())[0] for seed in (1, 2, 3, 3)}
    assert len(keys) == 3


def test_the_script_runs_where_its_place_stands(recordings):
    html = recordings.drawn._repr_html_()
    key, _ = episode(html)
    assert html.count(f'<div data-rlkit-episode="{key}"><img ') == 1
    assert "document.currentScript." not in html


def test_nothing_is_loaded_from_elsewhere(recordings):
    html = recordings.drawn._repr_html_()
    assert "http" not in html
    assert not re.search(r"\bsrc=(?!\"data:)|@import|fetch\(|import\(", html)


def test_no_name_can_end_the_script(recordings):
    hostile = dataclasses.replace(recordings.drawn, title="</script><script>alert(1)</script><!--")
    html = hostile._repr_html_()
    assert html.count("<script>") == html.count("</script>") == 1
    assert episode(html)[1]["label"].startswith("</script>")


def test_the_script_loses_only_comments_and_indentation():
    lines = module._script().splitlines()
    assert lines[0] == "(function (key, episode) {"
    assert all(line and line == line.strip() and not line.startswith("//") for line in lines)
