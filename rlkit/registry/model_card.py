"""Model cards: Markdown made from what a registry knows of a version.

After Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv 1810.03993), and as Hugging Face lays them out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rlkit.display import markdown, svg, text
from rlkit.errors import RLKitError, visible
from rlkit.factory import factory
from rlkit.registry.facts import changes_text, git_text, metric_names, same, space_text
from rlkit.registry.versions import ModelVersion

_FEW_EPISODES = 20
_LEFT_ALONE = "The other hyperparameters are at the defaults of {}."


@dataclass(frozen=True, eq=False, repr=False)
class ModelCard:
    """What is known of a version, as a page to hand on with the model.

    ``str(card)`` is Markdown for a file or a README on GitHub; a notebook shows the same with the learning curve drawn,
    which GitHub would not show. The description keeps its emphasis, lists, tables, code and links; HTML in it, and
    whatever else a person wrote, is shown as text, and pictures as links to them.

    Attributes:
        version: The version.
    """

    version: ModelVersion

    def __str__(self) -> str:
        return _page(self.version, _sparkline(self.version))

    def _repr_markdown_(self) -> str:
        return _page(self.version, _picture(self.version))

    def __repr__(self) -> str:
        return visible(f"<ModelCard of {self.version.ref}>")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(str(self))


def _page(version: ModelVersion, curve: str) -> str:
    """Return the card with a learning curve in one form or another."""
    sections = {
        "Model": _model(version),
        "How to use it": _usage(version),
        "Evaluation": _evaluation(version),
        "Training": _training(version, curve),
        "Data": _data(version),
        "Lineage": _lineage(version),
        "Provenance": _provenance(version),
        "Known limitations": markdown.bullets(_limitations(version)) or "None is recorded.",
    }
    parts = [f"# {markdown.escape(version.ref)}", markdown.tamed(version.description) or _sentence(version)]
    parts += [f"## {title}\n\n{content}" for title, content in sections.items()]
    return "\n\n".join(parts) + "\n"


def _sentence(version: ModelVersion) -> str:
    """Say what a version is that nobody described."""
    where = f" on {markdown.code(version.env_id)}" if version.env_id else ""
    steps = f"trained for {text.number(version.num_timesteps)} steps" if version.num_timesteps else "not trained yet"
    return f"A model of the algorithm {markdown.code(version.algorithm)}{where}, {steps}."


def _facts(pairs: list[tuple[str, str]]) -> str:
    return markdown.bullets(f"**{label}**: {value}" for label, value in pairs if value)


def _codes(words: Iterable[str]) -> str:
    return ", ".join(markdown.code(word) for word in words)


def _model(version: ModelVersion) -> str:
    environment = markdown.code(version.env_id) if version.env_id else "custom, without a registered id"
    kwargs = f" with {markdown.code(text.literal(version.env_kwargs))}" if version.env_kwargs else ""
    summary = _about(version.algorithm)
    return _facts(
        [
            ("Algorithm", f"{markdown.code(version.algorithm)}{': ' if summary else ''}{markdown.escape(summary)}"),
            ("Environment", environment + kwargs),
            ("Observations", markdown.code(space_text(version.observation_space))),
            ("Actions", markdown.code(space_text(version.action_space))),
            ("Aliases", _codes(f"@{alias}" for alias in version.aliases)),
            ("Tags", _codes(version.tags)),
        ]
    )


def _about(algorithm: str) -> str:
    try:
        return factory.describe(algorithm).summary
    except RLKitError:  # its class is not known here
        return ""


def _usage(version: ModelVersion) -> str:
    env = "" if version.env_id else ", env=make_env"
    lines = ["import rlkit", "", f"model = rlkit.load({version.ref!r}{env})", "action = model.predict(observation)"]
    if not version.env_id:
        lines.insert(2, "# make_env returns an environment with the spaces above; only to evaluate or to train further")
    return markdown.block("\n".join(lines).replace("'", '"'), "python")


def _evaluation(version: ModelVersion) -> str:
    metrics = version.metrics
    if not metrics:
        return "It was never evaluated."
    names = metric_names([version])
    rows = [(markdown.code(name), markdown.escape(metrics[name])) for name in names]
    return markdown.table(("metric", "value"), rows, numeric={1})


def _training(version: ModelVersion, curve: str) -> str:
    if not version.num_timesteps:
        return f"It was not trained.\n\n{_hyperparameters(version)}".rstrip()
    facts = [
        ("Steps", text.number(version.num_timesteps)),
        ("Episodes", text.number(version.num_episodes)),
        ("Time", text.duration(version.wall_time)),
        ("Seed", "not recorded" if version.seed is None else str(version.seed)),
        ("Changed while training", markdown.code(changes_text(version.config_changes))),
    ]
    return "\n\n".join(part for part in (_facts(facts), curve, _hyperparameters(version)) if part)


def _hyperparameters(version: ModelVersion) -> str:
    """Return a table of those that are not at their default; of all where nobody knows the defaults."""
    if not version.config:
        return ""
    defaults, algorithm = _defaults(version.algorithm), markdown.code(version.algorithm)
    if defaults is None:
        everything = [(markdown.code(name), _literal(value)) for name, value in version.config.items()]
        return markdown.table(("hyperparameter", "value"), everything)
    chosen = {
        name: value for name, value in version.config.items() if name not in defaults or not same(value, defaults[name])
    }
    if not chosen:
        return f"All hyperparameters are at the defaults of {algorithm}."
    rows = [
        (markdown.code(name), _literal(value), _literal(defaults[name]) if name in defaults else "")
        for name, value in chosen.items()
    ]
    table = markdown.table(("hyperparameter", "value", "default"), rows)
    return f"{table}\n\n{_LEFT_ALONE.format(algorithm)}" if len(chosen) < len(version.config) else table


def _literal(value: Any) -> str:
    return markdown.code(text.literal(value))


def _defaults(algorithm: str) -> dict[str, Any] | None:
    try:
        return factory.get(algorithm).Config().to_dict()
    except Exception:  # noqa: BLE001 - its class is not known here, or is another package's and fails in any way
        return None


def _data(version: ModelVersion) -> str:
    dataset = version.dataset
    if not dataset:
        return "No dataset is recorded: it learned from its environment."
    return _facts([(key, markdown.code(dataset[key])) for key in ("name", "version", "sha256") if dataset.get(key)])


def _lineage(version: ModelVersion) -> str:
    if not version.parent:
        return "No parent is recorded: it was trained from the beginning."
    return f"Trained on from {markdown.code(version.parent)}."


def _provenance(version: ModelVersion) -> str:
    who = f"by {markdown.code(version.user or 'unknown')} on {markdown.code(version.host or 'unknown')}"
    return _facts(
        [
            ("Registered", f"{markdown.escape(version.created[:16].replace('T', ' '))} UTC {who}"),
            ("Git commit", markdown.code(git_text(version.git))),
            ("Packages", _codes(f"{name} {number}" for name, number in version.packages.items())),
            ("State", f"{text.size(version.size)}, SHA-256 {markdown.code(version.sha256)}"),
        ]
    )


def _limitations(version: ModelVersion) -> Iterator[str]:
    """Yield what a person should know before using the model, as far as it is known."""
    reached, episodes = version.metrics.get("mean_return"), version.metrics.get("eval_episodes")
    if not version.num_timesteps:
        yield "It was not trained: it acts at random."
    if reached is None:
        yield "Its mean return was never measured."
    elif episodes is not None and episodes < _FEW_EPISODES:
        counted = f"{text.number(episodes)} episode{'' if episodes == 1 else 's'}"
        yield f"It was evaluated on {counted} only: the mean return is uncertain."
    for name, value in version.metrics.items():
        if math.isnan(value):
            yield f"{markdown.code(name)} could not be measured."
    if version.left_out:
        left_out = markdown.code(version.left_out)
        yield f"Left out: {left_out}. The model acts as before, and collects it anew when it trains further."
    if not version.env_id:
        yield "Its environment has no registered id: to train or evaluate it, make that environment yourself."
    if version.git and version.git.get("dirty"):
        yield "The code had changes that are in no commit: this version cannot be made again from the commit alone."
    elif not (version.git and version.git.get("commit")):
        yield "The commit of the code is not recorded."


def _sparkline(version: ModelVersion) -> str:
    returns = version.learning_curve.get("mean_return") or []
    known = [value for value in returns if math.isfinite(value)]
    if len(known) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    first, last = (markdown.escape(text.number(value)) for value in (known[0], known[-1]))
    return f"Mean return while it trained: {text.sparkline(known)} (from {first} to {last})"


def _picture(version: ModelVersion) -> str:
    curve = version.learning_curve
    if len(curve.get("steps") or ()) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    drawing = svg.learning_curve((), (), curve["steps"], curve["mean_return"])
    return svg.picture(drawing, f"Learning curve of {text.one_line(version.ref)}")
