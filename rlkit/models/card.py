"""A model as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def model_card(model: ModelBase) -> Markup:
    """Return a model's facts, its learning curve and its hyperparameters as HTML."""
    title = model_title(model)
    fields: list[tuple[str, object]] = [("seed", model.seed)]
    if model.is_trained:
        fields += [("episodes", model.num_episodes), ("training time", text.duration(model.wall_time))]
    evaluation = model.evaluation  # taken once: it is gone as soon as a thread has trained the model further
    if evaluation:
        fields.append(("evaluated", f"{text.number(evaluation.mean)} ± {text.number(evaluation.std)}"))
    changed = sum(source != "default" for source in model.config.sources.values())
    details = [(f"Hyperparameters ({changed} not at their default)", html.config_table(model.config.rows()))]
    return html.card(title, subtitle=trained(model), fields=fields, picture=_curve(model, title), details=details)


def _curve(model: ModelBase, title: str) -> str:
    curve = model.learning_curve
    if len(curve["steps"]) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    drawing = svg.learning_curve((), (), curve["steps"], curve["mean_return"], threshold=model.reward_threshold)
    return svg.picture(drawing, f"Learning curve of {title}")
