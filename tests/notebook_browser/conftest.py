"""JupyterLab in a browser: one server and one Chromium for all tests of this folder, a page for each."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from .notebook import KEPT, Notebook, new_page
from .server import OLDER, SECONDS, JupyterLab

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Skip what cannot be tried for want of something; the summary of the tests says so (``tests/conftest.py``)."""
    for item in items:
        if _HERE not in item.path.parents:
            continue
        if CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="There is no Chromium."))
        elif _kernel_of(item) == "ipykernel6" and not OLDER.is_dir():
            item.add_marker(pytest.mark.skip(reason="There is no ipykernel 6."))


def _kernel_of(item):
    return item.callspec.params.get("kernel") if hasattr(item, "callspec") else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Let fixtures know whether their test failed."""
    report = yield
    item.stash.setdefault(_FAILED, False)
    item.stash[_FAILED] |= report.failed
    return report


_FAILED = pytest.StashKey[bool]()


# Of this folder, not of the session: while Playwright is open other tests cannot start event loops in its thread.
@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    """JupyterLab, started."""
    lab = JupyterLab(tmp_path_factory.mktemp("lab"))
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="package")
def browser():
    """Chromium, which nobody sees."""
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, timeout=SECONDS * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def numbers():
    """Give each notebook a name of its own."""
    return itertools.count(1)


@pytest.fixture
def show(lab, browser, request):
    """Open a notebook by its name, until the end of the test."""
    opened = []

    def show(name):
        opened.append(Notebook(new_page(browser), lab, name))
        opened[-1].open()
        return opened[-1]

    yield show
    for notebook in opened:
        if request.node.stash.get(_FAILED, False):
            _keep(notebook, request.node.name)
        notebook.close()


@pytest.fixture
def kernel():
    """Name of the kernel of new notebooks; tests that are to run with each of them are parametrized by it."""
    return "python3"


@pytest.fixture(scope="package")
def pages(lab, browser):
    """Pages for one notebook after another: to load JupyterLab takes longer than most tests."""
    return Pages(lab, browser)


class Pages:
    """Notebooks in as few pages as possible.

    Args:
        lab: Who serves them.
        browser: Where pages are opened.
    """

    def __init__(self, lab, browser):
        self._lab = lab
        self._browser = browser
        self._free = []

    def open(self, name):
        """Open a notebook, in a page that is free if there is one."""
        if not self._free:
            notebook = Notebook(new_page(self._browser), self._lab, name)
            notebook.open()
        else:
            notebook = Notebook(self._free.pop(), self._lab, name)
            notebook.open_in_page()
        return notebook

    def give_back(self, notebook):
        """Close a notebook, and keep its page for the next."""
        notebook.leave()
        self._free.append(notebook.page)


@pytest.fixture
def notebook(lab, pages, numbers, kernel, request):
    """Open a new notebook with these cells."""
    opened = []

    def notebook(*cells):
        name = f"notebook-{next(numbers)}.ipynb"
        lab.write(name, cells, kernel)
        opened.append(pages.open(name))
        return opened[-1]

    yield notebook
    for each in opened:
        if request.node.stash.get(_FAILED, False):
            _keep(each, request.node.name)
            each.close()
        else:
            pages.give_back(each)


def _keep(notebook, test):
    """Leave what a person needs who wants to know why a test failed."""
    stem = re.sub(r"\W+", "-", f"{test}-{notebook.name.removesuffix('.ipynb')}")
    notebook.keep(stem)
    (KEPT / f"{stem}.txt").write_text("\n".join([*notebook.complaints, *notebook.addresses]))
