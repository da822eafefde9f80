"""A call of the operating system may fail, and a process may die: an operation is done then, or it is not."""

import itertools

import pytest

from .checks import killed, refused, told
from .harness import ERRORS, Failing, Short


def test_an_operation_of_which_a_call_fails_is_done_or_not_done(ground, operation):
    calls = range(1, len(ground.calls(operation)) + 1, 3)
    systems = (Failing(at, ERRORS[at // 3 % 4], lasting=at // 12 % 2 == 0) for at in calls)
    assert told(refused(ground, operation, systems)) == ""


@pytest.mark.long
def test_an_operation_of_which_a_call_fails_in_any_way_is_done_or_not_done(ground, operation):
    calls = range(1, len(ground.calls(operation)) + 1)
    kinds = itertools.product(calls, ERRORS, (False, True))
    systems = (Failing(at, error, lasting=lasting) for at, error, lasting in kinds)
    assert told(refused(ground, operation, systems)) == ""


def test_a_write_of_which_the_disk_took_half_is_finished(ground, operation):
    writes = [at for at, call in enumerate(ground.calls(operation), 1) if call == "write"]
    assert told(refused(ground, operation, (Short(at) for at in writes))) == ""


def test_an_operation_whose_process_is_killed_is_done_or_not_done(ground, operation):
    assert told(killed(ground, operation, ground.deaths(operation, every=5))) == ""


@pytest.mark.long
def test_an_operation_whose_process_is_killed_before_or_after_a_call_is_done_or_not_done(ground, operation):
    assert told(killed(ground, operation, ground.deaths(operation))) == ""
