"""The panel of ``%rl_ui``, from an idea to a kept model, with the mouse and with the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from rlkit.models.ppo import PPOConfig

from .notebook import KEPT
from .panel import SOURCE, Panel
from .server import KERNELS

pytestmark = pytest.mark.parametrize("kernel", KERNELS)

BEGUN = "%rl_create ppo CartPole-v1"
NAME = """() => {
  const focused = document.activeElement;
  return focused.ariaLabel || (focused.labels?.[0] ?? focused).innerText;
}"""
"""What has the focus, in words."""
NOTED = """button => {
  window.noted = [];
  new MutationObserver(() => noted.push(button.textContent)).observe(button, { childList: true });
}"""
"""Notes what a button says from now on: some of it only for a moment."""
TIMED = """stop => new Promise(done => stop.addEventListener("click", () => {
  const began = performance.now();
  const output = stop.closest(".jp-OutputArea");
  const watch = new MutationObserver(() => {
    if (!output.innerText.includes("asked to stop")) return;
    watch.disconnect();
    done(performance.now() - began);
  });
  watch.observe(output, { childList: true, subtree: true, characterData: true });
}))"""
RESTART = "jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


@pytest.fixture
def panel(notebook):
    """The panel, which was just shown, over an empty cell."""
    book = notebook(SOURCE, "")
    assert book.run_all()
    return Panel(book)


def answer(panel, source):
    """What a cell answers."""
    return panel.book.outputs(panel.book.run(source)).inner_text().strip()


def test_each_kernel_is_the_one_that_is_meant(panel, kernel):
    version = int(answer(panel, "import ipykernel; print(ipykernel.__version__)").partition(".")[0])
    assert (version == 6) == (kernel == "ipykernel6")


def test_values_are_chosen_with_the_mouse(panel):
    panel.unfold()
    expect(panel.line).to_have_text(BEGUN)
    slider = panel.control("slider", "gamma").bounding_box()
    middle = slider["y"] + slider["height"] / 2
    panel.page.mouse.move(slider["x"] + 7 + 0.98 * (slider["width"] - 14), middle)
    panel.page.mouse.down()
    panel.page.mouse.move(slider["x"] + slider["width"] / 2, middle, steps=5)
    panel.page.mouse.up()
    expect(panel.line).to_have_text(re.compile(r"--gamma 0\.(49|5|51)$"))
    expect(panel.box("gamma")).to_have_value(re.compile(r"^0\.(49|5|51)$"))
    panel.control("checkbox", "ortho_init").click()
    expect(panel.line).to_contain_text("--no-ortho-init")
    panel.box("activation").select_option("relu")
    expect(panel.line).to_contain_text("--activation relu")
    panel.field("net_arch").get_by_role("button", name="+").click()
    expect(panel.line).to_contain_text("--net-arch 64,64,64")
    panel.field("gamma").get_by_role("button", name="reset").click()
    expect(panel.line).not_to_contain_text("--gamma")
    panel.button("reset all").click()
    expect(panel.line).to_have_text(BEGUN)


def test_the_tab_key_goes_through_the_panel_as_a_person_reads_it(panel):
    passed = []
    panel.box("algorithm").focus()
    while not passed or passed[-1] != "Create":
        panel.page.keyboard.press("Tab")
        passed.append(panel.page.evaluate(NAME).strip())
    fields = [name for name, field in PPOConfig.hyperparameters().items() if field.common]
    order = list(dict.fromkeys(name for name in passed if not name.startswith(("course of", "end of"))))
    assert order[: 3 + len(fields)] == ["environment", "preset", "search", *fields]
    fold, *written = order[3 + len(fields) : -3]
    assert "More, 13 settings" in fold
    assert written == ["the line", "Copy the line", "the YAML", "Copy the YAML"]
    assert order[-3:] == ["seed", "variable", "Create"]
    assert passed.count("gamma") == 2  # the box and the slider


def test_values_are_chosen_with_the_keyboard_alone(panel):
    keyboard = panel.page.keyboard
    panel.button("More, 13 settings").focus()
    keyboard.press("Space")
    expect(panel.box("net_arch")).to_be_visible()
    expect(panel.line).to_have_text(BEGUN)
    panel.box("gamma").focus()
    keyboard.press("Control+a")
    keyboard.type("0.9")
    keyboard.press("Tab")
    expect(panel.line).to_have_text(f"{BEGUN} --gamma 0.9")
    expect(panel.control("slider", "gamma")).to_be_focused()
    expect(panel.control("slider", "gamma")).to_have_attribute("aria-valuetext", "0.9")
    keyboard.press("ArrowRight")
    expect(panel.line).to_have_text(f"{BEGUN} --gamma 0.91")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    expect(panel.line).to_have_text(f"{BEGUN} --gamma 0.89")
    panel.control("checkbox", "ortho_init").focus()
    keyboard.press("Space")
    expect(panel.line).to_contain_text("--no-ortho-init")
    panel.box("activation").focus()
    keyboard.type("relu")
    expect(panel.line).to_contain_text("--activation relu")
    panel.field("net_arch").get_by_role("button", name="+").focus()
    keyboard.press("Space")
    expect(panel.line).to_contain_text("--net-arch 64,64,64")
    panel.button("Create").focus()
    keyboard.press("Space")
    expect(panel.output).to_contain_text("Created: it is in agent.")
    assert answer(panel, "print(agent.config.gamma, agent.config.activation)") == "0.89 relu"


def test_the_line_is_copied_to_where_it_is_pasted(panel):
    panel.type("gamma", "0.5")
    expect(panel.line).to_have_text(f"{BEGUN} --gamma 0.5")
    copy = panel.control("button", "Copy the line")
    copy.evaluate(NOTED)
    copy.click()
    panel.page.wait_for_function("noted.join() === 'Copied,Copy'")
    panel.box("search").focus()
    panel.page.keyboard.press("Control+v")
    expect(panel.box("search")).to_have_value(f"{BEGUN} --gamma 0.5")


def test_keys_that_are_pressed_in_a_widget_do_nothing_to_the_notebook(panel):
    panel.box("algorithm").focus()
    for key in ("ArrowDown", "x", "b", "r"):  # to the next cell, cut, insert below, make it raw
        panel.page.keyboard.press(key)
    panel.button("Create").focus()
    panel.page.keyboard.press("ArrowDown")
    expect(panel.button("Create")).to_be_focused()
    expect(panel.page.locator(".jp-NotebookPanel:visible .jp-CodeCell")).to_have_count(2)


def test_what_is_wrong_is_said_at_the_field_and_not_sent(panel):
    alert = panel.field("gamma").get_by_role("alert")
    for typed, said in [("7", "gamma = 7.0 is not allowed: it must be at most 1."), ("much", "gamma = 'much'")]:
        panel.type("gamma", typed)
        expect(alert).to_contain_text(said)
        expect(panel.box("gamma")).to_have_value(typed)
        expect(panel.button("Create")).to_be_disabled()
    assert answer(panel, "print('agent' in dir())") == "False"
    panel.field("gamma").get_by_role("button", name="reset").click()
    expect(alert).to_have_count(0)
    expect(panel.box("gamma")).to_have_value("0.98")
    expect(panel.button("Create")).to_be_enabled()


def test_an_environment_that_does_not_exist_is_said_and_nothing_is_lost(panel):
    panel.type("gamma", "0.9")
    panel.type("environment", "CartPole-v9")
    expect(panel.output).to_contain_text("There is no environment 'CartPole-v9'.")
    expect(panel.output).to_contain_text("Did you mean 'CartPole-v1'?")
    panel.button("Create").click()
    assert answer(panel, "print('agent' in dir())") == "False"
    expect(panel.box("gamma")).to_have_value("0.9")
    panel.type("environment", "CartPole-v1")
    expect(panel.output).not_to_contain_text("There is no environment")
    panel.button("Create").click()
    expect(panel.output).to_contain_text("Created: it is in agent.")
    assert answer(panel, "print(agent.config.gamma)") == "0.9"


def test_from_the_form_to_a_kept_model_that_the_next_cell_uses(panel, kernel):
    panel.train("1e9")
    panel.redraws()
    assert answer(panel, "print(6 * 7)") == "42"
    panel.redraws()

    panel.button("Pause").click()
    expect(panel.button("Resume")).to_be_visible()
    assert "paused" in answer(panel, "%rl_jobs")
    panel.button("Resume").click()
    panel.redraws()

    handle = panel.button("Stop").element_handle()
    panel.page.evaluate(f"stop => {{ window.stopped = ({TIMED})(stop); }}", handle)
    handle.click()
    milliseconds = panel.page.evaluate("stopped")
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"stop-{kernel}.txt").write_text(f"{milliseconds:.0f} ms from a click on Stop to the card that says so\n")
    expect(panel.canvas).to_have_count(0)
    assert int(answer(panel, "print(agent.num_timesteps)")) < 100_000_000

    panel.button("Evaluate").click()
    expect(panel.output).to_contain_text(re.compile(r"Mean return [\d.]+ ± [\d.]+ over 100 episodes\."))
    panel.type("name", f"pole-{kernel}")
    panel.button("Save").click()
    expect(panel.output).to_contain_text(f"Kept as pole-{kernel}:1.")
    loaded = f"import rlkit; print(rlkit.load('pole-{kernel}').num_timesteps == agent.num_timesteps)"
    assert answer(panel, loaded) == "True"


def test_a_page_that_is_loaded_again_shows_the_panel_as_it_was_and_goes_on(panel):
    panel.type("gamma", "0.9")
    panel.train("1e9")
    panel.book.save()
    panel.book.open()
    again = Panel(panel.book)
    expect(again.box("gamma")).to_have_value("0.9")
    again.redraws()
    again.button("Stop").click()
    expect(again.output).to_contain_text("asked to stop")


def test_a_model_that_trains_is_not_trained_twice(panel):
    panel.train("1e9")
    expect(panel.button("Train")).to_be_disabled()
    assert "This model is training already." in answer(panel, "%rl_train agent --steps 10")
    panel.redraws()
    panel.button("Stop").click()
    expect(panel.button("Train")).to_be_enabled()


def test_a_panel_whose_kernel_was_restarted_says_so_and_shows_no_traceback(panel):
    panel.train("1e9")
    panel.page.evaluate(RESTART)
    shown = panel.output.locator(".rlkit-shown")
    expect(shown).to_have_class(re.compile("jupyter-widgets-disconnected"))
    assert "run the cell again" in shown.evaluate("shown => getComputedStyle(shown, '::before').content")
    assert answer(panel, "print(6 * 7)") == "42"
    assert "Traceback" not in panel.output.inner_text()
