"""Completion after a magic, as IPython asks for it."""

import pytest
from IPython.core.completer import provisionalcompleter

import rlkit


@pytest.fixture
def offers(shell):
    """Return what is offered at the end of a cell, and where it would be put."""

    def offers(cell):
        with provisionalcompleter():
            found = list(shell.Completer.completions(cell, len(cell)))
        assert len({completion.start for completion in found}) <= 1
        return [cell[: completion.start] + completion.text for completion in found]

    return offers


@pytest.fixture
def kept(shell):
    shell.run_cell("agent = %rl_create ppo CartPole-v1 --net-arch 4\nnumber = 3\nsettings = %rl_config ppo")
    rlkit.register(shell.user_ns["agent"], "cartpole")
    rlkit.registry().set_alias("cartpole", "best", 1)


@pytest.mark.parametrize(
    ("cell", "completed"),
    [
        ("%rl_lo", ["%rl_load"]),
        ("x = %rl_lo", ["x = %rl_load"]),
        ("%rl_load ", ["%rl_load cartpole"]),
        ("x = %rl_load cart", ["x = %rl_load cartpole"]),
        ("models['a'] = %rl_load cart", ["models['a'] = %rl_load cartpole"]),
        ("for _ in range(3):\n    x = %rl_load cartpole:", ["for _ in range(3):\n    x = %rl_load cartpole:1"]),
        ("%rl_load cartpole@", ["%rl_load cartpole@best", "%rl_load cartpole@latest"]),
        ("number\n%rl_train ", ["number\n%rl_train agent"]),
        ("%rl_eval a", ["%rl_eval agent"]),
        ("%rl_create ppo cartpole-v", ["%rl_create ppo CartPole-v1"]),
        ("%rl_create ppo --config ", ["%rl_create ppo --config settings"]),
        ("%rl_create ppo --activation=r", ["%rl_create ppo --activation=relu"]),
        ("%rl_search metrics.mean > 3 --ord", ["%rl_search metrics.mean > 3 --order-by"]),
        ("%rl_help comp", ["%rl_help compare"]),
        ("%rl_reconfigure ", ["%rl_reconfigure agent"]),
        ("%rl_reconfigure agent --learn", ["%rl_reconfigure agent --learning-rate"]),
        ("%rl_reconfigure agent --gam", []),
        ("%rl_reconfigure agent --target-kl ", ["%rl_reconfigure agent --target-kl None"]),
        ("%%rl_config ppo --gam", ["%%rl_config ppo --gamma"]),
        ("%%rl_config ppo\nn_steps: 8\n  target_", ["%%rl_config ppo\nn_steps: 8\n  target_kl: "]),
        ("\n%%rl_config ppo\nactivation: r", ["\n%%rl_config ppo\nactivation: relu"]),
    ],
)
def test_what_is_offered(offers, kept, cell, completed):
    assert [found for found in offers(cell) if not found.endswith("/")] == completed


def test_python_and_other_magics_are_left_to_ipython(offers, kept):
    assert "number" in offers("numb")
    assert "x = number" in offers("x = numb")
    assert "%time" in offers("%tim")
    assert not any("rlkit" in found for found in offers("x = 3 % rl_load cart"))


def test_a_model_is_offered_wherever_the_line_stands(shell, kept):
    cell = "x = 1\n%rl_train \ny = 2"
    with provisionalcompleter():
        found = list(shell.Completer.completions(cell, len("x = 1\n%rl_train ")))
    assert [completion.text for completion in found] == ["agent"]
