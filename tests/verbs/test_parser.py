"""The words of a verb."""

import argparse

import pytest
from hypothesis import given, strategies as st

from rlkit.errors import UsageError
from rlkit.verbs.parser import HelpRequested, OptionParser, parse_number, parse_whole_number, split


@pytest.fixture
def parser():
    parser = OptionParser("%verb")
    parser.add_argument("model")
    parser.add_argument("--steps", type=parse_whole_number, help="how many")
    return parser


@pytest.mark.parametrize("word", ["100000", "100_000", "1e5", "1E5", "100000.0", " 100000 "])
def test_a_whole_number_is_written_in_several_ways(word):
    assert parse_whole_number(word) == 100_000


@pytest.mark.parametrize("word", ["1.5", "many", "", "True", "[1]", "nan", "inf", "1e400"])
def test_what_is_no_whole_number_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="no whole number"):
        parse_whole_number(word)


@given(st.text())
def test_any_line_is_read_or_refused_with_a_usage_error(line):
    parser = OptionParser("%verb")
    parser.add_argument("model")
    try:
        assert isinstance(parser.parse(line).model, str)
    except (UsageError, HelpRequested) as error:
        assert "%verb" in str(error)  # noqa: PT017 - either outcome is right


def test_an_unknown_option_suggests_the_nearest(parser):
    with pytest.raises(UsageError) as raised:
        parser.parse("agent --setps=3")
    assert (raised.value.problem, raised.value.remedy) == ("%verb has no option '--setps'.", "Did you mean '--steps'?")


def test_options_are_never_abbreviated(parser):
    with pytest.raises(UsageError, match="'--ste'"):
        parser.parse("agent --ste 3")


def test_a_missing_word_shows_the_usage_on_one_line(parser):
    with pytest.raises(UsageError) as raised:
        parser.parse("")
    assert raised.value.remedy == "Usage: %verb [--steps STEPS] model"


def test_help_is_asked_for_anywhere_in_the_line(parser):
    with pytest.raises(HelpRequested, match="usage: %verb"):
        parser.parse("agent --steps 3 --help")


def test_negative_numbers_are_values_not_options():
    parser = OptionParser("%verb")
    parser.add_argument("--steps", type=parse_whole_number)
    parser.add_argument("--rate", type=float)
    assert parser.parse("--steps -3").steps == -3
    assert parser.parse("--rate -1e-3").rate == -1e-3
    assert parser.parse("--rate -.5").rate == -0.5


def test_an_unclosed_quote_is_named(parser):
    with pytest.raises(UsageError, match="No closing quotation"):
        parser.parse("'agent")


def test_a_value_may_begin_with_a_minus_but_an_option_is_no_value(parser):
    parser.add_argument("--order-by")
    assert parser.parse("agent --order-by -created").order_by == "-created"
    assert parser.parse("agent --order-by=--steps").order_by == "--steps"
    assert parser.parse("agent --order-by ''").order_by == ""
    with pytest.raises(UsageError, match="--order-by needs a value"):
        parser.parse("agent --order-by --steps 3")


@pytest.mark.parametrize("line", ["agent --steps", "--steps", "agent --steps --steps 3"])
def test_an_option_without_its_value_is_named(parser, line):
    with pytest.raises(UsageError, match="%verb: --steps needs a value: how many"):
        parser.parse(line)


def test_a_switch_takes_no_value(parser):
    parser.add_argument("--normal", action=argparse.BooleanOptionalAction)
    with pytest.raises(UsageError) as raised:
        parser.parse("agent --normal=yes")
    assert raised.value.problem == "%verb: --normal takes no value, and 'yes' is one."
    assert raised.value.remedy == "Write --normal or --no-normal alone."


def test_an_option_unlike_any_shows_the_usage(parser):
    with pytest.raises(UsageError) as raised:
        parser.parse("--xyz")
    assert (raised.value.problem, raised.value.remedy) == ("%verb has no option '--xyz'.", parser.hint)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reward > -110", ["reward", ">", "-110"]),
        ("a '- an item' -", ["a", "- an item", "-"]),
        ("a --steps 3 -- --steps -x", ["a", "--steps", "-x"]),
    ],
)
def test_words_that_begin_with_a_minus_stay_where_they_are(line, words):
    parser = OptionParser("%verb")
    parser.add_argument("words", nargs="+")
    parser.add_argument("--steps")
    assert parser.parse(line).words == words


def test_words_may_stand_after_options():
    parser = OptionParser("%verb")
    parser.add_argument("algorithm")
    parser.add_argument("environment", nargs="?")
    parser.add_argument("--seed", type=parse_whole_number)
    found = parser.parse("ppo --seed 1 CartPole-v1")
    assert (found.algorithm, found.environment, found.seed) == ("ppo", "CartPole-v1", 1)


def test_a_choice_that_there_is_not_suggests_the_nearest():
    parser = OptionParser("%verb")
    parser.add_argument("--mode", choices=["largest", "smallest"])
    with pytest.raises(UsageError) as raised:
        parser.parse("--mode smalest")
    assert raised.value.problem == "%verb: --mode cannot be 'smalest'."
    assert raised.value.remedy == "Did you mean 'smallest'?"


@pytest.mark.parametrize(("word", "number"), [("475", 475.0), ("-110.5", -110.5), ("1e3", 1000.0), ("1_000", 1000.0)])
def test_a_number_is_written_in_several_ways(word, number):
    assert parse_number(word) == number


@pytest.mark.parametrize("word", ["many", "", "True", "[1]"])
def test_what_is_no_number_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="no number"):
        parse_number(word)


def test_quotes_stay_where_they_mean_something():
    line = "algorithm = 'a b' and x > 3"
    assert split("%verb", line) == ["algorithm", "=", "a b", "and", "x", ">", "3"]
    assert split("%verb", line, posix=False) == ["algorithm", "=", "'a b'", "and", "x", ">", "3"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("agent  # a comment, it's one", ["agent"]),
        ("agent\t#", ["agent"]),
        ("# all of it", []),
        ("agent '# text' \"# text\" #3 a#b", ["agent", "# text", "# text", "#3", "a#b"]),
        (r"C:\models '$\gamma$'", [r"C:\models", r"$\gamma$"]),
    ],
)
def test_comments_are_left_out_and_backslashes_are_letters(line, words):
    assert split("%verb", line) == words


def test_help_shows_an_option_once_with_its_value(parser):
    parser.add_argument("--learning-rate", "--learning_rate", help="step size")
    shown = parser.format_help()
    assert "--learning-rate LEARNING_RATE" in shown
    assert "--learning_rate" not in shown.partition("options:")[2]
