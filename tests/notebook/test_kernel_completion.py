"""Completion, help and errors as a front end gets them: by messages of a real kernel."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel

import rlkit

pytestmark = pytest.mark.filterwarnings("default")  # Jupyter's own

SECONDS = 300  # more than anything here takes, even on a busy machine

SETUP = """
%load_ext rlkit
import rlkit
agent = rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[4])
settings, number = agent.config, 3
rlkit.register(agent, "cartpole")
rlkit.registry().set_alias("cartpole", "best", 1)
"""


class Kernel:
    """A kernel that a front end talks to.

    Args:
        folder: Where it works.
        stderr: File that gets what its process writes there.
    """

    def __init__(self, folder, stderr):
        quiet = ["--IPKernelApp.log_level=40"]  # it warns of every start that it listens on a local port
        self.manager, self.client = start_new_kernel(SECONDS, cwd=str(folder), stderr=stderr, extra_arguments=quiet)

    def offered(self, cell):
        """Return what the text before the bar in a cell becomes with each of the matches."""
        code = cell.replace("|", "")
        reply = self.client.complete(code, cell.index("|"), reply=True, timeout=SECONDS)["content"]
        start, end = reply["cursor_start"], reply["cursor_end"]
        assert reply["status"] == "ok"
        assert start <= end == cell.index("|")
        return [code[:start] + match for match in reply["matches"]]

    def run(self, cell):
        """Execute a cell; return the reply, and the outputs in their order."""
        outputs = []
        reply = self.client.execute_interactive(cell, timeout=SECONDS, output_hook=outputs.append)
        shown = [message for message in outputs if message["msg_type"] not in ("status", "execute_input")]
        return SimpleNamespace(**reply["content"], outputs=shown)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernel")
    with pytest.MonkeyPatch.context() as patch, (folder / "stderr").open("w+") as stderr:
        patch.setenv("RLKIT_HOME", str(folder / "store"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        kernel = Kernel(folder, stderr)
        assert kernel.run(SETUP).status == "ok"
        yield kernel
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)
        stderr.seek(0)
        assert stderr.read() == ""


@pytest.mark.parametrize(
    ("cell", "offered"),
    [
        ("%rl_lo|", ["%rl_load"]),
        ("x = %rl_tr|", ["x = %rl_train"]),
        ("%%rl_con|", ["%%rl_config"]),
        ("%rl_create p|", ["%rl_create ppo"]),
        ("%rl_create ppo cartpole-v|", ["%rl_create ppo CartPole-v1"]),
        ("%rl_create ppo --learning|", ["%rl_create ppo --learning-rate"]),
        ("%rl_create ppo --activation r|", ["%rl_create ppo --activation relu"]),
        ("%rl_create ppo --activation=r|", ["%rl_create ppo --activation=relu"]),
        ("%rl_create ppo --config |", ["%rl_create ppo --config settings"]),
        ("%rl_load |", ["%rl_load cartpole"]),
        ("x = %rl_load |", ["x = %rl_load cartpole"]),
        ("%rl_load cartpole:|", ["%rl_load cartpole:1"]),
        ("x = %rl_load cartpole@|", ["x = %rl_load cartpole@best", "x = %rl_load cartpole@latest"]),
        ("%rl_train |", ["%rl_train agent"]),
        ("%rl_eval |", ["%rl_eval agent", "%rl_eval cartpole"]),
        ("for _ in range(3):\n    x = %rl_load cart|", ["for _ in range(3):\n    x = %rl_load cartpole"]),
        ("for _ in range(3):\n    %rl_train ag|\n    print(1)", ["for _ in range(3):\n    %rl_train agent"]),
        ("%%rl_config ppo\nn_steps: 8\ntarget_|", ["%%rl_config ppo\nn_steps: 8\ntarget_kl: "]),
        ("%%rl_config ppo\nactivation: r|\nn_steps: 8", ["%%rl_config ppo\nactivation: relu"]),
    ],
)
def test_what_a_kernel_offers_and_where_it_goes(kernel, cell, offered):
    assert [found for found in kernel.offered(cell) if not found.endswith("/")] == offered


def test_a_kernel_still_offers_python(kernel):
    assert "number" in kernel.offered("numb|")
    assert "x = agent.evaluate" in kernel.offered("x = agent.eval|")


def hyperparameters():
    """Every option that ``%rl_create`` has for a hyperparameter of some algorithm."""
    configs = [rlkit.factory.get(name).Config for name in rlkit.factory.names()]
    return {f"--{name.replace('_', '-')}" for config in configs for name in config.hyperparameters()}


def test_inspecting_a_magic_tells_every_hyperparameter(kernel):
    reply = kernel.client.inspect("%rl_create ppo", 5, reply=True, timeout=SECONDS)["content"]
    assert reply["found"]
    assert [name for name in hyperparameters() if f"  {name}" not in reply["data"]["text/plain"]] == []


def test_a_question_mark_pages_the_same(kernel):
    (page,) = kernel.run("%rl_create?").payload
    assert page["source"] == "page"
    assert [name for name in hyperparameters() if f"  {name}" not in page["data"]["text/plain"]] == []


def test_an_error_is_two_lines_for_every_front_end(kernel):
    reply = kernel.run("%rl_create pppo CartPole-v1")
    assert (reply.status, reply.ename) == ("error", "UnknownAlgorithmError")
    assert reply.evalue == "There is no algorithm 'pppo'.\nDid you mean 'ppo'?"
    assert reply.traceback == ["UnknownAlgorithmError: There is no algorithm 'pppo'.", "Did you mean 'ppo'?"]
    (shown,) = reply.outputs
    assert shown["msg_type"] == "error"
    assert shown["content"]["traceback"] == reply.traceback


def test_a_value_shows_as_text_and_html_and_a_semicolon_silences_it(kernel):
    (shown,) = kernel.run("%rl_show cartpole").outputs
    assert shown["msg_type"] == "execute_result"
    assert set(shown["content"]["data"]) == {"text/plain", "text/html"}
    assert kernel.run("%rl_show cartpole;").outputs == []
    assert kernel.run("x = %rl_show cartpole").outputs == []


def test_what_magics_do_goes_to_no_standard_error(kernel):
    cell = inspect.cleandoc(
        """
        %rl_train agent --steps 600
        %rl_eval agent --episodes 2
        %rl_watch agent
        %rl_models
        """
    )
    reply = kernel.run(cell)
    assert reply.status == "ok"
    assert [message["content"] for message in reply.outputs if message["msg_type"] == "stream"] == []
