"""Verbs that look at what the registry keeps and change nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import rlkit
from rlkit.registry.comparison import Comparison, Difference
from rlkit.registry.lineage import Lineage
from rlkit.registry.model_card import ModelCard
from rlkit.registry.reports import Inspection
from rlkit.registry.versions import ModelVersion, VersionList
from rlkit.verbs.parser import OptionParser, parse_whole_number
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb


class Models(Verb):
    """List the versions in the registry, of one model or of all."""

    name = "models"
    example = "cartpole"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("name", nargs="?", kind="name", help="name of a model; all of them by default")
        parser.add("--trash", action="store_true", help="list what was deleted and can be restored")

    def run(self, options: argparse.Namespace, scope: Scope) -> VersionList:
        registry = rlkit.registry()
        if not options.trash:
            return registry.versions(options.name)
        return VersionList(each for each in registry.trash() if options.name in (None, each.name))


class Show(Verb):
    """Show a version: its metrics, learning curve and hyperparameters, and where it comes from."""

    name = "show"
    example = "cartpole@best"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        return rlkit.registry().get(options.reference)


class Search(Verb):
    """Find versions by anything that is known of them."""

    name = "search"
    # In quotes as a shell needs them, which would read a file for what stands after ">".
    example = "\"algorithm = 'ppo' and metrics.mean_return > 400\" --order-by -metrics.mean_return"
    keeps_quotes = True

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("expression", nargs="*", kind="expression", help="conditions; all versions by default")
        parser.add("--order-by", metavar="FIELD", kind="field", help="a field to sort by; -FIELD: the largest first")
        parser.add("--limit", metavar="N", type=parse_whole_number, help="how many to list at most")

    def run(self, options: argparse.Namespace, scope: Scope) -> VersionList:
        where = _unquoted(" ".join(options.expression))
        order_by = options.order_by and _unquoted(options.order_by)
        return rlkit.registry().search(where or None, order_by=order_by, limit=options.limit)


def _unquoted(words: str) -> str:
    """Take off quotes around the whole, which a shell needs and a notebook does not."""
    quote = words[:1]
    whole = len(words) > 1 and quote in {"'", '"'} and words.find(quote, 1) == len(words) - 1
    return words[1:-1] if whole else words


class Compare(Verb):
    """Set versions side by side: metrics, the hyperparameters that differ, learning curves."""

    name = "compare"
    example = "cartpole:1 cartpole@best"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("others", nargs="+", kind="reference", help="versions to set beside it")

    def run(self, options: argparse.Namespace, scope: Scope) -> Comparison:
        return rlkit.registry().compare(options.reference, *options.others)


class Diff(Verb):
    """Tell what differs between two versions: config, metrics, and how far parameters have moved."""

    name = "diff"
    example = "cartpole:1 cartpole:2"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("left", kind="reference", help="a version")
        parser.add("right", kind="reference", help="another version")

    def run(self, options: argparse.Namespace, scope: Scope) -> Difference:
        return rlkit.registry().diff(options.left, options.right)


class ShowLineage(Verb):
    """Show what a version was trained on from, and what was trained on from it."""

    name = "lineage"
    example = "cartpole@best"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")

    def run(self, options: argparse.Namespace, scope: Scope) -> Lineage:
        return rlkit.registry().lineage(options.reference)


class Card(Verb):
    """Show the model card of a version, in Markdown."""

    name = "card"
    example = "cartpole@best"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelCard:
        return rlkit.registry().card(options.reference)


class Inspect(Verb):
    """Tell what loading a version or a file would build or run, without doing it."""

    name = "inspect"
    example = "cartpole:1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("source")

    def run(self, options: argparse.Namespace, scope: Scope) -> Inspection:
        return rlkit.registry().inspect(options.source)
