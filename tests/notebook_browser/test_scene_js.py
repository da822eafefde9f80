"""The drawing of a scene, which both players share: parts stand where their poses say, each carried by the last."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from rlkit import watching
from rlkit.display.scripts import joined

from .page import empty_page

SOURCE = joined(Path(watching.__file__).with_name("scene.js"))
RED, GREEN, BLUE, BLACK, NOTHING = [255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [0, 0, 0, 255], [0, 0, 0, 0]
SCENE = {
    "width": 100,
    "height": 60,
    "ground": [["M0 50H100", "#000000", 8]],
    "parts": [[["M-5 -5h10v10h-10z", "#ff0000", 0]], [["M-2 -20h4v20h-4z", "#00ff00", 0]]],
    "push": ["M10 8h10", "#0000ff", 6],
}
DRAW = """(module, [scene, zoom, poses, push, points]) => {
  const canvas = new OffscreenCanvas(scene.width * zoom, scene.height * zoom);
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  brush.fillRect(0, 0, 1000, 1000);
  module.drawScene(brush, scene, zoom, poses, push);
  return points.map(([x, y]) => [...brush.getImageData(x, y, 1, 1).data]);
}"""


@pytest.fixture(scope="module")
def colours(browser):
    """Draw the scene above, and return the colours at some points of it."""
    page, complaints = empty_page(browser)
    module = page.evaluate_handle("load", SOURCE)

    def colours(points, poses=(40, 30, 0, 0, -5, 0), push=0, zoom=1):
        return module.evaluate(DRAW, [SCENE, zoom, list(poses), push, points])

    yield colours
    assert complaints == []
    page.context.close()


def test_what_never_moves_is_drawn_and_nothing_else_is_left(colours):
    assert colours([[90, 50], [90, 30]]) == [BLACK, NOTHING]


def test_parts_stand_where_their_poses_say(colours):
    assert colours([[40, 30], [40, 15], [40, 3]]) == [RED, GREEN, NOTHING]
    assert colours([[60, 30], [60, 15], [40, 30]], (60, 30, 0, 0, -5, 0)) == [RED, GREEN, NOTHING]


def test_a_part_is_turned_and_carries_the_next(colours):
    right = math.pi / 2  # clockwise
    assert colours([[55, 30], [40, 15]], (40, 30, 0, 0, 0, right)) == [GREEN, NOTHING]
    assert colours([[60, 30], [40, 15]], (40, 30, right, 0, -5, 0)) == [GREEN, NOTHING]


@pytest.mark.parametrize(("push", "left", "right"), [(0, NOTHING, NOTHING), (1, NOTHING, BLUE), (-1, BLUE, NOTHING)])
def test_the_push_is_carried_by_the_first_part_and_turned_to_its_side(colours, push, left, right):
    assert colours([[25, 38], [55, 38]], push=push) == [left, right]


def test_a_weaker_push_is_smaller(colours):
    assert colours([[55, 38], [48, 34]], push=0.5) == [NOTHING, BLUE]


def test_all_of_it_is_larger_with_a_larger_zoom(colours):
    assert colours([[80, 60], [80, 30], [180, 100]], zoom=2) == [RED, GREEN, BLACK]
