"""Verb: one thing that a person can ask for, in a notebook as a magic and in a shell as a command."""

from __future__ import annotations

import argparse
import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from rlkit.verbs.parser import OptionParser, split
from rlkit.verbs.scope import Scope


class Verb(ABC):
    """One thing that a person can ask for; its docstring says what it does.

    Derive a class, and it has its options, its help, its errors and its completion in every place.
    """

    name: ClassVar[str]
    """The word for it: ``%rl_tag`` in a notebook and ``rlkit tag`` in a shell."""
    example: ClassVar[str]
    """What is typed after the word, as an example."""
    keeps_quotes: ClassVar[bool] = False
    """Whether quotes stay in the words of a magic's line, as a search expression needs them."""

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return (inspect.getdoc(type(self)) or "").partition("\n")[0]

    def arguments(  # noqa: B027 - a hook: some verbs take nothing
        self, parser: OptionParser, words: Sequence[str], scope: Scope
    ) -> None:
        """Add what the verb takes.

        Args:
            parser: What to add it to.
            words: What was typed: the options of some verbs depend on it.
            scope: What words mean here.
        """

    @abstractmethod
    def run(self, options: argparse.Namespace, scope: Scope) -> Any:
        """Do it, and return what there is to show.

        Args:
            options: What the parser found.
            scope: What words mean here.

        Raises:
            RLKitError: It cannot be done.
        """

    def parser(self, prog: str, words: Sequence[str] = (), scope: Scope | None = None) -> OptionParser:
        """Return what reads the words of the verb.

        Args:
            prog: How it was called, such as ``"%rl_train"``.
            words: What was typed after it.
            scope: What words mean here; what they mean in a shell where None.
        """
        parser = OptionParser(prog, f"{self.summary}\n\n  {prog} {self.example}".rstrip())
        self.arguments(parser, words, scope or Scope())
        return parser

    def split(self, prog: str, line: str) -> list[str]:
        """Split a line of a notebook into words.

        Raises:
            UsageError: A quote is not closed.
        """
        return split(prog, line, posix=not self.keeps_quotes)

    def document(self, prog: str) -> str:
        """Return all there is to say of the verb, for the help of a notebook."""
        return self.parser(prog).format_help().strip()
