"""No test depends on how fast the machine is, or on what else it does."""

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

FILES = sorted(Path(__file__).parent.rglob("*.py"))


def test_nothing_that_hypothesis_runs_is_measured():
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
