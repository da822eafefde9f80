"""The episode player in a notebook: page and kernel say the same, and JupyterLab leaves its keys alone."""

from playwright.sync_api import expect

CELLS = (
    """\
import dataclasses
import ipywidgets, traitlets
import rlkit
from rlkit.notebook.widgets.player import EpisodePlayer
agent = rlkit.create("ppo", env="Pendulum-v1", seed=0, net_arch=[4])""",
    """\
player = EpisodePlayer(dataclasses.replace(agent.watch(1), rate=1))  # minutes, for whatever is tried meanwhile
slider = ipywidgets.IntSlider(description="linked")
traitlets.dlink((player, "length"), (slider, "max"))
traitlets.link((player, "step"), (slider, "value"))
ipywidgets.VBox([player, slider])""",
    "",
)


def test_page_and_kernel_move_each_other(notebook):
    book = notebook(*CELLS)
    assert book.run_all()
    output = book.outputs(1)
    player, linked = output.locator(".rlkit-player"), output.locator(".widget-readout")
    step = player.locator("dd").first

    # It plays when it is seen, and the kernel hears of it.
    expect(step).not_to_have_text("0 of 200")
    expect(linked).not_to_have_text("0")
    player.get_by_role("button", name="Pause").click()
    player.get_by_role("slider").fill("42")
    expect(step).to_have_text("42 of 200")
    expect(linked).to_have_text("42")
    expect(book.outputs(book.run("print(player.step, player.playing)"))).to_have_text("42 False")

    # Keys are the player's, not the notebook's.
    player.get_by_role("button", name="Play").focus()
    for key, reached in [("ArrowDown", "41"), ("End", "200"), ("ArrowLeft", "199"), ("Home", "0"), ("ArrowRight", "1")]:
        book.page.keyboard.press(key)
        expect(step).to_have_text(f"{reached} of 200")
        expect(linked).to_have_text(reached)
    expect(player.get_by_role("button", name="Play")).to_be_focused()

    # Python moves the picture, and plays.
    book.run("player.step = 120")
    expect(step).to_have_text("120 of 200")
    book.run("player.step, player.speed, player.playing = 190, 4, True")
    expect(step).to_have_text("200 of 200")
    expect(linked).to_have_text("200")
    expect(book.outputs(book.run("print(player.step, player.playing)"))).to_have_text("200 False")

    # What is taken away while it plays is gone without a complaint.
    book.run("player.step, player.speed, player.playing = 0, 0.25, True")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    book.page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(book.page.locator(".rlkit-player")).to_have_count(0)
