"""What is known of a version, tab by tab."""

import pytest

from rlkit.notebook.widgets.models.details import VersionDetails
from rlkit.registry import ModelRegistry

TITLES = ["Overview", "Metrics", "Learning curve", "Config", "Lineage"]


@pytest.fixture
def details(registry, keep):
    keep(metrics={"mean_return": 41.5, "loss": 0.25}, tags=["sweep"])
    keep(parent="cartpole:1")
    details = VersionDetails(registry)
    details.version = "cartpole:1"
    return details


def open_tab(details, title):
    details.tabs.selected_index = TITLES.index(title)
    return details.pages[title].value


def test_without_a_version_nothing_is_seen(registry):
    details = VersionDetails(registry)
    assert details.tabs.layout.display == "none"


def test_the_tabs_have_titles(details):
    assert list(details.tabs.titles) == TITLES
    assert details.tabs.layout.display is None


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Overview", "sweep"),
        ("Metrics", "0.25"),
        ("Config", "learning_rate"),
        ("Lineage", "Lineage of cartpole:1"),
    ],
)
def test_a_tab_says(details, title, says):
    assert says in open_tab(details, title)


def test_what_was_set_stands_out_from_the_defaults(details):
    page = open_tab(details, "Config")
    assert page.count(">set<") >= 1
    assert page.count(">default<") > page.count(">set<")
    assert "Discount" in page  # of what gamma means


def test_the_learning_curve_is_drawn(details):
    assert open_tab(details, "Learning curve") == ""
    assert details.curve.alt == "Learning curve of cartpole:1"
    assert [line["name"] for line in details.curve.lines] == ["", "mean"]


def test_a_version_without_a_curve_says_so(details, keep):
    keep(learning_curve={})
    details.version = "cartpole:3"
    assert "No learning curve of cartpole:3" in open_tab(details, "Learning curve")
    assert details._frame.layout.display == "none"


def test_a_version_without_metrics_says_so(details, keep):
    keep(metrics={})
    details.version = "cartpole:3"
    assert "cartpole:3 has no metrics" in open_tab(details, "Metrics")


def test_only_the_open_tab_reads(details, monkeypatch):
    asked = []
    monkeypatch.setattr(ModelRegistry, "lineage", lambda self, ref: asked.append(ref))
    details.version = "cartpole:2"
    assert asked == []
    assert [title for title, page in details.pages.items() if page.value] == ["Overview"]


def test_another_version_is_shown_on_the_open_tab(details):
    open_tab(details, "Lineage")
    details.version = "cartpole:2"
    assert "Lineage of cartpole:2" in details.pages["Lineage"].value
    assert details.pages["Overview"].value == ""


def test_a_change_is_seen_when_it_looks_again(details, other):
    other.tag("cartpole:1", "fresh")
    details.refresh()
    assert "fresh" in details.pages["Overview"].value


def test_a_version_that_is_gone_is_told(details, other):
    other.delete("cartpole:1")
    details.refresh()
    assert "ModelNotFoundError" in details.pages["Overview"].value


def test_a_damaged_version_is_told_on_every_tab(details, spoil):
    spoil("cartpole", 1)
    details.refresh()
    for title in TITLES:
        assert "CorruptArtifactError" in open_tab(details, title)


def test_text_that_others_wrote_is_no_markup(details, keep):
    keep(description="<script>alert(1)</script>")
    details.version = "cartpole:3"
    assert "<script" not in details.pages["Overview"].value
    assert "&lt;script&gt;" in details.pages["Overview"].value
