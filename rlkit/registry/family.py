"""Families of versions: who descends from whom, and the part of a large family that is worth showing.

A registry may hold thousands of versions in a row, so that nothing here calls itself once for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_MOST_SHOWN = 24
_MOST_BESIDES = 6  # that are neither ancestors nor descendants
_MOST_ALIASED = 6
_FURTHEST = 4  # steps from the one that was asked for


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of a family as it is shown.

    Attributes:
        ref: A version; None where some were left out.
        hidden: How many were left out here.
        children: What is shown below.
    """

    ref: str | None
    hidden: int = 0
    children: tuple[Branch, ...] = ()


class Family:
    """Who descends from whom.

    Args:
        parents: Parent of each version that has one, by reference. They may go in a circle, in a damaged folder.
    """

    def __init__(self, parents: Mapping[str, str]) -> None:
        self._parents = parents
        self._children: dict[str, list[str]] = {}
        for child in sorted(parents, key=_order):
            self._children.setdefault(parents[child], []).append(child)

    def children(self, ref: str) -> Sequence[str]:
        """Return the children of a version, by name and number."""
        return self._children.get(ref, [])

    def ancestors(self, ref: str) -> list[str]:
        """Return a version's ancestors, the nearest first, each once."""
        found = {ref: None}
        above = self._parents.get(ref)
        while above is not None and above not in found:
            found[above] = None
            above = self._parents.get(above)
        return list(found)[1:]

    def breadth_first(self, root: str) -> list[str]:
        """Return a version and its descendants, the nearest first, each once."""
        found = {root: None}
        for ref in (order := [root]):
            new = [child for child in self.children(ref) if child not in found]
            found.update(dict.fromkeys(new))
            order.extend(new)
        return order


def outline(family: Family, focus: str, aliased: Iterable[str]) -> Branch:
    """Return the part of a family that is worth showing, from its root.

    Args:
        family: The family.
        focus: The version that was asked for.
        aliased: Versions that have a name, which are worth showing even when they are far away.

    Returns:
        The root: the whole family where it is small, else what is near the focus, with counts of what is not.
    """
    ancestors = family.ancestors(focus)
    tree = _Tree(family, ancestors[-1] if ancestors else focus)
    return tree.branches(_worth_showing(family, tree, focus, aliased))


class _Tree:
    """A family below one root, in an order in which parents come before their children."""

    def __init__(self, family: Family, root: str) -> None:
        self.root = root
        self.order = family.breadth_first(root)
        # A circle ends where it began.
        self.below = {ref: [child for child in family.children(ref) if child != root] for ref in self.order}
        self.above = {child: ref for ref, children in self.below.items() for child in children}

    @property
    def height(self) -> int:
        depths = {self.root: 0}
        for ref in self.order[1:]:
            depths[ref] = depths[self.above[ref]] + 1
        return max(depths.values())

    def near(self, focus: str) -> dict[str, int]:
        """Return how many steps versions near one are away from it."""
        steps = {focus: 0}
        for ref in (queue := [focus]):
            around = [*self.below[ref], *([self.above[ref]] if ref in self.above else [])]
            for other in around if steps[ref] < _FURTHEST else ():
                if other not in steps:
                    steps[other] = steps[ref] + 1
                    queue.append(other)
        return steps

    def branches(self, shown: set[str]) -> Branch:
        """Return the tree of those shown; those where two ways to them part are shown, too."""
        holding: Counter[str] = Counter()  # how many ways to someone shown lead down from here
        target: dict[str, str] = {}  # whom such a way leads to
        for ref in reversed(self.order):
            if holding[ref] > 1:
                shown.add(ref)
            if ref in shown:
                target[ref] = ref
            if ref in target and ref != self.root:
                holding[self.above[ref]] += 1
                target.setdefault(self.above[ref], target[ref])
        hidden = self._hidden(shown, target)
        built: dict[str, Branch] = {}
        for ref in reversed(self.order):
            if ref in shown:
                built[ref] = Branch(ref, 0, tuple(self._children(ref, target, hidden, built)))
        return built[self.root]

    def _hidden(self, shown: set[str], target: Mapping[str, str]) -> Counter[tuple[str, str]]:
        """Count those left out: by who is shown above them, and whom the way through them leads to, if any."""
        places: dict[str, tuple[str, str]] = {}
        for ref in self.order:
            if ref not in shown:
                above = self.above[ref]
                place = places.get(above, (above, ""))
                places[ref] = (place[0], target[ref]) if ref in target else place
        return Counter(places.values())

    def _children(
        self, ref: str, target: Mapping[str, str], hidden: Counter[tuple[str, str]], built: Mapping[str, Branch]
    ) -> Iterator[Branch]:
        for child in self.below[ref]:
            if child in built:
                yield built[child]
            elif child in target:
                yield Branch(None, hidden[ref, target[child]], (built[target[child]],))
        if hidden[ref, ""]:
            yield Branch(None, hidden[ref, ""])


def _worth_showing(family: Family, tree: _Tree, focus: str, aliased: Iterable[str]) -> set[str]:
    """Choose from a large family: the nearest first, and the newest among those equally near."""
    if len(tree.order) <= _MOST_SHOWN and tree.height <= 2 * _FURTHEST:
        return set(tree.order)
    steps, inside = tree.near(focus), set(tree.order)
    near = sorted(sorted(steps, key=_order, reverse=True), key=steps.__getitem__)
    line = {*family.ancestors(focus), *family.breadth_first(focus)}
    related = [ref for ref in near if ref in line]
    besides = [ref for ref in near if ref not in line][:_MOST_BESIDES]
    named = [ref for ref in aliased if ref in inside][:_MOST_ALIASED]
    return {tree.root, *named, *[*related, *besides][: _MOST_SHOWN - len(named)]}


def _order(ref: str) -> tuple[str, int, str]:
    """Return what sorts references by name and number."""
    name, _, number = ref.rpartition(":")
    return name, int(number) if number.isdecimal() else 0, ref
