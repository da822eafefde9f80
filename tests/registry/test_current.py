from __future__ import annotations

import os
from pathlib import Path

import pytest

from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry, open_registry, use_registry


def test_a_registry_is_chosen_by_argument_then_variable_then_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RLKIT_HOME", raising=False)
    assert open_registry().folder == tmp_path / "rlkit_artifacts"
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "home"))
    assert open_registry().folder == tmp_path / "home"
    assert open_registry("here").folder == tmp_path / "here"
    assert open_registry(tmp_path / "here") is open_registry("here")
    assert open_registry("~").folder == Path.home()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [5, ["a"], b"a", True])
def test_what_is_no_path_is_no_folder(folder):
    with pytest.raises(StoreError, match="is no folder"):
        open_registry(folder)


@pytest.mark.parametrize("place", ["file", "file/store", "gone"])
def test_what_is_a_file_or_lies_in_one_is_no_folder(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"/(file|gone)' is no folder"):
        open_registry(tmp_path / place)


@pytest.mark.parametrize("opened", [open_registry, ModelRegistry, use_registry])
@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("s3://bucket/models", "is a URL.*\n.*a folder on a disk"),
        ("gs://bucket", "is a URL"),
        (Path("s3://bucket"), "is a URL"),
        ("file:///data/models", "is a URL.*\n.*'/data/models'"),
        ("sqlite:///mlflow.db", "is a URL"),
        ("${NOBODYS}/m", r"has a variable, \$\{NOBODYS\}.*\n.*There is no variable"),
        ("$MINE/m", r"has a variable, \$MINE.*\n.*'/of/mine/m'"),
        ("%USERPROFILE%/m", "has a variable, %USERPROFILE%"),
        ("~nobody-here/x", "no home folder of '~nobody-here'"),
        ("a\0b", "is no folder"),
        (" ", "is no folder"),
    ],
)
def test_what_is_no_folder_on_a_disk_is_refused_with_what_is(tmp_path, monkeypatch, opened, folder, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", "/of/mine")
    with pytest.raises(StoreError, match=told):
        opened(folder)
    monkeypatch.setenv("RLKIT_HOME", os.fspath(folder).replace("\0", "") or "x")
    if "\0" not in os.fspath(folder):
        with pytest.raises(StoreError, match=told):
            open_registry()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_dollars_and_colons_that_are_no_variables_and_urls(tmp_path):
    for name in ("a$", "5$ 100%", "C:", "x:y", "a%b"):
        assert open_registry(tmp_path / name).folder == tmp_path / name


def test_a_folder_worked_in_that_was_deleted_is_named(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.delenv("RLKIT_HOME", raising=False)
    (tmp_path / "gone").rmdir()
    with pytest.raises(StoreError, match="has been deleted"):
        open_registry()
    assert open_registry(tmp_path / "there").folder == tmp_path / "there"


def test_a_registry_that_is_chosen_is_current_here_and_in_programs_started_from_here(tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "before"))
    monkeypatch.chdir(tmp_path)
    assert use_registry("here") is open_registry()
    assert os.environ["RLKIT_HOME"] == str(tmp_path / "here")
    monkeypatch.chdir("/")
    assert open_registry().folder == tmp_path / "here"
    with pytest.raises(StoreError, match="is no folder"):
        use_registry(5)
