"""Which environments there are, and what they take and give."""

from __future__ import annotations

import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

import rlkit
from rlkit.envs import catalogue, describe_environment, list_environments
from rlkit.errors import ConfigError, EnvironmentContractError, UnknownEnvironmentError


@pytest.fixture
def register():
    """Make ids known to Gymnasium while a test runs."""
    ids = []

    def register(env_id, entry_point="classic_package.envs:Thing", **more):
        gymnasium.register(env_id, entry_point, **more)
        ids.append(env_id)

    yield register
    for env_id in ids:
        gymnasium.registry.pop(env_id)


@pytest.fixture
def without(monkeypatch):
    """Say that modules are not installed."""

    def without(*missing):
        for name in missing:
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr(catalogue.importlib.util, "find_spec", lambda name: None if name in missing else name)

    return without


def ids(found):
    return [each.id for each in found]


def test_what_is_known_of_an_environment_without_making_it():
    (cartpole,) = list_environments("cartpole-v1", {"CartPole-v1": ("a2c", "ppo")})[:1]
    assert (cartpole.id, cartpole.family) == ("CartPole-v1", "classic control")
    assert (cartpole.reward_threshold, cartpole.max_episode_steps) == (475.0, 500)
    assert cartpole.presets == ("a2c", "ppo")
    assert cartpole.is_available
    assert cartpole.install == ""


def test_only_the_newest_version_of_an_id_is_listed(register):
    for version in (1, 2, 10):
        register(f"rlkit-test/Counting-v{version}")
    register("rlkit-test/Unversioned")
    assert ids(list_environments("rlkit-test/")) == ["rlkit-test/Counting-v10", "rlkit-test/Unversioned"]
    assert "CartPole-v0" not in ids(list_environments())


def test_ids_that_only_raise_are_no_environments():
    assert not [each for each in list_environments() if each.id.startswith("GymV")]


@pytest.mark.parametrize(("part", "found"), [("LUNAR", True), ("box2d", True), ("Box2D", True), ("toy", False)])
def test_a_part_of_an_id_or_a_family_finds_it_in_any_case(part, found):
    assert ("LunarLander-v3" in ids(list_environments(part))) is found


def test_nothing_found_says_so():
    assert list_environments("no such thing") == []
    assert repr(list_environments("no such thing")) == "no environments"
    assert "no environments" in list_environments("no such thing")._repr_html_()


def test_what_is_missing_is_named_with_the_command_that_installs_it(register, without):
    register("rlkit-test/Thing-v0")
    without("mujoco", "classic_package", "Box2D")
    installs = {each.id: each.install for each in list_environments()}
    assert installs["Ant-v5"] == 'pip install "gymnasium[mujoco]"'
    assert installs["LunarLander-v3"] == 'pip install "gymnasium[box2d]"'
    assert installs["rlkit-test/Thing-v0"] == 'pip install "classic_package"'
    assert installs["CartPole-v1"] == installs["Taxi-v4"] == ""


def test_a_class_of_a_notebook_can_be_made(register, environments):
    register("rlkit-test/Written-v0", "__main__:Counting")
    register("rlkit-test/Given-v0", environments.Counting)
    written, given = list_environments("rlkit-test/")
    assert given.is_available
    assert written.is_available
    assert written.family == "custom"


def test_those_that_can_be_made_come_first_and_of_them_those_with_presets(without):
    without("mujoco", "jax")
    found = ids(list_environments(presets={"LunarLander-v3": ("ppo",), "Ant-v5": ("ppo",)}))
    assert found[:2] == ["LunarLander-v3", "Acrobot-v1"]
    assert found.index("Taxi-v4") < found.index("BipedalWalker-v3") < found.index("Ant-v5")


def test_text_and_html_name_all_that_can_be_made_and_the_rest_by_family(without):
    without("mujoco", "jax")
    found = list_environments()
    for shown in (repr(found), found._repr_html_().replace("&quot;", '"')):
        for each in (each for each in found if each.is_available):
            assert each.id in shown
        assert "Ant-v5, HalfCheetah-v5, Hopper-v5, Humanoid-v5 and 7 more" in shown
        assert 'pip install "gymnasium[mujoco]"' in shown
        assert "0.85" in shown


def test_of_very_many_environments_some_are_shown_and_the_rest_counted(register):
    for i in range(500):
        register(f"rlkit-test/Game{i}-v0", "gymnasium.envs.toy_text:Game")
    found = list_environments("rlkit-test")
    page = found._repr_html_()
    assert len(page) < 10_000
    shown = page.count("rlkit-test/Game")
    assert f"… and {500 - shown:,} more: " in page
    assert repr(found).count("rlkit-test/Game") == 60
    assert "… and 440 more: rlkit.environments(" in repr(found)


def test_a_family_that_is_not_installed_is_listed_whole_when_it_is_asked_for(without):
    without("mujoco")
    for shown in (repr(list_environments("mujoco")), list_environments("mujoco")._repr_html_()):
        assert all(env_id in shown for env_id in ("Ant-v5", "Walker2d-v5", "6,000", "those above"))


def test_one_environment_is_described_with_its_spaces():
    described = describe_environment("Pendulum", {"Pendulum-v1": ("ppo",)}, lambda *_: ["a2c", "ppo"])
    assert described.info.id == "Pendulum-v1"
    assert isinstance(described.observation_space, spaces.Box)
    for shown in (repr(described), described._repr_html_()):
        for fact in (
            "Pendulum-v1",
            "classic control",
            "Box of shape 3, float32, -1 to 1, -1 to 1, -8 to 8",
            "Box of shape 1, float32, -2 to 2",
            "no threshold",
            "at most 200 steps",
            "a2c, ppo",
        ):
            assert fact in shown


def test_one_that_cannot_be_made_is_described_without_its_spaces(without):
    without("mujoco")
    described = describe_environment("Ant")
    assert described.observation_space is None
    for shown in (repr(described), described._repr_html_().replace("&quot;", '"')):
        assert 'pip install "gymnasium[mujoco]"' in shown
        assert "observations" not in shown


def test_an_unknown_environment_suggests_the_nearest():
    with pytest.raises(UnknownEnvironmentError, match="Did you mean 'CartPole-v1'"):
        describe_environment("CartPol-v1")


class Plain(gymnasium.Env):
    """Has no id."""

    observation_space = spaces.Box(0, 1, (3,), np.float32)
    action_space = spaces.Discrete(2)


def plain():
    """Make one."""
    return Plain()


@pytest.mark.parametrize(
    ("env", "name", "num_envs"),
    [
        (Plain, "Plain", None),
        (Plain(), "Plain", None),
        (gymnasium.wrappers.TimeLimit(Plain(), 5), "Plain", None),
        (plain, "plain", None),
        (lambda: Plain(), "custom environment", None),  # noqa: PLW0108 - a function without a name
        (SyncVectorEnv([Plain] * 3), "Plain", 3),
    ],
)
def test_a_class_an_object_and_a_function_are_described(env, name, num_envs):
    found = rlkit.environment(env)
    assert (found.info.id, found.info.family, found.num_envs) == (name, "custom", num_envs)
    assert (found.observation_space, found.action_space) == (Plain.observation_space, Plain.action_space)
    assert found.algorithms == ("a2c", "dqn", "ppo")
    assert found.info.is_available
    assert repr(found).startswith(f"{name} (custom)")
    assert ("environments" in repr(found)) == (num_envs is not None)
    assert name in found._repr_html_()


def test_an_object_with_an_id_is_described_as_its_id_is():
    for env in (
        gymnasium.make("CartPole-v1"),
        gymnasium.make_vec("CartPole-v1", 2),
        lambda: gymnasium.make("CartPole-v1"),
    ):
        found = rlkit.environment(env)
        assert found.info == rlkit.environment("CartPole-v1").info
    short = rlkit.environment("CartPole-v1", {"max_episode_steps": 7})
    assert short.info.max_episode_steps == 7


def test_what_cannot_be_trained_in_is_not_described():
    class NoSeed(Plain):
        def reset(self):
            return self.observation_space.sample(), {}

    with pytest.raises(EnvironmentContractError, match="def reset"):
        rlkit.environment(NoSeed)
    with pytest.raises(UnknownEnvironmentError, match="is no environment"):
        rlkit.environment(5)
    with pytest.raises(ConfigError, match="env_kwargs"):
        rlkit.environment(Plain, {"size": 3})
