"""HTML rendering."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st

from rlkit.display import html, svg
from rlkit.errors import visible

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
    assert reading.words == 2 * visible(words, keep="\t\n\r")
    html.card(words).encode()


@pytest.mark.parametrize("mathematics", ["$x$", "from $5 to $7", "$$x$$", r"\(x\)", r"\[x\]"])
def test_nothing_is_taken_for_mathematics(mathematics):
    written = html.plain(mathematics)
    assert Reading(written).words == mathematics
    between_tags = re.split(r"<[^>]*>", written)
    assert not [part for part in between_tags if len(part) > 1 and re.search(r"\$|\\[(\[]", part)]
    assert Reading(html.card(mathematics, mathematics, [("x", mathematics)])).tags.count("span") > 3


def test_text_that_turns_its_direction_round_cannot_turn_its_surroundings():
    assert html.escape("a\u202eb\u2066c\x9bd\x7f") == r"a\u202eb\u2066c\x9bd\x7f"
    assert html.escape("עברית") == "עברית"


@pytest.mark.parametrize("write", [html.badge, lambda word: html.field_list([(word, word)]), html.card])
def test_very_long_text_is_cut_in_its_middle(write):
    words = Reading(write("a" * 500 + "b" * 500)).words
    assert len(words) <= 2 * 120
    assert "a…b" in words


def test_of_very_many_badges_the_first_are_shown_and_the_rest_counted():
    assert Reading(html.badges("abcdefgh")).words == "a b c d e f and 2 more"


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
    assert "opacity" not in chosen.partition("you")[0].rpartition("<td")[2]
    assert "<strong>" not in untouched
    assert "opacity" in untouched.partition("default")[0].rpartition("<td")[2]


def test_a_short_value_stays_on_its_line_in_a_config_table():
    assert "white-space:nowrap" in html.config_table([("net_arch", [64, 64], "default", "Hidden layers.")])
    assert "white-space:nowrap" not in html.config_table([("net_arch", [64] * 20, "default", "Hidden layers.")])


def test_a_config_table_without_meanings_has_no_column_for_them():
    assert "meaning" in html.config_table([("gamma", 0.98, "you", "Discount."), ("tau", 1.0, "you", "")])
    assert "meaning" not in html.config_table([("gamma", 0.98, "you", "")])


def test_a_fold_may_start_open():
    assert Reading(html.fold("more", "x", opened=True)).attributes[0] == ("open", None)
    assert "open" not in dict(Reading(html.fold("more", "x")).attributes)


def lines(count):
    return lambda shown: html.Markup("x" * 300 * shown + (f"{count - shown} more" if shown < count else ""))


@pytest.mark.parametrize("count", [0, 1, 33])
def test_all_that_fits_is_shown(count):
    assert html.as_many_as_fit(lines(count), count) == lines(count)(count)


@pytest.mark.parametrize("count", [34, 99, 100, 101, 100_000])
def test_as_many_as_fit_in_ten_kilobytes_are_shown_and_the_rest_counted(count):
    assert html.as_many_as_fit(lines(count), count) == lines(count)(33)


def test_pictures_do_not_count_and_no_more_than_a_hundred_items_are_shown():
    picture = svg.picture("x" * 50_000, "A picture")
    shown = html.as_many_as_fit(lambda shown: html.Markup(f"{picture}{shown}"), 1000)
    assert shown == f"{picture}100"


def test_blocks_stand_one_below_the_other_without_those_that_are_empty():
    assert html.stacked(html.escape("a<"), "", html.escape("b")) == 'a&lt;<div style="margin-top:10px">b</div>'
    assert html.stacked("", "") == ""
