"""The index is a cache: whatever happens to it, searches find what the manifests say."""

import itertools
import json
import os
import shutil
import threading
import zlib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tinydb import Query

from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry, index as index_module, layout
from rlkit.storage import files
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


def lines_of(path):
    return [json.loads(line[9:]) for line in path.read_bytes().splitlines()]


def test_the_index_is_a_file_of_lines_that_anybody_can_read(filled, folder):
    refs(ModelRegistry(folder))
    lines = lines_of(folder / "index.jsonl")
    assert {line[1]["ref"] for line in lines if line[0] == "version"} == {"a:1", "a:2", "a:3", "b:1"}


def test_a_second_opening_reads_the_index_and_no_manifest(filled, folder, monkeypatch):
    count = reads_of(monkeypatch)
    assert refs(ModelRegistry(folder)) == ["a:1", "a:2", "a:3", "b:1"]
    assert count == []


def line(*record):
    data = json.dumps(record).encode()
    return b"%08x %s\n" % (zlib.crc32(data), data)


HEAD = line("rlkit index", 3)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"not json",
        HEAD,
        HEAD[:-5],
        HEAD + b"torn",
        HEAD + line("version", {"name": "a", "version": 1}, {}),
        HEAD + line("version", 5, 6),
        HEAD + line("version"),
        HEAD + line("model", "a", {}),
        HEAD + line("model", "a", 3),
        HEAD + line("part", "x"),
        HEAD + line("later", 1),
        HEAD + line(),
        HEAD + b"%08x %s\n" % (zlib.crc32(b"no"), b"no"),
        line("rlkit index", 9) + line("version", {}, {}),
        seal({"format": 1, "models": {}, "tables": {"versions": {"1": {"name": "a"}}}}),
        None,
    ],
    ids=repr,
)
def test_a_damaged_or_missing_index_is_rebuilt_silently(filled, folder, damage):
    path = folder / "index.jsonl"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    again = ModelRegistry(folder)
    assert refs(again) == ["a:1", "a:2", "a:3", "b:1"]
    assert again.get("a@best") == again.search("'best' in aliases")[0]
    rebuilt = [record[1]["ref"] for record in lines_of(path) if record[0] == "version"]
    assert sorted(rebuilt) == ["a:1", "a:2", "a:3", "b:1"]


def test_no_flipped_byte_of_the_index_is_believed(filled, folder):
    path = folder / "index.jsonl"
    good = path.read_bytes()
    expected = [(version.ref, version.aliases, version.metrics) for version in filled.versions()]
    for position in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        again = ModelRegistry(folder).versions()
        assert [(version.ref, version.aliases, version.metrics) for version in again] == expected


def test_a_line_that_is_lost_is_missed_also_of_a_model_that_nobody_has_changed_for_long(filled, folder):
    for path in (folder / "models").iterdir():
        os.utime(path, ns=(1, 1))
    filled.reindex()
    path = folder / "index.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert sum(b'"settled": true' in line for line in lines) == 2
    for lost in range(len(lines)):
        path.write_bytes(b"".join(line for number, line in enumerate(lines) if number != lost))
        assert refs(ModelRegistry(folder)) == ["a:1", "a:2", "a:3", "b:1"]


def test_an_index_that_is_deleted_while_in_use_is_written_again(filled, folder):
    (folder / "index.jsonl").unlink()
    assert len(refs(filled)) == 4
    assert (folder / "index.jsonl").exists()


def test_an_old_index_is_brought_up_to_date(filled, folder, make_model):
    old = (folder / "index.jsonl").read_bytes()
    filled.register(make_model(), "c")
    filled.delete("a:1")
    filled.set_alias("a", "best", 3)
    (folder / "index.jsonl").write_bytes(old)
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
    assert (folder / "index.jsonl").exists()


def test_a_copied_folder_is_right(filled, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert refs(ModelRegistry(tmp_path / "copy"), "'best' in aliases") == ["a:2"]


def test_a_model_left_alone_is_not_even_listed_again_until_it_changes(filled, folder, monkeypatch):
    for name in ("a", "b"):  # as if everything had been written a day ago
        for path in [*(folder / "models" / name).glob("*.json"), folder / "models" / name]:
            os.utime(path, ns=(10**18 + 1, 10**18 + 1))
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
    monkeypatch.setattr(layout.time, "time_ns", lambda: filled._store.signature("a")[1] + 10)
    filled.add_metrics("a:1", {"x": 1})
    refs(filled)
    assert not filled._index._storage.models["a"]["settled"]


def test_an_alias_moves_without_opening_a_manifest(filled, folder, monkeypatch):
    filled.set_alias("a", "best", 3)
    count = reads_of(monkeypatch)
    assert refs(filled, "'best' in aliases") == ["a:3"]
    assert count == []


def test_a_folder_that_cannot_be_written_is_searched_in_memory(filled, folder, monkeypatch, content):
    (folder / "index.jsonl").unlink()
    before = content(folder)

    def refuse(*_, **__):
        raise StoreError("read-only")

    monkeypatch.setattr(files, "write_atomic", refuse)
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


def test_a_registration_adds_one_line_and_its_parts_once(registry, folder, make_model):
    path = folder / "index.jsonl"
    registry.register(make_model(), "a")
    before = path.read_bytes()
    for _ in range(3):
        registry.register(make_model(), "a")
        after = path.read_bytes()
        assert after.startswith(before)
        assert after.count(b"\n") == before.count(b"\n") + 1
        before = after


def test_what_was_registered_is_indexed_though_nobody_searched(registry, folder, make_model, monkeypatch):
    for number in range(3):
        registry.register(make_model(num_timesteps=number), "a")
    count = reads_of(monkeypatch)
    assert [version.num_timesteps for version in ModelRegistry(folder).search()] == [0, 1, 2]
    assert count == []


def test_parts_that_versions_share_are_one_object_in_memory(registry, folder, make_model):
    for _ in range(3):
        registry.register(make_model(), "a")
    for known in (registry, ModelRegistry(folder)):
        found, _ = known._index.find()
        assert len({id(document["config"]) for document in found}) == 1


def test_a_lost_part_costs_no_version(registry, folder, make_model):
    registry.register(make_model(), "a")
    path = folder / "index.jsonl"
    kept = [each for each in path.read_bytes().splitlines(keepends=True) if b"learning_rate" not in each]
    path.write_bytes(b"".join(kept))
    assert ModelRegistry(folder).search("config.learning_rate = 0.001")[0].ref == "a:1"


def test_a_line_written_after_another_program_wrote_the_file_anew_has_all_its_parts(registry, folder, make_model):
    registry.register(make_model(), "a")
    ModelRegistry(folder).reindex()
    registry.delete("a:1")
    ModelRegistry(folder).reindex()  # which has no part of a:1 any more
    registry.register(make_model(), "a")
    assert ModelRegistry(folder)._index._storage.read() == {"versions": {}}
    fresh = ModelRegistry(folder)._index
    fresh._open()
    assert [document["ref"] for document in fresh._table.values()] == ["a:2"]


def test_the_file_is_written_anew_when_much_of_it_has_changed(registry, folder, make_model):
    for _ in range(40):
        registry.register(make_model(), "a")
    registry.search()
    written = set()
    for number in range(1, 31):
        registry.set_alias("a", "best", number)
        registry.search()
        written.add((folder / "index.jsonl").stat().st_ino)
    assert 1 < len(written) < 30


def test_whoever_searches_does_not_wait_to_write_the_file(filled, folder):
    (folder / "index.jsonl").unlink()
    answers = []
    with filled._store.writing():
        thread = threading.Thread(target=lambda: answers.append(refs(ModelRegistry(folder))))
        thread.start()
        thread.join()
    assert answers == [["a:1", "a:2", "a:3", "b:1"]]
    assert not (folder / "index.jsonl").exists()


def test_reindexing_reads_every_manifest_and_says_how_many(filled, folder, monkeypatch, capsys):
    count = reads_of(monkeypatch)
    assert filled.reindex() == 4
    assert sorted(count) == ["a:1", "a:2", "a:3", "b:1"]
    assert refs(filled) == ["a:1", "a:2", "a:3", "b:1"]
    assert capsys.readouterr().err == ""
    filled.reindex(progress=True)


def test_a_file_that_is_exchanged_for_another_is_noticed(filled, folder):
    """What a person does by hand: not even the index believes that a name and a number are enough."""
    for path in [*(folder / "models").rglob("*"), folder / "models"]:  # as if all had been written a day ago
        os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    assert refs(filled, "metrics.mean_return = 0") == ["a:1"]
    store = filled._store
    manifest = {**store.read_manifest("a", 1), "metrics": {"mean_return": 9}}
    fresh = folder / "fresh.json"
    fresh.write_bytes(seal(manifest))
    fresh.replace(folder / "models" / "a" / "000001.json")
    assert refs(filled, "metrics.mean_return = 9") == ["a:1"]


def test_a_manifest_that_is_exchanged_is_noticed_though_the_disk_gives_the_inode_again(filled, folder, monkeypatch):
    """As git does, which deletes a file and creates another."""
    path = folder / "models" / "a" / "000001.json"
    fresh = seal({**filled._store.read_manifest("a", 1), "metrics": {"mean_return": 9}})
    monkeypatch.setattr(layout.time, "time_ns", lambda: path.parent.stat().st_mtime_ns + 1)
    os.utime(path.parent, ns=(10**18 + 1, 10**18 + 1))
    assert refs(filled, "metrics.mean_return = 0") == ["a:1"]
    path.chmod(0o644)
    path.write_bytes(fresh)
    os.utime(path.parent, ns=(10**18 + 5, 10**18 + 5))
    refs(filled)  # what is there is looked at by name and inode at first
    monkeypatch.undo()
    assert refs(filled, "metrics.mean_return = 9") == ["a:1"]


def stop_the_clock(folder):
    """Make everything look as if it had been written in one and the same second."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, ns=(10**18, 10**18))


def test_changes_are_seen_though_the_clock_of_the_disk_stands_still(filled, folder, make_model, monkeypatch):
    seconds = itertools.count(step=10**10)
    monkeypatch.setattr(layout.time, "monotonic_ns", lambda: next(seconds))  # so that folders rest at once
    changes = {
        "register": lambda: filled.register(make_model(), "a"),
        "move": lambda: filled.set_alias("a", "best", 1),
        "move back": lambda: filled.set_alias("a", "best", 2),
        "describe": lambda: filled.describe("a:1", "x"),
        "describe again": lambda: filled.describe("a:1", "y"),
        "delete": lambda: filled.delete("a:4"),
        "add": lambda: filled.register(make_model(), "a"),
        "delete more": lambda: filled.prune("a", 1, force=True),
        "restore": lambda: filled.restore("a:2"),
        "collect": filled.gc,
        "go on": lambda: filled.register(make_model(), "a"),
        "rename": lambda: filled.rename("b", "c"),
        "begin": lambda: filled.register(make_model(), "b"),
        "rename again": lambda: filled.rename("a", "d"),
        "put another in its place": lambda: filled.register(make_model(), "a"),
    }
    other, settled, tokens = ModelRegistry(folder), 0, []
    stop_the_clock(folder)
    for change in changes.values():
        for _ in range(2):
            refs(other)
        settled += all(model["settled"] for model in other._index._storage.models.values())
        tokens.append([other.change_token() for _ in range(2)][1])
        change()
        stop_the_clock(folder)
        store = filled._store
        truth = [filled.get(f"{name}:{number}") for name in store.names() for number in store.numbers(name)]
        assert other.versions() == truth
    assert settled == len(changes)
    assert all(before != after for before, after in itertools.pairwise(tokens))


def test_a_version_that_is_just_being_deleted_is_looked_at_again(filled, folder):
    """Its model's meta.json tells of it before it goes."""
    filled._store.update_meta("a", lambda meta: meta["deleted"].update({"2": "2026-01-01T00:00:00+00:00"}))
    for path in (folder / "models").iterdir():
        os.utime(path, ns=(1, 1))
    refs(filled)
    assert [filled._index._storage.models[name]["settled"] for name in "ab"] == [False, True]
    filled.gc()
    os.utime(folder / "models" / "a", ns=(1, 1))
    refs(filled)
    assert filled._index._storage.models["a"]["settled"]


def test_tinydb_queries_are_taken(filled):
    entry = Query()
    assert refs(filled, entry.metrics.mean_return > 0) == ["a:2", "a:3"]
    assert refs(filled, (entry.name == "b") & entry.tags.any(["x"])) == ["b:1"]
    filled.delete("a:2")
    assert refs(filled, entry.metrics.mean_return > 0) == ["a:3"]


@given(
    st.lists(st.sampled_from(["register a", "register b", "delete", "alias", "reopen", "lose", "search"]), max_size=12)
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
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
            (folder / "index.jsonl").unlink(missing_ok=True)
        else:
            reader.search()
        store = registry._store
        truth = [f"{name}:{number}" for name in store.names() for number in store.numbers(name)]
        assert refs(reader) == truth
        assert reader.versions() == [reader.get(ref) for ref in truth]
