"""Taking a version elsewhere as one file, and taking in one from elsewhere, which is trusted in nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rlkit.errors import CorruptArtifactError, RLKitError
from rlkit.registry.checks import check_metrics
from rlkit.registry.datasets import checked_dataset
from rlkit.registry.names import check_tags
from rlkit.registry.record import Origin, checked_record
from rlkit.registry.registration import Candidate, manifest_of
from rlkit.registry.versions import ModelVersion
from rlkit.storage import codec
from rlkit.storage.archive import archive_path, read_archive, write_archive
from rlkit.storage.packing import STATE, Packed, PackedModel, without_signatures

_OWN = ("version", "format", "sha256", "size", "aliases")
"""What says something of a version's place in its registry rather than of the model."""


def export(version: ModelVersion, objects: Mapping[str, Packed], path: str | os.PathLike[str]) -> Path:
    """Write a version to one portable file, which ``rlkit.load`` takes too. It carries no signature.

    Args:
        version: What is known about it.
        objects: What it is rebuilt from.
        path: The file, which ends in ``.rlkit``.

    Returns:
        The path.

    Raises:
        StoreError: The file cannot be written, or its name ends otherwise.
    """
    target = archive_path(path)
    metadata = {key: value for key, value in version.to_dict().items() if key not in _OWN}
    metadata |= {"learning_curve": version.learning_curve, "training": version.training, "ref": version.ref}
    write_archive(target, PackedModel(metadata, without_signatures(objects)))
    return target


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
