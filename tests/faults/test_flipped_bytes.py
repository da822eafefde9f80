"""A disk may give back other bytes than it was given: none of them is ever believed."""

import itertools
import os
import random
from datetime import timedelta

import pytest

from rlkit.errors import CorruptArtifactError, StoreError
from rlkit.registry import ModelRegistry, reader
from rlkit.registry.journal import JournalStorage
from rlkit.storage.archive import read_archive
from rlkit.storage.packing import state_of

from .harness import Watched, on, tree_of
from .operations import Model

BITS = pytest.mark.parametrize(
    "bits", [None, pytest.param(range(8), marks=pytest.mark.long)], ids=["a bit of each byte", "every bit"]
)
FLIPS = pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.long)])


class Opening:
    """Opens a state as the real factory does, and builds nothing of it."""

    def rebuild(self, objects, env=None, **_):
        return Opened(state_of(objects)["weights"].tobytes())


class Opened:
    """What was loaded."""

    def __init__(self, weights):
        self.weights = weights


class Kept:
    """A registry of three versions, and one in the trash, with the files that a test damages."""

    def __init__(self, folder, size):
        self.folder = folder / "store"
        self.registry = ModelRegistry(self.folder)
        for number in (1, 2, 3):
            self.registry.register(Model(number, size), "a", tags=[f"tag{number}"])
        self.registry.register(Model(4), "b")
        self.registry.set_alias("a", "best", 2)
        self.registry.delete("a:3")
        self.registry.reindex()
        self.object = self.registry._store.object_path(self.registry.get("a:2").sha256)
        self.manifest, self.meta = (
            self.folder / "models" / "a" / "000002.json",
            self.folder / "models" / "a" / "meta.json",
        )
        self.trashed, self.index = self.folder / "trash" / "a" / "000003.json", self.folder / "index.jsonl"
        self.archive = self.registry.export_file("a:2", folder / "a.rlkit")

    def found(self):
        """Everything that a fresh registry finds by searching."""
        return {version.ref: version.to_dict() for version in ModelRegistry(self.folder).search()}

    def assert_told(self, damaged):
        """Nothing but the damaged file is found when all is checked, and every time."""
        told = {self.folder / problem.where for problem in ModelRegistry(self.folder).verify().problems}
        assert told == {damaged}


@pytest.fixture
def keep(memory, one_origin, monkeypatch):
    monkeypatch.setattr(reader, "factory", Opening())
    with on(Watched()):
        yield lambda size=2: Kept(memory, size)


def flipped(data, bits):
    """Every byte with a bit changed, or with each of some in turn; and lengths that are too short: all of them then."""
    chance = random.Random(1)
    for position in range(len(data)):
        for bit in bits or [chance.randrange(8)]:
            yield data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]
    yield from (data[:length] for length in range(0, len(data), 1 if bits else 7))


def damages(path, bits, *, silently=True):
    """Let a file have other bytes, one after the other, and its own again at last.

    Silently: as bits rot, with which neither its inode nor its time of writing changes.
    """
    path.chmod(0o644)
    data, status = path.read_bytes(), path.stat()
    for damaged in [*flipped(data, bits), data]:
        path.write_bytes(damaged)
        if silently:
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        if damaged is not data:
            yield damaged


@BITS
def test_no_flipped_byte_of_an_object_is_loaded(keep, bits):
    kept = keep()
    good, listed = kept.registry.load("a:1").weights, kept.found()
    for _ in damages(kept.object, bits):
        for registry in (kept.registry, ModelRegistry(kept.folder)):
            with pytest.raises(CorruptArtifactError, match=kept.object.name):
                registry.load("a@best")
        with pytest.raises(CorruptArtifactError, match=kept.object.name):
            kept.registry.export_file("a:2", kept.archive)
        assert kept.registry.load("a:1").weights == good
        kept.assert_told(kept.object)
    assert kept.registry.verify().ok
    assert kept.found() == listed


@FLIPS
def test_no_flipped_bit_of_a_large_object_is_loaded(keep, count):
    kept, chance = keep(size=1 << 18), random.Random(2)
    kept.object.chmod(0o644)
    assert kept.object.stat().st_size > 1 << 20
    good = kept.registry.load("a:2").weights
    with kept.object.open("r+b") as file:
        for number in range(count):
            position = chance.randrange(kept.object.stat().st_size)
            file.seek(position)
            (byte,) = file.read(1)
            for value in (byte ^ 1 << chance.randrange(8), byte):
                file.seek(position)
                file.write(bytes([value]))
                file.flush()
                if value == byte:
                    break
                with pytest.raises(CorruptArtifactError):
                    kept.registry.load("a:2")
                if number % 100 == 0:
                    kept.assert_told(kept.object)
    assert kept.registry.load("a:2").weights == good


@BITS
def test_no_flipped_byte_of_a_manifest_is_believed(keep, bits):
    kept = keep()
    good, listed = kept.registry.load("a:1").weights, kept.found()
    ways = itertools.cycle(["get", "load", "inspect", "lineage", "export_file"])
    size = kept.manifest.stat().st_size
    for damaged, way in zip(damages(kept.manifest, bits), ways, strict=False):
        fresh = ModelRegistry(kept.folder)
        with pytest.raises(CorruptArtifactError, match=r"000002\.json"):
            getattr(fresh, way)("a@best")
        with pytest.raises(CorruptArtifactError, match=r"000002\.json"):
            kept.registry.load("a:2")
        assert fresh.load("a:1").weights == good
        kept.assert_told(kept.manifest)
        if way == "load" and len(damaged) == size:
            assert kept.found() == listed  # the index has a copy of its own
    assert kept.registry.verify().ok


@BITS
def test_a_manifest_that_was_written_over_is_told_of_and_hides_no_other(keep, bits):
    kept = keep()
    others = {ref: known for ref, known in kept.found().items() if ref != "a:2"}
    for number, _ in enumerate(damages(kept.manifest, bits, silently=False)):
        if number % 2:
            kept.index.unlink()
        with pytest.warns(UserWarning, match=r"Not listed: .*000002\.json"):
            assert kept.found() == others
    assert set(kept.found()) == {*others, "a:2"}


@BITS
def test_no_flipped_byte_of_a_manifest_in_the_trash_is_believed_or_purged(keep, bits):
    kept = keep()
    before = tree_of(kept.folder)
    for damaged in damages(kept.trashed, bits):
        with pytest.warns(UserWarning, match=r"Not listed: .*000003\.json"):
            assert kept.registry.trash() == []
        with pytest.raises(CorruptArtifactError, match=r"000003\.json"):
            kept.registry.restore("a:3")
        with pytest.warns(UserWarning, match=r"All objects stay: .*000003\.json"):
            kept.registry.gc(older_than=timedelta(days=1))
        assert kept.trashed.read_bytes() == damaged
        kept.assert_told(kept.trashed)
    assert tree_of(kept.folder) == before
    assert [version.ref for version in kept.registry.trash()] == ["a:3"]


@BITS
@pytest.mark.filterwarnings("ignore:Listed as they were registered")
def test_no_flipped_byte_of_what_may_change_is_believed_or_lost(keep, bits):
    kept = keep()
    good, listed = kept.registry.load("b:1").weights, kept.found()
    changes = (
        lambda registry: registry.get("a:2"),
        lambda registry: registry.load("a@best"),
        lambda registry: registry.tag("a:1", "new"),
        lambda registry: registry.set_alias("a", "best", 1),
        lambda registry: registry.delete("a:1"),
        lambda registry: registry.register(Model(9), "a"),
    )
    for damaged, change in zip(damages(kept.meta, bits), itertools.cycle(changes), strict=False):
        for registry in (kept.registry, ModelRegistry(kept.folder)):
            with pytest.raises(CorruptArtifactError, match=r"meta\.json"):
                change(registry)
        with pytest.warns(UserWarning, match=r"Some of the trash stays: .*meta\.json"):
            assert kept.registry.gc().versions == ()
        assert kept.meta.read_bytes() == damaged
        assert kept.registry.load("b").weights == good
        kept.assert_told(kept.meta)
    assert kept.registry.verify().ok
    assert kept.found() == listed


@BITS
def test_what_may_change_that_was_written_over_is_told_of_and_hides_no_version(keep, bits):
    kept = keep()
    as_registered = {ref: {**known, "aliases": []} for ref, known in kept.found().items()}
    for _ in damages(kept.meta, bits, silently=False):
        with pytest.warns(UserWarning, match=r"Listed as they were registered: .*meta\.json"):
            assert kept.found() == as_registered
    assert kept.found()["a:2"]["aliases"] == ["best"]


@BITS
def test_no_flipped_byte_of_the_index_is_believed_and_the_next_use_repairs_it(keep, bits):
    kept = keep()
    listed = kept.found()
    kept.registry.reindex()
    for _ in damages(kept.index, bits):
        assert kept.found() == listed
        repaired = JournalStorage(kept.index)
        repaired.load()
        assert {document["ref"] for document in repaired.read()["versions"].values()} == set(listed)


@BITS
def test_no_flipped_byte_of_a_file_is_loaded_as_something_else(keep, bits):
    kept = keep()
    good, refused, tried = read_archive(kept.archive), 0, 0
    for _ in damages(kept.archive, bits):
        tried += 1
        if loaded_otherwise(kept.archive, good):
            refused += 1
            with pytest.raises(StoreError, match=str(kept.archive)):
                kept.registry.import_file(kept.archive, "c")
    assert refused > 0.9 * tried  # of what a zip file says of itself, some says nothing
    assert kept.registry.models() == ["a", "b"]
    assert kept.registry.import_file(kept.archive, "c").tags == ("tag2",)


def loaded_otherwise(path, good):
    """Whether a file is refused; if it is not, it must hold what it held."""
    try:
        assert read_archive(path) == good
    except StoreError:
        return True
    return False
