"""A choice of hyperparameters as what a person would type for it: a line and a block of YAML."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from rlkit.config import Hyperparameter, ModelConfig
from rlkit.display import text


def options(values: Mapping[str, Any], fields: Mapping[str, Hyperparameter]) -> list[str]:
    """Return values as the options of ``%rl_create``.

    Args:
        values: Plain data by name.
        fields: What is known of each.

    Returns:
        For each an option with its value, quoted where a shell needs it.
    """
    return [_option(f"--{name.replace('_', '-')}", value, fields[name]) for name, value in values.items()]


def _option(flag: str, value: Any, field: Hyperparameter) -> str:
    if field.kind == "bool":
        return flag if value else f"--no-{flag.removeprefix('--')}"
    word = shlex.quote(_word(value))
    return f"{flag}={word}" if word.startswith("-") else f"{flag} {word}"


def _word(value: Any) -> str:
    if isinstance(value, list) and value:
        return ",".join(map(str, value))
    if isinstance(value, list | dict):  # as YAML, whose braces IPython does not take for an expression
        return compact(value)
    return "none" if value is None else text.literal(value)


def compact(value: Any) -> str:
    """Return a list or a dict as YAML on one line, such as ``{pi: [64], vf: [64]}``."""
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf).strip()


def call(algorithm: str, env_id: str | None, preset: str = "auto") -> str:
    """Return the words that stand before the options: algorithm, environment and preset.

    Args:
        algorithm: Its name.
        env_id: Gymnasium id of the environment, if any.
        preset: Name of the preset, ``"auto"`` or ``"none"``.
    """
    words = [algorithm, *([] if env_id is None else [shlex.quote(env_id)])]
    return " ".join([*words, *([] if preset == "auto" else ["--preset", shlex.quote(preset)])])


def block(config: ModelConfig) -> str:
    """Return what differs from the defaults as YAML for ``%%rl_config``; empty where nothing does.

    Presets' values are among it: such a block says all.
    """
    defaults = type(config)().to_dict()
    values = {name: value for name, value in config.to_dict().items() if value != defaults[name]}
    return "".join(f"{compact({name: value})[1:-1]}\n" for name, value in values.items())
