"""Taking a version elsewhere as one file, and taking in one from elsewhere, which is trusted in nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rlkit.config.changes import changes_from
from rlkit.errors import CorruptArtifactError, RLKitError
from rlkit.registry.checks import check_description, check_metrics
from rlkit.registry.datasets import checked_dataset
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


def export(version: ModelVersion, objects: Mapping[str, Packed], path: str | os.PathLike[str]) -> Path:
    """Write a version to one portable file, which ``rlkit.load`` takes too.

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
    metadata |= {"learning_curve": version.learning_curve, "ref": version.ref}
    write_archive(target, PackedModel(metadata, objects))
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
