from __future__ import annotations

import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from rlkit.nn.threads import one_blas_thread

SECONDS = 300  # more than anything here takes, even on a busy machine


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def limited_in_a_thread():
    """BLAS's numbers of threads inside a limit that another thread sets."""
    inside = []

    def train():
        with one_blas_thread():
            inside.extend(blas_threads())

    thread = threading.Thread(target=train)
    thread.start()
    thread.join(SECONDS)
    return inside


@pytest.fixture(autouse=True)
def two_threads():
    """Begin with two threads, whatever this machine has, so that a limit shows."""
    with threadpool_limits(2, user_api="blas"):
        assert set(blas_threads()) == {2}
        yield


def test_blas_has_one_thread_inside_and_what_it_had_outside():
    with one_blas_thread():
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_the_limit_holds_until_the_outermost_block_ends():
    with one_blas_thread():
        with one_blas_thread():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_the_limit_is_taken_back_after_an_error():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0  # noqa: B018 - any error
    assert set(blas_threads()) == {2}


def test_a_thread_that_ends_first_does_not_take_the_limit_from_another():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with one_blas_thread():
            entered.set()
            leave.wait(SECONDS)

    with one_blas_thread():
        thread = threading.Thread(target=hold)
        thread.start()
        assert entered.wait(SECONDS)
    assert set(blas_threads()) == {1}
    leave.set()
    thread.join(SECONDS)
    assert set(blas_threads()) == {2}


def test_a_thread_can_limit_while_another_holds_a_limit_of_its_own(two_threads):
    assert set(limited_in_a_thread()) == {1}
    assert set(blas_threads()) == {2}


def test_a_background_thread_can_limit_after_the_main_thread_has():
    with one_blas_thread():
        pass
    assert set(limited_in_a_thread()) == {1}
    assert set(blas_threads()) == {2}
