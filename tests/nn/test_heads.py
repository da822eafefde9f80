from __future__ import annotations

import numpy as np
import pytest

from rlkit.nn.heads import BernoulliHead, CategoricalHead, GaussianHead, MultiCategoricalHead, StateDependentHead
from rlkit.nn.parameters import Parameters

LATENT = 3
HEADS = {
    "categorical": lambda: CategoricalHead(4),
    "multi-categorical": lambda: MultiCategoricalHead([2, 3]),
    "bernoulli": lambda: BernoulliHead(3),
    "gaussian": lambda: GaussianHead(2, -0.5),
    "gsde": lambda: StateDependentHead(2, -0.5, 4),
}


def attached(head, dtype=np.float32):
    parameters = Parameters(head.shapes(LATENT), dtype)
    head.attach(parameters)
    return head, parameters


@pytest.fixture(params=HEADS)
def head(request):
    return attached(HEADS[request.param]())[0]


def drawn(head, batch, seed=0):
    """Outputs and hidden layer that are the same in every row, and as many actions drawn for them."""
    rng = np.random.default_rng(seed)
    outputs = np.tile(rng.normal(size=head.outputs).astype(np.float32), (batch, 1))
    latent = np.tile(rng.normal(size=LATENT).astype(np.float32), (batch, 1))
    return outputs, latent, head.sample(outputs, latent, next(head.noise(rng, 1, batch)))


def test_actions_have_the_shape_and_dtype_that_the_head_says(head):
    outputs, _, actions = drawn(head, 5)
    for array in (actions, head.mode(outputs)):
        assert array.shape == (5, *head.action_shape)
        assert array.dtype == head.action_dtype


def test_the_mode_is_the_most_probable_of_many_actions(head):
    outputs, latent, actions = drawn(head, 500)
    policy = head.distribution(outputs, latent)
    assert (policy.log_prob(head.mode(outputs)) >= policy.log_prob(actions) - 1e-5).all()


def test_the_entropy_is_the_mean_of_the_negative_log_probability(head):
    n = 40_000
    outputs, latent, actions = drawn(head, n, seed=1)
    policy = head.distribution(outputs, latent)
    surprise = -policy.log_prob(actions)
    # Five standard deviations of the mean.
    assert abs(surprise.mean() - policy.entropy()[0]) < 5 * surprise.std() / np.sqrt(n) + 1e-5


def test_choices_have_the_frequencies_of_their_probabilities():
    head, n = CategoricalHead(4), 40_000
    outputs, latent, actions = drawn(head, n)
    frequencies = np.bincount(actions, minlength=4) / n
    probs = head.distribution(outputs, latent).probs[0]
    assert (np.abs(frequencies - probs) < 5 * np.sqrt(probs * (1 - probs) / n)).all()


def test_the_noise_comes_from_the_generator_given_one_for_each_step(head):
    first, second = (list(head.noise(np.random.default_rng(0), 6, 2)) for _ in range(2))
    assert len(first) == 6
    for one, other in zip(first, second, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("sample_freq", "new"), [(-1, [0]), (0, [0]), (1, [0, 1, 2, 3, 4]), (2, [0, 2, 4])])
def test_gsde_draws_its_coefficients_anew_after_so_many_steps(sample_freq, new):
    head, _ = attached(StateDependentHead(2, 0.0, sample_freq))
    noise = list(head.noise(np.random.default_rng(0), 5, 3))
    assert all(one.shape == (3, LATENT, 2) for one in noise)
    changed = [t for t in range(5) if t == 0 or (noise[t] != noise[t - 1]).any()]
    assert changed == new


def test_gsde_gives_the_same_noise_to_the_same_state_between_two_draws():
    head, _ = attached(StateDependentHead(2))
    noise = next(head.noise(np.random.default_rng(0), 1, 1))
    outputs, latent = np.zeros((1, 2), np.float32), np.ones((1, LATENT), np.float32)
    np.testing.assert_array_equal(head.sample(outputs, latent, noise), head.sample(outputs, latent, noise))
    np.testing.assert_allclose(head.sample(outputs, 2 * latent, noise), 2 * head.sample(outputs, latent, noise))


def test_the_spread_begins_where_it_should():
    for head in (attached(GaussianHead(2, -1.5))[0], attached(StateDependentHead(2, -1.5))[0]):
        np.testing.assert_array_equal(head.log_std, np.float32(-1.5))


@pytest.mark.parametrize("by_entropy", [0.0, -0.7])
@pytest.mark.parametrize("kind", ["gaussian", "gsde"])
def test_the_gradient_by_the_heads_own_parameters_equals_finite_differences(numeric_gradient, kind, by_entropy):
    head, parameters = attached(HEADS[kind](), np.float64)
    rng = np.random.default_rng(0)
    outputs, latent, actions = rng.normal(size=(5, 2)), rng.normal(size=(5, LATENT)), rng.normal(size=(5, 2))
    parameters.vector += rng.normal(0, 0.3, parameters.size)
    weights = rng.normal(size=5)

    def loss():
        policy = head.distribution(outputs, latent)
        return float(weights @ policy.log_prob(actions) + by_entropy * policy.entropy().sum())

    head.distribution(outputs, latent).backward(actions, weights, by_entropy)
    numeric = numeric_gradient(loss, parameters.vector)
    assert np.linalg.norm(parameters.gradient - numeric) <= 1e-6 * np.linalg.norm(numeric)


def test_gsdes_spread_is_above_zero_where_the_hidden_layer_is_silent():
    head = StateDependentHead(2)
    parameters = Parameters(head.shapes(3))
    head.attach(parameters)
    _, _, spread = head.spread(np.zeros((1, 3), np.float32))
    np.testing.assert_allclose(spread, 1e-3, rtol=1e-5)
