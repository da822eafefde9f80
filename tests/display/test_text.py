"""Plain-text rendering."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.display import text

CELLS = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=12), st.booleans())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "\N{EN DASH}"),
        (0, "0"),
        (0.0, "0"),
        (100_096, "100,096"),
        (np.int64(100_096), "100,096"),
        (500.0, "500"),
        (487.32, "487.3"),
        (24_389.6, "24,390"),
        (4.1234, "4.12"),
        (2.5, "2.5"),
        (-4.1234, "-4.12"),
        (0.98765, "0.988"),
        (3e-4, "0.0003"),
        (1e-8, "1e-08"),
        (np.float32(0.5), "0.5"),
        (1e300, "1e+300"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (True, "True"),
        ("cartpole", "cartpole"),
    ],
)
def test_a_number_is_written_as_a_person_would(value, written):
    assert text.number(value) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_is_within_a_hundredth_of_the_number(value):
    assert float(text.number(value).replace(",", "")) == pytest.approx(value, rel=0.01, abs=1e-300)


def test_the_fractions_of_a_column_have_as_many_places():
    assert text.column([212.44, 487.0, None, 4.5]) == ["212.4", "487.0", "\N{EN DASH}", "4.5"]
    assert text.column([-0.0123, -0.037]) == ["-0.0123", "-0.0370"]


def test_a_column_never_prints_a_small_number_as_zero():
    assert text.column([4.12, 0.0005]) == ["4.12", "0.0005"]
    assert text.column([1e-9, 2e-9]) == ["1e-09", "2e-09"]


def test_a_column_of_whole_numbers_has_no_fractions():
    assert text.column([1, 2_048, 3.0]) == ["1", "2,048", "3"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0003125, "0.0003125"),
        (100_000, "100000"),
        ([64, 64], "[64, 64]"),
        (None, "None"),
        ("lin_0.001", "lin_0.001"),
        (np.float64(0.5), "0.5"),
    ],
)
def test_a_setting_is_written_exactly_as_it_may_be_typed(value, written):
    assert text.literal(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "\N{EN DASH}"),
        (math.nan, "\N{EN DASH}"),
        (0, "0 s"),
        (0.0354, "35.4 ms"),
        (0.9999, "1.0 s"),
        (4.123, "4.1 s"),
        (59.96, "1 min 00 s"),
        (123, "2 min 03 s"),
        (3599.7, "1 h 00 min"),
        (4800, "1 h 20 min"),
        (3 * 86_400 + 4 * 3_600, "3 d 04 h"),
        (-123, "-2 min 03 s"),
    ],
)
def test_a_duration_is_written_in_the_units_that_matter(seconds, written):
    assert text.duration(seconds) == written


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (None, "\N{EN DASH}"),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (34_200, "34.2 kB"),
        (10**18, "1,000.0 PB"),
    ],
)
def test_a_size_is_written_in_decimal_units(count, written):
    assert text.size(count) == written


def test_a_table_sets_numbers_right_and_words_left():
    table = text.table(("name", "return", "steps"), [("a", 212.44, 50_000), ("longer", None, 100_096)])
    assert table.splitlines() == [
        "name    return    steps",
        "──────  ──────  ───────",
        "a        212.4   50,000",
        "longer       \N{EN DASH}  100,096",
    ]


def test_a_table_sets_on_the_right_what_it_is_told_to():
    assert text.table(("a", "b"), [("xx", "1"), ("y", "*22")], numeric={1}).splitlines()[2:] == ["xx    1", "y   *22"]


@pytest.mark.parametrize(
    ("words", "width", "cut"),
    [("cartpole:12", 11, "cartpole:12"), ("a-long-name:12", 9, "a-lo…e:12"), ("abcdef", 3, "a…f"), ("a\nb", 9, "a b")],
)
def test_long_text_is_cut_in_its_middle(words, width, cut):
    assert text.shortened(words, width) == cut


@given(st.text(max_size=40), st.integers(3, 20))
def test_shortened_text_is_never_too_long(words, width):
    assert len(text.shortened(words, width)) <= width


def test_a_table_without_rows_is_its_headers():
    assert text.table(("name", "steps"), []) == "name  steps\n────  ─────"


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_every_line_of_a_table_keeps_to_its_columns(rows):
    lines = text.table(("first", "second"), rows).split("\n")
    assert len(lines) == len(rows) + 2
    assert all(text.display_width(line) <= text.display_width(lines[1]) for line in lines)


def test_wide_letters_and_combining_marks_are_counted_as_terminals_do():
    assert text.display_width("e\u0301") == 1
    assert text.display_width("強化") == 4
    assert text.table(("n", "m"), [("強化", "x"), ("ab", "y")]).splitlines()[2:] == ["強化  x", "ab    y"]


def test_text_cannot_send_escape_sequences_or_break_lines():
    assert text.one_line("a\x1b[31mb\n\tc\u202e") == r"a\x1b[31mb c\u202e"
    assert text.one_line("שלום") == "שלום"


def test_fields_stand_in_one_column():
    assert text.fields([("episodes", 612), ("mean return", 487.32)]) == "episodes     612\nmean return  487.3"
    assert text.fields([]) == ""


def test_a_sparkline_rises_with_its_values():
    assert text.sparkline(range(8)) == "▁▂▃▄▅▆▇█"
    assert text.sparkline(np.arange(400), width=8) == "▁▂▃▄▅▆▇█"


def test_a_sparkline_of_equal_values_is_level_and_of_none_is_empty():
    assert text.sparkline([500, 500, 500]) == "▅▅▅"
    assert text.sparkline([]) == ""
    assert text.sparkline([1.0, math.nan, 2.0]) == "▁ █"


@given(st.lists(st.floats(), max_size=120), st.integers(1, 50))
def test_a_sparkline_takes_any_floats_and_keeps_its_width(values, width):
    assert len(text.sparkline(values, width)) == min(len(values), width)


def test_the_last_column_of_a_table_goes_on_below_where_it_is_too_long():
    lines = text.table(("name", "meaning"), [("a", "word " * 20), ("b", "")], width=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert [line[:4].strip() for line in lines[2:]] == ["a", "", "", "b"]
    assert " ".join(line[6:] for line in lines[2:5]).split() == ["word"] * 20


def test_other_columns_are_cut_where_a_table_has_an_end():
    assert "…" in text.table(("name", "meaning"), [("a" * 100, "b")], width=118)
    assert "…" not in text.table(("name", "meaning"), [("a" * 100, "b")])


def test_long_values_of_fields_go_on_below():
    lines = text.fields([("label", "word " * 20)], width=40).splitlines()
    assert [line[:7].strip() for line in lines] == ["label", "", "", ""]
    assert text.fields([], width=40) == ""
