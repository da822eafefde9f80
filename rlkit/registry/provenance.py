"""Where a version came from: commit, packages, user, machine and time, found without asking anybody.

Nothing here stops a registration: what cannot be found out is unknown. And nothing that a repository brings along runs:
its own config may name programs (``core.fsmonitor``, filters, those of its submodules), so that git never reads it.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from rlkit.storage.archive import rlkit_version

_GIT_TIMEOUT = 2.0  # seconds; a registration must not hang on a slow network disk
_LONGEST_CONFIG = 2**20  # characters

_SHA256 = 64  # hexadecimal digits
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SETTING = re.compile(
    r"\s*(filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol)\s*=\s*([a-z]+)\s*", re.IGNORECASE
)
"""Settings of a repository that say how its files are compared, and name no program."""


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
def asking_git(folder: str | os.PathLike[str] = ".") -> Iterator[Callable[[], dict[str, Any] | None]]:
    """Ask git about a folder while the block does other work: git takes some milliseconds.

    Args:
        folder: A folder, in a working tree or not.

    Yields:
        What waits for the answer: ``{"commit": …, "dirty": …}``, where a tree without any commit has None for one and
        files that git does not track count for nothing; ``dirty`` is None without git, or if git fails or takes too
        long. None outside a working tree.
    """
    with contextlib.ExitStack() as stack:
        process, repository = None, None
        with contextlib.suppress(OSError, ValueError):  # ValueError: text that is no UTF-8
            repository = _repository(Path(folder).absolute())
            process = _started(repository, stack) if repository else None
        try:
            yield partial(_answer, process, repository)
        finally:
            if process is not None:
                process.kill()  # of no consequence where it has answered


class _Repository(NamedTuple):
    """A working tree.

    Attributes:
        top: Its topmost folder.
        own: Where git keeps what belongs to this tree alone: HEAD and the index.
        shared: Where it keeps what all trees of the repository have in common: branches and objects.
        commit: The commit; None where there is none yet.
    """

    top: Path
    own: Path
    shared: Path
    commit: str | None


def _repository(folder: Path) -> _Repository | None:
    top = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
    if top is None:
        return None
    own = top / ".git"
    if own.is_file():  # of a submodule, or of a further tree of the repository
        own = top / own.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    shared = own
    with contextlib.suppress(FileNotFoundError):
        shared = own / (own / "commondir").read_text(encoding="utf-8").strip()
    head = (own / "HEAD").read_text(encoding="utf-8").strip()
    return _Repository(top, own, shared, _commit(own, shared, head))


def _commit(own: Path, shared: Path, head: str) -> str | None:
    """Return the commit that HEAD means; None where there is none yet, or its form is unknown."""
    if _COMMIT.fullmatch(head):
        return head
    branch = head.removeprefix("ref:").strip()
    if not branch.startswith("refs/") or ".." in branch:
        return None
    for place in (own, shared):
        with contextlib.suppress(OSError):
            found = (place / branch).read_text(encoding="utf-8").strip()
            return found if _COMMIT.fullmatch(found) else None
    with contextlib.suppress(FileNotFoundError), (shared / "packed-refs").open(encoding="utf-8") as lines:
        for line in lines:
            commit, _, name = line.strip().partition(" ")
            if name == branch and _COMMIT.fullmatch(commit):
                return commit
    return None


def _started(repository: _Repository, stack: contextlib.ExitStack) -> subprocess.Popen[bytes] | None:
    """Start git with the tree, the index and the objects of a repository, but with a config that we wrote."""
    git = shutil.which("git")
    if git is None or Path(git).absolute().is_relative_to(repository.top):  # "." may stand in the PATH
        return None
    ours = tempfile.mkdtemp(prefix="rlkit-")
    stack.callback(shutil.rmtree, ours, ignore_errors=True)
    _write_git_dir(Path(ours), repository)
    # Those of the caller, such as GIT_DIR in a hook, would lead elsewhere.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = [word for name, value in _settings(repository) for word in ("-c", f"core.{name}={value}")]
    compared = "--cached" if repository.commit is None else "HEAD"
    process = subprocess.Popen(  # noqa: S603 - every word is ours, or matched by a pattern
        [git, "-c", "core.fsmonitor=false", *settings, "diff", "--quiet", "--ignore-submodules=dirty", compared],
        cwd=repository.top,
        env={
            **inherited,
            "GIT_DIR": ours,
            "GIT_WORK_TREE": str(repository.top),
            "GIT_INDEX_FILE": str(repository.own / "index"),
            "GIT_OBJECT_DIRECTORY": str(repository.shared / "objects"),
            "GIT_OPTIONAL_LOCKS": "0",  # reading must not write into somebody's repository
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # closed when git ends, which is noticed at once
        stderr=subprocess.DEVNULL,
    )
    return stack.enter_context(process)


def _write_git_dir(folder: Path, repository: _Repository) -> None:
    """Write the least that git takes for a repository."""
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text(repository.commit or "ref: refs/heads/none", encoding="ascii")
    if len(repository.commit or "") == _SHA256:
        config = "[core]\nrepositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n"
        (folder / "config").write_text(config, encoding="ascii")


def _settings(repository: _Repository) -> list[tuple[str, ...]]:
    with (repository.shared / "config").open(encoding="utf-8") as file:
        lines = file.read(_LONGEST_CONFIG).splitlines()
    return [found.groups() for line in lines if (found := _SETTING.fullmatch(line))]


def _answer(process: subprocess.Popen[bytes] | None, repository: _Repository | None) -> dict[str, Any] | None:
    if repository is None:
        return None
    dirty = None
    if process is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GIT_TIMEOUT)  # wait() alone looks only every some milliseconds
            dirty = {0: False, 1: True}.get(process.returncode)
    return {"commit": repository.commit, "dirty": dirty}


@cache
def package_versions() -> dict[str, str]:
    """Return the versions of python and of the packages that a result may depend on; "unknown" without metadata."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in ("numpy", "dill", "gymnasium")},
        "rlkit": rlkit_version(),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package) or "unknown"
    except (importlib.metadata.PackageNotFoundError, KeyError):  # not installed by a package manager, or in part
        return "unknown"


@cache
def _user() -> str | None:
    try:
        return getpass.getuser() or None
    except (OSError, KeyError, ImportError):  # a container may run under a number that has no name
        return None
