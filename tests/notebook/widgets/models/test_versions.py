"""The table of versions: asked, turned, chosen from, and with a folder that changes under it."""

import pytest

from rlkit.notebook.widgets.models.versions import PAGE, VersionTable
from rlkit.notebook.widgets.sheet import Sheet


@pytest.fixture
def make(registry, keep):
    def make(count=3):
        for _ in range(count):
            keep()
        return VersionTable(registry)

    return make


def keys(table):
    return [row["key"] for row in table.table.rows]


def is_shown(widget):
    return widget.layout.display != "none"


def test_the_newest_stand_first(make):
    table = make()
    assert keys(table) == ["cartpole:3", "cartpole:2", "cartpole:1"]
    assert "3 versions" in table.count.value
    assert [version.ref for version in table.shown] == keys(table)


def test_words_and_expressions_are_searched_as_they_are_typed(make, keep):
    keep("acrobot", metrics={"mean_return": -80.0})
    table = make()
    table.search.value = "acro"
    assert (table.query, keys(table)) == ("acro", ["acrobot:1"])
    assert "1 of 4 versions" in table.count.value
    table.query = "metrics.mean_return > 1"
    assert table.search.value == table.query
    assert keys(table) == ["cartpole:3", "cartpole:2"]


def test_a_wrong_expression_is_told_at_the_box_and_what_was_found_stays(make):
    table = make()
    table.search.value = "cartpole:2"
    table.search.value = "metrics.mean_return >"
    assert "cannot be understood" in table.problem.value
    assert keys(table) == ["cartpole:2"]
    table.search.value = "metrics.mean_retur > 1"
    assert "Did you mean &#x27;metrics.mean_return&#x27;?" in table.problem.value
    table.search.value = ""
    assert table.problem.value == ""
    assert len(keys(table)) == 3


def test_a_title_sorts(make):
    table = make()
    table.table.sort = "metrics.mean_return"
    assert (table.sort, keys(table)) == ("metrics.mean_return", ["cartpole:1", "cartpole:2", "cartpole:3"])
    table.table.sort = "-metrics.mean_return"
    assert keys(table) == ["cartpole:3", "cartpole:2", "cartpole:1"]


def test_references_are_sorted_by_number(make):
    table = make(11)
    table.sort = "ref"
    assert keys(table)[1:3] == ["cartpole:2", "cartpole:3"]
    table.sort = "-ref"
    assert keys(table)[:3] == ["cartpole:11", "cartpole:10", "cartpole:9"]


def test_a_field_that_nothing_can_be_sorted_by_is_told(make):
    table = make()
    table.sort = "metrics.nothing"
    assert "No version has a field" in table.problem.value
    assert len(keys(table)) == 3


def test_a_page_at_a_time_is_sent(make):
    table = make(PAGE + 3)
    assert len(keys(table)) == PAGE
    assert f"1\N{EN DASH}20 of {PAGE + 3}" in table.place.value
    assert table.back.disabled
    table.forth.click()
    assert keys(table) == ["cartpole:3", "cartpole:2", "cartpole:1"]
    assert table.forth.disabled
    table.back.click()
    assert table.page == 0
    table.page = 99
    assert table.page == 1
    table.query = "cartpole"
    assert table.page == 0


def test_one_page_has_nothing_to_turn(make):
    table = make()
    assert not any(is_shown(part) for part in (table.back, table.place, table.forth))


def test_the_version_is_the_one_chosen_last(make):
    table = make()
    assert table.version is None
    table.table.selected = ["cartpole:1", "cartpole:3"]
    assert (table.selected, table.version) == (["cartpole:1", "cartpole:3"], "cartpole:3")
    assert "2 chosen" in table.chosen.value
    table.clear.click()
    assert (table.selected, table.table.selected, table.version) == ([], [], None)
    assert not is_shown(table.clear)


def test_what_others_keep_appears_and_page_and_choice_stay(make, keep):
    table = make(PAGE + 3)
    table.page, table.selected = 1, ["cartpole:2"]
    keep("acrobot", metrics={"loss": 1.0})
    table.refresh()
    assert (table.page, table.selected) == (1, ["cartpole:2"])
    assert "24 versions" in table.count.value
    assert "loss" in [column["title"] for column in table.table.columns]


def test_a_version_that_others_delete_is_chosen_no_longer_and_that_is_told(make, other):
    table = make()
    table.selected = ["cartpole:1", "cartpole:2"]
    other.delete("cartpole:2")
    table.refresh()
    assert (table.selected, table.version) == (["cartpole:1"], "cartpole:1")
    assert table.said == "Not there any more: cartpole:2."
    table.refresh()
    assert table.said == ""


def test_what_is_no_reference_is_chosen_no_longer(make):
    table = make()
    table.selected = ["no reference", "cartpole:1"]
    table.refresh()
    assert table.selected == ["cartpole:1"]
    assert "no reference" in table.said


def test_a_version_that_others_rename_stays_chosen(make, other):
    table = make()
    table.selected = ["cartpole:2"]
    other.rename("cartpole", "pole")
    table.refresh()
    assert table.selected == ["pole:2"]


def test_an_empty_registry_says_how_to_fill_it(registry, keep):
    table = VersionTable(registry)
    assert "%rl_save agent cartpole" in table.message.value
    assert not is_shown(table._frame)
    keep()
    table.refresh()
    assert table.said == ""
    assert is_shown(table._frame)


def test_a_folder_that_vanishes_is_told_and_all_is_as_before_when_it_returns(make, folder):
    table = make()
    table.selected = ["cartpole:2"]
    folder.rename(folder.with_name("away"))
    table.refresh()
    assert f"The folder {folder} is gone." in table.said
    assert (keys(table), table.selected) == ([], ["cartpole:2"])
    assert not is_shown(table._frame)
    folder.with_name("away").rename(folder)
    table.refresh()
    assert table.said == ""
    assert (len(keys(table)), table.selected) == (3, ["cartpole:2"])


def test_a_folder_that_cannot_be_read_is_told(make, folder):
    table = make()
    folder.rename(folder.with_name("away"))
    folder.write_text("a file")
    table.refresh()
    assert "StoreError" in table.message.value
    assert keys(table) == []


def test_a_damaged_version_is_told_and_the_others_are_listed(make, spoil):
    table = make()
    table.selected = ["cartpole:2"]
    spoil("cartpole", 2)
    table.refresh()
    assert "000002.json" in table.said
    assert keys(table) == ["cartpole:3", "cartpole:1"]
    table.query = "cartpole"
    assert len(keys(table)) == 2


def test_by_itself_it_brings_its_style_sheet(make, registry):
    table = make()
    assert ".rlkit-table" in table.children[0]._css
    inside = VersionTable(registry, table._look)
    assert not any(isinstance(child, Sheet) for child in inside.children)
