"""What axe-core finds wrong with the widgets, and whether the focus can be seen."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .panel import SOURCE, Panel

THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme: `JupyterLab ${theme}` })"
TURNED = "theme => document.body.dataset.jpThemeLight === String(theme === 'Light')"
PLACE = """() => {
  const { x, y, width, height } = document.activeElement.getBoundingClientRect();
  return { x: x - 4, y: y - 4, width: width + 8, height: height + 8 };
}"""


@pytest.fixture(params=["Light", "Dark"])
def panel(notebook, request):
    """The panel, unfolded, on a page of either theme."""
    book = notebook(SOURCE, "")
    turn(book.page, request.param)
    assert book.run_all()
    panel = Panel(book)
    panel.unfold()
    yield panel
    turn(book.page, "Light")


def turn(page, theme):
    page.evaluate(THEME, theme)
    page.wait_for_function(TURNED, arg=theme)


def wrong_with(panel):
    """What the audit says of all that the panel shows: nothing, as there is nothing that we could not mend."""
    panel.output.evaluate("output => output.setAttribute('data-audited', '')")
    found = Axe().run(panel.page, "[data-audited]").response
    assert len(found["passes"]) > 10
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


def test_the_audit_finds_nothing_wrong_with_the_form_and_what_it_says(panel):
    assert wrong_with(panel) == []
    panel.type("gamma", "7")
    expect(panel.field("gamma").get_by_role("alert")).to_be_visible()
    panel.type("environment", "CartPole-v9")
    expect(panel.output.get_by_role("alert").first).to_contain_text("Did you mean")
    assert wrong_with(panel) == []


def test_the_audit_finds_nothing_wrong_with_the_monitor_and_what_it_leaves(panel):
    panel.train("1e9")
    panel.output.get_by_text("Losses and other figures").click()
    expect(panel.output.locator("canvas").nth(3)).to_be_visible()
    assert wrong_with(panel) == []
    panel.button("Stop").click()
    expect(panel.output).to_contain_text("asked to stop")
    panel.button("Evaluate").click()
    expect(panel.output.get_by_role("status")).to_contain_text("Mean return")
    assert wrong_with(panel) == []


@pytest.mark.parametrize("panel", ["Dark"], indirect=True)
def test_the_focus_can_be_seen_wherever_it_is(panel):
    panel.box("algorithm").focus()
    unseen = []
    while "Create" not in panel.page.evaluate("document.activeElement.innerText"):
        if not seen(panel.page):
            unseen.append(panel.page.evaluate("document.activeElement.outerHTML"))
        panel.page.keyboard.press("Tab")
    assert unseen == []


def seen(page):
    """Whether what has the focus looks other than without it."""
    focused = page.evaluate_handle("document.activeElement")
    focused.scroll_into_view_if_needed()
    place = page.evaluate(PLACE)
    shown = page.screenshot(clip=place)
    focused.evaluate("focused => focused.blur()")
    without = page.screenshot(clip=place)
    focused.evaluate("focused => focused.focus()")
    return shown != without
