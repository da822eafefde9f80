from __future__ import annotations

import math

import numpy as np
import pytest

from rlkit.nn.mlp import MLP
from rlkit.nn.parameters import Parameters

SIZES = [(3, 2), (4, 5, 2), (2, 7, 3, 1), (5, 4, 4, 4, 3)]


def make(sizes, activation="tanh", dtype=np.float64, seed=0):
    parameters = Parameters(MLP.shapes("net", sizes), dtype)
    network = MLP(parameters, "net", sizes, activation)
    network.initialize(np.random.default_rng(seed), hidden_gain=math.sqrt(2), output_gain=1.0)
    # Biases of zero would hide mistakes in them.
    parameters.vector += np.random.default_rng(seed + 1).normal(0, 0.1, parameters.size)
    return parameters, network


def plain(parameters, sizes, activation, x):
    """The network as a textbook writes it."""
    nonlinear = {"tanh": np.tanh, "relu": lambda z: np.where(z > 0, z, 0)}[activation]
    for i in range(len(sizes) - 1):
        x = x @ parameters[f"net.{i}.weight"] + parameters[f"net.{i}.bias"]
        if i < len(sizes) - 2:
            x = nonlinear(x)
    return x


def relative_error(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_backward_equals_central_finite_differences(numeric_gradient, sizes, activation, batch):
    parameters, network = make(sizes, activation)
    rng = np.random.default_rng(2)
    x, weights = rng.normal(size=(batch, sizes[0])), rng.normal(size=(batch, sizes[-1]))

    def loss():
        # A sum of squares, so that the gradient at the output depends on the output.
        return float((weights * network(x) ** 2).sum())

    output = network.forward(x)
    network.backward(2 * weights * output)
    assert relative_error(parameters.gradient, numeric_gradient(loss, parameters.vector)) <= 1e-6


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_are_right_when_batches_of_other_sizes_reuse_the_buffers(activation):
    sizes = (3, 6, 5, 2)
    parameters, network = make(sizes, activation)
    rng = np.random.default_rng(3)
    for batch in (8, 8, 3, 1, 8, 20, 3, 20):
        x, weights = rng.normal(size=(batch, 3)), rng.normal(size=(batch, 2))
        output = network.forward(x)
        np.testing.assert_allclose(output, plain(parameters, sizes, activation, x), rtol=1e-12)
        network.backward(2 * weights * output)
        used = parameters.gradient.copy()

        fresh_parameters, fresh = make(sizes, activation)
        fresh.backward(2 * weights * fresh.forward(x))
        np.testing.assert_array_equal(used, fresh_parameters.gradient)


def test_backward_writes_the_gradient_and_does_not_add_to_it():
    parameters, network = make((3, 4, 2))
    x = np.random.default_rng(0).normal(size=(5, 3))
    network.forward(x)
    network.backward(np.ones((5, 2)))
    once = parameters.gradient.copy()
    network.forward(x)
    network.backward(np.ones((5, 2)))
    np.testing.assert_array_equal(parameters.gradient, once)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_output_is_that_of_the_textbook(sizes, activation):
    parameters, network = make(sizes, activation)
    x = np.random.default_rng(4).normal(size=(6, sizes[0]))
    expected = plain(parameters, sizes, activation, x)
    np.testing.assert_allclose(network(x), expected, rtol=1e-12)
    np.testing.assert_allclose(network.forward(x), expected, rtol=1e-12)


def test_calling_between_forward_and_backward_leaves_the_gradient_right():
    parameters, network = make((3, 4, 2))
    rng = np.random.default_rng(5)
    x = rng.normal(size=(5, 3))
    network.forward(x)
    network.backward(np.ones((5, 2)))
    undisturbed = parameters.gradient.copy()
    output = network.forward(x)
    kept = output.copy()
    network(rng.normal(size=(5, 3)))
    np.testing.assert_array_equal(output, kept)
    network.backward(np.ones((5, 2)))
    np.testing.assert_array_equal(parameters.gradient, undisturbed)


def test_a_call_returns_a_new_array_each_time():
    _, network = make((3, 4, 2))
    first = network(np.zeros((2, 3)))
    assert not np.shares_memory(first, network(np.zeros((2, 3))))


def test_forward_does_not_change_its_input():
    _, network = make((3, 4, 2), "relu")
    x = np.random.default_rng(6).normal(size=(5, 3))
    kept = x.copy()
    network.forward(x)
    network.backward(np.ones((5, 2)))
    np.testing.assert_array_equal(x, kept)


def test_backward_does_not_change_the_gradient_it_is_given():
    _, network = make((3, 4, 2))
    gradient = np.ones((5, 2))
    network.forward(np.ones((5, 3)))
    network.backward(gradient)
    assert (gradient == 1).all()


def test_memory_stays_that_of_the_largest_batch():
    _, network = make((3, 4, 2))
    large = network.forward(np.zeros((64, 3)))
    small = network.forward(np.zeros((5, 3)))
    assert np.shares_memory(large, small)


def test_a_batch_of_none_gives_an_output_of_none():
    _, network = make((3, 4, 2))
    assert network(np.zeros((0, 3))).shape == (0, 2)
    assert network.forward(np.zeros((0, 3))).shape == (0, 2)


def test_a_network_changes_with_its_vector():
    parameters, network = make((3, 4, 2))
    x = np.ones((1, 3))
    before = network(x)
    parameters.vector[:] = 0
    assert (network(x) == 0).all()
    assert (before != 0).all()


def test_two_networks_over_one_vector_do_not_touch_each_other():
    sizes = (3, 4, 2)
    parameters = Parameters({**MLP.shapes("one", sizes), **MLP.shapes("two", sizes)}, np.float64)
    one, two = MLP(parameters, "one", sizes), MLP(parameters, "two", sizes)
    one.initialize(np.random.default_rng(0), hidden_gain=1, output_gain=1)
    half = parameters.size // 2
    assert not parameters.vector[half:].any()
    two.initialize(np.random.default_rng(1), hidden_gain=1, output_gain=1)
    two.forward(np.ones((2, 3)))
    two.backward(np.ones((2, 2)))
    assert not parameters.gradient[:half].any()
    assert parameters.gradient[half:].any()


def test_weights_begin_orthogonal_with_the_gains_of_their_layers_and_biases_zero():
    sizes = (4, 8, 8, 3)
    parameters = Parameters(MLP.shapes("net", sizes), np.float64)
    MLP(parameters, "net", sizes).initialize(np.random.default_rng(0), hidden_gain=math.sqrt(2), output_gain=0.01)
    for i, gain in enumerate([math.sqrt(2), math.sqrt(2), 0.01]):
        singular = np.linalg.svd(parameters[f"net.{i}.weight"], compute_uv=False)
        np.testing.assert_allclose(singular, gain, rtol=1e-10)
        assert not parameters[f"net.{i}.bias"].any()


def test_without_ortho_init_weights_and_biases_are_pytorchs_default():
    sizes = (100, 50, 10)
    parameters = Parameters(MLP.shapes("net", sizes), np.float64)
    network = MLP(parameters, "net", sizes)
    network.initialize(np.random.default_rng(0), hidden_gain=9, output_gain=9, ortho_init=False)
    for i, fan_in in enumerate(sizes[:-1]):
        for kind in ("weight", "bias"):
            drawn = np.abs(parameters[f"net.{i}.{kind}"])
            assert 0.8 / math.sqrt(fan_in) < drawn.max() <= 1 / math.sqrt(fan_in)


def test_the_same_generator_gives_the_same_weights():
    first, _ = make((3, 4, 2), seed=1)
    second, _ = make((3, 4, 2), seed=1)
    other, _ = make((3, 4, 2), seed=2)
    np.testing.assert_array_equal(first.vector, second.vector)
    assert (first.vector != other.vector).any()


def test_float32_weights_give_float32_outputs():
    _, network = make((3, 4, 2), dtype=np.float32)
    assert network(np.zeros((1, 3), np.float32)).dtype == np.float32
