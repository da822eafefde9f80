"""Advantage Actor-Critic, the synchronous form of A3C (Mnih et al. 2016, arXiv 1602.01783)."""

from __future__ import annotations

from typing import ClassVar, Literal

from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.models.on_policy import Batch, Loss, OnPolicyConfig, OnPolicyModel, standardized
from rlkit.nn.optimizers import Adam, Optimizer, RMSprop
from rlkit.nn.parameters import Array
from rlkit.schedules import as_schedule


class A2CConfig(OnPolicyConfig):
    """Hyperparameters of A2C, with the names and defaults of Stable-Baselines3."""

    preset_file: ClassVar[str] = "a2c.yaml"

    learning_rate: Scheduled = hyperparameter(
        7e-4, "Step size of the optimizer.", gt=0, le=1, scale="log", common=True, live=True
    )
    n_steps: int = hyperparameter(
        5,
        "Steps of each environment between updates.",
        ge=1,
        le=1_000_000,
        scale="log",
        unit="steps",
        common=True,
    )
    gae_lambda: float = hyperparameter(
        1.0, "Trade-off between bias (0) and variance (1) of the advantages.", ge=0, le=1, common=True
    )
    normalize_advantage: bool = hyperparameter(
        False,  # noqa: FBT003 - the default
        "Whether the advantages of a rollout get mean 0 and standard deviation 1.",
    )
    optimizer: Literal["rmsprop", "rmsprop_tf", "adam"] = hyperparameter(
        "rmsprop", "RMSprop in PyTorch's form or in TensorFlow's, with which A2C was published, or Adam."
    )
    rms_prop_eps: float = hyperparameter(1e-5, "What keeps the optimizer's division finite.", gt=0, scale="log")


def a2c_loss(log_probs: Array, entropies: Array, values: Array, batch: Batch, config: A2CConfig) -> Loss:  # noqa: D417
    """Return A2C's loss, whose policy part is the mean of -advantage * log-probability, and its gradients.

    Args:
        log_probs, entropies, values: Of the batch's actions, policy and states by the networks now, each ``(batch,)``.
        batch: The rollout.
        config: The coefficients.
    """
    n = len(batch)
    advantages = standardized(batch.advantages) if config.normalize_advantage else batch.advantages
    error = values - batch.returns
    policy_loss = -float(advantages @ log_probs) / n
    value_loss = float(error @ error) / n
    entropy_loss = -float(entropies.sum()) / n
    return Loss(
        total=policy_loss + config.ent_coef * entropy_loss + config.vf_coef * value_loss,
        policy=policy_loss,
        value=value_loss,
        entropy=entropy_loss,
        by_log_probs=advantages / -n,
        by_entropy=-config.ent_coef / n,
        by_values=config.vf_coef * ((2 / n) * error),
    )


class A2C(OnPolicyModel):
    """Advantage Actor-Critic: one step of the optimizer on each short rollout of many environments.

    Cheap updates and little memory; needs more steps than PPO. Mnih et al. 2016, arXiv 1602.01783.
    """

    algorithm: ClassVar[str] = "a2c"
    Config: ClassVar[type[ModelConfig]] = A2CConfig
    config: A2CConfig

    def _make_optimizer(self, vector: Array) -> Optimizer:
        config = self.config
        if config.optimizer == "adam":
            return Adam(vector, eps=config.rms_prop_eps)
        return RMSprop(vector, eps=config.rms_prop_eps, tensorflow=config.optimizer == "rmsprop_tf")

    def _update(self, batch: Batch, progress_remaining: float) -> dict[str, float]:
        learning_rate = as_schedule(self.config.learning_rate)(progress_remaining)
        policy, values = self.network.forward(batch.observations)
        loss = a2c_loss(policy.log_prob(batch.actions), policy.entropy(), values, batch, self.config)
        by_outputs = policy.backward(batch.actions, loss.by_log_probs, loss.by_entropy)
        parts = {"policy_loss": loss.policy, "value_loss": loss.value}
        self._descend(by_outputs, loss.by_values, learning_rate, parts)
        return {
            **parts,
            "entropy": -loss.entropy,
            "explained_variance": batch.explained_variance,
            "learning_rate": learning_rate,
        }
