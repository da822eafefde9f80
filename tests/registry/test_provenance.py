"""Where a version came from."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from rlkit.registry import provenance
from rlkit.registry.provenance import asking_git

GIT = shutil.which("git") or "git"


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Let git take as long as it needs on a busy machine."""
    monkeypatch.setattr(provenance, "_GIT_TIMEOUT", 600)


def git_state(folder):
    with asking_git(folder) as answer:
        return answer()


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run([GIT, *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_a_folder_outside_git_has_no_commit(tmp_path):
    assert git_state(tmp_path) is None


def test_a_clean_tree_gives_its_commit(repository):
    state = git_state(repository)
    assert len(state["commit"]) == 40
    assert state["dirty"] is False


def test_a_changed_file_makes_the_tree_dirty_and_an_unknown_one_does_not(repository):
    (repository / "notebook.ipynb").write_text("2")
    assert git_state(repository)["dirty"] is False
    (repository / "file").write_text("2")
    assert git_state(repository)["dirty"] is True


def test_a_folder_below_counts_to_the_tree(repository):
    (repository / "sub").mkdir()
    assert git_state(repository / "sub") == git_state(repository)


def test_a_tree_without_commits_has_none(tmp_path):
    git(tmp_path, "init")
    assert git_state(tmp_path) == {"commit": None, "dirty": False}


def test_a_git_that_cannot_be_started_is_as_good_as_none(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(provenance.subprocess, "Popen", fail)
    assert git_state(tmp_path) is None


def test_a_git_that_fails_is_as_good_as_none(tmp_path):
    (tmp_path / ".git").mkdir()  # no repository
    assert git_state(tmp_path) is None


def test_a_git_that_takes_too_long_is_as_good_as_none_and_is_ended(repository, monkeypatch):
    started = []
    popen = subprocess.Popen

    def slow(_, **rest):
        started.append(popen([sys.executable, "-c", "import signal; signal.pause()"], **rest))
        return started[0]

    monkeypatch.setattr(provenance.subprocess, "Popen", slow)
    monkeypatch.setattr(provenance, "_GIT_TIMEOUT", 0.01)
    assert git_state(repository) is None
    assert started[0].returncode is not None


def test_a_git_that_nobody_waits_for_is_ended(repository):
    with pytest.raises(ZeroDivisionError), asking_git(repository):
        _ = 1 // 0


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(provenance.shutil, "which", lambda _: None)
    assert git_state(tmp_path) is None


def test_the_rest_is_filled_in(monkeypatch):
    origin = provenance.provenance(lambda: None)
    assert set(origin) == {"git", "packages", "user", "host", "created"}
    assert set(origin["packages"]) == {"python", "numpy", "dill", "gymnasium", "rlkit"}
    assert datetime.fromisoformat(origin["created"]).tzinfo == UTC


def test_a_user_without_a_name_is_none(monkeypatch):
    def fail():
        raise OSError

    provenance._user.cache_clear()
    monkeypatch.setattr(provenance.getpass, "getuser", fail)
    assert provenance.provenance(lambda: None)["user"] is None
    provenance._user.cache_clear()
