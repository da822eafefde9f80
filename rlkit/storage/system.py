"""The system calls by which anything on disk changes: one table, so that a test can let each of them fail."""

from __future__ import annotations

import os
from pathlib import Path


class System:
    """Calls of the operating system, one for one.

    Paths are absolute: they say what is meant. Where the folder that a path stands in is open, its descriptor is given
    too, and the name is looked up in there. A test that replaces ``rlkit.storage.files.system`` by a subclass sees, and
    may refuse, every single step by which rlkit changes a disk.
    """

    def open(self, path: Path, flags: int, mode: int = 0o666, folder: int | None = None) -> int:
        """Open a file to be written, and return its descriptor."""
        return os.open(_at(path, folder), flags, mode, dir_fd=folder)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data at least, and return how many bytes."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut off what a file has beyond a size."""
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        """Wait until a file's content is on the disk."""
        os.fsync(descriptor)

    def flush(self, path: Path, folder: int) -> None:  # noqa: ARG002 - says which folder it is
        """Wait until the names in a folder, which is open, are on the disk."""
        os.fsync(folder)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def link(self, source: Path, target: Path, old: int | None = None, new: int | None = None) -> None:
        """Give a file a second name, which must be free; of a symbolic link, it is the link that gets one."""
        follow = os.link not in os.supports_follow_symlinks
        os.link(_at(source, old), _at(target, new), src_dir_fd=old, dst_dir_fd=new, follow_symlinks=follow)

    def replace(self, source: Path, target: Path, old: int | None = None, new: int | None = None) -> None:
        """Give a file another name, in place of any file that has it."""
        os.replace(_at(source, old), _at(target, new), src_dir_fd=old, dst_dir_fd=new)

    def rename(self, source: Path, target: Path, folder: int | None = None) -> None:
        """Give a folder another name in the folder that it is in."""
        os.rename(_at(source, folder), _at(target, folder), src_dir_fd=folder, dst_dir_fd=folder)

    def unlink(self, path: Path, folder: int | None = None) -> None:
        """Remove a file's name."""
        os.unlink(_at(path, folder), dir_fd=folder)

    def mkdir(self, path: Path, mode: int = 0o777, folder: int | None = None) -> None:
        """Create a folder, whose name must be free."""
        os.mkdir(_at(path, folder), mode, dir_fd=folder)

    def rmdir(self, path: Path, folder: int | None = None) -> None:
        """Remove an empty folder."""
        os.rmdir(_at(path, folder), dir_fd=folder)

    def chmod(self, path: Path, mode: int) -> None:
        """Change who may do what with a file."""
        os.chmod(path, mode)


def _at(path: Path, folder: int | None) -> Path | str:
    return path if folder is None else path.name
