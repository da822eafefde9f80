"""The index is a cache: whatever happens to it, searches find what the manifests say."""

import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tinydb import Query

from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry, index as index_module
from rlkit.storage.documents import seal


def refs(registry, where=None):
    return [version.ref for version in registry.search(where)]


@pytest.fixture
def filled(registry, make_model):
    for number in range(3):
        registry.register(make_model(), "a", metrics={"mean_return": number})
    registry.register(make_model(), "b", tags=["x"])
    registry.set_alias("a", "best", 2)
    refs(registry)
    return registry


def reads_of(monkeypatch):
    """Count the manifests that are opened."""
    count = []
    read = index_module.ArtifactStore.read_manifest

    def counting(self, name, number):
        count.append(f"{name}:{number}")
        return read(self, name, number)

    monkeypatch.setattr(index_module.ArtifactStore, "read_manifest", counting)
    return count


def test_searching_an_empty_registry_writes_nothing(registry, folder):
    assert refs(registry) == []
    assert not folder.exists()
    folder.mkdir()
    assert refs(registry) == []
    assert list(folder.iterdir()) == []


def test_the_index_is_a_tinydb_file_that_anybody_can_read(filled, folder):
    tables = json.loads((folder / "index.json").read_text())["tables"]
    assert {entry["ref"] for entry in tables["versions"].values()} == {"a:1", "a:2", "a:3", "b:1"}


def test_a_second_opening_reads_the_index_and_no_manifest(filled, folder, monkeypatch):
    count = reads_of(monkeypatch)
    assert refs(ModelRegistry(folder)) == ["a:1", "a:2", "a:3", "b:1"]
    assert count == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"not json",
        b'{"format": 1}',
        seal({"format": 1, "models": {}, "tables": {"versions": {"1": {"name": "a"}}}}),
        seal({"format": 1, "models": {}, "tables": {"versions": {"1": 5}}}),
        seal({"format": 1, "models": {"a": {}}, "tables": {}}),
        seal({"format": 1, "models": 3, "tables": 4}),
        seal({"format": 9, "models": {}, "tables": {}}),
        seal({"a": 1}),
        None,
    ],
    ids=repr,
)
def test_a_damaged_or_missing_index_is_rebuilt_silently(filled, folder, damage):
    path = folder / "index.json"
    good = json.loads(path.read_bytes())["tables"]
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    again = ModelRegistry(folder)
    assert refs(again) == ["a:1", "a:2", "a:3", "b:1"]
    assert again.get("a@best") == again.search("'best' in aliases")[0]
    rebuilt = json.loads(path.read_bytes())["tables"]
    assert sorted(map(str, rebuilt["versions"].values())) == sorted(map(str, good["versions"].values()))


def test_no_flipped_byte_of_the_index_is_believed(filled, folder):
    path = folder / "index.json"
    good = path.read_bytes()
    expected = [(version.ref, version.aliases, version.metrics) for version in filled.versions()]
    for position in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        again = ModelRegistry(folder).versions()
        assert [(version.ref, version.aliases, version.metrics) for version in again] == expected


def test_an_index_that_is_deleted_while_in_use_is_written_again(filled, folder):
    (folder / "index.json").unlink()
    assert len(refs(filled)) == 4
    assert (folder / "index.json").exists()


def test_an_old_index_is_brought_up_to_date(filled, folder, make_model):
    old = (folder / "index.json").read_bytes()
    filled.register(make_model(), "c")
    filled.delete("a:1")
    filled.set_alias("a", "best", 3)
    (folder / "index.json").write_bytes(old)
    again = ModelRegistry(folder)
    assert refs(again) == ["a:2", "a:3", "b:1", "c:1"]
    assert refs(again, "'best' in aliases") == ["a:3"]


def test_other_openings_of_the_same_folder_see_every_change_at_once(filled, folder, make_model):
    other = ModelRegistry(folder)
    assert refs(other, "'best' in aliases") == ["a:2"]
    filled.register(make_model(), "a")
    assert refs(other, "name = 'a'") == ["a:1", "a:2", "a:3", "a:4"]
    filled.set_alias("a", "best", 4)
    assert refs(other, "'best' in aliases") == ["a:4"]
    filled.set_alias("a", "best", 1)
    assert refs(other, "'best' in aliases") == ["a:1"]
    filled.delete_alias("a", "best")
    assert refs(other, "'best' in aliases") == []
    filled.delete("a:4")
    filled.delete("b:1")
    assert refs(other) == ["a:1", "a:2", "a:3"]


def test_a_folder_that_was_thrown_away_and_filled_anew_is_noticed(filled, folder, make_model):
    shutil.rmtree(folder)
    assert refs(filled) == []
    filled.register(make_model(), "a", metrics={"mean_return": 77})
    assert refs(filled, "metrics.mean_return = 77") == ["a:1"]
    assert refs(filled) == ["a:1"]
    assert (folder / "index.json").exists()


def test_a_copied_folder_is_right(filled, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert refs(ModelRegistry(tmp_path / "copy"), "'best' in aliases") == ["a:2"]


def test_a_model_left_alone_is_not_even_listed_again_until_it_changes(filled, folder, monkeypatch):
    for name in ("a", "b"):  # as if everything had been written a day ago
        for path in [*(folder / "models" / name).glob("*.json"), folder / "models" / name]:
            os.utime(path, ns=(10**18, 10**18))
    refs(filled)
    listed = []
    with monkeypatch.context() as patched:
        patched.setattr(index_module.ArtifactStore, "stamps", lambda _, name: listed.append(name) or {})
        refs(filled)
    assert listed == []
    ModelRegistry(folder).set_alias("a", "best", 3)
    ModelRegistry(folder).delete("b:1")
    assert refs(filled, "'best' in aliases") == ["a:3"]
    assert refs(filled) == ["a:1", "a:2", "a:3"]


def test_what_was_just_written_is_looked_at_again(filled, monkeypatch):
    """Two changes within one step of the file system's clock look alike."""
    monkeypatch.setattr(index_module.time, "time_ns", lambda: filled._store.signature("a")[1] + 10)
    refs(filled)
    assert filled._index._storage.models["a"]["signature"] is None


def test_an_alias_moves_without_opening_a_manifest(filled, folder, monkeypatch):
    filled.set_alias("a", "best", 3)
    count = reads_of(monkeypatch)
    assert refs(filled, "'best' in aliases") == ["a:3"]
    assert count == []


def test_a_folder_that_cannot_be_written_is_searched_in_memory(filled, folder, monkeypatch, content):
    (folder / "index.json").unlink()
    before = content(folder)

    def refuse(*_, **__):
        raise StoreError("read-only")

    monkeypatch.setattr(index_module.files, "write_atomic", refuse)
    again = ModelRegistry(folder)
    assert refs(again) == refs(again) == ["a:1", "a:2", "a:3", "b:1"]
    assert content(folder) == before


def test_a_damaged_manifest_is_told_of_and_hides_no_other(filled, folder):
    path = folder / "models" / "a" / "000002.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    again = ModelRegistry(folder)
    with pytest.warns(UserWarning, match=r"000002\.json is damaged"):
        assert refs(again) == ["a:1", "a:3", "b:1"]


def test_a_damaged_meta_is_told_of_and_hides_no_version(filled, folder):
    (folder / "models" / "a" / "meta.json").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"meta\.json is damaged"):
        assert refs(ModelRegistry(folder)) == ["a:1", "a:2", "a:3", "b:1"]


def test_the_file_is_not_rewritten_for_every_version(registry, make_model, monkeypatch):
    written = []
    write = index_module.files.write_atomic
    monkeypatch.setattr(
        index_module.files,
        "write_atomic",
        lambda path, *rest, **more: (written.append(path.name), write(path, *rest, **more)),
    )
    model = make_model()
    for _ in range(100):
        registry.register(model, "a")
        registry.search()
    assert 1 < written.count("index.json") < 60


def test_tinydb_queries_are_taken(filled):
    entry = Query()
    assert refs(filled, entry.metrics.mean_return > 0) == ["a:2", "a:3"]
    assert refs(filled, (entry.name == "b") & entry.tags.any(["x"])) == ["b:1"]
    filled.delete("a:2")
    assert refs(filled, entry.metrics.mean_return > 0) == ["a:3"]


@given(
    st.lists(st.sampled_from(["register a", "register b", "delete", "alias", "reopen", "lose", "search"]), max_size=12)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_searches_find_what_the_manifests_say_after_any_history(tmp_path_factory, make_model, history):
    folder = tmp_path_factory.mktemp("store")
    registry, reader = ModelRegistry(folder), ModelRegistry(folder)
    for step in history:
        versions = [version.ref for name in registry.models() for version in registry.versions(name)]
        if step.startswith("register"):
            registry.register(make_model(), step[-1])
        elif step == "delete" and versions:
            registry.delete(versions[0])
        elif step == "alias" and versions:
            name, _, number = versions[-1].partition(":")
            registry.set_alias(name, "best", int(number))
        elif step == "reopen":
            reader = ModelRegistry(folder)
        elif step == "lose":
            (folder / "index.json").unlink(missing_ok=True)
        else:
            reader.search()
        store = registry._store
        truth = [f"{name}:{number}" for name in store.names() for number in store.numbers(name)]
        assert refs(reader) == truth
        assert reader.versions() == [reader.get(ref) for ref in truth]
