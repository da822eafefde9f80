from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from rlkit.nn.optimizers import Adam, RMSprop, clip_global_norm


def textbook_adam(start, gradients, learning_rates, *, beta1, beta2, eps):
    """Algorithm 1 of the paper, one number at a time."""
    values = [float(value) for value in start]
    for k in range(len(values)):
        first = second = 0.0
        for t, (gradient, learning_rate) in enumerate(zip(gradients, learning_rates, strict=True), start=1):
            g = float(gradient[k])
            first = beta1 * first + (1 - beta1) * g
            second = beta2 * second + (1 - beta2) * g * g
            corrected_first = first / (1 - beta1**t)
            corrected_second = second / (1 - beta2**t)
            values[k] -= learning_rate * corrected_first / (math.sqrt(corrected_second) + eps)
    return values


@pytest.mark.parametrize(("beta1", "beta2", "eps"), [(0.9, 0.999, 1e-5), (0.9, 0.999, 1e-8), (0.5, 0.9, 1e-3)])
def test_adam_equals_the_textbook(beta1, beta2, eps):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(30, 5))
    learning_rates = np.linspace(0.1, 0.0, 30)
    vector = start.copy()
    optimizer = Adam(vector, beta1, beta2, eps)
    for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
        optimizer.step(gradient, float(learning_rate))
    expected = textbook_adam(start, gradients, learning_rates, beta1=beta1, beta2=beta2, eps=eps)
    np.testing.assert_allclose(vector, expected, rtol=1e-12)


def test_adam_takes_steps_of_known_size():
    vector = np.array([1.0, -2.0])
    optimizer = Adam(vector, eps=1e-5)
    optimizer.step(np.array([0.5, -0.25]), 0.1)
    # After one step both corrected moments are the gradient's own, so that each number moves by lr * g / (|g| + eps).
    np.testing.assert_allclose(vector, [1 - 0.1 * 0.5 / 0.50001, -2 + 0.1 * 0.25 / 0.25001], rtol=1e-14)
    optimizer.step(np.array([0.5, -0.25]), 0.1)
    np.testing.assert_allclose(vector, [1 - 0.2 * 0.5 / 0.50001, -2 + 0.2 * 0.25 / 0.25001], rtol=1e-12)


def test_adams_default_eps_is_that_of_sb3s_ppo():
    assert (Adam(np.zeros(1)).beta1, Adam(np.zeros(1)).beta2, Adam(np.zeros(1)).eps) == (0.9, 0.999, 1e-5)


def test_adam_does_not_change_the_gradient():
    gradient = np.array([1.0, 2.0])
    Adam(np.zeros(2)).step(gradient, 0.1)
    assert gradient.tolist() == [1, 2]


def test_adam_goes_on_from_its_state_bit_for_bit():
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=(10, 4)).astype(np.float32)
    one = np.zeros(4, np.float32)
    whole = Adam(one)
    for gradient in gradients[:5]:
        whole.step(gradient, 0.01)
    state, two = whole.get_state(), one.copy()
    for gradient in gradients[5:]:
        whole.step(gradient, 0.01)
    resumed = Adam(two)
    resumed.set_state(state)
    for gradient in gradients[5:]:
        resumed.step(gradient, 0.01)
    np.testing.assert_array_equal(one, two)


def test_adams_state_is_a_copy():
    optimizer = Adam(np.zeros(2))
    optimizer.step(np.ones(2), 0.1)
    state = optimizer.get_state()
    optimizer.step(np.ones(2), 0.1)
    assert state["steps"] == 1
    np.testing.assert_allclose(state["first"], 0.1)


@pytest.mark.parametrize("part", ["first", "second"])
@pytest.mark.parametrize("damaged", [0.0, np.zeros(1), np.zeros(3)])
def test_adam_refuses_moments_of_another_shape(part, damaged):
    state = {**Adam(np.zeros(2)).get_state(), part: damaged}
    with pytest.raises(ValueError, match="shape"):
        Adam(np.zeros(2)).set_state(state)


def textbook_rmsprop(start, gradients, learning_rates, *, alpha, eps, tensorflow):
    """RMSprop as PyTorch documents it, and as TensorFlow 1 did, one number at a time."""
    values = [float(value) for value in start]
    for k in range(len(values)):
        square = 1.0 if tensorflow else 0.0
        for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
            g = float(gradient[k])
            square = alpha * square + (1 - alpha) * g * g
            root = math.sqrt(square + eps) if tensorflow else math.sqrt(square) + eps
            values[k] -= learning_rate * g / root
    return values


@pytest.mark.parametrize("tensorflow", [False, True])
@pytest.mark.parametrize(("alpha", "eps"), [(0.99, 1e-5), (0.9, 1e-2)])
def test_rmsprop_equals_the_textbook(tensorflow, alpha, eps):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(30, 5))
    learning_rates = np.linspace(0.1, 0.0, 30)
    vector = start.copy()
    optimizer = RMSprop(vector, alpha, eps, tensorflow=tensorflow)
    for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
        optimizer.step(gradient, float(learning_rate))
    expected = textbook_rmsprop(start, gradients, learning_rates, alpha=alpha, eps=eps, tensorflow=tensorflow)
    np.testing.assert_allclose(vector, expected, rtol=1e-12)


def test_rmsprop_goes_on_from_its_state_bit_for_bit():
    gradients = np.random.default_rng(1).normal(size=(10, 4)).astype(np.float32)
    one = np.zeros(4, np.float32)
    whole = RMSprop(one)
    for gradient in gradients[:5]:
        whole.step(gradient, 0.01)
    state, two = whole.get_state(), one.copy()
    resumed = RMSprop(two)
    resumed.set_state(state)
    for gradient in gradients[5:]:
        whole.step(gradient, 0.01)
        resumed.step(gradient, 0.01)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("damaged", [0.0, np.zeros(1), np.zeros(3)])
def test_rmsprop_refuses_a_mean_square_of_another_shape(damaged):
    with pytest.raises(ValueError, match="shape"):
        RMSprop(np.zeros(2)).set_state({"mean_square": damaged})


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e3, 1e3)), st.floats(0.01, 100))
def test_the_norm_after_clipping_is_at_most_the_largest_allowed(gradient, max_norm):
    before = gradient.copy()
    norm = clip_global_norm(gradient, max_norm)
    assert norm == pytest.approx(np.linalg.norm(before), rel=1e-12)
    assert np.linalg.norm(gradient) <= max_norm * (1 + 1e-12)
    if norm + 1e-6 <= max_norm:
        np.testing.assert_array_equal(gradient, before)
    else:  # the direction is kept
        np.testing.assert_allclose(gradient * norm, before * np.linalg.norm(gradient), atol=1e-6)


def test_clipping_divides_by_the_norm_plus_a_millionth_as_torch_does():
    gradient = np.array([3.0, 4.0])
    assert clip_global_norm(gradient, 0.5) == 5.0
    np.testing.assert_allclose(gradient, np.array([3.0, 4.0]) * 0.5 / (5 + 1e-6), rtol=1e-15)


def test_clipping_a_gradient_of_zeros_leaves_zeros():
    gradient = np.zeros(3)
    assert clip_global_norm(gradient, 0.5) == 0
    assert not gradient.any()
