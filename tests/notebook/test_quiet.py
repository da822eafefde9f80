"""Values that a cell does not show."""

import pytest

from rlkit.notebook.quiet import Quiet


class Thing:
    def __repr__(self):
        return "a thing"


@pytest.fixture
def shell(own_shell):
    quiet = Quiet(own_shell)
    own_shell.push({"quiet": quiet, "Thing": Thing, "thing": Thing(), "other": Thing()})
    yield own_shell
    quiet.remove()


@pytest.fixture
def printers(own_shell):
    return own_shell.display_formatter.ipython_display_formatter.type_printers


def texts(outputs):
    return [output["text/plain"] for output in outputs]


def test_a_quiet_value_is_not_shown_by_the_cell_that_is_running_and_is_its_value_all_the_same(shell):
    thing = shell.user_ns["thing"]
    assert shell.run("quiet(thing)\nthing") is thing
    assert shell.shown_values == []
    assert shell.user_ns["_"] is thing


def test_a_click_on_a_widget_meanwhile_changes_nothing(shell):
    shell.run("quiet(thing)\nget_ipython().events.trigger('pre_execute')\nthing")  # as ipykernel tells of a click
    assert shell.shown_values == []


def test_another_object_of_the_same_type_is_shown(shell):
    shell.run("quiet(thing)\nother")
    assert texts(shell.shown_values) == ["a thing"]


def test_an_equal_object_is_shown(shell):
    shell.run("first, second = [1], [1]\nquiet(first)\nsecond")
    assert texts(shell.shown_values) == ["[1]"]


@pytest.mark.parametrize("history", [True, False])
def test_a_later_cell_shows_it(shell, history):
    shell.run_cell("quiet(thing)\nthing", store_history=history)
    shell.run_cell("thing", store_history=history)
    assert texts(shell.shown_values) == ["a thing"]


def test_a_value_that_was_quieted_between_two_cells_is_shown_by_the_next(shell):
    # As the callback of a button does.
    shell.user_ns["quiet"](shell.user_ns["thing"])
    shell.run("thing")
    assert texts(shell.shown_values) == ["a thing"]


def test_display_shows_it_in_the_same_cell(shell):
    shell.run("from IPython.display import display\nquiet(thing)\ndisplay(thing)\nthing")
    assert [output["data"]["text/plain"] for output in shell.published] == ["a thing"]
    assert shell.shown_values == []


def test_what_another_has_registered_for_the_type_goes_on_showing_it(shell, printers):
    shown = []
    printers[Thing] = shown.append
    shell.run("quiet(thing)\nother")
    shell.run("quiet(thing)\nthing")
    assert shown == [shell.user_ns["other"]]
    assert shell.shown_values == []


def test_removal_leaves_the_shell_as_it_was(own_shell, printers):
    before, callbacks = dict(printers), list(own_shell.events.callbacks["pre_run_cell"])
    printers[int] = before[int] = print
    quiet = Quiet(own_shell)
    own_shell.push({"quiet": quiet, "thing": Thing()})
    own_shell.run("quiet(thing)\nquiet(5)\nthing")
    quiet.remove()
    assert printers == before
    assert own_shell.events.callbacks["pre_run_cell"] == callbacks
    own_shell.run("thing")
    assert texts(own_shell.shown_values) == ["a thing"]
