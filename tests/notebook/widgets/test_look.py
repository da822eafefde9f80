from __future__ import annotations

import ipywidgets

from rlkit.notebook.widgets.look import Look, close, labelled


def test_widgets_of_one_look_share_layout_and_style():
    look = Look()
    one, other = (look.make(ipywidgets.Text, "a", description=name) for name in "xy")
    assert one.layout is other.layout is look.shown
    assert one.style is other.style
    assert one._dom_classes == ("a",)
    assert look.make(ipywidgets.Button).style is not one.style


def test_the_style_sheet_comes_in_a_widget_that_is_not_seen():
    look = Look()
    assert look.sheet().layout is look.hidden


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
