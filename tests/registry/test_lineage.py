"""What came from what."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from rlkit.registry.family import Family, outline
from rlkit.registry.lineage import Lineage

PARENTS = {
    "cartpole:1": "old:7",
    "cartpole:2": "cartpole:1",
    "cartpole:10": "cartpole:2",
    "cartpole:4": "cartpole:2",
    "tuned:1": "cartpole:4",
    "tuned:2": "tuned:1",
    "cartpole:5": "cartpole:4",
    "other:1": "other:0",
}


@pytest.fixture
def make(make_version):
    def make(ref, **more):
        name, _, number = ref.rpartition(":")
        return make_version(name=name, version=int(number), metrics={"mean_return": 400.0 + int(number)}, **more)

    return make


@pytest.fixture
def family(make):
    versions = [make(ref, aliases=["best"] if ref == "tuned:1" else []) for ref in PARENTS]
    return Lineage("cartpole:4", versions, PARENTS)


def drawing(lineage):
    data = re.search(r'base64,([^"]*)"', lineage._repr_html_()).group(1)
    return ET.fromstring(base64.b64decode(data))  # noqa: S314 - made a line before


def drawn(lineage):
    return [node.text for node in drawing(lineage).iter("{http://www.w3.org/2000/svg}text")]


def tree(lineage):
    return str(lineage).split("\n\n")[1].splitlines()


def test_ancestors_are_nearest_first_and_descendants_breadth_first(family):
    assert family.parent == "cartpole:2"
    assert family.children == ["cartpole:5", "tuned:1"]
    assert family.ancestors == ["cartpole:2", "cartpole:1", "old:7"]
    assert family.descendants == ["cartpole:5", "tuned:1", "tuned:2"]


def test_a_parent_that_is_not_here_is_shown_as_such(family):
    assert family.missing == ["old:7"]
    assert "1 of them deleted, or never here" in str(family)
    assert tree(family)[0].split() == ["×", "old:7", "deleted,", "or", "never", "here"]  # noqa: RUF001 - a sign


def test_the_tree_reads_from_the_root_to_the_leaves_with_the_focus_marked(family):
    assert [line.rstrip() for line in re.sub(r" {2,}@?\w.*", "", "\n".join(tree(family))).splitlines()] == [
        "× old:7",  # noqa: RUF001 - a sign
        "└─ ○ cartpole:1",
        "   └─ ○ cartpole:2",
        "      ├─ ● cartpole:4",
        "      │  ├─ ○ cartpole:5",
        "      │  └─ ○ tuned:1",
        "      │     └─ ○ tuned:2",
        "      └─ ○ cartpole:10",
    ]


def test_aliases_and_mean_returns_stand_beside_the_versions(family):
    line = next(line for line in tree(family) if "tuned:1" in line)
    assert re.split(r"  +", line.strip("│ "))[1:] == ["@best", "mean return 401"]
    assert {"@best", "mean return 401", "cartpole:4"} <= set(drawn(family))
    assert "@best" in family._repr_html_()


def test_the_picture_marks_the_focus_and_has_words_for_those_who_do_not_see_it(family):
    labels = {node.text: node for node in drawing(family).iter("{http://www.w3.org/2000/svg}text")}
    assert labels["cartpole:4"].get("font-weight") == "600"
    assert labels["cartpole:2"].get("font-weight") is None
    page = family._repr_html_()
    assert 'alt="Tree of cartpole:4. 3 ancestors · 3 descendants' in page
    assert "└─ ○ tuned:2" in page


def test_a_version_without_relatives_is_alone(make):
    alone = Lineage("cartpole:1", [make("cartpole:1")], {})
    assert (alone.parent, alone.children, alone.ancestors, alone.descendants) == (None, [], [], [])
    assert "no ancestors · no descendants" in str(alone)
    assert tree(alone) == ["● cartpole:1  mean return 401"]
    assert "<img" in alone._repr_html_()


@pytest.mark.parametrize(
    ("parents", "ancestors"),
    [
        ({"a:1": "a:1"}, []),
        ({"a:1": "a:2", "a:2": "a:1"}, ["a:2"]),
        ({"a:1": "a:2", "a:2": "a:3", "a:3": "a:2"}, ["a:2", "a:3"]),
    ],
)
def test_a_circle_of_parents_ends_and_is_told(make, parents, ancestors):
    circle = Lineage("a:1", [make("a:1"), make("a:2")], parents)
    assert circle.ancestors == ancestors
    assert circle.is_circular
    assert "damaged" in str(circle)
    assert str(circle).count("● a:1") == 1
    assert "damaged" in circle._repr_html_()


def test_a_chain_of_thousands_shows_both_ends_of_what_matters(make):
    parents = {f"long:{i}": f"long:{i - 1}" for i in range(2, 5001)}
    versions = [make(f"long:{i}", aliases=["best"] if i == 4000 else []) for i in range(1, 5001)]
    lineage = Lineage("long:2500", versions, parents)
    assert len(lineage.ancestors) == 2499
    assert lineage.descendants[-1] == "long:5000"
    lines = tree(lineage)
    assert len(lines) < 20
    assert max(map(len, lines)) < 100
    assert lines[0].startswith("○ long:1 ")
    assert "… 2,494 more in between" in lines[1]
    assert any("@best" in line for line in lines)
    assert "… 1,000 more" in lines[-1]
    assert len(lineage._repr_html_()) < 10_000
    assert float(drawing(lineage).get("width")) < 820


def test_a_star_of_hundreds_shows_some_and_counts_the_rest(make):
    parents = {f"star:{i}": "star:1" for i in range(2, 501)}
    versions = [make(f"star:{i}") for i in range(1, 501)]
    lineage = Lineage("star:1", versions, parents)
    lines = tree(lineage)
    assert len(lines) < 30
    assert "… 476 more" in lines[-1]
    assert "star:500" in lines[-2]
    child = Lineage("star:77", versions, parents)
    assert "● star:77" in str(child)
    assert len(tree(child)) < 12
    assert len(child._repr_html_()) < 10_000


def test_hostile_references_are_shown_as_text():
    words, tags = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)

        def handle_data(self, data):
            words.append(data)

    bad = "<script>x</script>\n\x1b[31m:1"
    lineage = Lineage("a:1", [], {"a:1": bad})
    Reader().feed(lineage._repr_html_())
    assert "script" not in tags
    assert "<script>x</script>" in " ".join(words)
    assert r"<script>x</script> \x1b[31m:1" in drawn(lineage)
    assert len(tree(lineage)) == 2
    assert "\x1b" not in str(lineage)


def test_the_same_family_makes_the_same_bytes(family):
    again = Lineage(family.focus, family.versions[::-1], dict(reversed(PARENTS.items())))
    assert again._repr_html_() == family._repr_html_()


@given(
    st.dictionaries(st.integers(1, 60), st.integers(1, 60), max_size=60),
    st.integers(1, 60),
    st.sets(st.integers(1, 60)),
)
def test_an_outline_shows_or_counts_everybody_once(numbers, focus, aliased):
    family = Family({f"a:{child}": f"a:{parent}" for child, parent in numbers.items()})
    root = outline(family, f"a:{focus}", [f"a:{number}" for number in aliased])
    shown, hidden, waiting = [], 0, [root]
    while waiting:
        branch = waiting.pop()
        shown += [branch.ref] if branch.ref else []
        hidden += branch.hidden
        assert (branch.ref is None) is (branch.hidden > 0)
        waiting += branch.children
    everybody = family.breadth_first((family.ancestors(f"a:{focus}") or [f"a:{focus}"])[-1])
    assert len(shown) == len(set(shown))
    assert set(shown) <= set(everybody)
    assert len(shown) + hidden == len(everybody)
    assert f"a:{focus}" in shown
    assert len(shown) <= 60
