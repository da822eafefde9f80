"""Warnings of rlkit, as whoever types a line reads them."""

import warnings

import pytest

from rlkit.verbs.notes import notes


def test_a_warning_is_a_sentence_each_time(capsys):
    for _ in range(2):
        with notes():
            warnings.warn("It is kept already.", stacklevel=1)
    assert capsys.readouterr().err == "Note: It is kept already.\n" * 2


def test_errors_pass_and_the_filters_are_as_before():
    before = list(warnings.filters)
    with pytest.raises(ZeroDivisionError), notes():
        _ = 1 // 0
    assert warnings.filters == before
