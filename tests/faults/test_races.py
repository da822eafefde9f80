"""Many processes or threads in one folder: nothing is lost, given twice or half seen, and the books balance."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from rlkit.errors import InvalidNameError, ModelNotFoundError
from rlkit.registry import ModelRegistry, ModelVersion

from .stores import NAME, Kept, RegistryStore, Store, rebuild_models, told_of
from .tinydb_store import PlainStore
from .workers import Job, Line, Processes, Threads, Told

WRITERS, EACH = 8, 25

ROUNDS = pytest.mark.parametrize(
    ("rounds", "each"), [pytest.param(1, 12, id="quick"), pytest.param(12, EACH, id="long", marks=pytest.mark.long)]
)

CROWDS = ("processes", "threads with one registry", "threads with one registry each")

_NO_VERSION = re.compile(r"The model '[^']*' has no version (\d+)\.")


@pytest.fixture(scope="module")
def processes():
    with contextlib.closing(Processes("test_races", "tinydb_store")) as processes:
        yield processes


@pytest.fixture(params=CROWDS)
def crowd(request, processes):
    """Those who do jobs at the same time."""
    return processes if request.param == CROWDS[0] else Threads(shared=request.param == CROWDS[1])


@pytest.fixture(autouse=True)
def _models_are_rebuilt(monkeypatch):
    rebuild_models(monkeypatch.setattr)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def messages(told: Sequence[list[Told]], kind: str) -> Iterator[list]:
    """Return what was told of one kind, by whomever."""
    return (rest for each in told for what, *rest in each if what == kind)


def complaints(told: Sequence[list[Told]]) -> list[str]:
    """Return what went wrong in any job."""
    return [*(text for kind in ("wrong", "failed") for (text,) in messages(told, kind))]


# -- many who register ---------------------------------------------------------------------------------------------


def registering(line: Line, store: Store, who: int, count: int) -> None:
    """Register versions; tell the number and the content of each."""
    line.start_together()
    for content in range(1000 * who, 1000 * who + count):
        line.tell("registered", store.register(content), content)


def unbalanced(told: Sequence[list[Told]], store: Store) -> Iterator[str]:
    """Say what is wrong after many have registered."""
    yield from complaints(told)
    for each in told:
        numbers = [number for number, _ in messages([each], "registered")]
        if numbers != sorted(numbers):
            yield f"one was given {numbers} in turn"
    given = list(messages(told, "registered"))
    numbers = sorted(number for number, _ in given)
    if numbers != list(range(1, len(given) + 1)):
        yield f"the numbers given are {numbers}"
    try:
        seen = store.read()
        yield from store.problems()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here is what a test is after
        yield f"{type(error).__name__}: {error}"
        return
    expected = {number: Kept(content, content) for number, content in given}
    if seen.alive != expected:
        right = len(seen.alive.items() & expected.items())
        yield f"{len(given)} were registered, and of {len(seen.alive)} there {right} are right"


def test_those_who_register_at_once_share_out_the_numbers_exactly(crowd, folder):
    told = crowd.race(RegistryStore, folder, [Job(registering, (who, EACH)) for who in range(WRITERS)])
    assert list(unbalanced(told, RegistryStore(folder))) == []
    assert len(list(messages(told, "registered"))) == WRITERS * EACH


def test_the_same_race_finds_what_is_lost_in_a_plain_file(processes, tmp_path):
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        told = processes.race(PlainStore, folder, [Job(registering, (who, EACH)) for who in range(WRITERS)])
        if list(unbalanced(told, PlainStore(folder))):
            return
    pytest.fail("Nothing was found in ten races.")


# -- many who do everything ----------------------------------------------------------------------------------------


def stays(number: int) -> bool:
    """Whether nobody deletes a version."""
    return number % 3 == 1


def goes_on(line: Line) -> Iterator[None]:
    """Go on until all who write have ended, and once more: what is found then is final."""
    line.start_together()
    while line.others_write():
        yield
    yield


def deleting(line: Line, store: RegistryStore, seed: int) -> None:
    """Delete versions that do not stay."""
    chance = random.Random(seed)
    for _ in goes_on(line):
        there = [version.version for version in store.registry.versions(NAME) if not stays(version.version)]
        with contextlib.suppress(ModelNotFoundError):
            if there:
                number = chance.choice(there)
                store.delete(number)
                line.tell("deleted", number)


def restoring(line: Line, store: RegistryStore, seed: int) -> None:
    """Bring back versions from the trash."""
    chance = random.Random(seed)
    for _ in goes_on(line):
        there = [version.version for version in store.registry.trash()]
        with contextlib.suppress(ModelNotFoundError):
            if there:
                number = chance.choice(there)
                store.restore(number)
                line.tell("restored", number)


def collecting(line: Line, store: RegistryStore) -> None:
    """Collect garbage."""
    for _ in goes_on(line):
        for ref in store.registry.gc().versions:
            line.tell("purged", int(ref.rpartition(":")[2]))


def pointing(line: Line, store: RegistryStore, seed: int) -> None:
    """Move one alias among the versions that stay, and another among all."""
    chance = random.Random(seed)
    for _ in goes_on(line):
        there = [version.version for version in store.registry.versions(NAME)]
        store.set_alias("steady", chance.choice([number for number in there if stays(number)]))
        with contextlib.suppress(ModelNotFoundError):
            store.set_alias("loose", chance.choice(there))


def reading(line: Line, store: RegistryStore, seed: int) -> None:
    """Look at everything in every way; tell what is not as it must be."""
    reader = Reader(store.registry, random.Random(seed))
    for _ in goes_on(line):
        for look in (reader.newest, reader.listed, reader.searched, reader.aliased, reader.trashed, reader.verified):
            try:
                for problem in look():
                    line.tell("wrong", problem)
            except ModelNotFoundError as error:
                match = _NO_VERSION.match(error.problem)
                if not match or stays(int(match[1])):
                    line.tell("wrong", f"{look.__name__}: {error}")


class Reader:
    """Looks at a registry while others change it; each look says what is wrong.

    Args:
        registry: The registry.
        chance: Chooses what to look at.
    """

    def __init__(self, registry: ModelRegistry, chance: random.Random) -> None:
        self._registry, self._chance = registry, chance
        self._stay: set[int] = set()  # those seen that must be there for ever
        self._some: list[ModelVersion] = []

    def newest(self) -> Iterator[str]:
        """Look at the newest version."""
        version = self._registry.get(NAME)
        yield from _half(version)
        if version.version < max(self._stay, default=0):
            yield f"the newest is {version.version}, though {max(self._stay)} stays"
        if self._registry.load(NAME).content < 0:
            yield "the newest was loaded by half"

    def listed(self) -> Iterator[str]:
        """List all."""
        versions = self._registry.versions(NAME)
        numbers = {version.version for version in versions}
        for version in versions:
            yield from _half(version)
        if self._stay - numbers:
            yield f"{sorted(self._stay - numbers)} are not listed, though they stay"
        self._stay |= {number for number in numbers if stays(number)}
        self._some = self._chance.choices(versions, k=3)
        for version in self._some:
            if self._registry.load(version.ref).content != told_of(version):
                yield f"{version.ref} is loaded as another"

    def searched(self) -> Iterator[str]:
        """Search for those that were listed."""
        for version in self._some:
            found = [each.version for each in self._registry.search(f"metrics.content = {told_of(version)}")]
            if found != [version.version] and (found or stays(version.version)):
                yield f"{found} are found instead of {version.version}"

    def aliased(self) -> Iterator[str]:
        """Follow an alias that always points somewhere, once it does."""
        with contextlib.suppress(ModelNotFoundError):
            self._registry.get(f"{NAME}@steady")
            yield from self._steady()

    def _steady(self) -> Iterator[str]:
        version = self._registry.get(f"{NAME}@steady")
        yield from _half(version)
        if not stays(version.version):
            yield f"the steady alias points to {version.version}"

    def trashed(self) -> Iterator[str]:
        """Look into the trash."""
        for version in self._registry.trash():
            yield from _half(version)
            if stays(version.version):
                yield f"{version.ref} is in the trash"

    def verified(self) -> Iterator[str]:
        """Check everything."""
        yield from map(str, self._registry.verify().problems)


def _half(version: ModelVersion) -> Iterator[str]:
    if told_of(version) < 0:
        yield f"{version.ref} is there by half: {version.to_dict()}"


def misplaced(told: Sequence[list[Told]], store: RegistryStore, first: int) -> Iterator[str]:
    """Say where the books do not balance: every version registered is there, in the trash or purged."""
    given = dict(messages(told, "registered")) | {1: first}
    deleted, restored, purged = (
        Counter(number for (number,) in messages(told, kind)) for kind in ("deleted", "restored", "purged")
    )
    if sorted(given) != list(range(1, len(given) + 1)):
        yield f"the numbers given are {sorted(given)}"
    seen = store.read()
    for number, content in given.items():
        places = [number in seen.alive, number in seen.trash, number in purged]
        if places.count(True) != 1:
            yield f"{number} is alive, in the trash, purged: {places}"
        if (deleted - restored)[number] != (number not in seen.alive) or purged[number] > 1:
            yield f"{number} was deleted {deleted[number]} times, restored {restored[number]}, purged {purged[number]}"
        for kept in (seen.alive.get(number), seen.trash.get(number)):
            if kept is not None and (kept.content, kept.told) != (content, content):
                yield f"{number} is {kept}, not {content}"
    if strange := {*seen.alive, *seen.trash} - given.keys():
        yield f"{sorted(strange)} were never registered"
    steady = [number for number, kept in seen.alive.items() if "steady" in kept.aliases]
    if len(steady) != 1 or not stays(steady[0]):
        yield f"the steady alias points to {steady}"


@ROUNDS
def test_those_who_read_see_whole_versions_whatever_others_do_and_the_books_balance(crowd, tmp_path, rounds, each):
    for seed in range(rounds):
        store, first = RegistryStore(tmp_path / str(seed)), 999_999
        assert store.register(first) == 1
        writers = [Job(registering, (who, each)) for who in range(3)]
        others = [Job(pointing, (seed,)), Job(deleting, (seed,)), Job(restoring, (seed,)), Job(collecting)]
        readers = [Job(reading, (who,)) for who in range(2)]
        told = crowd.race(RegistryStore, store.registry.folder, writers, others + readers)
        assert complaints(told) == []
        assert list(misplaced(told, store, first)) == []
        assert store.problems() == []
        assert list(messages(told, "deleted"))
        store.collect()
        assert store.registry.verify().garbage == ()


# -- models that change their names --------------------------------------------------------------------------------


NAMES = (NAME, f"{NAME}-1", f"{NAME}-2")


def renaming(line: Line, store: RegistryStore) -> None:
    """Give the model another name, and its own back where nobody has it by then."""
    free = (f"{NAME}-{number}" for number in itertools.count(1))
    for _ in goes_on(line):
        with contextlib.suppress(ModelNotFoundError, InvalidNameError):
            name = next(free)
            for old, new in ((NAME, name), (name, NAME), (NAME, name)):
                store.registry.rename(old, new)
                line.tell("renamed", old, new)


def registering_under(line: Line, store: RegistryStore, who: int, count: int) -> None:
    """Register under a name that a model may have, or had; load what was registered by the reference that it had."""
    chance = random.Random(who)
    refs: dict[str, int] = {}
    line.start_together()
    for content in range(1000 * who, 1000 * who + count):
        name = chance.choice(NAMES)
        ref = f"{name}:{store.register(content, name)}"
        refs[ref] = content
        line.tell("kept", ref, content)
        for each in {ref, chance.choice(list(refs))}:
            loaded = store.registry.load(each).content
            if loaded != refs[each]:
                line.tell("wrong", f"{each} is {loaded}, not {refs[each]}")


def copying(line: Line, store: RegistryStore, who: int, count: int) -> None:
    """Copy a version by a name that its model had; load the copy, and what it says it is a copy of."""
    line.start_together()
    for number in range(count):
        version = store.registry.copy(f"{NAME}:{1 + (who + number) % 5}", "copy")
        line.tell("kept", version.ref, told_of(version))
        for ref in (version.ref, version.parent):
            loaded = store.registry.load(ref).content
            if loaded != told_of(version):
                line.tell("wrong", f"{ref} is {loaded}, and {version.ref} is {told_of(version)}")


def following(line: Line, store: RegistryStore, kept: dict[str, int]) -> None:
    """Look up what is kept by references that must stay right, and in lists that must be whole."""
    for _ in goes_on(line):
        for ref, content in kept.items():
            for found in (told_of(store.registry.get(ref)), store.registry.load(ref).content):
                if found != content:
                    line.tell("wrong", f"{ref} is {found}, not {content}")
        versions = store.registry.versions()
        for version in versions:
            for problem in _half(version):
                line.tell("wrong", problem)
        lost = {*kept.values()} - {told_of(version) for version in versions}
        if lost:
            line.tell("wrong", f"{sorted(lost)} are not listed")
        for problem in store.registry.verify().problems:
            line.tell("wrong", str(problem))


@ROUNDS
def test_references_stay_right_while_models_change_their_names(crowd, tmp_path, rounds, each):
    contents = [999_000 + number for number in range(5)]
    for seed in range(rounds):
        store = RegistryStore(tmp_path / str(seed))
        kept = {f"{NAME}:{store.register(content)}": content for content in contents}
        writers = [
            *(Job(registering_under, (who, each)) for who in range(3)),
            *(Job(copying, (who, each)) for who in (3, 4)),
        ]
        told = crowd.race(RegistryStore, store.registry.folder, writers, [Job(renaming), Job(following, (kept,))])
        assert complaints(told) == []
        assert list(messages(told, "renamed"))
        new = list(messages(told, "kept"))
        kept |= new
        assert len(kept) == len(contents) + len(new) == len(contents) + 5 * each
        assert {ref: store.registry.load(ref).content for ref in kept} == kept
        assert sorted(map(told_of, store.registry.versions())) == sorted(kept.values())
        assert store.registry.verify().problems == ()
