"""Axes, ticks and thinning."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.display import scale
from rlkit.display.scale import Axis

FINITE = st.floats(-1e300, 1e300)


def test_rows_with_a_number_that_is_not_finite_are_dropped_whole():
    x, y = scale.clean([3, 1, 2, 4, 5], [30, 10, math.nan, math.inf, 50])
    assert x.tolist() == [1, 3, 5]
    assert y.tolist() == [10, 30, 50]


def test_columns_of_different_lengths_are_refused_with_both_lengths():
    with pytest.raises(ValueError, match="have 3 and 2 values"):
        scale.clean([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ([], (0, 1)),
        ([9, 500], (0, 500)),
        ([400, 500], (400, 500)),
        ([-500, -9], (-500, 0)),
        ([-200, -90], (-200, -90)),
        ([500, 500], (0, 500)),
        ([-200], (-200, 0)),
        ([0], (-0.5, 0.5)),
        ([0, 5e-324], (-0.5, 0.5)),
    ],
)
def test_an_extent_holds_its_values_and_zero_where_zero_is_near(values, span):
    assert scale.extent([np.array(values, dtype=float)]) == span


@given(st.floats(1e-300, 1e300), st.integers(2, 12))
def test_a_step_is_round_and_makes_no_more_intervals_than_wanted(span, intervals):
    step = scale.round_step(span, intervals)
    assert span / step <= intervals * (1 + 1e-6)
    assert float(f"{step:.6e}".split("e")[0]) in {1.0, 2.0, 5.0}


@given(st.lists(FINITE, max_size=20))
def test_an_axis_holds_its_values_and_its_ticks_rise(values):
    array = np.array(values, dtype=float)
    axis = Axis.over([array], 0, 100, pad=0.05, ticks=5)
    assert np.all((axis.place(array) >= -1e-6) & (axis.place(array) <= 100 + 1e-6))
    ticks = axis.ticks()
    places = [place for place, _ in ticks]
    assert 1 <= len(ticks) <= 7
    assert places == sorted(places)
    assert len({label for _, label in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("numbers", "step", "labels"),
    [
        ([0, 200, 400], 200, ["0", "200", "400"]),
        ([0, 2_000, 4_000], 2_000, ["0", "2,000", "4,000"]),
        ([0, 20_000, 100_000], 20_000, ["0", "20k", "100k"]),
        ([0, 5e5, 1e6, 1.5e6], 5e5, ["0", "0.5M", "1.0M", "1.5M"]),
        ([1e9, 2e9], 1e9, ["1B", "2B"]),
        ([-200, -100], 100, ["\N{MINUS SIGN}200", "\N{MINUS SIGN}100"]),
        ([0, 0.005, 0.01], 0.005, ["0", "0.005", "0.010"]),
        ([0, 1e-7], 1e-7, ["0", "1e\N{MINUS SIGN}07"]),
    ],
)
def test_ticks_are_labelled_alike_and_shortly(numbers, step, labels):
    assert scale.tick_labels(np.array(numbers, dtype=float), step) == labels


def test_few_points_are_all_kept():
    x = np.arange(10.0)
    assert scale.thin_points(x, x, 600)[0].size == 10
    assert scale.thin_line(x, x, 600).tolist() == list(range(10))


@given(st.integers(0, 2**32 - 1), st.integers(601, 5_000))
def test_thinning_keeps_the_extremes_and_the_limit(seed, count):
    x, y = np.arange(float(count)), np.random.default_rng(seed).normal(size=count)
    thin_x, thin_y = scale.thin_points(x, y, 600)
    assert thin_x.size <= 600
    assert (thin_y.min(), thin_y.max()) == (y.min(), y.max())
    assert np.all(np.diff(thin_x) > 0)
    kept = scale.thin_line(x, y, 240)
    assert kept.size <= 240
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert (y[kept].min(), y[kept].max()) == (y.min(), y.max())


@given(st.lists(FINITE, min_size=1, max_size=60))
def test_every_value_is_counted_in_a_bin_that_holds_it(values):
    array = np.array(values)
    edges, counts = scale.bins(array, 24)
    assert counts.sum() == array.size
    assert edges.size == counts.size + 1
    slack = (edges[-1] - edges[0]) * 1e-6
    assert edges[0] <= array.min() + slack
    assert array.max() <= edges[-1] + slack


def test_few_whole_numbers_are_counted_one_by_one():
    edges, counts = scale.bins(np.array([1.0, 2, 2, 4]), 24)
    assert edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert counts.tolist() == [1, 2, 0, 1]


def test_equal_values_get_one_bin_in_the_middle():
    edges, counts = scale.bins(np.full(100, 500.0), 24)
    assert np.flatnonzero(counts).tolist() == [5]
    assert edges[5] < 500 < edges[6]
