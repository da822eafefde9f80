from __future__ import annotations

import json
import math

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rlkit.envs import FeatureEncoder, check_space, space_from_dict, space_to_dict
from rlkit.errors import EnvironmentContractError, SpaceMismatchError, StateError, UnsupportedSpaceError

BOX = spaces.Box(-1, 1, (2, 3), np.float32)
OTHERS = [
    spaces.MultiDiscrete([2, 3]),
    spaces.MultiBinary(3),
    spaces.Text(5),
    spaces.Dict({"a": spaces.Discrete(2)}),
    spaces.Tuple([spaces.Discrete(2)]),
]


@st.composite
def boxes(draw):
    dtype = np.dtype(draw(st.sampled_from(["float32", "float64", "int8", "uint8", "int32", "int64", "uint16"])))
    shape = draw(array_shapes(min_dims=0, max_dims=3, max_side=3))
    if dtype.kind == "f":
        width = dtype.itemsize * 8
        ends = st.floats(width=width, allow_nan=False)
    else:
        limits = np.iinfo(dtype)
        ends = st.integers(int(limits.min), int(limits.max))
    bounds = draw(arrays(dtype, (2, *shape), elements=ends, fill=ends))
    low, high = bounds.min(axis=0), bounds.max(axis=0)
    # Gymnasium refuses a low of +inf and a high of -inf.
    if dtype.kind == "f":
        low, high = np.where(low == np.inf, 0, low), np.where(high == -np.inf, 0, high)
    return spaces.Box(low.astype(dtype), high.astype(dtype), shape, dtype.type)


@given(boxes())
@settings(deadline=None)
def test_any_box_comes_back_equal_from_its_data_also_through_json(box):
    data = space_to_dict(box)
    restored = space_from_dict(json.loads(json.dumps(data)))
    assert restored == box
    assert restored.dtype == box.dtype
    np.testing.assert_array_equal(restored.low, box.low)
    np.testing.assert_array_equal(restored.high, box.high)


@given(st.integers(1, 10**6), st.integers(-(10**6), 10**6))
@settings(deadline=None)
def test_any_discrete_comes_back_equal_from_its_data_also_through_json(n, start):
    space = spaces.Discrete(n, start=start)
    assert space_from_dict(json.loads(json.dumps(space_to_dict(space)))) == space


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
    with pytest.raises(UnsupportedSpaceError, match="Box and Discrete"):
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


def test_a_box_is_flattened_in_c_order_to_float32():
    encoder = FeatureEncoder(BOX)
    features = encoder.encode(np.arange(12, dtype=np.float64).reshape(2, 2, 3))
    assert encoder.size == 6
    assert features.dtype == np.float32
    assert features.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int64, np.float64])
def test_boxes_of_any_number_type_become_float32(dtype):
    encoder = FeatureEncoder(spaces.Box(0, 1, (2,), np.float32))
    assert encoder.encode(np.array([[0, 1]], dtype)).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("start", [0, 5, -2])
def test_a_discrete_is_one_hot_from_its_start(start):
    encoder = FeatureEncoder(spaces.Discrete(3, start=start))
    assert encoder.encode(np.array([start, start + 2])).tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("wrong", [-1, 3])
def test_an_environments_choice_outside_its_space_is_no_other_choice(wrong):
    with pytest.raises(EnvironmentContractError, match=r"Discrete\(3\)"):
        FeatureEncoder(spaces.Discrete(3)).encode(np.array([0, wrong]))


@pytest.mark.parametrize("observation", [np.zeros((2, 3)), [[0, 0, 0], [1, 1, 1]], np.zeros((2, 3), np.int8)])
def test_one_observation_is_no_batch(observation):
    features, batched = FeatureEncoder(BOX).encode_any(observation)
    assert features.shape == (1, 6)
    assert not batched


@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_batch_is_one(n):
    features, batched = FeatureEncoder(BOX).encode_any(np.zeros((n, 2, 3)))
    assert features.shape == (n, 6)
    assert batched


@pytest.mark.parametrize(
    "observation",
    [
        np.zeros(6),
        np.zeros((3, 2)),
        np.zeros((1, 1, 2, 3)),
        0.0,
        None,
        "left",
        [[1, 2], [3]],
        {"a": 1},
        np.zeros((2, 3), complex),
        [[None] * 3] * 2,
    ],
)
def test_what_does_not_fit_is_refused_with_both_shapes_that_do(observation):
    with pytest.raises(SpaceMismatchError) as refused:
        FeatureEncoder(BOX).encode_any(observation)
    assert "shape (2, 3) or a batch of shape (n, 2, 3)" in str(refused.value)


@pytest.mark.parametrize(
    ("observation", "rows"), [(1, 1), (np.int64(1), 1), (1.0, 1), ([1, 2], 2), (np.array([1.0, 2.0]), 2), ([], 0)]
)
def test_choices_may_be_whole_numbers_of_any_type(observation, rows):
    encoder = FeatureEncoder(spaces.Discrete(2, start=1))
    features, batched = encoder.encode_any(observation)
    assert features.tolist() == [[1, 0], [0, 1]][:rows]
    assert batched == (np.ndim(observation) == 1)


@pytest.mark.parametrize("observation", [0, 3, -1, 1.5, math.nan, math.inf, [1, 3], [[1]], "1", None, 10**30])
def test_choices_outside_the_space_are_refused(observation):
    with pytest.raises(SpaceMismatchError, match="does not fit"):
        FeatureEncoder(spaces.Discrete(2, start=1)).encode_any(observation)
