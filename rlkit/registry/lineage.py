"""What a version was trained on from, and what was trained on from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rlkit.display import html, svg, text
from rlkit.display.tree import Node, tree_svg, tree_text
from rlkit.registry.family import Branch, Family, outline
from rlkit.registry.versions import ModelVersion

_LISTED = 5
_LONGEST = 48  # letters of a reference


@dataclass(frozen=True, eq=False, repr=False)
class Lineage:
    """The family of a version: its ancestors, its descendants, and what else came from the same root.

    Args:
        focus: The reference that was asked for.
        versions: The versions that are known.
        parents: Parent of each version that has one, by reference, over all models. A parent may be none of the
            versions: it was deleted, or never was in this registry.

    Attributes:
        focus: The reference that was asked for.
        versions: The versions that are known.
        parents: Parent of each version that has one, by reference.
    """

    focus: str
    versions: Sequence[ModelVersion]
    parents: Mapping[str, str]

    @cached_property
    def _family(self) -> Family:
        return Family(self.parents)

    @cached_property
    def _known(self) -> dict[str, ModelVersion]:
        return {version.ref: version for version in self.versions}

    @property
    def parent(self) -> str | None:
        """The reference of the version that it was trained on from; None for one that began anew."""
        return self.parents.get(self.focus)

    @property
    def children(self) -> list[str]:
        """The references of those that were trained on from it, by name and number."""
        return list(self._family.children(self.focus))

    @cached_property
    def ancestors(self) -> list[str]:
        """The references of its parent, that one's parent and so on: the nearest first."""
        return self._family.ancestors(self.focus)

    @cached_property
    def descendants(self) -> list[str]:
        """The references of its children, then of theirs and so on, each once."""
        return [ref for ref in self._family.breadth_first(self.focus) if ref != self.focus]

    @property
    def missing(self) -> list[str]:
        """The references among its ancestors and descendants that are not in the registry any more, or never were."""
        return [ref for ref in dict.fromkeys((*self.ancestors, *self.descendants)) if ref not in self._known]

    @property
    def is_circular(self) -> bool:
        """Whether a version would be its own ancestor, which only a damaged folder can say."""
        root = self.ancestors[-1] if self.ancestors else self.focus
        return root in self.parents

    @cached_property
    def _tree(self) -> Node:
        aliased = [version.ref for version in self.versions if version.aliases]
        return self._node(outline(self._family, self.focus, aliased))

    def _node(self, branch: Branch) -> Node:
        children = tuple(self._node(child) for child in branch.children)
        if branch.ref is None:
            between = " in between" if children else ""
            return Node(f"… {branch.hidden:,} more{between}", kind="more", children=children)
        version = self._known.get(branch.ref)
        if version is None:
            return Node(
                text.shortened(branch.ref, _LONGEST), note="deleted, or never here", kind="missing", children=children
            )
        aliases = tuple(f"@{alias}" for alias in version.aliases)
        reached = version.metrics.get("mean_return")
        note = "" if reached is None or math.isnan(reached) else f"mean return {text.number(reached)}"
        kind = "focus" if branch.ref == self.focus else "plain"
        return Node(text.shortened(branch.ref, _LONGEST), aliases, note, kind, children)  # type: ignore[arg-type] # either is a Kind

    @property
    def _summary(self) -> str:
        above, below = len(self.ancestors), len(self.descendants)
        said = [f"{_count(above, 'ancestor')} · {_count(below, 'descendant')}"]
        if self.missing:
            said.append(f"{len(self.missing):,} of them deleted, or never here")
        if self.is_circular:
            said.append("the records are damaged: a version is said to be its own ancestor")
        return " · ".join(said)

    def __repr__(self) -> str:
        head = text.one_line(f"Lineage of {self.focus}: {self._summary}")
        fields = [(label, ", ".join(refs[:_LISTED]) + _more(refs)) for label, refs in self._nearest]
        return "\n".join(part for part in (head, text.fields(fields), "\n" + tree_text(self._tree)) if part)

    @property
    def _nearest(self) -> list[tuple[str, Sequence[str]]]:
        pairs = (("parent", [self.parent] if self.parent else []), ("children", self.children))
        return [(label, refs) for label, refs in pairs if refs]

    def _repr_html_(self) -> str:
        tree = html.preformatted(tree_text(self._tree))
        return html.card(
            f"Lineage of {self.focus}",
            self._summary,
            fields=[(label, _listed(refs)) for label, refs in self._nearest],
            picture=svg.picture(
                tree_svg(self._tree), f"Tree of {self.focus}. {self._summary}. It stands below as text."
            ),
            details=[("As text", tree)],
        )


def _count(number: int, word: str) -> str:
    return f"{text.number(number or 'no')} {word}{'' if number == 1 else 's'}"


def _listed(refs: Sequence[str]) -> str:
    shown = [html.code(text.shortened(ref, _LONGEST)) for ref in refs[:_LISTED]]
    return html.join(html.join(*shown, separator=", "), _more(refs))


def _more(refs: Sequence[str]) -> str:
    return f" and {len(refs) - _LISTED:,} more" if len(refs) > _LISTED else ""
