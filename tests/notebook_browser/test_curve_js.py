"""The curve's script on a page without a kernel."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from rlkit.display.svg import Series
from rlkit.notebook.widgets.curve import Curve

from .page import Shown, empty_page, pixels, wait_for_change

WORDS = """() => {
  window.words = [];
  const really = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    words.push(text);
    really.call(this, text, ...rest);
  };
}"""


@pytest.fixture
def page(browser):
    page, complaints = empty_page(browser)
    page.evaluate(WORDS)
    yield page
    assert complaints == []
    page.context.close()


def drawn(*series, points=((), ()), **traits):
    curve = Curve(**traits)
    curve.draw(series, points, alt="Learning curve")
    return curve


MEAN = Series([0, 100, 200], [1, 5, 9], "mean 9")


@pytest.fixture
def shown(page):
    return Shown(page, drawn(MEAN, threshold=8.0, threshold_label="solved at 8"))


def canvas_of(shown):
    canvas = shown.place.locator("canvas")
    canvas.page.wait_for_function("canvas => canvas.width > 300", arg=canvas.element_handle())
    return canvas


def test_it_is_an_image_with_a_description_and_says_what_it_shows(page, shown):
    expect(page.get_by_role("img", name="Learning curve")).to_be_visible()
    canvas_of(shown)
    page.wait_for_function("words.length > 0")
    assert {"mean 9", "solved at 8", "return", "environment steps", "100", "4"} <= set(page.evaluate("words"))


def test_it_changes_when_its_lines_do(page, shown):
    canvas = canvas_of(shown)
    before = pixels(canvas)
    shown.set(lines=drawn(Series([0, 100, 200], [1, 2, 30], "mean 30")).lines)
    wait_for_change(canvas, before)


def test_nothing_to_show_is_said(page):
    canvas_of(Shown(page, drawn()))
    page.wait_for_function("words.includes('nothing to show yet')")


def test_pointing_tells_the_values_there_and_no_more_when_it_ends(page, shown):
    canvas = canvas_of(shown)
    before = pixels(canvas)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.wait_for_function("words.includes('100   mean: 5')")
    wait_for_change(canvas, before)
    page.mouse.move(5, 5)
    page.wait_for_function("([canvas, before]) => canvas.toDataURL() === before", arg=[canvas.element_handle(), before])


def test_another_theme_is_drawn_in_its_own_ink(page, shown):
    canvas = canvas_of(shown)
    before = pixels(canvas)
    page.evaluate("document.body.className = 'dark'")
    wait_for_change(canvas, before)


def test_it_is_as_wide_as_its_place(page, shown):
    canvas = canvas_of(shown)
    wide = canvas.evaluate("canvas => canvas.width")
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function("([canvas, wide]) => canvas.width < wide", arg=[canvas.element_handle(), wide])
    assert canvas.evaluate("canvas => canvas.width === canvas.parentElement.clientWidth")


def test_a_band_is_drawn_around_its_line(page):
    plain = canvas_of(Shown(page, drawn(Series([0, 1], [5, 5], "mean"), points=([0, 1], [0, 10]))))
    banded = canvas_of(Shown(page, drawn(Series([0, 1], [5, 5], "mean", [0, 0], [10, 10]), points=([0, 1], [0, 10]))))
    coloured = """canvas => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let i = 0; i < data.length; i += 4) found += data[i + 2] > data[i] + 60;
      return found;
    }"""
    page.wait_for_function(f"canvas => ({coloured})(canvas) > 0", arg=plain.element_handle())
    page.wait_for_function(f"canvas => ({coloured})(canvas) > 0", arg=banded.element_handle())
    assert banded.evaluate(coloured) > 10 * plain.evaluate(coloured)


def test_nothing_of_it_is_left_when_it_is_taken_away(page, shown):
    canvas_of(shown)
    assert shown.listeners() > 0
    assert page.evaluate("counts.observers.size") > 0
    shown.remove()
    assert shown.listeners() == 0
    assert page.evaluate("counts.observers.size") == 0
    page.evaluate("document.body.className = 'dark'")
    page.wait_for_function("counts.frames.size === 0")
