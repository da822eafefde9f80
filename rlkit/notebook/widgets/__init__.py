"""Widgets: forms, curves and tables to work with by hand, each usable alone."""
