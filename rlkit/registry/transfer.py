"""Taking a version elsewhere as one file, and taking in one from elsewhere, which is trusted in nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlkit.config.changes import changes_from
from rlkit.errors import CorruptArtifactError, RLKitError
from rlkit.registry.checks import check_description, check_metrics
from rlkit.registry.datasets import checked_dataset
from rlkit.registry.facts import git_text
from rlkit.registry.names import check_tags
from rlkit.registry.registration import Candidate, manifest_of
from rlkit.registry.versions import ModelVersion
from rlkit.storage import codec
from rlkit.storage.archive import archive_path, read_archive, write_archive
from rlkit.storage.packing import STATE, Packed, PackedModel

_ORIGIN = {"created": str, "user": str | None, "host": str | None, "git": dict | None, "packages": dict}
_TYPES = {
    "name": str | None,
    "algorithm": str,
    "model_class": str | None,
    "config": dict,
    "config_changes": list,
    "env_id": str | None,
    "env_kwargs": dict,
    "observation_space": dict | None,
    "action_space": dict | None,
    "seed": int | None,
    "num_timesteps": int,
    "num_episodes": int,
    "wall_time": int | float,
    "learning_curve": dict,
    "left_out": str,
}
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
    """Write a version to one portable file, which ``rlkit.load`` takes too.

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
    metadata |= {"learning_curve": version.learning_curve, "ref": version.ref}
    if anonymous:  # None, not missing: whoever imports the file did not register the model either
        metadata |= dict.fromkeys(_PERSONAL)
    write_archive(target, PackedModel(metadata, objects))
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
    metadata, came = dict(packed.metadata), datetime.now(UTC).isoformat(timespec="seconds")
    try:
        known = {key: metadata[key] for key in _ORIGIN if key in metadata}
        _check_types({**metadata, **known})
        told = {
            "parent": None,
            "tags": list(check_tags(metadata.get("tags", ()))),
            "metrics": check_metrics(metadata.get("metrics")),
            "dataset": checked_dataset(_mapping_or_none(metadata.get("dataset"))),
            "description": check_description(metadata.get("description", "")),
            "imported": {"ref": metadata.get("ref"), "parent": metadata.get("parent"), "at": came},
        }
    except (RLKitError, TypeError, ValueError) as error:
        problem = f"{source} tells what no version does. {getattr(error, 'problem', error)}"
        raise CorruptArtifactError(problem, "Get the file again from where it came from.") from error
    chosen = name if name is not None else str(metadata.get("name") or source.stem)
    return Candidate(chosen, manifest_of(metadata, told, {**origin, **known}), packed.objects)


def _check_types(metadata: Mapping[str, Any]) -> None:
    for key, kind in {**_TYPES, **_ORIGIN}.items():
        value = metadata.get(key)
        if key in metadata and (not isinstance(value, kind) or isinstance(value, bool)):
            message = f"Its {key} is {value!r:.80}."
            raise TypeError(message)
    if "algorithm" not in metadata:
        message = "It has no algorithm."
        raise TypeError(message)
    changes_from(metadata.get("config_changes", ()))
    datetime.fromisoformat(metadata.get("created", "2000-01-01"))


def _mapping_or_none(dataset: object) -> Mapping[str, Any] | None:
    """Take a dataset only as it is written in a file: a path would be read here."""
    if not isinstance(dataset, Mapping | None):
        message = f"Its dataset is {dataset!r:.80}."
        raise TypeError(message)
    return dataset
