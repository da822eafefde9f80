from __future__ import annotations

import math

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate
from hypothesis import given, strategies as st

from rlkit.envs import FeatureEncoder
from rlkit.errors import EnvironmentContractError, SpaceMismatchError

BOX = spaces.Box(-1, 1, (2, 3), np.float32)
NESTED = spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Tuple([spaces.Discrete(3), spaces.MultiBinary(2)])})
ONE = {"a": np.array([0.5, -0.5], np.float32), "b": (np.int64(1), np.array([1, 0], np.int8))}


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


@given(st.data())
def test_one_observation_is_flattened_as_gymnasium_flattens_it(any_space, data):
    space = data.draw(any_space)
    space.seed(data.draw(st.integers(0, 1000)))
    encoder, observation = FeatureEncoder(space), space.sample()
    with np.errstate(over="ignore"):
        expected = spaces.flatten(space, observation).astype(np.float32)
    row = np.full(encoder.size, np.nan, np.float32)
    encoder.encode_one(observation, row)
    np.testing.assert_array_equal(row, expected)
    if np.isfinite(expected).all():
        features, batched = encoder.encode_any(observation)
        np.testing.assert_array_equal(features, expected[None])
        assert not batched


@given(st.data())
def test_a_batch_of_a_vector_environment_is_flattened_row_by_row(any_space, data):
    space, n = data.draw(any_space), data.draw(st.integers(1, 4))
    batched_space = batch_space(space, n)
    batched_space.seed(data.draw(st.integers(0, 1000)))
    batch = batched_space.sample()
    encoder = FeatureEncoder(space)
    with np.errstate(over="ignore"):
        expected = [spaces.flatten(space, one).astype(np.float32) for one in iterate(batched_space, batch)]
    np.testing.assert_array_equal(encoder.encode(batch), expected)
    if np.isfinite(expected).all():
        features, batched = encoder.encode_any(batch)
        np.testing.assert_array_equal(features, expected)
        assert batched


def test_features_are_continuous_where_they_come_from_a_box():
    assert FeatureEncoder(NESTED).continuous.tolist() == [True] * 2 + [False] * 5


def test_features_are_no_view_of_what_they_come_from():
    observations = np.zeros((2, 2, 3), np.float32)
    features = FeatureEncoder(BOX).encode(observations)
    observations[:] = 1
    assert not features.any()


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        ({"a": ONE["a"]}, r"no part \['b'\]\[0\]"),
        ({**ONE, "b": (np.int64(1),)}, r"no part \['b'\]\[1\]"),
        ({**ONE, "a": np.zeros(3, np.float32)}, r"part \['a'\] has shape \(3,\), not \(2,\)"),
        ({**ONE, "a": "left"}, r"part \['a'\] 'left' is no array of numbers"),
        ({**ONE, "b": (np.int64(3), ONE["b"][1])}, "are not all of its space"),
        (None, "no part"),
        (5, "no part"),
    ],
)
def test_an_environments_observation_that_is_not_of_its_space_is_told_by_its_part(observation, told):
    encoder = FeatureEncoder(NESTED)
    with pytest.raises(EnvironmentContractError, match=told):
        encoder.encode_one(observation, np.zeros(encoder.size, np.float32))


@pytest.mark.parametrize(
    "observation",
    [None, 5, {}, {"a": ONE["a"]}, {**ONE, "a": [ONE["a"]]}, {**ONE, "a": None}, {**ONE, "b": (7, ONE["b"][1])}],
)
def test_a_persons_observation_that_is_not_of_the_space_is_refused(observation):
    with pytest.raises(SpaceMismatchError, match="does not fit"):
        FeatureEncoder(NESTED).encode_any(observation)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 1e300])
def test_a_persons_observation_that_is_not_finite_is_refused(wrong):
    with pytest.raises(SpaceMismatchError, match="not finite"):
        FeatureEncoder(spaces.Box(-1, 1, (2,))).encode_any([0.0, wrong])


CLOCK = 1.7e9  # seconds: float32 is exact to 128 there


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint32])
def test_features_of_float64_tell_large_numbers_apart(dtype):
    encoder = FeatureEncoder(spaces.Dict(t=spaces.Box(0, 2**32 - 1, (1,), dtype), b=spaces.Discrete(2)), np.float64)
    observations = [{"t": np.array([CLOCK + i], dtype), "b": 1} for i in range(10)]
    expected = np.array([[CLOCK + i, 0, 1] for i in range(10)])
    row = np.empty((10, 3))
    for i, observation in enumerate(observations):
        encoder.encode_one(observation, row[i])
    batch = {"t": np.stack([one["t"] for one in observations]), "b": np.ones(10, int)}
    for features in (row, encoder.encode(batch), encoder.encode_any(batch)[0]):
        assert features.dtype == np.float64
        np.testing.assert_array_equal(features, expected)


def test_features_of_float64_have_float32s_range():
    encoder = FeatureEncoder(spaces.Box(-np.inf, np.inf, (1,), np.float64), np.float64)
    assert encoder.encode_any(np.array([3e38]))[0].tolist() == [[3e38]]
    for wrong in (1e39, -1e39, np.nan, np.inf):
        with pytest.raises(SpaceMismatchError, match="is not finite"):
            encoder.encode_any(np.array([wrong]))


@pytest.mark.parametrize(
    ("space", "observation", "example"),
    [
        (spaces.Box(0, 2e9, (1,), np.float64), [CLOCK + 3], "1700000003.0 becomes 1700000000.0"),
        (spaces.Box(0, 2**31 - 1, (1,), np.int32), np.array([2**24 + 1], np.int32), "16777217 becomes 16777216.0"),
        (spaces.Box(0, 2e9, (1,)), np.array([CLOCK + 3]), "1700000003.0 becomes 1700000000.0"),
        (spaces.Box(0, 2e9, (1,)), np.array([CLOCK], np.float32), ""),  # the environment itself rounded it
        (spaces.Box(0, 2e9, (1,), np.float64), np.array([2.0**24]), ""),
        (spaces.Box(0, 2e9, (1,), np.float64), np.array([0.1]), ""),
    ],
)
def test_numbers_that_float32_cannot_tell_from_their_neighbours_are_found(space, observation, example):
    assert FeatureEncoder(space).lost_precision(observation) == example
    assert FeatureEncoder(spaces.Dict(a=space)).lost_precision({"a": observation}) == example
    assert not FeatureEncoder(space, np.float64).lost_precision(observation)


FOREIGN = [
    (spaces.MultiBinary(2), [2, 0]),
    (spaces.MultiBinary(2), [0.5, 0]),
    (spaces.MultiBinary(2), np.array([0.5, 0], np.float32)),
    (spaces.MultiBinary(2), [-1, 0]),
    (spaces.MultiBinary(2), [np.nan, 0]),
    (spaces.MultiBinary([2, 1]), [[0], [2]]),
    (spaces.Box(0, 1, (1,), np.bool_), [2]),
    (spaces.Box(0, 1, (1,), np.bool_), [0.5]),
    (spaces.Box(0, 255, (2,), np.uint8), [0.5, 1]),
    (spaces.Box(0, 255, (2,), np.uint8), np.array([0.5, 1], np.float32)),
    (spaces.Box(-9, 9, (2,), np.int64), [np.nan, 1]),
    (spaces.Discrete(3), 0.5),
    (spaces.Discrete(3), np.array(0.5, np.float32)),
    (spaces.Discrete(3), np.array(3, np.float32)),
    (spaces.Discrete(3), np.nan),
    (spaces.Discrete(3), np.inf),
    (spaces.Discrete(3), 1e300),
    (spaces.Discrete(1), True),
    (spaces.MultiDiscrete([2, 3]), [0.5, 1]),
    (spaces.MultiDiscrete([2, 3]), np.array([0.5, 1], np.float32)),
    (spaces.MultiDiscrete([2, 3]), [0, np.nan]),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("space", "observation"), FOREIGN)
def test_numbers_that_a_space_of_bits_or_integers_does_not_hold_are_refused(space, observation, dtype):
    encoder = FeatureEncoder(space, dtype)
    with pytest.raises(EnvironmentContractError, match="are not all of its space"):
        encoder.encode_one(np.asarray(observation), np.empty(encoder.size, dtype))
    with pytest.raises(EnvironmentContractError, match="are not all of its space"):
        encoder.encode(np.asarray(observation)[None])
    for one_or_more in (np.asarray(observation), np.asarray(observation)[None]):
        with pytest.raises(SpaceMismatchError):
            encoder.encode_any(one_or_more)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("space", "number", "features"),
    [
        (spaces.MultiBinary(2), [1, 0], [1, 0]),
        (spaces.Box(0, 255, (2,), np.uint8), [255, 3], [255, 3]),
        (spaces.Box(0, 3, (2,), np.uint8), [255, 3], [255, 3]),  # bounds are not checked
        (spaces.Discrete(3), 1, [0, 1, 0]),
        (spaces.MultiDiscrete([2, 2]), [1, 0], [0, 1, 1, 0]),
    ],
)
@pytest.mark.parametrize("form", [np.int64, np.float32, np.float64, np.uint8])
def test_whole_numbers_of_any_form_are_taken(space, number, features, dtype, form):
    encoder = FeatureEncoder(space, dtype)
    observation = np.array(number, form)
    row = np.empty(encoder.size, dtype)
    encoder.encode_one(observation, row)
    assert row.tolist() == encoder.encode(observation[None])[0].tolist() == features
    assert row.tolist() == encoder.encode_any(observation)[0][0].tolist()


def test_bits_may_be_bools():
    encoder = FeatureEncoder(spaces.MultiBinary(2))
    assert encoder.encode(np.array([[True, False]])).tolist() == [[1, 0]]
