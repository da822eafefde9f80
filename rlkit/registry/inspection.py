"""Looking into a model's objects without opening them."""

from __future__ import annotations

from collections.abc import Mapping

from rlkit.envs.ids import split_id
from rlkit.errors import RLKitError, StoreError
from rlkit.factory import factory
from rlkit.registry.reports import InspectedEnvironment, InspectedObject, Inspection
from rlkit.storage import code, codec, parts
from rlkit.storage.packing import CODE, Packed, code_is_signed, environment_is_signed, state_of


def inspect_objects(source: str, objects: Mapping[str, Packed]) -> Inspection:
    """Tell what opening each object would build or run, and what making the environment would import. Nothing is run.

    Args:
        source: Where they come from, to be shown.
        objects: What ``packing.pack`` returned, from any source.

    Raises:
        CorruptArtifactError: An object is no pickle.
    """
    return Inspection(source, tuple(_inspected(kind, objects) for kind in objects), _environment(objects))


def _inspected(kind: str, objects: Mapping[str, Packed]) -> InspectedObject:
    packed, is_code = objects[kind], kind == CODE
    found = code.contents(packed.data) if is_code else codec.contents(packed.data)
    return InspectedObject(
        kind=kind,
        size=len(packed.data),
        sha256=packed.sha256,
        builds=found.builds,
        imports=tuple(map(str, found.reached)) if is_code else tuple(codec.foreign(found)),
        trusted=code_is_signed(objects) if is_code else None,
        strange=found.strange,
        constants=_constants(packed.data) if is_code else (),
        differing=_differing(objects) if is_code else (),
    )


def _environment(objects: Mapping[str, Packed]) -> InspectedEnvironment | None:
    try:
        state = state_of(objects)
    except StoreError:  # it is never loaded, so that nothing makes its environment
        return None
    env_id = state.get("env_id")
    module = split_id(env_id)[0] if isinstance(env_id, str) else None
    if not isinstance(env_id, str) or module is None:
        return None
    return InspectedEnvironment(env_id, module, environment_is_signed(objects, state))


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
