"""How results look: text, HTML and SVG as plain strings, for ``__repr__`` and ``_repr_html_``.

Nothing here knows IPython or draws with a plotting library, so every class of rlkit may use it.
"""
