"""Looking into a model's objects without opening them."""

from __future__ import annotations

from collections.abc import Mapping

from rlkit.registry.reports import InspectedObject, Inspection
from rlkit.storage import code, codec, trust
from rlkit.storage.packing import CODE, Packed


def inspect_objects(source: str, objects: Mapping[str, Packed]) -> Inspection:
    """Tell what opening each object would build or run. Nothing is unpickled.

    Args:
        source: Where they come from, to be shown.
        objects: What ``packing.pack`` returned, from any source.

    Raises:
        CorruptArtifactError: An object is no pickle.
    """
    return Inspection(source, tuple(_inspected(kind, packed) for kind, packed in objects.items()))


def _inspected(kind: str, packed: Packed) -> InspectedObject:
    is_code = kind == CODE
    found = code.contents(packed.data) if is_code else codec.contents(packed.data)
    return InspectedObject(
        kind=kind,
        size=len(packed.data),
        sha256=packed.sha256,
        builds=found.builds,
        imports=tuple(map(str, found.reached)) if is_code else tuple(codec.foreign(found)),
        trusted=trust.is_signed(packed.data, packed.signature) if is_code else None,
        strange=found.strange,
    )
