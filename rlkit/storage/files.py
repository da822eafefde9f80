"""The one module that writes to disk.

Every byte that must survive goes through here, by the same road: a temporary file in the folder of the final
name, flushed to the disk, given its final name in one step, and then the folder flushed too. So nothing
half-written ever stands under a final name, whatever is killed and whenever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout

from rlkit.errors import StoreError

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another writer before saying so. A crashed writer's lock is freed by the system."""

_LOCK_POLL = 0.005  # seconds; filelock's own 50 ms would make waiting writers ten times slower than their work

_REMEDIES = {
    errno.EACCES: "Choose a folder that you may write to, or change its permissions.",
    errno.EPERM: "Choose a folder that you may write to, or change its permissions.",
    errno.EROFS: "The disk is read-only: choose a folder on another one.",
    errno.ENOSPC: "The disk is full: free some space and try again.",
    errno.EDQUOT: "Your disk quota is used up: free some space and try again.",
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


@contextlib.contextmanager
def explained(action: str, path: Path, *passing: type[OSError]) -> Iterator[None]:
    """Turn an OSError into a StoreError that names the path, save those that the caller expects."""
    try:
        yield
    except passing:
        raise
    except OSError as error:
        problem = f"Cannot {action} {path}: {error.strerror or error}."
        raise StoreError(problem, _REMEDIES.get(error.errno or 0, "")) from error


def read_bytes(path: Path, *, follow: bool = True) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        follow: Whether a symbolic link is followed; inside a store it never is.

    Returns:
        All bytes of the file.

    Raises:
        FileNotFoundError: There is no such file; the caller knows what to suggest.
        StoreError: The file cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with explained("read", path, FileNotFoundError), os.fdopen(os.open(path, flags), "rb") as file:
        return file.read()


def open_log(path: Path) -> TextIO:
    """Open a text file to add lines to, as UTF-8; it and its folder are made where they are not there.

    A log is for looking at: its lines reach the system one by one, and nothing else depends on them.

    Args:
        path: The file.

    Returns:
        The file, which the caller closes.

    Raises:
        StoreError: The file cannot be written.
    """
    with explained("write to", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", newline="", encoding="utf-8")
        if _last_byte(path) not in (b"", b"\n"):
            file.write("\n")  # a line that was cut off must not take the next one with it
        return file


def _last_byte(path: Path) -> bytes:
    if not path.is_file():  # a pipe or a device
        return b""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1))
        return file.read(1)


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
    with explained("write", path), _temporary(path, data, durable=durable, read_only=read_only) as temporary:
        temporary.replace(path)
        if durable:
            _sync_folder(path.parent)


def create_exclusive(path: Path, data: bytes, *, durable: bool = True, read_only: bool = False) -> None:
    """Write a new file whole, or fail if the name is taken.

    Args:
        path: The final name.
        data: The content.
        durable: Whether to wait until the content and its name are on the disk.
        read_only: Whether nobody may write to the file afterwards.

    Raises:
        FileExistsError: The name is taken; what stands there is untouched.
        StoreError: The file cannot be written; the name stays free.
    """
    with (
        explained("create", path, FileExistsError),
        _temporary(path, data, durable=durable, read_only=read_only) as temporary,
    ):
        _claim(temporary, path)
        if durable:
            _sync_folder(path.parent)


def move(source: Path, target: Path) -> None:
    """Move a file durably within one disk, replacing ``target``.

    Args:
        source: The present name.
        target: The new name, in an existing folder.

    Raises:
        FileNotFoundError: There is no file at ``source``.
        StoreError: The file cannot be moved.
    """
    with explained("move", source, FileNotFoundError):
        source.replace(target)
        _sync_folder(target.parent)  # the new name first: a crash in between must not lose both
        _sync_folder(source.parent)


def remove(path: Path) -> None:
    """Delete a file durably; a file that is not there is fine.

    Args:
        path: The file.

    Raises:
        StoreError: The file cannot be deleted.
    """
    with explained("delete", path):
        _unlink(path)
        _sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Create a folder and those above it, each durably; an existing one is fine.

    Args:
        path: The folder.

    Raises:
        StoreError: The folder cannot be created.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    with explained("create the folder", path):
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk.

    Args:
        path: The folder.

    Raises:
        StoreError: The disk refuses.
    """
    with explained("flush the folder", path):
        _sync_folder(path)


@contextlib.contextmanager
def lock(path: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold a lock against other threads and processes while the body runs.

    Args:
        path: The lock file, created on first use and left there; its folder must exist.
        timeout: Seconds to wait for another holder.

    Yields:
        Nothing; the lock is held.

    Raises:
        StoreError: Another writer held the lock all that time, or the folder cannot be written.
    """
    holder = FileLock(path, timeout=timeout)
    try:
        with explained("lock", path, Timeout):
            holder.acquire(poll_interval=_LOCK_POLL)
    except Timeout:
        problem = f"Another program has been writing to {path.parent} for {timeout:g} seconds."
        raise StoreError(problem, f"Wait for it to finish. It holds the lock {path}.") from None
    try:
        yield
    finally:
        holder.release()


@contextlib.contextmanager
def _temporary(path: Path, data: bytes, *, durable: bool, read_only: bool) -> Iterator[Path]:
    """Write the content under a temporary name beside ``path``, which is gone afterwards whatever happens."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        # The mode goes through the umask, so that a folder shared by a group stays shared.
        with os.fdopen(os.open(temporary, flags, 0o444 if read_only else 0o666), "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            _unlink(temporary)


def _claim(temporary: Path, path: Path) -> None:
    """Give a finished file its final name only if nobody has that name: a hard link is atomic in this."""
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Without links two steps must do. Callers hold the lock of the folder, so nobody comes between.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.replace(path)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:  # Windows deletes no read-only file
        path.chmod(stat.S_IWRITE | stat.S_IREAD)
        path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder, and keeps names in its journal by itself
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
