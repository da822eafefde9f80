"""What a word that somebody has begun may become: found with the parsers of the verbs themselves."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rlkit.config import ModelConfig
from rlkit.display import text
from rlkit.errors import RLKitError, visible
from rlkit.factory import factory
from rlkit.verbs.candidates import candidates
from rlkit.verbs.parser import Kind, OptionParser, spellings
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb

_QUOTED = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")
_BARE = re.compile(r"[\w.,:/@%+=~^()\[\]&*!<>|-]+")  # what a line takes as it is, without quotes
_TRAPS = set("{}$")  # which a magic evaluates, in quotes as well


@dataclass(frozen=True, slots=True)
class Completions:
    """What may stand where the cursor is.

    Attributes:
        fragment: What is typed of it already.
        options: What it may become, the likeliest first.
    """

    fragment: str
    options: tuple[str, ...] = ()


def complete(verb: Verb, prog: str, line: str, scope: Scope) -> Completions:
    """Return what the last word of a line may become.

    Args:
        verb: Whose line it is.
        prog: How it was called, such as ``"%rl_train"``.
        line: What stands after that, up to the cursor.
        scope: What words mean here.

    Returns:
        Completions, none where nobody can know.
    """
    words, fragment = _split(line)
    try:
        parser = verb.parser(prog, words, scope)
    except RLKitError:
        return Completions(fragment)
    place = _Place.at_end_of(words, parser)
    option, mark, value = fragment.partition("=")
    action = parser.option(option)
    if mark and action is not None and action.nargs is None:
        return _matching_values(value, action, parser, scope)
    if place.pending is not None:
        return _matching_values(fragment, place.pending, parser, scope)
    if fragment.startswith("-") or place.positional is None:
        return _matching(fragment, _options(parser, words))
    if parser.kinds[place.positional.dest] == "expression":
        fragment = fragment[len(fragment.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")) :]
    return _matching_values(fragment, place.positional, parser, scope)


def complete_body(config_line: str, body: str) -> Completions:
    """Return what the last word of a block of hyperparameters may become.

    Args:
        config_line: What stands after ``%%rl_config``, an algorithm among it.
        body: The lines of the block up to the cursor.
    """
    algorithm = next((word for word in config_line.split() if word in factory.names()), "")
    before, _, line = body.rpartition("\n")
    key, mark, value = line.partition(":")
    try:
        config_class = factory.get(algorithm).Config
    except RLKitError:
        return Completions(line)
    fields = config_class.hyperparameters()
    if mark:
        field = fields.get(key.strip())
        fragment = value.lstrip()
        return _matching(fragment, () if field is None else values_of(config_class, field.name))
    there = {known.partition(":")[0].strip() for known in before.splitlines()}
    keys = sorted((field for field in fields.values() if field.name not in there), key=lambda field: not field.common)
    return _matching(line.lstrip(), (f"{field.name}: " for field in keys))


def values_of(config_class: type[ModelConfig], name: str) -> list[str]:
    """Return what is worth offering for a hyperparameter: its default as something to begin with, and its choices."""
    field, default = config_class.hyperparameters()[name], config_class().to_dict()[name]
    if field.kind == "bool":
        return ["true", "false"]
    written = json.dumps(default, separators=(",", ":")) if isinstance(default, list | dict) else text.literal(default)
    return [written, *(choice for choice in field.choices if choice != written)]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the words of a verb the next one stands.

    Attributes:
        pending: The option whose value it is, or None.
        positional: Which word it is, or None where there are enough.
    """

    pending: argparse.Action | None
    positional: argparse.Action | None

    @classmethod
    def at_end_of(cls, words: Sequence[str], parser: OptionParser) -> _Place:
        """Find the place after some words."""
        last = parser.option(words[-1]) if words else None
        pending = last if last is not None and last.nargs is None else None
        count = len(parser.others(words))
        positionals = [action for action in parser.actions() if not action.option_strings]
        if count < len(positionals):
            return cls(pending, positionals[count])
        repeats = positionals and positionals[-1].nargs in ("+", "*")
        return cls(pending, positionals[-1] if repeats else None)


def _split(line: str) -> tuple[list[str], str]:
    """Split a line into the words before the last one, and that, which may be empty or still quoted."""
    words = _QUOTED.findall(line)
    open_quote = _QUOTED.sub("", line).strip()
    if open_quote:
        start = line.rindex(open_quote[0])
        return _QUOTED.findall(line[:start]), line[start:]
    if not words or line[-1:].isspace():
        return [_unquoted(word) for word in words], ""
    return [_unquoted(word) for word in words[:-1]], words[-1]


def _unquoted(word: str) -> str:
    return word.replace("'", "").replace('"', "")


def _matching_values(fragment: str, action: argparse.Action, parser: OptionParser, scope: Scope) -> Completions:
    """Return the values that begin as the fragment does, each as it is typed; what no line takes literally is left out.

    They may come from a stranger: names of files, tags and metrics in a folder of models.
    """
    kind = parser.kinds[action.dest]
    begun = fragment[1:] if fragment[:1] in {"'", '"'} else fragment
    fitting = _matching(begun, _values(action, parser, begun, scope)).options
    return Completions(fragment, tuple(typed for option in fitting if (typed := _as_typed(option, kind))))


def _as_typed(option: str, kind: Kind) -> str:
    """Return how a value is typed so that it means itself; empty where it cannot be."""
    if kind == "expression":
        return option if option.replace(".", "_").isidentifier() else ""
    if kind == "field":
        return option if _BARE.fullmatch(option) else ""
    if option.startswith("-") or visible(option) != option or _TRAPS.intersection(option):
        return ""
    if _BARE.fullmatch(option):
        return option
    quote = "'" if "'" not in option else '"'
    return f"{quote}{option}{quote}" if quote not in option else ""


def _values(action: argparse.Action, parser: OptionParser, fragment: str, scope: Scope) -> Iterable[str]:
    """Return what an option's value or a word may be."""
    if action.choices is not None:
        return list(action.choices)
    kind = parser.kinds[action.dest]
    if kind == "hyperparameter":
        if parser.algorithm not in factory.names():  # it is not known yet
            return []
        return values_of(factory.get(parser.algorithm).Config, action.dest)
    return candidates(kind, fragment, parser.algorithm, scope)


def _options(parser: OptionParser, words: Sequence[str]) -> list[str]:
    """Return the options that are not given yet: of each the first spelling, those that people change often first."""
    given = {id(parser.option(word.partition("=")[0])) for word in words if word.startswith("-")}
    offered = [action for action in parser.actions() if action.help != argparse.SUPPRESS]
    left = [action for action in offered if action.option_strings and id(action) not in given]
    common = parser.common
    left.sort(key=lambda action: action.dest not in common if parser.kinds[action.dest] == "hyperparameter" else False)
    return [name for action in left for name in spellings(action)]


def _matching(fragment: str, options: Iterable[str]) -> Completions:
    """Keep what begins as the fragment does, whatever the case of the letters."""
    begun = fragment.lower()
    kept = dict.fromkeys(option for option in options if option.lower().startswith(begun))
    return Completions(fragment, tuple(kept))
