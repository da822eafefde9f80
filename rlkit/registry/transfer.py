"""Taking a version elsewhere as one file, and taking in one from elsewhere, which is trusted in nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlkit.errors import CorruptArtifactError, RLKitError
from rlkit.registry.checks import check_metrics
from rlkit.registry.datasets import checked_dataset
from rlkit.registry.facts import git_text
from rlkit.registry.names import check_tags
from rlkit.registry.record import Origin, checked_record
from rlkit.registry.registration import Candidate, manifest_of
from rlkit.registry.versions import ModelVersion
from rlkit.storage import codec
from rlkit.storage.archive import archive_path, read_archive, write_archive
from rlkit.storage.packing import STATE, Packed, PackedModel, without_signatures

_OWN = ("version", "format", "sha256", "size", "aliases")
"""What says something of a version's place in its registry rather than of the model."""


_PERSONAL = ("user", "host", "git")
"""What an anonymous file does not say."""
_SHORTEST_WORD = 3  # letters of a name that is looked for: shorter ones stand everywhere

if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # no class can be derived from Path itself before Python 3.12


class ExportedFile(_Path):
    """The path of a file that was written, which also shows what the file says of people and machines.

    Attributes:
        says: That, in sentences.
    """

    says: str = ""

    def __repr__(self) -> str:
        return f"{self}\n{self.says}" if self.says else super().__repr__()


def export(
    version: ModelVersion, objects: Mapping[str, Packed], path: str | os.PathLike[str], *, anonymous: bool = False
) -> ExportedFile:
    """Write a version to one portable file, which ``rlkit.load`` takes too. It carries no signature.

    Args:
        version: What is known about it.
        objects: What it is rebuilt from.
        path: The file, which ends in ``.rlkit``.
        anonymous: Leave out who registered it, on which machine, and the git commit.

    Returns:
        The path, and what the file says of people and machines.

    Raises:
        StoreError: The file cannot be written, or its name ends otherwise.
    """
    target = ExportedFile(archive_path(path))
    known = version.to_dict()
    metadata = {key: value for key, value in known.items() if key not in _OWN}
    metadata |= {"learning_curve": version.learning_curve, "training": version.training, "ref": version.ref}
    if anonymous:  # None, not missing: whoever imports the file did not register the model either
        metadata |= dict.fromkeys(_PERSONAL)
    write_archive(target, PackedModel(metadata, without_signatures(objects)))
    told = [_told(known), _paths(known)] if not anonymous else [_left(known, metadata, objects), _paths(known)]
    target.says = " ".join(sentence for sentence in told if sentence)
    return target


def _told(known: Mapping[str, Any]) -> str:
    """Say who and what an anonymous file would not name."""
    user, host, git = (known[key] for key in _PERSONAL)
    who = " on ".join(name for name in (user, host) if name)
    parts = [f"who registered it ({who})"] * bool(who) + [f"the git commit ({git_text(git)})"] * bool(git)
    return f"The file says {' and '.join(parts)}: anonymous=True, or --anonymous, leaves that out." if parts else ""


def _paths(known: Mapping[str, Any]) -> str:
    named = {
        key: value for key, value in known["env_kwargs"].items() if isinstance(value, str) and Path(value).is_absolute()
    }
    told = ", ".join(f"{key} = {value!r}" for key, value in named.items())
    return f"Its environment is made with a path, which the file names: {told}." if named else ""


def _left(known: Mapping[str, Any], metadata: Mapping[str, Any], objects: Mapping[str, Packed]) -> str:
    """Say where the name of a person or a machine still stands in an anonymous file."""
    texts = {key: json.dumps(value, ensure_ascii=False).encode() for key, value in metadata.items()}
    texts |= {f"{kind} of the model": packed.data for kind, packed in objects.items()}
    words = [word for word in (known["user"], known["host"]) if word and len(word) >= _SHORTEST_WORD]
    found = {word: [where for where, text in texts.items() if _stands_in(word, text)] for word in words}
    told = [f"{word!r} in the {' and the '.join(where)}" for word, where in found.items() if where]
    return f"The file does not say who registered it, but there is {' and '.join(told)}." if told else ""


def _stands_in(word: str, text: bytes) -> bool:
    return re.search(rb"(?<![0-9A-Za-z])" + re.escape(word.encode()) + rb"(?![0-9A-Za-z])", text) is not None


def candidate_from(path: str | os.PathLike[str], name: str | None, origin: Mapping[str, Any]) -> Candidate:
    """Return what a file holds as a candidate, after all of it was checked. Nothing in it is run.

    Args:
        path: A file that ``export_file`` or ``model.save`` wrote, on any machine.
        name: What to call the model; what the file says where None, or else the file's own name.
        origin: What ``provenance`` returned here: for what the file does not say.

    Raises:
        StoreError: There is no such file.
        CorruptArtifactError: A hash differs, or what the file tells is not what a version tells.
        UntrustedArtifactError: The state would run code.
    """
    source = archive_path(path)
    packed = read_archive(source)
    codec.refuse(packed.objects[STATE].data)
    metadata, came = packed.metadata, datetime.now(UTC).isoformat(timespec="seconds")
    # What the file does not say of its origin is that of this import.
    record = checked_record({**origin, **metadata}, f"What {source} tells")
    try:
        told = {
            "parent": None,
            "tags": list(check_tags(record["tags"])),
            "metrics": check_metrics(record["metrics"]),
            "dataset": checked_dataset(record["dataset"]),
            "description": record["description"],
            "imported": {"ref": _word(metadata.get("ref")), "parent": record["parent"], "at": came},
        }
    except RLKitError as error:
        problem = f"{source} tells what no version does. {error.problem}"
        raise CorruptArtifactError(problem, "Get the file again from where it came from.") from error
    chosen = name if name is not None else metadata.get("name") or source.stem
    if not isinstance(chosen, str):
        problem = f"{source} tells what no version does. Its name is {chosen!r:.80}."
        raise CorruptArtifactError(problem, "Import it under a name of your own: import_file(path, 'name').")
    return Candidate(
        chosen, manifest_of(record, told, {key: record[key] for key in Origin.model_fields}), packed.objects
    )


def _word(said: object) -> str | None:
    """Take what a file says in a field of no use to anybody but its reader: a short text, or nothing."""
    return said[:200] if isinstance(said, str) else None
