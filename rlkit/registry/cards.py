"""Versions as a notebook shows them, and the same in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rlkit.display import html, svg, text
from rlkit.display.html import Markup

if TYPE_CHECKING:  # versions.py imports this module
    from rlkit.registry.versions import ModelVersion

# What an evaluation says besides the mean return: in a version's card, not in the table.
_BESIDES = {"std_return", "min_return", "max_return", "mean_length", "eval_episodes"}
_MOST_METRICS = 4


def _created(version: ModelVersion) -> str:
    return version.created[:16].replace("T", " ")


def _git(version: ModelVersion) -> str:
    if not version.git or not version.git.get("commit"):
        return ""
    return f"{str(version.git['commit'])[:10]}{' with uncommitted changes' if version.git.get('dirty') else ''}"


def _facts(version: ModelVersion) -> list[tuple[str, object]]:
    """Return what is known of a version, without what is not."""
    dataset = ", ".join(f"{key} {value}" for key, value in (version.dataset or {}).items() if value)
    packages = ", ".join(f"{name} {number}" for name, number in version.packages.items())
    facts: list[tuple[str, object]] = [
        ("algorithm", version.algorithm),
        ("environment", version.env_id or "custom"),
        ("trained", f"{text.number(version.num_timesteps)} steps in {text.duration(version.wall_time)}"),
        ("seed", "" if version.seed is None else str(version.seed)),
        ("left out", version.left_out),
        ("parent", version.parent or ""),
        ("dataset", dataset),
        ("created", f"{_created(version)} UTC by {version.user or 'unknown'} on {version.host or 'unknown'}"),
        ("git commit", _git(version)),
        ("packages", packages),
        ("state", f"{text.size(version.size)}, SHA-256 {version.sha256[:12]}…"),
    ]
    return [(label, value) for label, value in facts if value]


def _metrics(version: ModelVersion) -> list[tuple[str, object]]:
    return [(name.replace("_", " "), value) for name, value in version.metrics.items()]


def version_text(version: ModelVersion) -> str:
    """Return all that is known of a version, a line each."""
    names = [f"@{alias}" for alias in version.aliases] + [f"#{tag}" for tag in version.tags]
    head = " ".join([version.ref, *names])
    lines = [head, text.fields([*_facts(version), *_metrics(version)])]
    curve = text.sparkline(version.learning_curve.get("mean_return", []))
    return "\n".join(part for part in (*lines, curve, version.description) if part)


def version_card(version: ModelVersion) -> Markup:
    """Return all that is known of a version, with its learning curve, as HTML."""
    badges = html.join(
        html.badges([f"@{alias}" for alias in version.aliases], "accent"), html.badges(version.tags), separator=" "
    )
    facts = [fact for fact in _facts(version) if fact[0] not in {"packages", "state", "git commit"}]
    details = [
        ("Hyperparameters", html.table(("hyperparameter", "value"), _hyperparameters(version))),
        ("Where it comes from", html.field_list([fact for fact in _facts(version) if fact not in facts])),
    ]
    if version.description:
        details.insert(0, ("Description", html.escape(version.description)))
    fields = [*facts, *_metrics(version)]
    return html.card(version.ref, subtitle=badges, fields=fields, picture=_curve(version), details=details)


def _hyperparameters(version: ModelVersion) -> list[tuple[object, object]]:
    return [(html.code(name), html.code(text.literal(value))) for name, value in version.config.items()]


def _curve(version: ModelVersion) -> str:
    curve = version.learning_curve
    if len(curve.get("steps", [])) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    drawing = svg.learning_curve((), (), curve["steps"], curve["mean_return"])
    return svg.picture(drawing, f"Learning curve of {version.ref}")


def _shown_metrics(versions: Sequence[ModelVersion]) -> list[str]:
    """Return the names of the metrics that have a column: the mean return first, then the caller's own."""
    names = dict.fromkeys(name for version in versions for name in version.metrics if name not in _BESIDES)
    return sorted(names, key=lambda name: name != "mean_return")[:_MOST_METRICS]


def _headings(metrics: Sequence[str]) -> list[str]:
    words = [name.replace("_", " ") for name in metrics]
    return ["version", "algorithm", "environment", "steps", *words, "tags", "created (UTC)"]


def versions_text(versions: Sequence[ModelVersion]) -> str:
    """Return a table of versions, a line each."""
    if not versions:
        return "no versions"
    metrics = _shown_metrics(versions)
    rows = [
        (
            " ".join([version.ref, *(f"@{alias}" for alias in version.aliases)]),
            *_columns(version, metrics),
            " ".join(version.tags),
            _created(version),
        )
        for version in versions
    ]
    return text.table(_headings(metrics), rows)


def _columns(version: ModelVersion, metrics: Sequence[str]) -> list[object]:
    """Return the cells that are the same in text and in HTML."""
    values = [version.metrics.get(name) for name in metrics]
    return [version.algorithm, version.env_id or "custom", version.num_timesteps, *values]


def versions_table(versions: Sequence[ModelVersion]) -> Markup:
    """Return a table of versions as HTML."""
    if not versions:
        return html.muted("no versions")
    metrics = _shown_metrics(versions)
    rows = []
    for version in versions:
        aliases = html.badges([f"@{alias}" for alias in version.aliases], "accent")
        name = html.join(Markup(f"<strong>{html.escape(version.ref)}</strong>"), aliases, separator=" ")
        rows.append((name, *_columns(version, metrics), html.badges(version.tags), _created(version)))
    return html.table(_headings(metrics), rows)
