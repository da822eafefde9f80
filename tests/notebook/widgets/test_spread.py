"""The band of a learning curve."""

import numpy as np

from rlkit.notebook.widgets.spread import spread


def test_the_band_is_the_spread_of_the_last_hundred_returns():
    returns = np.random.default_rng(0).normal(1e6, 1, size=250)
    found = spread(np.array([0, 5, 50, 250]), {"return": returns, "num_timesteps": np.arange(1, 251)})
    expected = [0, returns[:5].std(), returns[:50].std(), returns[150:250].std()]
    assert np.allclose(found, expected, rtol=1e-9)


def test_without_episodes_nothing_spreads():
    assert spread(np.array([1, 2]), {}).tolist() == [0, 0]
