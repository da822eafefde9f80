"""Settings for single environments, shipped as data in ``rlkit/presets``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from rlkit.errors import ConfigError, did_you_mean

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Written in C where there is one, it reads all presets in a few milliseconds, in Python in fifty."""


@cache
def _read(preset_file: str) -> Mapping[str, Mapping[str, Any]]:
    if not preset_file:
        return {}
    content = resources.files("rlkit").joinpath("presets", preset_file).read_text(encoding="utf-8")
    blocks: dict[str, dict[str, Any]] = yaml.load(content, _LOADER)  # noqa: S506 - a safe one
    return blocks


DEFAULT = "default"
"""Name of the preset for environments that have none of their own."""


def names(preset_file: str) -> list[str]:
    """Return the environments that a preset file has settings for."""
    return sorted(name for name in _read(preset_file) if name != DEFAULT)


def choose(preset_file: str, env_id: str | None, preset: str | None) -> tuple[str, Mapping[str, Any]]:
    """Return the name of the preset that applies and its settings; ``("", {})`` for none.

    Args:
        preset_file: A file in ``rlkit/presets``; empty for none.
        env_id: The environment, whose settings ``"auto"`` takes; those for all others where it has none.
        preset: ``"auto"``, a name, or None for none.

    Raises:
        ConfigError: There is no preset of this name.
    """
    blocks = _read(preset_file)
    if preset is None:
        return "", {}
    if preset == "auto":
        name = env_id if env_id is not None and env_id in blocks else DEFAULT
        return (name, blocks[name]) if name in blocks else ("", {})
    if not isinstance(preset, str) or preset not in blocks:
        raise ConfigError(f"There is no preset {preset!r}.", did_you_mean(str(preset), ["auto", *blocks]))
    return preset, blocks[preset]
