"""Frames: a few of many, small, as an animation and as a strip."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from rlkit.watching import frames as module
from rlkit.watching.frames import FrameRoll, gif, stills, strip


def rolled(length, most=10, shape=(4, 6, 3)):
    roll = FrameRoll(most)
    for step in range(length + 1):
        if step == length or roll.wants(step):
            roll.add(step, np.full(shape, step % 256, np.uint8))
    return roll


def moving(count, height=40, width=60):
    """Frames of a bright square that moves."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    for i, frame in enumerate(frames):
        frame[10:20, i % (width - 10) : i % (width - 10) + 10] = (250, 120, 30)
    return frames


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 57, 1000])
def test_a_roll_keeps_evenly_spaced_frames_whatever_the_length(length):
    roll = rolled(length)
    assert len(roll.steps) <= 11
    assert len(roll.steps) >= min(length + 1, 5)
    gaps = np.diff(roll.steps)
    assert len(set(gaps[:-1])) <= 1
    assert roll.steps[0] == 0
    assert roll.frames()[:, 0, 0, 0].tolist() == [step % 256 for step in roll.steps]


def test_the_last_frame_stays_though_the_roll_is_full():
    for length in range(40):
        assert rolled(length).steps[-1] == length


def test_large_frames_are_shrunk_by_means_and_small_ones_kept():
    frame = np.zeros((401, 700, 3), np.uint8)
    frame[:, ::3] = 90
    roll = FrameRoll()
    roll.add(0, frame)
    assert roll.frames().shape == (1, 133, 233, 3)
    assert (roll.frames() == 30).all()
    assert rolled(0, shape=(64, 320, 3)).frames().shape == (1, 64, 320, 3)


def test_a_frame_that_its_environment_draws_over_is_kept_as_it_was():
    frame = np.zeros((4, 4, 3), np.uint8)
    roll = FrameRoll()
    roll.add(0, frame)
    frame[:] = 9
    assert not roll.frames().any()


def test_an_animation_shows_every_frame_at_the_pace_of_the_episode():
    data = gif(moving(8), np.arange(8) * 2, rate=50)
    with Image.open(io.BytesIO(data)) as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (8, (60, 40), 0)
        assert animation.info["duration"] == 40
        animation.seek(5)
        shown = np.asarray(animation.convert("RGB"))
    np.testing.assert_allclose(shown[15, 10].astype(int), (250, 120, 30), atol=8)
    assert data == gif(moving(8), np.arange(8) * 2, rate=50)


@pytest.mark.parametrize(("gap", "rate", "duration"), [(1, 4, 250), (1, 200, 20), (20, 50, 100), (5, 4, 250)])
def test_a_long_episode_is_played_faster_and_none_too_fast_for_browsers(gap, rate, duration):
    with Image.open(io.BytesIO(gif(moving(3), np.arange(3) * gap, rate))) as animation:
        assert animation.info["duration"] == duration


def test_an_animation_of_noise_is_made_small_enough():
    noise = np.random.default_rng(0).integers(0, 256, (40, 160, 160, 3)).astype(np.uint8)
    data = gif(noise, np.arange(40), 30)
    assert len(data) <= module.MOST_BYTES
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.n_frames >= 20


def test_many_frames_are_left_out_before_any_is_made_smaller(monkeypatch):
    frames = moving(100)
    monkeypatch.setattr(module, "MOST_BYTES", len(gif(frames, np.arange(100), 30)) - 1)
    with Image.open(io.BytesIO(gif(frames, np.arange(100), 30))) as animation:
        assert (animation.n_frames, animation.size) == (50, (60, 40))


def test_what_cannot_be_made_small_enough_is_still_an_animation(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    with Image.open(io.BytesIO(gif(moving(60), np.arange(60), 30))) as animation:
        assert animation.n_frames > 1


@pytest.mark.parametrize("count", [1, 2, 6])
def test_a_strip_sets_frames_side_by_side_with_nothing_between(count):
    frames = np.full((count, 30, 45, 3), 200, np.uint8)
    with Image.open(io.BytesIO(strip(frames))) as sheet:
        pixels = np.asarray(sheet.convert("RGBA"))
    width = min((610 + 8) // count - 8, 100)
    assert pixels.shape[1] == count * (width + 8) - 8
    opaque = pixels[pixels.shape[0] // 2, :, 3] == 255
    assert opaque.sum() == count * width
    np.testing.assert_allclose(pixels[5, 5, :3].astype(int), 200, atol=8)


def test_stills_are_the_frames_one_by_one():
    frames = moving(8)
    data, steps = stills(frames, np.arange(8) * 2)
    assert steps.tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    for encoded, frame in zip(data, frames, strict=True):
        with Image.open(io.BytesIO(encoded)) as shown:
            assert shown.format == "PNG"
            np.testing.assert_allclose(np.asarray(shown.convert("RGB")), frame, atol=8)


def test_stills_too_large_are_left_out_and_shrunk_and_their_steps_told(monkeypatch):
    frames = np.random.default_rng(0).integers(256, size=(80, 40, 60, 3)).astype(np.uint8)
    whole = sum(map(len, stills(frames, np.arange(80))[0]))
    monkeypatch.setattr(module, "MOST_BYTES_OF_STILLS", whole // 3)
    data, steps = stills(frames, np.arange(80) * 3)
    assert sum(map(len, data)) <= whole // 3
    assert len(data) == len(steps) == 40
    assert (steps[0], steps[-1]) == (0, 237)
    with Image.open(io.BytesIO(data[0])) as shown:
        assert shown.size == (30, 20)
