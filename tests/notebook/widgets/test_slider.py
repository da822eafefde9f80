import pytest
from traitlets import TraitError

from rlkit.notebook.widgets.slider import Slider


def test_a_slider_stands_at_one_of_its_marks_only():
    slider = Slider(marks=["low", "middle", "high"], place=2)
    for wrong in (3, -1):
        with pytest.raises(TraitError, match="among 3 marks"):
            slider.place = wrong
    assert slider.place == 2


def test_a_slider_has_marks():
    with pytest.raises(TraitError):
        Slider(marks=[])


def test_its_script_is_small_as_every_slider_sends_it():
    assert len(Slider()._esm) < 1500
