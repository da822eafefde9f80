import ipywidgets
import pytest

from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.models.confirm import Confirm, Dismiss


class Opener(ipywidgets.Button):
    focused = False

    def focus(self):
        self.focused = True


@pytest.fixture
def done():
    return []


@pytest.fixture
def opener():
    return Opener()


@pytest.fixture
def confirm(done, opener):
    confirm = Confirm(Look())
    confirm.ask("It is <gone>.\nFor good.", "Do it", lambda: done.append(True), opener)
    return confirm


def is_shown(confirm):
    return confirm.layout.display != "none"


def test_there_is_nothing_to_see_without_a_question():
    confirm = Confirm(Look())
    assert not is_shown(confirm)
    assert not confirm.asks


def test_a_question_says_what_would_happen_and_nothing_does(confirm, done):
    assert is_shown(confirm)
    assert confirm.asks
    assert "It is &lt;gone&gt;." in confirm.question.value
    assert "For good." in confirm.question.value
    assert confirm.yes.description == "Do it"
    assert done == []


def test_yes_does_it_once(confirm, done):
    confirm.yes.click()
    confirm.yes.click()
    assert done == [True]
    assert not is_shown(confirm)


def test_no_gives_it_up_and_goes_back_to_what_was_pressed(confirm, done, opener):
    confirm.no.click()
    confirm.yes.click()
    assert done == []
    assert opener.focused
    assert not is_shown(confirm)


def test_escape_gives_it_up(confirm, done, opener):
    (dismiss,) = [child for child in confirm.children[1].children if isinstance(child, Dismiss)]
    dismiss._handle_custom_msg("dismiss", [])
    confirm.yes.click()
    assert done == []
    assert opener.focused
    assert "rlkit-dismissible" in confirm._dom_classes  # where the script listens
    assert ".rlkit-dismissible" in str(Dismiss._esm)


def test_what_is_no_question_any_more_leaves_the_focus_alone(confirm, opener):
    confirm.forget()
    assert not opener.focused
    assert not confirm.asks
