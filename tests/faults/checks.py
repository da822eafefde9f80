"""Rounds of faults: each yields what was found wrong, in a sentence each."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rlkit.errors import InvalidNameError, ModelNotFoundError, StoreError
from rlkit.registry import ModelRegistry

from .harness import Disk, Dying, Killed, Tree, Watched, make, on, tree_of
from .operations import GIVEN, STORE, Model, Operation, subsets
from .recovery import Outcome, State, difference, key_of, listed, look, recovered


def told(problems: Iterable[str]) -> str:
    """Put together what was found wrong: nothing, where all is well."""
    return "\n".join(problems)


Work = Callable[[ModelRegistry], object]


class Ground:
    """Folders to try operations in.

    Args:
        folder: Where they are made.
        base: The folder that :func:`fill` has filled.
        known: How folders were found, by what is in them.
    """

    def __init__(self, folder: Path, base: Path, known: dict[object, Outcome]) -> None:
        self._folder, self._base, self._known = folder, base, known
        self._numbers = itertools.count()

    def fresh(self) -> Path:
        """Return the path of a folder that is not there."""
        return self._folder / str(next(self._numbers))

    def copy(self, operation: Operation) -> Path:
        """Return a folder with a store that an operation can be tried in; manifests keep their inodes and times."""
        root = self.fresh()
        root.mkdir()
        if not operation.empty:
            _clone(self._base, (root / STORE).parent)
            operation.before(root / STORE)
        return root

    def registry(self, root: Path) -> ModelRegistry:
        """Return the registry in a folder that :meth:`copy` made."""
        return ModelRegistry(root / STORE)

    def states(self, operation: Operation, then: Work | None = None, tree: Tree | None = None) -> list[State]:
        """Return what an operation may leave behind: nothing of it, what is in between, and last all of it.

        Args:
            operation: The operation.
            then: What is done after each of these.
            tree: What is in the folder before; what :meth:`copy` makes where None.
        """
        states = []
        for stage in (None, *operation.stages, operation):
            root = self.copy(operation) if tree is None else make(tree, self.fresh())
            with on(Watched()):
                for work in (stage, then):
                    _succeeds(work, root)
                states.append(look(ModelRegistry(root / STORE)))
            shutil.rmtree(root)
        if operation.purges:
            first, last = states
            gone = [ref for ref in first["trash"] if ref not in last["trash"]]
            less = [{ref: first["trash"][ref] for ref in first["trash"] if ref not in some} for some in subsets(gone)]
            states[1:1] = [{**first, "trash": trash} for trash in less[1:]]
        return states

    def calls(self, operation: Operation) -> list[str]:
        """Return the calls that an operation makes."""
        root = self.copy(operation)
        with on(Watched()) as system:
            operation(ModelRegistry(root / STORE))
        shutil.rmtree(root)
        return [call.partition(" ")[0] for call in system.calls]

    def found(self, operation: Operation, tree: Tree) -> Outcome:
        """Return how a fresh registry finds a folder, and uses it; the same content is tried once only."""
        key = (key_of(tree), operation.names)
        if key not in self._known:
            self._known[key] = recovered(tree, self.fresh(), operation.names)
        return self._known[key]

    def deaths(self, operation: Operation, *, every: int = 1) -> Iterator[tuple[int, str]]:
        """Return the calls at which a process may be killed, in every way; or some of them."""
        for at, call in enumerate(self.calls(operation), 1):
            if at % every == 0:
                yield at, "after"
            if call == "write":
                yield at, "half"
            if every == 1:
                yield at, "before"

    def wrong(self, operation: Operation, tree: Tree, allowed: Sequence[State]) -> Iterator[str]:
        """Say what is wrong with a folder after a fault.

        Args:
            operation: What was tried.
            tree: What is in the folder.
            allowed: What a registry may find there.
        """
        outcome = self.found(operation, tree)
        yield from outcome.wrong
        if outcome.state not in allowed:
            yield f"neither before nor after: {difference(outcome.state, allowed[-1])}"
        elif outcome.next:
            given = {} if operation.empty else GIVEN
            highest = {name: max(given.get(name, 0), _highest(outcome.state, name)) for name in operation.names}
            again = {name: number for name, number in outcome.next.items() if number <= highest[name]}
            if again:
                yield f"numbers were given again: {again}"


def _succeeds(work: Work | None, root: Path) -> bool:
    """Do something in a fresh registry, and return whether it was done: another may have done it already."""
    try:
        if work is not None:
            work(ModelRegistry(root / STORE))
    except (ModelNotFoundError, InvalidNameError):
        return False
    return True


def _clone(source: Path, target: Path) -> None:
    """Copy a folder; what is never changed in place is the same file, so that the index may believe that it is."""

    def copy(source: str, target: str) -> None:
        if Path(source).stat().st_mode & stat.S_IWUSR:
            shutil.copy2(source, target)
        else:
            os.link(source, target)

    shutil.copytree(source, target, copy_function=copy)


def _highest(state: State, name: str) -> int:
    refs = [ref.partition(":") for ref in (*state["versions"], *state["trash"])]
    return max((int(number) for model, _, number in refs if model == name), default=0)


def refused(ground: Ground, operation: Operation, systems: Iterable[Watched]) -> Iterator[str]:
    """Let the disk refuse something, and then go on with the same registry.

    Args:
        ground: Where to try it.
        operation: What to do.
        systems: What refuses, each tried in a folder of its own.
    """
    allowed = ground.states(operation)
    for system in systems:
        root = ground.copy(operation)
        where = f"{operation} where {system}"
        yield from (f"{where}: {problem}" for problem in _refused(ground, operation, root, system, allowed))
        shutil.rmtree(root)


def _refused(ground: Ground, operation: Operation, root: Path, system: Watched, allowed: list[State]) -> Iterator[str]:
    registry, returned = ModelRegistry(root / STORE), False
    try:
        with on(system):
            operation(registry)
        returned = True
    except StoreError as error:
        if operation.reads:
            yield f"reading fails: {error}"
        if str(root) not in str(error) and not any(f" {folder}: " in str(error) for folder in root.parents):
            yield f"the error names no path: {error}"
    except OSError as error:
        yield f"the error is not explained: {error!r}"
    tree = tree_of(root)
    yield from ground.wrong(operation, tree, allowed[-1:] if returned else allowed)
    there = ground.found(operation, tree).state
    if there is None:
        return
    with on(Watched()):
        found = look(registry)
        if found != there:
            yield f"the registry in use sees something else than others do: {difference(found, there)}"
        for name in operation.names:
            version = registry.register(Model(95), name)
            if version.version <= _highest(found, name):
                yield f"the registry in use gave the number of {version.ref} again"
        seen, true = listed(registry), listed(ModelRegistry(root / STORE))
        if seen != true:
            yield f"the registry in use lists {[*seen[0], *seen[1]]}, others {[*true[0], *true[1]]}"


def killed(ground: Ground, operation: Operation, deaths: Iterable[tuple[int, str]]) -> Iterator[str]:
    """Kill the process at a call of an operation.

    Args:
        ground: Where to try it.
        operation: What to do.
        deaths: Numbers of calls, and in which of the ways of :class:`Dying`.
    """
    allowed = ground.states(operation)
    for at, how in deaths:
        root = ground.copy(operation)
        _die(operation, root, Dying(at, how, Watched()))
        where = f"{operation} killed {how} call {at}"
        tree = tree_of(root)
        yield from (f"{where}: {problem}" for problem in ground.wrong(operation, tree, allowed))
        there = ground.found(operation, tree).state
        with on(Watched()):  # where the index may be believed: inodes and times are those that it knows
            if there is not None and look(ModelRegistry(root / STORE)) != there:
                yield f"{where}: the index is believed, and wrong"
        shutil.rmtree(root)


def _die(operation: Operation, root: Path, system: Watched) -> None:
    try:
        with on(system):
            operation(ModelRegistry(root / STORE))
    except Killed:
        return
    raise AssertionError(f"{operation} was not killed")


class _Recording(Disk):
    """Keeps what would be left at every moment."""

    def __init__(self, folder: Path, images: Callable[[Disk], Iterable[Tree]]) -> None:
        super().__init__(folder)
        self.images = images
        self.moments: list[tuple[str, list[Tree]]] = []

    def called(self, name, *arguments):
        """Do it, after a look at what would be left if it were not done any more."""
        self.look()
        return super().called(name, *arguments)

    def look(self) -> None:
        """Keep what would be left now."""
        self.moments.append((self.calls[-1], list(self.images(self))))


def images(seeds: Sequence[int]) -> Callable[[Disk], Iterator[Tree]]:
    """Return what lists what may be left of a disk.

    Args:
        seeds: Of chance, which is asked that often; where it is one, now and then. Where there are more, every single
            change of names is left out too, and is all that is left.
    """
    chances = [random.Random(seed) for seed in seeds]

    moments = itertools.count()

    def images(disk: Disk) -> Iterator[Tree]:
        yield disk.nothing()
        yield disk.everything()
        if len(chances) > 1:
            yield from disk.each()
        if len(chances) > 1 or next(moments) % 3 == 0:
            yield from (disk.some(chance) for chance in chances)

    return images


def power_lost(ground: Ground, operation: Operation, seeds: Sequence[int]) -> Iterator[str]:
    """Let the power go before and after each call of an operation, and of the registration that follows.

    Args:
        ground: Where to try it.
        operation: What to do.
        seeds: Of chance.
    """
    root, allowed = ground.copy(operation), ground.states(operation)
    registry = ModelRegistry(root / STORE)
    with on(_Recording(root, images(seeds))) as disk:
        operation(registry)
        returned = len(disk.moments)
        disk.images = lambda disk: [disk.nothing(), disk.everything()]
        _register(registry)
        disk.look()
    registered = ground.states(operation, _register)[-1:]
    for at, (call, trees) in enumerate(disk.moments):
        now = allowed if at < returned else allowed[-1:] + registered if at < len(disk.moments) - 1 else registered
        where = f"{operation}, power lost {f'{at - returned} calls later' if at >= returned else f'at {at} ({call})'}"
        yield from (f"{where}: {each}" for tree in trees for each in ground.wrong(operation, tree, now))
    shutil.rmtree(root)


def _register(registry: ModelRegistry) -> None:
    registry.register(Model(31), "cartpole")


FOLLOWING = {
    "the same again": None,
    "register": _register,
    "tag": lambda registry: registry.tag("cartpole:4", "later"),
    "delete": lambda registry: registry.delete("cartpole:4"),
    "gc": lambda registry: registry.gc(),
}
"""What the next process does."""


def killed_and_power_lost(
    ground: Ground, operation: Operation, deaths: Iterable[tuple[int, str]], next_does: str, seeds: Sequence[int]
) -> Iterator[str]:
    """Kill a process at a call, let the next one do something, and then let the power go.

    What the next one did must be there, and rests on nothing that is lost.

    Args:
        ground: Where to try it.
        operation: What the first process was doing.
        deaths: Numbers of calls, and in which of the ways of :class:`Dying`.
        next_does: One of ``FOLLOWING``.
        seeds: Of chance.
    """
    then = FOLLOWING[next_does] or operation
    allowed, alone, known = ground.states(operation, then), ground.states(operation), set()
    for at, how in deaths:
        root = ground.copy(operation)
        disk = Disk(root)
        _die(operation, root, Dying(at, how, disk))
        kept = (key_of(disk.everything()), key_of(disk.nothing()))
        if kept not in known:
            known.add(kept)
            with on(disk):
                done = _succeeds(then, root)
            where = f"{operation} killed {how} call {at}, then {next_does}, then power lost"
            for tree in images(seeds)(disk):
                yield from (f"{where}: {each}" for each in ground.wrong(operation, tree, allowed if done else alone))
        shutil.rmtree(root)


def lived(ground: Ground, operations: Sequence[Operation], seed: int, rounds: int) -> Iterator[str]:
    """Do one thing after another, and let the power go in each, or after it; go on with what is left.

    Args:
        ground: Where to live.
        operations: What may be done.
        seed: Of chance.
        rounds: How often the power goes.
    """
    chance, done = random.Random(seed), []
    tree = tree_of(ground.copy(operations[0]))
    while len(done) < rounds:
        operation, root = chance.choice(operations), make(tree, ground.fresh())
        allowed = ground.states(operation, tree=tree)
        with on(_Recording(root, lambda disk: [disk.some(chance)])) as disk:
            if _succeeds(operation, root):
                disk.look()
                at = chance.randrange(len(disk.moments))
                (tree,) = disk.moments[at][1]
                now = allowed if at < len(disk.moments) - 1 else allowed[-1:]
                done.append(f"{operation} (power lost at {at} of {len(disk.moments)})")
                yield from (f"{'; '.join(done)}: {each}" for each in ground.wrong(operation, tree, now))
        shutil.rmtree(root)
