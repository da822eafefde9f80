"""Writing to disk: whole or not at all, and no traces of a failure."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from rlkit.errors import StoreError
from rlkit.storage import files

WRITERS = [files.write_atomic, files.create_exclusive]


def failing(error_number: int):
    def fail(*_, **__):
        raise OSError(error_number, os.strerror(error_number))

    return fail


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("write", WRITERS)
def test_what_was_written_is_read_back(tmp_path, write):
    write(tmp_path / "file", b"content")
    assert files.read_bytes(tmp_path / "file") == b"content"
    assert names(tmp_path) == ["file"]


def test_write_atomic_replaces_a_file(tmp_path):
    files.write_atomic(tmp_path / "file", b"old", read_only=True)
    files.write_atomic(tmp_path / "file", b"new")
    assert files.read_bytes(tmp_path / "file") == b"new"


def test_create_exclusive_never_replaces_a_file(tmp_path):
    files.create_exclusive(tmp_path / "file", b"old")
    with pytest.raises(FileExistsError):
        files.create_exclusive(tmp_path / "file", b"new")
    assert files.read_bytes(tmp_path / "file") == b"old"
    assert names(tmp_path) == ["file"]


def test_create_exclusive_works_where_links_are_not_supported(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EOPNOTSUPP))
    files.create_exclusive(tmp_path / "file", b"old")
    with pytest.raises(FileExistsError):
        files.create_exclusive(tmp_path / "file", b"new")
    assert files.read_bytes(tmp_path / "file") == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("read_only", [True, False])
def test_permissions_are_what_the_umask_leaves(tmp_path, write, read_only):
    mask = os.umask(0o027)
    try:
        write(tmp_path / "file", b"", read_only=read_only)
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == (0o440 if read_only else 0o640)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("call", ["open", "fsync"])
@pytest.mark.parametrize("error_number", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_failure_leaves_no_file_and_says_which_and_what_to_do(tmp_path, monkeypatch, write, call, error_number):
    monkeypatch.setattr(os, call, failing(error_number))
    with pytest.raises(StoreError) as caught:
        write(tmp_path / "file", b"content")
    monkeypatch.undo()
    assert str(tmp_path / "file") in caught.value.problem
    assert caught.value.remedy
    assert names(tmp_path) == []


def test_a_failed_rename_leaves_the_old_content(tmp_path, monkeypatch):
    files.write_atomic(tmp_path / "file", b"old")
    monkeypatch.setattr(files.System, "replace", failing(errno.EIO))
    with pytest.raises(StoreError):
        files.write_atomic(tmp_path / "file", b"new")
    assert files.read_bytes(tmp_path / "file") == b"old"
    assert names(tmp_path) == ["file"]


def test_an_interrupt_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomic(tmp_path / "file", b"content")
    assert names(tmp_path) == []


def test_the_content_is_on_disk_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    events = []
    sync, replace = os.fsync, files.System.replace

    def recording_sync(descriptor):
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def recording_replace(self, source, target):
        events.append("rename")
        return replace(self, source, target)

    monkeypatch.setattr(os, "fsync", recording_sync)
    monkeypatch.setattr(files.System, "replace", recording_replace)
    files.write_atomic(tmp_path / "file", b"content")
    assert events == ["file", "rename", "folder"]


def test_a_cache_is_written_without_waiting_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    files.write_atomic(tmp_path / "file", b"content", durable=False)
    assert files.read_bytes(tmp_path / "file") == b"content"


def test_reading_a_missing_file_is_left_to_the_caller_to_explain(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_bytes(tmp_path / "file")


def test_reading_a_folder_is_explained(tmp_path):
    with pytest.raises(StoreError, match="folder"):
        files.read_bytes(tmp_path)


def test_a_symbolic_link_is_followed_only_if_asked_for(tmp_path):
    (tmp_path / "target").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert files.read_bytes(tmp_path / "link") == b"content"
    with pytest.raises(StoreError, match="symbolic link"):
        files.read_bytes(tmp_path / "link", follow=False)


def test_writing_to_a_link_replaces_the_link_and_not_its_target(tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"old"
    assert (tmp_path / "link").read_bytes() == b"new"


def test_make_folder_makes_those_above_and_accepts_existing_ones(tmp_path):
    files.make_folder(tmp_path / "a" / "b" / "c")
    files.make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_make_folder_explains_a_file_in_the_way(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(StoreError, match="create the folder"):
        files.make_folder(tmp_path / "a" / "b")


def test_move_and_remove(tmp_path):
    files.write_atomic(tmp_path / "a", b"content", read_only=True)
    files.move(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path) == ["b"]
    files.remove(tmp_path / "b")
    files.remove(tmp_path / "b")
    assert names(tmp_path) == []


def test_moving_what_is_not_there_is_left_to_the_caller_to_explain(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.move(tmp_path / "a", tmp_path / "b")


def test_a_folder_is_checked_before_it_is_there(tmp_path, monkeypatch):
    files.check_writable(tmp_path / "a" / "b")
    monkeypatch.setattr(os, "access", lambda place, _: place != tmp_path)
    with pytest.raises(StoreError, match=r"Cannot write to .*/a/b: Permission denied") as raised:
        files.check_writable(tmp_path / "a" / "b")
    assert "may write to" in raised.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_lock_lets_one_in_at_a_time(tmp_path):
    inside, most = 0, 0
    guard = threading.Lock()

    def work():
        nonlocal inside, most
        for _ in range(20):
            with files.lock(tmp_path / ".lock"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_that_is_not_freed_is_explained(tmp_path):
    def wait_in_vain(caught):
        with pytest.raises(StoreError, match="Another program") as error, files.lock(tmp_path / ".lock", timeout=0):
            pass
        caught.append(error)

    caught: list[object] = []
    with files.lock(tmp_path / ".lock"):
        thread = threading.Thread(target=wait_in_vain, args=(caught,))
        thread.start()
        thread.join()
    assert caught


def test_errors_of_the_body_pass_through_a_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), files.lock(tmp_path / ".lock"):
        _ = 1 // 0
    with files.lock(tmp_path / ".lock", timeout=0):
        pass


def test_a_lock_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="Cannot lock"), files.lock(tmp_path / "file" / ".lock"):
        pass
