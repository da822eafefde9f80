from __future__ import annotations

import json

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, strategies as st

from rlkit.envs import check_space, space_from_dict, space_to_dict
from rlkit.envs.spaces import space_words
from rlkit.errors import StateError, UnsupportedSpaceError

BOX = spaces.Box(-1, 1, (2, 3), np.float32)
OTHERS = [
    spaces.Text(5),
    spaces.Dict({"a": spaces.Text(5)}),
    spaces.Tuple([spaces.Discrete(2), spaces.Graph(spaces.Box(0, 1, (2,)), None)]),
    spaces.Sequence(spaces.Discrete(2)),
]


@given(st.data())
def test_any_box_comes_back_equal_from_its_data_also_through_json(any_box, data):
    box = data.draw(any_box)
    restored = space_from_dict(json.loads(json.dumps(space_to_dict(box), allow_nan=False)))
    assert restored == box
    assert restored.dtype == box.dtype
    np.testing.assert_array_equal(restored.low, box.low)
    np.testing.assert_array_equal(restored.high, box.high)


@given(st.integers(1, 10**6), st.integers(-(10**6), 10**6))
def test_any_discrete_comes_back_equal_from_its_data_also_through_json(n, start):
    space = spaces.Discrete(n, start=start)
    assert space_from_dict(json.loads(json.dumps(space_to_dict(space), allow_nan=False))) == space


def test_a_discrete_of_another_dtype_comes_back_equal():
    space = spaces.Discrete(3, dtype=np.int32)
    assert space_from_dict(space_to_dict(space)) == space


@pytest.mark.parametrize(
    "box",
    [
        spaces.Box(-np.inf, np.inf, (3,), np.float32),
        spaces.Box(0, np.inf, (), np.float64),
        spaces.Box(np.array([-np.inf, 0]), np.array([1.5, np.inf]), dtype=np.float64),
        spaces.Box(0, np.iinfo(np.int64).max, (2,), np.int64),
        spaces.Box(-np.inf, np.inf, (2,), np.int64),
    ],
)
def test_infinite_and_extreme_bounds_come_back_exactly(box):
    assert space_from_dict(space_to_dict(box)) == box


def test_equal_bounds_are_one_number_so_that_an_image_takes_no_room():
    data = space_to_dict(spaces.Box(0, 255, (84, 84, 4), np.uint8))
    assert (data["low"], data["high"]) == (0, 255)


@pytest.mark.parametrize("space", OTHERS)
def test_other_spaces_cannot_be_saved(space):
    with pytest.raises(UnsupportedSpaceError, match="Box, Discrete, MultiDiscrete, MultiBinary, Dict, Tuple"):
        space_to_dict(space)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": "Dict"},
        {"type": "Box"},
        {"type": "Discrete", "n": "many", "start": 0, "dtype": "int64"},
        {"type": "Discrete", "n": 0, "start": 0, "dtype": "int64"},
        {"type": "Discrete", "n": 2, "start": 0, "dtype": "nonsense"},
        {"type": "Box", "low": [0, 0], "high": 1, "shape": [3], "dtype": "float32"},
        {"type": "Box", "low": 0, "high": 1, "shape": [3], "dtype": "nonsense"},
        {"type": "Box", "low": 0, "high": 1, "shape": None, "dtype": "float32"},
        {"type": "Box", "low": -1, "high": 10**30, "shape": [1], "dtype": "int8"},
    ],
)
def test_data_that_describe_no_space_are_a_state_error(data):
    with pytest.raises(StateError):
        space_from_dict(data)


@pytest.mark.parametrize("space", [BOX, spaces.Discrete(3), spaces.Box(0, 1, (), np.float32)])
def test_spaces_that_an_algorithm_takes_pass(space):
    check_space(space, (spaces.Box, spaces.Discrete), role="observation", algorithm="PPO")


@pytest.mark.parametrize("space", OTHERS)
def test_spaces_that_an_algorithm_does_not_take_are_refused_with_those_it_does(space):
    with pytest.raises(UnsupportedSpaceError) as refused:
        check_space(space, (spaces.Box, spaces.Discrete), role="observation", algorithm="PPO")
    assert "PPO cannot take observations" in str(refused.value)
    assert "It takes observation spaces of type Box or Discrete." in str(refused.value)


def test_a_box_without_numbers_is_refused():
    with pytest.raises(UnsupportedSpaceError, match="no numbers"):
        check_space(spaces.Box(0, 1, (2, 0)), (spaces.Box,), role="observation", algorithm="PPO")


@given(st.data())
def test_any_nested_space_comes_back_equal_from_its_data_also_through_json(any_space, data):
    space = data.draw(any_space)
    assert space_from_dict(json.loads(json.dumps(space_to_dict(space), allow_nan=False))) == space


@pytest.mark.parametrize(
    "data",
    [
        {"type": "MultiDiscrete", "nvec": [2, 0], "start": [0, 0], "dtype": "int64"},
        {"type": "MultiDiscrete", "nvec": "x", "start": [0], "dtype": "int64"},
        {"type": "MultiBinary", "n": -1},
        {"type": "MultiBinary"},
        {"type": "Dict", "spaces": [["a"]]},
        {"type": "Dict", "spaces": [["a", {"type": "Nothing"}]]},
        {"type": "Tuple", "spaces": [5]},
        {"type": "Tuple"},
        {"type": ["Box"]},
    ],
)
def test_data_of_a_nested_space_that_make_no_sense_are_refused(data):
    with pytest.raises(StateError):
        space_from_dict(data)


def test_a_part_that_no_algorithm_takes_is_named_with_its_place():
    space = spaces.Dict({"a": spaces.Tuple([spaces.Discrete(2), spaces.Text(5)])})
    with pytest.raises(UnsupportedSpaceError, match=r"\['a'\]\[1\]"):
        check_space(space, (spaces.Dict, spaces.Tuple, spaces.Discrete), role="observation", algorithm="PPO")


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Box(-1, 1, (3,)), "Box of shape 3, float32, -1 to 1"),
        (spaces.Box(np.float32([0, -8]), np.float32([1, 8])), "Box of shape 2, float32, 0 to 1, -8 to 8"),
        (spaces.Box(-np.inf, np.inf, (2, 2)), "Box of shape 2 x 2, float32, without bounds"),
        (spaces.Box(0, np.inf, ()), "Box of shape (), float32, 0 to inf"),
        (
            spaces.Box(np.arange(5, dtype=np.float32), np.arange(1, 6, dtype=np.float32)),
            "Box of shape 5, float32, at the widest 0 to 5",
        ),
        (spaces.Box(0, 255, (96, 96, 3), np.uint8), "Box of shape 96 x 96 x 3, uint8, 0 to 255"),
        (spaces.Box(0, 1, (0,)), "Box of shape 0, float32, no numbers"),
        (spaces.Discrete(3, start=5), "Discrete: 3 choices, 5 to 7"),
        (spaces.MultiBinary(4), "MultiBinary(4)"),
        (spaces.Dict({"x": spaces.Discrete(2)}), "Dict of x: Discrete: 2 choices, 0 to 1"),
        (spaces.Tuple([spaces.Discrete(2)]), "Tuple of 0: Discrete: 2 choices, 0 to 1"),
    ],
    ids=str,
)
def test_a_space_in_words_says_kind_shape_dtype_and_bounds(space, words):
    assert space_words(space) == words


def test_a_space_of_very_many_parts_has_few_words():
    assert len(space_words(spaces.Dict({f"part {i}": spaces.Discrete(2) for i in range(1000)}))) == 300
