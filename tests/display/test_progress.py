"""A progress bar in HTML."""

from rlkit.display.html import Markup
from rlkit.display.progress import progress_bar


def test_a_bar_is_as_long_as_the_part_that_is_done_and_no_longer_than_all():
    assert "width:12.5%" in progress_bar("x", 0.125, "")
    assert "width:100.0%" in progress_bar("x", 1.7, "")
    assert "width:0.0%" in progress_bar("x", -1, "")


def test_text_is_escaped_and_a_picture_is_taken_as_it_is():
    bar = progress_bar("<b>", 0.5, "<i>", Markup('<img src="x">'))
    assert "&lt;b&gt;" in bar
    assert "&lt;i&gt;" in bar
    assert '<img src="x">' in bar


def test_without_a_picture_there_is_no_room_for_one():
    assert progress_bar("x", 0.5, "y").count("<div") == progress_bar("x", 0.5, "y", "<img>").count("<div") - 1
