"""All verbs of a notebook, in the order of their help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlkit.notebook.verbs import ByHand, Create, Jobs, Load, NotebookConfig, Save, Stop, Train
from rlkit.verbs import Verb
from rlkit.verbs.about import Algorithms, Environments, Help
from rlkit.verbs.acting import Evaluate, Watch
from rlkit.verbs.keeping import Alias, Copy, Delete, Describe, Metrics, Rename, Restore, Tag
from rlkit.verbs.reading import Card, Compare, Diff, Inspect, Models, Search, Show, ShowLineage
from rlkit.verbs.upkeep import CollectGarbage, Export, Import, Prune, Reindex, Store, Verify

PREFIX = "%rl_"

GROUPS: Mapping[str, Sequence[Verb]] = {
    "make and train": [Create(), ByHand(), NotebookConfig(), Train(), Jobs(), Stop(), Evaluate(), Watch()],
    "keep and load": [Save(), Load(), Models(), Show(), Search()],
    "tell apart": [Compare(), Diff(), ShowLineage(), Card(), Inspect()],
    "name and describe": [Tag(), Alias(), Describe(), Metrics(), Copy(), Rename()],
    "tidy up and move": [
        Delete(),
        Restore(),
        Prune(),
        CollectGarbage(),
        Verify(),
        Reindex(),
        Export(),
        Import(),
        Store(),
    ],
    "what there is": [Algorithms(), Environments()],
}


def verbs() -> list[Verb]:
    """Return all verbs, and the one that helps with them."""
    known = [verb for group in GROUPS.values() for verb in group]
    return [*known, Help(PREFIX, GROUPS)]
