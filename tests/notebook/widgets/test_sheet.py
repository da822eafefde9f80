from __future__ import annotations

import re
from pathlib import Path

import rlkit
from rlkit.notebook.widgets.sheet import Sheet


def test_the_style_sheet_has_no_colours_of_its_own_for_text():
    sheet = Sheet()._css
    assert sheet.count("{") == sheet.count("}")
    assert set(re.findall(r"(?<![-\w])color: ([^;]+);", sheet)) == {"inherit"}
    assert "url(" not in sheet
    assert "@import" not in sheet


def test_every_rule_is_about_rlkit_alone():
    rules = re.sub(r"/\*.*?\*/", "", Sheet()._css, flags=re.DOTALL)
    selectors = [part.strip() for chunk in re.findall(r"([^{};]+)\{", rules) for part in chunk.split(",")]
    assert selectors
    assert [each for each in selectors if not each.startswith((".rlkit-", "@container"))] == []


def test_no_class_is_laid_out_as_a_grid_by_one_sheet_and_used_by_another():
    folder = Path(rlkit.__file__).parent / "notebook" / "widgets"
    sheets = {path.stem: path.read_text("utf-8") for path in folder.glob("*.css")}
    for name, sheet in sheets.items():
        for place in re.findall(r"^\.(rlkit-[\w-]+) \{\s*display: grid", sheet, flags=re.MULTILINE):
            assert [other for other in sheets if other != name and re.search(rf"{place}\b", sheets[other])] == []
