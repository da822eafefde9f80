"""Evaluation: a policy's returns in environments of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlkit.display import html, svg, text
from rlkit.envs import VectorEnvironment
from rlkit.envs.spaces import Features
from rlkit.nn.threads import one_blas_thread


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Returns of complete episodes.

    Attributes:
        returns: Sum of rewards of each episode, float64 ``(episodes,)``.
        lengths: Steps of each episode, int64 ``(episodes,)``.
        title: What was evaluated.
        seed: Seed of the environments.
        deterministic: Whether the policy took its most probable action.
        reward_threshold: The mean return from which the environment counts as solved, or None.
        cut_off: How many episodes did not end by themselves, but after the steps that the evaluation gave them.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    title: str
    seed: int
    deterministic: bool = True
    reward_threshold: float | None = None
    cut_off: int = 0

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return len(self.returns)

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def std(self) -> float:
        """Standard deviation of the returns, with ``episodes`` in the denominator, as SB3 reports it."""
        return float(self.returns.std())

    @property
    def min(self) -> float:
        """Lowest return."""
        return float(self.returns.min())

    @property
    def max(self) -> float:
        """Highest return."""
        return float(self.returns.max())

    @property
    def median(self) -> float:
        """Median return."""
        return float(np.median(self.returns))

    @property
    def metrics(self) -> dict[str, float]:
        """The figures that a registry keeps with a version."""
        return {
            "mean_return": self.mean,
            "std_return": self.std,
            "min_return": self.min,
            "max_return": self.max,
            "mean_length": float(self.lengths.mean()),
            "eval_episodes": float(self.episodes),
        }

    def _figures(self) -> list[tuple[str, str]]:
        figures = [
            ("mean return", f"{text.number(self.mean)} ± {text.number(self.std)}"),
            ("lowest, median, highest", " · ".join(map(text.number, (self.min, self.median, self.max)))),
            ("mean length", text.number(float(self.lengths.mean()))),
            ("episodes", f"{text.number(self.episodes)}, seed {self.seed}"),
            ("actions", "most probable" if self.deterministic else "drawn from the policy"),
        ]
        if self.cut_off:
            figures.append(
                ("cut off", f"{text.number(self.cut_off)} after {text.number(int(self.lengths.max()))} steps")
            )
        if self.reward_threshold is not None:
            verdict = "reached" if self.mean >= self.reward_threshold else "not reached"
            figures.append(("solved from", f"{text.number(self.reward_threshold)}: {verdict}"))
        return figures

    def __repr__(self) -> str:
        return f"{text.one_line(self.title)}\n{text.fields(self._figures())}"

    def _repr_html_(self) -> str:
        alt = f"Histogram of {self.episodes} returns: mean {text.number(self.mean)}"
        picture = svg.picture(svg.histogram(self.returns, label="return"), alt)
        return html.card(self.title, fields=self._figures(), picture=picture)


def play_episodes(
    act: Callable[[Features], NDArray[Any]],
    environment: VectorEnvironment,
    episodes: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return returns and lengths, each of shape ``(episodes,)``, of a policy's episodes.

    Every environment plays a share that is fixed beforehand: to take the first episodes to end would favour short ones.

    Args:
        act: Returns actions for features of shape ``(n_envs, size)``.
        environment: Where to play.
        episodes: How many episodes.
        seed: Seed of the environments.
    """
    n = environment.num_envs
    shares = [len(range(i, episodes, n)) for i in range(n)]
    finished: list[list[tuple[float, int]]] = [[] for _ in range(n)]
    with one_blas_thread():
        observations = environment.reset(seed)
        while any(len(done) < share for done, share in zip(finished, shares, strict=True)):
            step = environment.step(act(observations))
            for episode in step.episodes:
                if len(finished[episode.env]) < shares[episode.env]:
                    finished[episode.env].append((episode.episode_return, episode.length))
            observations = step.observations
    in_order = [finished[k % n][k // n] for k in range(episodes)]
    returns, lengths = zip(*in_order, strict=True)
    return np.array(returns, np.float64), np.array(lengths, np.int64)
