import pytest

from rlkit.notebook.widgets.models.comparison import VersionComparison
from rlkit.registry import ModelRegistry


def is_shown(widget):
    return widget.layout.display != "none"


@pytest.fixture
def comparison(registry, keep):
    for _ in range(3):
        keep()
    return VersionComparison(registry)


def test_less_than_two_are_not_compared(comparison):
    assert not is_shown(comparison)
    comparison.selected = ["cartpole:1"]
    assert not is_shown(comparison)
    assert comparison.page.value == ""


def test_several_stand_side_by_side(comparison):
    comparison.selected = ["cartpole:1", "cartpole:2", "cartpole:3"]
    assert is_shown(comparison)
    assert "3 versions compared" in comparison.page.value
    assert not is_shown(comparison.differ)


def test_two_are_told_apart_when_somebody_asks(comparison, monkeypatch):
    loaded = []
    whole = ModelRegistry._whole  # reads all that is kept of a version
    spy = lambda self, name, number: loaded.append(f"{name}:{number}") or whole(self, name, number)  # noqa: E731
    monkeypatch.setattr(ModelRegistry, "_whole", spy)
    comparison.selected = ["cartpole:1", "cartpole:2"]
    assert is_shown(comparison.differ)
    assert loaded == []
    comparison.differ.click()
    assert loaded == ["cartpole:1", "cartpole:2"]
    assert "cartpole:2" in comparison.difference.value
    comparison.selected = ["cartpole:1", "cartpole:3"]
    assert comparison.difference.value == ""


def test_one_that_is_gone_is_told(comparison, other):
    comparison.selected = ["cartpole:1", "cartpole:2"]
    other.delete("cartpole:2")
    comparison.refresh()
    assert "ModelNotFoundError" in comparison.page.value
    comparison.differ.click()
    assert "ModelNotFoundError" in comparison.difference.value
