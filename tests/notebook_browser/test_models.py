"""The browser of models: found, chosen and changed with mouse and keyboard, while another program writes."""

import pytest
from playwright.sync_api import expect

import rlkit
from rlkit.registry import ModelRegistry

SHOW = """%load_ext rlkit
%rl_store {folder}
%rl_ui models"""


@pytest.fixture
def registry(tmp_path):
    """A registry of four versions, as another program has it open."""
    registry = ModelRegistry(tmp_path / "store")
    for number in range(1, 4):
        model = rlkit.create("ppo", env="CartPole-v1", seed=number, net_arch=[4])
        registry.register(model, "cartpole", metrics={"mean_return": 100.0 * number})
    registry.register(model, "acrobot", metrics={"mean_return": -80.0}, allow_duplicate=True)
    return registry


@pytest.fixture
def book(notebook, registry):
    book = notebook(SHOW.format(folder=registry.folder), "")
    assert book.run_all()
    expect(rows(book)).to_have_count(4)
    return book


def rows(book):
    return book.page.locator(".rlkit-versions tbody tr")


def row(book, ref):
    return book.page.locator(f".rlkit-versions tr[data-key='{ref}']")


def references(book, *expected):
    expect(rows(book).locator("th")).to_have_text(list(expected))


def test_versions_are_sorted_and_chosen_by_keyboard_alone(book):
    page, press = book.page, book.page.keyboard.press
    page.get_by_role("textbox", name="search").focus()
    for key in ["Tab", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"]:
        press(key)
    title = page.get_by_role("columnheader", name="mean return")
    expect(title).to_have_attribute("aria-sort", "descending")
    references(book, "cartpole:3", "cartpole:2", "cartpole:1", "acrobot:1")
    press("Enter")
    expect(title).to_have_attribute("aria-sort", "ascending")
    references(book, "acrobot:1", "cartpole:1", "cartpole:2", "cartpole:3")
    press("ArrowDown")
    expect(row(book, "acrobot:1")).to_be_focused()
    for key in ["End", "ArrowUp", "Enter"]:
        press(key)
    expect(row(book, "cartpole:2")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="Overview")).to_be_visible()
    for key in ["ArrowDown", "Space"]:
        press(key)
    expect(page.locator(".rlkit-comparison")).to_contain_text("2 versions compared")
    press("Space")
    expect(row(book, "cartpole:3")).to_have_attribute("aria-selected", "false")
    expect(page.locator(".rlkit-comparison")).to_be_hidden()


def test_what_another_program_changes_appears_and_the_row_keeps_the_focus(book, registry):
    row(book, "cartpole:2").click()
    registry.tag("cartpole:1", "theirs")
    expect(row(book, "cartpole:1")).to_contain_text("theirs")
    expect(row(book, "cartpole:2")).to_be_focused()
    expect(row(book, "cartpole:2")).to_have_attribute("aria-selected", "true")
    registry.delete("cartpole:2")
    expect(book.page.locator(".rlkit-versions")).to_contain_text("Not there any more: cartpole:2.")
    expect(rows(book)).to_have_count(3)


def test_a_version_is_found_loaded_deleted_and_restored(book, registry):
    page = book.page
    page.get_by_role("textbox", name="search").fill("metrics.mean_return > 250")
    references(book, "cartpole:3")
    row(book, "cartpole:3").click()
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator(".rlkit-actions")).to_contain_text("agent holds cartpole:3.")

    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete…")).to_be_focused()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete cartpole:3").click()
    expect(rows(book)).to_have_count(0)

    page.get_by_role("button", name="Trash").click()
    page.get_by_label("Select cartpole:3").check()
    page.get_by_role("button", name="Restore…").click()
    page.get_by_role("button", name="Restore cartpole:3").click()
    references(book, "cartpole:3")
    expect(book.outputs(book.run("agent.algorithm"))).to_contain_text("ppo")
    book.keep("models")
