"""Widgets to choose by hand what can be typed: parts that can be used alone, and forms made of them.

Importing this package loads ipywidgets, so whoever uses it imports it where it is used.
"""
