"""A registry that comes from elsewhere is as good as the original, though it lost empty folders, modes and times."""

import os
import shutil
import subprocess
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from rlkit.errors import ModelNotFoundError
from rlkit.registry import ModelRegistry, layout
from rlkit.storage.documents import LineEndingsError

FORMATS = Path(__file__).parent / "formats"


def git(*arguments, cwd=None):
    somebody = ["-c", "user.name=rlkit", "-c", "user.email=rlkit@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *somebody, *arguments], cwd=cwd, check=True, capture_output=True)


def commit(folder):
    git("init", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-m", "A registry", cwd=folder)


def by_git(source, target):
    commit(source)
    git("clone", str(source), str(target))


def by_git_with_windows_line_endings(source, target):
    commit(source)
    git("-c", "core.autocrlf=true", "clone", str(source), str(target))


def by_cp(source, target):
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)


def by_zip(source, target):
    shutil.unpack_archive(shutil.make_archive(str(target), "zip", source), target)


def by_zip_of_files_alone(source, target):
    with zipfile.ZipFile(f"{target}.zip", "w") as archive:
        for path in source.rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(source))
    shutil.unpack_archive(f"{target}.zip", target)


def by_tar_without_modes_and_times(source, target):
    def bare(member):
        member.mode, member.mtime, member.uid, member.gid = 0o755 if member.isdir() else 0o644, 0, 0, 0
        return member

    with tarfile.open(f"{target}.tar", "w") as archive:
        archive.add(source, ".", filter=bare)
    with tarfile.open(f"{target}.tar") as archive:
        archive.extractall(target, filter="data")


def by_object_store(source, target):
    """Copy what a bucket keeps: contents by key."""
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file():
            copied = target / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(path.read_bytes())


WAYS = [
    by_git,
    by_git_with_windows_line_endings,
    by_cp,
    by_zip,
    by_zip_of_files_alone,
    by_tar_without_modes_and_times,
    by_object_store,
]


@pytest.fixture
def lived(registry, make_model):
    """A registry in which everything has happened that leaves a trace."""
    for _ in range(3):
        registry.register(make_model(), "a", tags=["x"], metrics={"score": 1})
    registry.set_alias("a", "best", 2)
    registry.describe("a:1", "Changed *later*.")
    registry.delete("a:3")
    for _ in range(2):
        registry.register(make_model(), "old")
    registry.rename("old", "between")
    registry.register(make_model(), "between")
    registry.rename("between", "new")
    registry.set_alias("new", "best", 1)
    registry.register(make_model(), "child", parent="old:1")
    registry.register(make_model(), "child", parent="between:3")
    for _ in range(2):
        registry.register(make_model(), "gone")
    registry.delete("gone:2")
    registry.delete("gone:1")
    registry.gc()
    registry.register(make_model(), "a")
    registry.delete("a:4")
    return registry


def known(registry):
    """Return all that a registry knows."""
    references = ["a", "a:1", "a@best", "old:1", "old:2", "between:1", "between:3", "new:3", "new@best", "child:2"]
    return {
        "models": registry.models(),
        "versions": [version.to_dict() for version in registry.versions()],
        "found": {reference: registry.get(reference).to_dict() for reference in references},
        "trash": [version.to_dict() for version in registry.trash()],
        "lineage": str(registry.lineage("new:1")),
        "prune": registry.prune("new", 0, dry_run=True).kept,
        "verify": registry.verify(),
        "gc": registry.gc(dry_run=True),
        "later": registry.gc(dry_run=True, older_than=timedelta(days=1)),
    }


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("indexed", [True, False])
def test_a_copy_knows_what_the_original_knows_and_goes_on_with_its_numbers(lived, make_model, tmp_path, way, indexed):
    before = known(lived)
    assert before["found"]["old:1"]["name"] == "new"
    assert before["later"].versions == ()
    if not indexed:
        (lived.folder / "index.jsonl").unlink()
    way(lived.folder, tmp_path / "copy")
    copy = ModelRegistry(tmp_path / "copy")
    assert known(copy) == before
    assert copy.verify().ok
    for name, number in {"a": 5, "old": 3, "between": 4, "new": 4, "child": 3, "gone": 3}.items():
        assert copy.register(make_model(), name).version == number
    assert [copy.get(reference).ref for reference in ("old:1", "old:3", "between:1", "between:4")] == [
        "new:1",
        "old:3",
        "new:1",
        "between:4",
    ]
    assert copy.gc().versions == ("a:4",)
    assert copy.verify().ok


def test_a_folder_of_format_2_finds_what_was_renamed_though_git_has_lost_the_empty_folder(make_model, tmp_path):
    shutil.copytree(FORMATS / "2" / "store", tmp_path / "store")
    assert not (tmp_path / "store" / "trash" / "beginner").exists()
    registry = ModelRegistry(tmp_path / "store")
    assert registry.get("beginner:1").ref == "expert:1"
    assert registry.register(make_model(), "beginner").ref == "beginner:3"
    assert registry.get("beginner:2").ref == "expert:2"
    assert registry.verify().ok


def test_a_former_name_cannot_be_told_from_another_by_capitals(lived, make_model):
    """On a disk that cannot tell them apart, a reference by the former name would mean the other model."""
    for change in (lambda: lived.register(make_model(), "OLD"), lambda: lived.rename("a", "Old")):
        with pytest.raises(ValueError, match="'old' in case only"):
            change()


def test_a_model_is_found_by_its_own_capitals_alone(lived, monkeypatch):
    """As a disk that cannot tell "a" from "A" finds it under both."""
    for path in (lived.folder / "Models", lived.folder / "models" / "A", lived.folder / "models" / "NEW"):
        path.symlink_to(path.name.lower())
    listed = layout.entries
    monkeypatch.setattr(os.path, "islink", lambda _: False)
    monkeypatch.setattr(layout, "entries", lambda folder: [each for each in listed(folder) if not each.is_symlink()])
    registry = ModelRegistry(lived.folder)
    assert registry.get("a:1").ref == "a:1"
    for reference in ("A:1", "A", "NEW:1"):
        with pytest.raises(ModelNotFoundError):
            registry.get(reference)


def test_git_is_told_to_leave_line_endings_alone_unless_it_was_told_something(registry, make_model):
    registry.register(make_model(), "a")
    path = registry.folder / ".gitattributes"
    assert "* -text" in path.read_text()
    path.write_text("mine")
    ModelRegistry(registry.folder).register(make_model(), "b")
    assert path.read_text() == "mine"


def test_line_endings_that_git_has_changed_are_named_and_the_repair_repairs_them(lived, tmp_path):
    (lived.folder / ".gitattributes").unlink()
    clone = tmp_path / "clone"
    by_git_with_windows_line_endings(lived.folder, clone)
    registry = ModelRegistry(clone)
    for ask in (lambda: registry.get("a:1"), lambda: registry.load("a:1"), lambda: registry.set_alias("a", "x", 1)):
        with pytest.raises(LineEndingsError, match="line endings"):
            ask()
    problems = registry.verify().problems
    changed = [problem for problem in problems if problem.where.endswith(".json")]
    assert len(changed) == len(list(clone.rglob("*.json")))
    assert all("line endings" in problem.what and "core.autocrlf false" in problem.repair for problem in changed)
    git("config", "core.autocrlf", "false", cwd=clone)
    for problem in changed:
        (clone / problem.where).unlink()
        git("checkout", "--", problem.where, cwd=clone)
    assert registry.verify().ok
    assert registry.get("old:1").ref == "new:1"
