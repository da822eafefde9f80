"""What a word that somebody has begun may become."""

from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

import rlkit
from rlkit.cli import VERBS
from rlkit.config.files import parse_block
from rlkit.verbs import Scope
from rlkit.verbs.completion import complete, complete_body, values_of
from rlkit.verbs.hyperparameters import add_hyperparameters, hyperparameters
from rlkit.verbs.parser import OptionParser, split
from rlkit.verbs.upkeep import Store


@pytest.fixture
def offers(registry):
    """Return the options that are offered after a line."""

    def offers(line, scope=None):
        name, _, rest = line.partition(" ")
        found = complete(VERBS[name], name, rest, scope or Scope())
        assert rest.endswith(found.fragment)
        begun = found.fragment.lstrip("'\"").lower()
        assert all(option.lstrip("'\"").lower().startswith(begun) for option in found.options)
        return list(found.options)

    return offers


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("create ", ["a2c", "dqn", "ppo"]),
        ("create p", ["ppo"]),
        ("create ppo cartp", ["CartPole-v1"]),
        ("create ppo --env mountaincarc", ["MountainCarContinuous-v0"]),
        ("create ppo CartPole-v1 --learning-r", ["--learning-rate"]),
        ("create ppo CartPole-v1 --learning-rate ", ["0.0003"]),
        ("create ppo --activation ", ["tanh", "relu"]),
        ("create ppo --activation=r", ["relu"]),
        ("create dqn --activation ", ["relu", "tanh"]),
        ("create ppo --net-arch ", ["[64,64]"]),
        ("create ppo --target-kl ", ["None"]),
        ("create --seed 1 ppo --target-kl ", ["None"]),
        ("create --seed 1 ppo --preset Pen", ["Pendulum-v1"]),
        ("config ", ["a2c", "dqn", "ppo", "cartpole", "pendulum"]),
        ("create ppo --preset Pen", ["Pendulum-v1"]),
        ("create ppo --no-norm", ["--no-normalize-advantage"]),
        ("create nothing --", []),
        ("create ppo --seed ", []),
        ("train ", ["a2c", "dqn", "ppo", "cartpole", "pendulum"]),
        ("eval ", ["cartpole", "pendulum"]),
        ("eval cart", ["cartpole"]),
        ("eval cartpole:", ["cartpole:2", "cartpole:1"]),
        ("eval cartpole:1", ["cartpole:1"]),
        ("eval cartpole@", ["cartpole@best", "cartpole@latest"]),
        ("eval nothing:", []),
        ("eval cartpole --ep", ["--episodes"]),
        ("compare cartpole:1 pen", ["pendulum"]),
        ("compare cartpole:1 pendulum cart", ["cartpole"]),
        ("models ", ["cartpole", "pendulum"]),
        ("models cartpole ", ["--trash"]),
        ("search metrics.", ["metrics.mean_return"]),
        ("search 'small' in tags and env", ["env_id", "env_kwargs"]),
        ("search metrics.mean_return>3 and config.gam", ["config.gamma"]),
        ("search seed = 0 --order-by -metr", ["-metrics", "-metrics.mean_return"]),
        ("tag cartpole ", ["small"]),
        ("tag cartpole small --", ["--remove"]),
        ("alias cartpole:1 b", ["best"]),
        ("alias cartpole best --by ", ["mean_return"]),
        ("metrics cartpole mean", ["mean_return"]),
        ("restore ", ["swinger:1"]),
        ("help ver", ["verify"]),
        ("verify --", []),
        ("config ppo CartPole-v1 --gam", ["--gamma"]),
    ],
)
def test_what_is_offered(offers, registry, line, expected):
    registry.set_alias("cartpole", "best", 1)
    registry.copy("pendulum:1", "swinger")
    registry.delete("swinger:1")
    scope = Scope()
    scope.verbs = list(VERBS)
    assert offers(line, scope) == expected


def test_an_option_is_offered_once_and_common_ones_first(offers):
    options = offers("create ppo CartPole-v1 ")
    assert "--learning-rate" in options
    assert "--learning_rate" not in options
    assert options.index("--learning-rate") < options.index("--log-std-init")
    assert "--learning-rate" not in offers("create ppo CartPole-v1 --learning-rate 1e-3 ")
    assert "--learning-rate" not in offers("create ppo CartPole-v1 --learning_rate=1e-3 ")


def test_a_quoted_word_is_one_word(offers):
    assert offers("describe cartpole 'two words") == []
    assert offers("compare 'cartpole:1' pen") == ["pendulum"]
    assert offers('search "metrics.') == ["metrics.mean_return"]


def test_files_and_folders_are_offered(offers, tmp_path):
    (tmp_path / "models").mkdir()
    for name in ("a.rlkit", "b.yaml", "c.txt"):
        (tmp_path / name).touch()
    assert offers("import ") == ["a.rlkit", "models/", "store/"]
    assert offers("create ppo --config ") == ["b.yaml", "models/", "store/"]
    assert complete(Store(), "store", "m", Scope()).options == ("models/",)
    assert offers(f"import {tmp_path}/a") == [f"{tmp_path}/a.rlkit"]
    assert offers("import nowhere/x") == []


TRAPS = [
    "{__import__('os').system('x')}",
    "$(x)",
    "$HOME",
    "a{b",
    "a}b",
    "a\nb",
    "a\x1b[31m",
    "a\u202eb",
    "both ' and \"",
]
OPTIONS = ["--trust", "-x"]
LITERAL = ["my model", "# x", "a #b", "it's", 'a "b"', "a;", "a?", "a\\", "`x`", "naïve 強化", "!x"]


def holding(monkeypatch, word):
    """Let the registry know a version of which everything that completion offers is a stranger's word."""
    version = SimpleNamespace(name=word, ref=f"{word}:1", tags=[word], metrics={word: 1.0}, aliases=[word])
    monkeypatch.setattr(rlkit.ModelRegistry, "versions", lambda _: [version])
    monkeypatch.setattr(rlkit.ModelRegistry, "trash", lambda _: [version])


LINES = [
    "eval ",
    "models ",
    "tag x ",
    "alias x ",
    "alias x y --by ",
    "metrics x ",
    "restore ",
    "diff ",
    "eval --env=x ",
]


@pytest.mark.parametrize(
    ("line", "word"),
    [(line, word) for line in [*LINES, "search ", "search metrics."] for word in [*TRAPS, *OPTIONS]]
    + [(f"search --order-by {field}", word) for field in ("metrics.", "-") for word in TRAPS],
)
def test_a_word_that_a_line_does_not_take_literally_is_not_offered(offers, monkeypatch, line, word):
    holding(monkeypatch, word)
    assert not any(word in option for option in offers(line))


@pytest.mark.parametrize("word", LITERAL)
@pytest.mark.parametrize("line", LINES)
def test_what_is_offered_means_itself(offers, monkeypatch, line, word):
    holding(monkeypatch, word)
    (typed,) = [option for option in offers(line) if word in option]
    assert split("x", f"a {typed} b") in (["a", word, "b"], ["a", f"{word}:1", "b"])
    assert not typed.endswith(("?", ";", "\\"))
    assert [option for option in offers(f"{line}{typed[:3]}") if word in option] == [typed]


@pytest.mark.parametrize("metric", ["x > 0 or 1", "x y", "x=1", "loss/train", "--limit"])
def test_only_names_are_offered_within_conditions(offers, monkeypatch, metric):
    holding(monkeypatch, metric)
    assert offers("search metrics.") == []


def test_a_file_with_a_space_is_offered_in_quotes(offers, tmp_path):
    for name in ("my model.rlkit", "{evil}.rlkit"):
        (tmp_path / name).touch()
    assert offers("import ") == ["'my model.rlkit'", "store/"]
    assert offers("import 'my") == ["'my model.rlkit'"]


def test_nothing_is_offered_where_the_registry_cannot_be_read(offers, store, monkeypatch):
    monkeypatch.setattr(rlkit.ModelRegistry, "versions", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        offers("eval ")
    monkeypatch.setattr(rlkit.ModelRegistry, "versions", lambda _: (_ for _ in ()).throw(OSError("gone")))
    assert offers("eval ") == []


@given(st.sampled_from(sorted(VERBS)), st.text())
def test_any_line_is_completed_without_an_error(name, line):
    found = complete(VERBS[name], name, line, Scope())
    assert line.endswith(found.fragment)


@pytest.mark.parametrize(
    ("body", "fragment", "expected"),
    [
        ("n_st", "n_st", ["n_steps: "]),
        ("  n_st", "n_st", ["n_steps: "]),
        ("activation: ", "", ["tanh", "relu"]),
        ("activation: re", "re", ["relu"]),
        ("normalize_advantage: ", "", ["true", "false"]),
        ("n_steps: 5\nn_st", "n_st", []),
        ("nothing: ", "", []),
    ],
)
def test_a_block_of_hyperparameters_is_completed(body, fragment, expected):
    found = complete_body("ppo --as config", body)
    assert (found.fragment, list(found.options)) == (fragment, expected)
    assert complete_body("--as config ppo", body) == found


def test_a_block_offers_what_people_change_often_first():
    offered = [option.removesuffix(": ") for option in complete_body("ppo", "").options]
    common = [name for name, field in rlkit.factory.get("ppo").Config.hyperparameters().items() if field.common]
    assert sorted(offered) == sorted(rlkit.factory.get("ppo").Config.hyperparameters())
    assert offered[: len(common)] == common


@pytest.mark.parametrize("line", ["", "nothing", "--as x"])
def test_a_block_of_no_algorithm_offers_nothing(line):
    assert complete_body(line, "n_st").options == ()


@pytest.mark.parametrize("name", rlkit.factory.names())
def test_every_value_that_is_offered_is_right(name):
    config_class = rlkit.factory.get(name).Config
    for setting in config_class.hyperparameters():
        for value in values_of(config_class, setting):
            config_class.from_mapping(parse_block(f"{setting}: {value}", "a cell"))
            if config_class.hyperparameters()[setting].kind != "bool":
                parser = OptionParser("%verb")
                add_hyperparameters(parser, config_class)
                config_class(**hyperparameters(parser.parse(f"--{setting} {value}"), config_class))


def test_environments_of_a_module_are_offered_where_it_is_imported(offers, walk_package):
    assert offers("create ppo walk_package:") == []
    import walk_package as _  # noqa: F401, PLC0415 - as a person does in a notebook

    assert offers("create ppo walk_package:") == ["walk_package:Stroll-v1", "walk_package:Walk-v0"]
    assert offers("create ppo --env walk_package:wa") == ["walk_package:Walk-v0"]
