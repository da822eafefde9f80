"""What charts share, called as the scripts call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlkit.display.scripts import joined
from rlkit.notebook.widgets import curve

from .page import empty_page

SOURCE = joined(Path(curve.__file__).with_name("chart.js"))


@pytest.fixture(scope="module")
def call(browser):
    """Call a function of the module with plain data."""
    page, complaints = empty_page(browser)
    module = page.evaluate_handle("load", SOURCE)
    yield lambda name, *given: module.evaluate("(module, [name, given]) => module[name](...given)", [name, list(given)])
    assert complaints == []
    page.context.close()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1, "1"),
        (-0.12345, "-0.123"),
        (0.00012345, "0.000123"),
        (12.3456, "12.3"),
        (99.96, "100"),
        (123.456, "123.5"),
        (-9999.94, "-9999.9"),
        (10_000, "10k"),
        (123_456, "123k"),
        (1_234_567, "1.23M"),
    ],
)
def test_numbers_are_written_short(call, value, written):
    assert call("written", value) == written


@pytest.mark.parametrize(
    ("values", "parts", "ticks"),
    [
        ([0, 100], 5, [0, 20, 40, 60, 80, 100]),
        ([0, 100], 2, [0, 50, 100]),
        ([-3, 4], 3, [-2.5, 0, 2.5]),
        ([0.001, 0.0021], 2, [0.001, 0.002]),
        ([7, 7], 2, [6.5, 7, 7.5]),
        ([], 2, [0, 0.5, 1]),
    ],
)
def test_ticks_are_round_numbers_within_the_axis(call, values, parts, ticks):
    axis = call("axis", values, parts, 0)
    assert axis["low"] <= min(axis["ticks"])
    assert max(axis["ticks"]) <= axis["high"]
    steps = {round(b - a, 9) for a, b in zip(axis["ticks"], axis["ticks"][1:], strict=False)}
    assert len(steps) == 1
    assert axis["ticks"] == pytest.approx(ticks)


def test_an_axis_has_room_beyond_its_values(call):
    axis = call("axis", [0, 100], 4, 0.05)
    assert (axis["low"], axis["high"]) == (-5, 105)


@pytest.mark.parametrize(("wanted", "index"), [(-5, 0), (0, 0), (0.9, 0), (1.2, 1), (2.9, 1), (3.1, 2), (99, 2)])
def test_the_nearest_point_is_found(call, wanted, index):
    assert call("nearest", [0, 2, 4], wanted) == index


@pytest.mark.parametrize(("values", "ends"), [([3, 1, 2], [1, 3]), ([2], [2, 2]), ([], []), ([None, 4], [4, 4])])
def test_the_ends_of_what_is_finite_are_found(call, values, ends):
    assert call("ends", values) == ends


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_no_end(browser, value):
    page, _ = empty_page(browser)
    module = page.evaluate_handle("load", SOURCE)
    assert module.evaluate(f"module => module.ends([1, {value}, 2])") == [1, 2]
    page.context.close()


def test_bytes_become_numbers_also_from_the_middle_of_a_buffer(browser):
    page, _ = empty_page(browser)
    module = page.evaluate_handle("load", SOURCE)
    script = """module => {
      const whole = new Float32Array([1, 2.5, -3, 4]);
      return [...module.numbers(new DataView(whole.buffer, 4, 8))];
    }"""
    assert module.evaluate(script) == [2.5, -3]
    page.context.close()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.00099951, 0.001], ["0.0009995", "0.001"]),
        ([49.99, 50, 50.01], ["49.99", "50", "50.01"]),
        ([0, 200, 400], ["0", "200", "400"]),
        ([100_100, 100_200], ["100.1k", "100.2k"]),
        ([5, 5], ["5", "5"]),
    ],
)
def test_numbers_of_an_axis_are_told_apart(call, values, words):
    assert call("writtenApart", values) == words
