from __future__ import annotations

import subprocess
import sys
import threading

import ipywidgets
import pytest
import yaml
from hypothesis import given, settings, strategies as st

import rlkit
from rlkit.config import ModelConfig, hyperparameter
from rlkit.errors import ConfigError, RLKitError, UnknownAlgorithmError
from rlkit.models.a2c import A2CConfig
from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPO, PPOConfig
from rlkit.notebook.widgets.fields import Field
from rlkit.notebook.widgets.form import ConfigForm
from rlkit.verbs import Scope
from rlkit.verbs.creating import Config, config_from

ALGORITHMS = rlkit.factory.names()
ENVIRONMENTS = [None, "CartPole-v1", "Pendulum-v1", "Nowhere-v0"]


def config_of(line, body=None):
    """Return the config that a line means, as the verbs read it."""
    command, _, words = line.partition(" ")
    assert command == "%rl_create"
    verb = Config()
    split = verb.split(command, words)
    return config_from(verb.parser(command, split).parse(split), Scope(), body)


def right_values(field):
    """Return a strategy for values that are right for a field by themselves."""
    low = field.bounds.get("minimum", field.bounds.get("exclusiveMinimum"))
    high = field.bounds.get("maximum", field.bounds.get("exclusiveMaximum"))
    sizes = st.lists(st.integers(1, 512), max_size=3)
    above = {"exclude_min": "exclusiveMinimum" in field.bounds, "exclude_max": "exclusiveMaximum" in field.bounds}
    numbers = st.floats(low, high, allow_nan=False, allow_infinity=False, **above)
    kinds = {
        "bool": st.booleans(),
        "choice": st.sampled_from(field.choices or ("",)),
        "float": numbers,
        "int": st.integers(int(low or 0), int(high or 10**9)),
        "schedule": numbers | st.tuples(numbers, st.floats(0, 1)).map(lambda ends: f"lin_{ends[0]!r}_{ends[1]!r}"),
        "sizes": sizes | st.fixed_dictionaries({"pi": sizes, "vf": sizes}),
    }
    return kinds[field.kind] | st.none() if field.optional else kinds[field.kind]


@st.composite
def choices(draw):
    """Any algorithm, environment, preset and changes of some hyperparameters."""
    algorithm = draw(st.sampled_from(ALGORITHMS))
    fields = rlkit.factory.get(algorithm).Config.hyperparameters()
    presets = ["auto", "none", *rlkit.factory.describe(algorithm).presets]
    names = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=8))
    values = {name: draw(right_values(fields[name])) for name in names}
    return algorithm, draw(st.sampled_from(ENVIRONMENTS)), draw(st.sampled_from(presets)), values


def change(form, values):
    for name, value in values.items():
        try:
            form.fields[name].value = value
        except ConfigError:  # parts of a network that has one
            assert name == "net_arch"


@settings(max_examples=60)
@given(choices())
def test_line_and_yaml_mean_the_config_of_the_form(choice):
    algorithm, env_id, preset, values = choice
    form = ConfigForm(algorithm, env_id)
    form.preset = preset
    change(form, values)
    config_class = rlkit.factory.get(algorithm).Config
    if form.config is None:
        with pytest.raises(ConfigError):
            config_class.resolve(form.changes, env_id=env_id, preset=None if preset == "none" else preset)
        assert form.line == form.yaml == ""
        return
    assert {name: field.value for name, field in form.fields.items()} == form.config.to_dict()
    assert {name: field.source for name, field in form.fields.items()} == form.config.sources
    assert config_of(form.line) == form.config
    block = yaml.safe_load(form.yaml) or {}
    assert config_class.from_mapping(block) == form.config
    assert config_of(f"%rl_create {algorithm}", block) == form.config
    again = ConfigForm(algorithm, env_id, form.config)
    assert again.config == form.config


@settings(max_examples=30)
@given(choices())
def test_reset_undoes_every_change(choice):
    algorithm, env_id, preset, values = choice
    form = ConfigForm(algorithm, env_id)
    form.preset = preset
    config, line = form.config, form.line
    change(form, values)
    form.reset_all.click()
    assert (form.config, form.line, form.changes) == (config, line, {})
    assert form.reset_all.disabled


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_a_form_begins_with_what_create_would_take(algorithm, env_id):
    form = ConfigForm(algorithm, env_id)
    config = rlkit.factory.get(algorithm).Config.resolve(env_id=env_id)
    assert form.config == config
    assert {name: field.source for name, field in form.fields.items()} == config.sources
    assert form.line == f"%rl_create {algorithm}" + (f" {env_id}" if env_id else "")
    assert form.changes == {}


def test_the_line_says_what_the_person_changed_and_no_more():
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["learning_rate"].value = "lin_0.002"
    form.fields["net_arch"].value = {"pi": [64], "vf": [32, 32]}
    form.fields["use_sde"].control.box.value = True
    form.fields["ortho_init"].control.box.value = False
    form.fields["sde_sample_freq"].control.box.value = "4"
    assert form.line == (
        "%rl_create ppo CartPole-v1 --learning-rate lin_0.002 --net-arch '{pi: [64], vf: [32, 32]}' --no-ortho-init "
        "--use-sde --sde-sample-freq 4"
    )
    assert form.yaml.splitlines()[0] == "n_envs: 8"
    assert "net_arch: {pi: [64], vf: [32, 32]}" in form.yaml.splitlines()


def test_the_line_means_the_same_in_a_notebook(shell):
    form = ConfigForm("ppo", "CartPole-v1")
    change(form, {"net_arch": {"pi": [8], "vf": [4]}, "target_kl": 0.02, "normalize": "both", "gamma": 1e-5})
    shell.user_ns["pi"] = "a word"
    assert shell.run_cell(form.line).result.config.to_dict() == form.config.to_dict()
    cell = f"%%rl_config ppo CartPole-v1\n{form.yaml}"
    assert shell.run_cell(cell).result == form.config


def test_nothing_wrong_leaves_the_form():
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["gamma"].control.box.value = "much"
    assert (form.config, form.line, form.yaml) == (None, "", "")
    assert (form.line_shown.text, form.cell_shown.text) == ("", "")
    form.fields["gamma"].control.box.value = "0.9"
    assert form.config == PPOConfig.resolve({"gamma": 0.9}, env_id="CartPole-v1")


def test_every_problem_must_be_put_right():
    form = ConfigForm("ppo")
    form.fields["gamma"].control.box.value = "much"
    form.fields["vf_coef"].control.box.value = "-1"
    form.fields["gamma"].reset()
    assert form.config is None
    form.fields["vf_coef"].reset()
    assert form.config == PPOConfig.resolve()


def test_values_that_do_not_go_together_are_shown_at_the_field_that_is_named():
    form = ConfigForm("ppo")
    form.fields["batch_size"].value = 4096
    assert form.config is None
    assert form.fields["batch_size"].conflict.startswith("batch_size = 4096 is larger than a rollout")
    assert form.problem.value == ""
    form.fields["n_steps"].value = 4096
    assert form.config == PPOConfig.resolve({"batch_size": 4096, "n_steps": 4096})
    assert form.fields["batch_size"].conflict == ""


class Pair(PPOConfig):
    """Two numbers whose sum has a bound."""

    def model_post_init(self, context):
        super().model_post_init(context)
        if self.gamma + self.gae_lambda > 1.995:
            message = "Together that is too far-sighted.\nTake less of one."
            raise ValueError(message)


def test_values_that_do_not_go_together_are_shown_at_the_top_where_no_field_is_named(monkeypatch):
    monkeypatch.setattr(PPO, "Config", Pair)
    form = ConfigForm("ppo")
    form.fields["gamma"].value = form.fields["gae_lambda"].value = 1.0
    assert form.config is None
    assert "Together that is too far-sighted." in form.problem.value
    assert form.problem.layout.display != "none"
    assert "Together" in form.twin()["text/plain"]
    form.fields["gamma"].reset()
    assert form.problem.value == ""
    assert form.problem.layout.display == "none"
    assert form.config is not None


def test_a_value_put_back_to_that_of_the_preset_is_not_changed():
    form = ConfigForm("ppo", "CartPole-v1")
    field = form.fields["gamma"]
    field.control.box.value = "0.5"
    assert field.children[-1].tooltip == "Set gamma back to 0.98 (preset CartPole-v1)."
    field.control.box.value = "0.98"
    assert form.changes == {}
    assert field.source == "preset CartPole-v1"


def test_what_is_adjusted_to_a_change_shows_as_that():
    form = ConfigForm("ppo")
    form.fields["n_steps"].value = 8
    field = form.fields["batch_size"]
    assert (field.value, field.source, field.changed) == (8, "adjusted", False)
    assert field.control.box.value == "8"
    form.fields["n_steps"].reset()
    assert (field.value, field.source) == (64, "default")


def test_common_fields_come_first_and_the_rest_is_folded():
    form = ConfigForm("dqn")
    fields = DQNConfig.hyperparameters().values()
    assert [field.name for field in form.common.children] == [field.name for field in fields if field.common]
    assert [field.name for field in form.more.inside] == [field.name for field in fields if not field.common]
    assert form.more.content.layout.display == "none"
    assert form.more.toggle.description == f"▸ More, {sum(not field.common for field in fields)} settings"
    form.more.toggle.value = True
    assert form.more.content.layout.display != "none"


def test_the_fold_says_how_much_is_changed_in_it():
    form = ConfigForm("ppo")
    form.fields["vf_coef"].value = 1.0
    assert form.more.title.endswith(" settings, 1 changed")


def test_a_folded_field_is_shown_while_it_is_wrong():
    form = ConfigForm("ppo")
    form.fields["vf_coef"].control.box.value = "-1"
    assert form.more.content.layout.display != "none"
    form.fields["vf_coef"].reset()
    assert form.more.content.layout.display == "none"


def shown(form):
    return [name for name, field in form.fields.items() if field.layout.display != "none"]


def test_search_shows_what_it_finds_folded_or_not_and_everything_without_words():
    form = ConfigForm("ppo")
    form.search.value = "KL"
    assert shown(form) == ["target_kl"]
    assert form.more.title == "More, 1 setting"
    assert form.more.content.layout.display != "none"
    form.search.value = "step size"
    assert shown(form) == ["learning_rate"]
    assert form.more.layout.display == "none"
    form.search.value = "   "
    assert shown(form) == list(form.fields)
    assert form.more.content.layout.display == "none"


def test_search_says_so_where_it_finds_nothing():
    form = ConfigForm("ppo")
    form.search.value = "<flux>"
    assert shown(form) == []
    assert "No setting of ppo says &#x27;&lt;flux&gt;&#x27;." in form.none_found.value
    form.search.value = ""
    assert form.none_found.value == ""


def test_search_does_not_hide_what_is_wrong():
    form = ConfigForm("ppo")
    form.fields["gamma"].control.box.value = "2"
    form.search.value = "entropy"
    assert shown(form) == ["gamma", "ent_coef"]


@pytest.mark.parametrize("preset", ["none", "Pendulum-v1", "default"])
def test_a_preset_changes_what_the_person_did_not(preset):
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["gamma"].value = 0.5
    form.preset = preset
    assert form.presets.value == preset
    expected = PPOConfig.resolve({"gamma": 0.5}, preset=None if preset == "none" else preset)
    assert form.config == expected
    assert {name: field.source for name, field in form.fields.items()} == expected.sources
    assert f" --preset {preset}" in form.line
    assert config_of(form.line) == expected


def test_the_preset_is_chosen_in_a_list_that_says_which_one_is_automatic():
    form = ConfigForm("ppo", "CartPole-v1")
    assert form.presets.options[0] == ("auto: CartPole-v1", "auto")
    form.presets.value = "Pendulum-v1"
    assert form.preset == "Pendulum-v1"
    assert form.config.gamma == PPOConfig.resolve(preset="Pendulum-v1").gamma
    form.choose("ppo", "Pendulum-v1")
    assert form.presets.options[0] == ("auto: Pendulum-v1", "auto")


def test_an_unknown_preset_is_refused_and_changes_nothing():
    form = ConfigForm("ppo", "CartPole-v1")
    line = form.line
    with pytest.raises(ConfigError, match="Pendulum-v1"):
        form.preset = "Pendulum-v2"
    assert (form.preset, form.line, form.presets.value) == ("auto", line, "auto")


def test_another_algorithm_keeps_what_it_has_too_and_what_is_right_there():
    form = ConfigForm("dqn", "CartPole-v1")
    change(form, {"gamma": 0.5, "tau": 0.5, "n_steps": 3, "net_arch": [8]})
    form.choose("a2c", "Pendulum-v1")
    assert (form.algorithm, form.env_id) == ("a2c", "Pendulum-v1")
    assert form.changes == {"gamma": 0.5, "n_steps": 3, "net_arch": [8]}
    assert form.config == A2CConfig.resolve(form.changes, env_id="Pendulum-v1")
    assert list(form.fields) == list(A2CConfig.hyperparameters())
    assert {field.name for field in [*form.common.children, *form.more.inside]} == set(form.fields)


def test_another_algorithm_drops_what_is_wrong_there():
    form = ConfigForm("ppo")
    change(form, {"net_arch": {"pi": [8], "vf": [4]}, "gamma": 0.5})
    form.choose("dqn")
    assert form.changes == {"gamma": 0.5}
    assert form.config == DQNConfig.resolve({"gamma": 0.5})


def test_another_environment_keeps_the_fields_and_takes_its_preset():
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["gamma"].value = 0.5
    fields = dict(form.fields)
    form.choose("ppo", "Pendulum-v1")
    assert form.fields == fields
    assert form.config == PPOConfig.resolve({"gamma": 0.5}, env_id="Pendulum-v1")


def test_a_preset_that_the_other_algorithm_lacks_becomes_automatic(monkeypatch):
    form = ConfigForm("ppo")
    form.preset = "Pendulum-v1"
    form.choose("dqn", "CartPole-v1")
    assert form.preset == form.presets.value == "auto"
    form.preset = "CartPole-v1"
    form.choose("ppo")
    assert form.preset == "CartPole-v1"


def test_the_widgets_of_the_algorithm_before_are_closed():
    form = ConfigForm("ppo")
    form.fields["gamma"].control.box.value = "2"
    before = form.fields["gamma"]
    parts = [*before.children]
    form.choose("a2c")
    assert all(part.comm is None for part in [before, *parts])
    assert all(child.comm is not None for child in form.children)


def test_an_unknown_algorithm_is_refused_and_changes_nothing():
    with pytest.raises(UnknownAlgorithmError, match="ppo"):
        ConfigForm("pppo")
    form = ConfigForm("ppo", "CartPole-v1")
    line = form.line
    with pytest.raises(UnknownAlgorithmError):
        form.choose("pppo", "Pendulum-v1")
    assert (form.algorithm, form.env_id, form.line) == ("ppo", "CartPole-v1", line)


def test_a_config_to_begin_with_counts_as_changed_where_it_was_chosen():
    config = PPOConfig.resolve({"gamma": 0.5}, env_id="CartPole-v1")
    form = ConfigForm("ppo", "CartPole-v1", config)
    assert form.config == config
    assert form.changes == {"gamma": 0.5}
    assert form.preset == "auto"
    assert form.line == "%rl_create ppo CartPole-v1 --gamma 0.5"


def test_a_config_of_another_preset_names_that():
    config = PPOConfig.resolve({"gamma": 0.5}, preset="Pendulum-v1")
    form = ConfigForm("ppo", "CartPole-v1", config)
    assert form.config == config
    assert form.preset == form.presets.value == "Pendulum-v1"
    assert form.changes == {"gamma": 0.5}


def test_a_config_of_a_preset_that_is_gone_counts_as_chosen():
    state = PPOConfig.resolve(preset="Pendulum-v1").get_state()
    config = PPOConfig.from_state({**state, "preset": "Forgotten-v0"})
    form = ConfigForm("ppo", config=config)
    assert form.config == config
    assert form.preset == "none"


def test_a_config_to_begin_with_is_taken_as_it_is():
    config = PPOConfig(n_steps=8).adjusted(normalize="both")
    form = ConfigForm("ppo", "CartPole-v1", config)
    assert form.config == config
    assert form.preset == "none"
    assert form.fields["batch_size"].source == "adjusted"


def test_a_config_of_another_algorithm_is_refused():
    with pytest.raises(ConfigError, match="A2CConfig"):
        ConfigForm("ppo", config=A2CConfig())


def test_traits_tell_of_every_change():
    form, heard = ConfigForm("ppo"), []
    form.observe(lambda change: heard.append((change["name"], change["new"])), ["config", "line"])
    form.fields["gamma"].control.box.value = "0.5"
    assert heard == [("config", PPOConfig.resolve({"gamma": 0.5})), ("line", "%rl_create ppo --gamma 0.5")]


def test_what_belongs_together_is_told_of_once():
    form, heard = ConfigForm("ppo"), []
    change(form, {"gamma": 0.5, "vf_coef": 1.0, "n_steps": 8})
    form.observe(lambda change: heard.append(change["new"]), ["config"])
    form.reset()
    assert heard == [PPOConfig.resolve()]
    change(form, {"gamma": 0.5, "vf_coef": 1.0, "n_steps": 8})
    heard.clear()
    form.choose("a2c")
    assert heard == [A2CConfig.resolve({"gamma": 0.5, "vf_coef": 1.0, "n_steps": 8})]


def test_changes_from_several_threads_are_all_judged():
    form = ConfigForm("ppo")
    names = ["gamma", "gae_lambda", "vf_coef", "max_grad_norm"]

    def change_one(name):
        for value in (0.1, 0.2, 0.3, 0.4):
            form.fields[name].value = value

    threads = [threading.Thread(target=change_one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert form.config == PPOConfig.resolve(dict.fromkeys(names, 0.4))


def test_line_and_yaml_can_be_copied_as_they_are():
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["gamma"].value = 0.5
    assert form.line_shown.text == form.line
    assert form.cell_shown.text == f"%%rl_config ppo CartPole-v1\n{form.yaml}"


def test_a_static_twin_says_the_same():
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["gamma"].value = 0.5
    bundle = form.twin()
    for kind in ("text/html", "text/plain"):
        assert "ppo for CartPole-v1" in bundle[kind]
        assert form.line in bundle[kind]
        assert all(name in bundle[kind] for name in form.fields)
        assert "preset CartPole-v1" in bundle[kind]
    form.fields["gamma"].control.box.value = "<b>"
    twin = form.twin()
    assert "&lt;b&gt;" in twin["text/html"]
    assert "gamma = &#x27;&lt;b&gt;&#x27; is not allowed" in twin["text/html"]
    assert "gamma = '<b>' is not allowed" in twin["text/plain"]


class Strange(ModelConfig):
    """Names and words that need quotes."""

    word: str = hyperparameter("plain", "A word.", common=True)
    count: int = hyperparameter(1, "Costs 5 $ of <i>both</i>.", ge=-4)


class StrangeModel(PPO):
    """A model whose hyperparameters are strange."""

    algorithm = "strange"
    Config = Strange


@pytest.fixture
def strange():
    rlkit.factory.register("strange", StrangeModel)
    yield
    rlkit.factory.unregister("strange")


@pytest.mark.parametrize("word", ["two words", "it's", '"', "-x", "--word", "ü", "a=b", "#", "\\"])
def test_words_with_spaces_and_quotes_survive_the_line(strange, word):
    form = ConfigForm("strange")
    form.fields["word"].control.box.value = word
    form.fields["count"].control.box.value = "-3"
    assert form.config == Strange(word=word, count=-3)
    assert config_of(form.line) == form.config
    assert Strange.from_mapping(yaml.safe_load(form.yaml)) == form.config


def test_an_algorithm_without_presets_has_none(strange):
    form = ConfigForm("strange", "CartPole-v1")
    assert form.presets.options == (("auto: none", "auto"), ("none", "none"))


def test_fields_can_be_used_alone_beside_a_form():
    form = ConfigForm("ppo")
    alone = Field(PPOConfig, "gamma")
    alone.value = 0.5
    assert form.fields["gamma"].value == 0.99


def test_an_environment_by_a_short_name_has_its_preset():
    form = ConfigForm("ppo", "CartPole")
    assert form.config == PPOConfig.resolve(env_id="CartPole-v1")
    assert config_of(form.line) == form.config


def test_loading_the_extension_loads_no_widgets():
    code = (
        "import sys, rlkit, rlkit.notebook.extension, rlkit.notebook.groups;"
        "print('ipywidgets' in sys.modules, 'rlkit.notebook.widgets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_form_is_an_ordinary_widget():
    assert isinstance(ConfigForm("ppo"), ipywidgets.VBox)
    assert issubclass(ConfigError, RLKitError)
