from __future__ import annotations

import inspect
import pickle

import pytest
from hypothesis import given, strategies as st

from rlkit import errors
from rlkit.errors import RLKitError, TrainingError, did_you_mean, in_two_lines, visible, warn_caller

ALL = [
    member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, RLKitError)
]  # fmt: skip


@pytest.mark.parametrize("error", ALL)
def test_every_error_says_problem_and_remedy_on_two_lines(error):
    raised = error("It is wrong.", "Do this.")
    assert str(raised) == "It is wrong.\nDo this."
    assert (raised.problem, raised.remedy) == ("It is wrong.", "Do this.")


@pytest.mark.parametrize("error", ALL)
def test_every_error_without_a_remedy_is_its_problem_alone(error):
    assert str(error("It is wrong.")) == "It is wrong."


@pytest.mark.parametrize("error", ALL)
def test_every_error_says_in_one_sentence_what_it_means(error):
    assert error.__doc__


@pytest.mark.parametrize("error", ALL)
def test_every_error_survives_a_trip_between_processes(error):
    copy = pickle.loads(pickle.dumps(error("It is wrong.", "Do this.")))
    assert type(copy) is error
    assert str(copy) == "It is wrong.\nDo this."


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.UnknownAlgorithmError, LookupError),
        (errors.UnknownEnvironmentError, LookupError),
        (errors.ModelDefinitionError, TypeError),
        (errors.StateError, ValueError),
        (errors.ModelNotFoundError, LookupError),
    ],
)
def test_errors_are_what_an_except_clause_for_pythons_own_would_catch(error, builtin):
    assert issubclass(error, builtin)


def test_the_nearest_option_is_suggested():
    assert did_you_mean("learning_rat", ["learning_rate", "gamma"]) == "Did you mean 'learning_rate'?"


def test_upper_and_lower_case_do_not_matter_and_the_option_is_told_as_it_is():
    assert did_you_mean("cartpole-V1", ["CartPole-v1", "Acrobot-v1"]) == "Did you mean 'CartPole-v1'?"


def test_options_are_listed_where_none_is_near():
    assert did_you_mean("zzz", ["b", "a", "a"]) == "Choose from a, b."


def test_a_long_list_is_cut():
    listed = did_you_mean("zzz", [f"option{i:02}" for i in range(30)])
    assert listed.endswith("option11, …")


def test_there_is_nothing_to_suggest_without_options():
    assert did_you_mean("x", []) == ""


@given(st.text(), st.lists(st.text(max_size=8), max_size=5))
def test_anything_a_person_types_gets_a_sentence_or_none(word, options):
    sentence = did_you_mean(word, options)
    assert sentence == "" or sentence.startswith(("Did you mean", "Choose from"))


@given(st.lists(st.text("abcdef", min_size=4, max_size=8), min_size=1, max_size=5), st.data())
def test_an_option_itself_is_its_own_suggestion(options, data):
    option = data.draw(st.sampled_from(options))
    assert did_you_mean(option, options) == f"Did you mean {option!r}?"


@pytest.mark.parametrize("error", ALL)
def test_no_error_writes_control_characters_to_a_terminal(error):
    raised = error("No model \x1b[31mred\x1b[0m\r\b\x9b\n\u202e.", "Try \x1b]0;x\x07.")
    assert str(raised) == r"No model \x1b[31mred\x1b[0m\r\x08\x9b\n\u202e." + "\n" + r"Try \x1b]0;x\x07."
    assert in_two_lines(ValueError("a\x1b[2Jb")) == r"ValueError: a\x1b[2Jb"


def test_letters_of_all_languages_stay_as_they_are():
    words = "naïve 強化 שלום क\u094d\u200dष 👩\u200d🚀 a\xa0b"
    assert visible(words) == words
    assert visible("one\ttwo\n", keep="\n") == "one\\ttwo\n"


@pytest.mark.parametrize("trap", ["{__import__('os').system('x')}", "$HOME", "`x`", "a\x1b[31m", "x" * 1000])
def test_no_trap_is_suggested(trap):
    assert did_you_mean(trap, [trap]) == ""
    assert did_you_mean(trap, [trap, "b"]) == "Choose from b."


def test_a_warning_names_the_line_that_led_to_it():
    with pytest.warns(UserWarning, match=r"a\\x1b") as caught:
        warn_caller("a\x1b")
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (TrainingError("It broke.", "Mend it."), "TrainingError: It broke.\nMend it."),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (ValueError(), "ValueError"),
        (OSError("one\n\n  two\nthree"), "OSError: one\n  two"),
        (ValueError("x" * 1000), f"ValueError: {'x' * 288}"),
    ],
)
def test_an_error_is_told_in_at_most_two_lines(error, lines):
    assert in_two_lines(error) == lines
