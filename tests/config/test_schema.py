from __future__ import annotations

import copy
import html
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.config import ModelConfig, hyperparameter
from rlkit.errors import ConfigError
from rlkit.models.config import NetArch
from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPOConfig
from rlkit.schedules import LinearSchedule

# Stable-Baselines3's defaults, literally.
SB3 = {
    "n_envs": 1,
    "learning_rate": 3e-4,
    "n_steps": 2048,
    "batch_size": 64,
    "n_epochs": 10,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "clip_range_vf": None,
    "normalize_advantage": True,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "target_kl": None,
    "net_arch": [64, 64],
    "activation": "tanh",
    "ortho_init": True,
    "log_std_init": 0.0,
    "use_sde": False,
    "sde_sample_freq": -1,
}


@st.composite
def configs(draw):
    """Any valid config that differs from the defaults in any fields."""
    positive = st.floats(1e-8, 1, exclude_min=True)
    part = st.floats(0, 1)
    line = st.builds(LinearSchedule, positive, part)
    sizes = st.lists(st.integers(1, 512), max_size=3)
    n_envs, n_steps = draw(st.integers(1, 64)), draw(st.integers(1, 4096))
    fields = {
        "n_timesteps": st.integers(1, 10**12),
        "batch_size": st.integers(1, n_envs * n_steps),
        "n_epochs": st.integers(1, 1000),
        "gamma": part,
        "gae_lambda": part,
        "learning_rate": positive | line,
        "clip_range": positive | line,
        "clip_range_vf": st.none() | positive | line,
        "target_kl": st.none() | positive,
        "ent_coef": st.floats(0, 1e6),
        "vf_coef": st.floats(0, 1e6),
        "max_grad_norm": st.floats(0, 1e300, exclude_min=True),
        "net_arch": sizes | st.fixed_dictionaries({"pi": sizes, "vf": sizes}),
        "activation": st.sampled_from(["tanh", "relu"]),
        "ortho_init": st.booleans(),
        "normalize_advantage": st.booleans(),
        "normalize": st.sampled_from(["none", "observations", "rewards", "both", True, False]),
        "log_std_init": st.floats(-20, 2),
        "use_sde": st.booleans(),
        "sde_sample_freq": st.integers(-1, 10**6),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(fields))))
    values = {name: draw(fields[name]) for name in sorted(chosen)}
    values.setdefault("batch_size", 1)
    return PPOConfig(n_envs=n_envs, n_steps=n_steps, **values)


def test_defaults_are_those_of_stable_baselines3():
    values = PPOConfig().to_dict()
    assert {name: values[name] for name in SB3} == SB3
    assert set(values) - set(SB3) == {"n_timesteps", "normalize", "rescale_actions"}


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError) as refused:
        PPOConfig(learnig_rate=1e-3)
    assert str(refused.value) == "PPOConfig has no hyperparameter 'learnig_rate'.\nDid you mean 'learning_rate'?"


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("n_timesteps", 0, "at least 1"),
        ("n_envs", 0, "at least 1"),
        ("n_envs", 4097, "at most 4096"),
        ("learning_rate", 0.0, "above 0"),
        ("learning_rate", -1e-9, "above 0"),
        ("learning_rate", 1.1, "at most 1"),
        ("n_steps", 0, "at least 1"),
        ("n_steps", 10**30, "at most 1000000"),
        ("batch_size", 0, "at least 1"),
        ("n_epochs", 0, "at least 1"),
        ("n_epochs", 1001, "at most 1000"),
        ("gamma", -0.01, "at least 0"),
        ("gamma", 1.01, "at most 1"),
        ("gae_lambda", -0.01, "at least 0"),
        ("gae_lambda", 1.01, "at most 1"),
        ("ent_coef", -0.1, "at least 0"),
        ("vf_coef", -0.1, "at least 0"),
        ("max_grad_norm", 0.0, "above 0"),
        ("clip_range", 0.0, "above 0"),
        ("clip_range_vf", 0.0, "above 0"),
        ("target_kl", 0.0, "above 0"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_value_bound_and_default(name, value, bound):
    with pytest.raises(ConfigError) as refused:
        PPOConfig(**{name: value})
    assert f"{name} = {value!r} is not allowed: it must be {bound}" in refused.value.problem
    assert refused.value.remedy.startswith(f"{name} takes ")
    assert "default" in refused.value.remedy


@pytest.mark.parametrize(
    "values",
    [
        {"gamma": 0},
        {"gamma": 1},
        {"gae_lambda": 0.0},
        {"gae_lambda": 1.0},
        {"learning_rate": 1.0},
        {"n_epochs": 1000},
        {"n_envs": 4096},
        {"n_steps": 1, "batch_size": 1},
        {"ent_coef": 0},
        {"vf_coef": 0},
    ],
)
def test_bounds_themselves_are_right_where_they_are_included(values):
    config = PPOConfig(**values)
    assert {name: getattr(config, name) for name in values} == values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_steps", "64"),
        ("n_steps", 64.0),
        ("n_steps", True),
        ("n_steps", None),
        ("n_steps", [64]),
        ("gamma", "0.9"),
        ("gamma", True),
        ("gamma", None),
        ("gamma", math.nan),
        ("gamma", math.inf),
        ("max_grad_norm", math.inf),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("learning_rate", "0.001"),
        ("learning_rate", "lin_nan"),
        ("learning_rate", "linear"),
        ("learning_rate", None),
        ("learning_rate", True),
        ("learning_rate", lambda progress: 0.1),
        ("clip_range", math.inf),
        ("clip_range", "lin_inf"),
        ("ortho_init", 1),
        ("ortho_init", "true"),
        ("activation", "elu"),
        ("activation", None),
        ("normalize_advantage", None),
        ("target_kl", "none"),
        ("net_arch", 64),
        ("net_arch", None),
        ("net_arch", "64"),
        ("net_arch", [64, 0]),
        ("net_arch", [64, -1]),
        ("net_arch", [64.0]),
        ("net_arch", [True]),
        ("net_arch", [[64, 64]]),
        ("net_arch", {"pi": [64]}),
        ("net_arch", {"pi": [64], "vf": [64], "qf": [64]}),
        ("net_arch", {"pi": 64, "vf": 64}),
        ("net_arch", [64, {"pi": [64], "vf": [64]}]),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=f"^{name} = "):
        PPOConfig(**{name: value})


def test_numpys_numbers_are_numbers():
    config = PPOConfig(n_steps=np.int64(128), gamma=np.float64(0.5), learning_rate=np.float32(0.5), n_envs=np.int32(2))
    assert config == PPOConfig(n_steps=128, gamma=0.5, learning_rate=0.5, n_envs=2)
    assert type(config.n_steps) is int
    assert type(config.to_dict()["gamma"]) is float
    with pytest.raises(ConfigError):
        PPOConfig(n_steps=np.bool_(1))


@pytest.mark.parametrize(
    ("config_class", "given", "meant"),
    [
        (PPOConfig, {"net_arch": [np.int64(8)]}, {"net_arch": [8]}),
        (PPOConfig, {"net_arch": (np.int32(8), 4)}, {"net_arch": [8, 4]}),
        (PPOConfig, {"net_arch": np.array([8, 8])}, {"net_arch": [8, 8]}),
        (PPOConfig, {"net_arch": np.array([8, 8], np.uint8)}, {"net_arch": [8, 8]}),
        (PPOConfig, {"net_arch": {"pi": [np.int64(8)], "vf": np.array([4])}}, {"net_arch": {"pi": [8], "vf": [4]}}),
        (PPOConfig, {"net_arch": [{"pi": [np.int64(8)], "vf": []}]}, {"net_arch": {"pi": [8], "vf": []}}),
        (DQNConfig, {"net_arch": [np.int16(8)]}, {"net_arch": [8]}),
        (PPOConfig, {"gamma": np.float32(0.5)}, {"gamma": 0.5}),
        (PPOConfig, {"gamma": np.longdouble(0.5)}, {"gamma": 0.5}),
        (PPOConfig, {"gamma": np.int64(1)}, {"gamma": 1.0}),
        (PPOConfig, {"gamma": np.array(0.5)}, {"gamma": 0.5}),
        (PPOConfig, {"target_kl": np.float16(0.5)}, {"target_kl": 0.5}),
        (PPOConfig, {"clip_range": np.float32(0.5)}, {"clip_range": 0.5}),
        (PPOConfig, {"use_sde": np.bool_(1)}, {"use_sde": True}),
        (PPOConfig, {"normalize": np.bool_(1)}, {"normalize": True}),
        (PPOConfig, {"normalize": np.str_("rewards")}, {"normalize": "rewards"}),
        (PPOConfig, {"normalize": {"norm_obs": np.False_}}, {"normalize": "rewards"}),
        (PPOConfig, {"activation": np.str_("relu")}, {"activation": "relu"}),
        (PPOConfig, {"learning_rate": np.str_("lin_0.1")}, {"learning_rate": "lin_0.1"}),
        (PPOConfig, {"n_steps": np.uint8(32)}, {"n_steps": 32}),  # so that the batch size is fitted
        (DQNConfig, {"buffer_size": np.int64(50)}, {"buffer_size": 50}),  # and learning_starts
    ],
)
def test_numpys_scalars_and_arrays_are_taken_by_every_field(config_class, given, meant):
    expected = config_class(**meant)
    configs = [
        config_class(**given),
        config_class.resolve(given, preset=None),
        config_class().replace(**given),
        config_class.from_mapping(given),
    ]
    for config in configs:
        assert config == expected
        assert repr(config.to_dict()) == repr(expected.to_dict())
        for name, value in vars(config).items():
            assert not isinstance(value, np.generic), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("net_arch", [np.bool_(1)]),
        ("net_arch", np.array([True])),
        ("net_arch", [np.float64(8)]),
        ("net_arch", np.array([8.5])),
        ("net_arch", np.array(8)),
        ("net_arch", np.array([[8, 8]])),
        ("n_steps", np.float64(8)),
        ("n_steps", np.array([8])),
        ("gamma", np.bool_(1)),
        ("gamma", np.array([0.5])),
        ("use_sde", np.int64(1)),
        ("activation", np.str_("gelu")),
    ],
)
def test_numpys_values_of_another_type_are_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=f"^{name} = "):
        PPOConfig(**{name: value})


@pytest.mark.parametrize("value", ["lin_0.001", LinearSchedule(0.001)])
def test_a_schedule_is_written_as_rl_zoo_does_or_given_as_an_object(value):
    config = PPOConfig(learning_rate=value)
    assert config.learning_rate == LinearSchedule(0.001)
    assert config.to_dict()["learning_rate"] == "lin_0.001"


@pytest.mark.parametrize(
    ("name", "line", "bound"),
    [
        ("learning_rate", "lin_0", "above 0"),
        ("learning_rate", "lin_-0.1", "above 0"),
        ("learning_rate", "lin_1.5", "at most 1"),
        ("learning_rate", "lin_0.1_1.5", "at most 1"),
        ("learning_rate", "lin_0.1_-0.1", "at least 0"),
        ("clip_range", "lin_0.2_-0.1", "at least 0"),
        ("clip_range_vf", "lin_0", "above 0"),
    ],
)
def test_a_schedule_keeps_the_bounds_at_both_ends(name, line, bound):
    with pytest.raises(ConfigError, match=f"it must be {bound}"):
        PPOConfig(**{name: line})


@pytest.mark.parametrize("line", ["lin_1", "lin_0.1_0", "lin_0.1_1"])
def test_a_schedule_may_end_at_a_bound(line):
    assert str(PPOConfig(learning_rate=line).learning_rate).startswith("lin_")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([64, 32], NetArch((64, 32), (64, 32))),
        ((64,), NetArch((64,), (64,))),
        ([], NetArch((), ())),
        ({"pi": [64], "vf": [32, 16]}, NetArch((64,), (32, 16))),
        ({"pi": [], "vf": [8]}, NetArch((), (8,))),
        ([{"pi": [64], "vf": [32]}], NetArch((64,), (32,))),
        (NetArch((1,), (2,)), NetArch((1,), (2,))),
    ],
)
def test_layer_sizes_are_taken_in_every_form_that_sb3_has(given, expected):
    assert PPOConfig(net_arch=given).net_arch == expected


def test_a_layer_that_no_memory_holds_is_refused():
    with pytest.raises(ConfigError, match="8192 units at most"):
        PPOConfig(net_arch=[64, 10**9])


def test_a_batch_larger_than_a_rollout_is_refused_with_the_numbers():
    with pytest.raises(ConfigError) as refused:
        PPOConfig(n_envs=2, n_steps=16, batch_size=64)
    assert "batch_size = 64" in str(refused.value)
    assert "n_envs 2 x n_steps 16 = 32" in str(refused.value)
    assert "at most 32" in refused.value.remedy
    assert PPOConfig(n_envs=2, n_steps=32, batch_size=64).batch_size == 64


def test_a_config_cannot_be_changed_and_says_how_to_make_another():
    config = PPOConfig()
    with pytest.raises(ConfigError, match=r"config\.replace\(gamma=0\.5\)"):
        config.gamma = 0.5
    assert config.gamma == 0.99
    with pytest.raises(ConfigError, match="Did you mean 'gamma'"):
        config.gama = 0.5


def test_replace_leaves_the_original_and_checks_the_new_value():
    config = PPOConfig(gamma=0.9)
    assert config.replace(n_steps=128).to_dict() == {**config.to_dict(), "n_steps": 128}
    assert config.n_steps == 2048
    with pytest.raises(ConfigError, match="at most 1"):
        config.replace(gamma=2.0)
    with pytest.raises(ConfigError, match="Did you mean 'gamma'"):
        config.replace(gama=0.5)


def test_diff_tells_what_differs_here_and_there():
    assert PPOConfig(gamma=0.9).diff(PPOConfig(net_arch=[8])) == {"gamma": (0.9, 0.99), "net_arch": ([64, 64], [8])}
    assert PPOConfig().diff(PPOConfig()) == {}


def test_diff_with_what_is_no_config_is_refused():
    with pytest.raises(ConfigError, match="is no config"):
        PPOConfig().diff(5)


def test_diff_with_another_algorithm_has_none_where_a_name_is_missing():
    class Other(ModelConfig):
        gamma: float = hyperparameter(0.5, "Discount.")
        tau: float = hyperparameter(1.0, "Share of the new.")

    difference = PPOConfig(gamma=0.5).diff(Other())
    assert difference["tau"] == (None, 1.0)
    assert difference["n_steps"] == (2048, None)
    assert "gamma" not in difference


def test_values_come_from_the_caller_over_the_preset_over_the_defaults():
    config = PPOConfig.resolve({"gamma": 0.5}, env_id="CartPole-v1")
    assert (config.gamma, config.n_steps, config.vf_coef) == (0.5, 32, 0.5)
    assert config.sources["gamma"] == "caller"
    assert config.sources["n_steps"] == "preset CartPole-v1"
    assert config.sources["vf_coef"] == "default"


def test_text_and_html_show_every_value_with_where_it_came_from():
    config = PPOConfig.resolve({"gamma": 0.5}, env_id="CartPole-v1")
    for shown in (str(config), html.unescape(config._repr_html_())):
        for name, field in PPOConfig.hyperparameters().items():
            assert name in shown
            assert set(field.meaning.split()) <= set(re.split(r"[\s<>]+", shown))  # text breaks it into lines
        for source in ("caller", "preset CartPole-v1", "default"):
            assert source in shown
        assert "lin_0.001" in shown


def test_repr_shows_what_is_not_a_default():
    assert repr(PPOConfig(gamma=0.5, net_arch=[8])) == "PPOConfig(gamma=0.5, net_arch=[8])"
    assert repr(PPOConfig()) == "PPOConfig()"


def test_what_replace_changes_counts_as_the_callers():
    config = PPOConfig.resolve({}, env_id="CartPole-v1").replace(n_steps=64)
    assert config.sources["n_steps"] == "caller"
    assert config.sources["gamma"] == "preset CartPole-v1"


@pytest.mark.parametrize(("env_id", "applies"), [("CartPole-v1", True), ("NoSuch-v1", False), (None, False)])
def test_auto_takes_a_preset_where_there_is_one(env_id, applies):
    assert (PPOConfig.resolve(env_id=env_id).n_steps == 32) == applies


def test_a_preset_can_be_named_for_another_environment_and_none_turns_it_off():
    assert PPOConfig.resolve(env_id="NoSuch-v1", preset="CartPole-v1").n_steps == 32
    assert PPOConfig.resolve(env_id="CartPole-v1", preset=None) == PPOConfig()


def test_an_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'CartPole-v1'"):
        PPOConfig.resolve(preset="CartPole")


@given(configs())
def test_any_config_comes_back_from_its_state_with_its_sources(config):
    restored = PPOConfig.from_state(config.get_state())
    assert restored == config
    assert restored.sources == config.sources


def test_the_state_of_a_preset_keeps_its_sources_and_its_later_changes():
    config = PPOConfig.resolve({"gamma": 0.5}, env_id="CartPole-v1")
    restored = PPOConfig.from_state(config.get_state())
    assert restored.sources == config.sources
    assert restored.replace(n_steps=64).sources["n_steps"] == "caller"


def test_a_state_from_before_a_field_existed_gives_its_default():
    state = PPOConfig(gamma=0.5).get_state()
    del state["values"]["target_kl"]
    assert PPOConfig.from_state(state) == PPOConfig(gamma=0.5)


def test_a_state_from_before_actions_were_rescaled_does_not_rescale_them():
    state = PPOConfig(gamma=0.5).get_state()
    del state["values"]["rescale_actions"]
    config = PPOConfig.from_state(state)
    assert config == PPOConfig(gamma=0.5, rescale_actions=False)
    assert config.sources["rescale_actions"] == "adjusted"
    # Nor does a config that is made of it.
    for other in (config.adjusted(n_envs=4), config.replace(n_envs=4), PPOConfig.from_state(config.get_state())):
        assert not other.rescale_actions
    assert config.replace(rescale_actions=True).rescale_actions


def test_a_state_with_a_wrong_value_is_refused():
    state = PPOConfig().get_state()
    state["values"]["gamma"] = 2.0
    with pytest.raises(ConfigError, match="gamma"):
        PPOConfig.from_state(state)


@given(configs())
def test_equal_configs_have_equal_hashes_whatever_their_sources(config):
    again = PPOConfig(**{name: getattr(config, name) for name in PPOConfig.model_fields})
    assert again == config
    assert hash(again) == hash(config)


def test_configs_that_differ_are_not_equal():
    class Same(PPOConfig):
        pass

    assert PPOConfig() != PPOConfig(gamma=0.5)
    assert PPOConfig() != Same()
    assert PPOConfig() != PPOConfig().to_dict()
    assert len({PPOConfig(), PPOConfig(), PPOConfig(gamma=0.5)}) == 2


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))])
def test_copies_are_equal_and_know_their_sources(duplicate):
    config = PPOConfig.resolve({"gamma": 0.5}, env_id="CartPole-v1")
    assert duplicate(config) == config
    assert duplicate(config).sources == config.sources


def test_every_field_is_described():
    fields = PPOConfig.hyperparameters()
    assert list(fields) == list(PPOConfig().to_dict())
    for name, field in fields.items():
        assert field.name == name
        assert field.meaning.endswith(".")
        assert field.takes
        assert field.kind in ("int", "float", "bool", "choice", "schedule", "sizes")


@pytest.mark.parametrize(
    ("name", "kind", "bounds", "optional"),
    [
        ("n_envs", "int", {"minimum": 1, "maximum": 4096}, False),
        ("learning_rate", "schedule", {"exclusiveMinimum": 0, "maximum": 1}, False),
        ("gamma", "float", {"minimum": 0, "maximum": 1}, False),
        ("clip_range_vf", "schedule", {"exclusiveMinimum": 0}, True),
        ("target_kl", "float", {"exclusiveMinimum": 0}, True),
        ("activation", "choice", {}, False),
        ("ortho_init", "bool", {}, False),
        ("net_arch", "sizes", {}, False),
    ],
)
def test_a_field_says_kind_bounds_and_whether_it_may_be_none(name, kind, bounds, optional):
    field = PPOConfig.hyperparameters()[name]
    assert (field.kind, dict(field.bounds), field.optional) == (kind, bounds, optional)


def test_what_a_field_takes_is_said_in_words():
    fields = PPOConfig.hyperparameters()
    assert fields["n_envs"].takes == "a whole number at least 1 and at most 4096"
    assert fields["activation"].takes == "one of tanh, relu"
    assert fields["target_kl"].takes == "a number above 0, or None"
    assert "lin_0.001" in fields["learning_rate"].takes


def test_a_class_that_adds_a_field_describes_its_own_fields_and_leaves_its_base_alone():
    class More(PPOConfig):
        bonus: float = hyperparameter(0.0, "Reward for curiosity.", ge=0)

    assert "bonus" in More.hyperparameters()
    assert "bonus" not in PPOConfig.hyperparameters()
    with pytest.raises(ConfigError, match="bonus"):
        More(bonus=-1.0)


def test_the_json_schema_has_bounds_and_meaning_of_every_field():
    schema = PPOConfig.model_json_schema()["properties"]
    assert set(schema) == set(PPOConfig.hyperparameters())
    assert schema["n_envs"]["minimum"] == 1
    assert schema["gamma"]["description"] == "Discount of rewards to come."


def test_a_batch_size_that_nobody_chose_is_at_most_a_rollout():
    config = PPOConfig(n_steps=16)
    assert (config.batch_size, config.sources["batch_size"]) == (16, "adjusted")
    assert PPOConfig(n_steps=16, batch_size=16).sources["batch_size"] == "caller"
    assert PPOConfig(n_steps=64).sources["batch_size"] == "default"


def test_a_presets_batch_size_is_fitted_to_fewer_environments():
    config = PPOConfig.resolve({"n_envs": 4}, env_id="CartPole-v1")
    assert (config.batch_size, config.sources["batch_size"]) == (128, "adjusted")
    assert config.sources["n_envs"] == "caller"
    assert config.sources["n_steps"] == "preset CartPole-v1"
    assert "adjusted" in str(config)


def test_a_batch_size_that_was_chosen_is_never_adjusted():
    with pytest.raises(ConfigError, match="batch_size = 256"):
        PPOConfig.resolve({"n_envs": 4, "batch_size": 256}, env_id="CartPole-v1")
    with pytest.raises(ConfigError, match="batch_size = 64"):
        PPOConfig(batch_size=64).replace(n_steps=8)


def test_what_is_fitted_is_not_the_callers_and_can_be_fitted_again():
    config = PPOConfig.resolve({}, env_id="CartPole-v1").adjusted(n_envs=4).adjusted(n_envs=2)
    assert (config.n_envs, config.batch_size) == (2, 64)
    assert (config.sources["n_envs"], config.sources["batch_size"]) == ("adjusted", "adjusted")


def test_what_was_adjusted_is_raised_again_where_it_fits():
    config = PPOConfig(n_steps=16).replace(n_steps=2048)
    assert (config.batch_size, config.sources["batch_size"]) == (64, "default")
    preset = PPOConfig.resolve({}, env_id="CartPole-v1")
    again = preset.adjusted(n_envs=2).adjusted(n_envs=8)
    assert (again.batch_size, again.sources["batch_size"]) == (256, "preset CartPole-v1")
    half = preset.adjusted(n_envs=2).replace(n_steps=64)
    assert (half.n_envs, half.batch_size, half.sources["n_envs"]) == (2, 128, "adjusted")


def test_a_value_of_a_file_that_was_adjusted_is_used_again_where_it_fits():
    with pytest.warns(UserWarning, match="batch_size = 256 does not go with"):
        config = PPOConfig.from_mapping({"n_steps": 32, "batch_size": 256})
    assert config.batch_size == 32
    for before in (config, PPOConfig.from_state(config.get_state())):
        assert before.adjusted(n_envs=4).batch_size == 128
        raised = before.adjusted(n_envs=4).adjusted(n_envs=8)
        assert (raised.batch_size, raised.sources["batch_size"]) == (256, "caller")
    assert config.replace(batch_size=8).adjusted(n_envs=8).batch_size == 8


def test_an_adjusted_config_of_a_preset_that_is_gone_keeps_the_defaults():
    state = PPOConfig.resolve({"n_envs": 1}, env_id="CartPole-v1").get_state()
    config = PPOConfig.from_state({**state, "preset": "Gone-v1"})
    assert config.adjusted(n_envs=8).batch_size == 64


def test_a_change_by_the_caller_is_no_longer_adjusted():
    config = PPOConfig(n_steps=16).replace(batch_size=8)
    assert config.sources["batch_size"] == "caller"


def test_what_was_fitted_is_remembered_in_the_state():
    config = PPOConfig.resolve({"n_envs": 4}, env_id="CartPole-v1")
    again = PPOConfig.from_state(config.get_state())
    assert (again, again.sources) == (config, config.sources)


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("gamma", "0.5", 0.5),
        ("gamma", 1, 1.0),
        ("batch_size", "1e3", 1000),
        ("learning_rate", "lin_1e-3", "lin_0.001"),
        ("learning_rate", LinearSchedule(0.5, 0.25), "lin_0.5_0.25"),
        ("normalize", True, "both"),
        ("net_arch", {"pi": [8], "vf": (8,)}, [8]),
        ("target_kl", "none", None),
    ],
)
def test_one_value_is_read_as_plain_data(name, written, value):
    assert PPOConfig.read_value(name, written) == value


def test_one_value_is_read_whatever_the_others_are():
    assert PPOConfig.read_value("batch_size", 10**6) == 10**6  # more than a rollout by default
    assert DQNConfig.read_value("learning_starts", 10**9) == 10**9


@pytest.mark.parametrize("wrong", ["", "much", math.nan, math.inf, 1.5, None, True, [1]])
def test_one_value_that_is_wrong_is_refused_in_the_words_of_the_whole(wrong):
    with pytest.raises(ConfigError) as alone:
        PPOConfig.read_value("gamma", wrong)
    with pytest.raises(ConfigError) as whole:
        PPOConfig.from_mapping({"gamma": wrong})
    assert str(alone.value) == str(whole.value)


def test_one_value_of_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="'gamma'"):
        PPOConfig.read_value("gama", 0.5)


def test_what_may_change_while_training_is_in_the_schema():
    fields = PPOConfig.hyperparameters()
    assert fields["learning_rate"].live
    assert not fields["net_arch"].live
    for shown in (str(PPOConfig()), PPOConfig()._repr_html_()):
        assert " ".join(shown.split()).count("May change while") == len(PPOConfig.live_names())
    assert PPOConfig.live_names() == [name for name, field in fields.items() if field.live]
    properties = PPOConfig.model_json_schema()["properties"]
    assert {name for name, known in properties.items() if known["live"]} == set(PPOConfig.live_names())


@pytest.mark.parametrize("call", ["load", "from_mapping", "from_state", "resolve"])
def test_what_makes_another_config_is_refused_on_an_instance(call):
    config = PPOConfig()
    with pytest.raises(ConfigError, match=f"PPOConfig.{call} returns a new object"):
        getattr(config, call)({})
    assert getattr(config, call).__doc__ == getattr(PPOConfig, call).__doc__


def test_classes_still_make_configs_in_all_ways(tmp_path):
    config = PPOConfig(gamma=0.5)
    assert PPOConfig.load(config.save(tmp_path / "config.yaml")) == config
    assert PPOConfig.from_mapping({"gamma": 0.5}) == config
    assert PPOConfig.from_state(config.get_state()) == config
    assert PPOConfig.resolve({"gamma": 0.5}, preset=None) == config

    class Derived(PPOConfig):
        @classmethod
        def from_mapping(cls, block):
            return super().from_mapping({**block, "n_steps": 64})

    assert Derived.from_mapping({"gamma": 0.5}) == Derived(gamma=0.5, n_steps=64)
