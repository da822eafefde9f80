"""Options made from a config's schema: every hyperparameter of an algorithm is one."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any

from rlkit.config import Hyperparameter, ModelConfig
from rlkit.config.files import parse_value, translate
from rlkit.display import text
from rlkit.verbs.parser import OptionParser


def add_hyperparameters(
    parser: OptionParser, config_class: type[ModelConfig], offered: Collection[str] | None = None
) -> None:
    """Give ``parser`` an option for every hyperparameter: ``--learning-rate`` for ``learning_rate``.

    Args:
        parser: What reads the words.
        config_class: Whose hyperparameters.
        offered: Those that help and completion list; all of them where None.
    """
    defaults = config_class().to_dict()
    parser.common |= {name for name, field in config_class.hyperparameters().items() if field.common}
    for name, field in config_class.hyperparameters().items():
        flag = f"--{name.replace('_', '-')}"
        if parser.option(flag) is not None:
            continue  # another algorithm has it, too
        spellings = [flag] if flag == f"--{name}" else [flag, f"--{name}"]
        default = text.literal(defaults[name])
        if field.kind == "bool":
            meaning = f"{field.meaning} By default {default}."
            meaning = meaning if offered is None or name in offered else argparse.SUPPRESS
            action = argparse.BooleanOptionalAction
            parser.add(*spellings, dest=name, action=action, default=None, help=meaning, kind="hyperparameter")
        else:
            meaning = f"{field.meaning} Takes {field.takes}. By default {default}.".replace("%", "%%")
            meaning = meaning if offered is None or name in offered else argparse.SUPPRESS
            parser.add(*spellings, dest=name, metavar=field.kind.upper(), help=meaning, kind="hyperparameter")


def hyperparameters(options: argparse.Namespace, config_class: type[ModelConfig]) -> dict[str, Any]:
    """Return the hyperparameters among parsed options, as the values that were meant."""
    fields = config_class.hyperparameters()
    given = {name: value for name, value in vars(options).items() if name in fields and value is not None}
    return translate({name: _meant(fields[name], value) for name, value in given.items()}, fields)


def _meant(field: Hyperparameter, value: Any) -> Any:
    meant = parse_value(value) if isinstance(value, str) and field.kind != "str" else value
    if field.kind == "sizes" and isinstance(meant, str | int):  # --net-arch 64,64
        meant = parse_value(f"[{value}]")
    return meant
