"""What other programs put into the folder of a registry neither harms it nor is harmed."""

import os
import shutil

import pytest

from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry

PLACES = ["", "models", "models/a", "models/b", "objects", "objects/{prefix}", "trash", "trash/a"]
NAMES = ["desktop.ini", ".DS_Store", "Thumbs.db", "ordinary", "000004"]


@pytest.fixture
def kept(registry, make_model):
    for number in range(3):
        registry.register(make_model(number), "a")
    registry.register(make_model(0), "b")
    registry.delete("a:2")
    return registry


def make_file(path):
    path.write_bytes(b"not ours")


def make_folder(path):
    path.mkdir()
    (path / "inside").write_bytes(b"not ours")


def make_link(path):
    path.symlink_to(path.parent.parent)


def goes_on(folder, make_model, after, ours):
    """Do all that looks at the whole folder, and more, in a process that knows nothing yet."""
    registry = ModelRegistry(folder)
    assert [version.ref for version in registry.versions()] == ["a:1", "a:3", "b:1"]
    assert [version.ref for version in registry.search("version = 1")] == ["a:1", "b:1"]
    assert [version.ref for version in registry.trash()] == ["a:2"]
    assert registry.models() == ["a", "b"]
    assert registry.gc(dry_run=True).versions == ("a:2",)
    report = registry.verify()
    assert report.garbage == ()
    registry.restore("a:2")
    registry.delete("a:2")
    assert registry.reindex() == 3
    version = registry.register(make_model(), "a")
    assert registry.get("a") == version
    assert registry.gc().versions == ("a:2",)
    assert after() == ours
    return report


@pytest.mark.parametrize("make", [make_file, make_folder])
@pytest.mark.parametrize("place", PLACES)
def test_files_and_folders_of_others_are_let_be(kept, folder, make_model, place, make):
    place = folder / place.format(prefix=kept.get("a:1").sha256[:2])
    strangers = [place / name for name in NAMES]
    if place.parent.name == "objects" and make is make_folder:
        strangers.append(place / ("0" * 62))  # what an object would be called
    for stranger in strangers:
        make(stranger)

    def ours():
        paths = [path / "inside" if make is make_folder else path for path in strangers]
        return [path.read_bytes() for path in paths]

    assert goes_on(folder, make_model, ours, ours()).ok


@pytest.mark.parametrize("place", ["trash", "objects/00", "models/c", "models/.c.0123456789ab.tmp"])
def test_a_file_in_the_place_of_a_folder_is_no_folder(kept, folder, make_model, place):
    path = folder / place
    if place == "trash":
        shutil.rmtree(path)
    make_file(path)
    registry = ModelRegistry(folder)
    assert [version.ref for version in registry.versions()] == ["a:1", "a:3", "b:1"]
    assert registry.gc(dry_run=True).versions == registry.gc().versions
    assert path.exists() == (not place.endswith(".tmp"))
    registry.verify()
    registry.trash()
    registry.register(make_model(), "b")
    if place == "trash":
        with pytest.raises(StoreError, match="trash"):
            registry.delete("b:1")
        assert registry.get("b:1")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_link])
@pytest.mark.parametrize("place", ["models/a/000001.json", "models/a/meta.json", "index.jsonl", "trash/a/000002.json"])
def test_what_is_no_file_in_the_place_of_one_is_not_opened(kept, folder, make_model, make, place):
    (folder / place).unlink()
    make(folder / place)
    registry = ModelRegistry(folder)
    assert not registry.verify().ok or place == "index.jsonl"
    assert registry.register(make_model(), "b").ref == "b:2"
    assert registry._objects(registry._manifest("b", 1))
