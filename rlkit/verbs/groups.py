"""The verbs that are the same in a notebook and in a shell, by what they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlkit.verbs.about import Algorithms, Environments
from rlkit.verbs.keeping import Alias, Copy, Delete, Describe, Metrics, Rename, Restore, Tag
from rlkit.verbs.reading import Card, Compare, Diff, Inspect, ShowLineage
from rlkit.verbs.upkeep import CollectGarbage, Export, Import, Prune, Reindex, Verify
from rlkit.verbs.verb import Verb

SHARED: Mapping[str, Sequence[Verb]] = {
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
    ],
    "what there is": [Algorithms(), Environments()],
}
