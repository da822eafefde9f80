"""A registry says what is wrong with it, where, and how to repair it."""

import pytest

from rlkit.storage.documents import seal


@pytest.fixture
def kept(registry, make_model):
    for number in range(3):
        registry.register(make_model(number), "a")
    registry.register(make_model(0), "b", parent="a:1")
    registry.set_alias("a", "best", 2)
    registry.delete("a:3")
    return registry


def rewrite(path, data):
    path.chmod(0o644)
    path.write_bytes(data)


def object_of(registry, name, number):
    return registry._store.object_path(registry._manifest(name, number)["objects"]["state"]["sha256"])


def the_problem(registry):
    report = registry.verify()
    assert not report.ok
    (problem,) = report.problems
    assert problem.what
    return problem


def test_a_registry_in_order_has_no_problem(kept):
    report = kept.verify()
    assert report.ok
    assert (report.versions, report.objects) == (3, 3)
    assert report.size == sum(path.stat().st_size for path in (kept.folder / "objects").rglob("*") if path.is_file())
    assert report.garbage == ()


def test_an_empty_registry_is_in_order_and_not_made(registry, folder):
    assert registry.verify().ok
    assert not folder.exists()


def test_verifying_changes_nothing(kept, folder, content):
    object_of(kept, "a", 2).unlink()
    before = content(folder)
    kept.verify()
    assert content(folder) == before


def test_a_spoiled_object_is_named_with_who_needs_it(kept, folder):
    path = object_of(kept, "a", 2)
    rewrite(path, path.read_bytes()[:-1] + b"x")
    problem = the_problem(kept)
    assert problem.where == str(path.relative_to(folder))
    assert "a:2 needs it" in problem.what
    assert "register the same model again" in problem.repair


def test_the_repair_that_is_told_repairs_it(kept, make_model):
    object_of(kept, "a", 2).unlink()
    assert not kept.verify().ok
    kept.register(make_model(1), "other")
    assert kept.verify().ok


def test_a_lost_object_is_a_problem_of_every_version_that_needs_it(kept):
    object_of(kept, "b", 1).unlink()
    told = [problem.what for problem in kept.verify().problems]
    assert [("a:1" in what, "b:1" in what) for what in told] == [(True, False), (False, True)]


def test_an_object_of_a_deleted_version_is_looked_at_too(kept):
    object_of_trash = kept._store.read_manifest("a", 3, trashed=True)["objects"]["state"]["sha256"]
    kept._store.object_path(object_of_trash).unlink()
    assert "a:3 in the trash" in the_problem(kept).what


@pytest.mark.parametrize("place", ["models/a/000002.json", "trash/a/000003.json"])
@pytest.mark.parametrize("data", [b"", b"{}", seal({"format": 1}), seal({"format": 2, "name": "a", "version": 7})])
def test_a_spoiled_manifest_is_named_and_nothing_is_called_garbage(kept, folder, place, data):
    rewrite(folder / place, data)
    report = kept.verify()
    assert [problem.where for problem in report.problems] == [place]
    assert report.garbage == ()


def test_a_manifest_without_objects_is_a_problem(kept, folder):
    path = folder / "models" / "a" / "000002.json"
    document = kept._store.read_manifest("a", 2)
    for objects in ({}, {"state": {}}, {"state": 3}, 5, {"state": {"sha256": "../../x", "size": 1}}):
        rewrite(path, seal({**document, "objects": objects}))
        assert the_problem(kept)


def test_a_spoiled_meta_is_named(kept, folder):
    (folder / "models" / "a" / "meta.json").write_bytes(b"x")
    problem = next(each for each in kept.verify().problems if each.where.endswith("meta.json"))
    assert "aliases" in problem.repair


def test_an_alias_that_points_nowhere_is_told_and_one_into_the_trash_is_not(kept):
    kept.delete("a:2")
    assert kept.verify().ok
    kept._store.update_meta("a", lambda meta: meta["aliases"].update(best=9))
    problem = the_problem(kept)
    assert "'best' points to version 9" in problem.what
    assert problem.repair == "Remove it: delete_alias('a', 'best')."
    kept.delete_alias("a", "best")
    assert kept.verify().ok


@pytest.mark.parametrize("parent", ["a:9", "nobody:1", "a", "a@best", "../x:1"])
def test_a_parent_that_never_was_is_told(kept, folder, parent):
    document = kept._store.read_manifest("b", 1)
    rewrite(folder / "models" / "b" / "000001.json", seal({**document, "parent": parent}))
    assert "was never kept here" in the_problem(kept).what


def test_a_parent_that_was_deleted_or_renamed_is_in_order(kept):
    kept.rename("a", "c")
    assert kept.verify().ok
    kept.delete("c:1")
    assert kept.verify().ok
    kept.gc()
    assert kept.verify().ok


def test_a_symbolic_link_is_told(kept, folder, tmp_path):
    (tmp_path / "elsewhere").write_text("x")
    (folder / "models" / "b" / "000002.json").symlink_to(tmp_path / "elsewhere")
    told = kept.verify().problems
    assert {problem.where for problem in told} == {"models/b/000002.json"}
    assert any("symbolic link" in problem.what for problem in told)


def test_the_bar_is_shown_where_that_is_asked_for_only(kept, capsys):
    kept.verify()
    assert capsys.readouterr().err == ""
