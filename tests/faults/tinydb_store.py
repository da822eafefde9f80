"""What is not good enough: one JSON file, rewritten for every change and locked by nobody."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tinydb import TinyDB, where
from tinydb.table import Document

from .stores import Kept, Seen


class PlainStore:
    """A store as anybody gets it from TinyDB with its own storage; numbers of purged versions are remembered.

    Args:
        folder: Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self._opened = partial(TinyDB, folder / "db.json", create_dirs=True)

    def register(self, content: int) -> int:
        """Keep a version under one number more than any had."""
        with self._opened() as database:
            number = max((each["number"] for each in database), default=0) + 1
            kept = {"bytes": [content] * 8, "told": content, "words": []}
            database.insert({"number": number, **kept, "deleted": False, "gone": False})
        return number

    def set_alias(self, alias: str, number: int) -> None:
        """Let a word point to a version."""

        def point(document: Document) -> None:
            others = {word for word in document["words"] if word != alias}
            document["words"] = sorted(others | {alias} if document["number"] == number else others)

        with self._opened() as database:
            database.update(point)

    def delete(self, number: int) -> None:
        """Move a version to the trash."""
        with self._opened() as database:
            database.update({"deleted": True}, where("number") == number)

    def restore(self, number: int) -> None:
        """Bring a version back."""
        with self._opened() as database:
            database.update({"deleted": False}, where("number") == number)

    def collect(self) -> None:
        """Delete for good what is in the trash."""
        with self._opened() as database:
            database.update({"gone": True, "bytes": [], "words": []}, where("deleted") == True)  # noqa: E712 - a query

    def read(self) -> Seen:
        """Return all that is there."""
        with self._opened() as database:
            documents = database.all()
        return Seen(_kept(documents, deleted=False), _kept(documents, deleted=True))

    def problems(self) -> list[str]:
        """Say nothing: it cannot check itself."""
        return []


def _kept(documents: Iterable[Document], *, deleted: bool) -> dict[int, Kept]:
    there = [each for each in documents if each["deleted"] == deleted and not each["gone"]]
    return {each["number"]: Kept(each["bytes"][0], each["told"], tuple(each["words"])) for each in there}
