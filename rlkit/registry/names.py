"""How folders, models, aliases and tags may be called, and references such as ``cartpole:3``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rlkit.errors import InvalidNameError, InvalidReferenceError, StoreError

MAX_LENGTH = 100
LATEST = "latest"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_RULE = "Use letters, digits, '.', '_' and '-', beginning with a letter or a digit, 100 characters at most."
# Windows opens the device whatever the folder and whatever follows the first dot, so that a store which is
# written on one system must not hold such a name for another.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/.*", re.DOTALL)  # one letter would be a drive of Windows
_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)|%\w+%")


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a registry's folder, which need not be there yet.

    Args:
        folder: A path on a disk; ``~`` is the home folder.

    Raises:
        StoreError: It is no path, a URL, has a variable that no shell has filled in, or leads through a file.
    """
    if not isinstance(folder, str | os.PathLike) or not isinstance(os.fspath(folder), str):
        raise StoreError(f"{folder!r:.80} is no folder.", "Give a path, or nothing for the current registry.")
    text = os.fspath(folder)
    if "\0" in text or not text.strip():
        raise StoreError(f"{text!r:.80} is no folder.", "Give a path, such as 'models' or '~/models'.")
    if url := _URL.fullmatch(text):
        remedy = "A registry is a folder on a disk; mount other storage as one."
        if url[1].lower() == "file":
            remedy = f"Give the path alone: '/{text.partition(':')[2].lstrip('/')}'."
        raise StoreError(f"{text!r:.150} is a URL, and no folder.", remedy)
    if variable := _VARIABLE.search(text):
        filled = os.path.expandvars(text)
        remedy = f"Give the folder itself: {filled!r}." if filled != text else f"There is no variable {variable[0]}."
        raise StoreError(f"{text!r:.150} has a variable, {variable[0]}, which nobody has filled in.", remedy)
    try:
        chosen = Path(text).expanduser().absolute()
    except RuntimeError:
        problem = f"{text!r:.150} is no folder: there is no home folder of {Path(text).parts[0]!r}."
        raise StoreError(problem, "Give the path from the root, such as '/home/name/models'.") from None
    except FileNotFoundError:
        problem = f"{text!r:.150} means no folder: the one worked in has been deleted."
        raise StoreError(problem, "Change to another folder (os.chdir), or give a path from the root.") from None
    there = next(place for place in (chosen, *chosen.parents) if os.path.lexists(place))
    if not os.path.isdir(there):  # noqa: PTH112 - says no where Path.is_dir would raise
        raise StoreError(f"{str(there)!r} is no folder.", "Give the path of a folder, which need not be there yet.")
    return chosen


@dataclass(frozen=True)
class Reference:
    """Which version of which model is meant; ``str()`` gives the reference as it is written.

    Attributes:
        name: The model.
        version: The number after ``:``, if one was given.
        alias: The word after ``@``, if one was given.
    """

    name: str
    version: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.name}:{self.version}"
        return f"{self.name}@{self.alias}" if self.alias is not None else self.name

    @property
    def is_bare(self) -> bool:
        """Whether only the model is named, which means its newest version."""
        return self.version is None and self.alias is None


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Args:
        text: ``"cartpole"``, ``"cartpole:3"`` or ``"cartpole@best"``.

    Returns:
        What it refers to.

    Raises:
        InvalidReferenceError: The text has another form.
        InvalidNameError: The model or the alias has characters that it must not have.
    """
    if not isinstance(text, str):
        problem = f"A model reference must be a string, and {text!r} is a {type(text).__name__}."
        raise InvalidReferenceError(problem, "Write it as 'name', 'name:3' or 'name@alias'.")
    name, mark, rest = _split(text)
    if not mark:
        return Reference(check_name(text))
    if mark == "@":
        if not rest or ":" in rest or "@" in rest:
            raise _malformed(text, name)
        return Reference(check_name(name), alias=_check(rest, "alias"))
    if not _VERSION.fullmatch(rest):
        raise _malformed(text, name, rest)
    return Reference(check_name(name), version=int(rest))


def check_name(name: str, existing: Iterable[str] = ()) -> str:
    """Refuse a model name that some disk could not keep, or that lies outside the folder.

    Args:
        name: What a person typed.
        existing: Names that are taken; one that differs from ``name`` in case only is refused, because many
            disks cannot tell them apart.

    Returns:
        The name.

    Raises:
        InvalidNameError: The name is not allowed; the message offers one that is.
    """
    _check(name, "model name")
    if name.split(".", maxsplit=1)[0].lower() in _DEVICES:
        problem = f"The model name {name!r} is a device on Windows."
        raise InvalidNameError(problem, f"Try 'my-{name}'.")
    if name.endswith(".rlkit"):
        problem = f"The model name {name!r} is that of a file, which load() would look for."
        raise InvalidNameError(problem, f"Try {name.removesuffix('.rlkit')!r}, or model.save({name!r}) for a file.")
    twins = [other for other in existing if other != name and other.lower() == name.lower()]
    if twins:
        problem = f"The model name {name!r} differs from the existing {twins[0]!r} in case only."
        raise InvalidNameError(problem, f"Did you mean {twins[0]!r}?")
    return name


def check_alias(alias: str, name: str = "name", *, new: bool = True) -> str:
    """Refuse an alias that cannot be set.

    Args:
        alias: What a person typed.
        name: The model that it is for.
        new: Whether it is to be set: an older registry may have one that looks like a version.

    Returns:
        The alias.

    Raises:
        InvalidNameError: The alias has wrong characters, is ``latest``, or looks like a version.
    """
    if _check(alias, "alias").lower() == LATEST:
        problem = f"The alias {alias!r} is reserved: it always means the newest version."
        raise InvalidNameError(problem, "Choose another, such as 'best' or 'production'.")
    digits = alias.lower().removeprefix("v")
    if new and digits.isdecimal():
        problem = f"The alias {alias!r} looks like a version."
        right = f"A version needs none: write '{name}:{digits.lstrip('0') or 1}'."
        raise InvalidNameError(problem, f"{right} An alias is a word such as 'best'.")
    return alias


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Refuse tags that cannot be kept.

    Args:
        tags: Words; a single string is most likely a slip and refused.

    Returns:
        The tags without repeats, in the order given.

    Raises:
        InvalidNameError: A tag has wrong characters, or ``tags`` is one string or no list.
    """
    if isinstance(tags, str):
        problem = f"Tags must be a list of words, and {tags!r} is one string."
        raise InvalidNameError(problem, f"Write tags=[{tags!r}].")
    if not isinstance(tags, Iterable):
        problem = f"Tags must be a list of words, and {tags!r} is a {type(tags).__name__}."
        raise InvalidNameError(problem, "Write tags=['baseline'].")
    return tuple(dict.fromkeys(_check(tag, "tag") for tag in tags))


def _check(word: str, kind: str) -> str:
    if not isinstance(word, str):
        problem = f"A {kind} must be a string, and {word!r} is a {type(word).__name__}."
        raise InvalidNameError(problem, _RULE)
    if _NAME.fullmatch(word) and len(word) <= MAX_LENGTH and not word.endswith("."):
        return word
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", word).strip("-._")[:MAX_LENGTH].rstrip("-._")
    article = "an" if kind == "alias" else "a"
    problem = f"{word!r:.150} cannot be {article} {kind}."
    raise InvalidNameError(problem, f"{_RULE} Try {cleaned!r}." if cleaned else _RULE)


def _split(text: str) -> tuple[str, str, str]:
    """Split at the first mark: names have neither."""
    mark = next((letter for letter in text if letter in ":@"), "")
    name, _, rest = text.partition(mark) if mark else (text, "", "")
    return name, mark, rest


def _malformed(text: str, name: str, rest: str = "") -> InvalidReferenceError:
    digits = rest.strip().lstrip("vV0")
    if _VERSION.fullmatch(digits):
        right = f"Did you mean '{name}:{digits}'?"
    elif _NAME.fullmatch(rest) and rest[0].isalpha():
        right = f"A version is a number from 1, an alias follows '@': did you mean '{name}@{rest}'?"
    else:
        right = "Write it as 'name', 'name:3' or 'name@alias'."
    return InvalidReferenceError(f"{text!r:.150} is not a model reference.", right)
