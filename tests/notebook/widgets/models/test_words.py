import pytest

from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.models.words import WordList


@pytest.fixture
def asked():
    return []


@pytest.fixture
def words(asked):
    def add(word):
        asked.append(("add", word))
        return word != "wrong"

    words = WordList(Look(), "tag", "To find it by.", add, lambda word: asked.append(("remove", word)))
    words.show(["a", "b"])
    return words


def test_each_word_has_a_button_that_removes_it(words, asked):
    assert list(words.buttons) == ["a", "b"]
    assert words.buttons["a"].tooltip == "Remove the tag a"
    words.buttons["b"].click()
    assert asked == [("remove", "b")]


def test_a_word_is_added_by_the_button_and_by_enter(words, asked):
    words.box.value = " c "
    words.add.click()
    assert words.box.value == ""
    words.box.value = "d"
    words.box._handle_custom_msg({"event": "submit"}, [])
    assert asked == [("add", "c"), ("add", "d")]


def test_a_word_that_was_refused_stays_to_be_mended(words):
    words.box.value = "wrong"
    words.add.click()
    assert words.box.value == "wrong"


def test_other_words_may_be_shown_and_the_same_keep_their_buttons(words):
    before = words.buttons["a"]
    words.show(("a", "b"))
    assert words.buttons["a"] is before
    words.show(["c"])
    assert words.words == ("c",)
    assert list(words._list.children) == [words.buttons["c"]]
    assert before.comm is None


def test_a_long_word_is_cut_and_is_no_markup(words):
    words.show(["x" * 100])
    (button,) = words.buttons.values()
    assert len(button.description) < 50
