from __future__ import annotations

import ipywidgets
import pytest

from rlkit.notebook.widgets.fold import Fold
from rlkit.notebook.widgets.look import Look


@pytest.fixture
def fold():
    return Fold(Look(), "More", [ipywidgets.Label("inside")])


def shows(fold):
    return fold.content.layout.display != "none"


def test_a_fold_begins_folded(fold):
    assert not shows(fold)
    assert fold.toggle.description == "▸ More"


def test_the_button_unfolds_and_folds(fold):
    fold.toggle.value = True
    assert fold.opened
    assert shows(fold)
    assert fold.toggle.description == "▾ More"
    fold.toggle.value = False
    assert not shows(fold)


def test_forced_it_is_unfolded_and_then_as_the_person_left_it(fold):
    fold.forced = True
    assert shows(fold)
    assert fold.toggle.disabled
    fold.forced = False
    assert not shows(fold)
    fold.opened = fold.forced = True
    fold.forced = False
    assert shows(fold)
    assert fold.toggle.value


def test_the_title_may_change(fold):
    fold.title = "Rest"
    assert fold.toggle.description == "▸ Rest"


def test_a_page_is_given_what_is_inside_when_it_is_first_unfolded(fold):
    assert fold.content.children == ()
    fold.opened = True
    assert [child.value for child in fold.content.children] == ["inside"]
    fold.inside = (ipywidgets.Label("other"),)
    assert [child.value for child in fold.content.children] == ["other"]
    fold.opened = False
    assert len(fold.content.children) == 1
