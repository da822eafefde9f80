"""Hyperparameters that all algorithms share, and the types of layer sizes and of normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.nn.mlp import Activation

_LARGEST_LAYER = 8192
"""Units: the matrix between two such layers takes 256 MB, and so does each of the optimizer's two means."""

_MOST_LAYERS = 100


def _read_sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(size) is int and size > 0 for size in value):
        message = "layer sizes must be a list of whole numbers above 0"
        raise ValueError(message)
    if len(value) > _MOST_LAYERS:
        message = f"there can be {_MOST_LAYERS} layers at most"
        raise ValueError(message)
    if any(size > _LARGEST_LAYER for size in value):
        message = f"a layer can have {_LARGEST_LAYER} units at most"
        raise ValueError(message)
    return tuple(value)


@dataclass(frozen=True, slots=True)
class NetArch:
    """Hidden layer sizes of the policy (``pi``) and the value function (``vf``), which share no layers."""

    pi: tuple[int, ...]
    vf: tuple[int, ...]


def _read_net_arch(value: object) -> object:
    """Read ``[64, 64]``, ``{"pi": [64], "vf": [64]}`` or, as older SB3 has it, a list of one such dict."""
    if isinstance(value, NetArch):
        return value
    if isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], Mapping):
        value = value[0]
    sizes: Mapping[str, Any] = value if isinstance(value, Mapping) else {"pi": value, "vf": value}
    if set(sizes) != {"pi", "vf"}:
        message = f"it has the parts {sorted(map(str, sizes))}, not pi and vf"
        raise ValueError(message)
    return NetArch(_read_sizes(sizes["pi"]), _read_sizes(sizes["vf"]))


def _write_net_arch(value: NetArch) -> Any:
    if value.pi == value.vf:
        return list(value.pi)
    return {"pi": list(value.pi), "vf": list(value.vf)}


_SIZES_SCHEMA = {"type": "array", "items": {"type": "integer"}}

NetArchField = Annotated[
    NetArch,
    BeforeValidator(_read_net_arch),
    PlainSerializer(_write_net_arch),
    WithJsonSchema({"anyOf": [_SIZES_SCHEMA, {"type": "object"}]}),
]
LayersField = Annotated[
    tuple[int, ...], BeforeValidator(_read_sizes), PlainSerializer(list), WithJsonSchema(_SIZES_SCHEMA)
]


def _read_normalize(value: object) -> object:
    """Read True, False or, as RL Zoo has it, ``{"norm_obs": True, "norm_reward": False}``."""
    if isinstance(value, Mapping):
        unknown = set(value) - {"norm_obs", "norm_reward"}
        if unknown:
            message = f"it has the parts {sorted(map(str, unknown))}, not only norm_obs and norm_reward"
            raise ValueError(message)
        parts = (bool(value.get("norm_obs", True)), bool(value.get("norm_reward", True)))
        return {(True, True): "both", (True, False): "observations", (False, True): "rewards"}.get(parts, "none")
    if isinstance(value, bool) or value is None:
        return "both" if value else "none"
    return value


Normalize = Annotated[Literal["none", "observations", "rewards", "both"], BeforeValidator(_read_normalize)]


class TrainingConfig(ModelConfig):
    """Hyperparameters that all algorithms share."""

    n_timesteps: int = hyperparameter(
        100_000, "Environment steps of train() by default.", ge=1, scale="log", unit="steps"
    )
    n_envs: int = hyperparameter(
        1,
        "Environments that are stepped together.",
        ge=1,
        le=4096,
        scale="log",
        unit="environments",
        common=True,
    )
    learning_rate: Scheduled = hyperparameter(
        3e-4, "Step size of the optimizer.", gt=0, le=1, scale="log", common=True, live=True
    )
    gamma: float = hyperparameter(0.99, "Discount of rewards to come.", ge=0, le=1, common=True)
    normalize: Normalize = hyperparameter(
        "none", "What is scaled by running statistics: observations, rewards, both (True) or none (False).", common=True
    )
    max_grad_norm: float = hyperparameter(0.5, "Maximum norm of the gradient, which is clipped to it.", gt=0, live=True)
    activation: Activation = hyperparameter("tanh", "Nonlinearity of the hidden layers.")
