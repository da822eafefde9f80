"""Where everything stands, and one writer at a time."""

import contextlib
import itertools
import os
import threading

import pytest

from rlkit.errors import StoreBusyError, StoreError
from rlkit.registry import layout as layout_module
from rlkit.registry.layout import Layout
from rlkit.storage import files


@pytest.fixture
def layout(folder):
    return Layout(folder)


def test_one_thread_may_hold_the_lock_twice_and_another_must_wait(layout):
    busy = []

    def elsewhere():
        with pytest.raises(StoreBusyError, match="Another program"), Layout(layout.folder).writing(timeout=0):
            pass
        busy.append(True)

    with layout.writing(), layout.writing():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert busy
    with Layout(layout.folder).writing(timeout=0):
        pass


def test_the_lock_is_free_after_an_error(layout):
    with pytest.raises(ZeroDivisionError), layout.writing():
        _ = 1 // 0
    with Layout(layout.folder).writing(timeout=0):
        pass


def test_a_folder_that_somebody_else_made_is_made_sure_of_once(layout, monkeypatch):
    (layout.folder / "models" / "a").mkdir(parents=True)
    synced = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    assert layout.make("models", "a") == layout.folder / "models" / "a"
    assert synced == [layout.folder.parent, layout.folder, layout.folder / "models"]
    layout.make("models", "a")
    layout.make("models")
    assert len(synced) == 3


def test_a_folder_that_was_removed_is_made_again(layout):
    layout.make("objects", "ab")
    (layout.folder / "objects" / "ab").rmdir()
    assert layout.make("objects", "ab").is_dir()


def test_nothing_is_made_through_a_symbolic_link(layout, tmp_path):
    layout.make()
    (tmp_path / "outside").mkdir()
    (layout.folder / "objects").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="symbolic link"):
        layout.make("objects", "ab")
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_inode_of_a_version_is_that_of_its_stamp(layout):
    layout.make("models", "a")
    for number in (1, 2):
        layout.manifest_path("a", number).write_text("x")
    stamps = layout.stamps("a")
    assert layout.inodes("a") == {number: inode for number, (inode, _, _) in stamps.items()}
    assert layout.stamp("a", 2) == stamps[2]
    with pytest.raises(FileNotFoundError):
        layout.stamp("a", 3)


def test_a_file_in_the_place_of_a_folder_is_no_model_and_no_trash(layout):
    for place in ("models", "trash"):
        layout.make(place)
        (layout.folder / place / "a").write_text("x")
        (layout.folder / place / "desktop.ini").write_text("x")
    assert not layout.has_model("a")
    assert layout.names() == layout.trashed_names() == []


def test_a_folder_rests_when_the_clock_of_its_disk_has_moved_on(layout, monkeypatch):
    layout.make("models", "a")
    fine, now = (7, 10**18 + 1), 10**18 + 1
    monkeypatch.setattr(layout_module.time, "time_ns", lambda: now)
    assert not layout.has_rested(fine, "models/a")
    now += 10**9
    assert layout.has_rested(fine, "models/a")


def test_where_a_clock_may_go_in_seconds_a_folder_rests_after_some_of_our_own(layout, monkeypatch):
    """Whatever its disk, which may be another machine's, takes for the time."""
    coarse, now = (7, 10**18), 0
    monkeypatch.setattr(layout_module.time, "monotonic_ns", lambda: now)
    assert not layout.has_rested(coarse, "models/a")
    now += 2 * 10**9
    assert not layout.has_rested(coarse, "models/a")
    now += 10**9
    assert layout.has_rested(coarse, "models/a")
    assert not layout.has_rested((7, 10**18 + 10**9), "models/a")
    assert layout.has_rested((0, 0), "models/nobody")


def test_the_signature_of_all_models_changes_when_one_comes(layout):
    layout.make("models")
    os.utime(layout.folder / "models", ns=(0, 0))
    before = layout.signature()
    layout.make("models", "a")
    assert layout.signature() != before
    assert layout.signature("nobody") == (0, 0)


@pytest.mark.parametrize("place", ["objects", "models", "models/a"])
def test_a_registration_writes_nowhere_else_though_a_folder_is_swapped_for_a_link(
    registry, make_model, folder, monkeypatch, place
):
    outside = folder.parent / "outside"
    outside.mkdir()
    registry.register(make_model(), "a")
    calls = []

    class Swapping(files.System):
        def __getattribute__(self, name):
            calls.append(name)
            if len(calls) == at:
                (folder / place).rename(folder / "away")
                (folder / place).symlink_to(outside)
            return super().__getattribute__(name)

    monkeypatch.setattr(files, "system", Swapping())
    for at in itertools.count(1):
        calls.clear()
        with contextlib.suppress(StoreError):
            registry.register(make_model(), "a")
        if len(calls) < at:
            break
        assert list(outside.iterdir()) == []
        (folder / place).unlink()
        (folder / "away").rename(folder / place)
    assert at > 10
