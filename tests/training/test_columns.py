"""Columns: a table that grows while others read it."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from rlkit.training.columns import Columns


def test_columns_are_float64_arrays_with_a_row_for_each_append():
    columns = Columns()
    columns.append({"a": 1, "b": 2.5})
    columns.append({"a": 3, "b": 4.5})
    assert columns["a"].tolist() == [1, 3]
    assert columns["a"].dtype == np.float64
    assert (list(columns), len(columns), columns.num_rows) == (["a", "b"], 2, 2)


def test_a_column_that_a_row_has_not_is_nan_there():
    columns = Columns()
    columns.append({"a": 1})
    columns.append({"b": 2})
    np.testing.assert_array_equal(columns["a"], [1, math.nan])
    np.testing.assert_array_equal(columns["b"], [math.nan, 2])


def test_a_column_read_before_has_the_rows_that_came_since():
    columns = Columns()
    columns.append({"a": 1})
    assert columns["a"].tolist() == [1]
    columns.append({"a": 2})
    assert columns["a"].tolist() == [1, 2]


def test_an_unknown_column_is_a_key_error_and_get_gives_the_default():
    columns = Columns()
    assert columns.get("a", "nothing") == "nothing"
    columns.append({"a": 1})
    with pytest.raises(KeyError, match="b"):
        columns["b"]
    assert "b" not in columns


def test_columns_say_what_they_hold():
    columns = Columns()
    columns.append({"a": 1, "b": 2})
    assert repr(columns) == "<Columns: 1 rows of a, b>"


def test_a_snapshot_does_not_grow():
    columns = Columns([{"a": 1.0}])
    snapshot = columns.snapshot()
    columns.append({"a": 2.0})
    assert (snapshot["a"].tolist(), columns["a"].tolist()) == ([1.0], [1.0, 2.0])


def test_rows_added_to_a_snapshot_are_not_in_what_it_was_taken_of():
    columns = Columns([{"a": 1.0}])
    snapshot = columns.snapshot()
    columns.append({"a": 2.0, "b": 3.0})
    snapshot.append({"a": 5.0})
    assert (snapshot["a"].tolist(), columns["a"].tolist()) == ([1.0, 5.0], [1.0, 2.0])
    assert list(snapshot) == ["a"]


def test_what_is_read_does_not_change_with_rows_that_follow_and_cannot_be_written_to():
    columns = Columns([{"a": 1.0}])
    read = columns["a"]
    for value in range(100):
        columns.append({"a": value})
    assert read.tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        read[0] = 5


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 31, 32, 33, 1000])
def test_columns_of_any_length_have_every_row(rows):
    columns = Columns({"a": i, **({"b": -i} if i % 3 == 0 else {})} for i in range(rows))
    assert columns["a"].tolist() == list(range(rows))
    expected = [-i if i % 3 == 0 else math.nan for i in range(rows)]
    np.testing.assert_array_equal(columns["b"], expected)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [(0, []), (1, [0]), (5, [0, 1, 2, 3, 4]), (6, [0, 2, 4, 5]), (7, [0, 2, 4, 6]), (9, [0, 4, 8])],
)
def test_thinned_columns_keep_every_second_or_fourth_row_and_the_last(rows, kept):
    thinned = Columns({"a": i, "b": 2 * i} for i in range(rows)).thinned(5)
    assert thinned.num_rows == len(kept)
    assert thinned.get("a", np.empty(0)).tolist() == kept
    assert thinned.get("b", np.empty(0)).tolist() == [2 * i for i in kept]


def test_a_reader_sees_whole_rows_alone_while_another_thread_adds_them():
    columns, wrong, done = Columns(), [], threading.Event()

    def read():
        while not done.is_set():
            taken = columns.snapshot()
            if taken.num_rows and (
                len(taken["a"]) != taken.num_rows or (taken["a"] != np.arange(taken.num_rows)).any()
            ):
                wrong.append(taken)

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(5000):
        columns.append({"a": i, f"b{i // 1000}": i})
    done.set()
    reader.join()
    assert not wrong
