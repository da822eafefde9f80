"""The whole browser, from what is chosen to what is shown, and with other programs at work in the same folder."""

import re
import threading

import pytest

import rlkit
from rlkit.errors import StoreError
from rlkit.notebook.widgets.look import close
from rlkit.notebook.widgets.models import follower as follower_module
from rlkit.notebook.widgets.models.browser import ModelBrowser
from rlkit.notebook.widgets.sheet import Sheet
from rlkit.registry import checks

SECONDS = 300  # more than anything here takes, even on a busy machine
HOSTILE = "<script>alert('1')</script> & $x$ \x1b[31m"


def is_shown(widget):
    return widget.layout.display != "none"


def keys(browser):
    return [row["key"] for row in browser.versions.table.rows]


@pytest.fixture
def browser(registry, keep):
    for _ in range(3):
        keep(tags=["a"])
    browser = ModelBrowser(registry, {}.__setitem__)
    yield browser
    browser.close()


def test_it_is_of_the_current_registry_unless_told(monkeypatch, folder):
    monkeypatch.setenv("RLKIT_HOME", str(folder))
    browser = ModelBrowser()
    assert browser.registry is rlkit.registry()
    assert browser.folder == str(folder)


def test_parts_and_whole_say_the_same(browser):
    browser.query = "cartpole:2"
    assert browser.versions.search.value == "cartpole:2"
    browser.versions.search.value = ""
    browser.versions.table.sort = "ref"
    assert (browser.query, browser.sort) == ("", "ref")
    browser.versions.table.selected = ["cartpole:1", "cartpole:2"]
    assert browser.selected == browser.comparison.selected == ["cartpole:1", "cartpole:2"]
    assert browser.version == browser.actions.version == "cartpole:2"
    browser.selected = []
    assert browser.version is None


def test_one_is_shown_by_itself_and_several_side_by_side(browser):
    assert not any(map(is_shown, (browser.details.tabs, browser.comparison, browser.actions.body)))
    browser.selected = ["cartpole:1"]
    assert browser.details.version == "cartpole:1"
    assert is_shown(browser.details.tabs)
    assert not is_shown(browser.comparison)
    browser.selected = ["cartpole:1", "cartpole:2"]
    assert browser.details.version is None
    assert not is_shown(browser.details.tabs)
    assert is_shown(browser.comparison)
    assert is_shown(browser.actions.body)


def test_only_one_style_sheet_is_sent(browser):
    def sheets(widget):
        own = isinstance(widget, Sheet)
        return own + sum(map(sheets, getattr(widget, "children", ())))

    assert sheets(browser) == 1


def test_what_is_done_shows_everywhere(browser):
    browser.selected = ["cartpole:2"]
    browser.actions.tags.box.value = "fresh"
    browser.actions.tags.add.click()
    (row,) = [row for row in browser.versions.table.rows if row["key"] == "cartpole:2"]
    assert ["a", "fresh"] in [cell["marks"] for cell in row["cells"]]
    assert "fresh" in browser.details.pages["Overview"].value


def test_a_deleted_version_leaves_the_table_and_comes_back_from_the_trash(browser):
    browser.trash.fold.toggle.value = True
    browser.selected = ["cartpole:2"]
    browser.actions.delete.click()
    browser.actions.confirm.yes.click()
    assert keys(browser) == ["cartpole:3", "cartpole:1"]
    assert browser.version is None
    assert "cartpole:2 is in the trash." in browser.actions.message.value
    assert [row["key"] for row in browser.trash.table.rows] == ["cartpole:2"]
    browser.trash.table.selected = ["cartpole:2"]
    browser.trash.restore.click()
    browser.trash.confirm.yes.click()
    assert keys(browser) == ["cartpole:3", "cartpole:2", "cartpole:1"]


def test_a_model_that_is_loaded_is_its_own_too(browser):
    browser.selected = ["cartpole:1"]
    browser.actions.load.click()
    assert browser.model is browser.actions.model
    assert browser.model.algorithm == "ppo"


# -- others --------------------------------------------------------------------------------------------------------


@pytest.fixture
def thread(browser, monkeypatch):
    """The thread that looks once the browser is shown; it looks often."""
    monkeypatch.setattr(follower_module, "_SECONDS", 0.01)
    browser.framed()
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "Follower._look_again of rlkit"]
    return thread


def test_shown_it_follows_others(browser, thread, keep):
    browser.selected = ["cartpole:1"]
    came = threading.Event()
    browser.versions.table.observe(lambda change: len(change["new"]) == 4 and came.set(), "rows")
    keep()
    assert came.wait(SECONDS)
    assert keys(browser)[0] == "cartpole:4"
    assert browser.selected == ["cartpole:1"]


@pytest.mark.parametrize("leave", [ModelBrowser.close, close])
def test_closed_it_follows_nobody(browser, thread, leave):
    leave(browser)
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_shown_again_it_shows_what_has_changed(browser, keep):
    keep()
    assert len(keys(browser)) == 3
    browser.framed()
    assert len(keys(browser)) == 4
    browser.close()


def test_a_version_that_others_delete_while_it_is_shown(browser, other):
    browser.selected = ["cartpole:1", "cartpole:2"]
    other.delete("cartpole:2")
    browser.follower.look()
    assert browser.selected == ["cartpole:1"]
    assert is_shown(browser.details.tabs)
    assert "Not there any more: cartpole:2." in browser.versions.message.value


def test_a_folder_that_vanishes_and_returns(browser, folder):
    browser.selected = ["cartpole:1"]
    folder.rename(folder.with_name("away"))
    browser.follower.look()
    assert "is gone" in browser.versions.message.value
    assert "ModelNotFoundError" in browser.details.pages["Overview"].value
    browser.actions.load.click()
    assert "ModelNotFoundError" in browser.actions.message.value
    folder.with_name("away").rename(folder)
    browser.follower.look()
    assert (len(keys(browser)), browser.selected) == (3, ["cartpole:1"])
    assert "ModelNotFoundError" not in browser.details.pages["Overview"].value


def test_a_folder_that_is_emptied_and_filled_again(browser, folder, keep):
    browser.selected = ["cartpole:1"]
    (folder / "models" / "cartpole").rename(folder / "cartpole")
    browser.follower.look()
    assert "%rl_save agent cartpole" in browser.versions.message.value
    assert browser.selected == []
    keep("acrobot")
    browser.follower.look()
    assert keys(browser) == ["acrobot:1"]


# -- where widgets do not show -------------------------------------------------------------------------------------


def test_its_twin_is_the_page_and_the_version(browser, keep):
    for _ in range(30):
        keep(tags=["b"])
    browser.refresh()
    browser.selected = ["cartpole:2"]
    twin = browser.twin()
    assert set(twin) == {"text/plain", "text/html"}
    for said in twin.values():
        assert "cartpole:33" in said
        assert "cartpole:2" in said
    assert "<table" in twin["text/html"]
    assert "Learning curve of cartpole:2" in twin["text/html"]
    assert len(twin["text/html"].encode()) < 30_000


def test_its_twin_says_why_there_is_nothing(registry, browser, other, folder):
    assert "%rl_save" in ModelBrowser(type(registry)(folder.with_name("empty"))).twin()["text/plain"]
    browser.selected = ["cartpole:1"]
    folder.rename(folder.with_name("away"))
    browser.refresh()
    for said in browser.twin().values():
        assert "is gone" in said
        assert "ModelNotFoundError" in said


def test_text_that_others_wrote_is_no_markup(browser, keep, monkeypatch):
    monkeypatch.setattr(checks, "_METRIC", re.compile(".*", re.DOTALL))  # an older rlkit took any name
    words = ("algorithm", "model_class", "env_id", "env_name", "left_out")
    change = {"num_timesteps": 10, "name": HOSTILE, "old": HOSTILE, "new": HOSTILE}
    told = {"env_kwargs": {HOSTILE: HOSTILE}, "config": {HOSTILE: HOSTILE}, "config_changes": [change]}
    told["env_modified"] = [HOSTILE]
    keep("acrobot", description=HOSTILE, metrics={HOSTILE: 1.0}, told={**dict.fromkeys(words, HOSTILE), **told})
    browser.refresh()
    browser.selected = ["acrobot:1"]
    for index in range(len(browser.details.tabs.titles)):
        browser.details.tabs.selected_index = index
    shown = [page.value for page in browser.details.pages.values()]
    browser.selected = ["acrobot:1", "cartpole:1"]
    shown += [browser.comparison.page.value, browser.twin()["text/html"]]
    browser.query = f"{HOSTILE} ="
    shown += [browser.versions.problem.value]
    assert not any("<script" in page or "\x1b" in page for page in shown)


def test_a_folder_that_cannot_be_read_is_the_only_complaint(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "file"))
    unmade = ModelBrowser.__new__(ModelBrowser)
    with pytest.raises(StoreError):
        unmade.__init__()
    unmade.close()  # as Python does when nobody holds it any more
