"""What a registry found and did: reports that methods return, as data, as text and as HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rlkit.display import html, text
from rlkit.display.html import Markup
from rlkit.storage.parts import Constant

_MOST_LISTED = 12  # in a line
_MOST_ROWS = 60  # of text; in HTML as many of these as fit
_LONGEST_NAME = 48  # letters, in HTML; the text has all of them
_DIFFERS = "differs from the class that is here in"
_PLAIN = ("array", "dict", "list")  # what a plain state is made of


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a registry's folder.

    Attributes:
        where: The file or folder, within the registry's.
        what: What is wrong with it.
        repair: What to do about it; empty where nobody knows.
    """

    where: str
    what: str
    repair: str

    def __str__(self) -> str:
        told = text.one_line(f"{self.where}: {self.what}")
        return f"{told}\n  {text.one_line(self.repair)}" if self.repair else told


@dataclass(frozen=True, repr=False)
class VerifyReport:
    """What a check of a whole registry found.

    Attributes:
        versions: How many versions were checked.
        objects: How many objects were read and are as they were kept.
        size: Their bytes.
        problems: What is wrong.
        garbage: Files that nothing refers to, which ``gc`` deletes: they are no problem.
    """

    versions: int
    objects: int
    size: int
    problems: tuple[Problem, ...]
    garbage: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def _checked(self) -> str:
        counts = f"{_count(self.versions, 'version')} and {_count(self.objects, 'object')} of {text.size(self.size)}"
        return f"{counts} checked"

    @property
    def _verdict(self) -> str:
        return "all is as it was kept" if self.ok else _count(len(self.problems), "problem")

    @property
    def _garbage(self) -> str:
        if not self.garbage:
            return ""
        needed = "file that nothing needs" if len(self.garbage) == 1 else "files that nothing needs"
        return f"{text.number(len(self.garbage))} {needed}: gc() deletes {'it' if len(self.garbage) == 1 else 'them'}"

    def __repr__(self) -> str:
        head = f"{self._checked}: {self._verdict}."
        problems = [str(problem) for problem in self.problems[:_MOST_ROWS]]
        more = _more(len(self.problems), _MOST_ROWS, "report.problems")
        garbage = _filled(f"{self._garbage} ({_listed(self.garbage, 'report.garbage')}).") if self.garbage else ""
        return "\n".join(part for part in (head, *problems, more, garbage) if part)

    def _repr_html_(self) -> str:
        badge = html.badge("ok", "good") if self.ok else html.badge(self._verdict, "bad")
        subtitle = html.join(badge, " ", html.muted(f"{self._checked}: {self._verdict}." if self.ok else self._checked))
        details = [(f"{self._garbage}.", _code_list(self.garbage, "report.garbage"))] if self.garbage else []
        rows = [
            (html.code(text.shortened(each.where, _LONGEST_NAME)), each.what, each.repair)
            for each in self.problems[:_MOST_ROWS]
        ]

        def render(shown: int) -> Markup:
            more = html.left_out(len(self.problems) - shown, "report.problems")
            table = html.join(html.table(("where", "what", "repair"), rows[:shown]), more) if rows else ""
            return html.card("Registry checked", subtitle, picture=table, details=details)

        return html.as_many_as_fit(render, len(rows))


@dataclass(frozen=True, repr=False)
class GCReport:
    """What collecting garbage deleted, or would delete.

    Attributes:
        dry_run: Whether nothing was deleted.
        versions: References of deleted versions that are gone for good.
        files: How many files.
        size: Their bytes.
    """

    dry_run: bool
    versions: tuple[str, ...]
    files: int
    size: int

    @property
    def _summary(self) -> str:
        if not self.files:
            return "Nothing to free." if self.dry_run else "Nothing to free: every file is needed."
        return f"{'Would free' if self.dry_run else 'Freed'} {text.size(self.size)}: {_count(self.files, 'file')}"

    @property
    def _versions(self) -> str:
        gone = "would be gone for good" if self.dry_run else "gone for good"
        return f"{_count(len(self.versions), 'deleted version')} {gone}" if self.versions else ""

    def __repr__(self) -> str:
        if not self.versions:
            return self._summary if not self.files else f"{self._summary}."
        return _filled(f"{self._summary}; {self._versions}: {_listed(self.versions, 'report.versions')}.")

    def _repr_html_(self) -> str:
        details = [(f"{self._versions}.", _code_list(self.versions, "report.versions"))] if self.versions else []
        subtitle = html.badge("dry run", "accent") if self.dry_run else ""
        return html.card(self._summary, subtitle, details=details)


@dataclass(frozen=True, repr=False)
class PruneReport:
    """What pruning a model deleted, or would delete, and why the rest stays.

    Attributes:
        dry_run: Whether nothing was deleted.
        deleted: References of the versions in question, oldest first. They can be restored until ``gc``.
        kept: Reference -> why it stays: ``"newest 3"``, ``"@best"``, ``"parent of cartpole:7"``.
    """

    dry_run: bool
    deleted: tuple[str, ...]
    kept: Mapping[str, str]

    @property
    def _summary(self) -> str:
        gone = "Would delete" if self.dry_run else "Deleted"
        kept = f"{'would keep' if self.dry_run else 'kept'} {text.number(len(self.kept))}"
        return f"{gone} {_count(len(self.deleted), 'version') if self.deleted else 'nothing'}, {kept}"

    @property
    def _advice(self) -> str:
        return "" if self.dry_run or not self.deleted else "restore(…) brings them back until gc()."

    def __repr__(self) -> str:
        gone = f": {_listed(self.deleted, 'report.deleted')}" if self.deleted else ""
        kept = list(self.kept.items())[:_MOST_ROWS]
        table = text.table(("kept", "because"), kept) if kept else ""
        more = _more(len(self.kept), _MOST_ROWS, "report.kept")
        return "\n".join(part for part in (_filled(f"{self._summary}{gone}."), self._advice, table, more) if part)

    def _repr_html_(self) -> str:
        rows = [
            (html.code(text.shortened(ref, _LONGEST_NAME)), text.shortened(why, _LONGEST_NAME))
            for ref, why in list(self.kept.items())[:_MOST_ROWS]
        ]
        gone = "Would be deleted" if self.dry_run else "Deleted"
        deleted = [(gone, _code_list(self.deleted, "report.deleted"))] * bool(self.deleted)
        folded = len(self.kept) > _MOST_LISTED
        subtitle = html.badge("dry run", "accent") if self.dry_run else self._advice

        def render(shown: int) -> Markup:
            more = html.left_out(len(self.kept) - shown, "report.kept")
            kept = html.join(html.table(("kept", "because"), rows[:shown]), more)
            details = [*deleted, *([("Kept, and why", kept)] * folded)]
            return html.card(self._summary, subtitle, picture=kept if rows and not folded else "", details=details)

        return html.as_many_as_fit(render, len(rows))


@dataclass(frozen=True, repr=False)
class InspectedObject:
    """What opening one object of a model would build or run.

    Attributes:
        kind: ``"state"`` or ``"code"``: a class that travels with its model.
        size: Bytes.
        sha256: Their SHA-256.
        builds: What it would build, and how many of each: ``{"array": 14, "dict": 9}``.
        imports: Dotted names of what it would import.
        trusted: Of code, whether this user signed it on this machine; None for what needs no trust.
        strange: What rlkit never writes and is in it all the same: ``load`` refuses that, also with ``trust=True``.
        constants: Of code, the values that it holds; what looks like a secret comes first, and is not shown.
        differing: Of code, what the class of the same name that is here has otherwise: ``("Mine.act", "SCALE")``.
    """

    kind: Literal["state", "code"] | str  # noqa: PYI051 - a newer rlkit may keep other kinds
    size: int
    sha256: str
    builds: Mapping[str, int]
    imports: tuple[str, ...]
    trusted: bool | None
    strange: tuple[str, ...] = ()
    constants: tuple[Constant, ...] = ()
    differing: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but data, which opening it cannot change."""
        return self.trusted is None and not self.imports and not self.strange

    @property
    def _what(self) -> str:
        """What it is made of."""
        kinds = _PLAIN if self.is_plain else tuple(self.builds)
        counts = [_count(self.builds[kind], kind) for kind in kinds if self.builds.get(kind)]
        data = f"{'plain data' if self.is_plain else 'a pickle'} of {text.size(self.size)}"
        return f"{data}: {', '.join(counts)}" if counts else data

    @property
    def _verdict(self) -> str:
        """What opening it would do."""
        if self.is_plain:
            return "runs nothing"
        if self.strange and not (self.trusted is None and self.imports):
            return f"has what rlkit never writes ({_listed(self.strange, 'object.strange')}): load() refuses it"
        if self.trusted is None:
            return "would run code, which no state needs: rlkit refuses it"
        if self.trusted:
            return "signed by you on this machine: load() runs it"
        return "not signed here: load(…, trust=True) would run it"

    def __repr__(self) -> str:
        head = text.one_line(f"{self.kind}: {self._what}; {self._verdict}; SHA-256 {self.sha256[:12]}…")
        lines = []
        if self.imports:
            lines.append(f"would import {_listed(self.imports, 'object.imports')}")
        if self.differing:
            lines.append(f"{_DIFFERS} {_listed(self.differing, 'object.differing')}")
        if self.constants:
            lines.append(f"holds {_listed(self._constants, 'object.constants')}")
        return "\n".join([head, *(textwrap.indent(_filled(line), "  ") for line in lines)])

    @property
    def _constants(self) -> list[str]:
        return [f"{each.name}: {each.type} = {each.text}" for each in self.constants]

    def _details(self) -> list[tuple[str, Markup]]:
        """Return the lists that HTML folds away."""
        lists = (
            ("imports", f"would import {_count(len(self.imports), 'name')}", self.imports),
            ("differing", f"{_DIFFERS} {_count(len(self.differing), 'part')}", self.differing),
            ("constants", f"holds {_count(len(self.constants), 'constant')}", self._constants),
        )
        return [
            (f"The {self.kind} {told}", _code_list(names, f"object.{name}")) for name, told, names in lists if names
        ]

    def _repr_html_(self) -> str:
        return Inspection("", (self,))._repr_html_()


@dataclass(frozen=True)
class InspectedEnvironment:
    """An environment that a module registers, which a model names: loading it imports nothing, and making it does.

    Attributes:
        env_id: The id that the model names, such as ``"walk:Walk-v0"``.
        module: The module that making the environment would import, if it is not imported already.
        trusted: Whether this user kept it with this model on this machine: else only ``trust=True`` imports the module.
    """

    env_id: str
    module: str
    trusted: bool

    @property
    def _verdict(self) -> str:
        """What making it would do."""
        if self.trusted:
            return f"signed by you on this machine: making it imports {self.module}"
        return f"not signed here: with load(…, trust=True) making it would import {self.module}"


@dataclass(frozen=True, repr=False)
class Inspection:
    """What loading a model would build or run: nothing was run to find out.

    Attributes:
        source: The reference or the file.
        objects: Its objects.
        environment: Its environment, where a module registers that; None for one that imports nothing.
    """

    source: str
    objects: tuple[InspectedObject, ...]
    environment: InspectedEnvironment | None = None

    @property
    def is_plain(self) -> bool:
        """Whether all of it is nothing but data."""
        return all(each.is_plain for each in self.objects)

    def __repr__(self) -> str:
        told = "\n".join(repr(each) for each in self.objects) or "holds nothing"
        if self.environment is not None:
            told += "\n" + text.one_line(f"environment: {self.environment.env_id}; {self.environment._verdict}")  # noqa: SLF001 - ours
        return f"{text.one_line(self.source)}\n{textwrap.indent(told, '  ')}"

    def _repr_html_(self) -> str:
        rows: list[tuple[str, str, str, str]] = [
            (each.kind, each._what, _verdict(each), html.code(f"{each.sha256[:12]}…"))  # noqa: SLF001 - ours
            for each in self.objects
        ]
        if self.environment is not None:
            verdict = Markup(f"<strong>{html.plain(self.environment._verdict)}</strong>")  # noqa: SLF001 - ours
            rows.append(("environment", html.code(text.shortened(self.environment.env_id, _LONGEST_NAME)), verdict, ""))
        table = html.table(("object", "what it is", "opening it", "SHA-256"), rows) if rows else "holds nothing"
        details = [each for inspected in self.objects for each in inspected._details()]  # noqa: SLF001 - ours
        return html.card(self.source or "Inspected object", picture=table, details=details)


def _verdict(each: InspectedObject) -> Markup:
    """Return what opening an object would do; a whole sentence is no badge."""
    told = each._verdict  # noqa: SLF001 - ours
    return html.badge(told, "good") if each.is_plain else Markup(f"<strong>{html.plain(told)}</strong>")


def _count(number: int, word: str) -> str:
    return f"{text.number(number)} {word}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str], rest: str) -> str:
    """Write some names, and what has the rest."""
    shown = ", ".join(map(text.one_line, names[:_MOST_LISTED]))
    more = f" and {len(names) - _MOST_LISTED:,} more: {rest}" if len(names) > _MOST_LISTED else ""
    return shown + more


def _filled(sentence: str) -> str:
    """Break a sentence into lines, but none of the names in it."""
    return textwrap.fill(sentence, text.WIDTH, break_long_words=False, break_on_hyphens=False)


def _more(number: int, limit: int, rest: str) -> str:
    return f"… and {number - limit:,} more: {rest}" if number > limit else ""


def _code_list(names: Sequence[str], rest: str) -> Markup:
    shown = html.code(", ".join(text.shortened(name, _LONGEST_NAME) for name in names[:_MOST_LISTED]))
    return html.join(shown, " ", html.left_out(max(0, len(names) - _MOST_LISTED), rest))
