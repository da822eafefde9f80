"""Components: what a person reads of observations and actions."""

from __future__ import annotations

import numpy as np
import pytest

from rlkit.watching.components import MOST, components


def test_each_number_is_a_column_with_its_name():
    found = components(np.array([[1, 2], [3, 4], [5, 6]]), ("x", "y"))
    assert found.names == ("x", "y")
    assert found.numbers.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert found.numbers.dtype == np.float32


@pytest.mark.parametrize(
    ("batch", "names"),
    [
        (np.zeros(3), ("0",)),
        (np.zeros((3, 2, 2)), ("0", "1", "2", "3")),
        ({"a": np.zeros((3, 2)), "b": (np.zeros(3), np.zeros((3, 1)))}, ("a 0", "a 1", "b 0", "b 1")),
        (np.zeros((3, 2), np.int8), ("0", "1")),
    ],
)
def test_numbers_without_names_are_counted_behind_the_keys_that_lead_to_them(batch, names):
    found = components(batch)
    assert found.names == names
    assert found.numbers.shape == (len(names), 3)


def test_names_of_another_count_are_not_used():
    assert components(np.zeros((3, 2)), ("x",)).names == ("0", "1")


def test_up_to_thirty_are_shown_one_by_one():
    assert len(components(np.zeros((3, MOST))).names) == MOST == 30


def test_of_more_the_least_the_mean_and_the_greatest_are_shown():
    image = np.arange(2 * 1200, dtype=np.uint8).reshape(2, 20, 20, 3)
    found = components({"image": image, "speed": np.array([1000, 2000])})
    assert found.names == ("least of 1,201 numbers", "mean of 1,201 numbers", "greatest of 1,201 numbers")
    whole = [np.append(image[i].astype(float), speed) for i, speed in enumerate((1000, 2000))]
    expected = [[each.min() for each in whole], [each.mean() for each in whole], [each.max() for each in whole]]
    np.testing.assert_allclose(found.numbers, expected, rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_a_number_that_no_float32_holds_is_no_error():
    assert np.isinf(components(np.array([[1e300]])).numbers).all()
