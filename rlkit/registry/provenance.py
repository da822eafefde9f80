"""Where a version came from: commit, packages, user, machine and time, found without asking anybody."""

from __future__ import annotations

import contextlib
import getpass
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from rlkit.storage.archive import rlkit_version

_GIT_TIMEOUT = 2.0  # seconds; a registration must not hang on a slow network disk


def provenance(git: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    """Return what a manifest says about its origin: git, packages, user, host and created.

    Args:
        git: What ``asking_git`` yielded.
    """
    return {
        "git": git(),
        "packages": package_versions(),
        "user": _user(),
        "host": platform.node() or None,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
    }


@contextlib.contextmanager
def asking_git(folder: Path) -> Iterator[Callable[[], dict[str, Any] | None]]:
    """Ask git about a folder while the block does other work: git takes some milliseconds.

    Args:
        folder: A folder, in a working tree or not.

    Yields:
        What waits for the answer: ``{"commit": …, "dirty": …}``, where a tree without any commit has None for one and
        files that git does not track count for nothing; None outside a working tree, without git, or if git takes too
        long.
    """
    process = _started(folder)
    if process is None:
        yield lambda: None
        return
    with process:
        try:
            yield partial(_answer, process)
        finally:
            process.kill()  # of no consequence where it has answered


def _started(folder: Path) -> subprocess.Popen[bytes] | None:
    if not any((parent / ".git").exists() for parent in [folder, *folder.parents]):
        return None
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        return subprocess.Popen(  # noqa: S603 - a constant command
            command,
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # reading must not write into somebody's repository
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    try:
        output, _ = process.communicate(timeout=_GIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        return None
    return _parsed(output.decode("utf-8", "replace")) if process.returncode == 0 else None


@cache
def package_versions() -> dict[str, str]:
    """Return the versions of python and of the packages that a result may depend on."""
    names = ("numpy", "dill", "gymnasium")
    versions = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), **versions, "rlkit": rlkit_version()}


def _parsed(status: str) -> dict[str, Any]:
    lines = status.splitlines()
    heads = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    commit = heads[0] if heads and heads[0] != "(initial)" else None
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


@cache
def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return None
