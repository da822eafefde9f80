"""What is known about versions, in the words that comparisons and model cards share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rlkit.config.changes import changes_from, describe_changes
from rlkit.display import text

if TYPE_CHECKING:  # versions.py is above this module
    from rlkit.registry.versions import ModelVersion

_HIGHER = {"return", "returns", "reward", "rewards", "score", "accuracy", "success", "sharpe"}
_LOWER = {"error", "errors", "regret", "mae", "mse", "rmse"}
# Words that make a figure no measure of quality: the spread of returns, the steps until a return.
_NEITHER = {
    "std",
    "var",
    "variance",
    "deviation",
    "spread",
    "iqr",
    "sem",
    "steps",
    "episodes",
    "length",
    "time",
    "count",
}
_LONGEST = 200

EVALUATION_DETAILS = {"std_return", "min_return", "max_return", "mean_length", "eval_episodes"}
"""What an evaluation says besides the mean return: in a version's card, not in a table of many."""


def direction(metric: str) -> int:
    """Say which values of a metric are better, where its name tells.

    Args:
        metric: Its name, such as ``"mean_return"``.

    Returns:
        1 where higher is better, -1 where lower is, 0 where nobody can know.
    """
    words = set(re.findall(r"[a-z]+", metric.lower()))
    if words & _NEITHER:
        return 0
    return -1 if words & _LOWER else int(bool(words & _HIGHER))


def metric_names(versions: Iterable[ModelVersion]) -> list[str]:
    """Return the names of all metrics of some versions: the mean return first, then in their own order."""
    names = dict.fromkeys(name for version in versions for name in version.metrics)
    return sorted(names, key=lambda name: name != "mean_return")


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are the same: NaN is the same as NaN, and True is not 1."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN is what differs from itself


def space_text(data: Mapping[str, Any] | None) -> str:
    """Write a space in a few words.

    Args:
        data: What ``space_to_dict`` returned, or None.

    Returns:
        For example ``"Box of shape 4, float32"`` or ``"Discrete(2)"``, without the bounds; empty for None.
    """
    if not data:
        return ""
    kind = str(data.get("type", ""))
    parts = data.get("spaces")
    if isinstance(parts, list):
        named = (f"{part[0]}: {space_text(part[1])}" if kind == "Dict" else space_text(part) for part in parts)
        return _cut(f"{kind}({', '.join(named)})")
    if kind == "Box":
        shape = " x ".join(map(str, data.get("shape") or ())) or "()"
        return f"Box of shape {shape}, {data.get('dtype')}"
    size = data.get("n", data.get("nvec"))
    return _cut(f"{kind}({size})" if kind and size is not None else text.literal(dict(data)))


def changes_text(records: Sequence[Mapping[str, Any]]) -> str:
    """Write changes of hyperparameters in a line; empty for none.

    Args:
        records: The ``config_changes`` of a version.

    Returns:
        For example ``"learning_rate 0.001 until step 20,480, then 0.0001"``.
    """
    return "; ".join(f"{name} {values}" for name, values in describe_changes(changes_from(records)).items())


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def git_text(data: Mapping[str, Any] | None) -> str:
    """Write a commit, and whether the folder had changes beyond it; empty where no commit is known."""
    if not data or not data.get("commit"):
        return ""
    changes = {True: " with uncommitted changes", None: ", changes unknown"}.get(data.get("dirty"), "")
    return f"{str(data['commit'])[:10]}{changes}"


def dataset_text(data: Mapping[str, Any] | None) -> str:
    """Write a dataset in a line; empty for none."""
    if not data:
        return ""
    sha256 = data.get("sha256")
    words = (data.get("name"), data.get("version"), sha256 and f"SHA-256 {str(sha256)[:12]}…")
    return " ".join(str(word) for word in words if word)
