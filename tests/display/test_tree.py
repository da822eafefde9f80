"""Trees."""

from xml.etree import ElementTree as ET

from hypothesis import given, strategies as st

from rlkit.display.tree import Node, tree_svg, tree_text

SPACE = "{http://www.w3.org/2000/svg}"
NODES = st.recursive(
    st.builds(Node, st.text(st.characters(), max_size=8), st.just(("@a",)), st.text(max_size=8)),
    lambda children: st.builds(
        Node,
        st.just("x"),
        st.just(()),
        st.text(max_size=3),
        st.sampled_from(["plain", "focus", "missing", "more"]),
        st.lists(children, max_size=4).map(tuple),
    ),
    max_leaves=12,
)
TREE = Node(
    "root",
    children=(
        Node("first", badges=("@best",), note="mean return 3", children=(Node("leaf", kind="focus"),)),
        Node("second", kind="missing", note="gone"),
        Node("… 3 more", kind="more"),
    ),
)


def test_branches_join_parents_and_children():
    assert tree_text(TREE).splitlines() == [
        "○ root",
        "├─ ○ first    @best  mean return 3",
        "│  └─ ● leaf",
        "├─ × second          gone",  # noqa: RUF001 - a sign
        "└─ … 3 more",
    ]


def test_the_picture_has_a_line_for_each_node_and_a_branch_for_each_child():
    root = ET.fromstring(tree_svg(TREE))  # noqa: S314 - made a line before
    levels = {node.text: float(node.get("y")) for node in root.iter(f"{SPACE}text")}
    assert levels["root"] < levels["first"] < levels["leaf"] < levels["second"] < levels["… 3 more"]
    assert levels["first"] == levels["@best"] == levels["mean return 3"]
    branches = [
        node
        for node in root.iter(f"{SPACE}path")
        if node.get("d").endswith(tuple("0123456789")) and "V" in node.get("d")
    ]
    assert len(branches) == 4
    assert sum("stroke-dasharray" in node.keys() for node in branches) == 1  # noqa: SIM118 - an element is no dict


def count(node):
    return 1 + sum(map(count, node.children))


@given(NODES)
def test_any_tree_has_as_many_lines_as_nodes(node):
    assert len(tree_text(node).split("\n")) == count(node)
    root = ET.fromstring(tree_svg(node))  # noqa: S314 - made a line before
    assert float(root.get("height")) >= 23 * count(node)


def test_nothing_stands_outside_the_picture():
    root = ET.fromstring(tree_svg(Node("x" * 200, ("@" + "y" * 100,), "z" * 50)))  # noqa: S314 - made a line before
    width = float(root.get("width"))
    starts = [
        float(node.get("x")) + 3 * len(node.text)
        for node in root.iter(f"{SPACE}text")
        if node.get("text-anchor") is None
    ]
    assert max(starts) < width
    assert all(len(node.text) <= 101 for node in root.iter(f"{SPACE}text"))
