"""Processes killed at any moment: what was acknowledged is there and right, and the next process goes on from there."""

from __future__ import annotations

import contextlib
import copy
import itertools
import os
import random
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .stores import Kept, RegistryStore, Seen, Store, rebuild_models
from .tinydb_store import PlainStore
from .workers import Job, Line, Processes, Told, Worker

Deed = tuple
"""A method of a store and what it is given."""

EACH = 5
"""How many versions each registers where several do."""

WORDS = ("best", "production", "candidate")

# Of 20 deeds; as many go as come, so that the folder is not ever larger from round to round.
SHARES = {"register": 8, "delete": 5, "set_alias": 4, "restore": 2, "collect": 1}


@dataclass
class Books:
    """What must be in a store.

    Attributes:
        alive: The content of each version by its number.
        trash: Those deleted.
        aliases: The number that each word points to.
        highest: The highest number that was ever given.
    """

    alive: dict[int, int] = field(default_factory=dict)
    trash: dict[int, int] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    highest: int = 0

    @classmethod
    def of(cls, seen: Seen) -> Books:
        """Return the books of a store that is as it should be."""
        alive, trash = ({number: each.content for number, each in versions.items()} for versions in seen)
        aliases = {word: number for number, each in seen.alive.items() for word in each.aliases}
        return cls(alive, trash, aliases, max([*alive, *trash], default=0))

    def seen(self) -> Seen:
        """Return what the store must give back."""
        return Seen(*({number: self._kept(number, each) for number, each in part.items()} for part in self._parts()))

    def _parts(self) -> tuple[dict[int, int], dict[int, int]]:
        return self.alive, self.trash

    def _kept(self, number: int, content: int) -> Kept:
        return Kept(content, content, tuple(sorted(word for word, at in self.aliases.items() if at == number)))

    def after(self, deed: Deed, number: int | None = None) -> Books:
        """Return the books after a deed; of a registration with the number that was given."""
        books = copy.deepcopy(self)
        match deed:
            case "register", content:
                books.highest = self.highest + 1 if number is None else number
                books.alive[books.highest] = content
            case "delete", number:
                books.trash[number] = books.alive.pop(number)
            case "restore", number:
                books.alive[number] = books.trash.pop(number)
            case "set_alias", word, number:
                books.aliases[word] = number
            case ("collect",):
                books.purge(books.trash)
        return books

    def purge(self, numbers: Iterable[int]) -> None:
        """Forget versions for good, and the words that point to them."""
        for number in list(numbers):
            del self.trash[number]
        there = {*self.alive, *self.trash}
        self.aliases = {word: number for word, number in self.aliases.items() if number in there}

    def outcomes(self, deed: Deed | None, found: Seen) -> Iterator[Books]:
        """Return what may be there if a deed was cut off: nothing of it, or all; a purge goes from one to the next."""
        yield self
        if deed == ("collect",):
            books = copy.deepcopy(self)
            books.purge(self.trash.keys() - found.trash.keys())
            yield books
        elif deed is not None:
            yield self.after(deed)


def work(line: Line, store: Store, seed: int, flushes: int) -> None:
    """Do one thing after the other, and tell of each before and after, until killed.

    Args:
        line: To the test.
        store: Where.
        seed: Of chance.
        flushes: At which flush of the disk to die without any help; 0 for never.
    """
    chance = random.Random(seed)
    books = Books.of(store.read())
    if flushes:
        _die_at(flushes)
    for content in itertools.count(1000 * seed):
        deed = _chosen(chance, books, content)
        line.tell("doing", *deed)
        number = getattr(store, deed[0])(*deed[1:])
        line.tell("did", number)
        books = books.after(deed, number)


def _chosen(chance: random.Random, books: Books, content: int) -> Deed:
    (verb,) = chance.choices(list(SHARES), list(SHARES.values()))
    alive, trash = sorted(books.alive), sorted(books.trash)
    if verb == "restore" and trash:
        return verb, chance.choice(trash)
    if verb == "delete" and alive:
        return verb, chance.choice([chance.choice(alive), alive[-1]])  # whose number nothing above it tells of
    if verb == "set_alias" and alive:
        return verb, chance.choice(WORDS), chance.choice(alive)
    return ("collect",) if verb == "collect" else ("register", content)


def _die_at(flushes: int) -> None:
    """Let this process be killed where it asks for the disk to be flushed for the so manieth time."""
    flush, calls = os.fsync, itertools.count(1)

    def fsync(descriptor: int) -> None:
        if next(calls) == flushes:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(descriptor)

    os.fsync = fsync


def kill_rounds(processes: Processes, kind: type, folder: Path, rounds: int) -> Iterator[str]:
    """Kill a process that works in a folder, and look at what it leaves, as often as there are rounds.

    Args:
        processes: Start it.
        kind: Of which class the store is.
        folder: Where it is.
        rounds: How often.

    Yields:
        What is wrong, in a sentence; nothing that comes after can be trusted.
    """
    books = Books()
    for seed in range(1, rounds + 1):
        chance = random.Random(seed)
        flushes = chance.choice([0, chance.randint(1, 60)])
        worker = processes.start(kind, folder, Job(work, (seed, flushes)))
        told = _killed(worker, chance) if not flushes else list(worker)
        try:
            books = yield from _checked(books, told, kind(folder), seed)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is what a test is after
            yield f"round {seed}: {type(error).__name__}: {error}"
        ended = worker.ended()
        if ended != -signal.SIGKILL:
            yield f"round {seed}: the process was not killed, but ended by {ended}: {told[-1:]}"


def _killed(worker: Worker, chance: random.Random) -> list:
    """Kill a worker after so many deeds and, in half the cases, a moment that is shorter than most deeds."""
    deeds, moment = chance.randint(0, 20), chance.choice([0.0, chance.uniform(0, 0.01)])
    told = []
    if not deeds:
        worker.kill()
    for message in worker:
        told.append(message)
        deeds -= message[0] == "did"
        if deeds == 0 and message[0] == "did":
            time.sleep(moment)
            worker.kill()
    return told


def _checked(books: Books, told: list, store: Store, seed: int) -> Iterator[str]:
    """Say what is wrong with a store after a round; return the books as they are then."""
    deed = None
    for what, *rest in told:
        if what == "doing":
            deed = tuple(rest)
        elif what == "did" and deed is not None:
            if deed[0] == "register" and rest[0] != books.highest + 1:
                yield f"round {seed}: {rest[0]} was given after {books.highest}"
            books, deed = books.after(deed, rest[0]), None
    found = store.read()
    for outcome in books.outcomes(deed, found):
        if outcome.seen() == found:
            books = outcome
            break
    else:
        yield from (f"round {seed}, killed at {deed}: {each}" for each in _differences(books.seen(), found))
    yield from (f"round {seed}, killed at {deed}: {problem}" for problem in store.problems())
    if seed % 2:
        store.collect()  # so that numbers are known from nothing but what was noted of them
        books = books.after(("collect",))
    content = 1000 * seed - 1
    number = store.register(content)
    if number != books.highest + 1:
        yield f"round {seed}: the next version is given {number} after {books.highest}"
    books = books.after(("register", content), number)
    yield from (f"round {seed}, after the next version: {each}" for each in _differences(books.seen(), store.read()))
    return books


def registering(line: Line, store: Store, who: int, flushes: int) -> None:
    """Register with others at the same time; tell of each before and after.

    Args:
        line: To the test.
        store: Where.
        who: Makes the contents differ from those of others.
        flushes: At which flush of the disk to die; 0 to live on.
    """
    if flushes:
        _die_at(flushes)
    line.start_together()
    for content in range(100 * who, 100 * who + EACH):
        line.tell("doing", content)
        line.tell("did", store.register(content), content)


def unfair(told: Sequence[list[Told]], store: Store) -> Iterator[str]:
    """Say what the death of one who registered, the first, has done to what it or others had acknowledged."""
    given = {number: content for each in told for what, *rest in each if what == "did" for number, content in [rest]}
    done = [sum(message[0] == "did" for message in each) for each in told]
    if done[1:] != [EACH] * (len(told) - 1):
        yield f"those who lived have registered {done[1:]} versions each"
    found = store.read().alive
    unsaid = {number: kept.content for number, kept in found.items() if number not in given}
    begun = [content for what, content, *_ in told[0] if what == "doing"]
    if len(unsaid) > 1 or not {*unsaid.values()} <= {*begun[done[0] :]}:
        yield f"{unsaid} are there, and the one who died was at {begun[done[0] :]}"
    expected = {number: Kept(content, content) for number, content in (given | unsaid).items()}
    yield from _differences(Seen(expected, {}), Seen(found, {}))
    if sorted(found) != list(range(1, sum(done) + len(unsaid) + 1)):
        yield f"the numbers are {sorted(found)}"
    yield from store.problems()


def _differences(expected: Seen, found: Seen) -> Iterator[str]:
    for place in Seen._fields:
        before, now = getattr(expected, place), getattr(found, place)
        for number in sorted({*before, *now}):
            if before.get(number) != now.get(number):
                yield f"of version {number}, {now.get(number)} is {place}, not {before.get(number)}"


@pytest.fixture(scope="module")
def processes():
    with contextlib.closing(Processes("test_kills", "tinydb_store")) as processes:
        yield processes


@pytest.fixture(autouse=True)
def _models_are_rebuilt(monkeypatch):
    rebuild_models(monkeypatch.setattr)


@pytest.mark.parametrize("rounds", [15, pytest.param(250, marks=pytest.mark.long)])
def test_what_was_acknowledged_outlives_the_process_whenever_it_is_killed(processes, tmp_path, rounds):
    assert list(kill_rounds(processes, RegistryStore, tmp_path / "store", rounds)) == []


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.long)])
def test_one_who_is_killed_takes_nothing_from_those_who_write_beside_it(processes, tmp_path, rounds):
    for seed in range(rounds):
        flushes = random.Random(seed).randint(1, 4 * EACH)
        jobs = [Job(registering, (who, 0 if who else flushes)) for who in range(4)]
        folder = tmp_path / str(seed)
        told = processes.race(RegistryStore, folder, jobs)
        assert told[0].pop() == ["failed", f"ended by {-signal.SIGKILL}"]
        assert list(unfair(told, RegistryStore(folder))) == []


def test_the_same_rounds_find_what_is_lost_in_a_plain_file(processes, tmp_path):
    assert next(kill_rounds(processes, PlainStore, tmp_path / "store", 200), "") != ""
