"""What a model is kept as: its state, and where its class cannot be imported, the class itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from rlkit.errors import CorruptArtifactError, StoreError, UntrustedArtifactError, warn_caller
from rlkit.storage import code, codec, opcodes, parts, trust

STATE = "state"
CODE = "code"


@dataclass(frozen=True)
class Packed:
    """One object of a model.

    Attributes:
        data: Its bytes.
        signature: This user's for all objects of the model together: on code, that it may be run; on a state, that its
            environment may be made, which a module registers. Empty for neither.
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
        ``"state"``, and ``"code"`` where the class is packed. Signed, unless this user's key cannot be written: each
        signature is for both together, so for algorithm and config too, which are in the state.

    Raises:
        StateError: The state is not plain data.
        ModelDefinitionError: The class cannot be packed.
    """
    objects = {STATE: Packed(codec.encode(state))}
    by_value = code.encode_class(model_class) if model_class is not None else None
    if by_value is not None:
        objects[CODE] = Packed(by_value)
        objects[CODE] = _signed(objects, CODE, trust.CODE)
    if sign_environment and _names_module(state):
        objects[STATE] = _signed(objects, STATE, trust.ENVIRONMENT)
    return objects


def _signed(objects: Mapping[str, Packed], kind: str, domain: bytes) -> Packed:
    try:
        return replace(objects[kind], signature=trust.sign(_statement(objects), domain))
    except StoreError:  # then loading asks for trust=True, as it does for anybody else's
        return objects[kind]


def _statement(objects: Mapping[str, Packed]) -> bytes:
    """Return what is signed: which objects are one model."""
    return "\n".join(objects[kind].sha256 if kind in objects else "none" for kind in (STATE, CODE)).encode()


def without_signatures(objects: Mapping[str, Packed]) -> dict[str, Packed]:
    """Return the objects as others get them, who have another key and should not see what this one says."""
    return {kind: replace(packed, signature="") for kind, packed in objects.items()}


def _names_module(state: Mapping[str, Any]) -> bool:
    """Whether the environment is one that a module registers, which making it imports."""
    return ":" in str(state.get("env_id") or "")


def environment_is_signed(objects: Mapping[str, Packed], state: Mapping[str, Any]) -> bool:
    """Whether this user chose, on this machine, the environment that a state names.

    Args:
        objects: What :func:`pack` returned, from any source.
        state: The state among them.
    """
    return _names_module(state) and trust.is_signed(_statement(objects), objects[STATE].signature, trust.ENVIRONMENT)


def code_is_signed(objects: Mapping[str, Packed]) -> bool:
    """Whether this user kept, on this machine, the class among the objects together with the others.

    Args:
        objects: What :func:`pack` returned, from any source; a class is among them.
    """
    return STATE in objects and trust.is_signed(_statement(objects), objects[CODE].signature, trust.CODE)


def open_class(objects: Mapping[str, Packed], origin: str, *, trusted: bool = False) -> type:
    """Return the class among the objects, which runs it: only where this user signed them on this machine, or says so.

    Args:
        objects: What :func:`pack` returned, from any source; a class is among them.
        origin: What to call them in an error.
        trusted: Whether the caller takes the responsibility.

    Raises:
        UntrustedArtifactError: They are neither signed nor trusted; nothing was run. The message lists what would be.
        CorruptArtifactError: It cannot be opened.
    """
    data = objects[CODE].data
    if not trusted and not code_is_signed(objects):
        reached = opcodes.shown(code.checked_contents(data).reached)
        problem = f"{origin} holds a class of its own, which was not kept by you on this machine: opening it runs code."
        if objects[CODE].signature:
            problem += (
                " Its signature is another user's, or for another state, or an older rlkit made it for any state."
            )
        raise UntrustedArtifactError(
            problem,
            f"Nothing was run. It reaches for {reached}. Say trust=True, or --trust, if you know where it comes from.",
        )
    return code.decode_class(data)


def warn_of_secrets(objects: Mapping[str, Packed], place: str) -> None:
    """Warn where the class among the objects holds what looks like a password or an access token.

    Args:
        objects: What :func:`pack` returned.
        place: Where they are kept.
    """
    found = parts.constants_of(objects[CODE].data) if CODE in objects else ()
    names = [constant.name for constant in found if constant.is_secret]
    if names:
        told = f"The class in {place} holds what looks like a secret: {opcodes.shown(names)}. Who has it can read that."
        remedy = "Read secrets where they are used, from os.environ for instance; inspect() lists all that it holds."
        warn_caller(f"{told} {remedy}")


def state_of(objects: Mapping[str, Packed]) -> dict[str, Any]:
    """Return the state among the objects, which runs nothing.

    Raises:
        CorruptArtifactError: There is none, or it is damaged.
        UntrustedArtifactError: It would run code; nothing was run.
    """
    if STATE not in objects:
        raise CorruptArtifactError("There is no state among the objects.", "Restore the file from a backup.")
    return codec.decode(objects[STATE].data)
