from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from rlkit.nn.distributions import Bernoulli, Categorical, DiagonalGaussian, MultiCategorical


def relative_error(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))


def bits(rng, batch, n):
    return rng.integers(2, size=(batch, n), dtype=np.int8)


def choices(rng, batch, sizes):
    return np.stack([rng.integers(n, size=batch) for n in sizes], axis=1)


# How each is made of a matrix of numbers, how many these are, and how actions are drawn at random.
KINDS = {
    "categorical": (Categorical, 4, lambda rng, batch: rng.integers(4, size=batch)),
    "multi-categorical": (
        lambda z: MultiCategorical(z, [2, 3, 1]),
        6,
        lambda rng, batch: choices(rng, batch, [2, 3, 1]),
    ),
    "bernoulli": (Bernoulli, 3, lambda rng, batch: bits(rng, batch, 3)),
    "gaussian": (
        lambda z: DiagonalGaussian(z, np.array([0.5, 2.0])),
        2,
        lambda rng, batch: rng.normal(size=(batch, 2)),
    ),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.mark.parametrize("by_entropy", [0.0, -0.7])
@pytest.mark.parametrize("batch", [1, 3, 7])
def test_the_gradient_equals_finite_differences(numeric_gradient, kind, batch, by_entropy):
    make, n, draw = kind
    rng = np.random.default_rng(0)
    outputs, actions, weights = rng.normal(0, 2, (batch, n)), draw(rng, batch), rng.normal(size=batch)

    def loss():
        distribution = make(outputs)
        return float(weights @ distribution.log_prob(actions) + by_entropy * distribution.entropy().sum())

    numeric = numeric_gradient(loss, outputs.reshape(-1)).reshape(outputs.shape)
    assert relative_error(make(outputs).backward(actions, weights, by_entropy), numeric) <= 1e-6


@pytest.mark.parametrize("by_entropy", [0.0, -0.7])
@pytest.mark.parametrize("batch", [1, 5])
def test_the_gradient_by_the_spread_equals_finite_differences(numeric_gradient, batch, by_entropy):
    rng = np.random.default_rng(1)
    mean, actions, weights = rng.normal(size=(batch, 3)), rng.normal(size=(batch, 3)), rng.normal(size=batch)
    std = rng.uniform(0.3, 2, (batch, 3))

    def loss():
        distribution = DiagonalGaussian(mean, std)
        return float(weights @ distribution.log_prob(actions) + by_entropy * distribution.entropy().sum())

    numeric = numeric_gradient(loss, std.reshape(-1)).reshape(std.shape)
    analytic = DiagonalGaussian(mean, std).backward_std(actions, weights, by_entropy)
    assert relative_error(analytic, numeric) <= 1e-6


def test_nothing_given_is_changed(kind):
    make, n, draw = kind
    rng = np.random.default_rng(3)
    outputs, actions, weights = rng.normal(size=(4, n)), draw(rng, 4), rng.normal(size=4)
    kept = [array.copy() for array in (outputs, actions, weights)]
    distribution = make(outputs)
    distribution.log_prob(actions)
    distribution.entropy()
    distribution.backward(actions, weights, 0.5)
    for array, before in zip((outputs, actions, weights), kept, strict=True):
        np.testing.assert_array_equal(array, before)


def test_float32_stays_float32(kind):
    make, n, draw = kind
    rng = np.random.default_rng(3)
    outputs, weights = rng.normal(size=(4, n)).astype(np.float32), np.ones(4, np.float32)
    if isinstance(make(outputs), DiagonalGaussian):
        distribution = DiagonalGaussian(outputs, np.ones(n, np.float32))
        actions = draw(rng, 4).astype(np.float32)
    else:
        distribution, actions = make(outputs), draw(rng, 4)
    for array in (distribution.entropy(), distribution.backward(actions, weights, 0.5)):
        assert array.dtype == np.float32


# -- each against its formula ------------------------------------------------------------------------------------------

finite_logits = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1e3, 1e3))


@given(finite_logits)
def test_probabilities_are_a_distribution_for_any_logits(logits):
    distribution = Categorical(logits)
    np.testing.assert_allclose(distribution.probs.sum(axis=1), 1, rtol=1e-12)
    assert np.isfinite(distribution.log_probs).all()
    entropy = distribution.entropy()
    assert (entropy >= -1e-12).all()
    assert (entropy <= np.log(logits.shape[1]) + 1e-12).all()


@given(finite_logits, st.floats(-1e3, 1e3))
def test_adding_a_constant_to_the_logits_changes_nothing(logits, constant):
    np.testing.assert_allclose(Categorical(logits + constant).probs, Categorical(logits).probs, atol=1e-9)


def test_log_prob_is_the_logarithm_of_the_probability():
    logits = np.random.default_rng(2).normal(0, 2, (5, 3))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    actions = np.array([0, 1, 2, 1, 0])
    np.testing.assert_allclose(Categorical(logits).log_prob(actions), np.log(probs[np.arange(5), actions]))


def test_entropy_of_equal_logits_is_the_logarithm_of_their_number():
    np.testing.assert_allclose(Categorical(np.zeros((2, 8))).entropy(), np.log(8))


def test_a_distribution_keeps_its_probabilities_when_the_logits_buffer_is_reused():
    logits = np.random.default_rng(4).normal(size=(4, 3))
    distribution = Categorical(logits)
    kept = distribution.log_probs.copy()
    logits[:] = 0
    np.testing.assert_array_equal(distribution.log_probs, kept)


def test_independent_choices_have_the_product_of_their_probabilities():
    logits = np.random.default_rng(5).normal(size=(4, 5))
    actions = np.array([[0, 2], [1, 0], [1, 1], [0, 0]])
    both = MultiCategorical(logits, [2, 3])
    first, second = Categorical(logits[:, :2]), Categorical(logits[:, 2:])
    np.testing.assert_allclose(both.log_prob(actions), first.log_prob(actions[:, 0]) + second.log_prob(actions[:, 1]))
    np.testing.assert_allclose(both.entropy(), first.entropy() + second.entropy())


def test_bits_are_choices_between_two():
    logits = np.random.default_rng(6).normal(size=(4, 3))
    actions = bits(np.random.default_rng(7), 4, 3)
    pairs = np.stack([np.zeros_like(logits), logits], axis=2).reshape(4, 6)
    expected = MultiCategorical(pairs, [2, 2, 2])
    np.testing.assert_allclose(Bernoulli(logits).log_prob(actions), expected.log_prob(actions))
    np.testing.assert_allclose(Bernoulli(logits).entropy(), expected.entropy())


@given(arrays(np.float64, (2, 3), elements=st.floats(-1e4, 1e4)))
def test_bits_of_any_logits_are_finite(logits):
    distribution = Bernoulli(logits)
    assert np.isfinite(distribution.log_prob(np.array([[0, 1, 0], [1, 0, 1]]))).all()
    assert (distribution.entropy() >= -1e-9).all()


def test_the_density_of_a_gaussian_is_its_formula():
    mean, std, x = np.array([[1.0, -2.0]]), np.array([0.5, 3.0]), np.array([[1.5, 0.0]])
    density = np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(DiagonalGaussian(mean, std).log_prob(x), np.log(density).sum(axis=1))
    expected = np.log(std * math.sqrt(2 * math.pi * math.e)).sum()
    np.testing.assert_allclose(DiagonalGaussian(mean, std).entropy(), expected)
