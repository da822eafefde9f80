"""No test depends on how fast the machine is, or on what else it does."""

import ast
from pathlib import Path

from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
LEAST = 60  # seconds: whoever waits for something gives it that much, or all the time that it takes
WAITING = {"acquire", "communicate", "complete", "get", "join", "result", "run", "wait"}
RIGHT = {
    "faults/test_kills.py: time.sleep(moment)",  # kills at a moment that nobody knows; whichever it is, nothing is lost
    "notebook/widgets/test_runs.py: threading.Event().wait(0.01)",  # looks again, until something holds
    "notebook_browser/server.py: self._process.wait(0.1)",  # the same
    "training/test_jobs.py: running.wait(0.001)",  # in vain, for what waits until the end of the test
}


def test_nothing_that_hypothesis_runs_is_measured():
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def hasty(call):
    """Whether a call sleeps, sets a deadline, or waits for a time that a busy machine may need."""
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
