"""Spaces of all kinds, for tests of what must hold for any of them."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import rlkit

sys.path.insert(0, str(Path(__file__).parent))  # for the environments of untidy.py, which copies in processes import

import untidy


@st.composite
def boxes(draw, largest=2**64):
    dtype = np.dtype(draw(st.sampled_from(["float32", "float64", "int8", "uint8", "int32", "int64", "uint16"])))
    shape = draw(array_shapes(min_dims=0, max_dims=3, max_side=3))
    if dtype.kind == "f":
        limit = float(np.finfo(dtype).max) / 4  # the distance of two bounds must be a number for Gymnasium's sampling
        ends = st.floats(-limit, limit, width=dtype.itemsize * 8) | st.sampled_from([-np.inf, np.inf])
    else:
        limits = np.iinfo(dtype)
        ends = st.integers(max(int(limits.min), -largest), min(int(limits.max), largest))
    bounds = draw(arrays(dtype, (2, *shape), elements=ends, fill=ends))
    low, high = bounds.min(axis=0), bounds.max(axis=0)
    # Gymnasium refuses a low of +inf and a high of -inf.
    if dtype.kind == "f":
        low, high = np.where(low == np.inf, 0, low), np.where(high == -np.inf, 0, high)
    return spaces.Box(low.astype(dtype), high.astype(dtype), shape, dtype.type)


_LEAVES = st.one_of(
    boxes(largest=2**50),  # beyond, Gymnasium's own sampling adds 1 to a bound and passes the type's end
    st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), st.integers(-3, 3)),
    st.builds(
        lambda sizes: spaces.MultiDiscrete(sizes, start=[1] * len(sizes)),
        st.lists(st.integers(1, 4), min_size=1, max_size=4),
    ),
    st.just(spaces.MultiDiscrete([[2, 3], [4, 1]])),
    st.builds(spaces.MultiBinary, st.integers(1, 5) | st.just([2, 3])),
)
_NESTED = st.recursive(
    _LEAVES,
    lambda part: st.one_of(
        st.builds(spaces.Dict, st.dictionaries(st.text("abc", min_size=1, max_size=2), part, min_size=1, max_size=3)),
        st.builds(spaces.Tuple, st.lists(part, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="session")
def any_box():
    """A strategy for Box spaces of any shape, dtype and bounds."""
    return boxes()


@pytest.fixture(scope="session")
def any_space():
    """A strategy for all spaces of observations, nested ones too."""
    return _NESTED


# -- untidy environments -----------------------------------------------------------------------------------------------

SMALL = {
    "n_envs": 2,
    "n_steps": 8,
    "batch_size": 8,
    "n_epochs": 2,
    "learning_starts": 8,
    "train_freq": 4,
    "buffer_size": 500,
    "net_arch": [8],
}
"""Settings of a small model; of each algorithm those that it has."""


def _cases():
    """Every algorithm in the factory, with every untidy environment and every kind of action that it takes."""
    for name in rlkit.factory.names():
        kinds = {kind.__name__ for kind in rlkit.factory.get(name).action_spaces}
        for kind in untidy.ACTIONS:
            if kind in kinds:
                yield from ((name, env, kind) for env in untidy.REPEATABLE)


@pytest.fixture(scope="session")
def small_model():
    """A function that makes a small model of any algorithm: ``small_model("ppo", env, seed=0)``."""

    def small_model(name, env, seed=0, **settings):
        known = rlkit.factory.get(name).Config.hyperparameters()
        chosen = {key: value for key, value in SMALL.items() if key in known} | settings
        return rlkit.create(name, env, seed=seed, **chosen)

    return small_model


@pytest.fixture(params=list(_cases()), ids=lambda case: f"{case[0]}-{case[1].__name__}-{case[2]}")
def untidy_model(request, small_model):
    """A function that makes a model in an untidy environment, the same each time."""
    name, env, actions = request.param

    def make(seed=0, **settings):
        return small_model(name, functools.partial(env, actions), seed, **settings)

    return make
