"""The curve: what it is given to draw, and its picture."""

import numpy as np
import pytest

from rlkit.display.svg import Series
from rlkit.notebook.widgets.curve import Curve


def floats(data):
    return np.frombuffer(data, "<f4")


@pytest.fixture
def curve():
    return Curve(threshold=475.0, threshold_label="solved at 475")


def test_lines_are_sent_as_bytes_with_the_most_important_on_top(curve):
    curve.draw([Series([0, 1, 2], [3, 4, 5], "mean 5"), Series([0, 2], [1, 2], "evaluated 2")], ([1], [9]))
    assert [line["kind"] for line in curve.lines] == ["dots", "line", "line"]
    assert [line["name"] for line in curve.lines] == ["", "evaluated", "mean"]
    assert floats(curve.lines[-1]["y"]).tolist() == [3, 4, 5]
    assert floats(curve.lines[0]["x"]).tolist() == [1]
    assert len({line["colour"] for line in curve.lines[1:]}) == 2


def test_a_band_is_sent_with_its_line(curve):
    curve.draw([Series([0, 1], [3, 4], "mean", [2, 3], [4, 5])])
    assert floats(curve.lines[-1]["low"]).tolist() == [2, 3]
    assert floats(curve.lines[-1]["high"]).tolist() == [4, 5]


def test_what_is_not_finite_is_left_out(curve):
    curve.draw([Series([0, 1, 2], [np.nan, 4, np.inf])], ([0, 1], [np.nan, 1]))
    assert floats(curve.lines[-1]["x"]).tolist() == [1]
    assert floats(curve.lines[0]["x"]).tolist() == [1]


def test_however_long_the_run_an_update_stays_small(curve):
    steps = np.arange(100_000)
    curve.draw([Series(steps, np.sin(steps), "mean")], (steps, np.cos(steps)))
    assert sum(len(line["x"]) + len(line["y"]) for line in curve.lines) < 5_000
    assert floats(curve.lines[-1]["x"])[[0, -1]].tolist() == [0, 99_999]


def test_where_no_script_runs_there_is_a_picture_and_its_words(curve):
    curve.draw([Series([0, 1], [3, 4], "mean")], alt="Learning curve of <b>")
    data = curve.twin()
    assert data["text/plain"] == "Learning curve of <b>"
    assert data["text/html"].startswith("<img src=")
    assert "Learning curve of &lt;b&gt;" in data["text/html"]


def test_nothing_drawn_yet_is_a_picture_too(curve):
    assert curve.twin()["text/html"].startswith("<img")
