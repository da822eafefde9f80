"""Garbage is all that nothing needs, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from rlkit.errors import ConfigError, ModelNotFoundError
from rlkit.registry import ModelRegistry, artifacts


@pytest.fixture
def kept(registry, make_model):
    for number in range(3):
        registry.register(make_model(number), "a")
    registry.register(make_model(0), "b")
    return registry


def objects_in(folder):
    return sorted(path.name for path in (folder / "objects").rglob("*") if path.is_file())


def test_a_registry_in_use_has_no_garbage(kept, folder, content):
    before = content(folder)
    report = kept.gc()
    assert (report.versions, report.files, report.size) == ((), 0, 0)
    assert content(folder) == before


def test_no_folder_is_made_to_clean_it(registry, folder):
    assert registry.gc().files == 0
    assert not folder.exists()


def test_a_deleted_version_is_gone_for_good_and_its_object_with_it(kept, folder):
    before = objects_in(folder)
    kept.delete("a:2")
    report = kept.gc()
    assert report.versions == ("a:2",)
    assert report.size > 0
    assert len(objects_in(folder)) == len(before) - 1
    assert kept.trash() == []
    with pytest.raises(ModelNotFoundError, match="not in the trash"):
        kept.restore("a:2")
    assert kept.verify().ok


def test_an_object_that_another_version_needs_stays(kept):
    kept.delete("a:1")
    kept.gc()
    assert kept._objects(kept._manifest("b", 1))


def test_numbers_of_versions_that_are_gone_are_not_given_again(kept, make_model, folder):
    kept.delete("a:3")
    kept.gc()
    assert ModelRegistry(folder).register(make_model(), "a").ref == "a:4"
    for number in (1, 2, 4):
        kept.delete(f"a:{number}")
    kept.gc()
    assert kept.models() == ["b"]
    assert ModelRegistry(folder).register(make_model(), "a").ref == "a:5"


def test_a_dry_run_says_the_same_and_deletes_nothing(kept, folder, content):
    kept.delete("a:2")
    (folder / "models" / "a" / ".000009.json.0123456789ab.tmp").write_text("half")
    before = content(folder)
    told = kept.gc(dry_run=True)
    assert content(folder) == before
    done = kept.gc()
    assert (told.dry_run, done.dry_run) == (True, False)
    assert (told.versions, told.files, told.size) == (done.versions, done.files, done.size)


def test_what_was_deleted_lately_stays_where_that_is_asked_for(kept, monkeypatch):
    kept.delete("a:1")

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=2)

    monkeypatch.setattr(artifacts, "datetime", Later)
    kept.delete("a:2")
    monkeypatch.undo()
    assert kept.gc(older_than=timedelta(hours=1)).versions == ()
    later = kept._store.read_meta("a")["deleted"]
    assert datetime.fromisoformat(later["2"]) - datetime.fromisoformat(later["1"]) > timedelta(days=1)
    assert datetime.fromisoformat(later["1"]).tzinfo == UTC
    assert kept.gc(older_than=timedelta(days=-1)).versions == ("a:1",)
    assert [version.ref for version in kept.trash()] == ["a:2"]


def test_an_age_is_a_timedelta(kept):
    with pytest.raises(ConfigError, match="timedelta"):
        kept.gc(older_than=30)


def test_what_a_crash_left_behind_goes(kept, folder):
    orphan = folder / "objects" / "ab" / ("c" * 62)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"an object whose version never came to be")
    half = [
        folder / "objects" / "ab" / ".cdef.0123456789ab.tmp",
        folder / "models" / "a" / ".000004.json.0123456789ab.tmp",
        folder / "models" / ".b.0123456789ab.tmp",
        folder / ".index.jsonl.0123456789ab.tmp",
    ]
    for path in half:
        path.write_bytes(b"half")
    (folder / "models" / ".c.0123456789ab.tmp").mkdir()
    (folder / "models" / ".c.0123456789ab.tmp" / "meta.json").write_bytes(b"x")
    assert len(kept.verify().garbage) >= 7
    kept.gc()
    assert not orphan.exists()
    assert not any(path.exists() for path in half)
    assert not (folder / "models" / ".c.0123456789ab.tmp").exists()
    assert kept.verify().garbage == ()


def test_files_of_others_stay(kept, folder):
    mine = [folder / "notes.txt", folder / "models" / "notes.txt", folder / "models" / "a" / "notes.txt"]
    mine += [folder / "objects" / "README", folder / "objects" / "ab-mine" / ("c" * 62)]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    kept.gc()
    assert all(path.read_text() == "mine" for path in mine)


def test_no_object_is_deleted_while_nobody_knows_what_a_version_needs(kept, folder):
    path = folder / "models" / "a" / "000002.json"
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-3])
    kept.delete("a:1")
    (folder / "models" / "a" / ".000009.json.0123456789ab.tmp").write_text("half")
    before = objects_in(folder)
    with pytest.warns(UserWarning, match=r"All objects stay.*000002\.json"):
        report = kept.gc()
    assert (report.versions, report.files) == (("a:1",), 2)
    assert objects_in(folder) == before
    path.write_bytes(whole)
    assert kept.gc().files == 0  # b:1 needs the object of a:1, and a:2 its own
    assert kept.verify().ok


def test_what_is_damaged_can_be_deleted_and_no_longer_keeps_objects_from_being(kept, folder):
    path = folder / "models" / "a" / "000002.json"
    path.chmod(0o644)
    path.write_bytes(b"")
    kept.delete("a:2")
    kept.gc()
    assert len(objects_in(folder)) == 2
    assert kept.verify().ok


def test_trash_stays_where_it_is_not_known_when_it_was_deleted(kept, folder):
    kept.delete("a:1")
    kept.rename("a", "c")
    kept.delete("b:1")
    path = folder / "models" / "c" / "meta.json"
    whole = path.read_bytes()
    path.write_bytes(b"{}")
    with pytest.warns(UserWarning, match=r"trash stays.*c: .*meta\.json"):
        assert kept.gc().versions == ("b:1",)
    path.write_bytes(whole)
    assert kept.restore("a:1").ref == "c:1"


def test_aliases_and_changes_of_what_is_gone_are_forgotten(kept):
    kept.set_alias("a", "best", 2)
    kept.set_alias("a", "kept", 1)
    kept.tag("a:2", "x")
    kept.delete("a:2")
    kept.gc()
    meta = kept._store.read_meta("a")
    assert meta["aliases"] == {"kept": 1}
    assert meta["versions"] == meta["deleted"] == {}


def test_trash_under_a_former_name_goes_too(kept):
    kept.delete("a:1")
    kept.rename("a", "c")
    kept.delete("c:2")
    assert sorted(version.ref for version in kept.trash()) == ["c:1", "c:2"]
    kept.gc()
    assert kept.trash() == []
    assert kept.verify().ok


def test_a_version_that_a_crash_left_in_both_places_was_not_deleted(kept, folder):
    path = folder / "models" / "a" / "000002.json"
    (folder / "trash" / "a").mkdir(parents=True)
    (folder / "trash" / "a" / "000002.json").write_bytes(path.read_bytes())
    assert kept.trash() == []
    with pytest.raises(ModelNotFoundError):
        kept.restore("a:2")
    kept.gc()
    assert kept.get("a:2").ref == "a:2"
    assert list((folder / "trash" / "a").iterdir()) == []
    assert kept.verify().ok
