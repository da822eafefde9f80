"""Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347)."""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import model_validator

from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.models.on_policy import Batch, Loss, OnPolicyConfig, OnPolicyModel, standardized
from rlkit.nn.parameters import Array
from rlkit.schedules import as_schedule


class PPOConfig(OnPolicyConfig):
    """Hyperparameters of PPO, with the names and defaults of Stable-Baselines3."""

    preset_file: ClassVar[str] = "ppo.yaml"

    batch_size: int = hyperparameter(
        64, "Transitions in a minibatch.", ge=1, le=10_000_000, scale="log", unit="transitions", common=True
    )
    n_epochs: int = hyperparameter(
        10, "Passes over each rollout.", ge=1, le=1000, unit="epochs", common=True, live=True
    )
    clip_range: Scheduled = hyperparameter(
        0.2, "How far the probability ratio may move from 1 before it is clipped.", gt=0, common=True, live=True
    )
    clip_range_vf: Scheduled | None = hyperparameter(
        None,
        "How far a value may move from the rollout's; None for any. Depends on the scale of rewards.",
        gt=0,
        live=True,
    )
    normalize_advantage: bool = hyperparameter(
        True,  # noqa: FBT003 - the default
        "Whether the advantages of a minibatch get mean 0 and standard deviation 1.",
    )
    target_kl: float | None = hyperparameter(
        None,
        "An update ends when the KL divergence passes 1.5 times this; None for never.",
        gt=0,
        scale="log",
        live=True,
    )

    @classmethod
    def adjust(cls, values: Mapping[str, Any], *, chosen: AbstractSet[str]) -> dict[str, Any]:
        """Make a batch size that nobody chose at most a rollout."""
        names = ("n_envs", "n_steps", "batch_size")
        n_envs, n_steps, batch_size = (values.get(name, cls.model_fields[name].default) for name in names)
        if "batch_size" in chosen or not all(isinstance(value, int) for value in (n_envs, n_steps, batch_size)):
            return {}
        return {"batch_size": n_envs * n_steps} if 0 < n_envs * n_steps < batch_size else {}

    @model_validator(mode="after")
    def _batch_fits_rollout(self) -> Self:
        size = self.rollout_size
        if self.batch_size > size:
            message = (
                f"batch_size = {self.batch_size} is larger than a rollout "
                f"(n_envs {self.n_envs} x n_steps {self.n_steps} = {size}).\n"
                f"Use a batch_size of at most {size}, or more n_steps."
            )
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class PPOLoss(Loss):
    """PPO's loss on a minibatch: ``policy`` is the clipped surrogate, eq. 7 of the paper, negated.

    Attributes:
        approx_kl: Estimate of KL(old, new): mean of (r - 1) - log r (Schulman 2020, "Approximating KL divergence").
        clip_fraction: Part of the ratios outside the clip range.
    """

    approx_kl: float
    clip_fraction: float


def ppo_loss(  # noqa: D417 - the first three are described together
    log_probs: Array,
    entropies: Array,
    values: Array,
    batch: Batch,
    config: PPOConfig,
    *,
    clip_range: float,
    clip_range_vf: float | None = None,
) -> PPOLoss:
    """Return PPO's loss and its gradients.

    Args:
        log_probs, entropies, values: Of the batch's actions, policy and states by the networks now, each ``(batch,)``.
        batch: The minibatch.
        config: The coefficients.
        clip_range: How far the probability ratio may move from 1.
        clip_range_vf: How far a value may move from the rollout's; None for any.
    """
    n = len(batch)
    advantages = standardized(batch.advantages) if config.normalize_advantage else batch.advantages

    log_ratio = log_probs - batch.log_probs
    ratio = np.exp(log_ratio)
    clipped_ratio = np.minimum(np.maximum(ratio, 1 - clip_range), 1 + clip_range)
    surrogate, clipped = ratio * advantages, clipped_ratio * advantages
    policy_loss = -_mean(np.minimum(surrogate, clipped))
    entropy_loss = -_mean(entropies)
    value_loss, by_values = _value_loss(values, batch, clip_range_vf)
    return PPOLoss(
        total=policy_loss + config.ent_coef * entropy_loss + config.vf_coef * value_loss,
        policy=policy_loss,
        value=value_loss,
        entropy=entropy_loss,
        approx_kl=_mean(ratio - 1 - log_ratio),
        clip_fraction=np.count_nonzero(ratio != clipped_ratio) / n,
        # Where the clipped term is the smaller one, the ratio has left the range and the gradient is 0.
        by_log_probs=np.where(surrogate <= clipped, surrogate, 0) / -n,
        by_entropy=-config.ent_coef / n,
        by_values=config.vf_coef * by_values,
    )


def _value_loss(values: Array, batch: Batch, clip_range_vf: float | None) -> tuple[float, Array]:
    """Return the mean squared error of the values, and its gradient by them, ``(batch,)``."""
    if clip_range_vf is None:
        error = slope = values - batch.returns
    else:  # as SB3: the clipped value alone; OpenAI's baselines takes the larger of both errors
        moved = values - batch.values
        error = batch.values + np.clip(moved, -clip_range_vf, clip_range_vf) - batch.returns
        slope = error * (np.abs(moved) < clip_range_vf)  # a clipped value no longer depends on the network
    return _mean(error * error), (2 / len(batch)) * slope


def _mean(values: Array) -> float:
    return float(values.sum()) / values.size  # ndarray.mean takes twice as long on a minibatch


class PPO(OnPolicyModel):
    """Proximal Policy Optimization: several epochs of minibatches on each rollout, with a clipped objective.

    A good first choice: robust, and fast on many environments. Schulman et al. 2017, arXiv 1707.06347.
    """

    algorithm: ClassVar[str] = "ppo"
    Config: ClassVar[type[ModelConfig]] = PPOConfig
    config: PPOConfig

    def _update(self, batch: Batch, progress_remaining: float) -> dict[str, float]:
        before = self._get_networks()
        try:
            return self._epochs(batch, progress_remaining)
        except BaseException:  # an interrupt too: half an update is none
            self._set_networks(before)
            raise

    def _epochs(self, batch: Batch, progress_remaining: float) -> dict[str, float]:
        config = self.config
        learning_rate = as_schedule(config.learning_rate)(progress_remaining)
        clip_range = as_schedule(config.clip_range)(progress_remaining)
        clip_range_vf = config.clip_range_vf
        if clip_range_vf is not None:
            clip_range_vf = as_schedule(clip_range_vf)(progress_remaining)
        used = {"learning_rate": learning_rate, "clip_range": clip_range}
        if clip_range_vf is not None:
            used["clip_range_vf"] = clip_range_vf

        losses: list[PPOLoss] = []
        for _ in range(config.n_epochs):
            for minibatch in batch.minibatches(config.batch_size, self._rng):
                policy, values = self.network.forward(minibatch.observations)
                log_probs, entropies = policy.log_prob(minibatch.actions), policy.entropy()
                loss = ppo_loss(
                    log_probs,
                    entropies,
                    values,
                    minibatch,
                    config,
                    clip_range=clip_range,
                    clip_range_vf=clip_range_vf,
                )
                losses.append(loss)
                if config.target_kl is not None and loss.approx_kl > 1.5 * config.target_kl:
                    return self._metrics(batch, losses, used)
                by_outputs = policy.backward(minibatch.actions, loss.by_log_probs, loss.by_entropy)
                parts = {"policy_loss": loss.policy, "value_loss": loss.value}
                self._descend(by_outputs, loss.by_values, learning_rate, parts)
        return self._metrics(batch, losses, used)

    @staticmethod
    def _metrics(batch: Batch, losses: list[PPOLoss], used: Mapping[str, float]) -> dict[str, float]:
        """Return means over the minibatches, and figures of the update as a whole, hyperparameters among them."""

        def mean(name: str) -> float:
            return float(sum(getattr(loss, name) for loss in losses)) / len(losses)

        return {
            "policy_loss": mean("policy"),
            "value_loss": mean("value"),
            "entropy": -mean("entropy"),
            "approx_kl": mean("approx_kl"),
            "clip_fraction": mean("clip_fraction"),
            "explained_variance": batch.explained_variance,
            **used,
            "minibatches": float(len(losses)),
        }
