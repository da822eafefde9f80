from __future__ import annotations

import sys
import textwrap
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from IPython.lib.pretty import pretty

import rlkit
from rlkit.config import hyperparameter
from rlkit.errors import (
    ConfigError,
    ModelDefinitionError,
    StateError,
    UnknownAlgorithmError,
    UnknownEnvironmentError,
    UnsupportedSpaceError,
)
from rlkit.factory import ModelFactory
from rlkit.models.base import ModelBase
from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPO, PPOConfig

SMALL = {"n_envs": 2, "n_steps": 16, "batch_size": 8, "n_epochs": 1, "net_arch": [8]}


class Curious(PPO):
    """PPO with a setting more.

    And a second paragraph.
    """

    class Config(PPOConfig):
        preset_file = ""
        bonus: float = hyperparameter(0.1, "Reward for curiosity.", ge=0)


@pytest.fixture
def factory():
    """A factory of its own, so that no test changes the shared one."""
    return ModelFactory()


@pytest.fixture
def fresh():
    """A new subclass of PPO: a class keeps the name it was first registered under."""
    return type("Fresh", (PPO,), {"__doc__": "A fresh one."})


def entry(name, load, value="package.module:Class"):
    return SimpleNamespace(name=name, load=load, value=value)


def fail():
    message = "the package is broken"
    raise ImportError(message)


@pytest.fixture
def installed(monkeypatch):
    """Say what other packages offer."""

    def offer(*entries):
        # The module itself: as an attribute of the package, its name is the shared factory's.
        module = sys.modules["rlkit.factory"]
        monkeypatch.setattr(module, "entry_points", lambda group: list(entries) if group == "rlkit.models" else [])

    return offer


def test_rlkits_own_algorithms_are_found_by_themselves(factory):
    assert "ppo" in factory.names()
    assert factory.get("ppo") is PPO
    assert factory.get("PPO") is PPO
    assert "ppo" in repr(factory)


def test_base_classes_are_no_algorithms(factory):
    assert all(not getattr(factory.get(name), "__abstractmethods__", None) for name in factory.names())


@pytest.mark.parametrize("name", ["pppo", "po", "Ppo2"])
def test_an_unknown_algorithm_suggests_the_nearest(factory, name):
    with pytest.raises(UnknownAlgorithmError, match="Did you mean 'ppo'"):
        factory.get(name)


@pytest.mark.parametrize("name", ["zzzzzz", "", None, 3])
def test_an_algorithm_unlike_any_lists_them(factory, name):
    with pytest.raises(UnknownAlgorithmError, match=r"Choose from .*ppo"):
        factory.create(name)


def test_a_description_says_what_there_is_to_know(factory):
    description = factory.describe("ppo")
    assert description.model_class is PPO
    assert description.config_class is PPOConfig
    assert description.summary.endswith("with a clipped objective.")
    assert description.observation_spaces == ("Box", "Discrete", "MultiDiscrete", "MultiBinary", "Dict", "Tuple")
    assert description.action_spaces == ("Discrete", "MultiDiscrete", "MultiBinary", "Box")
    assert "CartPole-v1" in description.presets
    for shown in (repr(description), description._repr_html_()):
        for name in PPOConfig.hyperparameters():
            assert name in shown


def test_the_factory_shows_every_algorithm_with_what_it_takes(factory):
    factory.register("curious", Curious)
    for shown in (pretty(factory), factory._repr_html_()):
        for fact in (
            "curious",
            "PPO with a setting more.",
            "ppo",
            "dqn",
            "MultiBinary, Dict, Tuple",
            "Pendulum-v1",
            "none",
        ):
            assert fact in shown


def test_very_many_algorithms_are_counted_and_some_shown(factory):
    for i in range(60):
        factory.register(f"other{i}", type(f"Other{i}", (PPO,), {"__doc__": "Another."}))
    page = factory._repr_html_()
    assert len(page) < 10_000
    assert ">rlkit.factory.names()<" in page
    assert pretty(factory).count("Another.") == 60


def test_presets_are_listed_by_environment(factory):
    assert factory.presets()["CartPole-v1"] == ("a2c", "dqn", "ppo")
    assert "dqn" not in factory.presets()["Pendulum-v1"]


def test_the_factory_knows_who_can_take_an_environments_spaces(factory):
    box, one_of_two = gymnasium.spaces.Box(-1, 1, (3,)), gymnasium.spaces.Discrete(2)
    assert factory.takers(box, one_of_two) == ["a2c", "dqn", "ppo"]
    assert factory.takers(box, box) == ["a2c", "ppo"]
    assert factory.takers(gymnasium.spaces.Text(4), one_of_two) == []


@pytest.mark.parametrize("name", ["ppp", 5, None, ["ppo"], {}])
def test_what_is_no_name_of_an_algorithm_is_refused(factory, name):
    with pytest.raises(UnknownAlgorithmError) as refused:
        factory.create(name)
    assert repr(name) in refused.value.problem
    assert "ppo" in refused.value.remedy


def test_a_description_has_the_name_of_the_class_however_it_was_asked_for(factory):
    assert factory.describe("PPO").name == "ppo"


def test_a_registered_class_is_created_described_and_restored_by_its_name(factory):
    factory.register("curious", Curious)
    assert Curious.algorithm == "curious"
    assert factory.describe("curious").summary == "PPO with a setting more."
    model = factory.create("curious", "CartPole-v1", seed=0, bonus=0.5, **SMALL)
    assert model.config.bonus == 0.5
    model.train(32)
    restored = factory.from_state(model.get_state())
    assert type(restored) is Curious
    np.testing.assert_array_equal(restored.network.parameters.vector, model.network.parameters.vector)


def test_a_name_that_is_taken_is_replaced_with_a_warning(factory, fresh):
    with pytest.warns(UserWarning, match="'ppo' was .*PPO.* and is now .*Fresh"):
        factory.register("ppo", fresh)
    assert factory.get("ppo") is fresh
    assert PPO.algorithm == "ppo"


def test_registering_a_class_again_is_no_replacement(factory, fresh):
    factory.register("fresh", fresh)
    factory.register("fresh", fresh)
    assert factory.get("fresh") is fresh


def test_a_class_has_one_name_as_its_models_say_it_in_their_state(factory, fresh):
    factory.register("fresh", fresh)
    with pytest.raises(ModelDefinitionError, match="'fresh' already"):
        factory.register("other", fresh)
    with pytest.raises(ModelDefinitionError, match="Derive a class"):
        factory.register("mine", PPO)
    assert PPO.algorithm == "ppo"
    assert "mine" not in factory.names()


def test_a_subclass_does_not_change_the_name_of_its_base(factory, fresh):
    factory.register("fresh", fresh)
    assert (fresh.algorithm, PPO.algorithm) == ("fresh", "ppo")


@pytest.mark.parametrize("name", ["ppo", "PPO"])
def test_an_unregistered_class_is_gone(factory, name):
    factory.unregister(name)
    assert "ppo" not in factory.names()
    with pytest.raises(UnknownAlgorithmError):
        factory.unregister("ppo")


def test_factories_do_not_share_what_is_registered(factory, fresh):
    factory.register("fresh", fresh)
    assert "fresh" not in ModelFactory().names()
    assert "fresh" not in rlkit.factory.names()


def test_the_decorator_adds_to_the_shared_factory_and_returns_the_class():
    @rlkit.register_model("decorated")
    class Decorated(PPO):
        """A decorated one."""

    try:
        assert rlkit.factory.get("decorated") is Decorated
        assert type(rlkit.create("decorated", env="CartPole-v1", **SMALL)) is Decorated
    finally:
        rlkit.factory.unregister("decorated")


class Unfinished(ModelBase):
    """Lacks all there is to define."""


@pytest.mark.parametrize("nonsense", [None, 3, "ppo", PPO(), object, dict, PPOConfig, lambda: PPO])
def test_what_is_no_model_class_is_refused(factory, nonsense):
    with pytest.raises(ModelDefinitionError, match=r"rlkit\.ModelBase"):
        factory.register("mine", nonsense)


def test_an_unfinished_class_is_refused_with_what_it_lacks(factory):
    with pytest.raises(ModelDefinitionError, match=r"Unfinished lacks .*_act.*_build_networks"):
        factory.register("mine", Unfinished)


def test_a_class_without_config_is_refused(factory):
    bare = type("Bare", (ModelBase,), dict.fromkeys(ModelBase.__abstractmethods__))
    with pytest.raises(ModelDefinitionError, match="Bare has no Config"):
        factory.register("mine", bare)


@pytest.mark.parametrize("name", ["", "my model", "my-model", "1st", None, 3])
def test_a_name_that_is_no_identifier_is_refused(factory, fresh, name):
    with pytest.raises(ModelDefinitionError, match="no name for an algorithm"):
        factory.register(name, fresh)


def test_what_other_packages_offer_is_found(factory, fresh, installed):
    installed(entry("theirs", lambda: fresh))
    assert factory.get("theirs") is fresh
    model = factory.create("theirs", "CartPole-v1", **SMALL)
    assert type(factory.from_state(model.get_state())) is fresh


@pytest.mark.parametrize("load", [fail, lambda: "no class", lambda: Unfinished, lambda: PPO])
def test_what_another_package_cannot_deliver_is_warned_of_and_does_no_harm(factory, installed, load):
    installed(entry("theirs", load, "their.package:Model"))
    with pytest.warns(UserWarning, match=r"'theirs' of their\.package:Model cannot be loaded"):
        names = factory.names()
    assert "ppo" in names
    assert "theirs" not in names


def test_another_package_cannot_take_the_name_of_rlkits_own(factory, fresh, installed):
    installed(entry("ppo", lambda: fresh))
    assert factory.get("ppo") is PPO


def test_other_packages_are_looked_at_once(factory, installed):
    installed()
    factory.names()
    installed(entry("late", fail))
    assert "late" not in factory.names()


def test_a_created_model_has_the_preset_of_its_environment(factory):
    model = factory.create("ppo", "CartPole-v1", gamma=0.5)
    assert (model.config.n_steps, model.config.gamma) == (32, 0.5)
    assert model.config.sources["n_steps"] == "preset CartPole-v1"


def test_an_id_without_version_and_an_instance_have_the_preset_too(factory):
    assert factory.create("ppo", "CartPole").config.n_steps == 32
    assert factory.create("ppo", gymnasium.make("CartPole-v1")).config.n_steps == 32


def test_a_preset_can_be_turned_off_or_named(factory):
    assert factory.create("ppo", "CartPole-v1", preset=None).config == PPOConfig()
    assert factory.create("ppo", "Acrobot-v1", preset="CartPole-v1").config.n_steps == 32
    with pytest.raises(ConfigError, match="no preset 'Cart'"):
        factory.create("ppo", "CartPole-v1", preset="Cart")


def test_a_created_model_has_its_seed_and_its_environments_arguments(factory):
    model = factory.create("ppo", "CartPole-v1", seed=7, env_kwargs={"max_episode_steps": 2})
    assert model.seed == 7
    assert model.evaluate(1).lengths.tolist() == [2]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"gama": 0.5}, ConfigError, "Did you mean 'gamma'"),
        ({"gamma": 5.0}, ConfigError, "at most 1"),
        ({"env": "CartPol-v1"}, UnknownEnvironmentError, "Did you mean"),
        ({"env": "Pendulum-v1", "name": "dqn"}, UnsupportedSpaceError, "Discrete"),
        ({"seed": -1}, ConfigError, "seed = -1"),
    ],
)
def test_what_is_wrong_is_told_by_name(factory, settings, error, message):
    with pytest.raises(error, match=message):
        factory.create(**{"name": "ppo", **settings})


def test_a_model_is_made_from_a_config_a_mapping_and_a_file(factory, tmp_path):
    config = PPOConfig(gamma=0.5, n_steps=64)
    sources = [
        config,
        {"gamma": "0.5", "n_steps": 64},
        config.save(tmp_path / "c.yaml"),
        str(config.save(tmp_path / "c.toml")),
    ]
    for source in sources:
        model = factory.create_from_config("ppo", source, "CartPole-v1", seed=1)
        assert model.config == config
        assert model.seed == 1


def test_from_a_config_no_preset_is_applied(factory):
    assert factory.create_from_config("ppo", {"gamma": 0.5}, "CartPole-v1").config == PPOConfig(gamma=0.5)


def test_from_a_file_of_several_environments_that_of_the_environment_is_taken(factory, tmp_path):
    path = tmp_path / "ppo.yml"
    path.write_text("CartPole-v1: {gamma: 0.5}\nAcrobot-v1: {gamma: 0.25}\n")
    assert factory.create_from_config("ppo", path, "Acrobot-v1").config.gamma == 0.25
    assert factory.create_from_config("ppo", path, gymnasium.make("CartPole-v1")).config.gamma == 0.5
    with pytest.raises(ConfigError, match="2 environments"):
        factory.create_from_config("ppo", path)


@pytest.mark.parametrize("config", ["missing.yaml", "CartPole-v1", {"gama": 0.5}])
def test_a_config_that_is_wrong_is_refused(factory, config):
    with pytest.raises(ConfigError):
        factory.create_from_config("ppo", config)


def test_a_config_of_another_algorithm_is_refused(factory):
    factory.register("curious", Curious)
    with pytest.raises(ConfigError, match="cannot use a PPOConfig"):
        factory.create_from_config("curious", PPOConfig())


def test_the_state_of_an_unknown_class_says_to_register_it(factory):
    with pytest.raises(UnknownAlgorithmError, match="register_model"):
        factory.from_state({"algorithm": "mine"})
    with pytest.raises(StateError):
        factory.from_state({"algorithm": "ppo"})


def test_a_new_file_in_the_models_folder_is_all_that_a_new_algorithm_needs(factory, tmp_path, monkeypatch):
    from rlkit import models  # noqa: PLC0415 - whose path is changed here

    (tmp_path / "brand_new.py").write_text(
        textwrap.dedent("""
            from rlkit.models.ppo import PPO

            class BrandNew(PPO):
                '''The newest.'''
                algorithm = "brand_new"
        """)
    )
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    try:
        assert factory.describe("brand_new").summary == "The newest."
    finally:
        sys.modules.pop("rlkit.models.brand_new", None)
        vars(models).pop("brand_new", None)


def test_a_vector_environment_of_another_size_fits_the_preset():
    model = rlkit.create("ppo", gymnasium.make_vec("CartPole-v1", num_envs=4), seed=0)
    assert (model.config.n_envs, model.config.batch_size) == (4, 128)
    model.build(gymnasium.make_vec("CartPole-v1", num_envs=2))
    assert (model.config.n_envs, model.config.batch_size) == (2, 64)


def test_a_config_is_validated_with_the_number_of_a_vector_environment():
    vector = gymnasium.make_vec("CartPole-v1", num_envs=8)
    config = rlkit.create("ppo", vector, preset=None, n_steps=32, batch_size=256).config
    assert (config.n_envs, config.batch_size) == (8, 256)
    assert [config.sources[name] for name in ("n_envs", "n_steps", "batch_size")] == ["adjusted", "caller", "caller"]
    config = rlkit.create("ppo", vector, preset=None, n_steps=32).config
    assert (config.batch_size, config.sources["batch_size"]) == (64, "default")
    with pytest.raises(ConfigError, match=r"larger than a rollout \(n_envs 8 x n_steps 16 = 128\)"):
        rlkit.create("ppo", vector, preset=None, n_steps=16, batch_size=256)


def test_a_preset_is_adjusted_to_a_vector_environment_and_the_sources_say_so():
    same = rlkit.create("ppo", gymnasium.make_vec("CartPole-v1", num_envs=8)).config
    assert same.sources["n_envs"] == same.sources["batch_size"] == "preset CartPole-v1"
    assert (same.n_envs, same.batch_size) == (8, 256)
    more = rlkit.create("ppo", gymnasium.make_vec("CartPole-v1", num_envs=16), n_steps=64).config
    assert (more.n_envs, more.batch_size) == (16, 256)
    assert (more.sources["n_envs"], more.sources["batch_size"]) == ("adjusted", "preset CartPole-v1")


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_a_number_of_environments_that_contradicts_the_vector_environment_is_refused_first(algorithm):
    vector = gymnasium.make_vec("CartPole-v1", num_envs=8)
    settings = {"batch_size": 256, "n_steps": 32} if algorithm == "ppo" else {}
    for n_envs in (1, 4, np.int64(4)):
        with pytest.raises(ConfigError, match=f"n_envs = {n_envs}, but the vector environment has 8"):
            rlkit.create(algorithm, vector, n_envs=n_envs, **settings)
        with pytest.raises(ConfigError, match=f"n_envs = {n_envs}, but the vector environment has 8"):
            rlkit.factory.create_from_config(algorithm, {"n_envs": n_envs, **settings}, vector)
    with pytest.raises(ConfigError, match=r"n_envs = 'many' is not allowed"):
        rlkit.create(algorithm, vector, n_envs="many")


def test_a_block_and_a_file_are_validated_with_the_number_of_a_vector_environment(tmp_path, recwarn):
    vector, block = gymnasium.make_vec("CartPole-v1", num_envs=8), {"n_steps": 32, "batch_size": 256}
    path = tmp_path / "ppo.yaml"
    path.write_text("n_steps: 32\nbatch_size: 256\n")
    for given in (block, path, str(path)):
        config = rlkit.factory.create_from_config("ppo", given, vector).config
        assert (config.n_envs, config.batch_size, config.sources["batch_size"]) == (8, 256, "caller")
    assert not recwarn.list


def test_a_config_that_was_validated_alone_is_adjusted_to_a_vector_environment():
    vector = gymnasium.make_vec("CartPole-v1", num_envs=8)
    config = PPOConfig(n_steps=32)
    assert config.batch_size == 32
    for model in (
        PPO(config, vector),
        rlkit.factory.create_from_config("ppo", config, vector),
        PPO(config).build(vector),
    ):
        assert (model.config.batch_size, model.config.sources["batch_size"]) == (64, "default")
    assert config.batch_size == 32


def test_a_loaded_model_is_adjusted_to_a_larger_vector_environment(tmp_path):
    model = rlkit.create("ppo", "CartPole-v1", n_envs=2)
    assert (model.config.batch_size, model.config.sources["batch_size"]) == (64, "adjusted")
    model.save(tmp_path / "model.rlkit")
    loaded = rlkit.load(tmp_path / "model.rlkit", env=gymnasium.make_vec("CartPole-v1", num_envs=8))
    assert (loaded.config.n_envs, loaded.config.batch_size) == (8, 256)
    assert loaded.config.sources["batch_size"] == "preset CartPole-v1"


def test_what_dqn_adjusts_is_adjusted_to_a_vector_environment():
    vector = gymnasium.make_vec("CartPole-v1", num_envs=8)
    config = rlkit.create("dqn", vector, preset=None, buffer_size=50).config
    assert (config.n_envs, config.learning_starts) == (8, 48)
    config = DQNConfig(buffer_size=50, n_envs=8)
    assert (config.learning_starts, config.replace(n_envs=1).learning_starts) == (48, 50)
    assert config.replace(buffer_size=1000).learning_starts == DQNConfig().learning_starts
