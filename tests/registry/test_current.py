from __future__ import annotations

import os
from pathlib import Path

import pytest

from rlkit.errors import StoreError
from rlkit.registry import open_registry, use_registry


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


def test_a_registry_that_is_chosen_is_current_here_and_in_programs_started_from_here(tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "before"))
    monkeypatch.chdir(tmp_path)
    assert use_registry("here") is open_registry()
    assert os.environ["RLKIT_HOME"] == str(tmp_path / "here")
    monkeypatch.chdir("/")
    assert open_registry().folder == tmp_path / "here"
    with pytest.raises(StoreError, match="is no folder"):
        use_registry(5)
