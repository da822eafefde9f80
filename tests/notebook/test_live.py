"""Training in a real kernel: what a front end is sent, and what an executed notebook keeps."""

from __future__ import annotations

import json
import time
from collections import defaultdict

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.filterwarnings("default")  # Jupyter's own

VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS = 300  # more than anything here takes, even on a busy machine

SETUP = """
%load_ext rlkit
%config RLMagics.progress = "live"
import rlkit, time
agent = rlkit.create("ppo", env="CartPole-v1", seed=0)
"""

FAILING = """
class Fail(rlkit.Callback):
    def on_update(self, run, update):
        raise rlkit.errors.TrainingError("It broke.", "Mend it.")
job = agent.train_in_background(1000, callbacks=Fail())
"""


def executed(*cells, **options):
    """Return the outputs of each cell of a notebook that nobody looks at while it runs."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c) for c in (SETUP, *cells)], metadata=metadata
    )
    NotebookClient(notebook, timeout=SECONDS, startup_timeout=SECONDS, iopub_timeout=SECONDS, **options).execute()
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells[1:]]


@pytest.fixture(scope="module")
def histories():
    """What cells keep that train, assign, show and display."""
    return executed(
        "agent.train(30_000)",
        "h = agent.train(500)",
        "h",
        "h = agent.train(500)\ndisplay(h)\nh",
        "%rl_train agent --steps 500",
    )


def test_an_executed_notebook_keeps_each_history_once_and_nothing_of_the_way_there(histories):
    last, assigned, later, displayed, magic = histories
    assert [output.output_type for output in last] == ["display_data"]
    assert [output.output_type for output in assigned] == ["display_data"]
    assert [output.output_type for output in later] == ["execute_result"]
    assert [output.output_type for output in displayed] == ["display_data", "display_data"]
    assert [output.output_type for output in magic] == ["display_data"]
    assert later[0].data == assigned[0].data
    assert displayed[0].data == displayed[1].data
    assert "steps in" in last[0].data["text/plain"]
    assert "%" not in last[0].data["text/plain"]


def test_what_an_executed_notebook_keeps_is_small_and_shows_where_it_is_not_trusted(histories):
    (output,) = histories[0]
    kept = output.data["text/html"]
    assert len(json.dumps(output)) < 50_000
    assert '<img src="data:image/svg+xml;base64,' in kept
    for lost in ("<svg", "<script", "<style", "var("):
        assert lost not in kept


def test_an_executed_notebook_keeps_what_came_of_a_job_that_a_later_cell_waits_for():
    started, waited, table = executed(
        "job = agent.train_in_background(5000)\njob", "history = job.wait()", "rlkit.jobs()"
    )
    assert [output.output_type for output in started] == ["display_data"]
    assert "finished" in started[0].data["text/html"]
    assert started[0].data["text/plain"].startswith("Job 1, finished: PPO on CartPole-v1: 5,120 steps in")
    assert waited == []
    assert "finished" in table[0].data["text/html"]


def test_a_notebook_whose_job_fails_fails_where_it_waits_and_shows_the_error_where_it_started():
    with pytest.raises(CellExecutionError, match="It broke"):
        executed(FAILING, "job.wait()")
    started, _ = executed(FAILING, "job.wait()", allow_errors=True)
    (output,) = started
    assert "TrainingError: It broke." in output.data["text/html"]
    assert output.data["text/plain"].endswith("TrainingError: It broke.\nMend it.")


class Kernel:
    """A kernel, and what it has sent: the messages of each cell, by the request that they answer."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(SECONDS, extra_arguments=["--IPKernelApp.log_level=40"])
        self.sent = defaultdict(list)

    def start(self, code):
        """Begin to execute a cell; return what names it."""
        return self.client.execute(code)

    def until(self, condition):
        """Read what is sent until it holds for a message, and return that."""
        give_up = time.monotonic() + SECONDS
        while True:
            message = self.client.get_iopub_msg(timeout=give_up - time.monotonic())
            self.sent[message["parent_header"].get("msg_id")].append(message)
            if condition(message):
                return message

    def finish(self, cell):
        """Read until a cell is done; return its reply."""
        self.until(
            lambda message: (
                message["content"].get("execution_state") == "idle" and message["parent_header"]["msg_id"] == cell
            )
        )
        while True:
            reply = self.client.get_shell_msg(timeout=SECONDS)
            if reply["parent_header"]["msg_id"] == cell:
                return reply["content"]

    def run(self, code):
        """Execute a cell; return what names it."""
        cell = self.start(code)
        assert self.finish(cell)["status"] == "ok", self.sent[cell]
        return cell

    def printed(self, cell):
        return "".join(message["content"]["text"] for message in self.sent[cell] if message["msg_type"] == "stream")

    def updates(self, cell):
        """What has replaced the displays of a cell: front ends go by what names a display, whoever sends it."""
        identities = {display_id(message) for message in self.sent[cell] if message["msg_type"] == "display_data"}
        messages = (message for of_one in self.sent.values() for message in of_one)
        return [data(message) for message in messages if is_update(message) and display_id(message) in identities]

    def until_shown(self, cell, words):
        """Read what is sent until a display of a cell has said some words."""
        while not any(words in update["text/html"] for update in self.updates(cell)):
            self.until(is_update)

    def kinds(self, cell):
        return [message["msg_type"] for message in self.sent[cell]]


def is_update(message):
    return message["msg_type"] == "update_display_data"


def display_id(message):
    return message["content"]["transient"].get("display_id")


def data(message):
    return message["content"]["data"]


@pytest.fixture(scope="module")
def started():
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(started):
    started.sent.clear()
    started.run(SETUP)
    yield started
    started.run("for job in rlkit.jobs():\n    job.stop()\n    job._ended.wait(600)")


def test_an_interrupt_leaves_a_usable_model_and_the_card(kernel):
    cell = kernel.start("history = agent.train(10**9)")
    kernel.until(is_update)
    kernel.manager.interrupt_kernel()
    assert kernel.finish(cell)["status"] == "ok"
    assert "stopped: interrupted" in kernel.updates(cell)[-1]["text/plain"].replace("\n", " ")
    assert "stopped: interrupted" in kernel.updates(cell)[-1]["text/html"]
    after = kernel.run("print(history.stop_reason, agent.evaluate(2).episodes, agent.train(500).num_timesteps)")
    assert kernel.printed(after) == "interrupted 2 512\n"


def test_a_job_is_shown_and_prints_below_the_cell_that_started_it_while_another_runs(kernel, tmp_path):
    cell = kernel.run(
        "class Print(rlkit.Callback):\n"
        "    def on_update(self, run, update):\n"
        "        print('update')\n"
        "job = agent.train_in_background(10**9, callbacks=Print())"
    )
    before = len(kernel.updates(cell))
    enough = tmp_path / "enough"
    other = kernel.start(f"import os\nwhile not os.path.exists({str(enough)!r}):\n    time.sleep(0.01)")
    while len(kernel.updates(cell)) < before + 3:
        kernel.until(is_update)
    enough.touch()
    assert kernel.finish(other)["status"] == "ok"
    updates = kernel.updates(cell)
    assert all("running" in update["text/html"] for update in updates)
    assert "update" in kernel.printed(cell)
    assert kernel.printed(other) == ""
    assert not {"display_data", "execute_result"} & set(kernel.kinds(other))


def test_a_job_that_is_stopped_leaves_its_card_where_it_was_started(kernel):
    cell = kernel.run("job = agent.train_in_background(10**9)\njob")
    kernel.run("job.stop('seen enough')")
    kernel.until_shown(cell, "stopped")
    assert "stopped: seen enough" in kernel.updates(cell)[-1]["text/plain"].replace("\n", " ")
    assert kernel.kinds(cell).count("display_data") == 1
    assert "execute_result" not in kernel.kinds(cell)


def test_a_job_that_fails_shows_its_error_where_it_was_started_and_nowhere_else(kernel):
    cell = kernel.run(FAILING)
    kernel.until_shown(cell, "failed")
    assert kernel.updates(cell)[-1]["text/plain"].endswith("TrainingError: It broke.\nMend it.")
    kernel.run("job._thread.join(600)")
    assert "stream" not in kernel.kinds(cell)


def test_an_interrupt_of_a_wait_leaves_the_job_running(kernel):
    kernel.run("job = agent.train_in_background(10**9)")
    waiting = kernel.start("print('waiting', flush=True)\njob.wait()")
    kernel.until(lambda message: message["msg_type"] == "stream")
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(waiting)
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    after = kernel.run("steps = job.num_timesteps\nwhile job.num_timesteps == steps:\n    pass\nprint(job.status)")
    assert kernel.printed(after) == "running\n"


def test_unloading_leaves_the_text_bar_alone(kernel):
    kernel.run("%unload_ext rlkit")
    cell = kernel.run("h = agent.train(500)\nh")
    assert kernel.kinds(cell).count("execute_result") == 1
    assert "update_display_data" not in kernel.kinds(cell)


WITHIN = {
    "output": "out = ipywidgets.Output()\nwith out:\n    {}",
    "tab": "tab = ipywidgets.Tab([ipywidgets.Output()])\nwith tab.children[0]:\n    {}",
    "decorator": "out = ipywidgets.Output()\n@out.capture()\ndef work():\n    {}\nwork()",
    "interact": "@ipywidgets.interact(n=(1, 3))\ndef work(n=2):\n    {}",
}


@pytest.mark.parametrize("progress", ["live", "monitor"])
@pytest.mark.parametrize("within", list(WITHIN))
def test_within_an_output_widget_a_training_is_followed_and_leaves_its_card(kernel, within, progress):
    train = WITHIN[within].format("history = agent.train(3000)")
    cell = kernel.run(f"%config RLMagics.progress = {progress!r}\nimport ipywidgets\n{train}")
    values = pages(kernel, cell)
    assert any("%" in value for value in values)
    assert "3,072 steps in" in values[-1]
    shown = [data(message) for message in kernel.sent[cell] if message["msg_type"] == "display_data"]
    assert [VIEW in each for each in shown if "3,000 steps" in each["text/plain"]] == [True]
    assert "3,072 steps in" in kernel.updates(cell)[-1]["text/html"]  # for a page that captures nothing


def test_a_job_that_starts_within_an_output_widget_is_followed_as_well(kernel):
    start = "with ipywidgets.Output():\n    job = agent.train_in_background(3000)"
    cell = kernel.run(f"import ipywidgets\n{start}\njob.wait();")
    assert "finished" in pages(kernel, cell)[-1]


def pages(kernel, cell):
    """Return the HTML that widgets were told to show."""
    messages = [message for message in kernel.sent[cell] if message["msg_type"] in {"comm_msg", "comm_open"}]
    values = [str(data(message).get("state", {}).get("value")) for message in messages]
    return [value for value in values if "<div" in value]
