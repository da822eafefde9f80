"""Copyable: text that a person takes elsewhere, with a button to copy it."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Unicode


class Copyable(anywidget.AnyWidget):
    """Text of one line or several, with a button that copies it.

    Attributes:
        text: What is copied; empty while there is nothing.
        label: What it is, for those who do not see it.
        placeholder: What stands there while there is nothing.
    """

    _esm = Path(__file__).with_name("copyable.js")

    text = Unicode().tag(sync=True)
    label = Unicode("text").tag(sync=True)
    placeholder = Unicode().tag(sync=True)
