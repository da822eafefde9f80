"""Everything that rlkit shows in a notebook, whatever it is, is small, sound, the same each time, and readable."""

import base64
import json
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

import rlkit
from rlkit.display import text
from rlkit.training.view import run_text

from . import displays
from .displays import USUAL, markup, words
from .sanitizer import lost

KILOBYTE = 1000
ALL = list(displays.ALL.items())
HTML = [(name, make) for name, make in ALL if "model card" not in name]  # which is Markdown
PROSE = {"model card", "picture"}  # one line a paragraph, which a terminal wraps
BACKGROUNDS = {"white": (255, 255, 255), "#111": (17, 17, 17)}
INKS = {"white": (0, 0, 0), "#111": (255, 255, 255)}
OF_COLUMNS = {"algorithm", "what", "it", "is", "object", "opening", "where", "repair"}  # sentences need no such titles
COLOUR = re.compile(r"#[0-9a-f]{3,6}\b|rgba?\([^)]*\)")


@cache
def page_of(make):
    """What a notebook shows, made once for all tests."""
    return markup(make())


@cache
def text_of(make):
    return words(make())


def each(table):
    return pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in table])


class Reader(HTMLParser):
    """Reads HTML as a sanitizer does."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, attrs))


def parsed(page):
    """Return the root element of HTML that is also well-formed XML: every tag closed in order, all text escaped."""
    closed = re.sub("(<img [^>]*)>", r"\1/>", page)
    return ET.fromstring(f"<body>{closed}</body>")  # noqa: S314 - made a line before


def without_pictures(page):
    return re.sub(r'(?<=;base64,)[^"]*', "", page)


def drawings(page):
    return [base64.b64decode(data).decode() for data in re.findall(r'svg\+xml;base64,([^"]*)"', page)]


def visible(element):
    """Yield the label or value in each cell and each entry of a list that stands outside what is folded away."""
    for child in element:
        if child.tag in {"td", "th", "dt", "dd"}:
            yield "".join(child.itertext())
        elif child.tag != "details":
            yield from visible(child)


def numbers_and_words(line):
    """Return the words of a text, cut where a display cuts it and where a terminal breaks it."""
    return {word for word in re.split(r"[\s…,;:.()@#*<>&\"'|`]+", line) if word}


# -- small, sound, safe ------------------------------------------------------------------------------------------------


@each(HTML)
def test_html_without_its_pictures_is_under_ten_kilobytes(make):
    assert len(without_pictures(page_of(make)).encode()) < 10 * KILOBYTE


@each([item for item in USUAL.items() if item[0] == "model card"])
def test_a_usual_model_card_is_under_ten_kilobytes(make):
    assert len(without_pictures(page_of(make)).encode()) < 10 * KILOBYTE


@each(ALL)
def test_pictures_are_under_fifty_kilobytes(make):
    assert sum(map(len, drawings(page_of(make)))) < 50 * KILOBYTE


@each(HTML)
def test_html_is_well_formed_and_a_sanitizer_finds_nothing_to_remove(make):
    page = page_of(make)
    parsed(page)
    assert [gone for tag, attributes in Reader(page).elements for gone in lost(tag, attributes)] == []


@each([(name, make) for name, make in HTML if name.startswith("hostile")])
def test_hostile_text_stays_text_and_turns_nothing_round(make):
    page = page_of(make)
    assert "<script" not in page
    assert not re.search("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    for drawing in drawings(page):
        ET.fromstring(drawing)  # noqa: S314 - made a line before
        assert "<script" not in drawing


@each([(name, make) for name, make in ALL if name.startswith("hostile")])
def test_hostile_text_writes_no_control_characters_to_a_terminal(make):
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text_of(make))


def test_a_hostile_title_writes_no_control_characters_while_a_model_trains():
    running = displays.job(displays.history(5, displays.HOSTILE), running=True)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", f"{running}{running!r}{run_text(running)}")
    assert "<script" not in running._repr_html_()


# -- the same each time ------------------------------------------------------------------------------------------------


def test_every_display_has_the_same_bytes_again_and_in_another_process():
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "displays"]
    folder = os.path.dirname(displays.__file__)  # noqa: PTH120 - where the module lies
    other = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True, text=True)
    before = displays.hashes({name: (page_of(make), text_of(make)) for name, make in ALL})
    again = displays.hashes({name: (markup(make()), words(make())) for name, make in ALL})
    assert json.loads(other.stdout) == before == again


# -- for everyone ------------------------------------------------------------------------------------------------------


@each(ALL)
def test_every_picture_says_in_words_what_it_shows(make):
    images = [dict(attributes) for tag, attributes in Reader(page_of(make)).elements if tag == "img"]
    assert all(image["alt"].strip() for image in images)


@each(HTML)
def test_every_column_and_row_has_a_header_and_what_is_folded_a_summary(make):
    root = parsed(page_of(make))
    for table in root.iter("table"):
        assert {cell.get("scope") for cell in table.find("thead").iter("th")} == {"col"}
        assert not list(table.find("thead").iter("td"))
        for row in table.find("tbody"):
            assert [(cell.tag, cell.get("scope")) for cell in row][:1] == [("th", "row")]
            assert {cell.tag for cell in row[1:]} <= {"td"}
            assert len(row) == len(table.find("thead")[0])
    for folded in root.iter("details"):
        assert folded[0].tag == "summary"
        assert "".join(folded[0].itertext()).strip()


def luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def read_colour(written):
    """Return red, green and blue, and how much of what is behind is covered."""
    if written.startswith("#"):
        digits = written[1:] if len(written) == 7 else "".join(2 * digit for digit in written[1:])
        return [int(digits[i : i + 2], 16) for i in (0, 2, 4)], 1.0
    *rgb, alpha = [float(part) for part in re.findall(r"[\d.]+", written)] + [1.0] * written.startswith("rgb(")
    return rgb, alpha


def over(front, behind, alpha):
    return [alpha * a + (1 - alpha) * b for a, b in zip(front, behind, strict=True)]


def styles(pages):
    return {
        value
        for page in pages
        for _, attributes in Reader(page).elements
        for name, value in attributes
        if name == "style"
    }


@pytest.fixture(scope="module")
def pages():
    return [page_of(make) for _, make in HTML]


def test_text_has_the_colour_of_its_page(pages):
    assert not [style for style in styles(pages) if re.search(r"(^|;)color:", style)]


@pytest.mark.parametrize("page", BACKGROUNDS)
def test_text_that_is_set_back_or_stands_on_a_tint_is_read_on_light_and_dark(pages, page):
    declarations = {pair for style in styles(pages) for pair in style.split(";")}
    opacities = [float(pair.partition(":")[2]) for pair in declarations if pair.startswith("opacity:")]
    tints = [
        pair.partition(":")[2] for pair in declarations if pair.startswith("background:") and pair != "background:none"
    ]
    assert opacities
    assert tints
    for opacity in opacities:
        assert contrast(over(INKS[page], BACKGROUNDS[page], opacity), BACKGROUNDS[page]) >= 4.5
    for tint in tints:
        rgb, alpha = read_colour(tint)
        assert contrast(INKS[page], over(rgb, BACKGROUNDS[page], alpha)) >= 4.5


@pytest.mark.parametrize("page", BACKGROUNDS)
def test_pictures_stand_out_from_light_and_dark(pages, page):
    used = {colour for one in pages for drawing in drawings(one) for colour in COLOUR.findall(drawing)}
    assert used
    for colour in used:
        assert contrast(read_colour(colour)[0], BACKGROUNDS[page]) >= 3, colour


# -- the text twin -----------------------------------------------------------------------------------------------------


@each([(name, make) for name, make in USUAL.items() if name not in PROSE])
def test_the_text_says_all_that_the_html_shows_unfolded(make):
    shown, said = page_of(make), text_of(make)
    known = numbers_and_words(said) | OF_COLUMNS
    cells = [cell for cell in visible(parsed(shown)) if not cell.startswith("… and")]
    missing = {
        word
        for cell in cells
        for word in numbers_and_words(cell)
        if not (word in known or ("…" in cell and word in said))  # cut in the middle there
    }
    assert missing == set()


@each([(name, make) for name, make in USUAL.items() if name not in PROSE])
def test_usual_text_fits_a_terminal(make):
    assert max(text.display_width(line) for line in text_of(make).splitlines()) <= 120


# -- what is left out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a thousand versions", "of 1,000: registry.search("),
        ("comparison of fifty", "of 50 are shown: the best, the first, the last"),
        ("large difference", "more: difference.parameters"),
        ("verify report with thousands", "more: report.problems"),
        ("gc report of thousands", "more: report.versions"),
        ("prune report of thousands", "more: report.deleted"),
        ("registry of hundreds", "more: registry.models()"),
    ],
)
def test_what_is_left_out_is_counted_with_the_call_that_shows_it(name, said):
    page = "".join(parsed(page_of(USUAL[name])).itertext())
    assert said in page
    if name != "comparison of fifty":  # in text all of those have a row
        assert said in text_of(USUAL[name]).replace("\n", " ")


@pytest.mark.parametrize("algorithm", ["a2c", "dqn", "ppo"])
def test_nothing_is_left_out_of_an_algorithms_own_hyperparameters(algorithm):
    model = displays.model(algorithm, "LunarLander-v3", trained=True)
    for shown in (model, model.config, rlkit.factory.describe(algorithm)):
        page = markup(shown)
        assert all(f">{name}<" in page for name in model.config.to_dict())
        assert "more:" not in page


def test_all_hyperparameters_of_two_algorithms_are_compared():
    page = page_of(USUAL["comparison of two algorithms"])
    assert all(f">{name}<" in page for name in USUAL["comparison of two algorithms"]().config)


def test_twenty_versions_and_ten_compared_are_all_shown():
    assert page_of(USUAL["twenty versions"]).count('scope="row"') == 20
    assert page_of(USUAL["comparison of ten"]).count('scope="row"') == 10


def test_of_very_many_versions_the_newest_are_shown_or_the_first_of_a_ranking():
    newest = page_of(USUAL["a thousand versions"])
    versions = USUAL["a thousand versions"]()
    latest = max(versions, key=lambda version: version.created)
    assert f">{latest.ref}<" in newest
    ranked = markup(type(versions)(versions, ranked=True))
    assert ">cartpole:1<" in ranked
    assert "The first " in ranked


def test_of_very_many_that_are_compared_those_that_matter_are_shown():
    page = page_of(USUAL["comparison of fifty"])
    for ref in ("cartpole:1", "cartpole:16", "cartpole:49", "cartpole:50"):  # first, aliased twice, best and last
        assert f">{ref}<" in page
