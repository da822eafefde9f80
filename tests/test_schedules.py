from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.schedules import ConstantSchedule, LinearSchedule, as_schedule, parse_linear

finite = st.floats(allow_nan=False, allow_infinity=False)


def test_a_constant_is_the_same_throughout():
    assert {ConstantSchedule(0.2)(progress) for progress in (1.0, 0.5, 0.0)} == {0.2}


def test_a_line_goes_from_start_to_end_as_progress_runs_out():
    line = LinearSchedule(0.4, 0.2)
    assert line(1.0) == pytest.approx(0.4)
    assert line(0.5) == pytest.approx(0.3)
    assert line(0.0) == pytest.approx(0.2)


def test_a_line_ends_at_zero_where_no_end_is_given():
    assert LinearSchedule(0.4)(0.0) == 0.0


@given(finite, finite)
def test_what_a_line_writes_is_read_as_the_same_line(start, end):
    assert parse_linear(str(LinearSchedule(start, end))) == LinearSchedule(start, end)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("lin_0.001", LinearSchedule(0.001)),
        ("lin_1e-3", LinearSchedule(0.001)),
        ("lin_0.001_0.0001", LinearSchedule(0.001, 0.0001)),
        (" lin_1 ", LinearSchedule(1.0)),
        ("lin_2.5e-4_1e-5", LinearSchedule(2.5e-4, 1e-5)),
    ],
)
def test_lines_are_read_as_rl_zoo_writes_them(text, line):
    assert parse_linear(text) == line


@pytest.mark.parametrize("text", ["", "lin", "lin_", "lin_x", "lin_1_2_3", "0.001", "linear_0.1", "LIN_0.1", "lin-0.1"])
def test_what_is_no_line_is_refused(text):
    with pytest.raises(ValueError, match=r"no schedule|could not convert"):
        parse_linear(text)


@pytest.mark.parametrize("text", ["lin_nan", "lin_inf", "lin_0.1_-inf", "lin_0.1_nan"])
def test_numbers_that_are_not_finite_are_refused(text):
    with pytest.raises(ValueError, match="finite"):
        parse_linear(text)


@pytest.mark.parametrize("ends", [(math.inf, 0.0), (0.1, math.nan)])
def test_a_line_made_by_hand_must_be_finite_too(ends):
    with pytest.raises(ValueError, match="finite"):
        LinearSchedule(*ends)


def test_numpys_numbers_become_plain_floats_that_can_be_written():
    line = LinearSchedule(np.float64(1e-3), np.float32(0.5))
    assert str(line) == "lin_0.001_0.5"
    assert type(line.start) is type(line.end) is float


def test_whole_numbers_make_an_equal_line_that_is_written_alike():
    assert LinearSchedule(1) == LinearSchedule(1.0)
    assert str(LinearSchedule(1)) == str(LinearSchedule(1.0))


def test_lines_are_values_equal_and_hashable():
    assert LinearSchedule(0.1) == LinearSchedule(0.1, 0.0)
    assert len({LinearSchedule(0.1), LinearSchedule(0.1), LinearSchedule(0.2)}) == 2
    with pytest.raises(AttributeError):
        LinearSchedule(0.1).start = 0.2


def test_a_number_as_schedule_is_constant_and_a_line_is_itself():
    line = LinearSchedule(0.1)
    assert as_schedule(line) is line
    assert as_schedule(0.3)(0.7) == 0.3
