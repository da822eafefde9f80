"""Recording: an episode as a notebook shows it and a file keeps it."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from rlkit.errors import StoreError

KINDS = ["drawn", "rendered", "blind"]


class Images(HTMLParser):
    """Collects the pictures of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


def images(recording):
    return Images(recording._repr_html_()).found


def untrusted(html):
    """What remains where scripts do not."""
    return re.sub("<script>.*?</script>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("kind", KINDS)
def test_an_episode_cannot_be_changed(recordings, kind):
    recording = getattr(recordings, kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording.title = "x"
    for name in ("observations", "actions", "rewards", "values", "states", "frames", "frame_steps"):
        array = getattr(recording, name)
        assert array is None or not array.flags.writeable, name


def test_arrays_inside_of_observations_cannot_be_changed(recordings):
    part = np.zeros(3)
    dataclasses.replace(recordings.blind, observations={"a": (part,)})
    assert not part.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_say_the_same(recordings, kind):
    recording = getattr(recordings, kind)
    text, page = repr(recording), untrusted(recording._repr_html_())
    lines = text.splitlines()
    assert lines[0] == recording.title
    for line in lines[1:]:
        label, value = line.split("  ", 1)
        assert label in page
        if label != "rewards":
            assert value.strip().replace("'", "&#x27;") in page
    assert f"{recording.length} steps" in text


def test_an_episode_says_its_figures(recordings):
    recording = recordings.blind
    assert (recording.length, recording.episode_return) == (4, 10)
    shown = re.sub(" +", " ", repr(recording))
    for line in ("return 10", "length 4 steps", "ended in a terminal state", "actions most probable", "seed 3"):
        assert f"\n{line}\n" in shown
    assert "rewards ▁▃▆█ 1 to 4" in shown
    assert "1 in each step" in repr(recordings.drawn)


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({"terminated": True}, "in a terminal state"),
        ({"truncated": True}, "cut off by the environment"),
        ({"truncated": True, "cut_off": True}, "cut off after 4 steps (max_steps)"),
    ],
)
def test_how_an_episode_ended_is_told(recordings, ended, told):
    changed = {"terminated": False, "truncated": False, "cut_off": False} | ended
    recording = dataclasses.replace(recordings.blind, **changed)
    assert recording.ending == told
    assert told in repr(recording)
    assert told in recording._repr_html_()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "return 10, 4 steps, ended in a terminal state"),
        ({"terminated": False, "truncated": True}, "return 10, 4 steps, cut off by the environment"),
    ],
)
def test_an_episode_is_told_in_one_line(recordings, changed, told):
    assert dataclasses.replace(recordings.blind, **changed).summary == told


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_episode_gives_the_same_bytes(recordings, kind):
    recording = getattr(recordings, kind)
    assert recording._repr_html_() == dataclasses.replace(recording)._repr_html_()


@pytest.mark.parametrize("kind", KINDS)
def test_all_text_is_escaped(recordings, kind):
    name = "<b onclick='x'>\"&"
    changes = {"title": name, **({"no_picture": name} if kind == "blind" else {})}
    recording = dataclasses.replace(getattr(recordings, kind), **changes)
    page = untrusted(recording._repr_html_())
    assert "<b " not in page
    assert "&lt;b onclick=&#x27;x&#x27;&gt;&quot;&amp;" in page
    assert repr(dataclasses.replace(recording, title="a\nb")).startswith("a b\n")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_with_a_description_remains_where_no_script_runs(recordings, kind):
    recording = getattr(recordings, kind)
    page = untrusted(recording._repr_html_())
    assert "<script" not in page
    assert "<canvas" not in page
    pictures = Images(page).found
    assert pictures
    for picture in pictures:
        assert picture["src"].startswith("data:image/")
        assert recording.title in picture["alt"]


def test_the_strip_of_a_drawn_episode_is_described_moment_by_moment(recordings):
    (picture,) = images(recordings.drawn)
    assert picture["src"].startswith("data:image/svg+xml;base64,")
    assert "step 0: cart at" in picture["alt"]
    assert f"step {recordings.drawn.length}: cart at" in picture["alt"]


def test_frames_are_shown_as_an_animation_a_strip_and_curves(recordings):
    recording = recordings.rendered
    animation, strip, curves = images(recording)
    assert animation["src"].startswith("data:image/gif;base64,")
    assert animation["alt"].endswith("animation of 5 steps, return 2.5")
    with Image.open(io.BytesIO(base64.b64decode(animation["src"].partition(",")[2]))) as shown:
        assert shown.n_frames == 6
    assert strip["src"].startswith("data:image/png;base64,")
    assert strip["alt"].endswith("at the steps 0, 1, 2, 3, 4, 5")
    assert "reward, return so far, value in 5 steps" in curves["alt"]


def test_small_frames_are_shown_large_and_sharp(recordings):
    animation = images(recordings.rendered)[0]
    assert int(animation["width"]) == 12 * 17
    assert "pixelated" in animation["style"]
    large = dataclasses.replace(recordings.rendered, frames=np.zeros((6, 4, 200, 3), np.uint8))
    assert "width" not in images(large)[0]


def test_without_a_picture_the_rewards_are_drawn_and_the_reason_is_said(recordings):
    (curves,) = images(recordings.blind)
    drawn = base64.b64decode(curves["src"].partition(",")[2]).decode()
    for label in ("reward", "return so far", "value"):
        assert f">{label}<" in drawn
    assert "no render mode" in repr(recordings.blind)


def test_an_episode_of_one_step_is_told_as_one(watched, painted):
    recording = watched(lambda: painted(1))
    assert "1 step\n" in repr(recording)
    assert "animation of 1 step," in images(recording)[0]["alt"]
    assert len(images(recording)) == 3


def test_without_values_none_are_shown(recordings):
    for kind in KINDS:
        recording = dataclasses.replace(getattr(recordings, kind), values=None)
        assert "value" not in repr(recording)
        assert "value" not in "".join(picture["alt"] for picture in images(recording))


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_holds_the_episode_and_needs_nothing_else(recordings, kind, tmp_path):
    recording = getattr(recordings, kind)
    path = recording.save(tmp_path / "episode.html")
    assert path == tmp_path / "episode.html"
    page = path.read_text()
    assert page.startswith("<!doctype html>")
    assert f"<title>{recording.title}</title>" in page
    assert recording._repr_html_() in page
    assert "http" not in page


def test_frames_are_saved_as_an_animation(recordings, tmp_path):
    path = recordings.rendered.save(str(tmp_path / "episode.gif"))
    with Image.open(path) as animation:
        assert animation.n_frames == 6


@pytest.mark.parametrize("kind", ["drawn", "blind"])
def test_an_episode_without_frames_is_no_animation_and_says_what_is_possible(recordings, kind, tmp_path):
    with pytest.raises(StoreError, match="no frames") as refused:
        getattr(recordings, kind).save(tmp_path / "episode.gif")
    assert "episode.html" in refused.value.remedy
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["episode.mp4", "episode", ".html"])
def test_another_ending_is_refused(recordings, name, tmp_path):
    with pytest.raises(StoreError, match=r"does not end in \.html or \.gif"):
        recordings.drawn.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", [None, 3, b"episode.html"])
def test_what_is_no_path_is_refused(recordings, path):
    with pytest.raises(StoreError, match="is no path"):
        recordings.drawn.save(path)
