"""What a model is kept as: its state, and where its class cannot be imported, the class itself."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rlkit.errors import CorruptArtifactError, StoreError, UntrustedArtifactError
from rlkit.storage import code, codec, parts, trust

STATE = "state"
CODE = "code"
_SHOWN = 12  # names of imports that fit into an error


@dataclass(frozen=True)
class Packed:
    """One object of a model.

    Attributes:
        data: Its bytes.
        signature: Of code, and of a state whose environment a module registers, what this user's key says of it; empty
            where it could not be signed.
    """

    data: bytes
    signature: str = ""

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class PackedModel:
    """A model as a file or a registry keeps it.

    Attributes:
        metadata: What is told about it: JSON values.
        objects: What it is rebuilt from: see :func:`pack`.
    """

    metadata: Mapping[str, Any]
    objects: Mapping[str, Packed]


def pack(
    state: dict[str, Any], model_class: type | None = None, *, sign_environment: bool = False
) -> dict[str, Packed]:
    """Return the objects that a model is rebuilt from.

    Args:
        state: What the model gave: plain data.
        model_class: Its class, which is packed too where no other process could import it.
        sign_environment: Whether this user chose the environment: the state is signed where a module registers that,
            so that loading may import it.

    Returns:
        ``"state"``, and ``"code"`` where the class is packed: signed, unless this user's key cannot be written.

    Raises:
        StateError: The state is not plain data.
        ModelDefinitionError: The class cannot be packed.
    """
    data = codec.encode(state)
    signed = sign_environment and _names_module(state)
    objects = {STATE: Packed(data, _signature(_digest(data), trust.ENVIRONMENT) if signed else "")}
    by_value = code.encode_class(model_class) if model_class is not None else None
    if by_value is not None:
        objects[CODE] = Packed(by_value, _signature(by_value))
    return objects


def _signature(data: bytes, domain: bytes = trust.CODE) -> str:
    try:
        return trust.sign(data, domain)
    except StoreError:  # then loading asks for trust=True, as it does for anybody else's code
        return ""


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _names_module(state: Mapping[str, Any]) -> bool:
    """Whether the environment is one that a module registers, which making it imports."""
    return ":" in str(state.get("env_id") or "")


def environment_is_signed(objects: Mapping[str, Packed], state: Mapping[str, Any]) -> bool:
    """Whether this user chose, on this machine, the environment that a state names.

    Args:
        objects: What :func:`pack` returned, from any source.
        state: The state among them.
    """
    packed = objects[STATE]
    return _names_module(state) and trust.is_signed(_digest(packed.data), packed.signature, trust.ENVIRONMENT)


def open_class(packed: Packed, origin: str, *, trusted: bool = False) -> type:
    """Return the class in a code object, which runs it: only where this user signed it on this machine, or says so.

    Args:
        packed: The object.
        origin: What to call it in an error.
        trusted: Whether the caller takes the responsibility.

    Raises:
        UntrustedArtifactError: It is neither signed nor trusted; nothing was run. The message lists what would be.
        CorruptArtifactError: It cannot be opened.
    """
    if not trusted and not trust.is_signed(packed.data, packed.signature):
        found = code.imports_of(packed.data)
        names = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
        reaches = f"It reaches for {names}." if names else "It imports nothing by name."
        problem = f"{origin} holds a class of its own, which was not kept by you on this machine: opening it runs code."
        raise UntrustedArtifactError(
            problem, f"Nothing was run. {reaches} Say trust=True, or --trust, if you know where it comes from."
        )
    return code.decode_class(packed.data)


def warn_of_secrets(objects: Mapping[str, Packed], place: str, *, stacklevel: int) -> None:
    """Warn where the class among the objects holds what looks like a password or an access token.

    Args:
        objects: What :func:`pack` returned.
        place: Where they are kept.
        stacklevel: As ``warnings.warn`` takes it.
    """
    found = parts.constants_of(objects[CODE].data) if CODE in objects else ()
    names = [constant.name for constant in found if constant.is_secret]
    if names:
        listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        told = f"The class in {place} holds what looks like a secret: {listed}. Whoever has it can read that."
        remedy = "Read secrets where they are used, from os.environ for instance; inspect() lists all that it holds."
        warnings.warn(f"{told} {remedy}", stacklevel=stacklevel)


def state_of(objects: Mapping[str, Packed]) -> dict[str, Any]:
    """Return the state among the objects, which runs nothing.

    Raises:
        CorruptArtifactError: There is none, or it is damaged.
        UntrustedArtifactError: It would run code; nothing was run.
    """
    if STATE not in objects:
        raise CorruptArtifactError("There is no state among the objects.", "Restore the file from a backup.")
    return codec.decode(objects[STATE].data)
