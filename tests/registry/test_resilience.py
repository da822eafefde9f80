"""One file that is not what it should be harms no model but its own, and no program waits for it."""

import os
import warnings

import pytest

from rlkit.errors import StoreError
from rlkit.registry import ModelRegistry
from rlkit.storage.documents import seal_lines

DEEP = '"x": ' + "[" * 100_000 + "]" * 100_000
LONG = '"x": ' + "9" * 5_000


def pipe(path, _):
    path.unlink()
    os.mkfifo(path)


def huge(path, _):
    path.chmod(0o644)
    os.truncate(path, 50 * 2**30)


def folder_instead(path, _):
    path.unlink()
    path.mkdir()


def link(path, _):
    path.unlink()
    path.symlink_to("/dev/zero")


def sealed(line):
    def spoil(path, lines):
        path.unlink()
        path.write_bytes(seal_lines([*lines, line]))

    return spoil


KINDS = {
    "pipe": pipe,
    "huge": huge,
    "folder": folder_instead,
    "link": link,
    "empty": lambda path, _: path.chmod(0o644) or path.write_bytes(b""),
    "deep": sealed(DEEP),
    "long": sealed(LONG),
    "newer": sealed('"format": 999'),
}
HEADS = {
    "models/a/000002.json": ['"format": 2', '"name": "a"', '"version": 2'],
    "trash/a/000003.json": ['"format": 2', '"name": "a"', '"version": 3'],
    "models/a/meta.json": ['"format": 2'],
}


@pytest.fixture
def kept(registry, make_model):
    for _ in range(3):
        registry.register(make_model(), "a")
    registry.register(make_model(), "b", parent="a:1")
    registry.delete("a:3")
    registry.register(make_model(), "c")
    registry.delete("c:1")
    return registry


def use(registry, make_model, *, reindexed=True):
    """Do all that a registry does, but with the versions a:2 and a:3."""
    registry.change_token()
    listed = [version.ref for version in registry.versions()]
    assert registry.models() == ["a", "b"]
    assert [version.ref for version in registry.search("name = 'b'")] == ["b:1"]
    assert registry.load("a:1")
    assert registry.get("b").parent == "a:1"
    assert "c:1" in [version.ref for version in registry.trash()]
    assert registry.lineage("b:1")
    assert registry.register(make_model(), "new").ref == "new:1"
    registry.set_alias("b", "best", 1)
    assert registry.restore("c:1").ref == "c:1"
    registry.delete("c:1")
    if reindexed:
        assert registry.reindex()
    registry.gc(dry_run=True)
    registry.gc()
    with pytest.raises(LookupError):
        registry.get("c:1")
    return listed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", HEADS)
def test_a_file_that_cannot_be_read_harms_no_other(kept, make_model, folder, place, kind):
    path = folder / place
    KINDS[kind](path, HEADS[place])
    registry = ModelRegistry(folder)
    assert {problem.where for problem in registry.verify().problems} == {place}
    if place.startswith("trash"):
        with pytest.raises(StoreError):
            registry.restore("a:3")
        assert os.path.lexists(path)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        listed = use(registry, make_model)
    assert listed == [ref for ref in ("a:1", "a:2", "b:1") if not (ref == "a:2" and place.endswith("2.json"))]
    assert any(str(path) in str(each.message) for each in warned)
    with pytest.raises((StoreError, LookupError)):
        registry.restore("a:3") if place.startswith("trash") else registry.get("a:2")


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_cannot_be_read_is_made_anew(kept, make_model, folder, kind):
    kept.reindex()
    KINDS[kind](folder / "index.jsonl", ['"format": 2'])
    # A folder in its place is not thrown away: then there is none, and reindex() says why.
    assert use(ModelRegistry(folder), make_model, reindexed=kind != "folder") == ["a:1", "a:2", "b:1"]
    assert ModelRegistry(folder).register(make_model(), "a").ref == "a:4"


@pytest.mark.parametrize("place", ["models", "models/a", "trash", "trash/a", "objects", "objects/ab", "."])
def test_pipes_elsewhere_are_passed_over_and_told_of(kept, make_model, folder, place):
    (folder / place).mkdir(exist_ok=True)
    names = ["pipe", ".pipe.0123456789ab.tmp", "c" * 62]
    for name in names:
        os.mkfifo(folder / place / name)
    report = ModelRegistry(folder).verify()
    assert {problem.where for problem in report.problems} == {os.path.normpath(f"{place}/{name}") for name in names}
    assert use(ModelRegistry(folder), make_model) == ["a:1", "a:2", "b:1"]


@pytest.mark.parametrize(
    "lines",
    [
        '"aliases": {"best": "1"}',
        '"aliases": {"best": -1}',
        '"aliases": {"best": true}',
        '"aliases": {"<b>": 1}',
        '"aliases": ["best"]',
        '"aliases": {"best": 1%s}' % ("0" * 400),
        '"versions": {"1": []}',
        '"versions": {"one": {}}',
        '"versions": {"1": {"metrics": null}}',
        '"versions": {"1": {"metrics": {"x": "1"}}}',
        '"versions": {"1": {"metrics": {"x": Infinity}}}',
        '"versions": {"1": {"metrics": {"x": 1%s}}}' % ("0" * 400),
        '"versions": {"1": {"tags": [1]}}',
        '"versions": {"1": {"tags": "x"}}',
        '"versions": {"1": {"description": 1}}',
        '"deleted": {"3": 1}',
        '"deleted": {"3": "yesterday"}',
        '"deleted": {"3": "2026-01-01T00:00:00"}',
        '"deleted": {"-3": "2026-01-01T00:00:00+00:00"}',
        '"formerly": [{"name": "b"}]',
        '"formerly": [{"name": "../b", "since": 1, "until": 2}]',
        '"formerly": [{"name": "b", "since": 1, "until": 1e3}]',
        '"formerly": [[]]',
        '"formerly": {}',
        '"last_version": -1',
        '"last_version": 1.5',
        '"last_version": 1%s' % ("0" * 9),
    ],
)
def test_a_meta_json_that_says_what_rlkit_never_writes_is_damaged(kept, make_model, folder, lines):
    path = folder / "models" / "a" / "meta.json"
    path.write_bytes(seal_lines(['"format": 2', lines]))
    with pytest.warns(
        UserWarning, match=r"meta\.json is damaged: its (aliases|versions|deleted|formerly|last_version)"
    ):
        assert use(ModelRegistry(folder), make_model) == ["a:1", "a:2", "b:1"]
    (problem,) = ModelRegistry(folder).verify().problems
    assert problem.where == "models/a/meta.json"


def test_what_could_not_be_read_again_is_not_written(kept, folder):
    before = (folder / "models" / "a" / "meta.json").read_bytes()
    for change in ({"aliases": {"best": 0}}, {"formerly": [{}]}, {"versions": {"1": {"metrics": {"x": float("inf")}}}}):
        with pytest.raises(ValueError, match="Nothing was written"):
            kept._store.update_meta("a", lambda meta, change=change: meta.update(change))
    assert (folder / "models" / "a" / "meta.json").read_bytes() == before


def test_a_name_is_not_given_again_though_the_file_that_tells_of_it_is_damaged(kept, make_model, folder):
    kept.rename("a", "z")
    (folder / "models" / "z" / "meta.json").write_bytes(b"{}")
    registry = ModelRegistry(folder)
    with pytest.warns(UserWarning, match="Listed as they were registered"):
        assert [version.ref for version in registry.versions("z")] == ["z:1", "z:2"]
    assert registry.register(make_model(), "a").ref == "a:4"


def test_numbers_come_to_an_end(kept, make_model):
    kept._store.update_meta("b", lambda meta: meta.update(last_version=999_999_999))
    with pytest.raises(StoreError, match="no higher number"):
        kept.register(make_model(), "b")
    assert kept.verify().problems == ()


def test_a_model_whose_folder_cannot_be_read_hides_no_other(kept, make_model, folder, monkeypatch):
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("models/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    registry = ModelRegistry(folder)
    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.warns(UserWarning, match="No version of a is listed"):
        assert [version.ref for version in registry.versions()] == ["b:1"]
    assert registry.models() == ["b"]
    assert "models/a" in {problem.where for problem in registry.verify().problems}
    assert registry.register(make_model(), "b").ref == "b:2"
