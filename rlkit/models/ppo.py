"""Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import model_validator

from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.errors import TrainingError
from rlkit.models.on_policy import ActorCritic, Batch, OnPolicyConfig, OnPolicyModel
from rlkit.nn.distributions import Categorical
from rlkit.nn.optimizers import clip_global_norm
from rlkit.nn.parameters import Array
from rlkit.schedules import as_schedule


class PPOConfig(OnPolicyConfig):
    """Hyperparameters of PPO, with the names and defaults of Stable-Baselines3."""

    preset_file: ClassVar[str] = "ppo.yaml"

    batch_size: int = hyperparameter(
        64, "Transitions in a minibatch.", ge=1, scale="log", unit="transitions", common=True
    )
    n_epochs: int = hyperparameter(10, "Passes over each rollout.", ge=1, le=1000, unit="epochs", common=True)
    clip_range: Scheduled = hyperparameter(
        0.2, "How far the probability ratio may move from 1 before its gradient stops.", gt=0, common=True
    )
    clip_range_vf: Scheduled | None = hyperparameter(
        None,
        "How far a value may move from the rollout's; None for any. Depends on the scale of rewards.",
        gt=0,
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
        size = self.n_envs * self.n_steps
        if self.batch_size > size:
            message = (
                f"batch_size = {self.batch_size} is larger than a rollout "
                f"(n_envs {self.n_envs} x n_steps {self.n_steps} = {size}).\n"
                f"Use a batch_size of at most {size}, or more n_steps."
            )
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Loss:
    """PPO's loss on a minibatch, its parts, and its gradients.

    Attributes:
        total: What is minimised, eq. 9 of the paper negated: policy + ent_coef * entropy + vf_coef * value.
        policy: Clipped surrogate, eq. 7, negated.
        value: Mean squared error of the values.
        entropy: Mean entropy of the policy in nats, negated.
        approx_kl: Estimate of KL(old, new): mean of (r - 1) - log r (Schulman 2020, "Approximating KL divergence").
        clip_fraction: Part of the ratios outside the clip range.
        logits_gradient: Gradient of ``total`` by the logits, ``(batch, choices)``.
        values_gradient: Gradient of ``total`` by the values, ``(batch,)``.
    """

    total: float
    policy: float
    value: float
    entropy: float
    approx_kl: float
    clip_fraction: float
    logits_gradient: Array
    values_gradient: Array


def ppo_loss(  # noqa: D417 - logits and values are the network's output
    logits: Array,
    values: Array,
    batch: Batch,
    config: PPOConfig,
    clip_range: float,
    *,
    clip_range_vf: float | None = None,
) -> Loss:
    """Return PPO's loss and its gradients by ``logits`` and ``values``.

    Args:
        logits, values: What the networks say now, ``(batch, choices)`` and ``(batch,)``.
        batch: The minibatch.
        config: The coefficients.
        clip_range: How far the probability ratio may move from 1.
        clip_range_vf: How far a value may move from the rollout's; None for any.
    """
    n = len(batch)
    advantages = _standardized(batch.advantages) if config.normalize_advantage and n > 1 else batch.advantages

    policy = Categorical(logits)
    log_ratio = policy.log_prob(batch.actions) - batch.log_probs
    ratio = np.exp(log_ratio)
    clipped_ratio = np.minimum(np.maximum(ratio, 1 - clip_range), 1 + clip_range)
    surrogate, clipped = ratio * advantages, clipped_ratio * advantages
    # Where the clipped term is the smaller one, the ratio has left the range and the gradient is 0.
    by_log_prob = np.where(surrogate <= clipped, surrogate, 0) / -n
    logits_gradient = policy.log_prob_backward(batch.actions, by_log_prob)
    entropy = policy.entropy()
    if config.ent_coef:
        logits_gradient += policy.entropy_backward(np.full_like(ratio, -config.ent_coef / n))

    policy_loss = -_mean(np.minimum(surrogate, clipped))
    value_loss, value_loss_gradient = _value_loss(values, batch, clip_range_vf)
    entropy_loss = -_mean(entropy)
    return Loss(
        total=policy_loss + config.ent_coef * entropy_loss + config.vf_coef * value_loss,
        policy=policy_loss,
        value=value_loss,
        entropy=entropy_loss,
        approx_kl=_mean(ratio - 1 - log_ratio),
        clip_fraction=np.count_nonzero(ratio != clipped_ratio) / n,
        logits_gradient=logits_gradient,
        values_gradient=config.vf_coef * value_loss_gradient,
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


def _standardized(values: Array) -> Array:
    """Return ``values`` with mean 0 and sample standard deviation 1."""
    centred = values - values.sum() / values.size
    deviation = np.sqrt(np.dot(centred, centred) / (values.size - 1))
    standardized: Array = centred / (deviation + 1e-8)
    return standardized


class PPO(OnPolicyModel):
    """Proximal Policy Optimization: several epochs of minibatches on each rollout, with a clipped objective.

    A good first choice: robust, and fast on many environments. Schulman et al. 2017, arXiv 1707.06347.
    """

    algorithm: ClassVar[str] = "ppo"
    Config: ClassVar[type[ModelConfig]] = PPOConfig
    config: PPOConfig
    network: ActorCritic

    def _update(self, batch: Batch, progress_remaining: float) -> dict[str, float]:
        config = self.config
        learning_rate = as_schedule(config.learning_rate)(progress_remaining)
        clip_range = as_schedule(config.clip_range)(progress_remaining)
        clip_range_vf = config.clip_range_vf
        if clip_range_vf is not None:
            clip_range_vf = as_schedule(clip_range_vf)(progress_remaining)

        losses: list[Loss] = []
        for _ in range(config.n_epochs):
            for minibatch in batch.minibatches(config.batch_size, self._rng):
                logits, values = self.network.forward(minibatch.observations)
                loss = ppo_loss(logits, values, minibatch, config, clip_range, clip_range_vf=clip_range_vf)
                losses.append(loss)
                if config.target_kl is not None and loss.approx_kl > 1.5 * config.target_kl:
                    return self._metrics(batch, losses, learning_rate, clip_range)
                self.network.backward(loss.logits_gradient, loss.values_gradient)
                gradient = self.network.parameters.gradient
                norm = clip_global_norm(gradient, config.max_grad_norm)
                if not math.isfinite(norm):  # before the step: the parameters are still good
                    problem = (
                        f"The gradient is no longer finite: the policy loss is {loss.policy}, {loss.value} the value's."
                    )
                    raise TrainingError(
                        problem, "Lower learning_rate, or look for nan and inf in what the environment gives."
                    )
                self._optimizer.step(gradient, learning_rate)
        return self._metrics(batch, losses, learning_rate, clip_range)

    @staticmethod
    def _metrics(batch: Batch, losses: list[Loss], learning_rate: float, clip_range: float) -> dict[str, float]:
        """Return means over the minibatches, and figures of the update as a whole.

        ``explained_variance`` is the part of the returns' variance that the values of the rollout explain: 1 is all
        of it, 0 as much as a constant does; NaN where the returns do not vary.
        """

        def mean(name: str) -> float:
            return float(np.mean([getattr(loss, name) for loss in losses]))

        variance = float(batch.returns.var())
        unexplained = float((batch.returns - batch.values).var())
        return {
            "policy_loss": mean("policy"),
            "value_loss": mean("value"),
            "entropy": -mean("entropy"),
            "approx_kl": mean("approx_kl"),
            "clip_fraction": mean("clip_fraction"),
            "explained_variance": 1 - unexplained / variance if variance else float("nan"),
            "learning_rate": learning_rate,
            "clip_range": clip_range,
            "minibatches": float(len(losses)),
        }
