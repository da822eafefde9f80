"""Verbs that change what the registry says of a version, or take it away and bring it back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import rlkit
from rlkit.display.note import Note
from rlkit.errors import InvalidReferenceError, UsageError
from rlkit.registry.names import parse_reference
from rlkit.registry.versions import ModelVersion, VersionList
from rlkit.verbs.parser import OptionParser, parse_number
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb


class Tag(Verb):
    """Add tags to a version, or take them off it."""

    name = "tag"
    example = "cartpole:3 baseline small"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("tags", nargs="+", kind="tag", help="one or more, such as baseline")
        parser.add("--remove", action="store_true", help="take them off")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        registry = rlkit.registry()
        return (registry.untag if options.remove else registry.tag)(options.reference, *options.tags)


class Describe(Verb):
    """Replace the description of a version, which is text in Markdown."""

    name = "describe"
    example = "cartpole:3 'smaller steps, to see whether it stays up'"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("description", nargs="+", help="the text; '' for none")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        return rlkit.registry().describe(options.reference, " ".join(options.description))


class Metrics(Verb):
    """Add metrics to a version; one that it has already is replaced."""

    name = "metrics"
    example = "cartpole:3 sharpe=1.2 drawdown=0.07"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("metrics", nargs="+", kind="metric", help="one or more, each as name=value")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        return rlkit.registry().add_metrics(options.reference, parse_metrics(options.metrics))


def parse_metrics(words: list[str]) -> dict[str, float]:
    """Return the metrics that words such as ``sharpe=1.2`` say.

    Raises:
        UsageError: One of them is of another form.
    """
    metrics = {}
    for word in words:
        name, mark, value = word.partition("=")
        try:
            metrics[name] = parse_number(value)
        except argparse.ArgumentTypeError:
            mark = ""
        if not name or not mark:
            raise UsageError(f"{word!r} is no metric.", "Write its name and its value: sharpe=1.2")
    return metrics


class Alias(Verb):
    """Let a word point to a version: to the one named, or to the best by a metric."""

    name = "alias"
    example = "cartpole:3 production"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("alias", kind="alias", help="the word; cartpole@production then means the version")
        parser.add("--by", metavar="METRIC", kind="metric", help="take the version of the model where this is largest")
        parser.add("--smallest", action="store_true", help="with --by: take the one where it is smallest")
        parser.add("--remove", action="store_true", help="let the word point nowhere")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion | Note:
        registry = rlkit.registry()
        reference = parse_reference(options.reference)
        if options.smallest and options.by is None:
            raise UsageError("--smallest needs a metric.", "Say which: --by loss --smallest")
        if (options.remove or options.by is not None) and not reference.is_bare:
            problem = f"{options.reference!r} is one version, and this is about all of a model."
            raise InvalidReferenceError(problem, f"Give the name alone: {reference.name!r}.")
        if options.remove:
            registry.delete_alias(reference.name, options.alias)
            return Note(f"{reference.name}@{options.alias} points nowhere now.")
        if options.by is not None:
            return registry.promote(
                reference.name, options.by, alias=options.alias, mode="min" if options.smallest else "max"
            )
        version = registry.get(options.reference)
        return registry.set_alias(version.name, options.alias, version.version)


class Copy(Verb):
    """Keep a version under another name too; its bytes are kept once."""

    name = "copy"
    example = "cartpole@best pole"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("name", kind="name", help="name to keep it under too")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        return rlkit.registry().copy(options.reference, options.name)


class Rename(Verb):
    """Give a model another name; references by the old one stay right."""

    name = "rename"
    example = "cartpole pole"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("name")
        parser.add("new_name", help="what it is called from now on")

    def run(self, options: argparse.Namespace, scope: Scope) -> VersionList:
        return rlkit.registry().rename(options.name, options.new_name)


class Delete(Verb):
    """Move versions to the trash, from where restore brings them back until gc."""

    name = "delete"
    example = "cartpole:1 cartpole:2"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("references", nargs="+", kind="reference", help="versions, each with its number or alias")

    def run(self, options: argparse.Namespace, scope: Scope) -> Note:
        registry = rlkit.registry()
        # All of them before any is deleted: a wrong word must not leave the work half done.
        bare = [word for word in options.references if parse_reference(word).is_bare]
        refs = list(dict.fromkeys(registry.get(word).ref for word in options.references))
        for word in [*bare[:1], *refs]:
            registry.delete(word)  # which refuses a bare name
        be = "are" if len(refs) > 1 else "is"
        return Note(f"{', '.join(refs)} {be} in the trash until gc; restore brings back what is there.")


class Restore(Verb):
    """Bring deleted versions back from the trash."""

    name = "restore"
    example = "cartpole:1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("references", nargs="+", kind="restorable", help="versions, each with its number")

    def run(self, options: argparse.Namespace, scope: Scope) -> VersionList:
        registry = rlkit.registry()
        trash = {version.ref for version in registry.trash()}
        # What is not there comes first: a wrong word must not leave the work half done.
        words = sorted(dict.fromkeys(options.references), key=trash.__contains__)
        return VersionList(registry.restore(word) for word in words)
