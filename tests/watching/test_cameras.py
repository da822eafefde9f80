"""Cameras: what is looked at, and what happens where there is nothing to see."""

from __future__ import annotations

import os
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from rlkit.envs import EnvironmentSource
from rlkit.errors import UnknownEnvironmentError
from rlkit.watching.cameras import open_camera


def test_what_rlkit_draws_is_stepped_without_a_render_mode(watched):
    for env in ("Pendulum-v1", lambda: gymnasium.make("Pendulum-v1", render_mode="rgb_array")):
        camera = open_camera(EnvironmentSource(env), None)
        assert camera.env.render_mode is None
        assert camera.rate == 30
    recording = watched("Pendulum-v1")
    assert recording.frames is None
    cos, sin = np.cos(recording.states[:, 0]), np.sin(recording.states[:, 0])
    np.testing.assert_allclose(recording.observations[:, :2], np.stack([cos, sin], 1), atol=1e-6)


def test_what_an_environment_renders_is_kept_at_every_step(watched, painted):
    made = []

    def factory():
        made.append(painted())
        return made[-1]

    recording = watched(factory)
    assert recording.states is None
    assert recording.rate == 20
    assert recording.frame_steps.tolist() == made[-1].rendered == [0, 1, 2, 3, 4, 5]
    assert recording.frames.shape == (6, 8, 12, 3)
    assert [int(frame[0, :, 0].argmax()) for frame in recording.frames] == [0, 1, 2, 3, 4, 5]
    assert [env.closed for env in made] == [1] * len(made)


def test_of_a_long_episode_few_steps_are_rendered(watched, painted):
    made = []

    def factory():
        made.append(painted(length=1000))
        return made[-1]

    recording = watched(factory)
    assert 50 <= len(recording.frames) <= 101
    assert recording.frame_steps[-1] == 1000
    assert len(made[-1].rendered) < 400


def test_lunar_lander_is_rendered_without_a_display(monkeypatch, watched):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    recording = watched("LunarLander-v3")
    assert recording.frames.shape[1:] == (200, 300, 3)
    assert recording.frames.std() > 10
    assert recording.frame_steps[-1] == recording.length


def test_an_environment_that_renders_without_a_display_says_nothing_of_it():
    code = "import rlkit; print(rlkit.create('ppo', env='FrozenLake-v1').watch(max_steps=2).frames.shape[1:])"
    lost = {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER"}
    env = {name: value for name, value in os.environ.items() if name not in lost}
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env)
    assert result.stdout == "(256, 256, 3)\n"
    assert result.stderr == ""


def test_an_environment_that_renders_nothing_is_watched_without_a_picture(watched, environments):
    recording = watched(environments.Counting)
    assert recording.no_picture == "custom environment has no render mode 'rgb_array'"
    assert (recording.states, recording.frames) == (None, None)
    assert recording.episode_return == 10


def variant(painted, result):
    class Variant(painted):
        def picture(self):
            if isinstance(result, Exception):
                raise result
            return result

    return Variant


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (OSError("no display"), "could not be rendered: OSError: no display"),
        (None, "returned None, which is no picture"),
        (np.zeros((4, 4, 2), np.uint8), "which is no picture"),
        (np.zeros((4, 4, 3)), "which is no picture"),
        (np.zeros((0, 4, 3), np.uint8), "which is no picture"),
        ([np.zeros((4, 4, 3), np.uint8)], "which is no picture"),
    ],
)
def test_a_render_that_fails_does_not_end_the_episode(watched, painted, result, why):
    recording = watched(variant(painted, result))
    assert why in recording.no_picture
    assert recording.frames is None
    assert recording.length == 5


@pytest.mark.parametrize(("shape", "kept"), [((4, 6), (6, 4, 6, 3)), ((4, 6, 4), (6, 4, 6, 3))])
def test_grey_and_transparent_pictures_are_taken(watched, painted, shape, kept):
    recording = watched(variant(painted, np.full(shape, 7, np.uint8)))
    assert recording.frames.shape == kept
    assert (recording.frames == 7).all()


@pytest.mark.parametrize(
    "missing",
    [
        gymnasium.error.DependencyNotInstalled("pygame is not installed, run `pip install pygame`"),
        ModuleNotFoundError("No module named 'pygame'", name="pygame"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(watched, painted, missing):
    with pytest.raises(UnknownEnvironmentError, match="cannot be watched: it needs a package") as refused:
        watched(variant(painted, missing))
    assert "pip install pygame" in refused.value.remedy


@pytest.mark.parametrize("rate", [None, 0, "fast"])
def test_an_environment_that_says_no_pace_has_a_usual_one(watched, painted, rate):
    class Paceless(painted):
        metadata = {"render_modes": ["rgb_array"], "render_fps": rate}  # noqa: RUF012 - as Gymnasium has it

    assert watched(Paceless).rate == 30


def test_an_environment_without_render_modes_has_no_picture(watched, painted):
    class Modeless(painted):
        metadata = {"render_modes": None}  # noqa: RUF012 - as Gymnasium has it

    assert watched(Modeless).no_picture
