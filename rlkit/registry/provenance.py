"""Where a version came from: commit, packages, user, machine and time, found without asking anybody."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from rlkit.storage.archive import rlkit_version

_GIT_TIMEOUT = 2.0  # seconds; a registration must not hang on a slow network disk


def provenance() -> dict[str, Any]:
    """Return what a manifest says about its origin: git, packages, user, host and created."""
    return {
        "git": git_state(Path.cwd()),
        "packages": package_versions(),
        "user": _user(),
        "host": platform.node() or None,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Ask git about a folder.

    Args:
        folder: A folder, in a working tree or not.

    Returns:
        ``{"commit": …, "dirty": …}``, where a tree without any commit has None for one and files that git does not
        track count for nothing; None outside a working tree, without git, or if git takes too long.
    """
    git = shutil.which("git")
    if git is None or not any((parent / ".git").exists() for parent in [folder, *folder.parents]):
        return None
    command = [git, "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        answer = subprocess.run(  # noqa: S603 - a constant command
            command,
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # reading must not write into somebody's repository
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _parsed(answer.stdout.decode("utf-8", "replace"))


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


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return None
