"""What a registry found and did."""

import dataclasses
from html.parser import HTMLParser

import pytest

from rlkit.registry.reports import (
    GCReport,
    InspectedEnvironment,
    InspectedObject,
    Inspection,
    Problem,
    PruneReport,
    VerifyReport,
)

DRY_RUN, DONE = True, False
SIGNED, STRANGE = True, False
HOSTILE = "<script>x</script>|`\n\x1b[31m"
PROBLEM = Problem("objects/ab/cdef", "It has another hash.", "Restore it from a backup.")
STATE = InspectedObject("state", 110_000, "ab" * 32, {"array": 14, "dict": 1, "call": 28}, (), None)
CODE = InspectedObject("code", 3_400, "cd" * 32, {"call": 20}, ("dill._dill._create_type", "os.path.join"), STRANGE)


def words_of(report):
    """Return the words of a report's HTML, once every tag was closed and none is one that a person wrote."""
    opened, words = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag != "script"
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

        def handle_data(self, data):
            words.append(data)

    Reader().feed(report._repr_html_())
    assert opened == []
    return " ".join(words)


def test_reports_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        GCReport(DRY_RUN, (), 0, 0).size = 1


# -- verify ------------------------------------------------------------------------------------------------------------


def test_a_sound_registry_says_what_was_checked():
    report = VerifyReport(12, 24, 1_234_567, ())
    assert report.ok
    assert str(report) == "12 versions and 24 objects of 1.2 MB checked: all is as it was kept."
    assert "12 versions and 24 objects of 1.2 MB checked" in words_of(report)
    assert "<table" not in report._repr_html_()


def test_garbage_is_no_problem():
    report = VerifyReport(1, 1, 10, (), ("objects/ab/cd",))
    assert report.ok
    for shown in (str(report), words_of(report)):
        assert "1 file that nothing needs: gc() deletes it" in shown
        assert "objects/ab/cd" in shown


def test_every_problem_says_where_what_and_how_to_repair():
    report = VerifyReport(1, 0, 0, (PROBLEM, Problem("models/a/1.json", "It is no JSON.", "")))
    assert not report.ok
    assert str(report).splitlines() == [
        "1 version and 0 objects of 0 B checked: 2 problems.",
        "objects/ab/cdef: It has another hash.",
        "  Restore it from a backup.",
        "models/a/1.json: It is no JSON.",
    ]
    words = words_of(report)
    assert all(word in words for word in ("where", "what", "repair", "2 problems", *dataclasses.astuple(PROBLEM)))


def test_thousands_of_problems_are_counted_and_some_shown():
    report = VerifyReport(1, 1, 1, (PROBLEM,) * 5000, tuple(f"objects/{i}" for i in range(5000)))
    assert "5,000 problems" in str(report)
    assert "… and 4,940 more: report.problems" in str(report)
    assert "and 4,988 more: report.garbage" in str(report)
    shown = report._repr_html_().count("<tr>") - 1
    assert f"… and {5000 - shown:,} more" in words_of(report)


# -- gc and prune ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (GCReport(DRY_RUN, (), 3, 1_234_567), "Would free 1.2 MB: 3 files."),
        (GCReport(DONE, (), 1, 10), "Freed 10 B: 1 file."),
        (GCReport(DRY_RUN, (), 0, 0), "Nothing to free."),
        (GCReport(DONE, (), 0, 0), "Nothing to free: every file is needed."),
        (
            GCReport(DONE, ("a:1", "b:2"), 4, 2_000),
            "Freed 2.0 kB: 4 files; 2 deleted versions gone for good: a:1, b:2.",
        ),
        (
            GCReport(DRY_RUN, ("a:1",), 4, 2_000),
            "Would free 2.0 kB: 4 files; 1 deleted version would be gone for good: a:1.",
        ),
    ],
)
def test_collecting_garbage_says_what_was_freed_or_would_be(report, said):
    assert str(report) == said
    words = words_of(report)
    assert said.partition(";")[0].rstrip(".") in words
    assert ("dry run" in words) is report.dry_run
    assert all(ref in words for ref in report.versions)


def test_pruning_says_what_went_and_why_the_rest_stays():
    kept = {"a:3": "@best", "a:4": "parent of b:7", "a:5": "newest 1"}
    report = PruneReport(DONE, ("a:1", "a:2"), kept)
    assert str(report).splitlines()[0] == "Deleted 2 versions, kept 3: a:1, a:2."
    assert "restore" in str(report)
    for shown in (str(report), words_of(report)):
        assert all(word in shown for word in (*kept, *kept.values(), "a:1", "a:2"))


def test_pruning_that_only_looks_says_so():
    report = PruneReport(DRY_RUN, ("a:1",), {})
    assert str(report) == "Would delete 1 version, would keep 0: a:1."
    assert "dry run" in words_of(report)
    assert "restore" not in str(report)


def test_pruning_may_find_nothing_to_delete():
    report = PruneReport(DONE, (), {"a:1": "newest 3"})
    assert str(report).startswith("Deleted nothing, kept 1.")
    assert "restore" not in words_of(report)


def test_thousands_of_versions_are_counted():
    refs = tuple(f"a:{i}" for i in range(5000))
    for report in (
        GCReport(DONE, refs, 5000, 1),
        PruneReport(DONE, refs, dict.fromkeys(refs, "@best")),
    ):
        assert "5,000" in str(report)
        assert len(str(report)) < 10_000
        assert len(report._repr_html_()) < 60_000


# -- inspect -----------------------------------------------------------------------------------------------------------


def test_a_plain_state_runs_nothing():
    assert STATE.is_plain
    assert str(STATE) == "state: plain data of 110.0 kB: 14 arrays, 1 dict; runs nothing; SHA-256 abababababab…"
    assert "runs nothing" in words_of(STATE)


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        (SIGNED, "signed by you on this machine: load() runs it"),
        (STRANGE, "not signed here: load(…, trust=True) would run it"),
    ],
)
def test_code_says_what_it_imports_and_whether_it_is_trusted(trusted, said):
    code = dataclasses.replace(CODE, trusted=trusted)
    inspection = Inspection("cartpole:3", (STATE, code))
    assert not inspection.is_plain
    for shown in (str(inspection), words_of(inspection)):
        assert "cartpole:3" in shown
        assert said in shown
        assert "dill._dill._create_type" in shown
        assert "os.path.join" in shown
        assert "runs nothing" in shown


def test_a_state_that_would_run_code_is_said_to_be_refused():
    bad = InspectedObject("state", 10, "ab" * 32, {"call": 1}, ("os.system",), None)
    assert not bad.is_plain
    for shown in (str(bad), words_of(bad)):
        assert "refuses it" in shown
        assert "os.system" in shown
        assert "runs nothing" not in shown
        assert "plain data" not in shown


@pytest.mark.parametrize("trusted", [None, SIGNED, STRANGE])
def test_what_hides_something_is_said_to_be_refused(trusted):
    bad = InspectedObject("code", 10, "ab" * 32, {"call": 1}, (), trusted, ("POP of a name or a literal",))
    assert not bad.is_plain
    for shown in (str(bad), words_of(bad)):
        assert "has what rlkit never writes (POP of a name or a literal): load() refuses it" in shown


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        (SIGNED, "signed by you on this machine: making it imports walk"),
        (STRANGE, "not signed here: with load(…, trust=True) making it would import walk"),
    ],
)
def test_an_environment_says_what_it_imports_and_whether_it_is_trusted(trusted, said):
    inspection = Inspection("walker:1", (STATE,), InspectedEnvironment("walk:Walk-v0", "walk", trusted))
    assert inspection.is_plain
    for shown in (str(inspection), words_of(inspection)):
        assert "walk:Walk-v0" in shown
        assert said in shown
        assert "runs nothing" in shown


def test_thousands_of_imports_are_counted():
    code = dataclasses.replace(CODE, imports=tuple(f"package.module.name{i}" for i in range(5000)))
    assert "and 4,988 more" in str(code)
    assert len(str(code)) < 1_000
    assert "… and 4,988 more" in words_of(code)


def test_an_empty_inspection_says_so():
    assert Inspection("x.rlkit", ()).is_plain
    assert "holds nothing" in str(Inspection("x.rlkit", ()))
    assert "holds nothing" in words_of(Inspection("x.rlkit", ()))


@pytest.mark.parametrize(
    "report",
    [
        VerifyReport(1, 1, 1, (Problem(HOSTILE, HOSTILE, HOSTILE),), (HOSTILE,)),
        GCReport(DRY_RUN, (HOSTILE,), 1, 1),
        PruneReport(DONE, (HOSTILE,), {HOSTILE: HOSTILE}),
        Inspection(
            HOSTILE,
            (InspectedObject(HOSTILE, 1, HOSTILE, {HOSTILE: 1}, (HOSTILE,), STRANGE, (HOSTILE,)),),
            InspectedEnvironment(HOSTILE, HOSTILE, STRANGE),
        ),
    ],
    ids=lambda report: type(report).__name__,
)
def test_hostile_text_is_shown_as_text(report):
    assert "<script>x</script>" in words_of(report)
    assert "\x1b" not in str(report)
    assert "script>|`\n" not in str(report)
