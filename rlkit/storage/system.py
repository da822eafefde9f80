"""The system calls by which anything on disk changes: one table, so that a test can let each of them fail."""

from __future__ import annotations

import os
from pathlib import Path


class System:
    """Calls of the operating system, one for one; paths are absolute.

    A test that replaces ``rlkit.storage.files.system`` by a subclass sees, and may refuse, every single step by which
    rlkit changes a disk.
    """

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:
        """Open a file to be written, or a folder to be flushed, and return its descriptor."""
        return os.open(path, flags, mode)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data at least, and return how many bytes."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut off what a file has beyond a size."""
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        """Wait until a file's content, or a folder's names, are on the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, which must be free; of a symbolic link, it is the link that gets one."""
        os.link(source, target, follow_symlinks=os.link not in os.supports_follow_symlinks)

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name, in place of any file that has it."""
        os.replace(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """Give a folder another name."""
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        """Remove a file's name."""
        os.unlink(path)

    def mkdir(self, path: Path, mode: int = 0o777) -> None:
        """Create a folder, whose name must be free."""
        os.mkdir(path, mode)

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        os.rmdir(path)

    def chmod(self, path: Path, mode: int) -> None:
        """Change who may do what with a file."""
        os.chmod(path, mode)
