"""Only what Python says of the table: a browser must draw it to try the rest."""

from rlkit.notebook.widgets.models.table import Table


def test_what_the_browser_needs_is_sent_to_it():
    table = Table(
        label="Models", columns=[{"name": "ref"}], rows=[{"key": "a:1", "cells": []}], sort="ref", selected=["a:1"]
    )
    sent = table.get_state()
    assert {"label", "columns", "rows", "sort", "sortable", "selected"} <= sent.keys()
    assert sent["sortable"]


def test_its_script_asks_nobody_and_takes_no_text_for_markup():
    script = str(Table._esm)
    assert "createElement" in script
    assert not any(word in script for word in ("innerHTML", "insertAdjacentHTML", "http:", "https:", "import "))
