"""Writing to disk: whole or not at all, and no traces of a failure."""

import contextlib
import errno
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest
from filelock import lock_descriptor

from rlkit.errors import StoreBusyError, StoreError
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

    def recording_replace(*arguments):
        events.append("rename")
        return replace(*arguments)

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


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_only_a_regular_file_is_read(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="pipe or a device"):
        files.read_bytes(tmp_path / name)


@pytest.mark.parametrize("keywords", [{"most": 1000}, {"most": 1000, "size": 50 * 2**30}])
def test_a_file_that_is_larger_than_it_may_be_is_not_read(tmp_path, keywords):
    (tmp_path / "file").write_bytes(b"content")
    os.truncate(tmp_path / "file", 50 * 2**30)  # takes no room on the disk
    with pytest.raises(StoreError, match=r"53,687,091,200 bytes, more than the 1,000"):
        files.read_bytes(tmp_path / "file", **keywords)


def test_a_file_that_is_as_large_as_it_may_be_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert files.read_bytes(tmp_path / "file", most=7) == b"content"
    assert files.read_bytes(tmp_path / "file", most=7, size=8) is None


def test_what_is_added_to_a_file_that_has_another_name_is_not_under_that(tmp_path):
    files.append(tmp_path / "file", b"1")
    (tmp_path / "other").hardlink_to(tmp_path / "file")
    files.append(tmp_path / "file", b"2")
    files.append(tmp_path / "file", b"3")
    assert ((tmp_path / "file").read_bytes(), (tmp_path / "other").read_bytes()) == (b"123", b"1")


def test_nothing_is_added_to_a_pipe_or_through_a_link(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("pipe", "link"):
        with pytest.raises(StoreError, match="Cannot write to"):
            files.append(tmp_path / name, b"1")
    assert names(tmp_path) == ["link", "pipe"]


def locked(path):
    with files.lock(path):
        pass


WRITING = {
    "write": lambda store: files.write_atomic(store / "a" / "b" / "new", b"1"),
    "create": lambda store: files.create_exclusive(store / "a" / "b" / "new", b"1"),
    "append": lambda store: files.append(store / "a" / "b" / "file", b"1"),
    "move": lambda store: files.move(store / "a" / "b" / "file", store / "c" / "file"),
    "move there": lambda store: files.move(store / "c" / "mine", store / "a" / "b" / "mine"),
    "rename": lambda store: files.rename_folder(store / "a" / "b" / "folder", store / "a" / "b" / "new"),
    "remove": lambda store: files.remove(store / "a" / "b" / "file"),
    "remove garbage": lambda store: files.remove_garbage(store / "a" / "b" / "file"),
    "remove a folder": lambda store: files.remove_garbage(store / "a" / "b" / "folder"),
    "make": lambda store: files.make_folder(store / "a" / "b" / "new"),
    "lock": lambda store: locked(store / "a" / "b" / ".lock"),
}


@pytest.fixture
def store(tmp_path):
    for folder in ("store/c", "outside/b/folder"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "store" / "c" / "mine").write_bytes(b"mine")
    (tmp_path / "outside" / "b" / "file").write_bytes(b"not ours")
    (tmp_path / "store" / "a").symlink_to(tmp_path / "outside")
    files.confine(tmp_path / "store")
    return tmp_path / "store"


@pytest.mark.parametrize("write", WRITING.values(), ids=WRITING)
def test_inside_a_store_no_link_to_a_folder_is_followed(store, write):
    with pytest.raises(StoreError, match=r"store/a is a symbolic link"):
        write(store)
    outside = store.parent / "outside" / "b"
    assert (names(outside), (outside / "file").read_bytes()) == (["file", "folder"], b"not ours")
    assert names(store / "c") == ["mine"]


@pytest.mark.parametrize("write", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize("at", range(1, 5))
def test_a_folder_that_is_swapped_for_a_link_in_the_middle_of_a_write_leads_nowhere(store, monkeypatch, write, at):
    """Whoever can write to the folder has moved it away and put a link in its place when a call of the system comes."""
    (store / "a").unlink()
    shutil.copytree(store.parent / "outside", store / "a")
    before = everything(store.parent / "outside")

    class Swapping(files.System):
        calls = 0

        def __getattribute__(self, name):
            cls = type(self)
            cls.calls += 1
            if cls.calls == at:
                (store / "a").rename(store / "away")
                (store / "a").symlink_to(store.parent / "outside")
            return super().__getattribute__(name)

    monkeypatch.setattr(files, "system", Swapping())
    with contextlib.suppress(StoreError):
        write(store)
    assert everything(store.parent / "outside") == before


def everything(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def test_elsewhere_links_to_folders_are_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    files.write_atomic(tmp_path / "link" / "file", b"1")
    assert names(tmp_path / "folder") == ["file"]


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


def test_a_thread_may_take_a_lock_that_it_holds_again(tmp_path):
    with files.lock(tmp_path / ".lock", timeout=0), files.lock(tmp_path / ".lock", timeout=0):
        pass
    assert is_free(tmp_path / ".lock")


def is_free(path):
    """Whether anybody who comes now gets the lock: found out through another open file, as a process would."""
    with path.open("rb") as file:
        return lock_descriptor(file.fileno(), blocking=False)


def test_a_lock_is_free_when_nobody_holds_on_to_it(tmp_path):
    held = files.lock(tmp_path / ".lock")
    assert not is_free(tmp_path / ".lock")
    with held:
        assert not is_free(tmp_path / ".lock")
    assert is_free(tmp_path / ".lock")


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o077])
def test_a_lock_can_be_taken_by_all_whom_the_umask_lets_write(tmp_path, mask):
    before = os.umask(mask)
    try:
        with files.lock(tmp_path / ".lock"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ".lock").stat().st_mode) == 0o666 & ~mask


def test_a_lock_that_is_a_symbolic_link_is_refused_and_its_target_untouched(tmp_path):
    (tmp_path / "target").write_bytes(b"content")
    (tmp_path / ".lock").symlink_to(tmp_path / "target")
    with pytest.raises(StoreError, match=r"Cannot lock .*symbolic link"):
        files.lock(tmp_path / ".lock")
    assert (tmp_path / "target").read_bytes() == b"content"


def test_a_lock_that_leads_to_another_file_is_refused(tmp_path):
    (tmp_path / "target").write_bytes(b"content")
    (tmp_path / ".lock").hardlink_to(tmp_path / "target")
    with pytest.raises(StoreError, match="has another name too"):
        files.lock(tmp_path / ".lock")
    assert (tmp_path / "target").read_bytes() == b"content"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_lock_that_is_no_file_is_refused_at_once(tmp_path, make):
    make(tmp_path / ".lock")
    with pytest.raises(StoreError, match="Cannot lock"):
        files.lock(tmp_path / ".lock")


def test_who_waits_for_a_lock_that_is_deleted_takes_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr(files.time, "sleep", lambda _: (tmp_path / ".lock").unlink(missing_ok=True))

    def wait():
        with files.lock(tmp_path / ".lock"):
            taken.append(is_free(tmp_path / ".lock"))

    taken = []
    with files.lock(tmp_path / ".lock"):
        thread = threading.Thread(target=wait)
        thread.start()
        while (tmp_path / ".lock").exists():
            pass
    thread.join()
    assert taken == [False]


def test_where_the_system_knows_no_locks_a_file_stands_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "lock_descriptor", failing(errno.ENOSYS))
    busy = []

    def elsewhere():
        with pytest.raises(StoreBusyError, match="Another program"), files.lock(tmp_path / ".lock", timeout=0):
            pass
        busy.append(True)

    with files.lock(tmp_path / ".lock"), files.lock(tmp_path / ".lock"):
        assert names(tmp_path) == [".lock", ".lock.held"]
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert busy
    assert names(tmp_path) == [".lock"]


def test_errors_of_the_body_pass_through_a_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), files.lock(tmp_path / ".lock"):
        _ = 1 // 0
    with files.lock(tmp_path / ".lock", timeout=0):
        pass


def test_a_lock_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="Cannot lock"), files.lock(tmp_path / "file" / ".lock"):
        pass
