"""The one module that writes to disk.

Every byte that must survive goes through here, by the same road: a temporary file in the folder of the final
name, flushed to the disk, given its final name in one step, and then the folder flushed too. So nothing
half-written ever stands under a final name, whatever is killed and whenever.

A folder is opened once for what is done in it, and names are looked up there. So what is written lands there too
where somebody puts a symbolic link in the folder's place meanwhile; inside a store (:func:`confine`) no link to a
folder is followed at all. Windows has no such calls: there a path is looked up each time.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import re
import secrets
import stat
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, overload

from filelock import SoftFileLock, Timeout, lock_descriptor

from rlkit.errors import StoreBusyError, StoreError
from rlkit.storage.system import System

system = System()
"""Every change of a disk is one of its calls, but that locks make their files, which hold nothing."""

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another writer before saying so. A crashed writer's lock is freed by the system."""

_LOCK_POLL = 0.005  # seconds; filelock's own 50 ms would make waiting writers ten times slower than their work

_REMEDIES = {
    errno.EACCES: "Choose a folder that you may write to, or change its permissions.",
    errno.EPERM: "Choose a folder that you may write to, or change its permissions.",
    errno.EROFS: "The disk is read-only: choose a folder on another one.",
    errno.ENOSPC: "The disk is full: free some space and try again.",
    errno.EDQUOT: "Your disk quota is used up: free some space and try again.",
    errno.EFBIG: "A file may not be that large here: raise the limit (ulimit -f), or choose another disk.",
    errno.EIO: "The disk reports a fault: check it, and try another one.",
    errno.EEXIST: "A file has this name: give the name of a folder, or of one that is not there yet.",
    errno.EISDIR: "This is a folder: give the name of a file.",
    errno.ENOTDIR: "One part of the path is a file, not a folder: give another path.",
    errno.ELOOP: "It is a symbolic link, which is not followed here: replace it by the file itself.",
    errno.ENAMETOOLONG: "Give a shorter name.",
}

_NO_LINKS = {
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
}  # file systems without links

_ALWAYS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # to open a pipe must not wait for who writes to it
_FOLDER = os.O_RDONLY | _ALWAYS | getattr(os, "O_DIRECTORY", 0)
_RELATIVE = {os.open, os.link, os.rename, os.unlink, os.mkdir, os.rmdir} <= os.supports_dir_fd
_SMALL = 4096  # bytes that are read at once where a part of a file is asked for
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path in which ``~`` at the begin is the user's home folder; as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextlib.contextmanager
def explained(action: str, path: Path | str, *passing: type[OSError]) -> Iterator[None]:
    """Turn an OSError into a StoreError that names the path, save those that the caller expects."""
    try:
        yield
    except passing:
        raise
    except OSError as error:
        problem = f"Cannot {action} {path}: {error.strerror or error}."
        raise StoreError(problem, _REMEDIES.get(error.errno or 0, "")) from error


_confined: set[str] = set()


def confine(folder: Path) -> None:
    """From now on follow no symbolic link to a folder inside this one, whatever is written or deleted there.

    Args:
        folder: An absolute path, without links itself; the folder need not be there yet.
    """
    _confined.add(str(folder))


@overload
def read_bytes(path: Path, *, follow: bool = True, most: int | None = None) -> bytes: ...
@overload
def read_bytes(path: Path, *, follow: bool = True, size: int | None, most: int | None = None) -> bytes | None: ...
def read_bytes(path: Path, *, follow: bool = True, size: int | None = None, most: int | None = None) -> bytes | None:
    """Read a whole file; a folder, a pipe or a device is refused at once.

    Args:
        path: The file.
        follow: Whether a symbolic link is followed; inside a store it never is.
        size: How many bytes it must have; a file of another size is not read.
        most: How many bytes it may have; a larger file is not read.

    Returns:
        All bytes of the file; None where its size is another.

    Raises:
        FileNotFoundError: There is no such file; the caller knows what to suggest.
        StoreError: The file cannot be read, is too large, or is not a regular file.
    """
    with opened(path, follow=follow) as file:
        status = os.fstat(file.fileno())
        if size is not None and status.st_size != size:
            return None
        if most is None:
            return file.read()
        if status.st_size > most:
            problem = f"Cannot read {path}: it has {status.st_size:,} bytes, more than the {most:,} that it may have."
            raise StoreError(problem, "rlkit writes none as large: restore the file from a backup.")
        return file.read(status.st_size)  # and not what somebody adds meanwhile


@contextlib.contextmanager
def opened(path: Path, *, follow: bool = True) -> Iterator[BinaryIO]:
    """Open a file to read parts of it; a folder, a pipe or a device is refused at once.

    Args:
        path: The file.
        follow: Whether a symbolic link is followed; inside a store it never is.

    Yields:
        The open file.

    Raises:
        FileNotFoundError: There is no such file; the caller knows what to suggest.
        StoreError: The file cannot be read, or is not a regular file.
    """
    flags = os.O_RDONLY | _ALWAYS | _NO_WAIT | (0 if follow else _NO_FOLLOW)
    with (
        explained("read", path, FileNotFoundError),
        open(path, "rb", opener=lambda *_: os.open(path, flags)) as file,
    ):
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise StoreError(f"Cannot read {path}: it is a pipe or a device.", "Give the name of a regular file.")
        yield file


class LogFile:
    """A file that records are added to, such as lines; it and its folder are made where they are not there.

    A log is for looking at: each record reaches the system at once, and nobody waits for the disk. A record that fits
    in part only, as on a disk that runs full, is taken back. After a failure the next record opens the file anew: there
    may be space again, or the folder be back.

    Args:
        path: The file.
        lines: Whether records are lines of text: what was cut off in the middle of one does not take the next with it.

    Raises:
        StoreError: The file cannot be written.
    """

    def __init__(self, path: Path, *, lines: bool = True) -> None:
        self.path = path
        self._lines = lines
        self._descriptor: int | None = None
        self._is_new = self._is_torn = False
        with explained("write to", path):
            self._opened()

    def add(self, record: bytes, head: bytes = b"") -> None:
        """Add a record at the end.

        Args:
            record: The record.
            head: What goes before it where the file is new.

        Raises:
            StoreError: It cannot be written. Another record may be tried later.
        """
        with explained("write to", self.path):
            descriptor = self._opened()
            before = b"\n" if self._is_torn else head if self._is_new else b""
            data = before + record
            start = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, data)
            except OSError:
                self._take_back(descriptor, start, len(data))
                raise
            self._is_new = self._is_torn = False

    def close(self) -> None:
        """Close the file.

        Raises:
            StoreError: The system could not keep what was written.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with explained("write to", self.path):
                system.close(descriptor)

    def _opened(self) -> int:
        """Return the open file; where somebody has deleted it, a new one."""
        descriptor = self._descriptor
        if descriptor is not None:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_nlink:
                return descriptor
            self._descriptor = None
            system.close(descriptor)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = descriptor = system.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _ALWAYS)
        last = _last_byte(self.path)
        self._is_new = not last
        self._is_torn = self._lines and last not in (b"", b"\n")
        return descriptor

    def _take_back(self, descriptor: int, start: int, size: int) -> None:
        """Cut off what was written of a record, unless another program has added to it, and close the file."""
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return  # a pipe that nobody reads: to open it anew would wait for a reader
        self._descriptor = None
        with contextlib.suppress(OSError):
            if 0 < state.st_size - start < size:
                system.truncate(descriptor, start)
        with contextlib.suppress(OSError):
            system.close(descriptor)


def _last_byte(path: Path) -> bytes:
    if not path.is_file():  # a pipe or a device
        return b""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1))
        return file.read(1)


def read_part(path: str, size: int, *, last: bool) -> bytes:
    """Read the first or the last bytes of a file, as fast as can be: a search asks for those of many.

    Args:
        path: The file; a symbolic link is not followed.
        size: How many bytes, few; of a shorter file, all are read.
        last: Whether the last ones.

    Raises:
        FileNotFoundError: There is no such file.
        StoreError: The file cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _ALWAYS | _NO_WAIT | _NO_FOLLOW)
        try:
            data = os.read(descriptor, _SMALL)
            if not last:
                return data[:size]
            if len(data) == _SMALL:
                os.lseek(descriptor, -size, os.SEEK_END)
                data = os.read(descriptor, size)
            return data[-size:]
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError:
        with explained("read", path):
            raise


def write_atomic(path: Path, data: bytes, *, durable: bool = True, read_only: bool = False) -> None:
    """Write a file so that its name always holds the whole old or the whole new content.

    Args:
        path: The final name; an existing file is replaced.
        data: The content.
        durable: Whether to wait until the content and its name are on the disk. A cache need not.
        read_only: Whether nobody may write to the file afterwards.

    Raises:
        StoreError: The file cannot be written; what stood under the name is unchanged.
    """
    mode = 0o444 if read_only else 0o666
    with (
        explained("write", path),
        _opened_folder(path.parent) as folder,
        _temporary(path, data, folder, durable=durable, mode=mode) as temporary,
    ):
        system.replace(temporary, path, folder, folder)
        if durable:
            _flush(path.parent, folder)


def create_exclusive(path: Path, data: bytes, *, read_only: bool = False, private: bool = False) -> None:
    """Write a new file whole and durably, or fail if the name is taken.

    Args:
        path: The final name.
        data: The content.
        read_only: Whether nobody may write to the file afterwards.
        private: Whether nobody but its owner may read or write it.

    Raises:
        FileExistsError: The name is taken; what stands there is untouched.
        StoreError: The file cannot be written.
    """
    mode = (0o444 if read_only else 0o666) & (0o600 if private else 0o777)
    with (
        explained("create", path, FileExistsError),
        _opened_folder(path.parent) as folder,
        _temporary(path, data, folder, durable=True, mode=mode) as temporary,
    ):
        _claim(temporary, path, folder)
        _flush(path.parent, folder)


def append(path: Path, data: bytes) -> None:
    """Add bytes to the end of a file in one step, without waiting for the disk: for caches.

    Args:
        path: The file, created where it is not there; a symbolic link is not followed. One that has another name too,
            as in a backup made of hard links, is replaced by a copy: what is under the other name stays as it is.
        data: What to add.

    Raises:
        StoreError: The file cannot be written; some of the bytes may have been.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _ALWAYS | _NO_WAIT | _NO_FOLLOW
    with (
        explained("write to", path),
        _opened_folder(path.parent) as folder,
        _opened(path, flags, folder=folder) as descriptor,
    ):
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"Cannot write to {path}: it is a pipe or a device.", "Delete it: it is made anew.")
        if status.st_nlink <= 1:
            _write_all(descriptor, data)
            return
    write_atomic(path, read_bytes(path, follow=False) + data, durable=False)


def move(source: Path, target: Path) -> None:
    """Move a file durably within one disk, replacing ``target``.

    Args:
        source: The present name.
        target: The new name, in an existing folder.

    Raises:
        FileNotFoundError: There is no file at ``source``.
        StoreError: The file cannot be moved.
    """
    with (
        explained("move", source, FileNotFoundError),
        _opened_folder(source.parent) as old,
        _opened_folder(target.parent) as new,
    ):
        # The new name is on the disk before the old one goes: else another program's flush of one folder, after a crash
        # in here, could keep the loss of the old name and not the new one.
        if not _linked(source, target, old, new):
            system.replace(source, target, old, new)
        _flush(target.parent, new)
        _unlink(source, old)
        _flush(source.parent, old)


def rename_folder(source: Path, target: Path) -> None:
    """Give a folder another name beside its present one, durably and in one step.

    Args:
        source: The present name.
        target: The new name, which must be free.

    Raises:
        FileExistsError: The new name is taken.
        StoreError: The folder cannot be renamed.
    """
    with explained("rename", source, FileExistsError), _opened_folder(target.parent) as folder:
        # A disk that cannot tell "a" from "A" finds the folder itself under its new name.
        if os.path.lexists(target) and not source.samefile(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        system.rename(source, target, folder)
        _flush(target.parent, folder)


def remove(path: Path) -> None:
    """Delete a file durably; a file that is not there is fine.

    Args:
        path: The file.

    Raises:
        StoreError: The file cannot be deleted.
    """
    with explained("delete", path), _opened_folder(path.parent) as folder:
        _unlink(path, folder)
        _flush(path.parent, folder)


def remove_garbage(path: Path) -> bool:
    """Delete a file or an empty folder that nothing refers to, without waiting for the disk.

    Args:
        path: The file or folder.

    Returns:
        Whether it is gone: not where it is a folder that is not empty.

    Raises:
        StoreError: It cannot be deleted.
    """
    with explained("delete", path), _opened_folder(path.parent) as folder:
        if not path.is_symlink() and path.is_dir():
            try:
                system.rmdir(path, folder)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return False
                raise
        else:
            _unlink(path, folder)
        return True


def make_folder(path: Path, *, private: bool = False) -> None:
    """Create a folder and those above it, each durably; an existing one is fine.

    Args:
        path: The folder.
        private: Whether nobody but its owner may enter it, where it is created.

    Raises:
        StoreError: The folder cannot be created.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    with explained("create the folder", path), _opened_folder(path.parent) as folder:
        try:
            system.mkdir(path, 0o700 if private else 0o777, folder)
        except FileExistsError:
            if not path.is_dir():
                raise
        _flush(path.parent, folder)


def check_writable(folder: Path) -> None:
    """Refuse a folder that could not be written to, or made, as things are: before long work for it is done.

    Raises:
        StoreError: That is so.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    with explained("write to", folder):
        if not os.access(there, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk.

    Args:
        path: The folder.

    Raises:
        StoreError: The disk refuses.
    """
    with explained("flush the folder", path), _opened_folder(path) as folder:
        _flush(path, folder)


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that was being written: garbage, where nobody is writing."""
    return _TEMPORARY.fullmatch(name) is not None


_opening = threading.Lock()  # held while a lock's file is opened and noted below: a fork waits for that
_lock_files: weakref.WeakSet[io.FileIO] = weakref.WeakSet()
_lock_descriptors: dict[int, os.stat_result] = {}  # which file each was opened for, though it may be closed by now


class _Held(threading.local):
    """The locks that a thread holds, by their paths; one that was closed is held no more."""

    def __init__(self) -> None:
        self.files: weakref.WeakValueDictionary[Path, io.FileIO] = weakref.WeakValueDictionary()


_held = _Held()


def lock(path: Path, timeout: float = LOCK_TIMEOUT) -> contextlib.AbstractContextManager[object]:
    """Take a lock against other threads and processes; a thread that holds it may take it again.

    Args:
        path: The lock file, created on first use and left there; its folder must exist.
        timeout: Seconds to wait for another holder.

    Returns:
        What holds the lock until the end of its ``with`` block. It is an open file, which the interpreter closes
        without running any Python: so Ctrl-C finds no moment at which a lock would stay behind.

    Raises:
        StoreBusyError: Another writer held the lock all that time.
        StoreError: The folder cannot be written, or the file is not one that a lock may be.
    """
    held = _held.files.get(path)
    if held is not None and not held.closed:
        return contextlib.nullcontext()
    file = None
    try:
        with explained("lock", path):
            while True:
                file = _lock_file(path)
                if not _take(file, path, timeout):
                    file.close()
                    return _marked(path, timeout)
                if _is_at(path, file):
                    break
                file.close()  # somebody deleted it meanwhile, and others lock the one that came after it
        _held.files[path] = file
        return file  # noqa: TRY300 - Ctrl-C may come here, too
    except BaseException:
        if file is not None:
            file.close()
        raise


def _lock_file(path: Path) -> io.FileIO:
    """Open a lock file, which must be ours alone: through one that leads elsewhere others could stop us, or we them."""

    def opener(*_: object) -> int:
        flags = os.O_RDWR | os.O_CREAT | _ALWAYS | _NO_WAIT | _NO_FOLLOW
        with _opened_folder(path.parent) as folder:  # with a mode through the umask, as of all files that are shared
            return os.open(path if folder is None else path.name, flags, 0o666, dir_fd=folder)

    with _opening:
        file = io.FileIO(path, opener=opener)
        status = os.fstat(file.fileno())
        _lock_files.add(file)
        _lock_descriptors[file.fileno()] = status
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or (os.name == "nt" and path.is_symlink()):
        file.close()
        kind = "has another name too" if stat.S_ISREG(status.st_mode) else "is not a regular file"
        raise StoreError(f"Cannot lock {path}: it {kind}.", "Delete it: the next writer makes it anew.")
    return file


def _take(file: io.FileIO, path: Path, timeout: float) -> bool:
    """Wait until the lock is ours; False where the system knows no locks."""
    end = time.monotonic() + timeout
    try:
        while not lock_descriptor(file.fileno(), blocking=False):
            if time.monotonic() >= end:
                raise _busy(path, timeout)
            time.sleep(_LOCK_POLL)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return False
    return True


def _is_at(path: Path, file: io.FileIO) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _busy(path: Path, timeout: float) -> StoreBusyError:
    problem = f"Another program has been writing to {path.parent} for {timeout:g} seconds."
    return StoreBusyError(problem, f"Wait for it to finish. It holds the lock {path}.")


def _marked(path: Path, timeout: float) -> contextlib.AbstractContextManager[object]:
    """Take a lock where the system knows none, as on some clusters: by a file that is there while it is held."""
    try:
        return _marker(path, os.getpid()).acquire(timeout, poll_interval=_LOCK_POLL)
    except Timeout:
        raise _busy(path, timeout) from None


@functools.cache
def _marker(path: Path, _process: int) -> SoftFileLock:
    return SoftFileLock(path.with_name(f"{path.name}.held"))


def _close_locks() -> None:
    """Let go, in a forked process, of the locks of its parent: while a copy of the file is open, a lock is held."""
    for file in _lock_files:
        file.close()
    for descriptor, status in _lock_descriptors.items():
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), status):  # a thread of the parent was just closing it
                os.close(descriptor)
    _lock_descriptors.clear()
    _opening.release()


if hasattr(os, "register_at_fork"):
    # No file is just being opened then, of which the child would not know.
    os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_close_locks)


@contextlib.contextmanager
def _opened(path: Path, flags: int, mode: int = 0o666, folder: int | None = None) -> Iterator[int]:
    descriptor = system.open(path, flags, mode, folder)
    try:
        yield descriptor
    finally:
        system.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data: one call may write less of it, as it does where the disk runs full."""
    left = memoryview(data)
    while left:
        left = left[system.write(descriptor, left) :]


@contextlib.contextmanager
def _opened_folder(path: Path) -> Iterator[int | None]:
    """Open a folder for what is to be done in it; None where the system can only look up whole paths.

    Inside a confined folder each step is taken from the folder above, and none over a symbolic link.
    """
    if not _RELATIVE:
        yield None
        return
    place, steps = str(path), list[str]()
    while place and place not in _confined:
        place, step = os.path.split(place.rstrip(os.sep))
        steps.append(step)
    if not place:  # of no store
        place, steps = str(path), []
    opened = [os.open(place, _FOLDER)]
    try:
        for step in reversed(steps):
            place = os.path.join(place, step)  # noqa: PTH118 - paths are slow to make
            opened.append(_below(opened[-1], step, place))
        yield opened[-1]
    finally:
        while opened:
            os.close(opened.pop())


def _below(folder: int, name: str, place: str) -> int:
    """Open a folder in one that is open."""
    try:
        return os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=folder)
    except OSError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            problem = f"{place} is a symbolic link, which a registry does not follow."
            raise StoreError(problem, "Replace it by the folder itself.") from None
        raise


@contextlib.contextmanager
def _temporary(path: Path, data: bytes, folder: int | None, *, durable: bool, mode: int) -> Iterator[Path]:
    """Write the content under a temporary name beside ``path``, which is gone afterwards whatever happens."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        # The mode goes through the umask, so that a folder shared by a group stays shared.
        with _opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ALWAYS, mode, folder) as descriptor:
            _write_all(descriptor, data)
            if durable:
                system.fsync(descriptor)
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            _unlink(temporary, folder)


def _linked(source: Path, target: Path, old: int | None, new: int | None) -> bool:
    """Give a file a second name, in place of what a crash left there; False where the disk has no links."""
    try:
        if os.path.lexists(target):
            _unlink(target, new)
        system.link(source, target, old, new)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def _claim(temporary: Path, path: Path, folder: int | None) -> None:
    """Give a finished file its final name only if nobody has that name: a hard link is atomic in this."""
    try:
        system.link(temporary, path, folder, folder)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Without links two steps must do. Callers hold the lock of the folder, so nobody comes between.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        system.replace(temporary, path, folder, folder)


def _unlink(path: Path, folder: int | None) -> None:
    try:
        system.unlink(path, folder)
    except FileNotFoundError:
        pass
    except PermissionError:
        if os.name != "nt":  # Windows deletes no read-only file
            raise
        system.chmod(path, stat.S_IWRITE | stat.S_IREAD)
        system.unlink(path)


def _flush(path: Path, folder: int | None) -> None:
    if folder is not None:  # Windows cannot open a folder, and keeps names in its journal by itself
        system.flush(path, folder)
