"""Which versions of a model may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rlkit.registry.versions import ModelVersion


def choose(
    versions: Sequence[ModelVersion], keep: int, parents: Iterable[tuple[str, str]], *, force: bool
) -> tuple[list[ModelVersion], Mapping[str, str]]:
    """Part versions into those that go and those that stay.

    Args:
        versions: All versions of a model, oldest first.
        keep: How many of the newest stay.
        parents: Reference of a version and of its parent, for all versions of all models.
        force: Whether those go too that have an alias or were trained on from.

    Returns:
        The versions that go, oldest first; and why each of the others stays.
    """
    newest = {version.ref for version in versions[max(0, len(versions) - keep) :]}
    stay = {version.ref: f"newest {keep}" for version in versions if version.ref in newest}
    if not force:
        stay = {version.ref: f"@{version.aliases[0]}" for version in versions if version.aliases} | stay
        children: dict[str, list[str]] = {}
        for child, parent in parents:
            children.setdefault(parent, []).append(child)
        own = {version.ref for version in versions}
        for version in reversed(versions):  # a child is newer: whether it stays is known before
            staying = [child for child in children.get(version.ref, ()) if child not in own or child in stay]
            if staying:
                stay.setdefault(version.ref, f"parent of {staying[0]}")
    return [version for version in versions if version.ref not in stay], stay
