"""Pictures."""

import base64
import re
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from rlkit.display import marks, svg
from rlkit.display.svg import Series

SPACE = "{http://www.w3.org/2000/svg}"
NUMBERS = st.lists(st.one_of(st.floats(), st.floats(-500, 500)), max_size=30)


def parsed(picture):
    """Return the root of a picture, once it has shown no broken number."""
    root = ET.fromstring(picture)  # noqa: S314 - made a line before
    assert root.tag == f"{SPACE}svg"
    drawn = [value for node in root.iter() for name, value in node.items() if name in {"d", "x", "y", "transform"}]
    assert not [value for value in drawn if re.search("nan|inf", value)]
    return root


def words(picture):
    return [node.text for node in parsed(picture).iter(f"{SPACE}text")]


def corners(node):
    """Return the pixels of a path whose coordinates are quarters of a pixel."""
    pairs = np.array([[int(a), int(b)] for a, b in re.findall(r"[Mml](-?\d+) ?(-?\d+)", node.get("d"))])
    return np.cumsum(pairs, axis=0) / 4


def paths(picture, **wanted):
    names = {key.replace("_", "-"): value for key, value in wanted.items()}
    found = parsed(picture).iter(f"{SPACE}path")
    return [node for node in found if all(node.get(key) == value for key, value in names.items())]


@given(NUMBERS, NUMBERS, st.one_of(st.none(), st.floats()))
@example([], [0.0], sys.float_info.max)
def test_a_learning_curve_takes_any_floats(returns, means, threshold):
    curve = svg.learning_curve(range(len(returns)), returns, range(len(means)), means, threshold=threshold)
    parsed(curve)


@given(NUMBERS)
def test_histograms_and_panels_take_any_floats(values):
    parsed(svg.histogram(values))
    steps = range(len(values))
    parsed(svg.small_multiples([Series(steps, values, "a"), Series([], [], "b")], x_label="steps"))
    parsed(svg.line_chart([Series(steps, values, "a", values, values), Series(values, steps)]))


@given(st.text(st.characters(), max_size=40))
def test_labels_and_titles_are_escaped(label):
    picture = svg.line_chart([Series([1, 2], [3, 4], label)], title=label, x_label=label, y_label=label)
    parsed(picture)
    parsed(svg.histogram([1, 2], label)).find("script")
    svg.picture(picture, label).encode()


def test_a_hostile_label_is_shown_as_text():
    picture = svg.line_chart([Series([1, 2], [3, 4], "<script>x</script>")], title="a < b & c")
    assert not list(parsed(picture).iter(f"{SPACE}script"))
    assert {"<script>x</script>", "a < b & c"} <= set(words(picture))


def test_a_learning_curve_says_what_its_axes_and_lines_mean():
    curve = svg.learning_curve([0, 50_000, 100_000], [10, 200, 500], [100_000], [487.32], threshold=475, title="PPO")
    shown = words(curve)
    assert {"PPO", "return", "environment steps", "solved at 475", "mean 487.3", "100k", "400", "0"} <= set(shown)


def test_larger_returns_stand_higher():
    (line,) = paths(svg.learning_curve((), (), [0, 1, 2], [0.0, 10.0, 500.0]), stroke_width="8.8")
    places = corners(line)
    assert np.all(np.diff(places[:, 0]) > 0)
    assert np.all(np.diff(places[:, 1]) < 0)
    assert places.min() >= 0
    assert np.all(places <= [svg.WIDTH, svg.HEIGHT])


def test_every_episode_of_a_short_run_is_a_dot():
    (dots,) = paths(svg.learning_curve(range(40), range(40)), stroke_opacity=".45")
    assert dots.get("d").count("h0") == 40


def test_a_hundred_thousand_episodes_stay_small_and_keep_their_range():
    rng = np.random.default_rng(0)
    steps, returns = np.arange(100_000) * 12.0, rng.normal(0, 100, 100_000)
    returns[77_777] = 5_000.0
    curve = svg.learning_curve(steps, returns, steps, np.cumsum(returns) / 100, threshold=0.0)
    assert len(curve.encode()) < 15_000
    (dots,) = paths(curve, stroke_opacity=".45")
    assert corners(dots)[:, 1].min() < 60


@pytest.mark.parametrize(("threshold", "below"), [(475, True), (20, False)])
def test_the_label_of_a_threshold_stands_on_its_inner_side(threshold, below):
    root = parsed(svg.learning_curve([0, 1], [0, 500], threshold=threshold))
    (label,) = (node for node in root.iter(f"{SPACE}text") if node.text == f"solved at {threshold}")
    (line,) = (node for node in root.iter(f"{SPACE}path") if node.get("stroke-dasharray"))
    level = float(re.match(r"M\S+ ([\d.]+)L", line.get("d")).group(1))
    assert (float(label.get("y")) > level) is below


def test_nothing_to_show_is_said():
    for picture in (
        svg.learning_curve([], []),
        svg.learning_curve([1.0], [float("nan")], threshold=475),
        svg.line_chart([]),
        svg.histogram([]),
        svg.small_multiples([]),
        svg.small_multiples([Series([], [], "loss")]),
    ):
        assert "nothing to show yet" in words(picture)


def test_a_single_point_is_drawn_large_enough_to_see():
    (line,) = paths(svg.learning_curve((), (), [10], [3.0]), stroke="#2f7cd4")
    assert line.get("d").endswith("h0")
    assert float(line.get("stroke-width")) / 4 >= 5


def test_equal_returns_are_one_bar_with_their_mean():
    picture = svg.histogram([500.0] * 100)
    assert "mean 500" in words(picture)
    (bars,) = paths(picture, fill=marks.PALETTE[0])
    assert bars.get("d").count("M") == 1


def test_a_negative_mean_has_a_true_minus_sign():
    assert "mean \N{MINUS SIGN}120" in words(svg.histogram([-110, -130]))


def test_each_line_has_its_colour_and_its_label_apart_from_the_others():
    lines = [Series([0, 1], [0, 100 + i / 10], f"run {i}") for i in range(6)]
    root = parsed(svg.line_chart(lines))
    labels = [node for node in root.iter(f"{SPACE}text") if node.text.startswith("run")]
    heights = sorted(float(node.get("y")) for node in labels)
    assert len({node.get("fill") for node in labels}) == 6
    assert min(np.diff(heights)) >= 12
    assert heights[-1] <= svg.HEIGHT


def test_long_labels_are_cut_and_leave_room_for_the_picture():
    picture = svg.line_chart([Series([0, 1], [0, 1], "x" * 200)])
    assert "x" * 23 + "…" in words(picture)
    (line,) = paths(picture, stroke_width="8.8")
    assert np.ptp(corners(line)[:, 0]) > svg.WIDTH / 2


def test_a_band_needs_both_edges():
    whole = svg.line_chart([Series([0, 1], [1, 2], "a", [0, 1], [2, 3])])
    half = svg.line_chart([Series([0, 1], [1, 2], "a", low=[0, 1])])
    assert len(paths(whole, fill_opacity=".16")) == 1
    assert not paths(half, fill_opacity=".16")


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 3), (4, 4), (5, 3), (7, 4)])
def test_panels_fill_rows_evenly(count, columns):
    root = parsed(svg.small_multiples([Series([0, 1], [1, 2], f"p{i}") for i in range(count)]))
    places = [node.get("transform") for node in root.iter(f"{SPACE}g")]
    assert len(set(places)) == count
    assert sum(place.endswith(" 0)") for place in places) == columns
    assert float(root.get("width")) <= 820


def test_the_same_numbers_make_the_same_bytes():
    def draw():
        return svg.learning_curve([3, 1, 2], [3.0, 1.0, 2.0], [1, 2], [1.0, 2.0], threshold=2)

    assert draw() == draw()


def test_a_picture_holds_its_bytes_and_its_description():
    markup = svg.picture("<svg>é</svg>", 'a "curve"', width=300)
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', markup).group(1)
    assert base64.b64decode(data).decode() == "<svg>é</svg>"
    assert 'alt="a &quot;curve&quot;"' in markup
    assert 'width="300"' in markup
    assert " width=" not in svg.picture("<svg/>", "x")
    assert 'width="300" height="20"' in svg.picture("<svg/>", "x", 300, 20)


def test_many_panels_take_no_more_bytes_than_a_card_has_room_for():
    noise = np.random.default_rng(0).normal(size=(12, 5000))
    assert len(svg.small_multiples([Series(np.arange(5000), values, "loss") for values in noise])) < 17_000


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [*marks.PALETTE, *marks.DISTINCT, marks.INK])
def test_every_colour_stands_out_from_white_and_from_black(colour):
    white, black = 1.05 / (luminance(colour) + 0.05), (luminance(colour) + 0.05) / (luminance("#111111") + 0.05)
    assert min(white, black) >= 3


# Machado, Oliveira and Fernandes 2009, doi 10.1109/TVCG.2009.113: linear RGB as others see it.
VISION = {
    "usual": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour, vision):
    """CIE L*a*b* of a colour as somebody sees it: distances there are those that people see."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(np.array(vision) @ linear, 1e-6, 1) / [0.95047, 1, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", list(VISION))
def test_distinct_colours_are_apart_for_everybody(vision):
    colours = [*marks.DISTINCT, marks.INK]
    seen = [lab(colour, VISION[vision]) for colour in colours]
    distances = [np.linalg.norm(one - other) for i, one in enumerate(seen) for other in seen[:i]]
    assert min(distances) > 15


def test_an_overlay_labels_its_lines_and_sets_the_others_back():
    lines = [Series([0, 100], [0, 10 * i], f"run {i}") for i in range(1, 4)]
    others = [Series([0, 100], [i, i]) for i in range(30)]
    picture = svg.overlay(lines, others, more="30 more", x_label="steps", y_label="return")
    assert {"run 1", "run 2", "run 3", "30 more", "steps", "return"} <= set(words(picture))
    (behind,) = paths(picture, stroke=marks.INK, fill="none", stroke_opacity=".4")
    assert behind.get("d").count("M") == 30


def test_a_label_away_from_the_end_of_its_line_is_led_to():
    early = svg.overlay([Series([0, 10], [0, 5], "early"), Series([0, 100], [0, 9], "late")])
    leaders = paths(early, stroke_dasharray="1 3")
    assert [leader.get("stroke") for leader in leaders] == [marks.DISTINCT[0]]
    assert not paths(svg.overlay([Series([0, 100], [0, 9], "late")]), stroke_dasharray="1 3")


@given(NUMBERS)
def test_an_overlay_takes_any_floats(values):
    steps = range(len(values))
    parsed(svg.overlay([Series(steps, values, "a"), Series([], [], "b")], [Series(values, steps)]))
    parsed(svg.overlay([], [Series(steps, values)]))


def test_an_overlay_of_a_hundred_lines_stays_small():
    steps, rng = np.arange(200.0), np.random.default_rng(0)
    lines = [Series(steps, rng.normal(size=200).cumsum(), f"run {i}") for i in range(100)]
    assert len(svg.overlay(lines[:6], lines[6:66]).encode()) < 25_000


def test_moments_are_dotted_lines_within_the_axes_and_no_more_than_can_be_told_apart():
    steps = range(1, 101)
    plain = svg.learning_curve((), (), steps, steps)
    assert svg.learning_curve((), (), steps, steps, changes=()) == plain
    assert svg.learning_curve((), (), steps, steps, changes=(40, 500)).count('stroke-dasharray="1 3"') == 1
    assert svg.learning_curve((), (), steps, steps, changes=list(steps)).count('stroke-dasharray="1 3"') == 20
