"""What may be told about a version."""

import math

import numpy as np
import pytest

from rlkit.errors import ConfigError
from rlkit.registry.checks import check_description, check_metrics


def test_numbers_of_any_kind_become_plain_ones():
    metrics = check_metrics({"a": 1, "b": 2.5, "c": np.float32(0.5), "d": np.int64(3)})
    assert metrics == {"a": 1, "b": 2.5, "c": 0.5, "d": 3}
    assert {type(value) for value in metrics.values()} == {int, float}


def test_what_could_not_be_measured_is_nan():
    assert math.isnan(check_metrics({"a": float("nan")})["a"])


def test_no_metrics_are_no_metrics():
    assert check_metrics(None) == check_metrics({}) == {}


@pytest.mark.parametrize(
    "value", ["500", None, True, [1], np.zeros(2), math.inf, -math.inf, np.float32("inf"), 1j, 10**400]
)
def test_values_that_cannot_be_compared_are_refused_by_name(value):
    with pytest.raises(ConfigError, match="mean_return"):
        check_metrics({"mean_return": value})


@pytest.mark.parametrize("metrics", [[("a", 1)], 5, "a", {1: 2.0}, {"": 1.0}])
def test_metrics_must_be_a_dict_with_names(metrics):
    with pytest.raises(ConfigError):
        check_metrics(metrics)


def test_a_description_is_text():
    assert check_description("*good*") == "*good*"
    with pytest.raises(ConfigError):
        check_description(3)
