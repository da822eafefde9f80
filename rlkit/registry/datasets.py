"""The data that a model learned from, by name, version and hash."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlkit.errors import ConfigError, StoreError, did_you_mean

_KEYS = ("name", "version", "sha256")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_EXAMPLE = 'Write {"name": "trajectories", "version": "2", "sha256": "…"}, or rlkit.Dataset.of("trajectories.csv").'


@dataclass(frozen=True)
class Dataset:
    """Data that a model learned from.

    Attributes:
        name: What they are called.
        version: Which version of them, as far as they have one.
        sha256: The SHA-256 of their bytes, 64 hexadecimal digits, as far as it is known.

    Raises:
        ConfigError: A part is no such thing.
    """

    name: str
    version: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        for key in _KEYS:
            value = getattr(self, key)
            if not isinstance(value, str | None):
                problem = f"The {key} of a dataset must be a string, and {value!r:.80} is a {type(value).__name__}."
                raise ConfigError(problem, f"Write {str(value)!r:.80}.")
        if not self.name:
            raise ConfigError("A dataset must have a name.", _EXAMPLE)
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            problem = f"The sha256 of a dataset must be 64 hexadecimal digits, and this is {self.sha256!r:.100}."
            raise ConfigError(problem, "rlkit.Dataset.of(path) computes it, and so does the command sha256sum.")

    @classmethod
    def of(
        cls, source: str | os.PathLike[str] | np.ndarray[Any, Any], name: str | None = None, version: str | None = None
    ) -> Dataset:
        """Return the dataset in a file or an array, with its hash.

        Args:
            source: A file; or an array of any shape, which has the hash of the file that ``numpy.save`` writes of it in
                row-major order.
            name: What to call it; the file's name where None.
            version: Which version it is.

        Raises:
            ConfigError: An array has no name, or ``source`` is neither file nor array.
            StoreError: The file cannot be read.
        """
        if isinstance(source, np.ndarray):
            if name is None:
                raise ConfigError("An array has no name of its own.", 'Write Dataset.of(array, "trajectories").')
            return cls(name, version, _hash_of_array(source))
        if not isinstance(source, str | os.PathLike):
            raise ConfigError(f"A {type(source).__name__} is neither a file nor a NumPy array.", _EXAMPLE)
        path = Path(source).expanduser()
        return cls(name or path.name, version, _hash_of_file(path))


def checked_dataset(dataset: Any) -> dict[str, str | None] | None:
    """Return a dataset as a manifest holds it.

    Args:
        dataset: A Dataset, the path of a file, or a mapping of ``name`` and, if known, ``version`` and ``sha256``; or
            None.

    Returns:
        All three keys, or None.

    Raises:
        ConfigError: A key is unknown, the name is missing, or a value is not a fitting string.
        StoreError: The file cannot be read.
    """
    if dataset is None:
        return None
    if isinstance(dataset, str | os.PathLike | np.ndarray):
        dataset = Dataset.of(dataset)
    elif isinstance(dataset, Mapping):
        dataset = _from_mapping(dataset)
    if not isinstance(dataset, Dataset):
        raise ConfigError(f"{dataset!r:.80} is no dataset.", _EXAMPLE)
    return {key: getattr(dataset, key) for key in _KEYS}


def _from_mapping(mapping: Mapping[str, Any]) -> Dataset:
    for key in mapping:
        if key not in _KEYS:
            raise ConfigError(f"A dataset has no {key!r}.", did_you_mean(str(key), _KEYS))
    if not mapping.get("name"):
        raise ConfigError(f"A dataset must have a name, and this is {dict(mapping)!r:.200}.", _EXAMPLE)
    return Dataset(**mapping)


def _hash_of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        problem = f"The dataset {path} cannot be read: {error.strerror or error}."
        raise StoreError(problem, "Give the path of a file.") from error


class _Hashing:
    """A file that keeps nothing but the hash of what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def _hash_of_array(array: np.ndarray[Any, Any]) -> str:
    hashing = _Hashing()
    try:
        np.lib.format.write_array(hashing, np.asarray(array, order="C"), allow_pickle=False)
    except ValueError as error:
        raise ConfigError(f"An array of {array.dtype} has no bytes of its own.", "Give one of numbers.") from error
    return hashing.digest.hexdigest()
