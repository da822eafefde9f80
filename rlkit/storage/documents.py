"""Sealed JSON documents: text that a person can read, and that no flipped byte can change unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from rlkit.errors import CorruptArtifactError, StateError, StoreError

# The seal is the last line: the SHA-256 of every byte before it. Its form and the top-level key "format" stay
# as they are in all formats to come, so that any rlkit can tell a newer document from a damaged one.
_SEAL = b',\n"checksum": "%s"\n}\n'
SEAL_SIZE = len(_SEAL % (b"0" * 64))
"""How many bytes at the end of a document tell it from any other."""

_LINE_ENDINGS = (
    "Nothing is lost: convert it back (dos2unix), or get it again from git as it was committed: "
    "git config core.autocrlf false, delete the file, git checkout -- FILE."
)


class LineEndingsError(CorruptArtifactError):
    """A document differs from what was written in its line endings alone, as git may change them."""


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a document as JSON, one line for each top-level key, closed by its checksum.

    Args:
        document: At least one key; JSON values, where numpy scalars and arrays count as numbers and lists.

    Returns:
        The bytes of the file: ASCII only, the same for the same document.

    Raises:
        StateError: A value has no form in JSON.
    """
    return seal_lines(lines_of(document))


def lines_of(document: Mapping[str, Any]) -> list[str]:
    """Return the lines of a document, which ``seal_lines`` puts together with others: a key and its value each.

    Raises:
        StateError: A value has no form in JSON.
    """
    try:
        return [f"{_key(key)}: {to_json(value)}" for key, value in document.items()]
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"A document cannot be written as JSON: {error}."
        raise StateError(problem, "Use dicts, lists, strings, numbers, booleans and None only.") from error


@lru_cache(256)
def _key(key: str) -> str:
    return json.dumps(key)


def seal_lines(lines: Iterable[str]) -> bytes:
    """Return a sealed document of lines that ``lines_of`` made."""
    body = ("{\n" + ",\n".join(lines)).encode("ascii")
    return body + _SEAL % hashlib.sha256(body).hexdigest().encode("ascii")


def to_json(value: object) -> str:
    """Write a value as JSON on one line, ASCII only; numpy scalars and arrays count as numbers and lists.

    Raises:
        TypeError: A part has no form in JSON.
        ValueError: It contains itself.
    """
    return _ENCODER.encode(value)


def unseal(data: bytes, origin: str) -> dict[str, Any]:
    """Read a sealed document.

    Args:
        data: The bytes of the file.
        origin: What to call the file in an error.

    Returns:
        The document, without its checksum.

    Raises:
        LineEndingsError: Only line endings differ from what was sealed.
        CorruptArtifactError: Any other byte does.
    """
    if not _is_sealed(data):
        if _is_sealed(data.replace(b"\r\n", b"\n")):
            problem = f"{origin} has other line endings than it was written with: CRLF instead of LF."
            raise LineEndingsError(problem, _LINE_ENDINGS)
        problem = f"{origin} is damaged: its checksum does not fit its content."
        raise CorruptArtifactError(problem, "Restore it from a backup, or move it away.")
    try:
        document: dict[str, Any] = json.loads(data)
        del document["checksum"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        problem = f"{origin} is damaged: it is not a JSON document."
        raise CorruptArtifactError(problem, "Restore it from a backup, or move it away.") from error
    return document


def _is_sealed(data: bytes) -> bool:
    return data[-SEAL_SIZE:] == _SEAL % hashlib.sha256(data[:-SEAL_SIZE]).hexdigest().encode("ascii")


def check_format(document: Mapping[str, Any], newest: int, origin: str) -> None:
    """Refuse a document of a format that this rlkit does not know.

    Args:
        document: A document with the key ``"format"``.
        newest: The newest format number that can be read.
        origin: What to call the file in an error.

    Raises:
        StoreError: The document was written by a newer rlkit.
        CorruptArtifactError: There is no format number.
    """
    number = document.get("format")
    if type(number) is not int or number < 1:
        problem = f"{origin} has no format number."
        raise CorruptArtifactError(problem, "Restore it from a backup.")
    if number > newest:
        problem = f"{origin} has format {number}, and this rlkit reads formats up to {newest}."
        raise StoreError(problem, "Update rlkit: pip install --upgrade rlkit")


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    message = f"a {type(value).__name__} has no form in JSON"
    raise TypeError(message)


_ENCODER = json.JSONEncoder(default=_plain)
