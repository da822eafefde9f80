"""The power may go: what an operation returned from stays, and what it was doing is done or not done."""

import contextlib
import dataclasses
import errno
import os
from functools import partial

import pytest

from rlkit.registry import registration
from rlkit.registry.artifacts import ArtifactStore
from rlkit.storage import files

from .checks import FOLLOWING, killed, killed_and_power_lost, lived, power_lost, refused, told
from .harness import Disk, Failing, on, tree_of
from .operations import OPERATIONS

NAMED = {operation.name: operation for operation in OPERATIONS}


def test_an_operation_whose_power_is_lost_is_done_or_not_done_and_stays(ground, operation):
    assert told(power_lost(ground, operation, seeds=[1])) == ""


@pytest.mark.long
def test_an_operation_whose_power_is_lost_leaves_nothing_half_whatever_reached_the_disk(ground, operation):
    assert told(power_lost(ground, operation, seeds=range(40))) == ""


def test_what_the_next_process_does_after_a_kill_stays_when_the_power_is_lost(ground, operation):
    next_does = list(FOLLOWING)[OPERATIONS.index(operation) % len(FOLLOWING)]
    deaths = ground.deaths(operation, every=6)
    assert told(killed_and_power_lost(ground, operation, deaths, next_does, seeds=())) == ""


@pytest.mark.long
@pytest.mark.parametrize("next_does", FOLLOWING)
def test_whatever_the_next_process_does_after_a_kill_stays_when_the_power_is_lost(ground, operation, next_does):
    deaths = ground.deaths(operation)
    assert told(killed_and_power_lost(ground, operation, deaths, next_does, seeds=range(4))) == ""


LIVELY = [operation for operation in OPERATIONS if not (operation.empty or operation.stages or operation.reads)]


def test_a_store_lives_through_one_loss_of_power_after_the_other(ground):
    assert told(lived(ground, LIVELY, seed=1, rounds=20)) == ""


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 32))
def test_a_store_lives_through_any_history_of_losses_of_power(ground, seed):
    assert told(lived(ground, LIVELY, seed, rounds=60)) == ""


# -- the harness bites ---------------------------------------------------------------------------------------------


@pytest.fixture
def broken(ground_of_a_broken_rlkit):
    return ground_of_a_broken_rlkit


def tells(problems, words):
    """Whether something is found wrong, in these words."""
    return any(words in problem for problem in problems)


def test_the_harness_notices_a_file_that_is_not_flushed(broken, monkeypatch):
    temporary = files._temporary
    monkeypatch.setattr(files, "_temporary", lambda *data, durable, mode: temporary(*data, durable=False, mode=mode))
    assert tells(power_lost(broken, NAMED["register a further version"], seeds=[1]), "is damaged")


def test_the_harness_notices_a_folder_that_is_not_flushed(broken, monkeypatch):
    monkeypatch.setattr(files, "_flush", lambda *_: None)
    lost = power_lost(broken, NAMED["register a further version"], seeds=[1])
    assert tells(lost, "calls later: neither before nor after: versions cartpole:6 is lost")


def write_in_place(path, data, *, durable=True, read_only=False):
    with files._opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as descriptor:
        files._write_all(descriptor, data)
        files.system.fsync(descriptor)


def test_the_harness_notices_a_file_that_is_written_in_place(broken, monkeypatch):
    operation = NAMED["move an alias"]
    monkeypatch.setattr(files, "write_atomic", write_in_place)
    assert tells(killed(broken, operation, broken.deaths(operation)), "meta.json is damaged")
    assert tells(power_lost(broken, operation, seeds=[1]), "meta.json is damaged")


def test_the_harness_notices_a_manifest_that_is_there_before_its_object(broken, monkeypatch):
    objects, put, add = [], registration._put, ArtifactStore.add_version

    def put_later(store, packed):
        objects.append(partial(put, store, packed))
        return {"sha256": packed.sha256, "size": len(packed.data)}

    def add_first(store, *arguments):
        number = add(store, *arguments)
        while objects:
            objects.pop()()
        return number

    monkeypatch.setattr(registration, "_put", put_later)
    monkeypatch.setattr(ArtifactStore, "add_version", add_first)
    operation = NAMED["register a further version"]
    assert tells(killed(broken, operation, broken.deaths(operation)), "is missing")
    assert tells(power_lost(broken, operation, seeds=[1]), "is missing")


def test_the_harness_notices_a_move_that_the_next_process_finishes_by_half(broken, monkeypatch):
    def move(source, target):
        files.system.replace(source, target)
        files.sync_folder(target.parent)
        files.sync_folder(source.parent)

    monkeypatch.setattr(files, "move", move)
    operation = NAMED["delete a version"]
    assert not tells(killed(broken, operation, broken.deaths(operation)), "")
    assert not tells(power_lost(broken, operation, seeds=range(2)), "")
    lost = killed_and_power_lost(broken, operation, broken.deaths(operation), "register", seeds=())
    assert tells(lost, "trash cartpole:1 is lost")


def test_the_harness_notices_a_number_that_is_given_again(broken, monkeypatch):
    monkeypatch.setattr(ArtifactStore, "_highest", lambda store, name: max(store.numbers(name), default=0))
    operation = NAMED["delete the newest version"]
    assert tells(killed(broken, operation, broken.deaths(operation)), "given again: {'cartpole': 5}")


def test_the_harness_notices_an_error_that_is_not_explained(broken, monkeypatch):
    monkeypatch.setattr(files, "explained", lambda *_: contextlib.nullcontext())
    assert tells(refused(broken, NAMED["set an alias"], [Failing(at=4, error=errno.EIO)]), "not explained")


def test_the_harness_notices_an_operation_that_is_done_by_half(broken):
    prune = dataclasses.replace(NAMED["prune"], stages=())  # as if it were not a series of changes
    assert tells(killed(broken, prune, broken.deaths(prune)), "neither before nor after")


def test_the_harness_notices_a_registry_in_use_that_remembers_what_is_no_more(broken, monkeypatch):
    newest, remembered = ArtifactStore.newest, {}
    monkeypatch.setattr(
        ArtifactStore, "newest", lambda store, name: remembered.setdefault((store, name), newest(store, name))
    )
    failing = refused(broken, NAMED["delete the newest version"], [Failing(at=1, error=errno.EIO)])
    assert tells(failing, "the registry in use lists")


# -- the model of the disk is right --------------------------------------------------------------------------------


def test_the_disk_knows_all_that_an_operation_changes(ground, operation):
    root = ground.copy(operation)
    with on(Disk(root)) as disk:
        operation(ground.registry(root))
    assert disk.everything() == tree_of(root)


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").write_bytes(b"1")
    with on(Disk(tmp_path)) as disk:
        yield disk


def write(path, data, *, flags=os.O_CREAT, flush=True):
    with files._opened(path, os.O_WRONLY | flags) as descriptor:
        files.system.write(descriptor, data)
        if flush:
            files.system.fsync(descriptor)


OLD = {"old": None, "old/file": b"1"}


def test_a_new_file_is_there_when_its_folder_was_flushed_and_whole_when_it_was(disk, tmp_path):
    write(tmp_path / "flushed", b"2")
    write(tmp_path / "not", b"3", flush=False)
    assert disk.nothing() == OLD
    files.sync_folder(tmp_path)
    assert disk.nothing() == {**OLD, "flushed": b"2", "not": b""}
    assert disk.everything() == {**OLD, "flushed": b"2", "not": b"3"} == tree_of(tmp_path)


def test_a_file_that_has_two_names_has_one_content(disk, tmp_path):
    files.system.link(tmp_path / "old" / "file", tmp_path / "two")
    files.sync_folder(tmp_path)
    write(tmp_path / "two", b"+", flags=os.O_APPEND, flush=False)
    assert disk.nothing() == {**OLD, "two": b"1"}
    assert disk.everything() == {"old": None, "old/file": b"1+", "two": b"1+"} == tree_of(tmp_path)


def test_a_file_that_is_emptied_and_written_is_as_it_was_until_it_is_flushed(disk, tmp_path):
    write(tmp_path / "old" / "file", b"23", flags=os.O_TRUNC, flush=False)
    assert (disk.nothing()["old/file"], disk.everything()["old/file"]) == (b"1", b"23")


def test_a_file_that_is_moved_is_lost_where_only_its_old_folder_was_flushed(disk, tmp_path):
    files.system.replace(tmp_path / "old" / "file", tmp_path / "moved")
    assert list(disk.each()) == [{"old": None, "moved": b"1"}, OLD]  # one step: done or not done
    files.sync_folder(tmp_path / "old")
    assert disk.nothing() == {"old": None}
    files.sync_folder(tmp_path)
    assert disk.nothing() == {"old": None, "moved": b"1"}


def test_a_folder_that_is_renamed_takes_along_what_is_in_it(disk, tmp_path):
    files.rename_folder(tmp_path / "old", tmp_path / "new")
    write(tmp_path / "new" / "file", b"2", flags=os.O_TRUNC)
    files.make_folder(tmp_path / "old")
    assert disk.nothing() == {"new": None, "new/file": b"2", "old": None} == tree_of(tmp_path)
    files.remove_garbage(tmp_path / "old")
    assert disk.nothing() == {"new": None, "new/file": b"2", "old": None}


def test_names_come_and_go_apart_from_each_other(disk, tmp_path):
    write(tmp_path / "a", b"2")
    files.system.unlink(tmp_path / "old" / "file")
    left = [frozenset(tree) for tree in disk.each()]
    assert set(left) == {frozenset({"a", "old", "old/file"}), frozenset({"old"})}
