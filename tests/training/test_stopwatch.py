"""A clock that stands still while nothing goes on."""

import pytest

from rlkit.training import stopwatch
from rlkit.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    return now


def test_it_counts_only_while_it_runs(clock):
    watch = Stopwatch()
    assert watch.seconds == 0
    watch.start()
    clock[0] += 2
    watch.start()
    clock[0] += 1
    assert watch.seconds == 3
    watch.stop()
    clock[0] += 10
    watch.stop()
    assert watch.seconds == 3
    watch.start()
    clock[0] += 1
    assert watch.seconds == 4
