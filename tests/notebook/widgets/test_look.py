from __future__ import annotations

import re

import ipywidgets
import pytest

from rlkit.notebook.widgets.look import Look, close, labelled, style_sheet


def test_widgets_of_one_look_share_layout_and_style():
    look = Look()
    one, other = (look.make(ipywidgets.Text, "a", description=name) for name in "xy")
    assert one.layout is other.layout is look.shown
    assert one.style is other.style
    assert one._dom_classes == ("a",)
    assert look.make(ipywidgets.Button).style is not one.style


def test_looks_share_nothing():
    assert Look().shown is not Look().shown


def test_a_layout_shows_or_hides():
    look = Look()
    assert look.layout(shown=True).display is None
    assert look.layout(shown=False).display == "none"


def test_closing_closes_what_is_inside_and_not_what_is_shared():
    look = Look()
    inner = look.make(ipywidgets.Text)
    outer = look.make(ipywidgets.HBox, children=[look.make(ipywidgets.VBox, children=[inner])])
    close(outer)
    assert inner.comm is outer.comm is None
    assert look.shown.comm is not None
    assert inner.style.comm is not None


def test_a_label_has_a_tooltip_and_nothing_in_it_is_markup():
    look = Look()
    box = look.make(ipywidgets.Text, **labelled("a<b", 'So "called".'))
    assert box.description == '<span title="So &quot;called&quot;.">a&lt;b</span>'
    assert box.description_allow_html


SHEETS = pytest.mark.parametrize("name", ["form", "browser"])


@SHEETS
def test_a_style_sheet_is_one_element_without_colours_of_its_own_for_text(name):
    sheet = style_sheet(name)
    assert sheet.startswith("<style>")
    assert sheet.endswith("</style>")
    assert sheet.count("{") == sheet.count("}")
    assert set(re.findall(r"(?<![-\w])color: ([^;]+);", sheet)) == {"inherit"}
    assert "url(" not in sheet
    assert "@import" not in sheet


@SHEETS
def test_every_rule_is_about_rlkit_alone(name):
    rules = re.sub(r"/\*.*?\*/", "", style_sheet(name).removeprefix("<style>"), flags=re.DOTALL)
    selectors = [part.strip() for chunk in re.findall(r"([^{};]+)\{", rules) for part in chunk.split(",")]
    assert selectors
    assert [each for each in selectors if not each.startswith((".rlkit-", "@container"))] == []
