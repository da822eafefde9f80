"""Numbered manifests over immutable objects: the truth about what a registry keeps."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rlkit.errors import CorruptArtifactError, StateError, StoreError
from rlkit.registry.layout import MAX_NUMBER, is_name
from rlkit.registry.names import check_name
from rlkit.registry.objects import ObjectStore
from rlkit.registry.record import Metric, explained
from rlkit.storage import files
from rlkit.storage.documents import SEAL_SIZE, check_format, lines_of, seal, seal_lines, unseal

FORMAT = 3
# The upgrade rule. The number grows by one when an older rlkit would read a manifest or meta.json wrongly or
# not at all; a new key that may be missing leaves it alone. A reader refuses numbers above its own, and keeps
# reading every one below: for each, a folder written in it stays in the tests.
# 1 -> 2: models have former names ("formerly") and deleted versions a time ("deleted"), both empty until now, and
# versions may have an object "code". Nothing need be converted: what is missing is empty.
# 2 -> 3: versions have a log of their training ("training"), and room for "evaluations", a "sweep" and further objects;
# every field has a type and bounds (record.py). Nothing need be converted.

_LOOK_BACK = 50
"""How many deleted versions are passed over one by one before the folder is listed."""
_MAX_BYTES = 64 * 2**20
"""Bytes that a manifest or a meta.json may have."""

_ATTRIBUTES = b"""\
# The bytes in here are checked when they are read: git must not change line endings.
* -text
"""


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        message = "a time needs a time zone"
        raise ValueError(message)
    return text


_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
_Number = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
_NumberAsText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", hide_input_in_errors=True)


class _Changed(_Part):
    tags: Annotated[list[_Name], Field(max_length=10_000)] = []
    metrics: Annotated[dict[Annotated[str, Field(max_length=1_000)], Metric], Field(max_length=100_000)] = {}
    description: Annotated[str, Field(max_length=1_000_000)] = ""


class _Former(_Part):
    name: _Name
    since: _Number
    until: _Number


class _Meta(_Part):
    """What may change about a model. Bounds are wide: they keep what was made up from harming other models."""

    last_version: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = 0
    aliases: dict[_Name, _Number] = {}
    versions: dict[_NumberAsText, _Changed] = {}
    deleted: dict[_NumberAsText, Annotated[str, AfterValidator(_moment)]] = {}
    formerly: Annotated[list[_Former], Field(max_length=10_000)] = []


def check_meta(document: Mapping[str, Any]) -> None:
    """Refuse what may change about a model, or a part of that, where it is not of the kind that rlkit writes.

    Raises:
        ValueError: The message names the place.
    """
    try:
        _Meta.model_validate(document)
    except ValidationError as error:
        raise ValueError(explained(error)) from None


class Former(NamedTuple):
    """That a model once had another name.

    Attributes:
        name: The name it had.
        since: The first number that was its own under that name: an earlier model may have had it too.
        until: The last number that it had under that name.
        model: What it is called now.
    """

    name: str
    since: int
    until: int
    model: str

    def covers(self, number: int) -> bool:
        """Whether a reference by the former name and this number means the model."""
        return self.since <= number <= self.until


class _Summary(NamedTuple):
    """What is often asked of a model's meta.json.

    Attributes:
        end: Its last line, which is another one for any other content; empty where there is none that fits.
        seal: The same as text; what is wrong with the file, where that is so.
        last_version: As in ``read_meta``.
        formerly: The names that the model had.
        readable: Whether the file is whole.
    """

    end: bytes = b""
    seal: str = ""
    last_version: int = 0
    formerly: tuple[Former, ...] = ()
    readable: bool = True


_NO_FILE = _Summary()

State = tuple[int, int, str, int]
"""What :meth:`ArtifactStore.state` returns."""


class ArtifactStore(ObjectStore):
    """A folder of content-addressed objects and numbered manifests.

    Nothing is written before the first version is added. Readers take no lock and write nothing, so that a
    folder on a read-only disk can be read. A version exists from the moment that its manifest does. All who write
    hold one lock, :meth:`writing`: so between an object and the manifest that refers to it nobody collects garbage.

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._given: dict[str, int] = {}  # the highest number of each model that this process knows to have been given
        self._seen: dict[str, int] = {}  # the highest number of each model that was there when this process looked
        self._states: dict[str, State] = {}  # of each model when this process looked last
        self._opened: set[str] = set()  # models to which this process has added
        self._summaries: dict[str, _Summary] = {}  # by model: see _summary
        self._looks = itertools.count(1)

    # -- versions ----------------------------------------------------------------------------------------------------

    def newest(self, name: str) -> int | None:
        """Return the highest number of a model's versions, in constant time where versions were added last."""
        if name not in self._seen:
            self._seen[name] = max(self.numbers(name), default=0)
        number: int = max(self._seen[name], self._summary(name).last_version)
        while self.exists(name, number + 1):  # as in _highest: above both, all are there
            number += 1
        for newest in range(number, max(0, number - _LOOK_BACK), -1):
            if self.exists(name, newest):
                self._seen[name] = newest
                return newest
        self._seen[name] = max(self.numbers(name), default=0)
        return self._seen[name] or None

    def count(self) -> int:
        """Count all versions, as far as folders can be read: for the bar that shows how many were seen to."""
        count = 0
        for name in self.names():
            with contextlib.suppress(StoreError):
                count += len(self.numbers(name))
        return count

    def add_version(self, name: str, lines: Sequence[str]) -> int:
        """Give a new version its number and write its manifest: from then on it exists.

        Args:
            name: The model, which need not exist yet.
            lines: All that is known about the version, by ``lines_of``; its objects must be kept already.

        Returns:
            The number: one more than any version of this model ever had.

        Raises:
            InvalidNameError: Another model's name, or a former one, differs in case only.
            StoreError: The folder cannot be written.
        """
        with self.writing():
            self._open_model(name)
            number = self._highest(name) + 1
            while True:
                if number > MAX_NUMBER:
                    problem = f"The model {name!r} has had the version {MAX_NUMBER:,}, and there is no higher number."
                    raise StoreError(problem, "Register under another name.")
                head = lines_of({"format": FORMAT, "name": name, "version": number})
                manifest = seal_lines([*head, *lines])
                try:
                    files.create_exclusive(self.manifest_path(name, number), manifest, read_only=True)
                except FileExistsError:  # on some network disks a lock keeps nobody out
                    number += 1
                else:
                    self._given[name] = number
                    return number

    def read_manifest(self, name: str, number: int, *, trashed: bool = False) -> dict[str, Any]:
        """Read what was known about a version when it was registered.

        Args:
            name: The model.
            number: The version.
            trashed: Whether to look in the trash.

        Returns:
            The manifest, which may say a name that the model had formerly.

        Raises:
            FileNotFoundError: There is no such version.
            CorruptArtifactError: The manifest is damaged.
            StoreError: A newer rlkit wrote it.
        """
        path = self.trash_path(name, number) if trashed else self.manifest_path(name, number)
        document = unseal(files.read_bytes(path, follow=False, most=_MAX_BYTES), str(path))
        check_format(document, FORMAT, str(path))
        said = document.get("name")
        if document.get("version") != number or (said != name and not self._was_called(self.owner(name, number), said)):
            problem = f"{path} is the manifest of {said}:{document.get('version')}."
            raise CorruptArtifactError(problem, "Give the file or its folder its own name back.")
        return document

    def _was_called(self, name: str, former_name: object) -> bool:
        """Whether a model had a name, as far as is known: what its meta.json says may be lost."""
        summary = self._summary(name)
        return not summary.readable or any(former.name == former_name for former in summary.formerly)

    def _highest(self, name: str) -> int:
        """Return the highest number ever given to a version of this model; the caller holds the lock."""
        given, last = self._given.get(name, 0), self.read_meta(name)["last_version"]
        if given > last and not self.exists(name, given):  # it was given in a folder that is gone
            given = 0
        return self._top(name, last, given)

    def _top(self, name: str, last: int, known: int) -> int:
        """Return the highest number ever given to a version of this model.

        A version leaves its folder only after ``last_version`` is no less than its number. So above the highest number
        that is known, all are there, and nothing need be listed.

        Args:
            name: The model.
            last: Its ``last_version``.
            known: A number that is known to have been given; 0 for none.
        """
        number = known or max([*self.numbers(name), *self.trashed_numbers(name)], default=0)
        number = max(number, last)
        while self._has(name, number + 1):
            number += 1
        return number

    def _has(self, name: str, number: int) -> bool:
        """Do what ``exists`` does, of a folder that was just listed, in a tenth of the time."""
        return os.access(f"{self._prefix}/models/{name}/{number:06d}.json", os.F_OK)

    def state(self, name: str, before: State | None = None) -> State:
        """Return what is another one after any change of a model.

        What rlkit changes is found whatever the clock of the disk says: a change of ``meta.json`` by its seal, and a
        version that was added by its number, which is the next one. What other programs change shows in the time at
        which the folder was written: see :meth:`has_rested`.

        Args:
            name: The model.
            before: What it was when somebody looked before, which saves listing the versions.

        Returns:
            Inode and time of the folder, the seal, and the highest number ever given. No file is read but for the end
            of one.
        """
        inode, written = self._signature(f"models/{name}")
        summary = self._summary(name)
        before = self._states.get(name, before)
        known = before[3] if before is not None and before[0] == inode else 0
        state = (inode, written, summary.seal, self._top(name, summary.last_version, known))
        if state == before:
            return before
        self._states[name] = state
        return state

    def change_token(self) -> tuple[object, ...]:
        """Return what is another one after any change of versions, of what may change about them, or of the trash.

        It costs a look at the folder of each model. While the last change is so young that one by another program than
        rlkit may look the same, no two tokens are the same.

        Raises:
            StoreError: The folder cannot be read.
        """
        states = {f"models/{name}": self.state(name) for name in self.names()}
        signatures = {place: state[:2] for place, state in states.items()}
        for place in ["models", "trash", *(f"trash/{name}" for name in self.trashed_names())]:
            signatures[place] = self._signature(place)
        rested = [self.has_rested(signature, place) for place, signature in signatures.items()]
        return (*states.items(), *signatures.items(), 0 if all(rested) else next(self._looks))

    def _open_model(self, name: str) -> None:
        """Create the folder of a model, so that no two names differ in case only and no number is given again."""
        if name not in self._opened or not self.has_model(name):
            existing = self.names()
            check_name(name, existing=existing)
            if name not in existing:
                check_name(name, existing=self.names_ever())
                last = max((former.until for former in self.former_models(name)), default=0)
                if last:
                    self._create_after(name, last)
            self._protect_bytes()
            self._opened.add(name)
        self.make("models", name)

    def _protect_bytes(self) -> None:
        """Tell git to leave line endings alone, unless there is a file already that tells it something."""
        path = self.folder / ".gitattributes"
        if not os.path.lexists(path):
            with contextlib.suppress(FileExistsError):
                files.create_exclusive(path, _ATTRIBUTES)

    def _create_after(self, name: str, last: int) -> None:
        """Create the folder of a model in one step with its first number, which goes on from one that had the name."""
        self.make("models")
        folder = self.path("models", name)
        fresh = folder.with_name(f".{name}.{secrets.token_hex(6)}.tmp")
        files.make_folder(fresh)
        files.write_atomic(fresh / "meta.json", seal({**_no_meta(), "last_version": last}))
        files.rename_folder(fresh, folder)

    # -- what may change ---------------------------------------------------------------------------------------------

    def read_meta(self, name: str) -> dict[str, Any]:
        """Read what may change about a model.

        Args:
            name: The model.

        Returns:
            ``aliases`` (word to number), ``versions`` (number as text to changed tags, metrics, description),
            ``deleted`` (number as text to the time of deletion), ``formerly`` (names it had: see
            :meth:`former_names`) and ``last_version``; empty where nothing was changed yet.

        Raises:
            CorruptArtifactError: The file is damaged.
            StoreError: A newer rlkit wrote it.
        """
        return self._read_meta(name)[1]

    def _read_meta(self, name: str) -> tuple[bytes, dict[str, Any]]:
        """Return the last line of a model's meta.json, and what it says."""
        path = self.meta_path(name)
        try:
            data = files.read_bytes(path, follow=False, most=_MAX_BYTES)
        except FileNotFoundError:
            return b"", _no_meta()
        document = {**_no_meta(), **unseal(data, str(path))}
        check_format(document, FORMAT, str(path))
        try:
            check_meta(document)
        except ValueError as error:
            raise CorruptArtifactError(f"{path} is damaged: {error}.", "Restore it from a backup.") from None
        return data[-SEAL_SIZE:], document

    def _summary(self, name: str) -> _Summary:
        """Return what is often asked of a model's meta.json: the file is read only where its seal is another one."""
        known = self._summaries.get(name)
        try:
            end = files.read_part(f"{self._prefix}/models/{name}/meta.json", SEAL_SIZE, last=True)
            if known is not None and end and end == known.end:
                return known
            end, meta = self._read_meta(name)
            formerly = tuple(Former(each["name"], each["since"], each["until"], name) for each in meta["formerly"])
            summary = _Summary(end, end.decode("ascii"), meta["last_version"], formerly)
        except FileNotFoundError:
            return _NO_FILE
        except StoreError as error:
            summary = _Summary(seal=str(error), readable=False)
        self._summaries[name] = summary
        return summary

    def _formerly_as_said(self, name: str) -> Iterator[Former]:
        """List the names that a model had according to the manifests that are left, where its meta.json is lost."""
        numbers: dict[str, list[int]] = {}
        for number in self.numbers(name):
            with contextlib.suppress(StoreError, FileNotFoundError):
                path = self.manifest_path(name, number)
                said = unseal(files.read_bytes(path, follow=False, most=_MAX_BYTES), str(path)).get("name")
                if said != name and isinstance(said, str) and is_name(said):
                    numbers.setdefault(said, []).append(number)
        for said, own in numbers.items():
            yield Former(said, min(own), max([*own, *self.trashed_numbers(said)]), name)

    def update_meta(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what may change about a model, while no other writer does.

        Args:
            name: A model that exists.
            change: Is given what ``read_meta`` returns, and changes it in place.

        Raises:
            StoreError: The folder cannot be written.
        """
        with self.writing():
            self.make("models", name)
            document = self.read_meta(name)
            before = seal(document)
            change(document)
            if seal(document) != before:
                self._write_meta(name, document)
            else:  # whoever wrote it so may have been killed before it was on the disk
                files.sync_folder(self.path("models", name))

    def _write_meta(self, name: str, document: Mapping[str, Any]) -> None:
        try:
            check_meta(document)
        except ValueError as error:
            problem = f"What may change about {name} would be too much, or of the wrong kind: {error}."
            raise StateError(problem, "Nothing was written.") from None
        files.write_atomic(self.meta_path(name), seal({**document, "format": FORMAT}))

    # -- trash and names ---------------------------------------------------------------------------------------------

    def trash_version(self, name: str, number: int) -> None:
        """Move a version's manifest to the trash; its number is never given again.

        Args:
            name: The model.
            number: The version.

        Raises:
            FileNotFoundError: There is no such version.
            StoreError: The folder cannot be written.
        """
        with self.writing():
            if not self.exists(name, number):
                raise FileNotFoundError(self.manifest_path(name, number))
            highest = self._highest(name)
            now = datetime.now(UTC).isoformat(timespec="seconds")

            def note(meta: dict[str, Any]) -> None:
                meta["last_version"] = max(meta["last_version"], highest)
                meta["deleted"][str(number)] = now

            self.update_meta(name, note)  # before the number disappears from the listing
            self.make("trash", name)
            files.move(self.manifest_path(name, number), self.trash_path(name, number))

    def restore_version(self, name: str, number: int) -> None:
        """Move a version's manifest back from the trash.

        Raises:
            FileNotFoundError: It is not in the trash.
            CorruptArtifactError: It is damaged.
            StoreError: The folder cannot be written.
        """
        if self.trash_name(name, number) is None:  # found out without writing even a lock
            raise FileNotFoundError(self.trash_path(name, number))
        with self.writing():
            holder = self.trash_name(name, number)
            if holder is None:  # another program was faster
                raise FileNotFoundError(self.trash_path(name, number))
            self.read_manifest(holder, number, trashed=True)  # what is damaged stays where it is
            files.move(self.trash_path(holder, number), self.manifest_path(name, number))
            self.update_meta(name, lambda meta: meta["deleted"].pop(str(number), None))

    def flush(self, name: str) -> None:
        """Wait until what any program has done to a model's versions is on the disk, though it was killed in it."""
        with self.writing():
            for folder in (self.make("models", name), self.make("trash", name)):
                files.sync_folder(folder)

    def trash_name(self, name: str, number: int) -> str | None:
        """Return the name under which a model's version lies in the trash: its own or a former one; else None."""
        if self.exists(name, number):  # a crash may have left it in both places: then it was not deleted
            return None
        names = [name, *(former.name for former in self.former_names(name) if former.covers(number))]
        return next((each for each in names if self.trash_path(each, number).exists()), None)

    def former_names(self, name: str) -> list[Former]:
        """List the names that a model had; its present one may be among them."""
        summary = self._summary(name)
        return list(summary.formerly if summary.readable else self._formerly_as_said(name))

    def former_models(self, name: str) -> list[Former]:
        """List the models that had a name once and have another now."""
        return [former for former in self._formers() if former.name == name != former.model]

    def names_ever(self) -> list[str]:
        """List the names that models have or had: on a disk that ignores case, no two may differ in that only."""
        return [*self.names(), *(former.name for former in self._formers())]

    def _formers(self) -> list[Former]:
        """List all names that models had."""
        return [former for model in self.names() for former in self.former_names(model)]

    def owner(self, name: str, number: int) -> str:
        """Return what the model is called now that a number was given in under a name, perhaps a former one."""
        if self.exists(name, number):
            return name
        return next((former.model for former in self.former_models(name) if former.covers(number)), name)

    def rename_model(self, name: str, new_name: str) -> None:
        """Give a model another name; references to its versions by the present one stay right.

        Args:
            name: A model that exists.
            new_name: Its new name, which is free.

        Raises:
            FileExistsError: The name is taken.
            StoreError: The folder cannot be written.
        """
        with self.writing():
            highest = self._highest(name)
            others = [former.name for former in self._formers() if former.model != name]
            check_name(new_name, existing=others)
            since = 1 + max((former.until for former in self.former_models(name)), default=0)
            former = {"name": name, "since": since, "until": highest}

            def note(meta: dict[str, Any]) -> None:
                meta["last_version"] = highest
                meta["formerly"] = [*(each for each in meta["formerly"] if each["name"] != name), former]

            self.update_meta(name, note)  # a former name that is still its name is of no consequence
            source, target = self.path("models", name), self.path("models", new_name)
            self._durable -= {source, target}
            files.rename_folder(source, target)
            self._given.pop(name, None)


def _no_meta() -> dict[str, Any]:
    return {"format": FORMAT, "last_version": 0, "aliases": {}, "versions": {}, "deleted": {}, "formerly": []}
