"""Whatever is done to a registry, in whatever order, it answers as a dict would."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from rlkit.errors import RLKitError
from rlkit.registry import ModelRegistry, ModelVersion
from rlkit.registry.lineage import Lineage
from rlkit.registry.reports import GCReport, PruneReport
from rlkit.storage import files
from rlkit.storage.system import System

from .ledger import Ledger, Row
from .stores import Model, rebuild_models

# Most of the time the same, so that much happens to one; two differ in case only, which some disks cannot tell apart.
NAMES = st.sampled_from([*"aaaabbbc", "A"])
NEW_NAMES = st.sampled_from([*"abcde", "A"])
WORDS = st.sampled_from(["best", "old"])
TAGS = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2, unique=True)
SCORES = st.sampled_from([-1.5, 0.0, 2.0, 2.0, math.nan])
METRICS = st.dictionaries(st.sampled_from(["score", "loss"]), SCORES, max_size=2)
DATASETS = st.sampled_from([None, None, {"name": "d", "version": "1", "sha256": None}])
DESCRIPTIONS = st.sampled_from(["", "", "first", "second"])
CONTENTS = st.integers(0, 4)

SEARCHES: dict[str, tuple[Callable[[Row], bool], str]] = {
    "'x' in tags": (lambda row: "x" in row["tags"], ""),
    "'best' in aliases or parent != none": (lambda row: "best" in row["aliases"] or row["parent"] is not None, ""),
    "metrics.content >= 2 and description = 'first'": (
        lambda row: row["metrics"]["content"] >= 2 and row["description"] == "first",
        "content",
    ),
    "metrics.score > 0": (lambda row: row["metrics"].get("score", 0) > 0, "score"),
    "name = 'a' and version > 1": (lambda row: row["name"] == "a" and row["version"] > 1, ""),
    "dataset.name = 'd'": (lambda row: row["dataset"] is not None, ""),
}

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "garbage": lambda data: bytes(255 - byte for byte in data),
    "without its last line": lambda data: b"".join(data.splitlines(keepends=True)[:-1]),
    "a byte flipped": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :]
    ),
    "half a line more": lambda data: data + data[: len(data) // 3],
}


class Unflushed(System):
    """Nobody waits for the disk, which no answer depends on."""

    def fsync(self, descriptor: int) -> None:
        """Leave it to the system."""

    def flush(self, path: Path, folder: int) -> None:
        """Leave it to the system."""


def told(version: ModelVersion) -> Row:
    """Return what the ledger knows of a version, too."""
    known = {key: getattr(version, key) for key in ("name", "version", "ref", "parent", "dataset", "description")}
    lists = {"tags": list(version.tags), "aliases": list(version.aliases)}
    return {**known, **lists, "metrics": version.metrics, "content": version.config["content"]}


def plain(answer: Any) -> Any:  # noqa: PLR0911 - one for each kind of answer
    """Return an answer of a registry or the ledger in a form in which equal ones are equal: NaN is none too."""
    match answer:
        case ModelVersion():
            return plain(told(answer))
        case Model():
            return answer.content
        case PruneReport():
            return plain((list(answer.deleted), dict(answer.kept)))
        case Lineage():
            return plain((answer.parent, answer.children, answer.ancestors))
        case dict():
            return {key: plain(value) for key, value in answer.items()}
        case list() | tuple():
            return [plain(each) for each in answer]
        case float() if math.isnan(answer):
            return "not a number"
    return answer


def _often(strategy: st.SearchStrategy[str], times: int) -> list[st.SearchStrategy[str]]:
    """Return a strategy as often as it shall count: of the very same ones only one does."""
    return [strategy.map(lambda drawn: drawn) for _ in range(times)]


class Registries(RuleBasedStateMachine):
    """Two registry objects in one folder, and the ledger."""

    references, deleted, aliases = Bundle("references"), Bundle("deleted"), Bundle("aliases")
    loaded, exported = Bundle("loaded"), Bundle("exported")
    any_reference = st.one_of(
        references,
        *_often(references, 4),
        NAMES,
        st.builds("{}@{}".format, NAMES, st.sampled_from(["best", "old", "latest"])),
        st.builds("{}:{}".format, NAMES, st.integers(1, 9)),
    )
    turns = st.integers(0, 1)

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "store"
        self.ledger = Ledger()
        self.registries = [ModelRegistry(self.folder), ModelRegistry(self.folder)]
        self.files = 0

    @initialize(target=references, beginnings=st.lists(st.tuples(NAMES, st.booleans()), min_size=3, max_size=6))
    def begin_with_some(self, beginnings):
        """Begin with some versions, of some of which more was told afterwards."""
        kept = []
        for content, (name, changed) in enumerate(beginnings, 50):
            version = self.same(0, "register", Model(content), name)
            if version is not None:
                kept.append(version.ref)
                if changed:
                    self.same(0, "tag", version.ref, "x")
                    self.same(0, "add_metrics", version.ref, {"score": 1.0})
                    self.same(0, "set_alias", name, "best", version.version)
        return multiple(*kept)

    def teardown(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.root)

    def same(self, turn: int, verb: str, *arguments: Any, **options: Any) -> Any:
        """Ask the ledger and a registry for the same, who must answer, refuse and warn alike.

        Args:
            turn: Which registry object.
            verb: A method of both.
            arguments: What it is given.
            options: The same.

        Returns:
            What the registry returns; None where both refuse.
        """
        self.ledger.warned = False
        expected = _outcome(getattr(self.ledger, verb), *arguments, **options)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            found = _outcome(getattr(self.registries[turn], verb), *arguments, **options)
        assert plain(found[:1]) == plain(expected[:1]), f"{verb}{arguments}{options}"
        assert found[1] is expected[1], f"{verb}{arguments}{options}"
        assert [each.category for each in warned] == [UserWarning] * self.ledger.warned
        return found[0]

    # -- keeping ------------------------------------------------------------------------------------------------------

    @rule(
        target=references,
        turn=turns,
        content=CONTENTS,
        name=NAMES,
        parent=st.one_of(st.none(), any_reference),
        tags=TAGS,
        metrics=METRICS,
        dataset=DATASETS,
        description=DESCRIPTIONS,
        allow_duplicate=st.booleans(),
    )
    def register(self, turn, content, name, **options):
        return _ref(self.same(turn, "register", Model(content), name, **options))

    @rule(target=references, turn=turns, content=st.integers(100, 10_000), name=NAMES)
    def register_a_new_one(self, turn, content, name):
        return _ref(self.same(turn, "register", Model(content), name))

    @rule(
        target=references,
        turn=turns,
        reference=any_reference,
        parent=st.one_of(st.none(), references),
        tags=TAGS,
        metrics=METRICS,
        allow_duplicate=st.booleans(),
    )
    def register_again(self, turn, reference, **options):
        version = self.same(turn, "get", reference)
        if version is None:
            return multiple()
        return _ref(self.same(turn, "register", Model(version.config["content"]), version.name, **options))

    @rule(target=loaded, turn=turns, reference=any_reference)
    def load(self, turn, reference):
        row = self.same(turn, "get", reference)
        if row is None:
            return multiple()
        model = self.registries[turn].load(reference)
        assert model.content == row.config["content"]
        model.origin = row.ref
        return model

    @rule(target=references, turn=turns, model=loaded, content=st.one_of(st.none(), CONTENTS), name=NAMES)
    def register_what_was_loaded_and_perhaps_trained_on(self, turn, model, content, name):
        model.content = model.content if content is None else content
        return _ref(self.same(turn, "register", model, name))

    @rule(target=references, turn=turns, reference=any_reference, name=NAMES)
    def copy(self, turn, reference, name):
        return _ref(self.same(turn, "copy", reference, name))

    @rule(target=exported, turn=turns, reference=any_reference)
    def export(self, turn, reference):
        self.files += 1
        path = self.same(turn, "export_file", reference, self.root / f"{self.files}.rlkit")
        return multiple() if path is None else path

    @rule(
        target=references,
        turn=turns,
        path=exported,
        name=st.one_of(st.none(), NAMES),
        allow_duplicate=st.booleans(),
    )
    def import_what_was_exported(self, turn, path, name, allow_duplicate):
        return _ref(self.same(turn, "import_file", path, name, allow_duplicate=allow_duplicate))

    # -- what may change ----------------------------------------------------------------------------------------------

    @rule(turn=turns, reference=any_reference, tags=TAGS)
    def tag(self, turn, reference, tags):
        self.same(turn, "tag", reference, *tags)

    @rule(turn=turns, reference=any_reference, tags=TAGS)
    def untag(self, turn, reference, tags):
        self.same(turn, "untag", reference, *tags)

    @rule(turn=turns, reference=any_reference, description=DESCRIPTIONS)
    def describe(self, turn, reference, description):
        self.same(turn, "describe", reference, description)

    @rule(turn=turns, reference=any_reference, metrics=METRICS)
    def add_metrics(self, turn, reference, metrics):
        self.same(turn, "add_metrics", reference, metrics)

    @rule(target=aliases, turn=turns, reference=references, alias=WORDS)
    def set_alias(self, turn, reference, alias):
        name, _, number = reference.partition(":")
        version = self.same(turn, "set_alias", name, alias, int(number))
        return (name if version is None else version.name), alias

    @rule(turn=turns, name_and_alias=st.one_of(aliases, st.tuples(NAMES, WORDS)))
    def delete_alias(self, turn, name_and_alias):
        self.same(turn, "delete_alias", *name_and_alias)

    @rule(
        turn=turns,
        name=NAMES,
        by=st.sampled_from(["content", "score"]),
        alias=WORDS,
        mode=st.sampled_from(["max", "min"]),
    )
    def promote(self, turn, name, by, alias, mode):
        self.same(turn, "promote", name, by, alias=alias, mode=mode)

    # -- versions as a whole ------------------------------------------------------------------------------------------

    @rule(target=deleted, turn=turns, reference=any_reference)
    def delete(self, turn, reference):
        version = self.same(turn, "get", reference)
        self.same(turn, "delete", reference)
        return _ref(version)

    @rule(target=deleted, turn=turns, name=NAMES)
    def delete_the_newest(self, turn, name):
        version = self.same(turn, "get", name)
        if version is None:
            return multiple()
        self.same(turn, "delete", version.ref)
        return version.ref

    @rule(turn=turns, reference=any_reference)
    def delete_for_good(self, turn, reference):
        self.same(turn, "delete", reference)
        self.collect_garbage(turn, 0)

    @rule(turn=turns, reference=st.one_of(*_often(deleted, 4), any_reference))
    def restore(self, turn, reference):
        self.same(turn, "restore", reference)

    @rule(target=references, turn=turns, name=st.one_of(NAMES, st.integers(0, 5)), new_name=NEW_NAMES)
    def rename(self, turn, name, new_name):
        there = self.ledger.models()
        if isinstance(name, int) and there:
            name = there[name % len(there)]
        renamed = self.same(turn, "rename", str(name), new_name)
        return multiple(*(version.ref for version in renamed or ()))

    @rule(turn=turns, name=NAMES, keep=st.integers(0, 3), force=st.booleans(), dry_run=st.booleans())
    def prune(self, turn, name, keep, force, dry_run):
        self.same(turn, "prune", name, keep, force=force, dry_run=dry_run)

    @rule(turn=turns, days=st.sampled_from([0, 0, 1]))
    def collect_garbage(self, turn, days):
        registry, older_than = self.registries[turn], timedelta(days=days)
        said, done = (registry.gc(older_than=older_than, dry_run=dry_run) for dry_run in (True, False))
        assert said == GCReport(True, done.versions, done.files, done.size)  # noqa: FBT003 - dry_run
        names_now = self.ledger.now(done.versions)
        assert names_now == sorted(self.ledger.gc(old=not days))
        assert registry.verify().garbage == ()
        assert registry.gc(older_than=older_than, dry_run=True).files == 0

    @rule(turn=turns, reference=any_reference)
    def follow_the_lineage(self, turn, reference):
        self.same(turn, "lineage", reference)

    @rule(
        turn=turns,
        text=st.sampled_from(sorted(SEARCHES)),
        key=st.sampled_from([None, "content", "score"]),
        limit=st.sampled_from([None, 2]),
    )
    def search(self, turn, text, key, limit):
        condition, metric = SEARCHES[text]
        expected = _outcome(self.ledger.search, condition, key, limit, metric)
        order_by = None if key is None else f"-metrics.{key}"
        assert plain(_outcome(self.registries[turn].search, text, order_by, limit)) == plain(expected)

    # -- the index, and other programs --------------------------------------------------------------------------------

    @rule(turn=turns)
    def reindex(self, turn):
        assert self.registries[turn].reindex() == len(self.ledger.versions())

    @rule(turn=turns, how=st.sampled_from([None, *sorted(DAMAGES)]), settled=st.booleans())
    def damage_the_index(self, turn, how, settled):
        """Damage or delete the file; where the folder had come to rest, it had told all and was believed."""
        if settled:
            self.let_a_second_pass()
            self.registries[turn].reindex()
        path = self.folder / "index.jsonl"
        if how is None:
            path.unlink(missing_ok=True)
        elif path.exists():
            path.write_bytes(DAMAGES[how](path.read_bytes()))
        self.reopen(turn)

    @rule()
    def let_a_second_pass(self):
        """Make the folders as old as they would be then: an index trusts the times of old ones."""
        for folder in self.folder.glob("models/**/"):
            status = folder.stat()
            os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9))

    @rule(turn=turns)
    def reopen(self, turn):
        self.registries[turn] = ModelRegistry(self.folder)

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def lists_agree(self):
        for registry in self.registries:
            assert registry.models() == self.ledger.models()
            assert plain(registry.versions()) == plain(self.ledger.versions())
            trash = sorted(map(told, registry.trash()), key=lambda row: (row["name"], row["version"]))
            assert plain(trash) == plain(self.ledger.trash())

    @invariant()
    def aliases_are_kept_as_long_as_what_they_point_to(self):
        for name in self.ledger.models():
            assert self.registries[0]._store.read_meta(name)["aliases"] == self.ledger.aliases(name)

    @invariant()
    def references_mean_what_they_ever_meant(self):
        for reference in self.ledger.references():
            expected = plain(_outcome(self.ledger.get, reference))
            for registry in self.registries:
                assert plain(_outcome(registry.get, reference)) == expected

    @invariant()
    def bytes_are_those_that_were_kept(self):
        for row in self.ledger.versions():
            assert self.registries[0].load(row["ref"]).content == row["content"]

    @invariant()
    def all_is_well_on_disk(self):
        report = self.registries[1].verify()
        assert report.problems == ()
        assert report.versions == len(self.ledger.versions())


def _outcome(method: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, type | None]:
    """Return what a method returns, or how it refuses."""
    try:
        return method(*arguments, **options), None
    except RLKitError as error:
        return None, type(error)


def _ref(version: ModelVersion | None) -> Any:
    return multiple() if version is None else version.ref


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    rebuild_models(monkeypatch.setattr)
    monkeypatch.setattr(files, "system", Unflushed())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("examples", "steps"), [(30, 25), pytest.param(500, 50, marks=pytest.mark.long)])
def test_a_registry_answers_as_a_dict_would_after_any_history(examples, steps):
    run_state_machine_as_test(
        Registries,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
