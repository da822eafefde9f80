"""Every operation, and a place to try it in where nothing depends on the day or the machine."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from rlkit.registry import registry as registry_module

from .checks import Ground
from .harness import Watched, on
from .operations import OPERATIONS, fill


def pytest_generate_tests(metafunc):
    """Give each test that asks for an operation every one in turn."""
    if "operation" in metafunc.fixturenames:
        metafunc.parametrize("operation", OPERATIONS, ids=str)


def _say_one_origin(monkeypatch):
    origin = {"git": None, "packages": {}, "user": None, "host": None, "created": "2026-01-02T03:04:05.000006+00:00"}
    monkeypatch.setattr(registry_module, "provenance", lambda _: dict(origin))
    monkeypatch.setattr(registry_module, "asking_git", lambda: contextlib.nullcontext(lambda: None))


@pytest.fixture
def one_origin(monkeypatch):
    """Let every version say that it was registered at one time, in one place."""
    _say_one_origin(monkeypatch)


MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of small folders are made here, in one of a name of its own


def _folder(otherwise):
    """Make a folder in memory where that can be had: it halves the time."""
    return tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else otherwise)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A registry with something of everything, which nobody changes."""
    with _folder(tmp_path_factory.mktemp("base")) as folder:
        with pytest.MonkeyPatch.context() as monkeypatch, on(Watched()):  # and for nobody else's tests
            _say_one_origin(monkeypatch)
            fill(Path(folder))
        yield Path(folder)


@pytest.fixture
def memory(tmp_path):
    with _folder(tmp_path) as folder:
        yield Path(folder).resolve()


_known = {}


@pytest.fixture
def ground(memory, base, one_origin):
    return Ground(memory, base, _known)


@pytest.fixture
def ground_of_a_broken_rlkit(memory, base, one_origin):
    """Found nothing yet, and nobody else learns what it finds."""
    return Ground(memory, base, {})
