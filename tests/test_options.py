"""Options made from a config's schema."""

import argparse

import pytest
from hypothesis import given, strategies as st

import rlkit
from rlkit.errors import UnknownAlgorithmError, UsageError
from rlkit.options import OptionParser, create_from, create_parser, hyperparameters, whole_number

CONFIG = rlkit.factory.get("ppo").Config


@pytest.fixture
def parser():
    parser = OptionParser("%verb")
    parser.add_argument("model")
    parser.add_argument("--steps", type=whole_number)
    return parser


@pytest.mark.parametrize("word", ["100000", "100_000", "1e5", "1E5", "100000.0", " 100000 "])
def test_a_whole_number_is_written_in_several_ways(word):
    assert whole_number(word) == 100_000


@pytest.mark.parametrize("word", ["1.5", "many", "", "True", "[1]", "nan", "inf", "1e400"])
def test_what_is_no_whole_number_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="no whole number"):
        whole_number(word)


@given(st.text())
def test_any_line_is_read_or_refused_with_a_usage_error(line):
    parser = OptionParser("%verb")
    parser.add_argument("model")
    try:
        assert isinstance(parser.parse(line).model, str)
    except UsageError as error:
        assert error.problem.startswith("%verb")  # noqa: PT017 - either outcome is right


@given(st.text())
def test_any_line_that_creates_is_read_or_refused_with_an_rlkit_error(line):
    try:
        parser, words = create_parser("%rl_create", f"ppo {line}")
        parser.parse(words)
    except rlkit.RLKitError as error:
        assert error.problem  # noqa: PT017 - either outcome is right


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


def test_negative_numbers_are_values_not_options():
    parser = OptionParser("%verb")
    parser.add_argument("--steps", type=whole_number)
    assert parser.parse("--steps -3").steps == -3


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
