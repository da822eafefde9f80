import pytest

from rlkit.notebook.widgets.models import trash as module
from rlkit.notebook.widgets.models.trash import Trash
from rlkit.registry import ModelRegistry


@pytest.fixture
def trash(registry, keep):
    for _ in range(3):
        keep(tags=["a"])
    registry.delete("cartpole:1")
    registry.delete("cartpole:3")
    return Trash(registry)


@pytest.fixture
def opened(trash):
    trash.fold.toggle.value = True
    return trash


def keys(trash):
    return [row["key"] for row in trash.table.rows]


def test_it_is_read_when_it_is_opened(trash, monkeypatch):
    asked = []
    read = ModelRegistry.trash
    monkeypatch.setattr(ModelRegistry, "trash", lambda self: asked.append(True) or read(self))
    trash.refresh()
    assert asked == []
    trash.fold.toggle.value = True
    assert keys(trash) == ["cartpole:1", "cartpole:3"]


def test_versions_come_back_when_that_is_said_again(opened, registry):
    assert opened.restore.disabled
    opened.table.selected = ["cartpole:1", "cartpole:3"]
    opened.restore.click()
    assert "cartpole:1, cartpole:3 come back" in opened.confirm.question.value
    assert opened.confirm.yes.description == "Restore 2 versions"
    assert len(registry.versions()) == 1
    opened.confirm.yes.click()
    assert [version.ref for version in registry.versions()] == ["cartpole:1", "cartpole:2", "cartpole:3"]
    assert "Restored: cartpole:1, cartpole:3." in opened.message.value
    assert (keys(opened), opened.changes) == ([], 1)
    assert "The trash is empty." in opened.said.value


def test_giving_up_restores_nothing(opened, registry):
    opened.table.selected = ["cartpole:1"]
    opened.restore.click()
    opened.confirm.no.click()
    opened.confirm.yes.click()
    assert len(registry.versions()) == 1


def test_another_choice_is_another_question(opened, registry):
    opened.table.selected = ["cartpole:1"]
    opened.restore.click()
    opened.table.selected = ["cartpole:3"]
    opened.confirm.yes.click()
    assert len(registry.versions()) == 1


def test_what_others_restored_is_told(opened, other):
    opened.table.selected = ["cartpole:1"]
    opened.restore.click()
    other.restore("cartpole:1")
    opened.confirm.yes.click()
    assert "cartpole:1 is not in the trash." in opened.message.value
    assert (keys(opened), opened.table.selected) == (["cartpole:3"], [])


def test_what_others_delete_appears(opened, other):
    other.delete("cartpole:2")
    opened.refresh()
    assert keys(opened) == ["cartpole:1", "cartpole:2", "cartpole:3"]


def test_of_very_many_the_first_are_shown(opened, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 1)
    opened.refresh()
    assert keys(opened) == ["cartpole:1"]
    assert "of 2" in opened.said.value


def test_what_cannot_be_read_is_told(opened, folder):
    path = folder / "trash" / "cartpole" / "000001.json"
    path.chmod(0o600)
    before = path.read_bytes()
    path.write_bytes(b"{}")
    opened.refresh()
    assert "000001.json is damaged" in opened.said.value
    path.write_bytes(before)
    opened.refresh()
    assert "damaged" not in opened.said.value
    path.parent.rename(folder / "elsewhere")
    (folder / "trash").rmdir()
    (folder / "trash").symlink_to(folder / "elsewhere")
    opened.refresh()
    assert "symbolic link" in opened.said.value
