"""Options made from a config's schema."""

import argparse

import pytest
from hypothesis import given, strategies as st

import rlkit
from rlkit.errors import UnknownAlgorithmError, UsageError
from rlkit.options import (
    HelpRequested,
    OptionParser,
    add_hyperparameters,
    create_from,
    create_parser,
    hyperparameters,
    parse_whole_number,
)

CONFIG = rlkit.factory.get("ppo").Config


@pytest.fixture
def parser():
    parser = OptionParser("%verb")
    parser.add_argument("model")
    parser.add_argument("--steps", type=parse_whole_number)
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


@given(st.text())
def test_any_line_that_creates_is_read_or_refused_with_an_rlkit_error(line):
    try:
        parser, words = create_parser("%rl_create", f"ppo {line}")
        parser.parse(words)
    except (rlkit.RLKitError, HelpRequested) as error:
        assert str(error)  # noqa: PT017 - either outcome is right


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


def test_a_long_usage_says_where_to_read_it():
    parser, words = create_parser("%rl_create", "ppo --seed x")
    with pytest.raises(UsageError) as raised:
        parser.parse(words)
    assert raised.value.remedy == (
        "Usage: %rl_create ppo [--option value ...]. %rl_create ppo --help lists the options."
    )


def test_help_is_asked_for_anywhere_in_the_line(parser):
    with pytest.raises(HelpRequested, match="usage: %verb"):
        parser.parse("agent --steps 3 --help")
    with pytest.raises(HelpRequested, match="%rl_create ppo --help"):
        create_parser("%rl_create", "--help")


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


def test_hyphens_and_underscores_are_both_right():
    parser, words = create_parser("%rl_create", "ppo --n-envs 2 --n_steps 64")
    assert hyperparameters(parser.parse(words), CONFIG) == {"n_envs": 2, "n_steps": 64}


def test_what_is_not_given_is_not_set():
    parser, words = create_parser("%rl_create", "ppo")
    assert hyperparameters(parser.parse(words), CONFIG) == {}


def test_an_optional_value_can_be_set_to_none():
    parser, words = create_parser("%rl_create", "ppo --target-kl none")
    assert create_from(parser.parse(words)).config.target_kl is None


def test_an_unknown_algorithm_is_named_before_its_options_are_read():
    with pytest.raises(UnknownAlgorithmError, match="'qpo'"):
        create_parser("%rl_create", "qpo --whatever")


def test_a_word_stays_a_word_even_where_it_looks_like_a_number():
    class Worded(rlkit.ModelConfig):
        mode: str = rlkit.hyperparameter("plain", "A word.")

    parser = OptionParser("%verb")
    add_hyperparameters(parser, Worded)
    assert hyperparameters(parser.parse("--mode 1e3"), Worded) == {"mode": "1e3"}
    assert Worded.hyperparameters()["mode"].takes == "a word"
