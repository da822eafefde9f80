"""The episode player: its traits, and what it gives the page to show."""

from __future__ import annotations

import dataclasses
import io
import json
import re

import ipywidgets
import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image
from traitlets import TraitError, dlink, link

from rlkit.errors import ConfigError, RLKitError
from rlkit.models.dqn import DQN, DQNConfig
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.notebook.widgets.player import EpisodePlayer, PlaybackError

PPO_SMALL, DQN_SMALL = PPOConfig(net_arch=[4]), DQNConfig(net_arch=[4])


@pytest.fixture(scope="module")
def cartpole():
    return PPO(PPO_SMALL, "CartPole-v1", seed=0).watch(3)


@pytest.fixture
def player(cartpole):
    return EpisodePlayer(cartpole)


def floats(data, columns=1):
    read = np.frombuffer(data, "<f4")
    return read.reshape(columns, -1) if columns > 1 else read


def watched(env, algorithm=PPO, **options):
    return algorithm(PPO_SMALL if algorithm is PPO else DQN_SMALL, env, seed=0).watch(3, **options)


def shown(recording):
    return EpisodePlayer(recording).episode


# -- traits ------------------------------------------------------------------------------------------------------------


def test_it_begins_at_the_start_and_stands_still(player, cartpole):
    assert (player.step, player.playing, player.speed, player.length) == (0, False, 1.0, cartpole.length)
    assert player.recording is cartpole


@pytest.mark.parametrize(("given", "taken"), [(3, 3), (-1, 0), (10**6, "length"), (True, 1)])
def test_a_step_beyond_the_ends_is_clamped(player, given, taken):
    player.step = given
    assert player.step == (player.length if taken == "length" else taken)


@pytest.mark.parametrize("given", [1.5, "2", None])
def test_a_step_that_is_no_whole_number_is_refused(player, given):
    player.step = 2
    with pytest.raises(TraitError, match="step"):
        player.step = given
    assert player.step == 2


@pytest.mark.parametrize("given", [0, -1, 0.2, 4.5, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused_with_a_sentence_and_stays_what_it_was(player, given):
    player.speed = 2
    with pytest.raises(PlaybackError) as refused:
        player.speed = given
    assert f"speed = {float(given):g} is no pace" in refused.value.problem
    assert "0.25 to 4" in refused.value.remedy
    assert isinstance(refused.value, RLKitError)
    assert player.speed == 2


def test_a_speed_that_is_none_is_taken_back_where_several_are_set_at_once(player):
    with pytest.raises(PlaybackError), player.hold_trait_notifications():
        player.speed = -1
    assert player.speed == 1


def test_what_the_page_says_is_taken(player):
    player.set_state({"step": 5, "playing": True, "speed": 4})
    assert (player.step, player.playing, player.speed) == (5, True, 4)


def test_the_page_is_not_told_what_it_said(player, monkeypatch):
    sent = []
    monkeypatch.setattr(player, "_send", lambda message, buffers=None: sent.append(message))
    player.set_state({"step": 5, "playing": True, "speed": 4})
    assert sent == []


def test_the_page_is_told_where_a_step_was_clamped(player, monkeypatch):
    sent = []
    monkeypatch.setattr(player, "_send", lambda message, buffers=None: sent.append(message["state"]))
    player.set_state({"step": 10**6})
    assert sent == [{"step": player.length}]


def test_another_widget_can_be_linked(player):
    slider = ipywidgets.IntSlider()
    dlink((player, "length"), (slider, "max"))
    link((player, "step"), (slider, "value"))
    player.step = 4
    assert (slider.value, slider.max) == (4, player.length)
    slider.value = 7
    assert player.step == 7


@pytest.mark.parametrize("name", ["length", "episode"])
def test_what_the_recording_says_cannot_be_set(player, name):
    with pytest.raises(TraitError, match="read-only"):
        setattr(player, name, getattr(player, name))


@pytest.mark.parametrize("given", [None, "cartpole", np.zeros(3)])
def test_what_is_no_recording_is_refused(given):
    with pytest.raises(ConfigError, match="is no recording") as refused:
        EpisodePlayer(given)
    assert "model.watch()" in refused.value.remedy


# -- what the page is given --------------------------------------------------------------------------------------------


def test_columns_are_the_episode(cartpole):
    episode = shown(cartpole)
    assert (episode["title"], episode["length"], episode["rate"]) == (cartpole.title, cartpole.length, cartpole.rate)
    np.testing.assert_allclose(floats(episode["rewards"]), cartpole.rewards)
    np.testing.assert_allclose(floats(episode["returns"]), np.cumsum(cartpole.rewards))
    np.testing.assert_allclose(floats(episode["values"]), cartpole.values, rtol=1e-6)
    assert episode["observation"]["names"][0] == "cart position"
    np.testing.assert_allclose(floats(episode["observation"]["data"], 4), cartpole.observations.T, rtol=1e-6)
    assert episode["summary"] == cartpole.summary


def test_a_scene_has_poses_and_pushes_for_each_moment(cartpole):
    scene = shown(cartpole)["scene"]
    poses = [column for pose in cartpole.scene.poses(cartpole.states) for column in pose]
    np.testing.assert_allclose(floats(scene["poses"], len(poses)), poses, rtol=1e-6, atol=1e-6)
    assert floats(scene["pushes"]).tolist() == [(-1, 1)[action] for action in cartpole.actions]
    assert scene["parts"] == cartpole.scene.parts


def test_discrete_actions_are_counted_from_zero_and_named(environments, cartpole):
    action = shown(cartpole)["action"]
    assert (action["discrete"], action["names"], action["start"]) == (True, ("push left", "push right"), 0)
    np.testing.assert_array_equal(floats(action["data"]), cartpole.actions)
    recording = watched(lambda: environments.Identity(3, 5, 7))
    action = shown(recording)["action"]
    assert (action["names"], action["start"]) == ((), 7)
    np.testing.assert_array_equal(floats(action["data"]), recording.actions - 7)


def test_numbers_of_an_action_have_the_spans_of_their_space():
    recording = watched("Pendulum-v1", deterministic=False)
    action = shown(recording)["action"]
    assert (action["discrete"], action["names"], action["spans"]) == (False, ("torque",), [[-2, 2]])
    np.testing.assert_allclose(floats(action["data"]), recording.actions[:, 0], rtol=1e-6)
    assert np.abs(floats(shown(recording)["scene"]["pushes"])).max() <= 1


def test_an_action_without_bounds_has_no_spans(cartpole):
    space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    actions = np.ones((cartpole.length, 2), np.float32)
    action = shown(dataclasses.replace(cartpole, action_space=space, actions=actions, action_names=()))["action"]
    assert (action["spans"], action["names"]) == (None, ("0", "1"))


def test_a_policy_tells_probabilities_and_a_critic_the_value(cartpole):
    episode = shown(cartpole)
    estimates = episode["estimates"]
    assert (estimates["label"], estimates["span"]) == ("probability of each action", [0, 1])
    np.testing.assert_allclose(floats(estimates["data"], 2), cartpole.action_probabilities.T, rtol=1e-6)
    assert episode["value"]["label"] == "value V(s)"
    assert [(curve["label"], curve["column"]) for curve in episode["curves"]] == [
        ("reward", "rewards"),
        ("value V(s)", "values"),
    ]


def test_dqn_tells_q_values_and_the_greatest_of_them():
    recording = watched("CartPole-v1", DQN)
    episode = shown(recording)
    estimates = episode["estimates"]
    assert estimates["label"] == "Q-value of each action"
    assert estimates["span"] == [recording.action_values.min(), recording.action_values.max()]
    np.testing.assert_allclose(floats(estimates["data"], 2).max(axis=0), floats(episode["values"]), rtol=1e-5)
    assert episode["value"]["label"] == "max Q(s, a)"


def test_what_the_model_cannot_tell_is_left_out(cartpole):
    episode = shown(dataclasses.replace(cartpole, values=None, action_probabilities=None))
    assert (episode["values"], episode["value"], episode["estimates"]) == (None, None, None)
    assert [curve["label"] for curve in episode["curves"]] == ["reward"]


def test_estimates_of_very_many_actions_are_left_out(cartpole):
    many = np.full((cartpole.length, 31), 1 / 31)
    assert shown(dataclasses.replace(cartpole, action_probabilities=many))["estimates"] is None


def test_frames_are_pictures_with_their_steps(cartpole):
    frames = np.zeros((3, 20, 40, 3), np.uint8)
    steps = np.array([0, 2, cartpole.length])
    episode = shown(dataclasses.replace(cartpole, scene=None, states=None, frames=frames, frame_steps=steps))
    assert episode["scene"] is None
    assert (episode["frames"]["width"], episode["frames"]["height"], episode["frames"]["zoom"]) == (40, 20, 11)
    assert episode["frames"]["steps"] == steps.tolist()
    for data in episode["frames"]["data"]:
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (40, 20)


def test_without_a_picture_the_reason_is_given(environments):
    episode = shown(watched(environments.Counting))
    assert (episode["scene"], episode["frames"]) == (None, None)
    assert "no render mode" in episode["no_picture"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_none_that_a_page_cannot_draw(cartpole, value):
    values = cartpole.values.copy()
    values[0] = value
    assert np.isfinite(floats(shown(dataclasses.replace(cartpole, values=values))["values"])).all()


def test_an_episode_of_500_steps_of_cartpole_is_sent_in_less_than_40_kilobytes(cartpole):
    length = 500
    rng = np.random.default_rng(0)
    long = dataclasses.replace(
        cartpole,
        observations=rng.normal(size=(length + 1, 4)),
        states=rng.normal(size=(length + 1, 4)),
        actions=rng.integers(2, size=length),
        rewards=np.ones(length),
        values=rng.normal(size=length),
        action_probabilities=rng.random((length, 2)),
    )
    state, _, buffers = ipywidgets.widgets.widget._remove_buffers(EpisodePlayer(long).get_state(["episode"]))
    assert sum(map(len, buffers)) + len(json.dumps(state)) < 40_000


# -- where no widget shows ---------------------------------------------------------------------------------------------


def test_its_twin_is_what_the_recording_shows(player, cartpole):
    assert player.twin() == {"text/plain": repr(cartpole), "text/html": cartpole._repr_html_()}


def test_its_script_is_one_module_that_imports_nothing():
    assert "import " not in EpisodePlayer._esm
    assert EpisodePlayer._esm.count("function drawScene") == 1
    assert EpisodePlayer._esm.count("export default") == 1


def test_every_rule_of_its_style_sheet_is_about_itself():
    rules = re.sub(r"/\*.*?\*/", "", str(EpisodePlayer._css), flags=re.DOTALL)
    selectors = [
        part.strip() for chunk in re.findall(r"([^{};]+)\{", rules) for part in re.split(r",(?![^(]*\))", chunk)
    ]
    assert selectors
    assert [each for each in selectors if not each.startswith((".rlkit-player", "@container"))] == []
