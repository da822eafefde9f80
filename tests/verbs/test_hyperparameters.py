"""Options made from a config's schema."""

import pytest

import rlkit
from rlkit.verbs.hyperparameters import add_hyperparameters, hyperparameters
from rlkit.verbs.parser import OptionParser

CONFIG = rlkit.factory.get("ppo").Config


@pytest.fixture
def parse():
    def parse(line):
        parser = OptionParser("%verb")
        add_hyperparameters(parser, CONFIG)
        return hyperparameters(parser.parse(line), CONFIG)

    return parse


def test_hyphens_and_underscores_are_both_right(parse):
    assert parse("--n-envs 2 --n_steps 64") == {"n_envs": 2, "n_steps": 64}


def test_what_is_not_given_is_not_set(parse):
    assert parse("") == {}


def test_an_optional_value_can_be_set_to_none(parse):
    assert parse("--target-kl none") == {"target_kl": None}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("64,32", [64, 32]),
        ("[64,32]", [64, 32]),
        ("'{pi: [8], vf: [16]}'", {"pi": [8], "vf": [16]}),
        ("32", [32]),
    ],
)
def test_layer_sizes_are_written_in_several_ways(parse, written, meant):
    assert parse(f"--net-arch {written}") == {"net_arch": meant}


def test_a_switch_is_turned_off_by_no(parse):
    assert parse("--no-normalize-advantage") == {"normalize_advantage": False}


@pytest.mark.parametrize("name", rlkit.factory.names())
def test_the_help_of_every_option_says_what_it_takes_and_its_default(name):
    config_class = rlkit.factory.get(name).Config
    parser = OptionParser("%verb")
    add_hyperparameters(parser, config_class)
    shown = " ".join(parser.format_help().split())
    for field in config_class.hyperparameters().values():
        assert field.meaning in shown
        assert field.kind == "bool" or f"Takes {field.takes}." in shown


def test_a_word_stays_a_word_even_where_it_looks_like_a_number():
    class Worded(rlkit.ModelConfig):
        mode: str = rlkit.hyperparameter("plain", "A word.")

    parser = OptionParser("%verb")
    add_hyperparameters(parser, Worded)
    assert hyperparameters(parser.parse("--mode 1e3"), Worded) == {"mode": "1e3"}
    assert Worded.hyperparameters()["mode"].takes == "a word"
