"""Looking into a model's objects without opening them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rlkit.errors import RLKitError
from rlkit.factory import factory
from rlkit.registry.reports import InspectedObject, Inspection
from rlkit.storage import code, codec, opcodes, parts, trust
from rlkit.storage.packing import CODE, Packed, state_of


def inspect_objects(source: str, objects: Mapping[str, Packed]) -> Inspection:
    """Tell what opening each object would build or run. Nothing is unpickled.

    Args:
        source: Where they come from, to be shown.
        objects: What ``packing.pack`` returned, from any source.

    Raises:
        CorruptArtifactError: An object is no pickle.
    """
    return Inspection(source, tuple(_inspected(kind, objects) for kind in objects))


def _inspected(kind: str, objects: Mapping[str, Packed]) -> InspectedObject:
    packed, is_code = objects[kind], kind == CODE
    data = packed.data
    return InspectedObject(
        kind=kind,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        builds=opcodes.count(data),
        imports=tuple(code.imports_of(data) if is_code else codec.imports(data)),
        trusted=trust.is_signed(data, packed.signature) if is_code else None,
        constants=_constants(data) if is_code else (),
        differing=_differing(objects) if is_code else (),
    )


def _constants(data: bytes) -> tuple[parts.Constant, ...]:
    try:
        return parts.constants_of(data)
    except RLKitError:  # the imports say enough of bytes that are no class
        return ()


def _differing(objects: Mapping[str, Packed]) -> tuple[str, ...]:
    """Return the names of what the class that is here has otherwise."""
    try:
        return tuple(change.name for change in factory.differing(objects, str(state_of(objects).get("algorithm"))))
    except RLKitError:
        return ()
