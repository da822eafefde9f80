"""HTML rendering."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st

from rlkit.display import html, svg

# What JupyterLab's sanitizer leaves of a notebook it does not trust; `picture`, `svg` and `style` are not among it.
KEPT_TAGS = set(
    re.findall(
        r"\w+",
        """a b br caption code dd details div dl dt em hr i img li p pre small span strong summary table tbody td th
        thead tr ul""",
    )
)
KEPT_ATTRIBUTES = {"style", "scope", "src", "alt", "width", "open"}
KEPT_PROPERTIES = set(
    re.findall(
        r"[\w-]+",
        """align-items background border border-bottom border-collapse border-radius border-top box-sizing caption-side
        color cursor display flex flex-wrap float font font-size font-weight gap grid-template-columns height
        line-height margin margin-top max-width min-width opacity overflow-wrap overflow-x padding padding-top
        text-align white-space width""",
    )
)
LOST_VALUES = re.compile(r"var\(|calc\(|url\(|inherit|!important|\banywhere\b")
ANY_TEXT = st.text(st.characters(), max_size=30)  # lone surrogates and control characters included
VOID = {"img", "br", "hr"}


class Reading(HTMLParser):
    """Collects tags, attributes and text, and fails where tags do not match."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.opened, self.tags, self.attributes, self.words = [], [], [], ""
        self.feed(markup)
        self.close()
        assert self.opened == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        self.words += data


SETTINGS = [
    (name, 0.0003125, source, "What it is for, in one short sentence of a usual length.")
    for name, source in zip([f"learning_rate_{i}" for i in range(24)], ["default", "you", "preset"] * 8, strict=True)
]


def full_card():
    table = html.table(
        ("version", "steps"),
        [(html.code("a:1"), 3), (html.badge("best", "good"), None)],
        caption="all",
        marked={(0, 1)},
    )
    return html.card(
        "PPO",
        html.join("on ", html.badges(["x", "y"], "accent"), " & more"),
        [("steps", 100_096), ("git", html.code("3f2a91c")), ("seed", None)],
        html.join(html.alarm("It broke.\nMend it."), svg.picture(svg.learning_curve([1, 2], [3, 4]), "A curve")),
        [("Settings", html.config_table(SETTINGS)), ("Versions", table), ("Tree", html.preformatted("└─ x"))],
    )


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "\" onload='x'", "a & b < c", "<b>"])
def test_text_is_escaped_wherever_it_may_stand(hostile):
    pieces = [
        html.escape(hostile),
        html.badge(hostile),
        html.code(hostile),
        html.muted(hostile),
        html.alarm(hostile),
        html.alarm(f"It broke.\n{hostile}"),
        html.join(hostile, hostile, separator=hostile),
        html.field_list([(hostile, hostile)]),
        html.table([hostile], [[hostile]], caption=hostile),
        html.config_table([(hostile, hostile, hostile, hostile)]),
        html.table([hostile], [[hostile]], marked={(0, 0)}),
        html.preformatted(hostile),
        html.fold(hostile, html.escape(hostile)),
        html.card(hostile, hostile, [(hostile, hostile)], details=[(hostile, html.escape(hostile))]),
        svg.picture("<svg/>", hostile),
    ]
    for piece in pieces:
        reading = Reading(piece)
        assert "script" not in reading.tags
        assert "b" not in reading.tags
        assert "onload" not in dict(reading.attributes)
        assert hostile in reading.words or dict(reading.attributes)["alt"] == hostile


def test_markup_is_taken_as_it_is_and_escaped_once():
    badge = html.badge("a & b")
    assert html.escape(badge) is badge
    assert html.table(["tag"], [[badge]]).count("a &amp; b") == 1


@given(ANY_TEXT)
def test_any_text_reads_back_from_a_card(words):
    reading = Reading(html.card(words, words))
    expected = "".join(c if c in "\t\n\r" or html.escape(c) != "\ufffd" else "\ufffd" for c in words)
    assert reading.words == 2 * expected
    html.card(words).encode()


def test_a_sanitizer_finds_nothing_to_remove():
    reading = Reading(full_card())
    assert set(reading.tags) <= KEPT_TAGS
    assert {name for name, _ in reading.attributes} <= KEPT_ATTRIBUTES
    styles = [value for name, value in reading.attributes if name == "style"]
    declarations = [declaration.split(":", 1) for style in styles for declaration in style.split(";")]
    assert {name for name, _ in declarations} <= KEPT_PROPERTIES
    assert not [value for _, value in declarations if LOST_VALUES.search(value)]


def test_text_has_the_colour_of_its_page_or_one_accent():
    assert set(re.findall(r"[\";]color:([^;\"]*)", full_card())) == {svg.PALETTE[0]}


def test_the_same_card_has_the_same_bytes():
    assert full_card() == full_card()


def test_a_card_with_all_settings_of_an_algorithm_is_under_ten_kilobytes():
    facts = [(f"fact {i}", i * 1.5) for i in range(8)]
    card = html.card("PPO", "CartPole-v1", facts, details=[("Settings", html.config_table(SETTINGS[:18]))])
    assert len(card.encode()) < 10_000


def test_an_empty_card_is_its_title():
    reading = Reading(html.card("PPO"))
    assert reading.words == "PPO"
    assert "dl" not in reading.tags


def test_a_table_names_its_rows_and_columns_for_screen_readers():
    markup = html.table(("name", "steps"), [("a", 1), ("b", 2)])
    assert markup.count('<th scope="col"') == 2
    assert markup.count('<th scope="row"') == 2
    assert markup.count("<td") == 2


def test_numbers_stand_right_unless_columns_are_named():
    rows = [("a", 1_000, "x"), ("b", None, "y")]
    right = [i for i, cell in enumerate(re.findall(r"text-align:(\w+)", html.table("ABC", rows))) if cell == "right"]
    assert right == [1, 4, 7]
    assert "text-align:right" not in html.table("ABC", rows, numeric=())
    assert html.table("ABC", rows, numeric={0, 2}).count("text-align:right") == 6


def test_numbers_in_a_table_have_common_places():
    assert Reading(html.table(["x"], [[212.44], [487.0]])).words == "x212.4487.0"


def test_a_marked_cell_is_bold_and_tinted():
    markup = html.table("AB", [("x", 1), ("y", 2)], marked={(1, 1)})
    assert re.findall(r"<strong>(.*?)</strong>", markup) == ["2"]
    assert re.findall(r'background:[^"]*"><strong>(.)', markup) == ["2"]


def test_an_alarm_has_its_first_line_in_bold_and_is_nothing_without_text():
    assert re.findall(r"<strong>(.*?)</strong>", html.alarm("It broke.\nMend it.")) == ["It broke."]
    assert Reading(html.alarm("It broke.\nMend it.")).words == "It broke.Mend it."
    assert html.alarm("") == ""


def test_preformatted_text_keeps_its_spaces_and_lines():
    assert Reading(html.preformatted("a  b\n  c")).words == "a  b\n  c"


def test_what_somebody_chose_stands_out_in_a_config_table():
    chosen = html.config_table([("gamma", 0.98, "you", "Discount.")])
    untouched = html.config_table([("gamma", 0.98, "default", "Discount.")])
    assert "<strong>" in chosen
    assert f"color:{svg.PALETTE[0]}" in chosen
    assert "<strong>" not in untouched
    assert "color" not in untouched


def test_a_fold_may_start_open():
    assert Reading(html.fold("more", "x", opened=True)).attributes[0] == ("open", None)
    assert "open" not in dict(Reading(html.fold("more", "x")).attributes)
