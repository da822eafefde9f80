"""Versions as a notebook shows them, and the same in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rlkit.display import html, svg, text
from rlkit.display.html import Markup
from rlkit.registry.facts import EVALUATION_DETAILS, changes_text, git_text, metric_names

if TYPE_CHECKING:  # versions.py imports this module
    from rlkit.registry.versions import ModelVersion

_MOST_METRICS = 4  # in a table
_MOST_FIGURES = 8  # in a card
_MOST_LINES = 60  # of text
_LONGEST_NAME, _LONGEST_TAGS, _LONGEST_DESCRIPTION = 40, 60, 600  # letters


def _created(version: ModelVersion) -> str:
    return version.created[:16].replace("T", " ")


def _facts(version: ModelVersion) -> list[tuple[str, object]]:
    """Return what is known of a version, without what is not."""
    dataset = ", ".join(f"{key} {value}" for key, value in (version.dataset or {}).items() if value)
    packages = ", ".join(f"{name} {number}" for name, number in version.packages.items())
    facts: list[tuple[str, object]] = [
        ("algorithm", version.algorithm),
        ("environment", version.env_id or "custom"),
        ("trained", f"{text.number(version.num_timesteps)} steps in {text.duration(version.wall_time)}"),
        ("changed", changes_text(version.config_changes)),
        *_metrics(version),
        ("seed", "" if version.seed is None else str(version.seed)),
        ("left out", version.left_out),
        ("parent", version.parent or ""),
        ("dataset", dataset),
        ("created", f"{_created(version)} UTC by {version.user or 'unknown'} on {version.host or 'unknown'}"),
        ("git commit", git_text(version.git)),
        ("packages", packages),
        ("state", f"{text.size(version.size)}, SHA-256 {version.sha256[:12]}…"),
    ]
    return [(label, value) for label, value in facts if value != ""]


def _metrics(version: ModelVersion) -> list[tuple[str, object]]:
    """Return the first metrics, which are what a version is judged by, the mean return before all others."""
    names = metric_names([version])
    more = [("…", f"{len(names) - _MOST_FIGURES:,} more: version.metrics")] if len(names) > _MOST_FIGURES else []
    return [*((name.replace("_", " "), version.metrics[name]) for name in names[:_MOST_FIGURES]), *more]


def version_text(version: ModelVersion) -> str:
    """Return all that is known of a version, a line each."""
    names = [f"@{alias}" for alias in version.aliases] + [f"#{tag}" for tag in version.tags]
    head = " ".join([version.ref, *names])
    lines = [text.one_line(head), text.fields(_facts(version), width=text.WIDTH)]
    curve = text.sparkline(version.learning_curve.get("mean_return", []))
    description = "\n".join(map(text.one_line, version.description.splitlines()))
    return "\n".join(part for part in (*lines, curve, description) if part)


def version_card(version: ModelVersion) -> Markup:
    """Return what is known of a version, with its learning curve, as HTML: all of it, where that is not too long."""
    settings, curve = _hyperparameters(version), _curve(version)

    def render(shown: int) -> Markup:
        more = html.left_out(len(settings) - shown, "version.config")
        return _card(version, html.join(html.table(("hyperparameter", "value"), settings[:shown]), more), curve)

    return html.as_many_as_fit(render, len(settings))


def _card(version: ModelVersion, hyperparameters: Markup, curve: str) -> Markup:
    badges = html.join(
        html.badges([f"@{alias}" for alias in version.aliases], "accent"), html.badges(version.tags), separator=" "
    )
    facts = [fact for fact in _facts(version) if fact[0] not in {"packages", "state", "git commit"}]
    details = [
        ("Hyperparameters", hyperparameters),
        ("Where it comes from", html.field_list([fact for fact in _facts(version) if fact not in facts])),
    ]
    if version.description:
        told = version.description[:_LONGEST_DESCRIPTION]
        details.insert(0, ("Description", html.plain(told if told == version.description else f"{told}…")))
    return html.card(version.ref, badges, facts, curve, details)


def _hyperparameters(version: ModelVersion) -> list[tuple[str, Markup]]:
    return [
        (name, html.code(text.shortened(text.literal(value), _LONGEST_NAME))) for name, value in version.config.items()
    ]


def _curve(version: ModelVersion) -> str:
    curve = version.learning_curve
    if len(curve.get("steps", [])) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    drawing = svg.learning_curve((), (), curve["steps"], curve["mean_return"])
    return svg.picture(drawing, f"Learning curve of {version.ref}")


def _own_metrics(versions: Sequence[ModelVersion]) -> list[str]:
    """Return the names of the metrics that may have a column: the mean return first, then the caller's own."""
    return [name for name in metric_names(versions) if name not in EVALUATION_DETAILS]


def _without_column(versions: Sequence[ModelVersion]) -> int:
    """Return how many metrics of a person's own have none."""
    return max(0, len(_own_metrics(versions)) - _MOST_METRICS)


_Column = tuple[str, list[str]]


def _columns(versions: Sequence[ModelVersion]) -> tuple[list[_Column], list[_Column], list[_Column]]:
    """Return the columns of a table: what the versions are, their figures, and what else is known of them."""
    names = _own_metrics(versions)[:_MOST_METRICS]
    metrics = {name: [version.metrics.get(name) for version in versions] for name in names}
    environments = [text.shortened(version.env_id or "custom", _LONGEST_NAME) for version in versions]
    return (
        [("algorithm", [version.algorithm for version in versions]), ("environment", environments)],
        [
            ("steps", text.column(version.num_timesteps for version in versions)),
            *((name.replace("_", " "), text.column(values)) for name, values in metrics.items()),
        ],
        [
            ("tags", [text.shortened(" ".join(version.tags), _LONGEST_TAGS) for version in versions]),
            ("created (UTC)", [_created(version) for version in versions]),
        ],
    )


def versions_text(versions: Sequence[ModelVersion], *, ranked: bool = False) -> str:
    """Return a table of versions, a line each.

    Args:
        versions: Any number of versions; of very many some are shown.
        ranked: Whether the first are the most important; else the newest are.
    """
    if not versions:
        return "no versions"
    shown = [versions[i] for i in _most_important(versions, _MOST_LINES, ranked=ranked)]
    kinds, figures, others = _columns(shown)
    names = [" ".join([version.ref, *(f"@{alias}" for alias in version.aliases)]) for version in shown]
    titles, columns = zip(("version", names), *kinds, *figures, *others, strict=True)
    right = range(1 + len(kinds), 1 + len(kinds) + len(figures))
    table = text.table(titles, zip(*columns, strict=True), right)
    notes = _said_of_the_rest(len(shown), len(versions), _without_column(shown), ranked=ranked)
    return "\n".join(part for part in (table, notes) if part)


def versions_table(versions: Sequence[ModelVersion], *, ranked: bool = False) -> Markup:
    """Return a table of versions as HTML: those of ``versions_text`` that fit."""
    if not versions:
        return html.muted("no versions")
    most = [versions[i] for i in _most_important(versions, _MOST_LINES, ranked=ranked)]
    kinds, figures, others = _columns(most)
    caption, metrics = "", _without_column(most)
    if len(most) > 1 and all(len(set(cells)) == 1 for _, cells in kinds):  # said once, it needs no columns
        caption, kinds = " on ".join(cells[0] for _, cells in kinds), []
    titles, columns = zip(("version", map(_named, most)), *kinds, *figures, *others, strict=True)
    rows, right = list(zip(*columns, strict=True)), range(1 + len(kinds), 1 + len(kinds) + len(figures))

    def render(count: int) -> Markup:
        shown = [rows[i] for i in _most_important(most, count, ranked=ranked)]
        rest = _said_of_the_rest(len(shown), len(versions), metrics, ranked=ranked)
        table = html.table(titles, shown, caption, right)
        return html.join(table, html.note(rest) if rest else "")

    return html.as_many_as_fit(render, len(most))


def _named(version: ModelVersion) -> Markup:
    aliases = html.badges([f"@{alias}" for alias in version.aliases], "accent")
    return html.join(html.code(version.ref), aliases, separator=" ")


def _most_important(versions: Sequence[ModelVersion], count: int, *, ranked: bool) -> list[int]:
    """Return the places of so many versions, in order: the first of a ranking, else the newest."""
    places = list(range(len(versions)))
    if ranked or len(versions) <= count:
        return places[:count]
    return sorted(sorted(places, key=lambda i: (versions[i].created, i))[len(versions) - count :])


def _said_of_the_rest(shown: int, total: int, metrics: int, *, ranked: bool) -> str:
    """Say how many versions and metrics have no place in a table, and what shows them."""
    said = []
    if shown < total:
        which = "first" if ranked else "newest"
        said.append(f"The {which} {shown:,} of {total:,}: registry.search('…', limit=20) finds the others.")
    if metrics:
        said.append(f"{metrics:,} more metric{'s' * (metrics > 1)}: version.metrics has all.")
    return " ".join(said)
