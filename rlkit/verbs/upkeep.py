"""Verbs for the registry as a whole, and for taking models out of it and into it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import timedelta

import rlkit
from rlkit.display.note import Note
from rlkit.registry import ModelRegistry, use_registry
from rlkit.registry.reports import GCReport, PruneReport, VerifyReport
from rlkit.registry.transfer import ExportedFile
from rlkit.registry.versions import ModelVersion
from rlkit.verbs.notes import notes
from rlkit.verbs.parser import OptionParser, parse_whole_number
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Prune(Verb):
    """Move all but the newest versions of a model to the trash."""

    name = "prune"
    example = "cartpole --keep 5"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("name")
        parser.add("--keep", metavar="N", type=parse_whole_number, required=True, help="how many to keep")
        parser.add("--force", action="store_true", help="delete those with an alias or with children too")
        parser.take("--dry-run")

    def run(self, options: argparse.Namespace, scope: Scope) -> PruneReport:
        return rlkit.registry().prune(options.name, options.keep, force=options.force, dry_run=options.dry_run)


def parse_age(word: str) -> timedelta:
    """Return the span of time that a word such as ``30d``, ``12h`` or ``5m`` says."""
    found = re.fullmatch(r"(\d{1,5})([dhm])", word)
    if found is None:
        raise argparse.ArgumentTypeError(f"{word!r} is no age such as 30d, 12h or 5m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


class CollectGarbage(Verb):
    """Delete for good what is in the trash or needed by no version."""

    name = "gc"
    example = "--older-than 30d"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add(
            "--older-than",
            type=parse_age,
            default=timedelta(0),
            metavar="AGE",
            help="leave what was deleted less than this ago: 30d, 12h or 5m",
        )
        parser.take("--dry-run")

    def run(self, options: argparse.Namespace, scope: Scope) -> GCReport:
        return rlkit.registry().gc(older_than=options.older_than, dry_run=options.dry_run)


class Verify(Verb):
    """Check every hash and every reference in the registry."""

    name = "verify"
    example = ""

    def run(self, options: argparse.Namespace, scope: Scope) -> VerifyReport:
        return rlkit.registry().verify()


class Reindex(Verb):
    """Rebuild the index of the registry; rlkit does so itself where it is stale, lost or damaged."""

    name = "reindex"
    example = ""

    def run(self, options: argparse.Namespace, scope: Scope) -> Note:
        return Note(f"Versions in the index: {rlkit.registry().reindex():,}.")


class Export(Verb):
    """Write a version to one file, to take elsewhere."""

    name = "export"
    example = "cartpole@best best.rlkit"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("reference")
        parser.add("file", nargs="?", kind="file", help="file, whose name ends in .rlkit; cartpole-3.rlkit by default")
        parser.add("--anonymous", action="store_true", help="leave out user, machine and git commit")

    def run(self, options: argparse.Namespace, scope: Scope) -> ExportedFile:
        with notes():
            return rlkit.registry().export_file(options.reference, options.file, anonymous=options.anonymous)


class Import(Verb):
    """Keep the model in a file as a version; nothing in it is run."""

    name = "import"
    example = "best.rlkit cartpole"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("file", kind="file", help="file that export or model.save wrote")
        parser.add("name", nargs="?", kind="name", help="what to call the model; what the file says by default")
        parser.take("--allow-duplicate")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        with notes():
            return rlkit.registry().import_file(options.file, options.name, allow_duplicate=options.allow_duplicate)


class Store(Verb):
    """Show the folder that keeps the models, or choose another for this session."""

    name = "store"
    example = "my_models"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("folder", nargs="?", kind="folder", help="folder, which need not be there yet")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelRegistry:
        return rlkit.registry() if options.folder is None else use_registry(options.folder)
