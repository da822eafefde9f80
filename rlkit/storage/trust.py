"""Which code and environments this user kept on this machine: signed as Jupyter signs notebooks, by a key elsewhere."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import sys
from pathlib import Path

import platformdirs

from rlkit.errors import StoreError
from rlkit.storage import files

_KEY_SIZE = 32
"""Bytes: as many as HMAC-SHA256 can use."""

CODE = b"rlkit code 2\0"
"""What stands before the data of a signature by which the class among a model's objects may be opened.

So a signature made by the same key for anything else is none of code. Number 1 signed a class alone, which then was
trusted beside any other state.
"""
ENVIRONMENT = b"rlkit environment 2\0"
"""What stands before the data of a signature by which the environment that a model's state names may be made, which
imports the module that registers it."""

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe in place of the key must not hold the program
)


def sign(data: bytes, domain: bytes = CODE) -> str:
    """Return this user's signature of data, making the user's key first where there is none.

    Args:
        data: What to sign.
        domain: What it is a signature of: ``CODE`` or ``ENVIRONMENT``.

    Returns:
        An HMAC-SHA256 in 64 hexadecimal digits.

    Raises:
        StoreError: The key cannot be read or made, or others could know or change it.
    """
    path = _key_path()
    return _signature(_read_key(path) or _create_key(path), data, domain)


def is_signed(data: bytes, signature: object, domain: bytes = CODE) -> bool:
    """Whether a signature is this user's own for the data; no key is made to find out.

    Args:
        data: What was signed.
        signature: What stands beside it, from any source.
        domain: What it must be a signature of.

    Returns:
        False too where there is no key, or where others could know or change it.
    """
    if not isinstance(signature, str) or not signature.isascii():
        return False
    try:
        key = _read_key(_key_path())
    except StoreError:
        return False
    return key is not None and hmac.compare_digest(_signature(key, data, domain), signature)


def _key_path() -> Path:
    chosen = os.environ.get("RLKIT_TRUST_DIR")
    folder = Path(chosen).expanduser().absolute() if chosen else platformdirs.user_data_path("rlkit")
    return folder / "trust.key"


def _signature(key: bytes, data: bytes, domain: bytes) -> str:
    code = hmac.new(key, domain, "sha256")
    code.update(data)
    return code.hexdigest()


def _read_key(path: Path) -> bytes | None:
    """Return the key; None where there is none."""
    try:
        with files.explained("read", path, FileNotFoundError):
            if path.is_symlink():  # not all systems have O_NOFOLLOW
                raise _refusal(path, "is a symbolic link")
            with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
                _check(path, os.fstat(file.fileno()))
                return file.read(_KEY_SIZE)
    except FileNotFoundError:
        return None


def _check(path: Path, found: os.stat_result) -> None:
    """Refuse a key that somebody else may know or have put there."""
    if not stat.S_ISREG(found.st_mode) or found.st_size != _KEY_SIZE:
        raise _refusal(path, f"is not a file of {_KEY_SIZE} bytes")
    if sys.platform == "win32":
        return  # who may read a file is not in its mode there
    if found.st_uid != os.geteuid():
        raise _refusal(path, "belongs to another user")
    if stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise _refusal(path, "may be read or changed by others")


def _refusal(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"The key that signs your code is not used: {path} {reason}.",
        "Delete it: the next signature makes a new one, and what the old one signed then needs trust=True.",
    )


def _create_key(path: Path) -> bytes:
    files.make_folder(path.parent, private=True)
    with files.lock(path.with_name("trust.lock")):  # two processes may come here at once: both use one key
        key = _read_key(path)
        if key is None:
            key = secrets.token_bytes(_KEY_SIZE)
            files.create_exclusive(path, key, private=True)
    return key
