"""A model as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlkit.config.changes import describe_changes
from rlkit.display import html, svg, text
from rlkit.display.html import Markup

if TYPE_CHECKING:  # base.py imports this module
    from rlkit.models.base import ModelBase


def trained(model: ModelBase) -> str:
    """Return how far a model has trained, in a few words."""
    if not model.is_trained:
        return "untrained"
    stopped = f", {model.history.stop_reason}" if model.history and model.history.stop_reason else ""
    return f"trained {text.number(model.num_timesteps)} steps{stopped}"


def model_title(model: ModelBase) -> str:
    """Return what a model is and what it learns: ``"PPO on CartPole-v1"``."""
    where = "without an environment" if model.observation_space is None else f"on {model.env_name}"
    return f"{type(model).__name__} {where}"


def _fields(model: ModelBase) -> list[tuple[str, str]]:
    fields = [("seed", str(model.seed))]
    if model.is_trained:
        fields += [("episodes", text.number(model.num_episodes)), ("training time", text.duration(model.wall_time))]
    fields += describe_changes(model.config_changes).items()
    evaluation = model.evaluation  # taken once: it is gone as soon as a thread has trained the model further
    if evaluation:
        fields.append(("evaluated", f"{text.number(evaluation.mean)} ± {text.number(evaluation.std)}"))
    return fields


def _changed(model: ModelBase) -> int:
    return sum(source != "default" for source in model.config.sources.values())


def model_text(model: ModelBase) -> str:
    """Return a model's facts, its learning curve and the hyperparameters that are not at their default as text."""
    sources, values = model.config.sources, model.config.to_dict()
    chosen = [f"{name}={values[name]!r}" for name in values if sources[name] != "default"]
    fields = [*_fields(model), ("hyperparameters", ", ".join(chosen) or "all at their default")]
    curve = text.sparkline(model.learning_curve["mean_return"])
    head = text.one_line(f"{model_title(model)}: {trained(model)}")
    return "\n".join(part for part in (head, text.fields(fields, width=text.WIDTH), curve) if part)


def model_card(model: ModelBase) -> Markup:
    """Return a model's facts, its learning curve and its hyperparameters as HTML."""
    title = model_title(model)
    state, fields, curve = trained(model), _fields(model), _curve(model, title)
    summary = f"Hyperparameters ({_changed(model)} not at their default)"

    meanings = html.note(html.join(html.code("model.config"), " says what each means."))

    def around(table: Markup) -> Markup:
        return html.card(title, state, fields, curve, details=[(summary, html.join(table, meanings))])

    rows = [(name, value, source, "") for name, value, source, _ in model.config.rows()]
    return html.settings_that_fit(rows, "model.config.to_dict()", around)


def _curve(model: ModelBase, title: str) -> str:
    curve = model.learning_curve
    if len(curve["steps"]) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    drawing = svg.learning_curve((), (), curve["steps"], curve["mean_return"], threshold=model.reward_threshold)
    return svg.picture(drawing, f"Learning curve of {title}")
