"""Markdown rendering."""

import html
import re
from html.parser import HTMLParser

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
    assert "<" not in re.sub("</?span>", "", cell)
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


ALLOWED = {"p", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br", "a"}
ALLOWED |= {"table", "thead", "tbody", "tr", "th", "td", "span"}
SCRIPT = "<script>x()</script>"
ATTACKS = [
    SCRIPT,
    "<img src=x onerror=x()>",
    "<iframe srcdoc='<script>x()</script>'>",
    "<details open ontoggle=x()>",
    "<svg><animate onbegin=x() attributeName=x dur=1s>",
    "<style>*{display:none}</style>",
    "<!-- hidden",
    "a <!-- hidden",
    "<a href=javascript:x()>x</a>",
    "<javascript:x()>",
    "[x](javascript:x())",
    "[x](  JaVaScRiPt:x())",
    "[x](<java\nscript:x()>)",
    "[x](javascript&colon;x())",
    "[x](&#106;avascript:x())",
    "[x](data:text/html,<script>x()</script>)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](relative.html)",
    '[x](https://a.b/"onmouseover=x())',
    "[x](<https://a.b/ > <script>x()</script>>)",
    "[x](https://a.b 'title\" onclick=x()')",
    "[x][r]\n\n[r]: javascript:x()",
    "![x](https://tracker.example/pixel.png)",
    "![x][r]\n\n[r]: https://tracker.example/pixel.png",
    "[![x](https://tracker.example/a.png)](https://a.b)",
    "![x](javascript:x())",
    "```html\n<script>x()</script>",
    '```mermaid\ngraph LR; a-->b; click a href "javascript:x()"\n```',
    "~~~~\n</code></pre><script>x()</script>",
    "    <script>x()</script>",
    "- ```\n  <script>x()</script>\n",
    "> ```\n> <script>x()</script>\n",
    "`<script>x()</script>`",
    "`[x](javascript:x())``y`",
    "`` ` `` `<b>`",
    "|a|b|\n|-|-|\n|<script>x()</script>|`|<b>`|",
    "&lt;script&gt;x()&lt;/script&gt;",
    "\\<script>x()\\</script>",
    "*<script>*x()</script>",
    "# <script>x()</script>\n===\n---",
    "text\n&#45;--\n&#35; h",
    "&#96;&#96;&#96;\nx",
    ":::{raw} html\n<script>x()</script>\n:::",
    "`<script>x()</script>`{=html}",
    r"\![x](https://tracker.example/pixel.png)",
    "\\\n[x](https://a/autofocus/tabindex=1/onfocus=location=name//)",
    "<" * 50 + "[" * 50 + "!" * 50 + ">" * 50,
]


class Page(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_comment(self, data):
        self.tags.append("comment")

    def handle_data(self, data):
        self.words += data


def unharmed(source):
    """Return a page made of somebody's Markdown by a renderer that lets HTML pass, after having looked at all tags."""
    page = Page(rendered(f"# Title\n\n{markdown.tamed(source)}\n\n## The end\n"))
    assert page.tags[0] == "h1"
    assert page.tags.count("h2") == 1
    assert page.tags[-1] == "h2"
    assert set(page.tags[1:-1]) <= ALLOWED
    aligned = {("style", "text-align:right")}
    assert all(name == "href" or (name, value) in aligned for name, value in page.attributes)
    assert all(
        value.lower().startswith(("https://", "http://", "mailto:"))
        for name, value in page.attributes
        if name == "href"
    )
    return page


@pytest.mark.parametrize("source", ATTACKS)
def test_somebodys_markdown_runs_nothing_loads_nothing_and_ends(source):
    page = unharmed(source)
    assert not re.search(r"<(?!/?(?:pre|code|span)>)", markdown.tamed(source))
    if SCRIPT in source and "data:" not in source:
        assert SCRIPT in page.words


SIGNS = "* ** _ ` [ ]( ) < > ![ ](javascript:x) ](https://a.b) <b> | |-|-| &lt; &#60; &#96; \\ $ <!-- --> [r]: x == !"
FRAGMENTS = st.sampled_from(
    [*SIGNS.split(), "```\n", "~~~\n", "<b ", "\n", "\n\n", "- ", "1. ", "> ", "# ", "    ", "\t"],
)


@given(st.lists(FRAGMENTS | ANY_TEXT, max_size=40).map("".join))
def test_no_text_is_a_harm(source):
    unharmed(source)


def test_what_formats_text_stays():
    source = (
        "## Why\n\nIt *balances* the **pole**: see [the paper](https://arxiv.org/abs/1?a=1&b=2) or "
        "[me](mailto:a@b.org), `gamma = 0.9`.  \nIt is\nmean_return.\n\n3. one\n4. two\n   - inner\n\n> quoted\n\n"
        "```python\nx = 1\n\ny = 2\n```\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n\n***\n"
    )
    kept = markdown.tamed(source)
    assert rendered(kept) == rendered(source.replace("## ", "#### ")).replace(' class="language-python"', "")
    assert "mean_return" in kept


def test_a_picture_becomes_a_link_to_it():
    assert markdown.tamed("![a curve](https://a.b/c.png)") == "[a curve](https://a.b/c.png)"
    assert markdown.tamed("[![ci](https://a.b/c.svg)](https://a.b)") == "[ci](https://a.b)"
    assert markdown.tamed("![](https://a.b/c.png)") == "[link](https://a.b/c.png)"


def test_mathematics_is_text_where_jupyterlab_looks_for_it():
    kept = markdown.tamed(r"costs $5 and $6, \\(x\\), \begin{align}")
    assert "$" not in kept
    assert "\\" not in kept
    assert Page(rendered(kept)).words.strip() == r"costs $5 and $6, \(x\), \begin{align}"


def test_control_characters_are_visible():
    kept = markdown.tamed("a\x1b[31mb \u202ec `\x9bd`\n\n```\n\x1b[2J\n```")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", kept)
    words = Page(rendered(kept)).words
    assert all(written in words for written in (r"a\x1b[31mb", r"\u202ec", r"\x9bd", r"\x1b[2J"))


@pytest.mark.parametrize("source", ["*" * 30_000, "[" * 19_000, "> " * 9_000 + "x", "a <b> *c*\n\n- d\n" * 3_000])
def test_what_is_long_or_nested_deep_is_shown_all_the_same(source):
    unharmed(source)
