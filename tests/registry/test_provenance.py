"""Where a version came from."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

import rlkit
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


def test_a_git_that_takes_too_long_leaves_it_unknown_whether_files_have_changed_and_is_ended(repository, monkeypatch):
    started = []
    popen = subprocess.Popen

    def slow(_, **rest):
        started.append(popen([sys.executable, "-c", "import signal; signal.pause()"], **rest))
        return started[0]

    monkeypatch.setattr(provenance.subprocess, "Popen", slow)
    monkeypatch.setattr(provenance, "_GIT_TIMEOUT", 0.01)
    state = git_state(repository)
    assert (len(state["commit"]), state["dirty"]) == (40, None)
    assert started[0].returncode is not None


def test_a_git_that_nobody_waits_for_is_ended(repository):
    with pytest.raises(ZeroDivisionError), asking_git(repository):
        _ = 1 // 0


def test_without_git_the_commit_is_known_all_the_same(repository, monkeypatch):
    known = git_state(repository)
    monkeypatch.setattr(provenance.shutil, "which", lambda _: None)
    assert git_state(repository) == {**known, "dirty": None}


def test_a_git_that_lies_in_the_repository_is_not_run(repository, monkeypatch):
    (repository / "git").write_text("#!/bin/sh\ntouch ran\n")
    (repository / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{repository}{os.pathsep}{os.environ['PATH']}")
    assert git_state(repository)["dirty"] is None
    assert not (repository / "ran").exists()


def head_of(folder):
    return subprocess.check_output([GIT, "rev-parse", "HEAD"], cwd=folder, text=True).strip()


def test_the_commit_is_found_wherever_git_keeps_it(repository, tmp_path_factory):
    assert git_state(repository)["commit"] == head_of(repository)
    git(repository, "pack-refs", "--all")
    assert git_state(repository) == {"commit": head_of(repository), "dirty": False}
    other = tmp_path_factory.mktemp("further") / "tree"
    git(repository, "worktree", "add", "-b", "topic/one", str(other))
    (other / "file").write_text("changed")
    git(other, "commit", "-am", "second")
    assert git_state(other) == {"commit": head_of(other), "dirty": False}
    assert git_state(other)["commit"] != git_state(repository)["commit"]
    git(other, "checkout", "--detach")
    (other / "file").write_text("changed again")
    assert git_state(other) == {"commit": head_of(other), "dirty": True}


def test_a_repository_with_longer_hashes_is_read_too(tmp_path):
    git(tmp_path, "init", "--object-format=sha256")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    assert git_state(tmp_path) == {"commit": head_of(tmp_path), "dirty": False}
    assert len(head_of(tmp_path)) == 64


def test_settings_that_say_how_files_are_compared_are_those_of_the_repository(repository):
    git(repository, "config", "core.fileMode", "false")
    (repository / "file").chmod(0o755)
    assert git_state(repository)["dirty"] is False
    git(repository, "config", "core.fileMode", "true")
    assert git_state(repository)["dirty"] is True


def test_the_callers_own_variables_of_git_lead_nowhere_else(repository, monkeypatch):
    known = git_state(repository)
    monkeypatch.setenv("GIT_DIR", str(repository / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / "elsewhere"))
    assert git_state(repository) == known


@pytest.fixture
def hostile(repository, tmp_path_factory):
    """A repository that runs a command wherever git lets one, and the file that tells of it."""
    ran = tmp_path_factory.mktemp("ran") / "it"
    script = ran.with_name("script")
    script.write_text(f"#!/bin/sh\ntouch '{ran}'\ncat\n")
    script.chmod(0o755)
    inner = repository / "inner"
    inner.mkdir()
    git(inner, "init")
    (inner / "file").write_text("1")
    git(inner, "add", "file")
    git(inner, "commit", "-m", "first")
    (repository / ".gitattributes").write_text("file filter=evil diff=evil\n")
    git(repository, "add", ".gitattributes", "inner")
    git(repository, "commit", "-m", "second")
    for folder in (repository, inner):
        for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.process", "diff.evil.command", "core.pager"):
            git(folder, "config", name, str(script))
        git(folder, "config", "filter.evil.required", "true")
        for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
            shutil.copy(script, folder / ".git" / "hooks" / hook)
    ran.unlink(missing_ok=True)
    return repository, ran


def test_nothing_that_a_repository_names_is_run(hostile):
    repository, ran = hostile
    (repository / "file").write_text("2")  # so that its content is compared, through its filter
    (repository / "inner" / "file").write_text("2")
    assert git_state(repository)["dirty"] is True
    assert not ran.exists()
    subprocess.run([GIT, "status"], cwd=repository, check=False, capture_output=True)
    assert ran.exists()  # else the trap is none


def test_registering_runs_nothing_that_a_repository_names(hostile, tmp_path_factory, monkeypatch):
    repository, ran = hostile
    monkeypatch.chdir(repository)
    model = rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[4])
    version = rlkit.registry(tmp_path_factory.mktemp("store")).register(model, "m")
    assert version.git == {"commit": head_of(repository), "dirty": False}
    assert not ran.exists()


def test_the_rest_is_filled_in(monkeypatch):
    origin = provenance.provenance(lambda: None)
    assert set(origin) == {"git", "packages", "user", "host", "created"}
    assert set(origin["packages"]) == {"python", "numpy", "dill", "gymnasium", "rlkit"}
    assert datetime.fromisoformat(origin["created"]).tzinfo == UTC


@pytest.fixture
def anew():
    """What was found out before is found out again."""
    for known in (provenance._user, provenance.package_versions, provenance.rlkit_version):
        known.cache_clear()
    yield
    for known in (provenance._user, provenance.package_versions, provenance.rlkit_version):
        known.cache_clear()


@pytest.mark.parametrize("error", [OSError, KeyError, ImportError])
def test_a_user_without_a_name_is_none(monkeypatch, anew, error):
    def fail():
        raise error

    monkeypatch.setattr(provenance.getpass, "getuser", fail)
    assert provenance.provenance(lambda: None)["user"] is None


def test_packages_without_metadata_are_unknown(monkeypatch, anew):
    def fail(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", fail)
    packages = provenance.provenance(lambda: None)["packages"]
    assert packages.pop("python")
    assert set(packages.values()) == {"unknown"}


def test_a_model_is_kept_though_the_folder_worked_in_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    registry = rlkit.registry(tmp_path / "store")
    gone.rmdir()
    version = registry.register(rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[4]), "m")
    assert (version.ref, version.git) == ("m:1", None)
    assert rlkit.registry(tmp_path / "store").load("m").num_timesteps == 0
