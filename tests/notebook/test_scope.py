"""What words mean in a notebook."""

import gymnasium
import pytest

import rlkit
from rlkit.errors import UsageError


def test_expressions_and_variables_are_filled_in(run):
    run("environment, rate, sizes = 'CartPole-v1', 1e-3, [8, 4]")
    agent = run("%rl_create ppo --env {environment} --seed {2 + 3} --learning-rate $rate --net-arch {sizes}")
    assert (agent.env_name, agent.seed, agent.config.learning_rate) == ("CartPole-v1", 5, 1e-3)
    assert agent.config.to_dict()["net_arch"] == [8, 4]
    assert (
        run("name = 'environment'\n%rl_create ppo --env {name} --net-arch {dict(pi=[8], vf=[4])}").env_name
        == "CartPole-v1"
    )


def test_an_expression_that_fails_is_left_as_it_is(run):
    assert run("%rl_create ppo --net-arch '{pi: [8], vf: [16]}'").config.to_dict()["net_arch"] == {
        "pi": [8],
        "vf": [16],
    }
    with pytest.raises(rlkit.RLKitError, match=r"\{nothing\}"):
        run("%rl_create ppo --env {nothing}")


def test_an_expression_gives_the_model_itself(run):
    run("agent = %rl_create ppo CartPole-v1 --seed 3")
    run("agents = {'a b': [agent]}")
    assert run("%rl_eval {agents['a b'][0]} --episodes 1").episodes == 1
    assert run("%rl_eval $agent --episodes 1").episodes == 1
    assert run("%rl_config {agents['a b'][0]}") is run("agent.config")
    assert run("%rl_save {agents['a b'][0]} cartpole").seed == 3


def test_variables_of_a_function_are_known(run):
    run("agent = %rl_create ppo CartPole-v1")
    run("def play(pilot, n):\n    result = %rl_eval pilot --episodes {n}\n    return result")
    assert run("play(agent, 2)").episodes == 2


def test_an_environment_is_a_variable_an_object_or_what_makes_one(run, shell, environments):
    shell.user_ns |= {"Counting": environments.Counting, "made": gymnasium.make("CartPole-v1")}
    shell.user_ns["make"] = lambda: gymnasium.make("CartPole-v1")
    assert run("%rl_create ppo Counting").observation_space.shape == (2,)
    assert run("%rl_create ppo --env made").env_name == "CartPole-v1"
    assert run("%rl_create ppo --env make").env_name == "CartPole-v1"
    assert run("%rl_create ppo {made}").env_name == "CartPole-v1"


def test_the_error_for_what_is_no_variable_says_where_the_model_is(run):
    run("agent = %rl_create ppo CartPole-v1")
    run("%rl_save agent my-pole")
    with pytest.raises(UsageError, match="no variable 'my-pole'") as raised:
        run("%rl_train my-pole")
    assert raised.value.remedy == "The registry has one: my_pole = %rl_load my-pole"
    with pytest.raises(UsageError, match="no variable 'agen'") as raised:
        run("%rl_train agen")
    assert raised.value.remedy == "Did you mean 'agent'?"
    run("del agent")
    with pytest.raises(UsageError, match="no variable 'pilot'") as raised:
        run("%rl_train pilot")
    assert raised.value.remedy == "Make one: pilot = %rl_create ppo CartPole-v1"
