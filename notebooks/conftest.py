"""Checks that nbval does not make: a cell must not print to stderr, raise even an expected error, or show too much.

nbval skips the outputs of cells tagged ``nbval-ignore-output``, and passes a cell with an unknown magic, of which
IPython prints a UsageError without raising it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

LARGEST = 50_000  # characters of one output


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Extend nbval's timeout for messages of the kernel, 5 seconds, to what a busy machine may need."""
    for item in items:
        item.output_timeout = 600


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Iterator[None]:
    """Check the outputs of a cell after nbval has run it."""
    yield
    for output in item.test_outputs:
        if output.output_type == "error" or output.get("name") == "stderr":
            item.raise_cell_error("Cell printed an error", output.get("text") or "\n".join(output.traceback))
        if len(str(output)) >= LARGEST:
            item.raise_cell_error(f"Cell shows an output of {len(str(output))} characters, at least {LARGEST}")
