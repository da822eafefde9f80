"""A notebook with every display: what is saved of it, and what it looks like later, trusted or not, light or dark."""

import json

import nbformat
import pytest
from playwright.sync_api import TimeoutError, expect  # noqa: A004 - Playwright's own

from .notebook import Notebook, new_page

CELLS = (
    """\
%load_ext rlkit
%rl_store models;
import rlkit
small = rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[16], learning_rate=1e-3)
small.train(4_000, progress=False)
small.evaluate(5, seed=1)
first = rlkit.register(small, "cartpole", tags=["baseline"], description="A small one, to compare with.")
small.train(8_000, progress=False)
small.evaluate(5, seed=1)
second = rlkit.register(small, "cartpole", tags=["longer"])
walker = rlkit.create("ppo", env="FrozenLake-v1", seed=0)""",
    "agent = %rl_create ppo CartPole-v1 --seed 0 --learning-rate 1e-3\nagent",
    "%rl_config ppo CartPole-v1 --learning-rate 1e-3",
    "%rl_train agent --steps 20_000 --eval-every 5_000",
    "%rl_eval agent --episodes 20",
    "%rl_watch agent --seed 1",
    "%rl_watch walker --seed 1 --max-steps 20",
    "%rl_save agent cartpole --tag baseline --alias best",
    "%rl_models",
    "%rl_show cartpole",
    "%rl_show cartpole@best",
    "%rl_search \"metrics.mean_return > 0 and 'baseline' in tags\"",
    "%rl_compare cartpole:1 cartpole:2 cartpole:3",
    "%rl_diff cartpole:1 cartpole:2",
    "%rl_lineage cartpole:2",
    "%rl_card cartpole@best",
    "%rl_inspect cartpole@best",
    "%rl_verify",
    "%rl_delete cartpole:3",
    "%rl_prune cartpole --keep 1 --dry-run",
    "%rl_gc --dry-run",
    "%rl_store",
    "%rl_algos",
    "%rl_algos ppo",
    "%rl_envs Cart",
    "%rl_envs CartPole-v1",
    "job = %rl_train small --steps 500 --background\nhistory = %rl_jobs small --wait",
    "%rl_jobs",
    "%rl_help",
    "%rl_help save",
    "%rl_train agent --step 100",
)
WATCHED = CELLS.index("%rl_watch agent --seed 1")


SHOWN = """async cell => {
  const pictures = [...cell.querySelectorAll(".jp-OutputArea img")];
  await Promise.all(pictures.map(picture => picture.decode()));
  const copy = cell.querySelector(".jp-Cell-outputWrapper").cloneNode(true);
  copy.querySelectorAll(".jp-OutputPrompt, script, canvas, canvas ~ *").forEach(node => node.remove());
  return [copy.textContent.trim(), ...pictures.map(picture => picture.naturalWidth)];
}"""
"""Text and pictures, without the player's moving figures, in whose place an untrusted notebook has a still picture."""
NEEDED = "cell => Math.ceil(cell.getBoundingClientRect().bottom) + 60"


@pytest.fixture(scope="module")
def saved(lab, browser):
    """The name of a notebook that was run and saved, and what it showed then."""
    lab.write("saved.ipynb", CELLS)
    book = Notebook(new_page(browser), lab, "saved.ipynb")
    book.open()
    assert not book.run_all()  # the last cell is wrong
    book.save()
    then = shown(book)
    book.close()
    return book.name, then


def look_at(book, name):
    """Make the page as tall as the notebook, and keep a picture of it for people to look at."""
    height = 0
    while (needed := book.cell(-1).evaluate(NEEDED)) > height:
        height = needed  # cells below the edge have not been measured
        book.page.set_viewport_size({"width": 1200, "height": height})
    book.keep(name)


def shown(book):
    """What each cell says, and how wide its pictures are; fails where one is broken."""
    return [book.cell(index).evaluate(SHOWN) for index in range(len(CELLS))]


def shows(book, then):
    """Wait until each cell says what it said then, and its pictures are as wide."""
    for index, expected in enumerate(then):
        arguments = [book.cell(index).element_handle(), json.dumps(expected, separators=(",", ":"), ensure_ascii=False)]
        try:
            book.page.wait_for_function(
                f"async ([cell, expected]) => JSON.stringify(await ({SHOWN})(cell)) === expected", arg=arguments
            )
        except TimeoutError:
            assert book.cell(index).evaluate(SHOWN) == expected


def test_what_is_saved_is_small_and_nothing_of_the_way_there(lab, saved):
    name, _ = saved
    outputs = [cell.outputs for cell in lab.read(name).cells]
    assert max(len(str(output)) for of_cell in outputs for output in of_cell) < 50_000
    assert [len(of_cell) for of_cell in outputs] == [0, *[1] * (len(CELLS) - 1)]
    assert {output.output_type for of_cell in outputs[:-1] for output in of_cell} == {"display_data", "execute_result"}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_saved_notebook_shows_the_same_in_either_theme_and_plays(lab, show, saved, theme):
    name, then = saved
    lab.set("apputils", "themes", {"theme": f"JupyterLab {theme}"})
    book = show(name)
    look_at(book, theme.lower())
    shows(book, then)
    expect(book.outputs(WATCHED).locator("canvas")).to_be_visible()
    expect(book.outputs(WATCHED).locator("img")).to_be_hidden()


def test_an_untrusted_notebook_shows_the_same_in_still_pictures_and_runs_nothing(lab, show, saved):
    name, then = saved
    lab.set("apputils", "themes", {"theme": "JupyterLab Light"})
    copy = lab.read(name)
    copy.metadata["changed"] = True  # so that nobody here has signed it
    nbformat.write(copy, lab.root / "untrusted.ipynb")
    book = show("untrusted.ipynb")
    look_at(book, "untrusted")
    shows(book, then)
    expect(book.outputs(WATCHED).locator("img")).to_be_visible()
    assert book.page.locator(".jp-OutputArea").locator("canvas, script, style").count() == 0
