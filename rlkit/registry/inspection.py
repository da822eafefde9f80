"""Looking into a model's objects without opening them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rlkit.registry.reports import InspectedObject, Inspection
from rlkit.storage import code, codec, opcodes, trust
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
    data, is_code = packed.data, kind == CODE
    return InspectedObject(
        kind=kind,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        builds=opcodes.count(data),
        imports=tuple(code.imports_of(data) if is_code else codec.imports(data)),
        trusted=trust.is_signed(data, packed.signature) if is_code else None,
    )
