"""One portable file: the same for the same model, and never loaded after any damage that matters."""

import hashlib
import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rlkit
from rlkit.errors import CorruptArtifactError, StateError, StoreError, UntrustedArtifactError
from rlkit.storage import archive
from rlkit.storage.archive import read_archive, write_archive
from rlkit.storage.documents import seal, unseal
from rlkit.storage.packing import Packed, PackedModel, pack, state_of

METADATA = {"algorithm": "ppo", "config": {"gamma": 0.99}, "seed": 0}
STATE = {"algorithm": "ppo", "weights": np.arange(4, dtype="f4")}
MODEL = PackedModel(METADATA, pack(STATE))


def read(path):
    model = read_archive(path)
    return model.metadata, state_of(model.objects)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.rlkit"
    write_archive(path, MODEL)
    return path


def repacked(path, **changes):
    """Write the archive again with some entries replaced; entry names stand with _ for the dot."""
    with zipfile.ZipFile(path) as packed:
        entries = {name: packed.read(name) for name in packed.namelist()}
    entries |= {name.replace("_", "."): data for name, data in changes.items()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in entries.items():
            if data is not None:
                packed.writestr(name, data)


def manifest_of(path):
    with zipfile.ZipFile(path) as packed:
        return unseal(packed.read("manifest.json"), "it")


def test_metadata_and_state_come_back(file):
    metadata, state = read(file)
    assert metadata == METADATA
    assert state["algorithm"] == "ppo"
    assert state["weights"].tolist() == [0, 1, 2, 3]


def test_the_path_may_be_a_string(tmp_path):
    write_archive(str(tmp_path / "a"), MODEL)
    assert read_archive(str(tmp_path / "a")).metadata == METADATA


def test_equal_models_give_equal_files(file, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_archive(tmp_path / "again", MODEL)
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_any_zip_program_can_read_the_file(file):
    with zipfile.ZipFile(file) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["manifest.json", "state.dill"]
        manifest = json.loads(packed.read("manifest.json"))
    assert manifest["format"] == archive.FORMAT == 1
    assert manifest["kind"] == "model"
    assert manifest["metadata"] == METADATA
    assert set(manifest["objects"]["state"]) == {"file", "sha256", "size"}


def test_no_damaged_byte_changes_what_is_loaded(file):
    good = file.read_bytes()
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        file.write_bytes(damaged)
        try:
            metadata, state = read(file)
        except StoreError:
            continue  # the bytes of the zip that carry nothing, such as the time, may change unseen
        assert metadata == METADATA
        assert state["weights"].tolist() == [0, 1, 2, 3]


def test_every_truncation_is_refused(file):
    good = file.read_bytes()
    for length in range(len(good)):
        file.write_bytes(good[:length])
        with pytest.raises(CorruptArtifactError):
            read_archive(file)


def test_a_state_with_a_right_zip_checksum_but_another_hash_is_refused(file):
    repacked(file, state_dill=pack({**STATE, "weights": np.ones(4, dtype="f4")})["state"].data)
    with pytest.raises(CorruptArtifactError, match="not what was saved"):
        read_archive(file)


def test_a_state_that_would_run_code_is_refused_though_its_hash_is_right(file):
    hostile = pickle.dumps({"a": os.system})
    manifest = manifest_of(file)
    manifest["objects"]["state"] |= {"sha256": hashlib.sha256(hostile).hexdigest(), "size": len(hostile)}
    repacked(file, state_dill=hostile, manifest_json=seal(manifest))
    with pytest.raises(UntrustedArtifactError, match=r"posix\.system"):
        read(file)


CODE = PackedModel(METADATA, {**MODEL.objects, "code": Packed(b"a class", "a signature")})


def test_a_class_travels_beside_the_state_with_its_signature(tmp_path):
    write_archive(tmp_path / "own.rlkit", CODE)
    assert read_archive(tmp_path / "own.rlkit") == CODE


def test_a_class_that_was_exchanged_is_refused(tmp_path):
    write_archive(tmp_path / "own.rlkit", CODE)
    repacked(tmp_path / "own.rlkit", code_dill=b"another")
    with pytest.raises(CorruptArtifactError, match="its code is not what was saved"):
        read_archive(tmp_path / "own.rlkit")


def test_objects_of_a_kind_that_is_not_known_are_left_alone(file):
    manifest = manifest_of(file)
    manifest["objects"]["later"] = {"file": "../../later"}
    repacked(file, manifest_json=seal(manifest))
    assert set(read_archive(file).objects) == {"state"}


def test_a_newer_format_asks_for_an_update(file):
    repacked(file, manifest_json=seal({**manifest_of(file), "format": 2}))
    with pytest.raises(StoreError, match="Update rlkit"):
        read_archive(file)


def test_another_kind_of_file_is_refused(file):
    repacked(file, manifest_json=seal({**manifest_of(file), "kind": "sweep"}))
    with pytest.raises(StoreError, match="holds a sweep, not a model"):
        read_archive(file)


@pytest.mark.parametrize("entry", ["manifest_json", "state_dill"])
def test_a_missing_entry_is_damage(file, entry):
    repacked(file, **{entry: None})
    with pytest.raises(CorruptArtifactError):
        read_archive(file)


def test_an_entry_that_swells_while_it_is_read_is_refused(file):
    with zipfile.ZipFile(file) as packed:
        manifest = packed.read("manifest.json")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.json", manifest)
        packed.writestr("state.dill", b"\0" * 10_000_000)
    file.write_bytes(buffer.getvalue())
    with pytest.raises(CorruptArtifactError, match="compressed"):
        read_archive(file)


def test_what_is_no_archive_is_refused(tmp_path):
    for content in (b"", b"hello", pickle.dumps({"a": 1})):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(CorruptArtifactError, match="not a model file"):
            read_archive(tmp_path / "file")


def test_a_missing_file_is_answered_with_the_nearest_name(file):
    with pytest.raises(StoreError, match=r"Did you mean 'model\.rlkit'"):
        read_archive(file.with_name("model_.rlkit"))


def test_a_missing_folder_is_named(tmp_path):
    for attempt in (read_archive, lambda path: write_archive(path, MODEL)):
        with pytest.raises(StoreError, match="missing"):
            attempt(tmp_path / "missing" / "model.rlkit")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_saved_leaves_the_old_file(file):
    before = file.read_bytes()
    with pytest.raises(StateError):
        write_archive(file, PackedModel({"a": object()}, MODEL.objects))
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == ["model.rlkit"]


# -- what is no file at all -------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_without_waiting_for_who_writes_to_it(tmp_path):
    os.mkfifo(tmp_path / "x.rlkit")
    for read in (read_archive, rlkit.load, rlkit.registry(tmp_path / "store").inspect):
        with pytest.raises(StoreError, match="pipe or a device"):
            read(tmp_path / "x.rlkit")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="Windows has no such device")
def test_a_device_is_refused(tmp_path):
    (tmp_path / "x.rlkit").symlink_to("/dev/zero")
    with pytest.raises(StoreError, match="pipe or a device"):
        read_archive(tmp_path / "x.rlkit")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "x.rlkit").mkdir()
    with pytest.raises(StoreError, match=r"x\.rlkit"):
        read_archive(tmp_path / "x.rlkit")


def sparse(path, size, ending=b""):
    """A file of this many bytes that takes no room on most disks."""
    with path.open("wb") as file:
        file.truncate(size - len(ending))
        file.seek(0, os.SEEK_END)
        file.write(ending)


def end_of_a_zip(directory, size):
    """What a zip ends with that says how many bytes its directory has."""
    start = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, directory, size - 98 - directory)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, size - 98, 1)
    return start + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


@pytest.mark.parametrize("size", [50_000_000_000, 6_000_000_000, 100_000_000])
@pytest.mark.parametrize("ending", ["none", "directory", "entry"])
def test_a_file_of_nothing_but_holes_takes_no_memory(tmp_path, size, ending):
    path = tmp_path / "x.rlkit"
    if ending == "entry":  # the state is the hole
        write_archive(path, MODEL)
        with path.open("r+b") as file:
            whole = file.read()
            at = whole.index(b"PK\1\2", whole.index(b"PK\1\2") + 4)
            file.seek(at + 20)
            file.write(struct.pack("<2L", min(size, 2**32 - 2), min(size, 2**32 - 2)))
    else:
        sparse(path, size, b"" if ending == "none" else end_of_a_zip(size - 200, size))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptArtifactError):
            read_archive(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [None, "1", -1, True, 2**70, 10**400, [1]])
def test_a_size_that_is_none_is_damage(file, size):
    manifest = manifest_of(file)
    manifest["objects"]["state"]["size"] = size
    repacked(file, manifest_json=seal(manifest))
    with pytest.raises(CorruptArtifactError):
        read_archive(file)
