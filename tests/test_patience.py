"""No test depends on the speed of the machine or on its load."""

import ast
from pathlib import Path

from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
LEAST = 60  # seconds: the shortest timeout of a wait that ends on a condition
WAITING = {"acquire", "communicate", "complete", "get", "join", "result", "run", "wait"}
RIGHT = {
    "faults/test_kills.py: time.sleep(moment)",  # kills at a random moment: nothing is lost, whichever it is
    "notebook/widgets/test_runs.py: threading.Event().wait(0.01)",  # polls until a condition holds
    "notebook_browser/server.py: self._process.wait(0.1)",  # the same
    "training/test_jobs.py: running.wait(0.001)",  # must time out: the job is held until the end of the test
}


def test_nothing_that_hypothesis_runs_is_measured():
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def hasty(call):
    """Whether a call sleeps, sets a deadline, or has a timeout that a busy machine may exceed."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {word.arg or "": word.value for word in call.keywords}
    times = [*(call.args[:1] if name in WAITING else []), *(given[word] for word in given if "timeout" in word)]
    numbers = [time.value for time in times if isinstance(time, ast.Constant) and isinstance(time.value, int | float)]
    deadline = "deadline" in given and ast.unparse(given["deadline"]) != "None"
    return name in {"sleep", "wait_for_timeout"} or deadline or any(0 < number < LEAST for number in numbers)


def hasty_calls(path):
    nodes = ast.walk(ast.parse(path.read_text()))
    return [ast.unparse(node) for node in nodes if isinstance(node, ast.Call) and hasty(node)]


def test_no_test_sleeps_or_gives_up_before_a_busy_machine_is_done():
    paths = [path for path in sorted(HERE.rglob("*.py")) if path != Path(__file__)]
    found = {f"{path.relative_to(HERE).as_posix()}: {each}" for path in paths for each in hasty_calls(path)}
    assert found == RIGHT
