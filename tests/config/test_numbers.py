from __future__ import annotations

import numpy as np
import pytest

from rlkit.config.numbers import whole_number
from rlkit.errors import TrainingError


@pytest.mark.parametrize("value", [1, 10**30, np.int64(5), np.uint8(5)])
def test_whole_numbers_of_any_kind_become_ints(value):
    number = whole_number("steps", value, 1, TrainingError)
    assert number == value
    assert type(number) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, True, "1", None, [1], np.float64(1), np.bool_(1)])
def test_anything_else_is_refused_with_name_value_and_bound(value):
    with pytest.raises(TrainingError) as refused:
        whole_number("steps", value, 1, TrainingError)
    assert refused.value.problem == f"steps = {value!r} is not allowed."
    assert refused.value.remedy == "Give a whole number, at least 1."
