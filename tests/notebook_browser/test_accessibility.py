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
    return wrong_in(panel.output)


def wrong_in(output):
    """What the audit says of an output of a cell."""
    output.evaluate("output => output.setAttribute('data-audited', '')")
    found = Axe().run(output.page, "[data-audited]").response
    output.evaluate("output => output.removeAttribute('data-audited')")
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
    shown = page.screenshot(clip=place, animations="disabled")
    focused.evaluate("focused => focused.blur()")
    without = page.screenshot(clip=place, animations="disabled")
    focused.evaluate("focused => focused.focus()")
    return shown != without


WIDGETS = """\
%load_ext rlkit
%config RLMagics.progress = 'none'
import rlkit
agents = [rlkit.create("ppo", env="CartPole-v1", seed=seed, net_arch=[4]) for seed in (0, 1)]
for agent in agents:
    rlkit.register(agent, "audited", tags=["a"], metrics={"mean_return": 9.0})
jobs = [agent.train_in_background(2_000) for agent in agents]
for job in jobs:
    job.wait()"""
SHOWN = {
    "%rl_ui monitor": ".rlkit-run",
    "browser = rlkit.ui.models()\nbrowser.selected = ['audited:1']\nbrowser": ".rlkit-browser [role=tab]",
    "browser = rlkit.ui.models()\nbrowser.selected = ['audited:1', 'audited:2']\nbrowser": ".rlkit-browser table",
    "%rl_ui watch agent --seed 0 --max-steps 9": ".rlkit-player",
}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_audit_finds_nothing_wrong_with_what_else_there_is(notebook, theme):
    book = notebook(WIDGETS, *SHOWN)
    turn(book.page, theme)
    assert book.run_all()
    for index, part in enumerate(SHOWN.values(), 1):
        expect(book.cell(index).locator(part).first).to_be_visible()
        assert wrong_in(book.outputs(index).first) == []
    turn(book.page, "Light")
