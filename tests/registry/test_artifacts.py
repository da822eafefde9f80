"""Objects and manifests on disk: immutable, numbered once, and never loaded damaged."""

import json
import os
import stat

import pytest

from rlkit.errors import CorruptArtifactError, InvalidNameError, StoreError
from rlkit.registry import artifacts
from rlkit.registry.artifacts import ArtifactStore
from rlkit.storage.documents import lines_of, seal


@pytest.fixture
def store(folder):
    return ArtifactStore(folder)


def rewrite(path, data):
    path.chmod(0o644)
    path.write_bytes(data)


def object_path(store, record):
    return store.folder / "objects" / record["sha256"][:2] / record["sha256"][2:]


def manifest_path(store, name, number):
    return store.folder / "models" / name / f"{number:06d}.json"


def test_opening_and_reading_an_empty_store_writes_nothing(store):
    assert store.names() == []
    assert store.numbers("a") == []
    assert store.stamps("a") == {}
    assert store.read_meta("a")["aliases"] == {}
    assert set(store.signature("a")) == {0}
    assert not store.folder.exists()


def test_objects_stand_under_their_hash_and_cannot_be_written_to(store):
    record = store.put_object(b"content")
    assert record == {
        "sha256": "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73",
        "size": 7,
    }
    assert store.read_object(record) == b"content"
    assert stat.S_IMODE(object_path(store, record).stat().st_mode) & 0o222 == 0


def test_the_same_bytes_are_kept_once(store):
    assert store.put_object(b"content") == store.put_object(b"content")
    assert len([path for path in (store.folder / "objects").rglob("*") if path.is_file()]) == 1


def test_a_flipped_byte_of_an_object_never_loads_and_putting_it_again_repairs_it(store):
    record = store.put_object(b"content")
    path = object_path(store, record)
    for position in range(7):
        damaged = bytearray(b"content")
        damaged[position] ^= 1
        rewrite(path, bytes(damaged))
        with pytest.raises(CorruptArtifactError, match="damaged"):
            store.read_object(record)
    store.put_object(b"content")
    assert store.read_object(record) == b"content"


def test_a_missing_object_is_named(store):
    record = store.put_object(b"content")
    object_path(store, record).unlink()
    with pytest.raises(CorruptArtifactError, match="missing"):
        store.read_object(record)


@pytest.mark.parametrize("sha256", ["../../../etc/passwd", "..", "", None, 3, "AB" * 32, "ab" * 31, "/" * 64])
def test_an_object_can_only_be_named_by_a_hash(store, sha256):
    with pytest.raises(CorruptArtifactError, match="no SHA-256"):
        store.read_object({"sha256": sha256})


def test_versions_count_from_one_for_each_model(store):
    assert [store.add_version("a", []) for _ in range(3)] == [1, 2, 3]
    assert store.add_version("b", []) == 1
    assert store.names() == ["a", "b"]
    assert store.numbers("a") == [1, 2, 3]


def test_manifests_say_what_they_are_and_cannot_be_written_to(store):
    store.add_version("a", lines_of({"algorithm": "ppo"}))
    assert store.read_manifest("a", 1) == {"format": 2, "name": "a", "version": 1, "algorithm": "ppo"}
    assert stat.S_IMODE(manifest_path(store, "a", 1).stat().st_mode) & 0o222 == 0


def test_every_damaged_byte_of_a_manifest_is_noticed(store):
    store.add_version("a", lines_of({"algorithm": "ppo"}))
    path = manifest_path(store, "a", 1)
    good = path.read_bytes()
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1
        rewrite(path, bytes(damaged))
        with pytest.raises(CorruptArtifactError, match=r"000001\.json"):
            store.read_manifest("a", 1)


def test_a_manifest_under_another_name_is_noticed(store):
    store.add_version("a", [])
    manifest_path(store, "a", 1).rename(manifest_path(store, "a", 2))
    with pytest.raises(CorruptArtifactError, match="manifest of a:1"):
        store.read_manifest("a", 2)


def test_newer_formats_ask_for_an_update(store):
    store.add_version("a", lines_of({"x": 1}))
    rewrite(manifest_path(store, "a", 1), seal({"format": 3, "name": "a", "version": 1}))
    (store.folder / "models" / "a" / "meta.json").write_bytes(seal({"format": 3}))
    with pytest.raises(StoreError, match="Update rlkit"):
        store.read_manifest("a", 1)
    with pytest.raises(StoreError, match="Update rlkit"):
        store.read_meta("a")


def test_numbers_are_never_given_twice(store):
    for _ in range(3):
        store.add_version("a", [])
    store.trash_version("a", 3)
    assert store.add_version("a", []) == 4
    for number in (1, 2, 4):
        store.trash_version("a", number)
    assert store.numbers("a") == []
    assert store.add_version("a", []) == 5


@pytest.mark.parametrize("lost", ["trash/a/000002.json", "models/a/meta.json"])
def test_numbers_are_not_given_twice_though_one_of_their_two_traces_is_lost(store, lost):
    for _ in range(2):
        store.add_version("a", [])
    store.trash_version("a", 2)
    (store.folder / lost).unlink()
    assert store.add_version("a", []) == 3


def test_no_manifest_is_replaced_even_where_locks_do_not_hold(store, monkeypatch):
    monkeypatch.setattr(store, "_highest", lambda _: 0)
    assert [store.add_version("a", lines_of({"x": number})) for number in (1, 2, 3)] == [1, 2, 3]
    assert [store.read_manifest("a", number)["x"] for number in (1, 2, 3)] == [1, 2, 3]


def test_the_highest_number_is_durable_before_the_manifest_goes(store, monkeypatch):
    store.add_version("a", [])

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(artifacts.files, "move", crash)
    with pytest.raises(KeyboardInterrupt):
        store.trash_version("a", 1)
    assert store.read_meta("a")["last_version"] == 1
    assert store.numbers("a") == [1]


def test_a_deleted_manifest_lies_in_the_trash_unchanged(store):
    store.add_version("a", lines_of({"x": 1}))
    before = manifest_path(store, "a", 1).read_bytes()
    store.trash_version("a", 1)
    assert (store.folder / "trash" / "a" / "000001.json").read_bytes() == before
    with pytest.raises(FileNotFoundError):
        store.trash_version("a", 1)


def test_what_may_change_is_kept_beside_the_manifests(store):
    store.add_version("a", [])
    store.update_meta("a", lambda meta: meta["aliases"].update(best=1))
    store.update_meta("a", lambda meta: meta.update(later="kept"))
    store.update_meta("a", lambda meta: meta["versions"].update({"1": {"tags": ["x"]}}))
    assert ArtifactStore(store.folder).read_meta("a") == {
        "format": 2,
        "deleted": {},
        "formerly": [],
        "last_version": 0,
        "aliases": {"best": 1},
        "versions": {"1": {"tags": ["x"]}},
        "later": "kept",
    }


def test_a_change_that_fails_changes_nothing(store, content):
    store.add_version("a", [])
    store.update_meta("a", lambda meta: meta["aliases"].update(best=1))
    before = content(store.folder)

    def fail(meta):
        meta["aliases"].clear()
        raise KeyError

    with pytest.raises(KeyError):
        store.update_meta("a", fail)
    assert content(store.folder) == before


def test_damage_to_what_may_change_is_noticed_and_stops_writers(store):
    store.add_version("a", [])
    store.update_meta("a", lambda meta: meta["aliases"].update(best=1))
    path = store.folder / "models" / "a" / "meta.json"
    for data in (path.read_bytes().replace(b'"best": 1', b'"best": 2'), b"", seal({"format": 1, "aliases": 3})):
        path.write_bytes(data)
        for attempt in (
            lambda: store.read_meta("a"),
            lambda: store.add_version("a", []),
            lambda: store.trash_version("a", 1),
        ):
            with pytest.raises(CorruptArtifactError, match=r"meta\.json"):
                attempt()
    assert store.numbers("a") == [1]


def test_names_that_differ_in_case_only_cannot_stand_side_by_side(store):
    store.add_version("cartpole", [])
    with pytest.raises(InvalidNameError, match="'cartpole'"):
        store.add_version("CartPole", [])
    assert store.names() == ["cartpole"]


def test_foreign_files_are_ignored(store):
    store.add_version("a", [])
    models = store.folder / "models"
    for name in (
        "notes.txt",
        "1.json",
        "0000001.json",
        "000002.json.bak",
        ".000003.json.x.tmp",
        "\u0661" * 6 + ".json",
    ):
        (models / "a" / name).write_text("x")
    (models / "file").write_text("x")
    (models / "bad name").mkdir()
    assert store.names() == ["a"]
    assert store.numbers("a") == [1]
    assert list(store.stamps("a")) == [1]


def test_symbolic_links_are_not_followed_out_of_the_store(store, tmp_path):
    outside = tmp_path / "outside"
    (outside / "trap").mkdir(parents=True)
    (outside / "trap" / "000001.json").write_bytes(seal({"format": 1, "name": "trap", "version": 1}))
    record = store.put_object(b"content")
    store.add_version("a", [])
    (store.folder / "models" / "trap").symlink_to(outside / "trap")
    (store.folder / "trash").symlink_to(outside)
    (store.folder / "models" / "a" / "000002.json").symlink_to(outside / "trap" / "000001.json")
    object_path(store, record).unlink()
    object_path(store, record).symlink_to(outside / "trap" / "000001.json")
    assert store.names() == ["a"]
    for attempt in (
        lambda: store.read_manifest("trap", 1),
        lambda: store.read_manifest("a", 2),
        lambda: store.read_object(record),
        lambda: store.add_version("trap", []),
        lambda: store.trash_version("a", 1),
        lambda: store.update_meta("trap", lambda _: None),
    ):
        with pytest.raises(StoreError, match="symbolic link"):
            attempt()
    assert [path.name for path in (outside / "trap").iterdir()] == ["000001.json"]
    assert [path.name for path in outside.iterdir()] == ["trap"]


def test_the_store_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    ArtifactStore(tmp_path / "link").add_version("a", [])
    assert ArtifactStore(tmp_path / "real").numbers("a") == [1]


def test_a_signature_changes_with_every_change(store):
    store.add_version("a", [])
    seen = [store.signature("a")]
    for change in (
        lambda: store.add_version("a", []),
        lambda: store.update_meta("a", lambda meta: meta["aliases"].update(best=1)),
        lambda: store.update_meta("a", lambda meta: meta["aliases"].update(better=1)),
        lambda: store.trash_version("a", 1),
    ):
        os.utime(store.folder / "models" / "a", ns=(0, 0))  # so that the clock's steps cannot hide a change
        os.utime(manifest_path(store, "a", max(store.numbers("a"))), ns=(0, 0))
        change()
        seen.append(store.signature("a"))
    assert len(set(seen)) == len(seen)


def test_a_manifest_is_readable_json(store):
    store.add_version("a", lines_of({"algorithm": "ppo"}))
    assert json.loads(manifest_path(store, "a", 1).read_text())["algorithm"] == "ppo"


def test_a_file_in_the_place_of_the_folder_is_told_to_readers_and_writers(tmp_path):
    (tmp_path / "file").write_text("mine")
    store = ArtifactStore(tmp_path / "file")
    with pytest.raises(StoreError, match="Not a directory"):
        store.names()
    with pytest.raises(StoreError) as refused:
        store.put_object(b"state")
    assert refused.value.remedy
    assert (tmp_path / "file").read_text() == "mine"


def test_a_change_token_is_another_one_after_any_change(store):
    changes = [
        lambda: store.make("models", "a"),
        (store.folder / "models" / "a" / "000001.json").touch,
        (store.folder / "models" / "a" / "meta.json").touch,
        lambda: store.make("trash", "a"),
        (store.folder / "trash" / "a" / "000001.json").touch,
        lambda: (store.folder / "models" / "a").rename(store.folder / "models" / "b"),
    ]
    tokens = [store.change_token()]
    for change in changes:
        change()
        tokens.append(store.change_token())
    assert len(set(tokens)) == len(changes) + 1


def test_a_change_token_stays_where_nothing_changes(store):
    assert store.change_token() == store.change_token()
    for folder in (("models", "a"), ("trash", "a")):
        store.make(*folder)
    for folder in ("models", "models/a", "trash", "trash/a"):
        os.utime(store.folder / folder, ns=(1, 1))
    assert store.change_token() == store.change_token()


def test_a_change_token_is_trusted_only_where_a_later_change_could_not_look_the_same(store):
    store.make("models", "a")
    assert store.change_token() != store.change_token()
