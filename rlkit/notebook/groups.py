"""All verbs of a notebook, in the order of their help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlkit.notebook.by_hand import ByHand
from rlkit.notebook.verbs import Create, Jobs, Load, NotebookConfig, Reconfigure, Save, Stop, Train
from rlkit.verbs import Verb
from rlkit.verbs.about import Help
from rlkit.verbs.acting import Evaluate, Watch
from rlkit.verbs.groups import SHARED
from rlkit.verbs.reading import Models, Search, Show
from rlkit.verbs.upkeep import Store

PREFIX = "%rl_"

GROUPS: Mapping[str, Sequence[Verb]] = {
    "make and train": [
        Create(),
        ByHand(),
        NotebookConfig(),
        Train(),
        Reconfigure(),
        Jobs(),
        Stop(),
        Evaluate(),
        Watch(),
    ],
    "keep and load": [Save(), Load(), Models(), Show(), Search(), Store()],
    **SHARED,
}


def verbs() -> list[Verb]:
    """Return all verbs, and the one that helps with them."""
    known = [verb for group in GROUPS.values() for verb in group]
    return [*known, Help(PREFIX, GROUPS)]
