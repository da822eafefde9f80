"""Numbered manifests over immutable objects: the truth about what a registry keeps."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rlkit.errors import CorruptArtifactError
from rlkit.registry.names import check_name
from rlkit.registry.objects import ObjectStore
from rlkit.storage import files
from rlkit.storage.documents import check_format, lines_of, seal, seal_lines, unseal

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
_META_KINDS = {"last_version": int, "aliases": dict, "versions": dict, "deleted": dict, "formerly": list}


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

    # -- versions ----------------------------------------------------------------------------------------------------

    def newest(self, name: str) -> int | None:
        """Return the highest number of a model's versions, in constant time where versions were added last."""
        if name not in self._seen:
            self._seen[name] = max(self.numbers(name), default=0)
        number: int = max(self._seen[name], self.read_meta(name)["last_version"])
        while self.exists(name, number + 1):  # as in _highest: above both, all are there
            number += 1
        for newest in range(number, max(0, number - _LOOK_BACK), -1):
            if self.exists(name, newest):
                self._seen[name] = newest
                return newest
        self._seen[name] = max(self.numbers(name), default=0)
        return self._seen[name] or None

    def add_version(self, name: str, lines: Sequence[str]) -> int:
        """Give a new version its number and write its manifest: from then on it exists.

        Args:
            name: The model, which need not exist yet.
            lines: All that is known about the version, by ``lines_of``; its objects must be kept already.

        Returns:
            The number: one more than any version of this model ever had.

        Raises:
            InvalidNameError: Another model's name differs in case only.
            StoreError: The folder cannot be written.
        """
        with self.writing():
            self._open_model(name)
            number = self._highest(name) + 1
            while True:
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
        document = unseal(files.read_bytes(path, follow=False), str(path))
        check_format(document, FORMAT, str(path))
        said = document.get("name")
        if document.get("version") != number or (said != name and not self._was_called(self.owner(name, number), said)):
            problem = f"{path} is the manifest of {said}:{document.get('version')}."
            raise CorruptArtifactError(problem, "Give the file or its folder its own name back.")
        return document

    def _was_called(self, name: str, former_name: object) -> bool:
        return any(former.name == former_name for former in self.former_names(name))

    def _highest(self, name: str) -> int:
        """Return the highest number ever given to a version of this model; the caller holds the lock.

        A version leaves its folder only after ``last_version`` is no less than its number. So above the highest number
        that is known, all are there, and nothing need be listed.
        """
        number: int = self._given.get(name, 0)
        last: int = self.read_meta(name)["last_version"]
        if (
            number > last and not self.exists(name, number)
        ) or number == 0:  # nothing known, or of a folder that is gone
            number = max([*self.numbers(name), *self.trashed_numbers(name)], default=0)
        number = max(number, last)
        while self.exists(name, number + 1):
            number += 1
        return number

    def _open_model(self, name: str) -> None:
        """Create the folder of a model, so that no two names differ in case only and no number is given again."""
        if name not in self._given or not self.has_model(name):
            existing = self.names()
            check_name(name, existing=existing)
            last = max((former.until for former in self.former_models(name)), default=0)
            if last and name not in existing:
                self._create_after(name, last)
        self.make("models", name)

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
        path = self.meta_path(name)
        try:
            document = {**_no_meta(), **unseal(files.read_bytes(path, follow=False), str(path))}
        except FileNotFoundError:
            return _no_meta()
        check_format(document, FORMAT, str(path))
        if not all(isinstance(document[key], kind) for key, kind in _META_KINDS.items()):
            problem = f"{path} is damaged: a part is missing."
            raise CorruptArtifactError(problem, "Restore it from a backup.")
        return document

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
            highest, now = self._highest(name), datetime.now(UTC).isoformat(timespec="seconds")

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
            StoreError: The folder cannot be written.
        """
        if self.trash_name(name, number) is None:  # found out without writing even a lock
            raise FileNotFoundError(self.trash_path(name, number))
        with self.writing():
            holder = self.trash_name(name, number)
            if holder is None:  # another program was faster
                raise FileNotFoundError(self.trash_path(name, number))
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
        return [Former(each["name"], each["since"], each["until"], name) for each in self.read_meta(name)["formerly"]]

    def former_models(self, name: str) -> list[Former]:
        """List the models that had a name once and have another now."""
        if not self.is_given_up(name):  # saves opening every model
            return []
        others = [model for model in self.names() if model != name]
        return [former for model in others for former in self.former_names(model) if former.name == name]

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
            since = 1 + max((former.until for former in self.former_models(name)), default=0)
            former = {"name": name, "since": since, "until": highest}

            def note(meta: dict[str, Any]) -> None:
                meta["last_version"] = highest
                meta["formerly"] = [*(each for each in meta["formerly"] if each["name"] != name), former]

            self.make("trash", name)  # the sign that the name was given up: see is_given_up
            self.update_meta(name, note)  # a former name that is still its name is of no consequence
            source, target = self.path("models", name), self.path("models", new_name)
            self._durable -= {source, target}
            files.rename_folder(source, target)
            self._given.pop(name, None)


def _no_meta() -> dict[str, Any]:
    return {"format": FORMAT, "last_version": 0, "aliases": {}, "versions": {}, "deleted": {}, "formerly": []}
