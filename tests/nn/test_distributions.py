from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from rlkit.nn.distributions import Categorical


def logits_of(rng, batch, n, scale=2.0):
    return rng.normal(0, scale, (batch, n))


def numeric_gradient(function, logits, step=1e-6):
    gradient = np.empty_like(logits)
    for index in np.ndindex(logits.shape):
        kept = logits[index]
        logits[index] = kept + step
        above = function(logits)
        logits[index] = kept - step
        below = function(logits)
        logits[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))


@pytest.mark.parametrize(("batch", "n"), [(1, 2), (3, 4), (7, 6)])
def test_log_prob_gradient_equals_finite_differences(batch, n):
    rng = np.random.default_rng(0)
    logits, actions, weights = logits_of(rng, batch, n), rng.integers(n, size=batch), rng.normal(size=batch)
    numeric = numeric_gradient(lambda z: float(weights @ Categorical(z).log_prob(actions)), logits)
    assert relative_error(Categorical(logits).log_prob_backward(actions, weights), numeric) <= 1e-6


@pytest.mark.parametrize(("batch", "n"), [(1, 2), (3, 4), (7, 6)])
def test_entropy_gradient_equals_finite_differences(batch, n):
    rng = np.random.default_rng(1)
    logits, weights = logits_of(rng, batch, n), rng.normal(size=batch)
    numeric = numeric_gradient(lambda z: float(weights @ Categorical(z).entropy()), logits)
    assert relative_error(Categorical(logits).entropy_backward(weights), numeric) <= 1e-6


finite_logits = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1e3, 1e3))


@given(finite_logits)
@settings(deadline=None)
def test_probabilities_are_a_distribution_for_any_logits(logits):
    distribution = Categorical(logits)
    np.testing.assert_allclose(distribution.probs.sum(axis=1), 1, rtol=1e-12)
    assert np.isfinite(distribution.log_probs).all()
    entropy = distribution.entropy()
    assert (entropy >= -1e-12).all()
    assert (entropy <= np.log(logits.shape[1]) + 1e-12).all()


@given(finite_logits, st.floats(-1e3, 1e3))
@settings(deadline=None)
def test_adding_a_constant_to_the_logits_changes_nothing(logits, constant):
    np.testing.assert_allclose(Categorical(logits + constant).probs, Categorical(logits).probs, atol=1e-9)


@given(finite_logits)
@settings(deadline=None)
def test_the_mode_is_the_most_probable_action(logits):
    probs = Categorical(logits).probs
    rows = np.arange(len(logits))
    assert (probs[rows, Categorical.mode(logits)] >= probs.max(axis=1) - 1e-12).all()


def test_log_prob_is_the_logarithm_of_the_probability():
    logits = logits_of(np.random.default_rng(2), 5, 3)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    actions = np.array([0, 1, 2, 1, 0])
    np.testing.assert_allclose(Categorical(logits).log_prob(actions), np.log(probs[np.arange(5), actions]))


def test_entropy_of_equal_logits_is_the_logarithm_of_their_number():
    np.testing.assert_allclose(Categorical(np.zeros((2, 8))).entropy(), np.log(8))


def test_logits_are_not_changed():
    logits = logits_of(np.random.default_rng(3), 4, 3)
    kept = logits.copy()
    distribution = Categorical(logits)
    distribution.log_prob_backward(np.zeros(4, int), np.ones(4))
    distribution.entropy_backward(np.ones(4))
    Categorical.sample(logits, np.ones((4, 3)))
    np.testing.assert_array_equal(logits, kept)


def test_a_distribution_keeps_its_probabilities_when_the_logits_buffer_is_reused():
    logits = logits_of(np.random.default_rng(4), 4, 3)
    distribution = Categorical(logits)
    kept = distribution.log_probs.copy()
    logits[:] = 0
    np.testing.assert_array_equal(distribution.log_probs, kept)


def test_gumbel_max_samples_have_the_frequencies_of_the_probabilities():
    rng = np.random.default_rng(5)
    draws = 40_000
    row = np.array([0.5, -1.0, 2.0, 0.0])
    logits = np.tile(row, (draws, 1)).astype(np.float32)
    actions = Categorical.sample(logits, Categorical.noise(rng, logits.shape))
    frequencies = np.bincount(actions, minlength=4) / draws
    probs = np.exp(row) / np.exp(row).sum()
    # Five standard deviations of each frequency.
    assert (np.abs(frequencies - probs) < 5 * np.sqrt(probs * (1 - probs) / draws)).all()


def test_noise_is_float32_and_comes_from_the_generator_given():
    first = Categorical.noise(np.random.default_rng(0), (3, 2, 4))
    second = Categorical.noise(np.random.default_rng(0), (3, 2, 4))
    assert first.dtype == np.float32
    assert first.shape == (3, 2, 4)
    np.testing.assert_array_equal(first, second)
