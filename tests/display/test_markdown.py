"""Markdown rendering."""

import html
import re

import mistune
import pytest
from hypothesis import given, strategies as st

from rlkit.display import markdown, text

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def rendered(source):
    return mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])(source)


def shown(page):
    return html.unescape(re.sub(r"<[^>]*>", "", page)).strip()


def expected(words):
    return text.one_line(words).replace("\ufffd", "")


@given(ANY_TEXT)
def test_any_text_reads_back_from_code_in_a_cell(words):
    page = rendered(markdown.table(("x", "y"), [(markdown.code(words), "end")]))
    assert page.count("<td>") == 2
    (cell,) = re.findall(r"<td>(.*)</td>\s*<td>end", page, re.DOTALL)
    assert "<code>" in cell or not cell
    assert shown(cell).replace("\ufffd", "") == expected(words)


@pytest.mark.parametrize(
    "words", ["a|b", "\\|", "*a* _b_ ~~c~~", "[a](b) ![c](d)", "<b>", "`x` ``", "&lt;", "$x$", "@x #1"]
)
def test_what_has_a_meaning_in_markdown_reads_back_from_a_line(words):
    page = rendered(markdown.table(("x",), [(markdown.escape(words),)]))
    (cell,) = re.findall(r"<td>(.*)</td>", page)
    assert "<" not in cell
    assert shown(cell) == words
    assert shown(rendered(f"It says {markdown.escape(words)}.")) == f"It says {words}."


def test_plain_words_stay_readable():
    assert markdown.escape("Proximal Policy Optimization: 1,024 steps (a few).") == (
        "Proximal Policy Optimization: 1,024 steps (a few)."
    )
    assert markdown.code("lin_0.001") == "`lin_0.001`"
    assert markdown.code({"pi": [64, 64]}) == "`{'pi': [64, 64]}`"
    assert markdown.code("") == ""


def test_a_block_of_code_cannot_be_left():
    source = "x = 1\n```\n# heading\n````"
    page = rendered(markdown.block(source, "python"))
    assert "<h1>" not in page
    assert page.count("<pre>") == 1


def test_numbers_stand_on_the_right():
    assert markdown.table(("a", "b"), [("x", "1")], numeric={1}).splitlines() == [
        "| a | b |",
        "| --- | ---: |",
        "| x | 1 |",
    ]


def test_lists_have_a_line_for_each_entry():
    assert markdown.bullets(["a", "b"]) == "- a\n- b"
    assert markdown.bullets([]) == ""


@pytest.mark.parametrize(
    ("source", "added"),
    [
        ("plain", ""),
        ("```\nx\n```", ""),
        ("```\nx", "\n```"),
        ("````\n```\nx", "\n````"),
        ("~~~ python\n```", "\n~~~"),
        ("```\nx\n``` not an end", "\n```"),
        ("a <!-- b --> c", ""),
        ("a <!-- b", " -->"),
    ],
)
def test_what_goes_on_beyond_its_end_is_ended(source, added):
    assert markdown.closed(source) == source + added
