from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.nn.parameters import Parameters, assign, orthogonal, uniform_fan_in

SHAPES = {"first": (3, 2), "second": (4,), "third": (1, 5)}


def test_writing_to_a_view_writes_to_the_vector_in_the_order_of_the_shapes():
    parameters = Parameters(SHAPES)
    parameters["first"][:] = 1
    parameters["second"][:] = 2
    parameters["third"][:] = 3
    assert parameters.vector.tolist() == [1] * 6 + [2] * 4 + [3] * 5


def test_writing_to_the_vector_shows_in_the_views():
    parameters = Parameters(SHAPES)
    parameters.vector[:] = np.arange(15)
    assert parameters["second"].tolist() == [6, 7, 8, 9]
    assert parameters["first"].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_gradient_views_share_the_gradient_and_not_the_parameters():
    parameters = Parameters(SHAPES)
    parameters.grad("third")[:] = 7
    assert parameters.gradient.tolist() == [0] * 10 + [7] * 5
    assert not parameters.vector.any()
    for name in SHAPES:
        assert np.shares_memory(parameters.grad(name), parameters.gradient)
        assert np.shares_memory(parameters[name], parameters.vector)


@given(st.dictionaries(st.text("abc", min_size=1), st.lists(st.integers(1, 4), max_size=3).map(tuple), max_size=5))
def test_every_number_belongs_to_exactly_one_view(shapes):
    parameters = Parameters(shapes, np.float64)
    for name in shapes:
        parameters[name][...] += 1
    assert parameters.size == sum(math.prod(shape) for shape in shapes.values())
    assert (parameters.vector == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vector_and_gradient_are_of_the_asked_dtype(dtype):
    parameters = Parameters(SHAPES, dtype)
    assert parameters.vector.dtype == parameters.gradient.dtype == dtype


def test_repr_says_size_and_dtype():
    assert repr(Parameters(SHAPES)) == "<Parameters: 15 in 3 arrays, float32>"


@pytest.mark.parametrize("shape", [(5, 5), (8, 3), (3, 8), (1, 6), (6, 1)])
@pytest.mark.parametrize("gain", [1.0, math.sqrt(2), 0.01])
def test_orthogonal_has_orthonormal_rows_or_columns_times_gain(shape, gain):
    matrix = orthogonal(np.random.default_rng(0), shape, gain)
    assert matrix.shape == shape
    product = matrix @ matrix.T if shape[0] <= shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), atol=1e-12)


def test_orthogonal_is_drawn_uniformly():
    # Without moving the signs of R's diagonal into Q, the first entry would never be positive.
    rng = np.random.default_rng(0)
    corners = np.array([orthogonal(rng, (4, 4), 1.0)[0, 0] for _ in range(2000)])
    assert abs(corners.mean()) < 0.05
    assert abs(corners.var() - 1 / 4) < 0.03  # a coordinate of a uniform unit vector in 4 dimensions


def test_uniform_fan_in_stays_within_pytorchs_bound():
    drawn = uniform_fan_in(np.random.default_rng(0), 16, (1000,))
    assert np.abs(drawn).max() <= 0.25
    assert np.abs(drawn).max() > 0.24


def test_assign_writes_values_of_the_same_shape():
    target = np.zeros(3, np.float32)
    assign(target, np.array([1.0, 2.0, 3.0]))
    assert target.tolist() == [1, 2, 3]


@pytest.mark.parametrize("values", [1.0, [1.0], np.ones(2), np.ones((1, 3)), np.ones(4), [], None])
def test_assign_refuses_another_shape_instead_of_repeating_numbers(values):
    target = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="shape"):
        assign(target, values)
    assert not target.any()


@pytest.mark.parametrize("values", [["a", "b", "c"], np.ones(3, np.complex64), [None] * 3])
def test_assign_refuses_what_is_no_real_number(values):
    with pytest.raises((TypeError, ValueError)):
        assign(np.zeros(3, np.float32), values)
