"""Where everything stands, and one writer at a time."""

import contextlib
import itertools
import os
import threading

import pytest

from rlkit.errors import StoreBusyError, StoreError
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
    assert layout.inodes("a") == {number: inode for number, (inode, _) in stamps.items()}
    assert layout.stamp("a", 2) == stamps[2]
    with pytest.raises(FileNotFoundError):
        layout.stamp("a", 3)


def test_a_file_in_the_place_of_a_folder_is_no_model(layout):
    layout.make("models")
    (layout.folder / "models" / "a").write_text("x")
    assert not layout.has_model("a")
    assert layout.names() == []


def test_the_signature_of_all_models_changes_when_one_comes(layout):
    layout.make("models")
    os.utime(layout.folder / "models", ns=(0, 0))
    before = layout.signature()
    layout.make("models", "a")
    assert layout.signature() != before
    assert layout.signature("nobody") == (0, 0)


def test_a_change_token_is_another_one_after_any_change(layout):
    changes = [
        lambda: layout.make("models", "a"),
        (layout.folder / "models" / "a" / "000001.json").touch,
        (layout.folder / "models" / "a" / "meta.json").touch,
        lambda: layout.make("trash", "a"),
        (layout.folder / "trash" / "a" / "000001.json").touch,
        lambda: (layout.folder / "models" / "a").rename(layout.folder / "models" / "b"),
    ]
    tokens = [layout.change_token()]
    for change in changes:
        change()
        tokens.append(layout.change_token())
    assert len(set(tokens)) == len(changes) + 1


def test_a_change_token_stays_where_nothing_changes(layout):
    assert layout.change_token() == layout.change_token()
    for folder in (("models", "a"), ("trash", "a")):
        layout.make(*folder)
    for folder in ("models", "models/a", "trash", "trash/a"):
        os.utime(layout.folder / folder, ns=(0, 0))
    assert layout.change_token() == layout.change_token()


def test_a_change_token_is_trusted_only_where_a_later_change_could_not_look_the_same(layout):
    layout.make("models", "a")
    assert layout.change_token() != layout.change_token()


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
