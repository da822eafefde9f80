"""Verbs that tell what there is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gymnasium

import rlkit
from rlkit.display import html
from rlkit.display.html import Markup
from rlkit.envs import EnvironmentDescription, EnvironmentList, split_id
from rlkit.errors import UsageError, nearest
from rlkit.factory import Description, ModelFactory
from rlkit.verbs.parser import OptionParser
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb


class Algorithms(Verb):
    """List the algorithms, or describe one with all that it takes."""

    name = "algos"
    example = "ppo"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("algorithm", nargs="?", kind="algorithm", help="name of an algorithm; all of them by default")

    def run(self, options: argparse.Namespace, scope: Scope) -> Description | ModelFactory:
        return rlkit.factory if options.algorithm is None else rlkit.factory.describe(options.algorithm)


class Environments(Verb):
    """List the environments that Gymnasium knows, or describe one."""

    name = "envs"
    example = "CartPole-v1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add(
            "environment",
            nargs="?",
            kind="environment",
            help="an id, a part of those to list, or 'module:'; all by default",
        )

    def run(self, options: argparse.Namespace, scope: Scope) -> EnvironmentDescription | EnvironmentList:
        word = options.environment
        if word is None:
            return rlkit.environments()
        env = scope.environment(word)
        if isinstance(env, gymnasium.Env | gymnasium.vector.VectorEnv | type):
            return rlkit.environment(env)
        word = env if isinstance(env, str) else word
        found = rlkit.environments(word)
        exact = split_id(word)[1] in [each.id for each in found]
        if (found and not exact) or word.endswith(":"):
            return found
        return rlkit.environment(env)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """All verbs on one screen.

    Attributes:
        prefix: What stands before each, such as ``"%rl_"``.
        groups: The verbs of each group, by its title.
    """

    prefix: str
    groups: Mapping[str, Sequence[Verb]]

    def __repr__(self) -> str:
        lines = []
        for title, verbs in self.groups.items():
            lines += [title, *(f"  {self._call(verb):{self._width}}  {verb.summary}" for verb in verbs)]
        return "\n".join([*lines, "", self._more])

    @property
    def _width(self) -> int:
        return max(len(self._call(verb)) for verbs in self.groups.values() for verb in verbs)

    @property
    def _more(self) -> str:
        return f"All that one takes: {self.prefix}help train, or {self.prefix}train --help."

    def _call(self, verb: Verb) -> str:
        return f"{self.prefix}{verb.name}"

    def _repr_html_(self) -> str:
        line_end = Markup("<br/>")
        groups = [
            (title, html.join(*(self._line(verb) for verb in verbs), separator=line_end))
            for title, verbs in self.groups.items()
        ]
        return html.card("rlkit", subtitle=self._more, fields=groups)

    def _line(self, verb: Verb) -> Markup:
        call = html.code(f"{self._call(verb):{self._width}}".replace(" ", "\N{NO-BREAK SPACE}"))
        return html.join(call, " ", verb.summary)


class Help(Verb):
    """Say what there is to type, or all that one verb takes."""

    name = "help"
    example = "train"

    def __init__(self, prefix: str, groups: Mapping[str, Sequence[Verb]]) -> None:
        self._prefix = prefix
        self._groups = groups

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("verb", nargs="?", kind="verb", help="a verb; all of them by default")
        parser.add("words", nargs="*", kind="algorithm", help="what follows it: an algorithm, for its hyperparameters")

    def run(self, options: argparse.Namespace, scope: Scope) -> HelpPage | HelpText:
        if options.verb is None:
            return HelpPage(self._prefix, self._groups)
        known = {verb.name: verb for verbs in self._groups.values() for verb in verbs} | {self.name: self}
        name = options.verb.lstrip("%").removeprefix(self._prefix.lstrip("%"))
        if options.verb.startswith("%%") and not hasattr(known.get(name), "run_body"):
            raise UsageError(f"There is no cell magic {options.verb}.", f"Write it on one line: {self._prefix}{name}")
        if name not in known:
            near = nearest(name, known).replace("'", f"'{self._prefix}", 1)
            raise UsageError(f"There is no {self._prefix}{name}.", near or f"{self._prefix}help lists what there is.")
        return HelpText(known[name].parser(f"{self._prefix}{name}", options.words, scope).format_help().strip())


class HelpText(str):
    """Help that shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html.preformatted(str(self))
