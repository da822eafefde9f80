"""What no tutorial may do and nbval lets pass: print an error, raise one on purpose, or show more than a page can bear.

nbval reads no output of the cells that are tagged ``nbval-ignore-output``, and takes what IPython prints about an
unknown magic for any other output.
"""

from collections.abc import Iterator
from typing import Any

import pytest

LARGEST = 50_000  # characters of one output


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Wait for a kernel's messages as long as a busy machine may need: nbval gives up after 5 seconds."""
    for item in items:
        item.output_timeout = 600


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Iterator[None]:
    """Check what a cell has shown, after nbval has run it."""
    yield
    for output in item.test_outputs:
        if output.output_type == "error" or output.get("name") == "stderr":
            item.raise_cell_error("Cell printed an error", output.get("text") or "\n".join(output.traceback))
        if len(str(output)) >= LARGEST:
            item.raise_cell_error(f"Cell shows an output of {len(str(output))} characters, at least {LARGEST}")
