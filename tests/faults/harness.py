"""What stands between rlkit and the disk in fault tests: calls that fail, processes that die, power that goes."""

from __future__ import annotations

import contextlib
import errno
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rlkit.storage import files
from rlkit.storage.system import System

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS)

CALLS = ("open", "write", "fsync", "flush", "close", "link", "replace", "rename", "unlink", "mkdir", "rmdir", "chmod")

Tree = dict[str, bytes | None]
"""What is in a folder: the content of each file by its path; None for a folder."""


class Killed(BaseException):
    """The process is dead."""


class Watched(System):
    """Does what it is told and remembers it; only nobody waits for the disk, which tests need not do."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._open: set[int] = set()

    def called(self, name: str, *arguments: object) -> object:
        """Do, or do not, what rlkit asked for; the call is the last of ``calls`` already."""
        return self.done(name, *arguments)

    def done(self, name: str, *arguments: object) -> object:
        """Do it."""
        result = None if name in ("fsync", "flush") else getattr(System, name)(self, *arguments)
        if name == "open":
            self._open.add(result)
        elif name == "close":
            self._open.discard(arguments[0])
        return result

    def release(self) -> None:
        """Close what a dead process has left open, as the operating system does."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()


def _noted(name: str):
    def call(self, *arguments):
        self.calls.append(f"{name} {arguments[0]}")
        return self.called(name, *arguments)

    return call


for _name in CALLS:
    setattr(Watched, _name, _noted(_name))


@contextlib.contextmanager
def on(system: Watched) -> Iterator[Watched]:
    """Let rlkit change disks through a system inside the block."""
    before, files.system = files.system, system
    try:
        yield system
    finally:
        files.system = before
        system.release()


class Failing(Watched):
    """One call fails, or all from that one on."""

    def __init__(self, at: int, error: int, *, lasting: bool = False) -> None:
        super().__init__()
        self._at, self._error, self._lasting = at, error, lasting

    def __str__(self) -> str:
        calls = f"call {self._at} and all later ones fail" if self._lasting else f"call {self._at} fails"
        return f"{calls} with {errno.errorcode[self._error]}"

    def called(self, name, *arguments):
        """Refuse the call, if its turn has come."""
        number = len(self.calls)
        if number != self._at and not (self._lasting and number > self._at):
            return self.done(name, *arguments)
        if name == "close":  # the descriptor is gone, whatever close says
            self.done(name, *arguments)
        raise OSError(self._error, os.strerror(self._error), str(arguments[0]))


class Short(Watched):
    """One call, if it writes, writes half of what it was given, which is no error."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def __str__(self) -> str:
        return f"call {self._at} writes half"

    def called(self, name, *arguments):
        """Write half."""
        return self.done(name, *(half(name, arguments) if len(self.calls) == self._at else arguments))


class Full(Watched):
    """A disk that takes so many bytes more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room, self._said = room, room

    def __str__(self) -> str:
        return f"the disk is full after {self._said} bytes"

    def called(self, name, *arguments):
        """Write what still fits; no call that needs room for a name succeeds where there is none."""
        if name in ("write", "mkdir", "link") and self._room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))
        if name == "write":
            descriptor, data = arguments
            arguments = (descriptor, data[: self._room])
            self._room -= len(arguments[1])
        return self.done(name, *arguments)


class ReadOnly(Watched):
    """A disk mounted read-only at a folder: every call there fails."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def called(self, name, *arguments):
        """Refuse all that would change something in the folder."""
        paths = [argument for argument in arguments if isinstance(argument, Path)]
        if any(path.is_relative_to(self._folder) for path in paths):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(arguments[0]))
        return self.done(name, *arguments)


class Dying(Watched):
    """The process is killed at one call; no later one happens.

    Args:
        at: The number of the call.
        how: Whether the call was not done any more, or was done, or was a write that was done by half.
        disk: What does the calls before.
    """

    WAYS = ("before", "after", "half")

    def __init__(self, at: int, how: str, disk: Watched) -> None:
        super().__init__()
        self._at, self._how, self._disk = at, how, disk

    def called(self, name, *arguments):
        """Pass the call on, unless dead."""
        if len(self.calls) < self._at:
            return self._disk.called(name, *arguments)
        if len(self.calls) == self._at and self._how != "before":
            with contextlib.suppress(OSError):  # such as that there is no file to remove
                self._disk.called(name, *(half(name, arguments) if self._how == "half" else arguments))
        raise Killed

    def release(self) -> None:
        """Close what the process has left open."""
        self._disk.release()


def half(name: str, arguments: tuple) -> tuple:
    """Return the arguments of a call that writes half of the data; those of any other as they are."""
    if name != "write":
        return arguments
    descriptor, data = arguments
    return descriptor, data[: max(1, len(data) // 2)]


# -- what is left when the power goes ------------------------------------------------------------------------------


@dataclass(eq=False)
class _File:
    content: bytes = b""
    durable: bytes = b""


@dataclass(eq=False)
class _Folder:
    names: dict[str, _File | _Folder] = field(default_factory=dict)
    durable: dict[str, _File | _Folder] = field(default_factory=dict)


@dataclass
class _Opened:
    node: _File
    position: int
    appends: bool


_Part = tuple[_Folder, str, "_File | _Folder | None"]
"""That a name in a folder means something else from now on, or nothing."""


class Disk(Watched):
    """Knows what would be left of a folder if the power went now.

    The content of a file is on the disk as it was when the file was last flushed, the names in a folder as they were
    when the folder was. What was done since is there or not, in any order; giving something another name is one step.
    So do LevelDB's fault injection test and ALICE (Pillai et al., OSDI 2014) see it. A file is known by its creation,
    whatever names it has; what the folder held before is on the disk, and what is outside does not matter.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._root = _read(folder)
        self._pending: list[list[_Part]] = []
        self._descriptors: dict[int, _Opened] = {}

    def called(self, name, *arguments):
        """Do it, and note what it means for the disk."""
        result = self.done(name, *arguments)
        ours = arguments[0] in self._descriptors or (
            isinstance(arguments[0], Path) and arguments[0].is_relative_to(self.folder)
        )
        if ours:
            getattr(self, f"_note_{name}")(*arguments, result)
        return result

    def _note_open(self, path, flags, _mode, _folder, descriptor) -> None:
        node = self._at(path)
        if node is None:
            node = _File()
            self._change((path, node))
        if flags & os.O_TRUNC:
            node.content = b""
        self._descriptors[descriptor] = _Opened(node, 0, appends=bool(flags & os.O_APPEND))

    def _note_write(self, descriptor, data, count) -> None:
        opened = self._descriptors[descriptor]
        file, start = opened.node, len(opened.node.content) if opened.appends else opened.position
        opened.position = start + count
        file.content = file.content[:start] + bytes(data[:count]) + file.content[start + count :]

    def _note_fsync(self, descriptor, _) -> None:
        file = self._descriptors[descriptor].node
        file.durable = file.content

    def _note_flush(self, path, _folder, _) -> None:
        node = self._at(path)
        node.durable = dict(node.names)
        self._pending = [rest for change in self._pending if (rest := [part for part in change if part[0] is not node])]

    def _note_close(self, descriptor, _) -> None:
        del self._descriptors[descriptor]

    def _note_link(self, source, target, *_) -> None:
        self._change((target, self._at(source)))

    def _note_replace(self, source, target, *_) -> None:
        node = self._at(source)
        if node is not self._at(target):  # two names of one file: nothing happens
            self._change((target, node), (source, None))

    _note_rename = _note_replace

    def _note_unlink(self, path, *_) -> None:
        self._change((path, None))

    _note_rmdir = _note_unlink

    def _note_mkdir(self, path, *_) -> None:
        self._change((path, _Folder()))

    def _note_chmod(self, _path, _mode, _) -> None:
        """Who may do what is not looked at."""

    def _at(self, path: Path) -> _File | _Folder | None:
        node: _File | _Folder | None = self._root
        for part in path.relative_to(self.folder).parts:
            node = node.names.get(part)
            if node is None:
                return None
        return node

    def _change(self, *meanings: tuple[Path, _File | _Folder | None]) -> None:
        parts = [(self._at(path.parent), path.name, node) for path, node in meanings]
        for part in parts:
            _apply(part[0].names, part)
        self._pending.append(parts)

    def nothing(self) -> Tree:
        """Return what is left if nothing is that was not flushed."""
        return self._left([], lambda file: file.durable)

    def everything(self) -> Tree:
        """Return what is left if all is, as it is after a process was killed."""
        return self._left(self._pending, lambda file: file.content)

    def each(self) -> Iterator[Tree]:
        """Return what is left if one change of names is, and no content; and if all are but one."""
        for number in range(len(self._pending)):
            yield self._left(self._pending[number : number + 1], lambda file: file.durable)
            yield self._left(self._pending[:number] + self._pending[number + 1 :], _zeros)

    def some(self, chance: random.Random) -> Tree:
        """Return what is left if chance decides of each change of names and of each content."""
        share = chance.random()
        return self._left([change for change in self._pending if chance.random() < share], lambda f: _torn(f, chance))

    def _left(self, changes: list[list[_Part]], content) -> Tree:
        folders: dict[_Folder, dict[str, _File | _Folder]] = {}
        for part in (part for change in changes for part in change):
            _apply(folders.setdefault(part[0], dict(part[0].durable)), part)
        contents: dict[_File, bytes] = {}
        left: Tree = {}

        def walk(folder: _Folder, path: str) -> None:
            for name, node in sorted(folders.get(folder, folder.durable).items()):
                if isinstance(node, _Folder):
                    left[path + name] = None
                    walk(node, f"{path}{name}/")
                else:
                    same = node.content == node.durable
                    left[path + name] = contents.setdefault(node, node.durable if same else content(node))

        walk(self._root, "")
        return left


def _apply(names: dict[str, _File | _Folder], part: _Part) -> None:
    _, name, node = part
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _torn(file: _File, chance: random.Random) -> bytes:
    """Return what is left of a content that was not flushed."""
    content, half = file.content, file.content[: (len(file.durable) + len(file.content)) // 2]
    return chance.choice([file.durable, content, content[:-1], half, half.ljust(len(content), b"\0")])


def _zeros(file: _File) -> bytes:
    """Return what is left of a content of which only the size was flushed."""
    return file.durable[: len(file.content)].ljust(len(file.content), b"\0")


def _read(folder: Path) -> _Folder:
    """Return a folder as it is, all of which is on the disk."""
    names: dict[str, _File | _Folder] = {}
    for path in folder.iterdir():
        if path.name != ".lock":  # is made by no call of rlkit's, and nothing depends on it
            names[path.name] = _read(path) if path.is_dir() else _File(*[path.read_bytes()] * 2)
    return _Folder(names, dict(names))


def tree_of(folder: Path) -> Tree:
    """Return what is in a folder."""
    return Disk(folder).everything()


def make(tree: Tree, folder: Path) -> Path:
    """Make a folder of what is to be in it."""
    folder.mkdir()
    for path, content in tree.items():
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)
    return folder
