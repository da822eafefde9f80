"""A notebook that is open in a browser, as a person has it before them."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from .server import SECONDS, JupyterLab

KEPT = Path(__file__).parents[2] / "build" / "browser"
"""Where pictures for people to look at are left."""

_ITS_OWN = "Could not restore the debugger state"
"""What JupyterLab says where a notebook is left before its debugger has heard from the kernel, whatever is in it."""
_READY = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
_RUN_ALL = "jupyterapp.commands.execute('notebook:run-all-cells')"
_IN_PAGE = "async path => { await jupyterapp.commands.execute('docmanager:open', { path }); }"
_LEAVE = "async () => { const it = jupyterapp.shell.currentWidget; await it.sessionContext.shutdown(); it.dispose(); }"
_SHUT_DOWN = "window.jupyterapp?.shell.currentWidget?.sessionContext.shutdown()"
_FOLLOW = """cell => {
  window.seen = { progress: [], pictures: [] };
  const note = (list, value) => { if (value && !list.includes(value)) list.push(value); };
  new MutationObserver(() => {
    note(seen.progress, cell.innerText.match(/\\d+\\.\\d%/)?.[0]);
    note(seen.pictures, cell.querySelector(".jp-OutputArea img")?.src);
  }).observe(cell, { childList: true, subtree: true, characterData: true });
}"""


def new_page(browser: Browser) -> Page:
    """Return an empty page, in a window of its own that waits patiently."""
    page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    return page


class Notebook:
    """A page with a notebook and its kernel.

    Args:
        page: An empty page.
        lab: Who serves it.
        name: File of the notebook.
    """

    def __init__(self, page: Page, lab: JupyterLab, name: str) -> None:
        self.page = page
        self.name = name
        self._lab = lab
        self.complaints: list[str] = []
        self.expected = [_ITS_OWN]
        self.addresses: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))
        page.on("websocket", lambda socket: self.addresses.append(socket.url))

    def open(self) -> None:
        """Open it, and wait for its kernel."""
        workspace = self.name.partition(".")[0]
        self.page.goto(f"{self._lab.url}lab/workspaces/{workspace}/tree/{self.name}?reset")
        self.page.wait_for_function(_READY)

    def open_in_page(self) -> None:
        """Open it in a page where JupyterLab is open already, and wait for its kernel."""
        self.page.evaluate(_IN_PAGE, self.name)
        self.page.wait_for_function(_READY)

    def leave(self) -> None:
        """End its kernel, and leave the page to the next."""
        self.page.evaluate(_LEAVE)
        self.check()

    def close(self) -> None:
        """End its kernel, and close the page."""
        self.page.evaluate(_SHUT_DOWN)
        self.page.context.close()
        self.check()

    def check(self) -> None:
        """Nothing may have complained of what was not expected, or have asked anybody but the server."""
        ours = self._lab.url, self._lab.url.replace("http:", "ws:"), "data:", "blob:"
        complaints = [each for each in self.complaints if not any(part in each for part in self.expected)]
        assert complaints == [], complaints
        assert [address for address in self.addresses if not address.startswith(ours)] == []

    def cell(self, index: int) -> Locator:
        """Return a cell; -1 is the last."""
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(index)

    def outputs(self, index: int) -> Locator:
        """Return the outputs of a cell."""
        return self.cell(index).locator(".jp-OutputArea-child")

    def write(self, source: str) -> None:
        """Type into the last cell, instead of what stands there."""
        self.cell(-1).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(source)

    def line(self) -> Locator:
        """Return the last line of the last cell."""
        return self.cell(-1).locator(".cm-line").last

    def enter(self, source: str, *, follow: bool = False) -> int:
        """Type into the last cell, and run it; another one appears below.

        Args:
            source: What to type.
            follow: Whether ``seen`` in the page notes what its output shows on the way: each ``progress`` and each of
                the ``pictures`` once.

        Returns:
            Index of the cell.
        """
        index = self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").count() - 1
        self.write(source)
        if follow:
            self.cell(index).evaluate(_FOLLOW)
        self.page.keyboard.press("Shift+Enter")
        return index

    def finish(self, index: int) -> None:
        """Wait until a cell is done."""
        expect(self.cell(index).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))

    def run(self, source: str) -> int:
        """Type into the last cell, run it, and wait until it is done; return its index."""
        index = self.enter(source)
        self.finish(index)
        return index

    def run_all(self) -> bool:
        """Run all cells until one fails, wait until they are done, and say whether none has failed."""
        return self.page.evaluate(_RUN_ALL)

    def interrupt(self) -> None:
        """Press the square button."""
        self.page.locator('jp-button[data-command="notebook:interrupt-kernel"]').click()

    def keep(self, name: str) -> None:
        """Leave a picture of the page for people to look at."""
        KEPT.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=KEPT / f"{name}.png")

    def save(self) -> None:
        """Save it, and wait until it is written."""
        with self.page.expect_response(lambda reply: reply.request.method == "PUT" and self.name in reply.url):
            self.page.keyboard.press("Control+s")
