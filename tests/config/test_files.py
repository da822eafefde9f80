from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from rlkit.config import files
from rlkit.errors import ConfigError, StoreError
from rlkit.models.a2c import A2CConfig
from rlkit.models.config import NetArch
from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPOConfig
from rlkit.schedules import LinearSchedule

ZOO = """
CartPole-v1:
  n_envs: 8
  n_timesteps: !!float 1e5
  policy: 'MlpPolicy'
  n_steps: 32
  batch_size: 256
  gae_lambda: 0.8
  gamma: 0.98
  n_epochs: 20
  ent_coef: 0.0
  learning_rate: lin_0.001
  clip_range: lin_0.2

Acrobot-v1:
  normalize: true
  n_envs: 16
  n_timesteps: !!float 1e6
  policy: 'MlpPolicy'
  n_steps: 256
  gae_lambda: 0.94
  gamma: 0.99
  n_epochs: 4
  ent_coef: 0.0

LunarLander-v3: {n_envs: 16, n_steps: 1024, batch_size: 64, gae_lambda: 0.98, gamma: 0.999, n_epochs: 4, ent_coef: 0.01}
"""


def written(tmp_path, content, name="config.yaml"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


floats = st.floats(0, 1, exclude_min=True)


@pytest.mark.parametrize("ending", ["yaml", "yml", "toml"])
@given(
    learning_rate=floats | st.builds(LinearSchedule, floats, floats),
    target_kl=st.none() | floats,
    clip_range_vf=st.none() | st.builds(LinearSchedule, floats),
    net_arch=st.lists(st.integers(1, 99), max_size=3)
    | st.fixed_dictionaries({"pi": st.lists(st.integers(1, 9)), "vf": st.lists(st.integers(1, 9))}),
    ortho_init=st.booleans(),
    activation=st.sampled_from(["tanh", "relu"]),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_what_is_saved_is_loaded_equal(tmp_path, ending, **values):
    config = PPOConfig(**values)
    path = config.save(tmp_path / f"config.{ending}")
    assert PPOConfig.load(path) == config


def test_a_file_names_every_value(tmp_path):
    content = PPOConfig().save(tmp_path / "config.yaml").read_text()
    for name in PPOConfig.hyperparameters():
        assert f"{name}:" in content


def test_rl_zoos_block_is_read_unchanged(tmp_path):
    config = PPOConfig.load(written(tmp_path, ZOO), env="CartPole-v1")
    assert config == PPOConfig(
        n_timesteps=100_000,
        n_envs=8,
        n_steps=32,
        batch_size=256,
        gae_lambda=0.8,
        gamma=0.98,
        n_epochs=20,
        ent_coef=0.0,
        learning_rate=LinearSchedule(0.001),
        clip_range=LinearSchedule(0.2),
        rescale_actions=False,
    )
    assert type(config.n_timesteps) is int


def test_a_batch_larger_than_the_rollout_in_a_file_is_adjusted_with_a_warning():
    # RL Zoo's block for MountainCarContinuous-v0: Stable-Baselines3 takes the whole rollout.
    with pytest.warns(UserWarning, match="batch_size = 256 does not go with .* 8 is used"):
        config = PPOConfig.from_mapping({"n_envs": 1, "n_steps": 8, "batch_size": 256})
    assert config.batch_size == 8
    assert config.sources["batch_size"] == "adjusted"
    assert config.sources["n_steps"] == "caller"


def test_the_shipped_preset_is_rl_zoos_block(tmp_path):
    block = PPOConfig.load(written(tmp_path, ZOO), env="CartPole-v1")
    assert block.replace(rescale_actions=True) == PPOConfig.resolve(env_id="CartPole-v1")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("true", "both"),
        ("false", "none"),
        ("dict(norm_obs=True, norm_reward=False)", "observations"),
        ("\"{'norm_obs': False, 'norm_reward': True}\"", "rewards"),
        ("{norm_obs: true}", "both"),
        ("{norm_obs: false, norm_reward: false}", "none"),
        ("observations", "observations"),
    ],
)
def test_normalize_is_read_as_rl_zoo_writes_it(tmp_path, value, meant):
    assert PPOConfig.load(written(tmp_path, f"normalize: {value}\nn_steps: 64")).normalize == meant


@pytest.mark.parametrize(
    ("value", "complaint"),
    [("dict(clip_obs=5)", "clip_obs"), ("dict(norm_obs=f())", "cannot be read"), ("obs", "is not allowed"), ("3", "3")],
)
def test_normalize_that_asks_for_something_else_is_refused(tmp_path, value, complaint):
    with pytest.raises(ConfigError, match="normalize = ") as refused:
        PPOConfig.load(written(tmp_path, f"normalize: {value}"))
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("block", "meant"),
    [
        ({"use_rms_prop": True}, {"optimizer": "rmsprop"}),
        ({"use_rms_prop": False}, {"optimizer": "adam"}),
        ({"policy_kwargs": "dict(optimizer_class=RMSpropTFLike)"}, {"optimizer": "rmsprop_tf"}),
        (
            {"policy_kwargs": "dict(optimizer_class=RMSpropTFLike, optimizer_kwargs=dict(eps=1e-4))"},
            {"optimizer": "rmsprop_tf", "rms_prop_eps": 1e-4},
        ),
        (
            {"use_sde": True, "policy_kwargs": "dict(log_std_init=-2, ortho_init=False)"},
            {"use_sde": True, "log_std_init": -2.0, "ortho_init": False},
        ),
    ],
)
def test_a_block_for_a2c_is_read_as_rl_zoo_writes_it(block, meant):
    assert A2CConfig.from_mapping(block) == A2CConfig(**meant)


@pytest.mark.parametrize(
    ("block", "rescaled"),
    [
        ({"policy": "MlpPolicy", "gamma": 0.5}, False),
        ({"policy": "MlpPolicy", "rescale_actions": True}, True),
        ({"gamma": 0.5}, True),
        ({"gamma": 0.5, "rescale_actions": False}, False),
        ({}, True),
    ],
)
@pytest.mark.parametrize("config_class", [PPOConfig, A2CConfig])
def test_a_block_of_rl_zoos_was_tuned_for_actions_that_are_not_rescaled(tmp_path, config_class, block, rescaled):
    assert config_class.from_mapping(block).rescale_actions is rescaled
    assert config_class.resolve(config_class.read_block(block), preset=None).rescale_actions is rescaled
    if block:
        path = files.write(tmp_path / "block.yaml", {"Pendulum-v1": block, "Other-v0": {}})
        assert config_class.load(path, env="Pendulum-v1").rescale_actions is rescaled


@pytest.mark.parametrize("ending", ["yaml", "toml"])
def test_a_file_keeps_what_it_says_of_rescaling_and_one_from_before_the_field_did_not_rescale(tmp_path, ending):
    for rescaled in (True, False):
        path = PPOConfig(rescale_actions=rescaled).save(tmp_path / f"new.{ending}")
        assert PPOConfig.load(path).rescale_actions is rescaled
    values = PPOConfig(gamma=0.5).to_dict()
    del values["rescale_actions"]
    path = files.write(tmp_path / f"old.{ending}", values)
    assert PPOConfig.load(path) == PPOConfig(gamma=0.5, rescale_actions=False)


def test_a_block_for_dqn_has_nothing_to_rescale():
    assert DQNConfig.from_mapping({"policy": "MlpPolicy", "gamma": 0.5}) == DQNConfig(gamma=0.5)


@pytest.mark.parametrize(
    "line",
    [
        "normalize: false",
        "rescale_actions: true\npolicy: MlpPolicy",
        "use_sde: false",
        "sde_sample_freq: -1",
        "frame_stack: 1",
        "env_wrapper: null",
        "policy_kwargs: null",
        "policy_kwargs: dict()",
    ],
)
def test_rl_zoos_other_keys_are_taken_where_they_change_nothing(tmp_path, line):
    assert PPOConfig.load(written(tmp_path, f"{line}\ngamma: 0.5")) == PPOConfig(gamma=0.5)


@pytest.mark.parametrize("line", ["policy: CnnPolicy", "frame_stack: 4", "env_wrapper: [a.b.Wrapper]"])
def test_rl_zoos_other_keys_are_refused_where_they_ask_for_more(tmp_path, line):
    with pytest.raises(ConfigError, match="is not supported"):
        PPOConfig.load(written(tmp_path, line))


def test_policy_kwargs_are_read_as_rl_zoo_writes_them():
    text = "dict(net_arch=dict(pi=[64,64], vf=[32]), activation_fn=nn.ReLU, ortho_init=False)"
    assert PPOConfig.from_mapping({"policy_kwargs": text}) == PPOConfig(
        net_arch=NetArch((64, 64), (32,)), activation="relu", ortho_init=False
    )


@pytest.mark.parametrize(
    "kwargs",
    [
        "dict(net_arch=[8, 8])",
        "{'net_arch': [8, 8]}",
        "dict(net_arch=(8, 8))",
        "  dict(\n  net_arch=[dict(pi=[8, 8], vf=[8, 8])]\n)\n",
        {"net_arch": [8, 8]},
    ],
)
def test_policy_kwargs_are_read_in_every_spelling(kwargs):
    assert PPOConfig.from_mapping({"policy_kwargs": kwargs}) == PPOConfig(net_arch=[8, 8])


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os').system('touch {path}')",
        "dict(net_arch=__import__('os').system('touch {path}'))",
        "dict(net_arch=[open('{path}', 'w')])",
        "dict(net_arch=(lambda: open('{path}', 'w'))())",
        "[open('{path}', 'w') for _ in [1]]",
        "dict(**{{'net_arch': open('{path}', 'w')}})",
        "dict([('net_arch', open('{path}', 'w'))])",
        'dict(net_arch=f\'{{open("{path}", "w")}}\')',
        "open('{path}', 'w')",
        "exec(net_arch=[64, 64])",
    ],
)
def test_policy_kwargs_that_would_run_code_are_refused_and_not_run(tmp_path, hostile):
    path = tmp_path / "touched"
    with pytest.raises(ConfigError):
        PPOConfig.from_mapping({"policy_kwargs": hostile.format(path=path)})
    assert not path.exists()


@pytest.mark.parametrize(
    "nonsense",
    ["dict(", "{[1]: 2}", "{**{}}", "-" * 100_000 + "1", "(" * 500, "\0", "", "64", "nn.ReLU", "dict(1)", 3, [64]],
)
def test_policy_kwargs_that_are_no_dict_are_refused(nonsense):
    with pytest.raises(ConfigError) as refused:
        PPOConfig.from_mapping({"policy_kwargs": nonsense})
    assert "dict(net_arch=[64, 64]" in refused.value.remedy
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ("dict(net_arhc=[64])", "Did you mean 'net_arch'"),
        ("dict(use_expln=True)", "use_expln"),
        ("dict(optimizer_kwargs=dict(weight_decay=1))", "optimizer_kwargs"),
        ("dict(activation_fn=nn.ELU)", "activation = 'elu'"),
        ("dict(net_arch=dict(pi=[64]))", "net_arch"),
    ],
)
def test_policy_kwargs_that_are_not_supported_are_named(kwargs, message):
    with pytest.raises(ConfigError, match=message):
        PPOConfig.from_mapping({"policy_kwargs": kwargs})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('learning_rate: "1e-3"', {"learning_rate": 1e-3}),
        ("learning_rate: 1e-3", {"learning_rate": 1e-3}),
        ("learning_rate: 'lin_1e-3'", {"learning_rate": LinearSchedule(1e-3)}),
        ('n_steps: "64"', {"n_steps": 64}),
        ('n_timesteps: "1e5"', {"n_timesteps": 100_000}),
        ('n_timesteps: "1_000"', {"n_timesteps": 1000}),
        ("n_timesteps: 1_000", {"n_timesteps": 1000}),
        ("n_steps: 64.0", {"n_steps": 64}),
        ('target_kl: "none"', {}),
        ("target_kl: null", {}),
        ("gamma: 1", {"gamma": 1.0}),
    ],
)
def test_numbers_are_read_as_people_write_them_in_files(tmp_path, line, expected):
    assert PPOConfig.load(written(tmp_path, line)) == PPOConfig(**expected)


@pytest.mark.parametrize(
    "line",
    [
        "n_steps: 64.5",
        'n_steps: "many"',
        "n_steps: true",
        "gamma: nan",
        "gamma: .nan",
        "gamma: '.inf'",
        "ortho_init: 'no'",
    ],
)
def test_values_that_are_wrong_stay_wrong_in_a_file(tmp_path, line):
    with pytest.raises(ConfigError, match=line.split(":")[0]):
        PPOConfig.load(written(tmp_path, line))


def test_a_file_with_several_environments_asks_which(tmp_path):
    path = written(tmp_path, ZOO)
    with pytest.raises(ConfigError, match="3 environments") as refused:
        PPOConfig.load(path)
    assert "env=" in refused.value.remedy
    with pytest.raises(ConfigError, match="Did you mean 'Acrobot-v1'"):
        PPOConfig.load(path, env="Acrobot-v2")
    assert PPOConfig.load(path, env="LunarLander-v3").gamma == 0.999


def test_a_file_with_one_environment_needs_no_name(tmp_path):
    path = written(tmp_path, "Acrobot-v1:\n  gamma: 0.5\n")
    assert PPOConfig.load(path).gamma == 0.5


def test_a_file_without_blocks_is_for_any_environment(tmp_path):
    assert PPOConfig.load(written(tmp_path, "gamma: 0.5"), env="CartPole-v1").gamma == 0.5


def test_a_hyperparameter_that_is_a_mapping_is_no_environment(tmp_path):
    path = written(tmp_path, "net_arch: {pi: [8], vf: [4]}")
    assert PPOConfig.load(path).net_arch == NetArch((8,), (4,))
    assert PPOConfig.load(path, env="CartPole-v1").net_arch == NetArch((8,), (4,))


def test_a_missing_file_is_named_with_the_nearest(tmp_path):
    written(tmp_path, "gamma: 0.5", "cartpole.yaml")
    with pytest.raises(ConfigError, match=r"Did you mean 'cartpole\.yaml'"):
        PPOConfig.load(tmp_path / "cartpol.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        PPOConfig.load(tmp_path / "no_folder" / "x.yaml")


@pytest.mark.parametrize("name", ["config.json", "config", "config.yaml.txt"])
def test_an_unknown_ending_is_refused_in_both_directions(tmp_path, name):
    with pytest.raises(ConfigError, match=r"Use \.yaml, \.yml or \.toml"):
        PPOConfig.load(tmp_path / name)
    with pytest.raises(ConfigError, match=r"Use \.yaml, \.yml or \.toml"):
        PPOConfig().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("config.yaml", "gamma: [0.5", "YAML"),
        ("config.yaml", "gamma: 2020-13-45", "YAML"),
        ("config.yaml", "gamma: !!float x", "YAML"),
        ("config.yaml", "gamma: !!python/object/apply:os.system ['x']", "YAML"),
        ("config.yaml", "a: b: c", "YAML"),
        ("config.toml", "gamma = ", "TOML"),
        ("config.toml", "gamma: 0.5", "TOML"),
    ],
)
def test_a_broken_file_is_named_with_the_reason(tmp_path, name, content, kind):
    with pytest.raises(ConfigError, match=f"{name}' is not valid {kind}"):
        PPOConfig.load(written(tmp_path, content, name))


def chain(first, link):
    """Twelve blocks, each of which refers ten times to the one before."""
    letters = "abcdefghijklm"
    blocks = [f"{name}: &{name} {link.format(','.join([f'*{before}'] * 10))}" for before, name in pairwise(letters)]
    return "\n".join([f"a: &a {first}", *blocks])


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("config.yaml", chain("[x]", "[{}]"), "holds more than 100,000 values"),
        ("config.yaml", chain("{x: 1}", "{{x: [{}]}}"), "holds more than 100,000 values"),
        ("config.yaml", chain("{x: 1}", "{{<<: [{}]}}"), "holds more than 100,000 values"),
        ("config.yaml", "a: &a [*a]", "is nested more than 50 levels deep"),
        ("config.yaml", "a: &a {b: *a}", "is nested more than 50 levels deep"),
        ("config.yaml", "gamma: " + "[" * 60 + "]" * 60, "is nested more than 50 levels deep"),
        ("config.yaml", "gamma: " + "[" * 1000 + "]" * 1000, "is nested more than 50 levels deep"),
        ("config.yaml", "[" * 3000, "is nested more than 50 levels deep"),
        ("config.yaml", "gamma: " + "9" * 100_000, "holds a number of 100,000 digits"),
        ("config.yaml", "gamma: 0x" + "f" * 100_000, "holds a number of 100,002 digits"),
        ("config.yaml", "x" * 10**6, "has more than 200,000 bytes"),
        ("config.toml", "gamma = " + "[" * 60 + "]" * 60, "is nested more than 50 levels deep"),
        ("config.toml", "gamma = " + "[" * 3000, "is nested more than 50 levels deep"),
        ("config.toml", "gamma = 0x" + "f" * 1000, "holds a number of 4,000 bits"),
    ],
)
def test_a_file_that_is_a_bomb_is_refused_with_the_reason(tmp_path, name, content, why):
    with pytest.raises(ConfigError, match=f"{name}' {why}"):
        PPOConfig.load(written(tmp_path, content, name))


@pytest.mark.parametrize("content", ["[" * 1000 + "]" * 1000, "[" * 60 + "]" * 60, "9" * 10_000, "x" * 10**6])
def test_a_value_that_is_a_bomb_is_text(content):
    assert files.parse_value(content) == content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="it is not a file"):
        PPOConfig.load(tmp_path / "config.yaml")


def test_a_path_may_begin_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    PPOConfig(gamma=0.5).save("~/config.yaml")
    assert (tmp_path / "config.yaml").exists()
    assert PPOConfig.load("~/config.yaml").gamma == 0.5


@pytest.mark.parametrize("content", ["gamma: 0.9\nn_steps: 8\ngamma: 0.5", "a: {gamma: 0.9, gamma: 0.5}"])
def test_a_key_that_stands_twice_is_refused(content):
    with pytest.raises(ConfigError, match="'gamma' stands twice"):
        files.parse_block(content, "block")


def test_a_key_of_an_anchor_may_stand_again():
    content = "a: &a {gamma: 0.9, n_steps: 8}\nb: &b\n  <<: *a\n  gamma: 0.5\nc:\n  <<: *b\n  gamma: 0.1"
    assert files.parse_block(content, "block", "c") == {"gamma": 0.1, "n_steps": 8}


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        PPOConfig.load(path)
    assert "Did you mean" not in refused.value.remedy


def test_a_folder_is_refused_without_python_words(tmp_path):
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory\."):
        PPOConfig.load(tmp_path / "config.yaml")


@pytest.mark.parametrize("block", [{1: 2}, {None: 2}])
def test_a_name_that_is_no_word_is_refused(tmp_path, block):
    with pytest.raises(ConfigError, match=f"no hyperparameter '{next(iter(block))}'"):
        PPOConfig.from_mapping(block)
    written(tmp_path, f"CartPole-v1:\n  {next(iter(block))}: 2\n", "config.yaml")
    with pytest.raises(ConfigError, match="no hyperparameter"):
        PPOConfig.load(tmp_path / "config.yaml")


@pytest.mark.parametrize("content", ["", "# nothing", "[]", "- gamma", "0.5", "{}"])
def test_a_file_without_hyperparameters_says_what_to_write(tmp_path, content):
    with pytest.raises(ConfigError, match="holds no hyperparameters"):
        PPOConfig.load(written(tmp_path, content))


def test_an_unknown_name_in_a_file_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'gamma'"):
        PPOConfig.load(written(tmp_path, "gama: 0.5"))


def test_saving_where_there_is_no_folder_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        PPOConfig().save(tmp_path / "file" / "config.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("1e-3", 1e-3),
        ("0.5", 0.5),
        ("true", True),
        ("none", None),
        ("None", None),
        ("[64, 64]", [64, 64]),
        ("{pi: [64], vf: [32]}", {"pi": [64], "vf": [32]}),
        ("lin_0.001", "lin_0.001"),
        ("tanh", "tanh"),
        ("[64", "[64"),
        ("2020-13-45", "2020-13-45"),
    ],
)
def test_what_a_person_types_is_read_as_they_mean_it(text, value):
    assert files.parse_value(text) == value
