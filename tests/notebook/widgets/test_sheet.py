from __future__ import annotations

import re

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
